// A provider that logs anybody in at once, for thousands of logins: there is no page, and the code of a login is its nonce. The local
// tenant takes a hundred times as long.

import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID } from '../dev/tenant.mjs';
import { SigningKeys } from '../dev/tenant/keys.mjs';

const LIFE_SECS = 6 * 60 * 60;

/** Starts the provider. Its origin is also its issuer, with a slash at the end. */
export async function startQuickTenant() {
  const keys = await SigningKeys.generate('RS256');
  const server = createServer(async (request, response) => {
    const form = new URLSearchParams(await text(request));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(request.method === 'POST' ? await tokens(form.get('code')) : keys.keySet()));
  });
  // A pooled connection that the server closes would look like a failure of the provider.
  server.keepAliveTimeout = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const origin = `http://127.0.0.1:${port}`;

  async function tokens(nonce) {
    const now = Math.floor(Date.now() / 1000);
    const claims = { iss: `${origin}/`, sub: randomUUID(), iat: now, exp: now + LIFE_SECS };
    return {
      access_token: await keys.sign({ ...claims, aud: DEFAULT_AUDIENCE, scope: 'openid offline_access' }),
      id_token: await keys.sign({ ...claims, aud: DEFAULT_CLIENT_ID, nonce }),
      refresh_token: randomUUID(),
      token_type: 'Bearer',
      scope: 'openid offline_access',
      expires_in: LIFE_SECS,
    };
  }

  return {
    origin,
    issuer: `${origin}/`,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Logs in at a gateway whose provider this is, and returns the cookie of the session. */
export async function logInQuickly(origin, callback) {
  const login = await fetch(`${origin}/login`, { redirect: 'manual' });
  await login.arrayBuffer();
  const { searchParams } = new URL(login.headers.get('location'));
  const query = new URLSearchParams({ code: searchParams.get('nonce'), state: searchParams.get('state') });
  const answer = await fetch(`${origin}${callback}?${query}`, {
    redirect: 'manual',
    headers: { cookie: cookiesOf(login).join('; ') },
  });
  const body = await answer.text();
  const session = cookiesOf(answer).find((cookie) => cookie.startsWith('bargate='));
  if (!session) throw new Error(`no session began: ${answer.status} ${body}`);
  return session;
}

const cookiesOf = (answer) => answer.headers.getSetCookie().map((line) => line.split(';', 1)[0]);
