// Tokens and key sets of issuers that are no tenant, made with nothing but node:crypto: what the tests of `jwt` and `supabase`
// authorizers are signed with.

import {
  constants,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  randomUUID,
  sign,
} from 'node:crypto';
import { base64url, seconds } from './bearer.mjs';
import { startUpstream } from './harness.mjs';
import { takeRsaKey } from './rsa-keys.mjs';

export const ISSUER = 'https://issuer.example/';
export const AUDIENCE = 'https://api.example/';
/** Long enough for HS256 (RFC 7518 section 3.2), and not longer. */
export const SECRET = 'a secret of thirty-two bytes ok!';

/** The kinds of keys, by the first letters of the algorithm. */
const KINDS = {
  RS: rsaPair,
  PS: rsaPair,
  ES: (bits) => generateKeyPairSync('ec', { namedCurve: bits === '512' ? 'P-521' : `P-${bits}` }),
  Ed: () => generateKeyPairSync('ed25519'),
};

/** How each kind signs. */
const SIGN = {
  RS: (hash, data, key) => sign(hash, data, key),
  PS: (hash, data, key) =>
    sign(hash, data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST }),
  ES: (hash, data, key) => sign(hash, data, { key, dsaEncoding: 'ieee-p1363' }),
  Ed: (_hash, data, key) => sign(null, data, key),
  HS: (hash, data, key) => createHmac(hash, key).update(data).digest(),
};

function rsaPair() {
  const privateKey = createPrivateKey({ key: takeRsaKey(), format: 'jwk' });
  return { privateKey, publicKey: createPublicKey(privateKey) };
}

const bitsOf = (alg) => /\d+$/.exec(alg)?.[0] ?? '256';

/**
 * Makes a key pair for an algorithm: its public half as a JWK and as PEM.
 * @param {string} alg
 * @param {string} [kid]
 */
export function makeKey(alg, kid = randomUUID()) {
  const { privateKey, publicKey } = KINDS[alg.slice(0, 2)](bitsOf(alg));
  return {
    alg,
    kid,
    privateKey,
    jwk: { ...publicKey.export({ format: 'jwk' }), alg, kid, use: 'sig' },
    pem: publicKey.export({ type: 'spki', format: 'pem' }),
  };
}

/** The key set of some keys, as the text that an issuer serves. */
export const keySetOf = (...keys) => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) });

/**
 * Claims that are valid at an authorizer of ISSUER and AUDIENCE for the next minutes, and others on top.
 * @param {Record<string, any>} [claims]
 */
export const claimsFor = (claims = {}) => ({
  iss: ISSUER,
  aud: AUDIENCE,
  sub: 'user-1',
  iat: seconds(),
  exp: seconds() + 600,
  ...claims,
});

/**
 * Signs claims with a key of `makeKey`. `header` replaces its members, or leaves them out if they are `undefined`.
 * @param {any} key
 * @param {Record<string, any>} [claims]
 * @param {Record<string, any>} [header]
 */
export function signed(key, claims = claimsFor(), header = {}) {
  return compact({ alg: key.alg, typ: 'JWT', kid: key.kid, ...header }, claims, key.privateKey, key.alg);
}

/**
 * Signs claims with a secret: HS256 unless told otherwise.
 * @param {string | Buffer} secret
 * @param {Record<string, any>} [claims]
 * @param {Record<string, any>} [header]
 */
export function signedWithSecret(secret, claims = claimsFor(), { alg = 'HS256', ...header } = {}) {
  return compact({ alg, typ: 'JWT', ...header }, claims, secret, alg.startsWith('HS') ? alg : 'HS256');
}

/** A token that nobody signed. */
export const unsigned = (claims = claimsFor(), alg = 'none') =>
  `${base64url({ alg, typ: 'JWT' })}.${base64url(claims)}.`;

function compact(header, claims, key, alg) {
  const text = `${base64url(header)}.${base64url(claims)}`;
  return `${text}.${base64url(SIGN[alg.slice(0, 2)](`sha${bitsOf(alg)}`, Buffer.from(text), key))}`;
}

/** Starts an issuer that serves the text which `document` gives at every path; `calls` are the paths that were asked for. */
export async function startKeyServer(document) {
  const calls = [];
  const server = await startUpstream((request, response) => {
    calls.push(request.url);
    response.writeHead(200, { 'content-type': 'application/json' }).end(document());
  });
  return { ...server, calls, jwksUri: `${server.origin}/keys` };
}
