// What a client gets of an upstream's answer if there are sessions: cookies of the gateway's names are the gateway's alone
// to set, and what was answered to a session's cookie is for nobody else's cache.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { startTenant } from '../../../dev/tenant.mjs';
import { originOf, sendRaw, startUpstream } from '../support/harness.mjs';
import { COOKIE, assertAlive, beginSession, startSessionGateway } from '../support/session-flow.mjs';

// What an upstream may answer with, and a body if it may have one.
const STATUSES = [[200, 'x'], [206, 'x'], [204], [302], [304], [404, 'x'], [500, 'x']];
const ANSWERED = { location: 'https://elsewhere.example/' };

let tenant;
let upstream;
let answer;
let gateway;
let session;
let bearer;

before(async () => {
  tenant = await startTenant();
  upstream = await startUpstream((_, response) => {
    response.writeHead(answer.status, answer.headers);
    response.end(answer.body);
  });
  gateway = await startSessionGateway(tenant, upstream);
  session = await beginSession(gateway, tenant);
  bearer = `Bearer ${await tenant.mint()}`;
});

after(async () => {
  await gateway?.close();
  await Promise.all([upstream?.close(), tenant?.close()]);
});

const bySession = () => ['/app/x', { cookie: session.cookie }];
const byBearer = () => ['/app/x', { authorization: bearer }];
const byBoth = () => ['/app/x', { authorization: bearer, cookie: session.cookie }];
const openly = () => ['/open/x', {}];
const openlyWithSession = () => ['/open/x', { cookie: session.cookie }];
const WAYS = { bySession, byBearer, byBoth, openly, openlyWithSession };

/** Has the upstream answer a request with this. */
async function relayed(way, headers, [status, body] = STATUSES[0], at = gateway) {
  answer = { status, body, headers: { ...ANSWERED, ...headers } };
  const [path, sent] = way();
  const got = await sendRaw(at.origin, { path, headers: sent });
  assert.equal(got.status, status, got.text);
  assert.equal(got.header('location'), ANSWERED.location);
  return got;
}

describe("a cookie of the gateway's own names", () => {
  const OWN = [
    `${COOKIE}=${'A'.repeat(43)}; Path=/`,
    `${COOKIE}=; Path=/; Max-Age=0`,
    `__Host-${COOKIE}=${'A'.repeat(43)}; Path=/; Secure; HttpOnly`,
    `${COOKIE}-login=${'A'.repeat(22)}; Path=/; HttpOnly`,
    `__Host-${COOKIE}-login=; Path=/; Secure; Max-Age=0`,
    ` ${COOKIE} = spaced`,
    `\t${COOKIE}=tabbed`,
    `=__Host-${COOKIE}=nameless`,
  ];
  const OTHERS = [
    'first=1; Path=/',
    `x${COOKIE}=2`,
    `${COOKIE}2=3; HttpOnly`,
    `second=${COOKIE}=4; Expires=Thu, 01 Jan 2037 00:00:00 GMT`,
    `__Host-${COOKIE}2=5; Path=/; Secure`,
    `third=a, ${COOKIE}=6`,
    'first=7; Path=/elsewhere',
  ];

  for (const status of STATUSES) {
    test(`is not the upstream's to set, and all others are, in their order: ${status[0]}`, async () => {
      const mixed = OTHERS.flatMap((line, index) => [line, OWN[index]]);
      for (const [how, way] of Object.entries(WAYS)) {
        for (const [message, sent, expected] of [
          ['mixed', mixed, OTHERS],
          ['others alone', OTHERS, OTHERS],
          ['own alone', OWN, []],
        ]) {
          const got = await relayed(way, { 'set-cookie': sent }, status);
          assert.deepEqual(got.values('set-cookie'), expected, `${how}: ${message}`);
        }
      }
      await assertAlive(gateway, session, 'after all of that');
    });
  }

  test("is not the upstream's to set on a WebSocket handshake either", async (t) => {
    const http = createServer();
    const sockets = new WebSocketServer({ server: http });
    sockets.on('headers', (lines) => lines.push(...[...OWN, ...OTHERS].map((line) => `Set-Cookie: ${line}`)));
    await once(http.listen(0, '127.0.0.1'), 'listening');
    const handshaking = await startSessionGateway(tenant, { origin: originOf(http) });
    t.after(async () => {
      for (const each of sockets.clients) each.terminate();
      await handshaking.close();
      http.closeAllConnections();
      http.close();
    });
    const socket = new WebSocket(`${handshaking.origin.replace('http', 'ws')}/open/x`);
    const [[answered]] = await Promise.all([once(socket, 'upgrade'), once(socket, 'open')]);
    assert.deepEqual(answered.headers['set-cookie'], OTHERS);
    socket.terminate();
  });

  test('is one of the name that the config gives the session', async (t) => {
    const named = await startSessionGateway(tenant, upstream, { session: { cookie: '__Host-shop' } });
    t.after(() => named.close());
    const lines = ['shop=1', 'bargate=2', '__Host-shop=3; Path=/; Secure', 'bargate-login=4', 'other=5'];
    const got = await relayed(openly, { 'set-cookie': lines }, STATUSES[0], named);
    assert.deepEqual(got.values('set-cookie'), ['bargate=2', 'other=5']);
  });
});

describe("an answer to a session's cookie", () => {
  const decided = [
    'public, max-age=60',
    'PUBLIC',
    's-maxage=60',
    'max-age=60, must-revalidate',
    'no-store',
    'no-cache, no-store',
    'private, max-age=60',
    'Private="set-cookie"',
  ];
  const undecided = [
    'max-age=60',
    'no-cache',
    'max-age=31536000, immutable',
    'no-transform',
    'publicly=1',
    'x=nopublic',
  ];

  test('is private, unless the upstream has said who may keep it', async () => {
    for (const status of STATUSES) {
      const got = await relayed(bySession, {}, status);
      assert.deepEqual([got.header('cache-control'), got.header('vary')], ['private', 'Cookie'], `${status[0]}`);
    }
    for (const said of decided)
      assert.equal((await relayed(bySession, { 'cache-control': said })).header('cache-control'), said);
    for (const said of undecided) {
      assert.equal((await relayed(bySession, { 'cache-control': said })).header('cache-control'), `${said}, private`);
    }
  });

  test('is so whatever headers the config sets on all', async (t) => {
    const headers = { 'cache-control': 'public, max-age=60', vary: 'Accept' };
    const adorned = await startSessionGateway(tenant, upstream, { sections: { headers } });
    t.after(() => adorned.close());
    const { cookie } = await beginSession(adorned, tenant);
    for (const [said, expected] of [
      [undefined, 'private'],
      ['max-age=1', 'max-age=1, private'],
      ['no-store', 'no-store'],
      ['public', headers['cache-control']],
    ]) {
      const got = await relayed(
        () => ['/app/x', { cookie }],
        said ? { 'cache-control': said } : {},
        STATUSES[0],
        adorned,
      );
      assert.deepEqual([got.header('cache-control'), got.header('vary')], [expected, 'Accept, Cookie'], said);
    }
  });

  test('varies by it, whatever else it varies by', async () => {
    for (const said of ['Accept-Encoding', 'Origin, Accept', '*']) {
      assert.equal((await relayed(bySession, { vary: said })).header('vary'), `${said}, Cookie`);
    }
  });

  for (const [how, way] of Object.entries({ byBearer, byBoth, openly, openlyWithSession })) {
    test(`is told from others, which pass untouched: ${how}`, async () => {
      for (const status of STATUSES) {
        const got = await relayed(way, {}, status);
        assert.deepEqual([got.header('cache-control'), got.header('vary')], [null, null], `${status[0]}`);
      }
      for (const said of [...decided, ...undecided]) {
        const got = await relayed(way, { 'cache-control': said, vary: 'Accept' });
        assert.deepEqual([got.header('cache-control'), got.header('vary')], [said, 'Accept']);
      }
    });
  }
});

describe("the gateway's own answer", () => {
  const fixed = (path, headers, more = {}) => ({
    method: 'GET',
    path,
    integration: { type: 'static', body: 'own', headers },
    ...more,
  });
  const members = { auth: true };
  let own;
  let cookie;

  before(async () => {
    own = await startSessionGateway(tenant, upstream, {
      paths: [
        { method: 'GET', path: '/response', response: {}, ...members },
        { method: 'GET', path: '/go/{.+}', integration: { type: 'redirect', location: '/app/{.+}' }, ...members },
        fixed('/static', {}, members),
        fixed('/timed', { 'cache-control': 'max-age=60' }, members),
        fixed('/public', { 'cache-control': 'public, max-age=60' }, members),
        fixed(
          '/stripped',
          {},
          { ...members, response_headers: { remove: ['cache-control', 'vary'], set: { 'x-own': '1' } } },
        ),
        fixed('/varied', {}, { ...members, response_headers: { set: { vary: 'Accept' } } }),
        fixed('/optional', {}, { auth: { optional: true } }),
        fixed('/free', {}),
        { method: 'GET', path: '/scoped', response: {}, auth: { scopes: ['never:granted'] } },
      ],
    });
    ({ cookie } = await beginSession(own, tenant));
  });

  after(() => own?.close());

  const ask = (path, /** @type {Record<string, string>} */ headers = { cookie }) =>
    sendRaw(own.origin, { path, headers });
  const told = (got) => [got.status, got.header('cache-control'), got.header('vary')];

  test('to a session is private and varies by its cookie, unless the config says who may keep it', async () => {
    for (const [path, status, cacheControl, vary = 'Cookie'] of /** @type {any[][]} */ ([
      ['/response', 200, 'private'],
      ['/static', 200, 'private'],
      ['/go/x', 302, 'private'],
      ['/timed', 200, 'max-age=60, private'],
      ['/public', 200, 'public, max-age=60'],
      ['/stripped', 200, 'private'],
      ['/varied', 200, 'private', 'Accept, Cookie'],
      ['/optional', 200, 'private'],
      ['/scoped', 403, 'no-store'],
    ]))
      assert.deepEqual(told(await ask(path)), [status, cacheControl, vary], path);
  });

  test('to anybody else is as the config has it, and varies by the cookie where a session would have another', async () => {
    assert.deepEqual(told(await ask('/free')), [200, null, null]);
    assert.deepEqual(told(await ask('/response', { authorization: bearer })), [200, null, null]);
    assert.deepEqual(told(await ask('/optional', {})), [200, null, 'Cookie']);
  });

  test('is that of its kind, in whatever order they come', async () => {
    const ways = /** @type {const} */ ([
      [{ cookie }, 'private'],
      [{ authorization: bearer }, null],
      [{}, null],
    ]);
    const ids = new Set();
    for (const [headers, cacheControl] of [...ways, ...ways.toReversed(), ...ways]) {
      const got = await ask('/optional', headers);
      assert.deepEqual([...told(got), got.text], [200, cacheControl, 'Cookie', 'own']);
      ids.add(got.header('x-request-id'));
    }
    assert.equal(ids.size, 3 * ways.length, 'an id of its own for each');
  });
});

describe('an answer with tokens, a profile or a failure', () => {
  const SETS = {
    'cache-control': 'public, max-age=600',
    'cdn-cache-control': 'max-age=600',
    'surrogate-control': 'max-age=600',
    vary: 'Accept',
  };
  const rules = { response_headers: { remove: ['cache-control', 'vary'], set: SETS } };
  const login = (kind, path, method = 'GET') => ({ method, path, integration: { type: `auth0_${kind}` }, ...rules });
  let own;
  let session;

  before(async () => {
    own = await startSessionGateway(tenant, upstream, {
      sections: { headers: SETS },
      paths: [
        login('userinfo', '/own-profile'),
        login('refresh', '/own-refresh', 'POST'),
        login('login', '/own-login'),
        { method: 'GET', path: '/own-health', integration: { type: 'health' }, ...rules },
        { method: 'GET', path: '/needed', auth: true, response: {}, ...rules },
      ],
    });
    session = await beginSession(own, tenant);
  });

  after(() => own?.close());

  for (const [message, method, path, status, headers] of /** @type {any[][]} */ ([
    ['a profile', 'GET', '/own-profile', 200, () => ({ cookie: session.cookie })],
    [
      'a refreshed session',
      'POST',
      '/own-refresh',
      200,
      () => ({ cookie: session.cookie, 'sec-fetch-site': 'same-origin' }),
    ],
    ['the redirect of a login', 'GET', '/own-login', 302, () => ({})],
    ['the state of the gateway', 'GET', '/own-health', 200, () => ({})],
    ['a failure', 'GET', '/needed', 401, () => ({})],
  ])) {
    test(`is stored by nobody, whatever the config sets and removes: ${message}`, async () => {
      const got = await sendRaw(own.origin, { method, path, headers: headers() });
      assert.equal(got.status, status, got.text);
      assert.equal(got.header('cache-control'), 'no-store');
      for (const name of ['cdn-cache-control', 'surrogate-control']) assert.equal(got.header(name), null, name);
    });
  }
});
