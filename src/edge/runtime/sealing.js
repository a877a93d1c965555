// Seals and opens, each in one call. `sealing.rs` says what a sealed text is.

import { BASE64URL, encoded } from './webcrypto.js';

const IV_BYTES = 12;
const TAG_BYTES = 16;

/**
 * @param {Uint8Array} secret
 * @param {string} purpose
 * @param {{ name: string, hash?: string, length: number }} algorithm
 * @param {any[]} uses
 */
async function key(secret, purpose, algorithm = { name: 'AES-GCM', length: 256 }, uses = ['encrypt', 'decrypt']) {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoded(purpose) };
  return crypto.subtle.deriveKey(hkdf, base, algorithm, false, uses);
}

/**
 * @param {Uint8Array} secret
 * @param {string} purpose
 * @param {Uint8Array} context
 * @param {Uint8Array} plain
 */
export async function seal(secret, purpose, context, plain) {
  const sealed = new Uint8Array(IV_BYTES + plain.length + TAG_BYTES);
  const iv = crypto.getRandomValues(sealed.subarray(0, IV_BYTES));
  const parameters = { name: 'AES-GCM', iv, additionalData: context };
  const data = await crypto.subtle.encrypt(parameters, await key(secret, purpose), plain);
  sealed.set(new Uint8Array(data), IV_BYTES);
  return sealed.toBase64(BASE64URL);
}

/**
 * @param {Uint8Array} secret
 * @param {string} purpose
 * @param {Uint8Array} context
 * @param {string} text
 */
export async function open(secret, purpose, context, text) {
  const derived = await key(secret, purpose);
  try {
    const sealed = Uint8Array.fromBase64(text, BASE64URL);
    const parameters = { name: 'AES-GCM', iv: sealed.subarray(0, IV_BYTES), additionalData: context };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, derived, sealed.subarray(IV_BYTES)));
  } catch {
    return undefined;
  }
}

/**
 * @param {string} secret
 * @param {string} purpose
 * @param {string} text
 */
export async function mac_text(secret, purpose, text) {
  const hmac = { name: 'HMAC', hash: 'SHA-256', length: 256 };
  const code = await crypto.subtle.sign('HMAC', await key(encoded(secret), purpose, hmac, ['sign']), encoded(text));
  return new Uint8Array(code).toBase64(BASE64URL);
}

/**
 * Seals each of two texts under its own secret, the second if there is one, and returns both with a space between them.
 *
 * @param {string} secret
 * @param {string} purpose
 * @param {string} text
 * @param {string} otherSecret
 * @param {string} otherPurpose
 * @param {string} [other]
 */
export async function seal_both(secret, purpose, text, otherSecret, otherPurpose, other) {
  const sealed = (under, what, plain) => seal(encoded(under), what, new Uint8Array(), encoded(plain));
  const both = [sealed(secret, purpose, text)];
  if (other !== undefined) both.push(sealed(otherSecret, otherPurpose, other));
  return (await Promise.all(both)).join(' ');
}
