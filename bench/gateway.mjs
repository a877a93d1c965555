// Bargate as the benchmarks run it: a bundle that a deployment would upload, with a config of theirs.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET } from '../dev/tenant.mjs';
import { Failure, ROOT } from '../scripts/toolchain.mjs';
import { Browser, OBJECTS, compatibilityFlags, proxied } from '../tests/e2e/support/harness.mjs';

/** Where `wrangler deploy --dry-run` puts the bundle. */
export const BUNDLE = join(ROOT, 'build', 'bundle');

export const CALLBACK = '/callback';
/** The path of bound tokens, which the configs of bundles before do not have. */
export const BOUND = '/fixed/bound';
/** The tenant sends browsers here. None follows: the gateway is called where it is. */
export const REDIRECT_URI = `http://127.0.0.1:8787${CALLBACK}`;
/** The gateway as an authorization server, beside the paths that are measured. */
const ISSUER = 'https://mcp.example';
/** How many routes a gateway has if nothing else is measured. */
const ROUTES = 20;

/** Fails if a folder holds no bundle. */
export function checkBundle(folder) {
  if (!existsSync(join(folder, 'worker.js'))) throw new Failure(`${folder} holds no bundle: "make bench" makes one`);
}

/** The files that a bundle consists of: its entry, and the WebAssembly that the entry imports. */
export function bundleFiles(bundle) {
  const entry = join(bundle, 'worker.js');
  // What earlier bundles left in the folder is not a part of this one.
  const modules = [...readFileSync(entry, 'utf8').matchAll(/"\.\/([^"/]+\.wasm)"/g)].map(([, name]) => name);
  return { entry, modules: [...new Set(modules)].map((name) => join(bundle, name)) };
}

/**
 * A gateway as a Worker of workerd.
 *
 * @param {string} name
 * @param {Record<string, string>} texts its variables and secrets
 * @param {string} [bundle] the folder that it is in
 * @returns {import('./workerd.mjs').Worker}
 */
export function gatewayWorker(name, texts, bundle = BUNDLE) {
  const { entry, modules } = bundleFiles(bundle);
  const wasm = modules.map((path) => ({
    name: path.slice(bundle.length + 1),
    path,
    kind: /** @type {const} */ ('wasm'),
  }));
  return {
    name,
    modules: [{ name: 'worker.js', path: entry }, ...wasm],
    texts: { LOG_LEVEL: 'off', ...texts },
    kv: { JWKS: 'kv' },
    objects: OBJECTS,
    flags: compatibilityFlags,
  };
}

/** A gateway with a config that is not the built-in one. */
export const configured = (name, config, bundle = BUNDLE) =>
  gatewayWorker(name, { BARGATE_CONFIG_JSON: JSON.stringify(config) }, bundle);

/**
 * A config with the paths that are measured, and with others up to a number of routes.
 *
 * @param {{ tenant: any, upstream: string, routes?: number, authorizers?: object, sections?: object, paths?: object[] }} how
 */
export function benchConfig({ tenant, upstream, routes = ROUTES, authorizers = {}, sections = {}, paths = [] }) {
  const own = [
    { method: 'GET', path: '/login', integration: { type: 'auth0_login' } },
    { method: 'GET', path: CALLBACK, integration: { type: 'auth0_callback' } },
    { method: 'GET', path: '/fixed/open', response: { status: 'ok' } },
    { method: 'GET', path: '/fixed/protected', auth: true, response: { status: 'ok' } },
    proxied('/proxied/open', 'upstream'),
    proxied('/proxied/open/bytes', 'upstream'),
    proxied('/proxied/token', 'upstream', {
      auth: true,
      mapping: { headers: { 'x-user-id': '$request.jwt.sub' } },
    }),
    ...paths,
  ];
  return {
    servers: [{ alias: 'upstream', url: upstream, timeout_ms: 600_000 }],
    cors: { allow_origins: ['https://app.example.com'], allow_headers: ['authorization'] },
    authorizers: { people: people(tenant), ...authorizers },
    session: {},
    ...sections,
    paths: [...own, ...resources(routes - own.length)],
  };
}

const people = (tenant) => ({
  type: 'auth0',
  domain: tenant.origin,
  client_id: DEFAULT_CLIENT_ID,
  client_secret: DEFAULT_CLIENT_SECRET,
  audience: DEFAULT_AUDIENCE,
  redirect_uri: REDIRECT_URI,
  scope: 'openid offline_access',
});

/** The same config, with other paths that use what those that are measured do not. @param {Parameters<typeof benchConfig>[0]} how */
export function besideConfig(how) {
  const { servers, ...config } = benchConfig({
    ...how,
    authorizers: { partners: { type: 'api_key', prefix: 'bench', kv: 'JWKS' } },
    sections: {
      session: { keep_user_agent: true, keep_country: true },
      authorization_server: { issuer: ISSUER, redirect_uris: ['http://127.0.0.1/callback'] },
    },
    paths: [
      proxied('/orders/{.+}', 'orders', { auth: true }),
      proxied('/billing/{id}', 'billing', {
        auth: { scopes: ['use:billing'], acr_values: ['urn:example:strong'], max_age_seconds: 300 },
        mapping: { headers: { 'x-invoice': '$request.path.id', 'x-method': '$request.method' } },
      }),
      proxied('/canary/{.+}', 'canary'),
      { ...proxied('/reports/{.+}', 'orders', { auth: true }), host: 'reports.example' },
      {
        method: 'GET',
        path: BOUND,
        auth: { dpop: { mode: 'require', max_age_seconds: 300 } },
        response: { status: 'ok' },
      },
      proxied('/partners/{.+}', 'orders', { auth: ['people', 'partners'] }),
      { ...proxied('/mcp', 'upstream', { auth: true, protected_resource: true, mcp: true }), method: 'ANY' },
      proxied('/limited', 'upstream', { rate_limit: { limit: 100, key: 'ip' } }),
      proxied('/ledger/{.+}', 'ledger', { auth: true }),
      sessions('GET', '/account/sessions', true),
      sessions('DELETE', '/account/sessions', true),
      sessions('DELETE', '/account/sessions/{id}', true),
      sessions('GET', '/users/{sub}/sessions', { scopes: ['read:sessions'] }),
    ],
  });
  const others = [
    { alias: 'orders', url: how.upstream, audience: 'https://orders.example/' },
    { alias: 'billing', url: how.upstream, audience: 'https://billing.example/', scope: 'read:invoices' },
    {
      alias: 'canary',
      urls: [
        { url: how.upstream, weight: 95 },
        { url: `${how.upstream}/canary`, weight: 5 },
      ],
    },
    {
      alias: 'ledger',
      url: how.upstream,
      authorization: {
        grant: 'client_credentials',
        token_endpoint: `${how.tenant.origin}/oauth/token`,
        client_id: DEFAULT_CLIENT_ID,
        client_secret: DEFAULT_CLIENT_SECRET,
      },
    },
  ];
  return { ...config, servers: [...servers, ...others] };
}

const sessions = (method, path, auth) => ({ method, path, auth, integration: { type: 'sessions' } });

/** Paths as an API has them; a number of those and not more. */
export const resources = (count) =>
  Array.from({ length: Math.max(0, count) }, (_, number) => ({
    method: 'GET',
    path: `/api/resource${number}/{id}`,
    response: { status: 'ok' },
  }));

/** Logs in at a gateway and returns the cookie of the session. */
export async function logIn(origin) {
  const browser = new Browser();
  const callback = await browser.logInUntilCallback(`${origin}/login`);
  await browser.fetch(new URL(new URL(callback).search, origin + CALLBACK));
  return `bargate=${browser.cookies(origin).get('bargate')}`;
}
