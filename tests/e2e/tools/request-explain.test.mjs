// `bargate request explain` tells the truth: for a table of requests, what it says is what the Worker does, on the real workerd. Where it
// says that something else decides, such as a session's state, only what comes before is compared.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import { PREFIX, makeKey as makeApiKey } from '../support/api-keys.mjs';
import { buildBargate } from '../support/bargate.mjs';
import { seconds } from '../support/bearer.mjs';
import { makeHolder, makeProof } from '../support/dpop.mjs';
import { ROOT, proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { AUDIENCE, ISSUER, claimsFor, keySetOf, makeKey, signed } from '../support/signing.mjs';

const key = makeKey('RS256');
const stranger = makeKey('RS256');

const APP = 'https://app.example';
const HERE = '192.0.2.7';

/** The values of all configs here. */
const VALUES = {
  API_URL: 'https://api.example/v1',
  SPA_ORIGIN: APP,
  AUTH0_DOMAIN: 'issuer.example',
  AUTH0_CLIENT_ID: 'client',
  AUTH0_CLIENT_SECRET: 'a secret of the application, long enough',
  AUTH0_AUDIENCE: AUDIENCE,
  AUTH0_REDIRECT_URI: 'http://127.0.0.1:9000/api/auth0/callback',
  SPA_REDIRECT_URI: 'http://127.0.0.1:9000/api/auth0/token/callback',
  SILENT_REDIRECT_URI: 'http://127.0.0.1:9000/api/auth0/silent/callback',
  API_KEY: 'k-1234567890',
  PARTNER: 'gold',
};

const RICH = {
  servers: [
    { alias: 'api', url: '$env.API_URL' },
    { alias: 'other', url: 'https://other.example' },
  ],
  cors: {
    allow_origins: [APP, 'https://*.pages.example'],
    allow_credentials: true,
    allow_headers: ['authorization', 'x-own'],
    expose_headers: ['x-request-id'],
  },
  headers: { 'x-frame-options': 'DENY' },
  variables: { partner: '$env.PARTNER', api_key: '$secret.API_KEY' },
  authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, jwks_uri: 'https://issuer.example/jwks' },
  paths: [
    { method: 'GET', path: '/open', response: { open: true }, response_headers: { set: { 'x-more': '1' } } },
    {
      method: 'GET',
      path: '/old/{id}',
      integration: { type: 'redirect', location: '/new/{id}?from=old', status: 301 },
    },
    {
      method: 'GET',
      path: '/teapot',
      integration: { type: 'static', status: 418, headers: { 'x-pot': 'tea' }, body: 'short' },
    },
    proxied('/all/{.+}', 'api'),
    proxied('/mine/{.+}', 'api', {
      auth: { scopes: ['read:mine'] },
      mapping: {
        headers: {
          'x-user': '$request.jwt.sub',
          'x-groups': '$request.jwt.groups',
          'x-partner': '$config.partner',
          'x-api-key': '$config.api_key',
          'x-language': '$request.header.accept-language',
          'x-missing': '$request.header.x-nowhere',
          'x-how': '$request.method',
          'x-page': '$request.query.page',
        },
        query: { user: '$request.jwt.sub', page: '1' },
      },
      request_headers: { remove: ['x-internal', 'authorization'] },
    }),
    {
      method: 'GET',
      path: '/orders/{id}',
      auth: { permissions: ['read:orders'] },
      integration: { type: 'http_proxy', server: 'other', strip_prefix: '/orders' },
    },
    proxied('/any/{.+}', 'api', { auth: { any_scopes: ['a', 'b'] } }),
    proxied('/org/{.+}', 'api', { auth: { claims: { org: 'acme' } } }),
    proxied('/maybe/{.+}', 'api', { auth: { optional: true } }),
    { method: 'POST', path: '/strong', auth: { acr_values: ['2'], max_age_seconds: 300 }, response: 1 },
    proxied('/small/{.+}', 'api', { max_body_bytes: 4, content_types: ['application/json', 'image/*'] }),
    proxied('/near/{.+}', 'api', { ip: { allow: ['192.0.2.0/24'], deny: ['192.0.2.66'] } }),
    proxied('/limited/{.+}', 'api', { rate_limit: { limit: 100, period_seconds: 60, key: 'ip' } }),
    proxied('/files/{name}', 'api', { encoded_slashes: true }),
    proxied('/kept/{.+}', 'api', { cors: { allow_origins: ['https://other.example'] } }),
    {
      method: 'GET',
      path: '/published',
      auth: true,
      protected_resource: { resource: 'http://127.0.0.1/published' },
      response: 1,
    },
  ],
};

const PAGES = {
  servers: [{ alias: 'api', url: 'https://api.example' }],
  authorizers: {
    people: {
      type: 'oidc',
      issuer: ISSUER,
      audience: AUDIENCE,
      client_id: 'client',
      client_secret: '$secret.AUTH0_CLIENT_SECRET',
      redirect_uri: 'http://127.0.0.1:9000/callback',
    },
    machines: {
      type: 'jwt',
      issuer: 'https://machines.example/',
      audience: 'm',
      jwks_uri: 'https://issuer.example/jwks',
    },
  },
  session: { login_path: '/login', return_to: [APP] },
  problem_page: '/sorry',
  older_codes: true,
  ip: { deny: ['203.0.113.0/24'] },
  paths: [
    { method: 'GET', path: '/sorry', response: { sorry: true } },
    { method: 'GET', path: '/login', integration: { type: 'oidc_login' } },
    { method: 'GET', path: '/callback', integration: { type: 'oidc_callback' } },
    { method: 'POST', path: '/logout', integration: { type: 'oidc_logout' } },
    proxied('/people/{.+}', 'api', { auth: 'people' }),
    proxied('/machines/{.+}', 'api', { auth: 'machines' }),
    { method: 'GET', host: 'a.example', path: '/by-host', response: 'a' },
    { method: 'GET', path: '/by-host', response: 'any' },
  ],
};

/** A gateway for callers that are no browsers; `before` gives it the records of its keys. */
const CALLERS = {
  servers: [{ alias: 'api', url: 'https://api.example' }],
  authorizers: {
    people: {
      type: 'oidc',
      issuer: ISSUER,
      audience: AUDIENCE,
      client_id: 'client',
      client_secret: '$secret.AUTH0_CLIENT_SECRET',
      dpop: 'accept',
    },
    partners: { type: 'api_key', prefix: PREFIX, /** @type {any[]} */ keys: [] },
  },
  authorization_server: { issuer: 'http://127.0.0.1', redirect_uris: ['http://127.0.0.1/cb'] },
  paths: [
    proxied('/keys/{.+}', 'api', {
      auth: 'partners',
      mapping: { headers: { 'x-owner': '$request.jwt.sub' } },
    }),
    proxied('/either/{.+}', 'api', { auth: { authorizer: ['people', 'partners'], scopes: ['read'] } }),
    { method: 'GET', path: '/bound', auth: { authorizer: 'people', dpop: 'require' }, response: { bound: true } },
    proxied('/open/{.+}', 'api'),
    { ...proxied('/mcp', 'api', { auth: 'people', mcp: true, protected_resource: true }), method: 'POST' },
  ],
};

const DEMO = JSON.parse(readFileSync(join(ROOT, 'gateway.config.json'), 'utf8'));
const CONFIGS = { demo: DEMO, rich: RICH, pages: PAGES, callers: CALLERS };

const NAVIGATION = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
const page = (origin, more) => ({ origin, ...more });
const preflight = (origin, method, headers) => ({
  origin,
  'access-control-request-method': method,
  ...(headers && { 'access-control-request-headers': headers }),
});
const cookie = (name = 'bargate') => ({ cookie: `a=1; ${name}=${'A'.repeat(43)}; b=2` });
const good = (claims = {}) => signed(key, claimsFor(claims));

/** The keys of the gateway, and the client with bound tokens; `before` makes them. @type {any} */
const of = {};

const byKey = (name) => () => ({ 'x-api-key': of[name].key });
const asBearer = (text) => ({ authorization: `Bearer ${text}` });
/** A bound token with its proof, for a request to `path`, or to another one. */
const asBound =
  (path, how = {}, claims = {}) =>
  async (origin) => {
    const text = good({ cnf: { jkt: of.holder.jkt }, ...claims });
    const proof = await makeProof(of.holder, text, new URL(path, origin), how);
    return { authorization: `DPoP ${text}`, dpop: proof };
  };

/** Headers, or what makes them for a gateway. @typedef {Record<string, string> | ((origin: string) => any)} Headers */

// Message, config, method, path, and of the request: headers, token, body.
/** @type {[string, keyof typeof CONFIGS, string, string, { headers?: Headers, token?: () => string, body?: string }?][]} */
const TABLE = [
  ['an API key', 'callers', 'GET', '/keys/x', { headers: byKey('rich') }],
  ['an API key as a bearer token', 'callers', 'GET', '/keys/x', { headers: () => asBearer(of.rich.key) }],
  ['an API key that nobody knows', 'callers', 'GET', '/keys/x', { headers: byKey('unknown') }],
  [
    'an API key with a typing error',
    'callers',
    'GET',
    '/keys/x',
    { headers: () => ({ 'x-api-key': `${of.rich.key.slice(0, -1)}${of.rich.key.endsWith('0') ? '1' : '0'}` }) },
  ],
  ['an API key that has ended', 'callers', 'GET', '/keys/x', { headers: byKey('ended') }],
  ['a token where keys open', 'callers', 'GET', '/keys/x', { headers: () => asBearer(good()) }],
  ['neither', 'callers', 'GET', '/keys/x'],
  ['an API key on an open path', 'callers', 'GET', '/open/x', { headers: byKey('rich') }],
  ['an API key beside tokens', 'callers', 'GET', '/either/x', { headers: byKey('rich') }],
  ['an API key without the scope', 'callers', 'GET', '/either/x', { headers: byKey('poor') }],
  ['a token beside keys', 'callers', 'GET', '/either/x', { headers: () => asBearer(good({ scope: 'read' })) }],
  [
    'a key and a token',
    'callers',
    'GET',
    '/either/x',
    { headers: () => ({ ...byKey('rich')(), ...asBearer(good({ scope: 'read' })) }) },
  ],
  [
    'a bound token beside keys',
    'callers',
    'GET',
    '/either/x',
    { headers: asBound('/either/x', {}, { scope: 'read' }) },
  ],
  ['a bound token', 'callers', 'GET', '/bound', { headers: asBound('/bound') }],
  ['a proof for another path', 'callers', 'GET', '/bound', { headers: asBound('/either/x') }],
  ['a proof for another method', 'callers', 'GET', '/bound', { headers: asBound('/bound', { method: 'POST' }) }],
  ['an old proof', 'callers', 'GET', '/bound', { headers: asBound('/bound', { claims: { iat: 1 } }) }],
  ['a token of another key', 'callers', 'GET', '/bound', { headers: asBound('/bound', {}, { cnf: { jkt: 'a' } }) }],
  ['no token where proofs are asked for', 'callers', 'GET', '/bound'],
  ['a token that is not bound there', 'callers', 'GET', '/bound', { headers: () => asBearer(good()) }],
  [
    'a bound token as a bearer token',
    'callers',
    'GET',
    '/bound',
    { headers: () => asBearer(good({ cnf: { jkt: of.holder.jkt } })) },
  ],
  ['an MCP server without a token', 'callers', 'POST', '/mcp', { body: '{}' }],
  ['the metadata of an MCP server', 'callers', 'GET', '/.well-known/oauth-protected-resource/mcp'],
  ['a method that an endpoint has not', 'callers', 'GET', '/token'],
  ['a fixed answer', 'demo', 'GET', '/health'],
  ['the same by HEAD', 'demo', 'HEAD', '/health'],
  ['a method that the path has not', 'demo', 'POST', '/health'],
  ['a path that nobody has', 'demo', 'GET', '/nowhere'],
  ['no token', 'demo', 'GET', '/api/x'],
  ['no token, of a person', 'demo', 'GET', '/api/x?y=1', { headers: NAVIGATION }],
  ['no token, of a person that sends a form', 'demo', 'POST', '/api/x', { headers: NAVIGATION }],
  ['a token', 'demo', 'GET', '/api/x?y=1&z=%20', { token: () => good({ permissions: ['a', 'b c'] }) }],
  ['a token, from a page', 'demo', 'GET', '/api/x', { token: () => good(), headers: page(APP) }],
  [
    'a token, from a page that is not listed',
    'demo',
    'GET',
    '/api/x',
    { token: () => good(), headers: page('https://evil.example') },
  ],
  ['an expired token', 'demo', 'GET', '/api/x', { token: () => good({ exp: seconds() - 600 }) }],
  ['a token for another API', 'demo', 'GET', '/api/x', { token: () => good({ aud: 'https://else.example/' }) }],
  ['a token of a stranger', 'demo', 'GET', '/api/x', { token: () => signed(stranger) }],
  ['rubbish for a token', 'demo', 'GET', '/api/x', { token: () => 'rubbish' }],
  ['two tokens', 'demo', 'GET', '/api/x', { headers: { authorization: 'Bearer a.b.c, Bearer d.e.f' } }],
  ['another scheme', 'demo', 'GET', '/api/x', { headers: { authorization: 'Basic dTpw' } }],
  ['the cookie of a session and another site', 'demo', 'POST', '/api/x', { headers: cookie() }],
  ['a broken cookie of a session', 'demo', 'GET', '/api/x', { headers: { cookie: 'bargate=x' } }],
  [
    'two cookies of a session',
    'demo',
    'GET',
    '/api/x',
    { headers: { cookie: `bargate=${'A'.repeat(43)}; bargate=${'B'.repeat(43)}` } },
  ],
  ['a preflight', 'demo', 'OPTIONS', '/api/x', { headers: preflight(APP, 'GET', 'Authorization') }],
  [
    'a preflight for a header that is not listed',
    'demo',
    'OPTIONS',
    '/api/x',
    { headers: preflight(APP, 'GET', 'x-other') },
  ],
  ['a preflight of another page', 'demo', 'OPTIONS', '/health', { headers: preflight('https://evil.example', 'GET') }],
  ['OPTIONS that is no preflight', 'demo', 'OPTIONS', '/health'],
  ['a login that leads elsewhere', 'demo', 'GET', '/api/auth0/login?return_to=https%3A%2F%2Fevil.example%2F'],
  ['a logout by another site', 'demo', 'POST', '/api/auth0/logout', { headers: page('https://evil.example') }],
  ['a callback by HEAD', 'demo', 'HEAD', '/api/auth0/callback?code=1'],
  ['TRACE', 'demo', 'TRACE', '/api/x'],
  ['a segment of dots', 'demo', 'GET', '/api/%2e%2e%2fx'],

  ['an answer with more headers, from a page', 'rich', 'GET', '/open', { headers: page('https://a.pages.example') }],
  ['a redirect', 'rich', 'GET', '/old/a%20b&c'],
  ['a status of its own', 'rich', 'GET', '/teapot'],
  [
    'headers that no client may send',
    'rich',
    'GET',
    '/all/a//b/?x=1&x=2',
    {
      headers: {
        'x-forwarded-for': '1.2.3.4',
        'X-Real-IP': '1.2.3.4',
        te: 'trailers',
        connection: 'close, x-hop',
        'x-hop': '1',
        'x-own': 'yes',
        'x-user': 'admin',
        x_user: 'admin',
        'x-request-id': 'mine-1',
        cookie: 'bargate-login=x; c=3',
        'cf-ray': '1',
        traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
        tracestate: 'a=1',
      },
    },
  ],
  [
    'a handshake that the runtime does not make',
    'rich',
    'GET',
    '/all/x',
    { headers: { upgrade: 'h2c', connection: 'upgrade' } },
  ],
  ['a path with a circumflex', 'rich', 'GET', '/all/a^b'],
  ['a trace that is not one', 'rich', 'GET', '/all/x', { headers: { traceparent: 'x', tracestate: 'a=1' } }],
  [
    'a mapping of everything',
    'rich',
    'PUT',
    '/mine/x?page=7&user=other&z=1',
    {
      token: () => good({ scope: 'read:mine', groups: ['a b', 'c%'], sub: 'ä|1' }),
      headers: { 'accept-language': 'de', 'x-internal': '1', 'x-nowhere': '' },
      body: 'x',
    },
  ],
  ['a token without the scope', 'rich', 'GET', '/mine/x', { token: () => good({ scope: 'read:others' }) }],
  ['a token without the permission', 'rich', 'GET', '/orders/1', { token: () => good() }],
  ['a token with the permission', 'rich', 'GET', '/orders/1', { token: () => good({ permissions: ['read:orders'] }) }],
  ['one of several scopes', 'rich', 'DELETE', '/any/x', { token: () => good({ scp: ['b'] }) }],
  ['none of several scopes', 'rich', 'DELETE', '/any/x', { token: () => good({ scp: ['c'] }) }],
  ['a claim with another value', 'rich', 'GET', '/org/x', { token: () => good({ org: 'other' }) }],
  ['a claim', 'rich', 'GET', '/org/x', { token: () => good({ org: ['acme'] }) }],
  ['no token where none is needed', 'rich', 'GET', '/maybe/x'],
  ['a wrong token where none is needed', 'rich', 'GET', '/maybe/x', { token: () => signed(stranger) }],
  [
    'a login that is not strong enough',
    'rich',
    'POST',
    '/strong',
    { token: () => good({ acr: '1', auth_time: seconds() }) },
  ],
  ['a login that is', 'rich', 'POST', '/strong', { token: () => good({ acr: '2', auth_time: seconds() }) }],
  [
    'a login that is too old',
    'rich',
    'POST',
    '/strong',
    { token: () => good({ acr: '2', auth_time: seconds() - 3600 }) },
  ],
  ['a body of the type', 'rich', 'POST', '/small/x', { headers: { 'content-type': 'image/png' }, body: 'png' }],
  ['a body that is too large', 'rich', 'POST', '/small/x', { headers: { 'content-type': 'image/png' }, body: '12345' }],
  ['a body of another type', 'rich', 'POST', '/small/x', { headers: { 'content-type': 'text/html' }, body: 'x' }],
  [
    'a body of two types',
    'rich',
    'POST',
    '/small/x',
    { headers: { 'content-type': 'image/png, text/html' }, body: 'x' },
  ],
  ['an address that is let in', 'rich', 'GET', '/near/x'],
  ['an address that is not', 'rich', 'GET', '/near/x', { headers: { 'cf-connecting-ip': '192.0.2.66' } }],
  ['a limit', 'rich', 'GET', '/limited/x'],
  ['an encoded slash where it may be', 'rich', 'GET', '/files/a%2Fb'],
  [
    'a preflight by the rule of the path',
    'rich',
    'OPTIONS',
    '/kept/x',
    { headers: preflight('https://other.example', 'PUT', 'x-any') },
  ],
  ['a preflight by the rule of all', 'rich', 'OPTIONS', '/all/x', { headers: preflight(APP, 'PUT', 'x-own') }],
  ['a path whose metadata is published', 'rich', 'GET', '/published'],
  ['metadata', 'rich', 'GET', '/.well-known/oauth-protected-resource/published'],

  ['a person without a page', 'pages', 'GET', '/nowhere', { headers: NAVIGATION }],
  ['a person without a session', 'pages', 'GET', '/people/x', { headers: NAVIGATION }],
  ['a person on the path of machines', 'pages', 'GET', '/machines/x', { headers: NAVIGATION }],
  ['a session on the path of machines', 'pages', 'GET', '/machines/x', { headers: cookie() }],
  ['a token of people on the path of machines', 'pages', 'GET', '/machines/x', { token: () => good() }],
  ['an address that nobody lets in', 'pages', 'GET', '/sorry', { headers: { 'cf-connecting-ip': '203.0.113.9' } }],
  ['a host', 'pages', 'GET', '/by-host', { headers: { host: 'a.example' } }],
  ['another host', 'pages', 'GET', '/by-host', { headers: { host: 'b.example' } }],
  ['a logout from an own page', 'pages', 'GET', '/logout', { headers: { 'sec-fetch-site': 'same-origin' } }],
];

/** Headers that belong to the connection, that the runtime makes for each call, or that the test's own tools add. */
const OF_TRANSPORT = [
  'cf-worker',
  'cf-connecting-ip',
  'connection',
  'content-length',
  'host',
  'transfer-encoding',
  'date',
  'content-encoding',
  'accept-encoding',
  'set-cookie',
];

/** Checks a value against what was foretold, in which brackets stand for what is not known beforehand, and references for secrets. */
function isForetold(foretold, found) {
  const open = foretold.replaceAll(/\$secret\.(\w+)/g, (_, name) => VALUES[name]);
  const pattern = open.split(/<[^>]*>/).map((part) => part.replaceAll(/[$()*+.?[\\\]^{|}]/g, '\\$&'));
  return new RegExp(`^${pattern.join('.+')}$`).test(found ?? '');
}

/** Headers by name, those of one name joined. */
function joined(pairs) {
  const found = {};
  for (const [name, value] of pairs) found[name] = found[name] === undefined ? value : `${found[name]}, ${value}`;
  return found;
}

let folder;
let program;
const gateways = {};
/** What reached the upstreams, last first. */
const upstream = [];

/** The discovery document of the issuer. */
const DISCOVERED = {
  issuer: ISSUER,
  authorization_endpoint: 'https://issuer.example/authorize',
  token_endpoint: 'https://issuer.example/token',
  jwks_uri: 'https://issuer.example/jwks',
};

async function outbound(request) {
  const { host, pathname } = new URL(request.url);
  if (host === 'issuer.example' && pathname.endsWith('/openid-configuration')) return Response.json(DISCOVERED);
  if (host === 'issuer.example') return new Response(keySetOf(key));
  upstream.unshift({ method: request.method, url: request.url, headers: Object.fromEntries(request.headers) });
  return new Response('from the upstream');
}

before(async () => {
  program = await buildBargate();
  folder = mkdtempSync(join(tmpdir(), 'bargate-explain-'));
  writeFileSync(
    join(folder, 'values.env'),
    Object.entries(VALUES)
      .map(([name, value]) => `${name}="${value}"\n`)
      .join(''),
  );
  writeFileSync(join(folder, 'keys.json'), keySetOf(key));
  of.holder = await makeHolder();
  of.rich = await makeApiKey(['--scope', 'read'], CALLERS.authorizers.partners);
  of.poor = await makeApiKey([], CALLERS.authorizers.partners);
  of.ended = await makeApiKey([], CALLERS.authorizers.partners);
  of.unknown = await makeApiKey([], CALLERS.authorizers.partners);
  CALLERS.authorizers.partners.keys.push(of.rich.entry, of.poor.entry, {
    ...of.ended.entry,
    not_after: '2026-01-01T00:00:00Z',
  });
  for (const [name, config] of Object.entries(CONFIGS)) {
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(config));
    gateways[name] = await startGateway({ config, bindings: VALUES, outbound });
  }
});

after(async () => {
  for (const gateway of Object.values(gateways)) await gateway.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Returns what the command says of a request. */
async function explained(config, line, headers, token, body) {
  const args = [
    'request',
    'explain',
    line,
    '--config',
    join(folder, `${config}.json`),
    '--values',
    join(folder, 'values.env'),
  ];
  for (const [name, value] of Object.entries(headers)) args.push('--header', `${name}: ${value}`);
  if (token) args.push('--token', token);
  if (token || headers.authorization) args.push('--jwks', join(folder, 'keys.json'));
  if (body !== undefined) args.push('--body-bytes', String(Buffer.byteLength(body)));
  args.push('--format', 'json');
  const run = promisify(execFile)(program, args).catch((error) => error);
  const { stdout, stderr, code = 0 } = /** @type {any} */ (await run);
  assert.ok(code <= 1, stderr);
  const said = JSON.parse(stdout);
  assert.equal(code, said.outcome.kind === 'refused' ? 1 : 0, 'the exit status');
  return said;
}

describe('what is explained is what happens', () => {
  for (const [message, config, method, path, { headers = {}, token, body } = {}] of TABLE) {
    test(`${config}: ${message}`, async () => {
      const { origin } = gateways[config];
      const given = typeof headers === 'function' ? await headers(origin) : headers;
      const { host = new URL(origin).host, ...others } = given;
      const sent = { 'cf-connecting-ip': HERE, ...others };
      const text = token?.();
      const said = await explained(config, `${method} http://${host}${path}`, sent, text, body);
      upstream.length = 0;
      const answer = await sendRaw(origin, {
        method,
        path,
        headers: { host, ...sent, ...(text && { authorization: `Bearer ${text}` }) },
        body,
      });
      const found = `${JSON.stringify(said, null, 1)}\nin truth: ${answer.status} ${answer.header('x-problem-code')} ${answer.text}`;
      // Nobody else sends so much in a minute.
      const undecided = said.outcome.undecided.filter((step) => step !== 'rate_limit');
      assert.deepEqual(undecided, [], found);
      if (said.outcome.kind === 'forwarded') {
        assert.equal(answer.text, method === 'HEAD' ? '' : 'from the upstream', found);
        const [seen] = upstream;
        assert.equal(`${said.upstream.method} ${said.upstream.url}`, `${seen.method} ${seen.url}`, found);
        const foretold = joined(said.upstream.headers.map(({ name, value }) => [name, value]));
        for (const name of new Set([...Object.keys(foretold), ...Object.keys(seen.headers)])) {
          if (OF_TRANSPORT.includes(name)) continue;
          assert.ok(
            foretold[name] !== undefined &&
              seen.headers[name] !== undefined &&
              isForetold(foretold[name], seen.headers[name]),
            `${name}: ${foretold[name]} was foretold, and is ${seen.headers[name]}\n${found}`,
          );
        }
        return;
      }
      assert.deepEqual(upstream, [], 'nothing reached an upstream');
      if (said.outcome.kind === 'refused')
        assert.equal(answer.header('x-problem-code') ?? codeIn(answer), said.outcome.code, found);
      if (said.outcome.status === null) return;
      assert.equal(answer.status, said.outcome.status, found);
      const foretold = joined(said.outcome.headers.map(({ name, value }) => [name, value]));
      for (const [name, value] of Object.entries(foretold)) {
        assert.ok(
          isForetold(value, answer.values(name).join(', ')),
          `${name}: ${value}\n${found}\n${answer.values(name)}`,
        );
      }
    });
  }
});

/** The code of a failure that a redirect to a page names. */
const codeIn = (answer) => new URL(answer.header('location') ?? 'x:', 'http://x').searchParams.get('code');

test('a request with what the config alone does not decide says what decides it, and goes on', async () => {
  const said = await explained('demo', 'POST https://gw.example/api/x', {
    ...cookie('__Host-bargate'),
    'sec-fetch-site': 'same-origin',
  });
  assert.deepEqual([said.outcome.kind, said.outcome.undecided], ['forwarded', ['auth', 'mapping']]);
  const sent = Object.fromEntries(said.upstream.headers.map(({ name, value, from }) => [name, `${from}: ${value}`]));
  assert.equal(sent.authorization, "session: Bearer <the session's access token>");
  assert.equal(sent.cookie, 'client: a=<what the client sent>; b=<what the client sent>');
});
