// The tenant's signing keys: generated at start, rotated on request, published as a JWKS (RFC 7517).

import { randomBytes } from 'node:crypto';
import { CompactSign, exportJWK, generateKeyPair, importJWK } from 'jose';

const PRIVATE_MEMBERS = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']);

/** What makes a private JWK for an algorithm. Tests take others, because an RSA key takes long to make. */
export const keyMaker = {
  make: async (alg) => exportJWK((await generateKeyPair(alg, { extractable: true })).privateKey),
};

/** Makes one private JWK for `alg`, with a random `kid` as Auth0's are. */
export async function generateSigningKey(alg) {
  const kid = randomBytes(16).toString('base64url');
  return { ...(await keyMaker.make(alg)), use: 'sig', kid, alg };
}

/** Drops the private members of a JWK. */
export function publicKeyOf(jwk) {
  return Object.fromEntries(Object.entries(jwk).filter(([name]) => !PRIVATE_MEMBERS.has(name)));
}

/**
 * The signing keys. `keys[0]` signs what the provider issues; every key is published.
 * A key of another algorithm is added when something is to be signed with it.
 */
export class SigningKeys {
  keys = [];

  static async generate(alg, publishedAlgs = []) {
    const made = new SigningKeys();
    for (const each of new Set([alg, ...publishedAlgs])) made.keys.push(await generateSigningKey(each));
    return made;
  }

  get current() {
    return this.keys[0];
  }

  keySet() {
    return { keys: this.keys.map(publicKeyOf) };
  }

  /** Puts a fresh key first. With `forgetOld` the others are no longer published. */
  async rotate({ alg = this.current.alg, forgetOld = false } = {}) {
    const key = await generateSigningKey(alg);
    this.keys = forgetOld ? [key] : [key, ...this.keys];
    return key;
  }

  async keyFor(alg) {
    let key = this.keys.find((each) => each.alg === alg);
    if (!key) {
      key = await generateSigningKey(alg);
      this.keys.push(key);
    }
    return key;
  }

  /**
   * Signs any payload as a compact JWS; header members set to `undefined` are left out.
   *
   * @param {object} payload
   * @param {{ header?: object, alg?: string, key?: any }} options
   */
  async sign(payload, { header = {}, alg, key } = {}) {
    const jwk = key ?? (alg ? await this.keyFor(alg) : this.current);
    const protectedHeader = { alg: alg ?? jwk.alg, typ: 'JWT', kid: jwk.kid, ...header };
    const signingKey = jwk.kty ? await importJWK(jwk, protectedHeader.alg) : jwk;
    const present = /** @type {import('jose').CompactJWSHeaderParameters} */ (
      Object.fromEntries(Object.entries(protectedHeader).filter(([, value]) => value !== undefined))
    );
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader(present)
      .sign(signingKey);
  }
}
