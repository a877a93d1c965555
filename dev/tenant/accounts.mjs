// The tenant's people: any e-mail address is an account, and its claims follow from the address.

import { createHash } from 'node:crypto';

/** Remembers who logged in, so that a `sub` leads back to its e-mail address. */
export class Accounts {
  #emails = new Map();

  /** Returns the `sub` of an e-mail address, shaped as Auth0's database connections shape it. */
  subjectOf(email) {
    const normal = email.trim().toLowerCase();
    const sub = `auth0|${createHash('sha256').update(normal).digest('hex').slice(0, 24)}`;
    this.#emails.set(sub, normal);
    return sub;
  }

  /** All claims of an account; the provider picks those that the granted scopes name. */
  claimsOf(sub) {
    const email = this.#emails.get(sub);
    if (!email) return { sub };
    const nickname = email.split('@')[0];
    const name = nickname
      .split(/[._+-]+/)
      .filter(Boolean)
      .map((part) => part[0].toUpperCase() + part.slice(1))
      .join(' ');
    return { sub, email, email_verified: true, nickname, name };
  }
}

/** The claims that each scope opens, for the ID token and for /userinfo alike. */
export const CLAIMS_OF_SCOPE = {
  openid: ['sub'],
  profile: ['name', 'nickname'],
  email: ['email', 'email_verified'],
};
