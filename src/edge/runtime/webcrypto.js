// WebCrypto, with what takes several steps in one call.

/** How the gateway writes bytes. @type {{ alphabet: 'base64url', omitPadding: true }} */
export const BASE64URL = { alphabet: 'base64url', omitPadding: true };

/** @param {string} text */
export const encoded = (text) => new TextEncoder().encode(text);

/** What WebCrypto knows an algorithm of JWS by (RFC 7518 section 3.1, RFC 8037). @param {string} algorithm */
function parameters(algorithm) {
  const bits = algorithm.slice(2);
  const hash = `SHA-${bits}`;
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return { name: 'RSASSA-PKCS1-v1_5', hash };
    case 'PS':
      return { name: 'RSA-PSS', hash, saltLength: Number(bits) / 8 };
    case 'ES':
      return { name: 'ECDSA', hash, namedCurve: bits === '512' ? 'P-521' : `P-${bits}` };
    case 'HS':
      return { name: 'HMAC', hash };
    default:
      return { name: 'Ed25519' };
  }
}

/** A public key, and the algorithm that it verifies by. @typedef {{ by: ReturnType<typeof parameters> | string, key: CryptoKey }} Imported */

/**
 * @param {string} jwk
 * @param {string} algorithm
 * @returns {Promise<Imported>}
 */
export async function import_key(jwk, algorithm) {
  const how = parameters(algorithm);
  const key = await crypto.subtle.importKey('jwk', JSON.parse(jwk), how, false, ['verify']);
  // The key has the rest, but for what these take anew; and a name costs the runtime less than an object.
  return { by: ['ECDSA', 'RSA-PSS'].includes(how.name) ? how : how.name, key };
}

/**
 * @param {Imported} imported
 * @param {Uint8Array} signature
 * @param {Uint8Array} signed
 */
export function verify({ by, key }, signature, signed) {
  return crypto.subtle.verify(by, key, signature, signed);
}

/**
 * Returns the signature of a text.
 *
 * @param {string} jwk
 * @param {string} algorithm
 * @param {string} text
 */
export async function sign_text(jwk, algorithm, text) {
  const how = parameters(algorithm);
  const key = await crypto.subtle.importKey('jwk', JSON.parse(jwk), how, false, ['sign']);
  return new Uint8Array(await crypto.subtle.sign(how, key, encoded(text))).toBase64(BASE64URL);
}

/** The SHA-256 of a text. @param {string} text */
export async function digest_text(text) {
  const digest = await crypto.subtle.digest('SHA-256', encoded(text));
  return new Uint8Array(digest).toBase64(BASE64URL);
}

/** @param {Uint8Array} bytes */
export function random(bytes) {
  crypto.getRandomValues(bytes);
}
