// The headers that answers have for safety's sake: those of the gateway's own answers, and those that the config's `headers` sets
// on all, whoever made them.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';
import { LOGIN, loginConfig } from '../support/login-flow.mjs';
import { APP, entryWith } from '../support/rules.mjs';

const HSTS = 'max-age=63072000';
const OWN_HEADERS = {
  'X-Frame-Options': 'DENY',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'Referrer-Policy': 'same-origin',
  'X-From-A-Variable': '$env.NAMED',
};
const EXPECTED = { ...OWN_HEADERS, 'X-From-A-Variable': 'by name' };

let tenant;
let upstream;
let plain;
let adorned;

const PREFLIGHT = { origin: APP, 'access-control-request-method': 'GET' };

// Who made it, method, path, headers, status.
/** @type {any[][]} */
const ANSWERS = [
  ['a fixed answer', true, 'GET', '/fixed', {}, 200],
  ['a fixed answer to HEAD', true, 'HEAD', '/fixed', {}, 200],
  ['a static answer', true, 'GET', '/static', {}, 418],
  ['a redirect', true, 'GET', '/redirect', {}, 308],
  ['a login', true, 'GET', LOGIN, {}, 302],
  ['the state of health', true, 'GET', '/state', {}, 200],
  ['a path that is not there', true, 'GET', '/nowhere', {}, 404],
  ['a method that is not there', true, 'DELETE', '/fixed', {}, 405],
  ['an ambiguous path', true, 'GET', '/fixed%2Fx', {}, 400],
  ['a missing token', true, 'GET', '/private', {}, 401],
  ['a bad token', true, 'GET', '/private', { authorization: 'Bearer a.b.c' }, 401],
  ['an address that is denied', true, 'GET', '/denied', {}, 403],
  ['a rate limit', true, 'GET', '/limited', {}, 429],
  ['a body of another type', true, 'POST', '/typed', { 'content-type': 'text/plain' }, 415],
  ['an upstream that cannot be reached', true, 'GET', '/nobody', {}, 502],
  ["an upstream's answer", false, 'GET', '/own/200', {}, 200],
  ["an upstream's answer to POST", false, 'POST', '/own/201', {}, 201],
  ["an upstream's answer without a body", false, 'GET', '/own/204', {}, 204],
  ["an upstream's redirect", false, 'GET', '/own/302', {}, 302],
  ["an upstream's error", false, 'GET', '/own/404', {}, 404],
  ["an upstream's failure", false, 'GET', '/own/503', {}, 503],
];

before(async () => {
  tenant = await startTenant();
  upstream = await startUpstream((request, response) => {
    const status = Number(/\d+/.exec(request.url)?.[0] ?? 200);
    const own = { 'x-frame-options': 'SAMEORIGIN', 'referrer-policy': 'unsafe-url', 'x-own': 'kept' };
    response
      .writeHead(status, { ...own, ...(status === 302 ? { location: '/x' } : {}) })
      .end(status === 204 ? undefined : 'body');
  });
  plain = await start({});
  adorned = await start({ headers: OWN_HEADERS });
});

after(async () => {
  for (const started of [plain, adorned, upstream, tenant]) await started?.close();
});

function start(sections, options = {}) {
  const { authorizer, paths } = loginConfig(tenant);
  return startGateway({
    config: {
      servers: [
        { alias: 'own', url: upstream.origin },
        { alias: 'nobody', url: 'http://127.0.0.1:1' },
      ],
      cors: { allow_origins: [APP] },
      authorizer,
      paths: [
        ...paths,
        { method: 'GET', path: '/fixed', response: { fixed: true } },
        {
          method: 'GET',
          path: '/static',
          integration: { type: 'static', status: 418, headers: { 'x-own': 'kept' }, body: 'text' },
        },
        { method: 'GET', path: '/redirect', integration: { type: 'redirect', status: 308, location: '/fixed' } },
        { method: 'GET', path: '/state', integration: { type: 'health' } },
        { method: 'GET', path: '/private', auth: true, response: {} },
        { method: 'GET', path: '/denied', response: {}, ip: { deny: ['0.0.0.0/0', '::/0'] } },
        { method: 'GET', path: '/limited', response: {}, rate_limit: { binding: 'CLOSED', key: 'ip' } },
        { method: 'POST', path: '/typed', response: {}, content_types: ['application/json'] },
        proxied('/own/{.+}', 'own'),
        proxied('/nobody', 'nobody'),
      ],
      ...sections,
    },
    bindings: { CLIENT_SECRET: 'a-secret-of-no-importance', NAMED: 'by name' },
    entry: entryWith({ CLOSED: '{ limit: async () => ({ success: false }) }', FAULT: '() => {}' }),
    ...options,
  });
}

/** Asks at an origin of the test's choice. */
const askAt = (gateway, origin, method, path, headers) =>
  gateway.miniflare.dispatchFetch(`${origin}${path}`, {
    method,
    headers,
    redirect: 'manual',
    ...(method === 'POST' ? { body: 'body' } : {}),
  });

for (const [scheme, hsts] of /** @type {any[][]} */ ([
  ['https', HSTS],
  ['http', null],
])) {
  describe(`over ${scheme}`, () => {
    for (const [message, made, method, path, headers, status] of ANSWERS) {
      test(`${message} has ${made ? "the headers of the gateway's own answers" : 'what the upstream gave it'}`, async () => {
        const answer = await askAt(plain, `${scheme}://gateway.example`, method, path, headers);
        assert.equal(answer.status, status, await answer.text());
        const { headers: told } = answer;
        assert.equal(told.get('x-content-type-options'), made ? 'nosniff' : null);
        assert.equal(told.get('strict-transport-security'), made ? hsts : null);
        const ofUpstream = [told.get('x-frame-options'), told.get('referrer-policy')];
        const own = [null, path === LOGIN ? 'no-referrer' : null];
        assert.deepEqual(ofUpstream, made ? own : ['SAMEORIGIN', 'unsafe-url']);
      });

      test(`${message} has the headers of the config, each once`, async () => {
        const { status: found, headers: told } = await askAt(
          adorned,
          `${scheme}://gateway.example`,
          method,
          path,
          headers,
        );
        assert.equal(found, status);
        for (const [name, value] of Object.entries(EXPECTED)) assert.equal(told.get(name), value, name);
        assert.equal(told.get('strict-transport-security'), made ? hsts : null);
        assert.equal(told.get('x-own'), path.startsWith('/own') || path === '/static' ? 'kept' : null);
        assert.match(told.get('x-request-id'), /^[\w-]{8,}$/);
      });
    }
  });
}

test('a preflight has the headers of the gateway and of the config, whether it is granted or not', async () => {
  for (const headers of [PREFLIGHT, { ...PREFLIGHT, origin: 'https://evil.example' }]) {
    const { status, headers: told } = await askAt(adorned, 'https://gateway.example', 'OPTIONS', '/fixed', headers);
    assert.equal(status, 204);
    assert.deepEqual([told.get('x-content-type-options'), told.get('strict-transport-security')], ['nosniff', HSTS]);
    for (const [name, value] of Object.entries(EXPECTED)) assert.equal(told.get(name), value, name);
  }
});

test('a page that the gateway makes has the headers of the config, and keeps its own policy', async () => {
  const person = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
  const page = await sendRaw(adorned.origin, { path: '/nowhere', headers: person });
  assert.deepEqual([page.status, page.header('content-type')], [404, 'text/html; charset=utf-8']);
  assert.match(page.header('content-security-policy') ?? '', /^default-src 'none'; style-src 'sha256-/);
  assert.equal(page.header('x-frame-options'), EXPECTED['X-Frame-Options']);
});

test('the headers of the config win over those of the gateway', async (t) => {
  const own = { 'strict-transport-security': 'max-age=1; preload', 'X-Content-Type-Options': 'nosniff' };
  const gateway = await start({ headers: own });
  t.after(() => gateway.close());
  for (const path of ['/fixed', '/nowhere', '/own/200']) {
    const { headers } = await askAt(gateway, 'https://gateway.example', 'GET', path);
    for (const [name, value] of Object.entries(own)) assert.equal(headers.get(name), value, `${path}: ${name}`);
  }
});

test('no answer has them while no config is in force, and each is safe all the same', async (t) => {
  const gateway = await startGateway({ config: { headers: OWN_HEADERS, paths: [], colour: 1 } });
  t.after(() => gateway.close());
  const { status, headers } = await askAt(gateway, 'https://gateway.example', 'GET', '/fixed');
  assert.deepEqual(
    [status, headers.get('x-content-type-options'), headers.get('strict-transport-security')],
    [503, 'nosniff', HSTS],
  );
  assert.equal(headers.get('x-frame-options'), null);
});

test('an answer in the place of one that failed inside has them', async () => {
  const { status, headers } = await askAt(adorned, 'https://gateway.example', 'GET', '/fixed', { 'x-fault': 'yes' });
  const safe = [headers.get('x-content-type-options'), headers.get('strict-transport-security')];
  assert.deepEqual([status, ...safe], [500, 'nosniff', HSTS]);
  for (const [name, value] of Object.entries(EXPECTED)) assert.equal(headers.get(name), value, name);
});

test('a problem, a login and the state of health are not to be stored', async () => {
  for (const path of ['/nowhere', '/private', '/limited', '/denied', '/nobody', LOGIN, '/state']) {
    const { headers } = await askAt(plain, 'https://gateway.example', 'GET', path);
    assert.equal(headers.get('cache-control'), 'no-store', path);
  }
});

describe('the headers of a config', () => {
  let gateway;
  let said;

  before(async () => {
    const upstreamOf = await startUpstream((_request, response) => response.writeHead(200, said).end());
    gateway = await start({
      headers: { 'cache-control': 'public, max-age=60', 'set-cookie': 'region=eu' },
      servers: [{ alias: 'own', url: upstreamOf.origin }],
      paths: [
        { method: 'GET', path: '/me', auth: true, integration: { type: 'auth0_userinfo' } },
        { method: 'GET', path: '/private', auth: true, response: {} },
        { method: 'GET', path: '/fixed', response: {} },
        { method: 'GET', path: '/cookie', integration: { type: 'static', headers: { 'set-cookie': 's=1' } } },
        proxied('/own', 'own'),
        proxied('/ruled', 'own', { response_headers: { set: { 'set-cookie': 'p=1', 'cache-control': 'no-cache' } } }),
      ],
      cors: undefined,
    });
    gateway.upstream = upstreamOf;
  });

  after(async () => {
    await gateway?.close();
    await gateway?.upstream.close();
  });

  test('let nobody store a profile or a problem', async () => {
    const profile = await gateway.ask('/me', { headers: { authorization: `Bearer ${await tenant.mint()}` } });
    assert.deepEqual([profile.status, profile.headers.get('cache-control')], [200, 'no-store']);
    const problem = await gateway.ask('/private');
    assert.deepEqual([problem.status, problem.headers.get('cache-control')], [401, 'no-store']);
  });

  test('decide for an answer of which nothing is said, and for one that any cache may keep', async () => {
    assert.equal((await gateway.ask('/fixed')).headers.get('cache-control'), 'public, max-age=60');
    for (const [cacheControl, expected] of [
      [undefined, 'public, max-age=60'],
      ['max-age=1', 'public, max-age=60'],
      ['no-store', 'no-store'],
      ['max-age=1, Private', 'max-age=1, Private'],
    ]) {
      said = cacheControl ? { 'cache-control': cacheControl } : {};
      assert.equal((await gateway.ask('/own')).headers.get('cache-control'), expected, cacheControl);
    }
  });

  test('add a cookie to those that are there', async () => {
    said = [
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ].flat();
    for (const [path, others] of /** @type {any[][]} */ ([
      ['/own', ['a=1', 'b=2']],
      ['/cookie', ['s=1']],
      ['/ruled', ['a=1', 'b=2', 'p=1']],
      ['/fixed', []],
    ])) {
      const { headers } = await gateway.ask(path);
      assert.deepEqual(headers.getSetCookie().sort(), [...others, 'region=eu'].sort(), path);
    }
  });
});
