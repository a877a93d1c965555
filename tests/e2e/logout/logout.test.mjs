// Logout: who may ask for it, where it leads, and that nothing of the session outlives it. What the provider ends by itself is
// in backchannel-logout.test.mjs.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { sendRaw, until } from '../support/harness.mjs';
import { CLIENT_ID, assertProblem } from '../support/login-flow.mjs';
import {
  COOKIE,
  CSRF_REJECTED,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  REVOCATION,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  beginSession,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';

const LIFE_SECS = 600;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api, { isolates: 2, session: { after_logout: '/bye' } });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => tenant.resetCounts());
afterEach(() => tenant.clearFaults());

const begin = (how) => beginSession(gateway, tenant, how);
const logOut = ({ cookie }, query = '', init = {}) =>
  askWith(gateway, cookie, LOGOUT + query, { method: 'POST', headers: OWN_PAGE, ...init });

/** Asserts that an answer leads to the provider's logout, and from there to `returnTo`. */
function assertLeadsOut(answer, returnTo, message) {
  assert.equal(answer.status, 303, `${message}: ${answer.text}`);
  const url = new URL(answer.headers.get('location'));
  assert.deepEqual([url.origin, url.pathname], [tenant.origin, '/v2/logout'], message);
  assert.deepEqual(Object.fromEntries(url.searchParams), { client_id: CLIENT_ID, returnTo }, message);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
}

const assertRevoked = (session) => until(() => session.family().revoked);

describe('a logout', () => {
  test("ends the session, revokes its refresh token, clears the cookie and leads to the provider's", async () => {
    const session = await begin();
    await assertAlive(gateway, session, 'before');
    const answer = await logOut(session);
    assertLeadsOut(answer, `${gateway.origin}/bye`, 'to where logouts lead');
    assertCleared(answer, 'the cookie');
    await assertEnded(gateway, session, 'at once, where it was asked for');
    await assertRevoked(session);
    assert.equal(tenant.counts[REVOCATION], 1);
    await untilErased(gateway, session);
  });

  test('of one session leaves the others of the same person alone', async () => {
    const [ended, kept] = [await begin(), await begin()];
    await logOut(ended);
    await assertRevoked(ended);
    await later(REMEMBERED_SECS + 1);
    await assertAlive(gateway, kept, 'the other');
    assert.equal(kept.family().revoked, false);
  });

  test('is seen by every isolate within fifteen seconds', async () => {
    const session = await begin();
    const other = () => gateway.askOther(PRIVATE, { headers: { cookie: session.cookie } });
    assert.equal((await other()).status, 200, 'the other isolate is warm');
    await logOut(session);
    await later(REMEMBERED_SECS + 1);
    const answer = await other();
    assertProblem(answer, SESSION_EXPIRED, 'the other isolate');
    assertCleared(answer, 'there too');
  });

  test('leads to where the request says, if that is listed', async () => {
    for (const [given, expected] of [
      ['/out?see=you', `${gateway.origin}/out?see=you`],
      [`${gateway.origin}/own`, `${gateway.origin}/own`],
      ['https://spa.example/after?a=b', 'https://spa.example/after?a=b'],
    ]) {
      const session = await begin();
      assertLeadsOut(await logOut(session, `?${new URLSearchParams({ return_to: given })}`), expected, given);
      await assertEnded(gateway, session, given);
    }
  });

  test('leads nowhere else, and then ends nothing', async () => {
    const session = await begin();
    for (const given of [
      'https://evil.example/',
      '//evil.example',
      '/\\evil.example',
      'javascript:alert(1)',
      'https://spa.example.evil.example/',
      'https://spa.example@evil.example/',
      'http://spa.example/',
      'relative',
      'https://app.example/',
      '/a\nb',
    ]) {
      const answer = await logOut(session, `?${new URLSearchParams({ return_to: given })}`);
      assertProblem(answer, [400, 'return_to_rejected'], given);
      assert.equal(answer.headers.get('location'), null, given);
      assert.deepEqual(answer.headers.getSetCookie(), [], given);
    }
    await assertAlive(gateway, session, 'after all of that');
    assert.equal(session.family().revoked, false);
  });

  test('without a session leads out all the same', async () => {
    const gone = await begin();
    await logOut(gone);
    const cookies = [undefined, 'other=1', gone.cookie, `${COOKIE}=x`, `${COOKIE}=${'A'.repeat(43)}`];
    for (const cookie of cookies) {
      const headers = { ...OWN_PAGE, ...(cookie ? { cookie } : {}) };
      const answer = await gateway.ask(LOGOUT, { method: 'POST', headers });
      assertLeadsOut(answer, `${gateway.origin}/bye`, `${cookie}`);
    }
  });
});

describe('the rule for who may log a user out', () => {
  /** @type {any[][]} */
  const table = [
    ['POST', {}, false],
    ['POST', { 'sec-fetch-site': 'same-origin' }, true],
    ['POST', { 'sec-fetch-site': 'none' }, true],
    ['POST', { 'sec-fetch-site': 'same-site' }, false],
    ['POST', { 'sec-fetch-site': 'cross-site' }, false],
    ['POST', { origin: 'own' }, true],
    ['POST', { origin: 'https://evil.example' }, false],
    ['POST', { origin: 'null' }, false],
    ['GET', {}, false],
    ['GET', { 'sec-fetch-site': 'same-origin' }, true],
    ['GET', { 'sec-fetch-site': 'none' }, false],
    ['GET', { 'sec-fetch-site': 'same-site' }, false],
    ['GET', { 'sec-fetch-site': 'cross-site' }, false],
    ['GET', { origin: 'own' }, false],
    ...['document', 'empty'].map((dest) => ['GET', { ...OWN_PAGE, 'sec-fetch-dest': dest }, true]),
    ...['image', 'script', 'style', 'video', 'iframe', 'object'].map((dest) => [
      'GET',
      { ...OWN_PAGE, 'sec-fetch-dest': dest },
      false,
    ]),
    ...['prefetch', 'prefetch;prerender'].map((purpose) => [
      'GET',
      { ...OWN_PAGE, 'sec-fetch-dest': 'document', 'sec-purpose': purpose },
      false,
    ]),
  ];
  for (const [method, { origin, ...headers }, allowed] of table) {
    const shown = JSON.stringify({ origin, ...headers });
    test(`${allowed ? 'allows' : 'refuses'} ${method} with ${shown}`, async () => {
      const session = await begin();
      const sent = {
        ...headers,
        cookie: session.cookie,
        ...(origin ? { origin: origin === 'own' ? gateway.origin : origin } : {}),
      };
      const answer = await sendRaw(gateway.origin, { method, path: LOGOUT, headers: sent });
      if (allowed) {
        assert.equal(answer.status, 303, answer.text);
        await assertEnded(gateway, session, 'afterwards');
        await assertRevoked(session);
      } else {
        assert.deepEqual([answer.status, answer.json().code], CSRF_REJECTED);
        assert.deepEqual(answer.values('set-cookie'), []);
        await assertAlive(gateway, session, 'afterwards');
        assert.equal(session.family().revoked, false);
      }
    });
  }

  test('refuses a HEAD, as a link preview sends it, whatever it says', async () => {
    const session = await begin();
    await sendRaw(gateway.origin, { method: 'HEAD', path: LOGOUT, headers: { cookie: session.cookie, ...OWN_PAGE } });
    await assertAlive(gateway, session, 'afterwards');
  });
});

describe('a provider that does not take the revocation', () => {
  for (const [name, fault] of /** @type {any[][]} */ ([
    ['refuses', { kind: 'status', status: 400, body: { error: 'invalid_client' } }],
    ['fails', { kind: 'status', status: 500 }],
    ['is unreachable', { kind: 'reset' }],
    ['hangs', { kind: 'hang' }],
  ])) {
    test(`keeps nobody logged in, nor waiting: it ${name}`, async () => {
      const session = await begin();
      tenant.fault({ path: REVOCATION, ...fault });
      // The clock stands still, so no time-out of the provider's is what brings the answer.
      const answer = await logOut(session);
      assertLeadsOut(answer, `${gateway.origin}/bye`, name);
      assertCleared(answer, name);
      await assertEnded(gateway, session, name);
    });
  }
});

describe('a logout while a renewal is under way', () => {
  for (const [when, how] of [
    ['before the provider has rotated', {}],
    ['after the provider has rotated', { after: true }],
  ]) {
    for (const [held, wait] of [
      ['still holds', LIFE_SECS - 30],
      ['has expired', LIFE_SECS + 1],
    ]) {
      test(`leaves neither a session nor a refresh token: ${when}, and the access token ${held}`, async () => {
        const session = await begin();
        await assertAlive(gateway, session, 'before');
        await later(wait);
        const hold = tenant.hold(TOKEN_ENDPOINT, how);
        const renewing = askWith(gateway, session.cookie);
        await hold.arrived();
        assertLeadsOut(await logOut(session), `${gateway.origin}/bye`, 'the logout does not wait');
        hold.release();
        const { status } = await renewing;
        assert.ok([200, 401].includes(status), `the request that waited: ${status}`);
        await assertEnded(gateway, session, 'afterwards');
        await assertRevoked(session);
        await later(REMEMBERED_SECS + 1);
        await assertEnded(gateway, session, 'and later');
        await untilErased(gateway, session);
      });
    }
  }
});

test('a logout asks the object of its refresh token for what took its place while the session restarted', async () => {
  const session = await begin();
  await later(LIFE_SECS + 1);
  const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
  const renewing = askWith(gateway, session.cookie);
  await hold.arrived();
  assertLeadsOut(await logOut(session), `${gateway.origin}/bye`, 'the logout does not wait');
  await gateway.restart('SESSIONS', session.name);
  assertProblem(await renewing, SESSION_EXPIRED, 'the second try of the request');
  const before = await gateway.calls('RefreshExchange');
  const ringing = gateway.ring('SESSIONS', session.name);
  hold.release();
  await ringing;
  assert.equal(await gateway.calls('RefreshExchange'), before + 2, 'that object, and that of the successor');
  await assertRevoked(session);
  await untilErased(gateway, session);
});

describe('a logout that overtakes an answer of the session', () => {
  /** Logs out while the answer to a request's question is on its way, which then arrives some seconds after the question. */
  async function overtakenBy(secs) {
    const session = await begin();
    const hold = await gateway.holdCall('Session', 'access', { after: true });
    const asking = askWith(gateway, session.cookie);
    await hold.arrived();
    await later(secs);
    assertLeadsOut(await logOut(session), `${gateway.origin}/bye`, 'meanwhile');
    hold.release();
    await asking;
    return session;
  }

  test('is seen fifteen seconds after the question, however late the answer', async () => {
    const late = REMEMBERED_SECS - 5;
    const session = await overtakenBy(late);
    await later(REMEMBERED_SECS - late + 1);
    await assertEnded(gateway, session, 'then');
  });

  test('is seen at once, where it was asked for', async () => {
    await assertEnded(gateway, await overtakenBy(0), 'the next request');
  });
});

test('a logout whose answer is lost between the objects revokes the refresh token all the same', async () => {
  const session = await begin();
  await gateway.loseReplies('Session', { when: 'end' });
  assertLeadsOut(await logOut(session), `${gateway.origin}/bye`, 'the second try finds it ended');
  await assertRevoked(session);
  await assertEnded(gateway, session, 'afterwards');
});

test('a logout whose session cannot be reached says so, and can be tried again', async (t) => {
  t.after(() => gateway.keepAway(null));
  const session = await begin();
  await gateway.keepAway('Session');
  assertProblem(await logOut(session), [503, 'store_unavailable', '5'], 'while it is away');
  await gateway.keepAway(null);
  assertLeadsOut(await logOut(session), `${gateway.origin}/bye`, 'again');
  await assertEnded(gateway, session, 'then');
});
