// What a proof of possession comes to: its digests and its signature, the nonces of the gateway, and whether it was used before.

import { ask } from '../runtime/object_client.js';
import { BASE64URL, digest_text, encoded, import_key, verify } from '../runtime/webcrypto.js';
import { judge, keep } from './proofs.js';

/** The time of a nonce, that before and that after: clocks differ. */
const PERIODS = [0, 1, -1];

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
  once(`${period} ${secret}`, async () => {
    const hmac = { name: 'HMAC', hash: 'SHA-256' };
    const key = await crypto.subtle.importKey('raw', encoded(secret), hmac, false, ['sign']);
    const made = await crypto.subtle.sign(hmac, key, encoded(`bargate dpop nonce v1\n${period}`));
    return new Uint8Array(made).toBase64(BASE64URL);
  });

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
  const [proof, jwk, algorithm, bound, token, name, end, until, now, period, ...rest] = lines.split('\n');
  const [signed, signature] = [proof.slice(0, proof.lastIndexOf('.')), proof.slice(proof.lastIndexOf('.') + 1)];
  // What was read strictly before.
  const claims = new TextDecoder().decode(Uint8Array.fromBase64(signed.slice(signed.indexOf('.') + 1), BASE64URL));
  const { jti, nonce, ath } = JSON.parse(claims);
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
    const nonces = await Promise.all(PERIODS.map((other) => nonceOf(secret, Number(period) + other)));
    const judged = judge(nonce, nonces);
    if (judged !== 'recent') fresh = ` ${nonces[0]}`;
    if (judged === 'unknown') return `nonce${fresh}`;
  }
  const digest = await digest_text(jti);
  // A call that failed may have been carried out, and is made once more: by the same requester.
  const said = objects
    ? await ask(objects, name, `${end} ${digest} ${crypto.randomUUID()}`, ASKED_MAX_MS)
    : keep(used, bound + digest, Number(until), Number(now));
  return said + fresh;
}
