// Signatures: what WebCrypto says in the shell, and what the command line's own check says on this machine, for each algorithm.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { CompactSign, exportJWK, generateKeyPair } from 'jose';
import { realFiles } from '../../packages/bargate/cli/real_files.mjs';
import { run } from '../../packages/bargate/cli/run.mjs';
import { verify } from '../../packages/bargate/cli/signatures.mjs';
import { MODULE, native, shell } from './support/shell.mjs';

const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
const NOW = 1_800_000_000;
const ISSUER = 'https://tenant.example/';
const FLAGS = ['token', 'explain', '-', '--no-config', '--at', String(NOW), '--format', 'json', '--issuer', ISSUER];

/** Puts another signature in the place of a token's. */
const signedBy = (change) => (token) => {
  const [header, claims, signature] = token.split('.');
  return [header, claims, change(Buffer.from(signature, 'base64url')).toString('base64url')].join('.');
};
const flipped = (bytes) => Buffer.from(bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte)));

const BASELINE = 'the baseline';
/** The baseline, and one change of it a row: of the token, of its key's numbers, or of which key it is. */
const ROWS = [
  [BASELINE, {}, 'accepted'],
  ['a bit of the signature is another', { token: signedBy(flipped) }, 'refused'],
  ['a signature of zeros', { token: signedBy((bytes) => Buffer.alloc(bytes.length)) }, 'refused'],
  ['a byte is missing', { token: signedBy((bytes) => bytes.subarray(1)) }, 'refused'],
  ['a byte too many', { token: signedBy((bytes) => Buffer.concat([bytes, Buffer.from([0])])) }, 'refused'],
  ['one byte', { token: signedBy(() => Buffer.from([1])) }, 'refused'],
  [
    'other claims',
    { token: (token) => token.replace(/\.[^.]+\./, `.${encoded({ iss: ISSUER, aud: 'b' })}.`) },
    'refused',
  ],
  ['the key of another', { other: true }, 'refused'],
  ['numbers that are no key', { key: (key) => Object.fromEntries(Object.entries(key).map(broken)) }, 'refused'],
];

const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A public exponent, or a coordinate, that no key has; the curve's equation does not hold. */
function broken([name, value]) {
  if (name !== 'n' && name !== 'x') return [name, value];
  const bytes = Buffer.from(value, 'base64url');
  return [name, Buffer.from(bytes.map((byte, index) => (index ? byte ^ 0x55 : byte))).toString('base64url')];
}

describe('a signature is judged alike by WebCrypto and on this machine', () => {
  let folder;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'bargate-tokens-'))));
  after(() => rmSync(folder, { recursive: true }));

  for (const algorithm of ALGORITHMS) {
    test(algorithm, async () => {
      const [signer, another] = await Promise.all([keysOf(algorithm), keysOf(algorithm)]);
      const claims = { iss: ISSUER, aud: 'a', exp: NOW + 60, iat: NOW };
      const token = await new CompactSign(Buffer.from(JSON.stringify(claims)))
        .setProtectedHeader({ alg: algorithm, kid: 'k' })
        .sign(signer.privateKey);
      for (const [message, { token: changed = (same) => same, key = (same) => same, other = false }, verdict] of ROWS) {
        const jwk = key(await exportJWK((other ? another : signer).publicKey));
        const file = join(folder, `${algorithm}.json`);
        writeFileSync(file, JSON.stringify({ keys: [{ ...jwk, kid: 'k' }] }));
        const args = [...FLAGS, '--audience', 'a', '--algorithm', algorithm, '--jwks', file];
        const how = { input: changed(token) };
        const inShell =
          message === BASELINE ? shell(args, how) : run(MODULE, { args, stdin: how.input, files: realFiles() });
        const [here, { status, stdout, stderr }] = await Promise.all([native(args, how), inShell]);
        assert.deepEqual({ status, stdout, stderr }, here, `${algorithm}: ${message}`);
        assert.equal(JSON.parse(here.stdout).verdict, verdict, `${algorithm}: ${message}: ${here.stdout}`);
      }
    });
  }

  test('a shared secret, HS256', async () => {
    const secret = Buffer.alloc(32, 7);
    const token = await new CompactSign(Buffer.from('{}')).setProtectedHeader({ alg: 'HS256' }).sign(secret);
    const [header, claims, signature] = token.split('.');
    const question = {
      algorithm: 'HS256',
      key: JSON.stringify({ kty: 'oct', k: secret.toString('base64url') }),
      signed: Buffer.from(`${header}.${claims}`).toString('base64url'),
      signature,
    };
    assert.deepEqual(await verify(question), { verified: true });
    assert.deepEqual(await verify({ ...question, signature: 'AAAA' }), { verified: false });
  });

  test('where a runtime lacks the algorithm nothing is accepted and nothing refused', async () => {
    const { publicKey, privateKey } = await keysOf('ES512');
    const token = await new CompactSign(Buffer.from(JSON.stringify({ iss: ISSUER, aud: 'a', exp: NOW + 60 })))
      .setProtectedHeader({ alg: 'ES512' })
      .sign(privateKey);
    const args = [...FLAGS, '--audience', 'a', '--algorithm', 'ES512', '--jwks', 'keys.json'];
    const files = { 'keys.json': JSON.stringify({ keys: [await exportJWK(publicKey)] }) };
    const answer = () => ({ error: 'this runtime lacks ES512' });
    const { status, stdout } = await run(MODULE, { args, files, stdin: token, answer });
    const report = JSON.parse(stdout);
    assert.equal(report.verdict, 'undecided');
    assert.equal(status, 2);
    assert.match(stdout, /could not be checked: this runtime lacks ES512/);
    assert.deepEqual(
      await verify({ algorithm: 'RS999', key: '{"kty":"RSA","n":"AQAB","e":"AQAB"}', signed: '', signature: '' }),
      {
        error: "this runtime's WebCrypto does not do RS999 (NotSupportedError)",
      },
    );
  });
});

/** @param {string} algorithm */
const keysOf = (algorithm) => generateKeyPair(algorithm, { extractable: true });
