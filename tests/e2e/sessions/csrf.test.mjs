// Cross-site request forgery: which requests the session's cookie is good for, by method, Sec-Fetch-Site, Origin and allow-list;
// and WebSockets, which no same-origin policy covers.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { sendRaw } from '../support/harness.mjs';
import { PROFILE, REFRESH } from '../support/login-flow.mjs';
import {
  COOKIE,
  CSRF_REJECTED,
  LOGOUT,
  SESSION_INVALID,
  assertAlive,
  beginSession,
  claimsAt,
  startSessionGateway,
} from '../support/session-flow.mjs';

const LISTED = 'https://spa.example';
const OTHER = 'https://evil.example';

const METHODS = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'];
const SAFE = ['GET', 'HEAD', 'OPTIONS'];
const SITES = [undefined, 'same-origin', 'same-site', 'cross-site', 'none'];
const LISTS = {
  absent: undefined,
  listed: [LISTED],
  'any origin': ['*'],
  'listed, and stars': [LISTED, 'https://*.evil.example', 'http://localhost:*'],
};

let tenant;
let api;
const gateways = {};

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  await Promise.all(
    Object.entries(LISTS).map(async ([name, origins]) => {
      const sections = origins ? { cors: { allow_origins: origins } } : {};
      gateways[name] = await startSessionGateway(tenant, api, { sections });
    }),
  );
  // One after the other, so that each knows its own family.
  for (const gateway of Object.values(gateways)) gateway.session = await beginSession(gateway, tenant);
});

after(async () => {
  await Promise.all(Object.values(gateways).map((gateway) => gateway.close()));
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => {
  api.requests.length = 0;
});

const present = (headers) => Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined));
const originsFor = ({ origin }) => [
  undefined,
  origin,
  LISTED,
  OTHER,
  'https://a.evil.example',
  'http://localhost:5173',
  'null',
  `${origin}.evil.example`,
  origin.toUpperCase(),
];

for (const [list, origins] of Object.entries(LISTS)) {
  test(`the cookie is good for what the rule says, with an allow-list that is: ${list}`, async () => {
    const gateway = gateways[list];
    const { cookie } = gateway.session;
    for (const origin of originsFor(gateway)) {
      for (const site of SITES) {
        for (const method of METHODS) {
          const byOrigin = origin === gateway.origin || (origins ?? []).includes(origin);
          const allowed = SAFE.includes(method) || site === 'same-origin' || site === 'none' || byOrigin;
          const message = `${method}, Sec-Fetch-Site ${site}, Origin ${origin}`;
          api.requests.length = 0;
          const headers = present({ cookie, origin, 'sec-fetch-site': site });
          const answer = await sendRaw(gateway.origin, { method, path: '/app/x', headers });
          if (allowed) {
            assert.equal(answer.status, 200, `${message}: ${answer.text}`);
            assert.equal(api.requests.at(-1).method, method, message);
            assert.equal(claimsAt(api).sub, gateway.session.sub, message);
          } else {
            assert.deepEqual([answer.status, answer.json().code], CSRF_REJECTED, `${message}: ${answer.text}`);
            assert.deepEqual(api.requests, [], message);
            assert.deepEqual(answer.values('set-cookie'), [], `${message}: the session is not at fault`);
          }
        }
      }
    }
    await assertAlive(gateway, gateway.session, 'after all of that');
  });
}

test('the own rule of a path decides there, in both directions', async () => {
  const cors = { allow_origins: [LISTED] };
  const own = (path, more) => ({ method: 'POST', path, auth: true, response: { path }, ...more });
  const paths = [
    own('/plain'),
    own('/wider', { cors: { allow_origins: [OTHER] } }),
    own('/narrower', { cors: { allow_origins: [] } }),
  ];
  const gateway = await startSessionGateway(tenant, api, { sections: { cors }, paths });
  try {
    const { cookie } = await beginSession(gateway, tenant);
    for (const [path, origin, allowed] of [
      ['/plain', LISTED, true],
      ['/plain', OTHER, false],
      ['/wider', OTHER, true],
      ['/wider', LISTED, false],
      ['/narrower', LISTED, false],
      ['/narrower', gateway.origin, true],
    ]) {
      const headers = { cookie, origin, 'sec-fetch-site': 'cross-site' };
      const { status } = await sendRaw(gateway.origin, { method: 'POST', path, headers });
      assert.equal(status, allowed ? 200 : 403, `${path} ${origin}`);
    }
  } finally {
    await gateway.close();
  }
});

describe('the rule', () => {
  const cross = { 'sec-fetch-site': 'cross-site', origin: OTHER };
  const post = (path, headers) => sendRaw(gateways.absent.origin, { method: 'POST', path, headers });

  test('is not for requests with a bearer token, which no other site can send', async () => {
    const authorization = `Bearer ${await tenant.mint()}`;
    const { cookie } = gateways.absent.session;
    for (const headers of [{ authorization }, { authorization, cookie }]) {
      assert.equal((await post('/app/x', { ...cross, ...headers })).status, 200);
    }
  });

  test('is not for paths that take no cookie', async () => {
    const { cookie } = gateways.absent.session;
    assert.equal((await post('/open/x', { ...cross, cookie })).status, 200);
  });

  test('is for userinfo and refresh as well', async () => {
    const { cookie } = gateways.absent.session;
    const refused = await post(REFRESH, { ...cross, cookie });
    assert.deepEqual([refused.status, refused.json().code], CSRF_REJECTED);
    assert.equal((await post(REFRESH, { cookie, 'sec-fetch-site': 'same-origin' })).status, 200);
    const read = await sendRaw(gateways.absent.origin, { path: PROFILE, headers: { ...cross, cookie } });
    assert.equal(read.status, 200, 'reading is left to the same-origin policy');
    assert.equal(read.header('access-control-allow-origin'), null, 'which is not lifted');
  });

  test('lets no cookie go by that is malformed or of no session', async () => {
    for (const value of ['x', 'A'.repeat(43)]) {
      const answer = await post('/app/x', { ...cross, cookie: `${COOKIE}=${value}` });
      assert.ok([401, 403].includes(answer.status), answer.text);
    }
  });

  test("takes the https origin for the gateway's own over https", async () => {
    const gateway = gateways.absent;
    const cookie = gateway.session.cookie.replace(COOKIE, `__Host-${COOKIE}`);
    for (const [origin, status] of [
      ['https://gw.example', 200],
      ['http://gw.example', 403],
      ['https://gw.example:8443', 403],
    ]) {
      const answer = await gateway.askAt('https://gw.example/app/x', { method: 'POST', headers: { cookie, origin } });
      assert.equal(answer.status, status, `${origin}: ${answer.text}`);
    }
  });

  test('is for a GET that logs out', async () => {
    const { cookie } = gateways.absent.session;
    for (const site of SITES.filter((each) => each !== 'same-origin')) {
      const headers = present({ cookie, 'sec-fetch-site': site });
      const answer = await sendRaw(gateways.absent.origin, { path: LOGOUT, headers });
      assert.deepEqual([answer.status, answer.json().code], CSRF_REJECTED, `${site}`);
    }
    await assertAlive(gateways.absent, gateways.absent.session, 'nobody is logged out');
  });
});

/**
 * Opens a WebSocket and gives it, or the status and code of the refusal.
 * @returns {Promise<{ socket?: any, status?: number, code?: string }>}
 */
async function open(gateway, headers, path = '/app/socket') {
  const socket = new WebSocket(gateway.origin.replace('http', 'ws') + path, { headers });
  const refused = once(socket, 'unexpected-response').then(async ([, response]) => {
    const text = Buffer.concat(await response.toArray()).toString('utf8');
    return { status: response.statusCode, code: JSON.parse(text).code };
  });
  refused.catch(() => {});
  socket.on('error', () => {});
  return Promise.race([once(socket, 'open').then(() => ({ socket })), refused]);
}

/**
 * Asserts that a WebSocket is open, and closes it.
 * @param {{ socket?: any, status?: number, code?: string }} opened
 * @param {string} [message]
 */
async function assertEchoes({ socket, status, code }, message) {
  assert.ok(socket, `${message}: ${status} ${code}`);
  socket.send('hello');
  assert.equal(String((await once(socket, 'message'))[0]), 'hello', message);
  socket.close();
  await once(socket, 'close');
}

describe('a WebSocket', () => {
  for (const [list, origins] of Object.entries(LISTS)) {
    test(`is opened with the cookie from the gateway's own pages and allowed origins alone, with an allow-list that is: ${list}`, async () => {
      const gateway = gateways[list];
      const { cookie, sub } = gateway.session;
      for (const origin of originsFor(gateway)) {
        for (const site of SITES) {
          const message = `Origin ${origin}, Sec-Fetch-Site ${site}`;
          api.requests.length = 0;
          const opened = await open(gateway, present({ cookie, origin, 'sec-fetch-site': site }));
          if (origin === gateway.origin || (origins ?? []).includes(origin)) {
            await assertEchoes(opened, message);
            assert.equal(claimsAt(api).sub, sub, message);
            assert.equal(api.requests[0].headers.cookie, undefined, message);
          } else {
            assert.deepEqual([opened.status, opened.code], CSRF_REJECTED, message);
            assert.deepEqual(api.requests, [], message);
          }
        }
      }
    });
  }

  test('is opened with a bearer token from anywhere', async () => {
    const authorization = `Bearer ${await tenant.mint()}`;
    for (const origin of [undefined, OTHER]) {
      await assertEchoes(await open(gateways.absent, present({ authorization, origin })), `${origin}`);
    }
  });

  test('is not opened with a bad cookie from an allowed origin', async () => {
    const gateway = gateways.listed;
    const opened = await open(gateway, { cookie: `${COOKIE}=x`, origin: LISTED });
    assert.deepEqual([opened.status, opened.code], SESSION_INVALID);
    const none = await open(gateway, { origin: LISTED });
    assert.deepEqual([none.status, none.code], [401, 'token_missing']);
  });
});
