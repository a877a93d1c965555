// What requests are measured with: tokens of the tenant, and the cookies of sessions.

import { randomBytes, randomUUID } from 'node:crypto';
import { StatelessStateStore } from '@auth0/auth0-server-js';
import { boundToken, makeHolder, makeProof } from '../tests/e2e/support/dpop.mjs';
import { logIn } from './gateway.mjs';
import { SESSION_SECRET } from './testbed.mjs';

/** Whom all tokens are about. */
export const USER = 'auth0|benchmark';

/** Mints tokens that differ, with further claims. */
export const mintTokens = (tenant, count, claims = {}) =>
  Promise.all(Array.from({ length: count }, () => tenant.mint({ sub: USER, jti: randomUUID(), ...claims })));

/** Binds a token to a key: the headers of each request with it, and what makes the proofs of requests for `url`. */
export async function bindToken(tenant, url) {
  const holder = await makeHolder();
  const token = await boundToken(tenant, holder, { sub: USER });
  return {
    headers: { authorization: `DPoP ${token}` },
    prove: (count) => Promise.all(Array.from({ length: count }, () => makeProof(holder, token, url))),
  };
}

/** What a row says it is measured with: the headers that its requests have, by the name of that. */
export async function makeCredentials(tenant) {
  const [token] = await mintTokens(tenant, 1);
  const auth0Cookie = await sealAuth0Session(token);
  return {
    none: async () => ({}),
    token: async () => ({ authorization: `Bearer ${token}` }),
    cookie: async () => ({ cookie: `bargate=${randomBytes(32).toString('base64url')}` }),
    session: async (origin) => ({ cookie: await logIn(origin) }),
    'auth0-hono session': async () => ({ cookie: auth0Cookie }),
  };
}

/**
 * Makes a cookie of @auth0/auth0-hono as its login does. The package reaches tenants by https alone, so that the local one cannot
 * log anybody in there.
 */
async function sealAuth0Session(accessToken) {
  const cookies = {};
  const store = new StatelessStateStore(
    { secret: SESSION_SECRET },
    {
      getCookies: () => cookies,
      getCookie: (name) => cookies[name],
      setCookie: (name, value) => (cookies[name] = value),
      deleteCookie: (name) => delete cookies[name],
    },
  );
  const now = Math.floor(Date.now() / 1000);
  await store.set('appSession', {
    user: { sub: USER },
    idToken: accessToken,
    refreshToken: 'a-refresh-token-of-some-fifty-characters-as-auth0-has',
    tokenSets: [{ audience: 'default', accessToken, scope: 'openid', expiresAt: now + 3600 }],
    internal: { sid: 'any', createdAt: now },
  });
  return Object.entries(cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join('; ');
}
