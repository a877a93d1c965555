// What a proof of possession comes to: its digests and its signature, the nonces of the gateway, and whether it was used before.

import { ask } from '../runtime/object_client.js';
import { mac_text } from '../runtime/sealing.js';
import { BASE64URL, digest_text, encoded, import_key, verify } from '../runtime/webcrypto.js';

/** The time of a nonce, that before and that after: clocks differ. */
const PERIODS = [0, 1, -1];

/** The proofs of a key that were made in so many seconds have one object. */
const PERIOD_SECS = 300;

/**
 * Returns the name of the object for a proof of a key that was made at this time, and when the period of that ends, in seconds since 1970.
 * It follows from the proof alone, so whoever takes it asks the same object.
 *
 * @param {string} thumbprint
 * @param {number} issuedAt
 */
export function placeOf(thumbprint, issuedAt) {
  const period = Math.floor(issuedAt / PERIOD_SECS);
  return { name: `${thumbprint}.${period}`, end: (period + 1) * PERIOD_SECS };
}

/**
 * Judges the nonce of a proof by those that count. How long that takes does not depend on what is the same.
 *
 * @param {unknown} sent
 * @param {string[]} nonces
 * @returns {'recent' | 'ending' | 'unknown'}
 */
export function judge(sent, nonces) {
  const text = typeof sent === 'string' ? sent : '';
  const [current, next, before] = nonces.map((nonce) => {
    let differs = Number(text.length !== nonce.length || !nonce);
    for (let at = 0; at < nonce.length; at += 1) differs |= nonce.charCodeAt(at) ^ text.charCodeAt(at);
    return !differs;
  });
  return current || next ? 'recent' : before ? 'ending' : 'unknown';
}

/** So many proofs are kept as used by an isolate that has no object to ask. */
const USED_MAX = 20_000;

/**
 * Keeps a proof as used, each to the end of the second in which it is too old; returns `used` if it was. The oldest make room.
 *
 * @param {Map<string, number>} kept
 * @param {string} name
 * @param {number} until
 * @param {number} now
 */
export function keep(kept, name, until, now) {
  if ((kept.get(name) ?? -Infinity) >= Math.floor(now)) return 'used';
  kept.delete(name);
  for (const oldest of kept.keys()) {
    if (kept.size < USED_MAX) break;
    kept.delete(oldest);
  }
  kept.set(name, until);
  return 'taken';
}

/** The proofs that this isolate has taken. @type {Map<string, number>} */
const used = new Map();

/** So many keys and nonces are kept. */
const KNOWN_MAX = 1_000;

/** Keys whose tokens came before, and nonces, by what they are made of. @type {Map<string, any>} */
const known = new Map();

/**
 * Returns what is known by a name, or what makes it, which is then known.
 *
 * @param {string} name
 * @param {() => Promise<any>} make
 */
async function once(name, make) {
  if (known.has(name)) return known.get(name);
  const made = await make();
  if (known.size >= KNOWN_MAX) known.clear();
  known.set(name, made);
  return made;
}

/** The nonce of a period, the same in every isolate. @param {string} secret @param {number} period */
const nonceOf = (secret, period) =>
  once(`${period} ${secret}`, () => mac_text(secret, 'bargate dpop nonce v1', String(period)));

/** How long an object may take. */
const ASKED_MAX_MS = 3_000;

/**
 * Promises what a proof comes to, by lines of `token/dpop.rs`: `taken`, or else the first that is wrong: the `key`, the `signature`, the
 * `token`, the `nonce`, or that it was `used`. Behind a space is the nonce that the client needs, if it needs one. Without `objects`, the
 * isolate keeps what was used.
 *
 * @param {any} objects
 * @param {string} lines
 */
export async function prove(objects, lines) {
  const [proof, jwk, algorithm, bound, token, validSecs, nonceSecs, ...rest] = lines.split('\n');
  const now = Date.now() / 1000;
  const [signed, signature] = [proof.slice(0, proof.lastIndexOf('.')), proof.slice(proof.lastIndexOf('.') + 1)];
  // What was read strictly before.
  const claims = new TextDecoder().decode(Uint8Array.fromBase64(signed.slice(signed.indexOf('.') + 1), BASE64URL));
  const { jti, nonce, ath, iat } = JSON.parse(claims);
  // Of a key that the token is not bound to, no signature is checked, and nothing is kept.
  const thumbprint = known.get(jwk + algorithm)?.thumbprint ?? (await digest_text(jwk));
  if (thumbprint !== bound) return 'key';
  try {
    const key = await once(jwk + algorithm, async () => ({ thumbprint, ...(await import_key(jwk, algorithm)) }));
    if (!(await verify(key, Uint8Array.fromBase64(signature, BASE64URL), encoded(signed)))) return 'signature';
  } catch {
    // A key or signature whose numbers WebCrypto refuses has verified nothing.
    return 'signature';
  }
  if (ath !== (await digest_text(token))) return 'token';
  const secret = rest.join('\n');
  let fresh = '';
  if (secret) {
    const nonces = await Promise.all(
      PERIODS.map((other) => nonceOf(secret, Math.floor((now / Number(nonceSecs)) * 2) + other)),
    );
    const judged = judge(nonce, nonces);
    if (judged !== 'recent') fresh = ` ${nonces[0]}`;
    if (judged === 'unknown') return `nonce${fresh}`;
  }
  const digest = await digest_text(jti);
  const { name, end } = placeOf(bound, iat);
  // A call that failed may have been carried out, and is made once more: by the same requester.
  const said = objects
    ? await ask(objects, name, `${end} ${digest} ${crypto.randomUUID()}`, ASKED_MAX_MS)
    : keep(used, bound + digest, iat + Number(validSecs), now);
  return said + fresh;
}
