// better-auth with @better-auth/oauth-provider (npm). It comes without pages: who logs in does what its own client library does, and
// sends the signed query of the page along.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import { freePort } from '../../e2e/support/harness.mjs';
import { parse } from '../gateway.mjs';
import { ownVersion } from '../install.mjs';
import { Person } from '../person.mjs';

const RESOURCE = 'https://api.example.com/';
const EMAIL = 'alice@example.com';

const POST = { token_endpoint_auth_method: 'client_secret_post' };

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'better-auth, default client',
    start: (places) => start(places),
  },
  {
    name: 'better-auth, client_secret_post',
    config: 'better-auth-post-opaque.json',
    start: (places) => start(places, { client: POST }),
  },
  {
    name: 'better-auth, client_secret_post, an API',
    config: 'better-auth-post.json',
    start: (places) =>
      start(places, { client: POST, options: { resources: [RESOURCE], enforcePerClientResources: false } }),
  },
].map((setUp) => ({
  config: 'better-auth.json',
  gaps: [],
  version: () => ownVersion('@better-auth/oauth-provider'),
  ...setUp,
}));

async function start({ tokens, sessions }, { client: metadata = {}, options = {} } = {}) {
  const origin = `http://127.0.0.1:${await freePort()}`;
  const tables = ['user', 'session', 'account', 'verification', 'jwks'];
  const own = [
    'oauthClient',
    'oauthRefreshToken',
    'oauthAccessToken',
    'oauthConsent',
    'oauthResource',
    'oauthClientResource',
  ];
  const auth = betterAuth({
    baseURL: origin,
    secret: randomBytes(32).toString('hex'),
    database: memoryAdapter(Object.fromEntries([...tables, ...own].map((name) => [name, []]))),
    emailAndPassword: { enabled: true },
    telemetry: { enabled: false },
    rateLimit: { enabled: false },
    logger: { disabled: true },
    plugins: [jwt(), oauthProvider({ loginPage: '/sign-in', consentPage: '/consent', ...options })],
  });
  const password = randomBytes(16).toString('hex');
  const { headers } = await auth.api.signUpEmail({
    body: { email: EMAIL, password, name: 'Alice' },
    returnHeaders: true,
  });
  const cookie = headers
    .getSetCookie()
    .map((line) => line.split(';')[0])
    .join('; ');
  const client = await auth.api.adminCreateOAuthClient({
    headers: new Headers({ cookie }),
    body: {
      // One of type `web` may not be on loopback, whatever the scheme.
      application_type: 'native',
      enable_end_session: true,
      ...metadata,
      redirect_uris: [tokens.redirectUri, sessions.redirectUri],
      post_logout_redirect_uris: [tokens.afterLogout, sessions.afterLogout],
    },
  });

  const answer = toNodeHandler(auth);
  const server = createServer((request, response) => {
    if (request.url.startsWith('/api/auth/')) return answer(request, response);
    return response.setHeader('content-type', 'text/html').end('<p>A page of the application');
  });
  await once(server.listen(Number(new URL(origin).port), '127.0.0.1'), 'listening');
  const issuer = `${origin}/api/auth`;

  const post = async (person, path, body) => {
    const response = await person.fetch(`${issuer}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin },
      body: JSON.stringify(body),
    });
    const { url, ...rest } = await response.json();
    if (!url) throw new Error(`${path}: ${response.status} ${JSON.stringify(rest)}`);
    return { url: new URL(url, origin).href };
  };
  const steps = {
    '/sign-in': (person, query) => post(person, '/sign-in/email', { email: EMAIL, password, oauth_query: query }),
    '/consent': (person, query) => post(person, '/oauth2/consent', { accept: true, oauth_query: query }),
  };
  return {
    discovery: `${issuer}/.well-known/openid-configuration`,
    bindings: {
      ISSUER: issuer,
      CLIENT_ID: client.client_id,
      CLIENT_SECRET: client.client_secret,
      AUDIENCE: RESOURCE,
    },
    person: () =>
      new Person({
        username: EMAIL,
        password,
        async answer(person, { url, text }) {
          const { pathname, search } = new URL(url);
          // It redirects navigations alone, and for one that Node's `fetch` makes it takes none.
          const { redirect, url: next } = parse(text) ?? {};
          if (redirect) return { url: new URL(next, origin).href };
          return steps[pathname]?.(person, search.slice(1));
        },
      }),
    noBackchannel: 'it takes no address without https',
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
