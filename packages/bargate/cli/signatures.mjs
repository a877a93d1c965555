// Checks signatures of tokens by WebCrypto, for the command line as WebAssembly.

/** What `importKey` and `verify` know an algorithm of JWS by (RFC 7518 section 3.1, RFC 8037). */
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

/**
 * Checks a signature. A key that is none verifies nothing; if this runtime lacks the algorithm, nothing is known.
 *
 * @param {{ [member: string]: any }} question
 * @returns {Promise<{ verified: boolean } | { error: string }>}
 */
export async function verify({ algorithm, key, signed, signature }) {
  const subtle = globalThis.crypto?.subtle;
  if (!subtle) return { error: 'this runtime has no WebCrypto, as a page without https' };
  const how = parameters(algorithm);
  try {
    const imported = await subtle.importKey('jwk', JSON.parse(key), how, false, ['verify']);
    return { verified: await subtle.verify(how, imported, bytesOf(signature), bytesOf(signed)) };
  } catch (error) {
    // Web Cryptography API: a key that is malformed, or of another kind, is a DataError.
    if (error?.name === 'DataError') return { verified: false };
    return { error: `this runtime's WebCrypto does not do ${algorithm} (${error?.name ?? error})` };
  }
}

/** @param {string} text in base64url */
function bytesOf(text) {
  const letters = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(letters, (letter) => letter.charCodeAt(0));
}
