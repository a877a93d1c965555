// The local tenant: an OpenID provider (npm oidc-provider) that behaves like an Auth0 tenant, for development and tests.
// Plain http on loopback. `npm run tenant -- --port 9400` runs it by itself; tests import `startTenant`.
// Needs Node.js 22 or later, which `npm ci` puts into node_modules/.bin, where npm scripts find it first.

import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isLoopback, isOwn } from './loopback.mjs';
import { Accounts } from './tenant/accounts.mjs';
import { handleControl } from './tenant/control.mjs';
import { createEndpoints } from './tenant/endpoints.mjs';
import { Faults, sendAnswer } from './tenant/faults.mjs';
import { SigningKeys } from './tenant/keys.mjs';
import { AUTH0_ENDPOINTS, SECOND_FACTOR, createProvider } from './tenant/provider.mjs';
import { Storage } from './tenant/storage.mjs';
import { TOKEN_EXCHANGE } from './tenant/token-exchange.mjs';

const HOST = '127.0.0.1';
const REQUESTS_KEPT = 100;
const LOGOUT_TOKEN_SECONDS = 120;
const INNER_REQUEST_HEADER = 'x-tenant-inner-request';

export { SECOND_FACTOR };
export const DEFAULT_CLIENT_ID = 'bargate-local';
export const DEFAULT_CLIENT_SECRET = 'bargate-local-secret-not-for-production';
export const DEFAULT_AUDIENCE = 'https://api.bargate.local/';
/** The paths of gateway.config.json to which a login returns: with a session, with tokens, and in a hidden frame. */
export const CALLBACK_PATHS = ['/api/auth0/callback', '/', '/api/auth0/silent/callback'];
const DEFAULT_REDIRECT_URIS = ['http://127.0.0.1:8787', 'http://localhost:8787'].flatMap((origin) =>
  CALLBACK_PATHS.map((path) => origin + path),
);
const DEFAULT_LOGOUT_URLS = ['http://127.0.0.1:8787/', 'http://localhost:8787/', 'http://127.0.0.1:8788/'];

const defaultClient = (redirectUris) => ({
  client_id: DEFAULT_CLIENT_ID,
  client_secret: DEFAULT_CLIENT_SECRET,
  token_endpoint_auth_method: 'client_secret_post',
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials', TOKEN_EXCHANGE],
  response_types: ['code'],
  redirect_uris: [...DEFAULT_REDIRECT_URIS, ...redirectUris],
});

/**
 * Starts a tenant. Options, all optional: `port`, `issuer`, `clients`, `redirectUris`, `allowedLogoutUrls`,
 * `signingAlg`, `publishedAlgs`, and every member of `settings` below. With `basePath`, such as `/realms/demo`, everything is
 * below it and the issuer ends in it. `endpoints` puts endpoints at other paths than Auth0's; with an `end_session` among
 * them, logout is that of OpenID Connect. `clientAuthMethods` are the methods by which clients may authenticate. With
 * `pushed_authorization_request` among the endpoints, requests may be pushed, and with `requirePushed` they must be. `webOrigins` are those
 * whose pages may read the answers. With `dpop`, tokens can be bound to a key; it has oidc-provider's settings for that. With `strict`, the tenant has none of the kindnesses by which a login succeeds at Auth0 and not
 * elsewhere: access tokens are for the `resource` that each request names, and look as RFC 9068 has them; offline_access takes
 * `prompt=consent` and the user's consent; userinfo takes no token of an API; a secret comes in the way for which the client is
 * registered; a logout needs `id_token_hint`. `onRequest` hears of each request of a client before it is answered, and may delay or replace
 * `response.end`; `onGrant` hears of refresh tokens (tenant/storage.mjs).
 */
export async function startTenant(options = {}) {
  const settings = {
    accessTokenSeconds: 600,
    refreshTokenSeconds: 30 * 24 * 60 * 60,
    idTokenSeconds: 36_000,
    codeSeconds: 60,
    audience: DEFAULT_AUDIENCE,
    apiScopes: ['read:messages', 'write:messages'],
    permissions: ['read:messages'],
    accessTokenType: 'JWT',
    accessTokenFormat: 'jwt',
    rotateRefreshTokens: true,
    rotationOverlapSeconds: 0,
    requirePkce: true,
    authenticationClaims: false,
    // The API of a login that names none: at Auth0, the tenant's Default Audience.
    defaultAudience: undefined,
    // At some providers every login brings a refresh token.
    refreshWithoutOfflineAccess: false,
    // What is added to access tokens, as an action does at Auth0.
    accessTokenClaims: {},
    // Auth0's policies of the client for refresh tokens (Multi-Resource Refresh Tokens): `{ audience, scope: [names] }` each.
    policies: [],
    // Resources that no refresh token is for, whatever its login requested.
    withheldResources: [],
  };
  for (const name of Object.keys(settings)) {
    if (options[name] !== undefined) settings[name] = options[name];
  }

  const signingKeys = await SigningKeys.generate(options.signingAlg ?? 'RS256', options.publishedAlgs);

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      console.error('tenant:', request.method, request.url, error);
      response.destroy();
    });
  });
  // A pooled connection that the server closes first would look like a fault that no test asked for.
  server.keepAliveTimeout = 0;
  // Nothing below waits, so that the first request already finds all of it.
  await once(server.listen(options.port ?? 0, HOST), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());

  const origin = `http://${HOST}:${port}`;
  const { basePath = '' } = options;
  const issuer = options.issuer ?? `${origin}${basePath || '/'}`;
  const paths = { ...AUTH0_ENDPOINTS, ...options.endpoints };
  const clientAuthMethods = options.clientAuthMethods ?? ['client_secret_post', 'client_secret_basic', 'none'];
  const clients = [...(options.clients ?? [defaultClient(options.redirectUris ?? [])])];
  const webOrigins = options.webOrigins ?? [];
  const isStrict = options.strict ?? false;
  const allowedLogoutUrls = [...(options.allowedLogoutUrls ?? DEFAULT_LOGOUT_URLS)];
  const innerRequestKey = randomBytes(16).toString('hex');
  const cookieKey = randomBytes(32).toString('hex');
  const storage = new Storage(settings, options.onGrant);
  const accounts = new Accounts();
  const faults = new Faults();
  const counts = {};
  const requests = [];

  let provider;
  let callProvider;
  const renewProvider = () => {
    const signingKey = signingKeys.current;
    provider = createProvider({
      issuer,
      basePath,
      paths,
      clients,
      clientAuthMethods,
      webOrigins,
      cookieKey,
      storage,
      accounts,
      signingKey,
      keySet: () => signingKeys.keySet(),
      settings,
      isStrict,
      requirePushed: options.requirePushed ?? false,
      dpop: options.dpop,
    });
    callProvider = provider.callback();
  };
  renewProvider();
  const endpoints = createEndpoints({
    issuer,
    paths,
    signingKeys,
    accounts,
    allowedLogoutUrls,
    isStrict,
    currentProvider: () => provider,
  });

  const tenant = {
    origin,
    issuer,
    settings,
    counts,
    requests,
    get keys() {
      return signingKeys.keys;
    },
    keySet: () => signingKeys.keySet(),
    resetCounts() {
      for (const path of Object.keys(counts)) delete counts[path];
    },
    async rotateKeys(rotation) {
      const key = await signingKeys.rotate(rotation);
      renewProvider();
      return key;
    },
    /** Replaces the clients, and the addresses to which a logout may lead; whoever is logged in stays so. */
    register(nextClients, nextLogoutUrls) {
      clients.splice(0, clients.length, ...nextClients);
      allowedLogoutUrls.splice(0, allowedLogoutUrls.length, ...nextLogoutUrls);
      renewProvider();
    },
    /** Gives the client another secret, as Auth0 does: from then on the previous one is refused. */
    rotateClientSecret(secret) {
      clients[0] = { ...clients[0], client_secret: secret };
      renewProvider();
    },
    async mint(claims = {}, how = {}) {
      const now = Math.floor(Date.now() / 1000);
      const payload = {
        iss: issuer,
        sub: accounts.subjectOf('alice@example.com'),
        aud: [settings.audience, `${issuer}userinfo`],
        iat: now,
        exp: now + settings.accessTokenSeconds,
        scope: 'openid profile email read:messages',
        azp: clients[0].client_id,
        permissions: settings.permissions,
        ...claims,
      };
      return signingKeys.sign(payload, how);
    },
    /**
     * Mints a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.4), valid unless `claims` or `how` make it
     * otherwise. Without `sid` and `sub` among the claims it ends every session of alice@example.com.
     */
    async logoutToken(claims = {}, how = {}) {
      const now = Math.floor(Date.now() / 1000);
      const whose = 'sid' in claims || 'sub' in claims ? {} : { sub: accounts.subjectOf('alice@example.com') };
      const payload = {
        iss: issuer,
        aud: clients[0].client_id,
        iat: now,
        exp: now + LOGOUT_TOKEN_SECONDS,
        jti: randomUUID(),
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
        ...whose,
        ...claims,
      };
      return signingKeys.sign(payload, { ...how, header: { typ: 'logout+jwt', ...how.header } });
    },
    families: () => storage.families(),
    family: (refreshTokenOrSub) =>
      storage
        .families()
        .findLast((family) => family.sub === refreshTokenOrSub || family.refreshTokens.includes(refreshTokenOrSub)),
    subjectOf: (email) => accounts.subjectOf(email),
    fault: (fault) => faults.set(fault),
    clearFaults: () => faults.clear(),
    hold: (path, how) => faults.hold(path, how),
    async close() {
      faults.clear();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return tenant;

  async function handle(request, response) {
    const path = request.url.split('?')[0];
    const isControl = path.startsWith('/_tenant/');
    // A foreign page must neither control the tenant nor, by a name that leads here, read a token.
    if (!(isControl ? isOwn : ({ host }) => isLoopback(host))(request.headers)) {
      const body = { error: 'only this machine and its own pages are answered' };
      return sendAnswer(response, { status: 403, body });
    }
    if (isControl) return handleControl(tenant, request, response);
    if (request.headers[INNER_REQUEST_HEADER] === innerRequestKey) return carryOut(path, request, response);

    counts[path] = (counts[path] ?? 0) + 1;
    requests.push({ method: request.method, path, url: request.url, headers: request.headers });
    if (requests.length > REQUESTS_KEPT) requests.shift();

    await options.onRequest?.(path, request, response);
    await faults.heldAt(path, false)?.wait();
    const fault = faults.take(path);
    const realAnswer = faults.needsAnswer(path, fault) ? await carryOutAside(request) : undefined;
    await faults.heldAt(path, true)?.wait();
    if (fault && (await faults.apply(fault, response, realAnswer))) return undefined;
    if (realAnswer) return sendAnswer(response, realAnswer);
    return carryOut(path, request, response);
  }

  async function carryOut(fullPath, request, response) {
    if (basePath) {
      if (!fullPath.startsWith(`${basePath}/`)) return sendAnswer(response, { status: 404, body: 'nothing here' });
      // Frameworks mount an application like this, below a path that it does not know; oidc-provider makes its addresses of the two.
      request.originalUrl = request.url;
      request.url = request.url.slice(basePath.length);
    }
    const path = fullPath.slice(basePath.length);
    const answer = endpoints.find(path, request) ?? callProvider;
    return answer(request, response);
  }

  // Carries the request out over its own connection, so that its answer can be lost, held or edited.
  async function carryOutAside(request) {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    return new Promise((resolve, reject) => {
      const headers = { ...request.headers, [INNER_REQUEST_HEADER]: innerRequestKey, connection: 'close' };
      const target = { host: HOST, port, method: request.method, path: request.url, headers };
      const aside = httpRequest(target, async (answer) => {
        const parts = [];
        for await (const part of answer) parts.push(part);
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString('utf8') });
      });
      aside.once('error', reject);
      aside.end(Buffer.concat(chunks));
    });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '9400' },
      'redirect-uri': { type: 'string', multiple: true, default: [] },
      'logout-url': { type: 'string', multiple: true },
      'access-token-seconds': { type: 'string' },
    },
  });
  const accessTokenSeconds = values['access-token-seconds'];
  const { origin } = await startTenant({
    port: Number(values.port),
    redirectUris: values['redirect-uri'],
    allowedLogoutUrls: values['logout-url'],
    accessTokenSeconds: accessTokenSeconds && Number(accessTokenSeconds),
  });
  console.log(`tenant: ${origin}`);
}
