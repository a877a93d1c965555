// Project Wycheproof's vectors through the functions by which the Worker verifies signatures (src/edge/runtime/webcrypto.js), on
// workerd. Which keys it uses at all, and for which algorithm, src/jwks.rs decides: tests/wycheproof.rs has the same vectors.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT, compatibilityDate, compatibilityFlags } from '../support/harness.mjs';
import { Miniflare, convertV4MiniflareOptions } from '../support/miniflare.mjs';
import { vectorsOf } from '../support/wycheproof.mjs';

/** Verifies each of a list, and says of each whether it is genuine; a key or a signature that WebCrypto refuses is not. */
const ENTRY = `
  import { import_key, verify } from './webcrypto.js';

  const bytes = (text) => Uint8Array.fromBase64(text);

  async function isGenuine({ jwk, algorithm, message, signature }) {
    try {
      return await verify(await import_key(JSON.stringify(jwk), algorithm), bytes(signature), bytes(message));
    } catch {
      return false;
    }
  }

  export default {
    async fetch(request) {
      return Response.json(await Promise.all((await request.json()).map(isGenuine)));
    },
  };
`;

/** The files of signatures as a JWS has them, by algorithm. */
const AS_IN_JWS = {
  RS256: ['2048', '3072', '4096', '8192'].map((bits) => `rsa_signature_${bits}_sha256`),
  RS384: ['2048', '3072', '4096', '8192'].map((bits) => `rsa_signature_${bits}_sha384`),
  RS512: ['2048', '3072', '4096', '8192'].map((bits) => `rsa_signature_${bits}_sha512`),
  PS256: ['2048', '3072', '4096'].map((bits) => `rsa_pss_${bits}_sha256_mgf1_32`),
  PS384: ['2048', '4096'].map((bits) => `rsa_pss_${bits}_sha384_mgf1_48`),
  PS512: ['rsa_pss_4096_sha512_mgf1_64'],
  ES256: ['ecdsa_secp256r1_sha256_p1363'],
  ES384: ['ecdsa_secp384r1_sha384_p1363'],
  ES512: ['ecdsa_secp521r1_sha512_p1363'],
  EdDSA: ['ed25519'],
};

/**
 * Files of signatures that are genuine, but none of a JWS (RFC 7518 section 3): each is refused. Among those that the file itself
 * calls wrong may be one, named last, that was made exactly as a JWS needs it: that one is genuine here.
 */
const NOT_OF_JWS = [
  ['ES256', 'ecdsa_secp256r1_sha256', 'written as DER'],
  ['ES384', 'ecdsa_secp384r1_sha384', 'written as DER'],
  ['ES512', 'ecdsa_secp521r1_sha512', 'written as DER'],
  ['ES256', 'ecdsa_secp256r1_sha512_p1363', 'of another hash'],
  ['ES384', 'ecdsa_secp384r1_sha512_p1363', 'of another hash'],
  ['PS256', 'rsa_pss_2048_sha256_mgf1_0', 'without a salt', '69'],
  ['PS256', 'rsa_pss_2048_sha256_mgf1sha1_20', 'of another mask'],
  ['PS512', 'rsa_pss_4096_sha512_mgf1_32', 'of a shorter salt'],
  ['RS256', 'rsa_signature_2048_sha224', 'of another hash', '219'],
  ['RS256', 'rsa_signature_2048_sha3_256', 'of another hash', '221'],
  ['RS512', 'rsa_signature_2048_sha512_256', 'of another hash', '225'],
];

/** How many vectors are sent at once. */
const AT_ONCE = 250;

let miniflare;
let origin;

before(async () => {
  const webcrypto = readFileSync(join(ROOT, 'src/edge/runtime/webcrypto.js'), 'utf8');
  miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      compatibilityDate,
      compatibilityFlags,
      modulesRoot: '.',
      modules: [
        { type: 'ESModule', path: 'entry.js', contents: ENTRY },
        { type: 'ESModule', path: 'webcrypto.js', contents: webcrypto },
      ],
    }),
  );
  origin = await miniflare.ready;
});

after(() => miniflare?.dispose());

/** Returns of each vector whether the Worker takes the signature for one of this algorithm. */
async function verified(algorithm, vectors) {
  const verdicts = [];
  for (let from = 0; from < vectors.length; from += AT_ONCE) {
    const body = JSON.stringify(vectors.slice(from, from + AT_ONCE).map((vector) => ({ ...vector, algorithm })));
    verdicts.push(...(await (await fetch(origin, { method: 'POST', body })).json()));
  }
  return verdicts;
}

const told = ({ id, comment, flags }) => `${id}: ${comment} ${flags.join(' ')}`;

describe('a signature is verified', () => {
  for (const [algorithm, files] of Object.entries(AS_IN_JWS)) {
    for (const file of files) {
      test(`with ${algorithm}, as ${file} says`, async () => {
        const vectors = vectorsOf(file);
        const verdicts = await verified(algorithm, vectors);
        const wrong = vectors.filter(({ result }, index) => verdicts[index] !== (result === 'valid'));
        assert.deepEqual(wrong.map(told), []);
        assert.ok(verdicts.includes(true) && verdicts.includes(false) && verdicts.length > 50);
      });
    }
  }
});

describe('a signature is refused', () => {
  for (const [algorithm, file, reason, genuine] of NOT_OF_JWS) {
    test(`with ${algorithm} if it is ${reason}: ${file}`, async () => {
      const vectors = vectorsOf(file);
      const verdicts = await verified(algorithm, vectors);
      const taken = vectors.filter((_, index) => verdicts[index]).map(({ id }) => id);
      assert.deepEqual(taken, genuine ? [`${file} ${genuine}`] : []);
      assert.ok(vectors.some(({ result }) => result === 'valid'));
    });
  }
});
