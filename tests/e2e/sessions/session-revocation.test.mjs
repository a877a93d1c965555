// What becomes of a session's refresh token when the session ends otherwise than by a logout: a login takes its place, its time is
// over, the provider ends it. Tokens that nobody can use must not stay good, nor take the room of others at the provider.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser, until } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { startRealm, startSessionGateway as startOidcGateway } from '../support/oidc-flow.mjs';
import {
  BACKCHANNEL_LOGOUT,
  COOKIE,
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  REVOCATION,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  TOMBSTONE_SECS,
  askWith,
  assertAlive,
  assertEnded,
  assertFamily,
  beginSession,
  startSessionGateway,
  untilDue,
  untilExpired,
  untilErased,
} from '../support/session-flow.mjs';

const IDLE_SECS = 10_000;
const ABSOLUTE_SECS = 15_000;
/** REPLACED_MS of objects/session.js: for so long an ended session knows that a login took its place. */
const REPLACED_SECS = 30;
/** REVOCATION_RETRY_MS and REVOCATION_TRIES of objects/session.js. */
const RETRY_SECS = [60, 240, 960, 3_840, 15_360];

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  const session = { idle_seconds: IDLE_SECS, absolute_seconds: ABSOLUTE_SECS };
  gateway = await startSessionGateway(tenant, api, { isolates: 2, session });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => tenant.resetCounts());
afterEach(() => tenant.clearFaults());

const begin = (how) => beginSession(gateway, tenant, how);
const held = ({ name }) => gateway.held('SESSIONS', name);
const ring = ({ name }) => gateway.ring('SESSIONS', name);
const assertRevoked = (session) => until(() => session.family().revoked);
const failures = () =>
  gateway
    .records()
    .filter(({ code }) => code === 'revocation_failed')
    .map(({ message }) => message);

/** Asserts that a request is told that its session has ended, and that its browser keeps the cookie that it has by then. */
function assertReplaced(answer, message) {
  assertProblem(answer, SESSION_EXPIRED, message);
  assert.deepEqual(answer.headers.getSetCookie(), [], `${message}: the cookie of the login that followed stays`);
}

describe('a login in a browser that has a session', () => {
  test('ends that one and revokes its refresh token', async () => {
    const browser = new Browser();
    const first = await begin({ browser });
    await assertAlive(gateway, first, 'at first');
    const second = await begin({ browser });
    assertReplaced(await askWith(gateway, first.cookie), 'at once, where the login ended');
    assertReplaced(
      await gateway.askOther(PRIVATE, { headers: { cookie: first.cookie } }),
      'in an isolate that did not know it',
    );
    await assertRevoked(first);
    assert.equal(tenant.counts[REVOCATION], 1);
    assert.equal(second.family().revoked, false);
    await assertAlive(gateway, second, 'the second');

    await later(REPLACED_SECS + 1);
    await ring(first);
    assert.equal(await held(first), 0, 'nothing is left');
    await assertEnded(gateway, first, 'afterwards');
  });

  test('ends none of another browser, or of nobody', async () => {
    const elsewhere = await begin();
    for (const value of ['x', 'A'.repeat(43), `${elsewhere.value.slice(0, 21)}${'A'.repeat(22)}`]) {
      const browser = new Browser();
      browser.cookies(gateway.origin).set(COOKIE, value);
      await assertAlive(gateway, await begin({ browser }), `instead of ${value}`);
    }
    await assertAlive(gateway, elsewhere, 'the other');
    assert.equal(elsewhere.family().revoked, false);
  });

  test('counts all the same if that one cannot be ended, and the log says so', async () => {
    const browser = new Browser();
    const first = await begin({ browser });
    // Both tries are carried out, so that nothing of the session is left for later tests.
    await gateway.loseReplies('Session', { when: 'end', times: 2 });
    await assertAlive(gateway, await begin({ browser }), 'the second');
    const { level, message } = await gateway.record(({ code }) => code === 'session_not_replaced');
    assert.deepEqual([level, message], ['warn', 'store_unavailable']);
    await assertRevoked(first);
  });

  // The longest of `timeout_ms`, and what an object may take besides.
  for (const secs of [0, 28]) {
    test(`takes the new cookie from no tab whose request was on its way for ${secs} seconds`, async () => {
      const browser = new Browser();
      const first = await begin({ browser });
      const hold = await gateway.holdCall('Session', 'access');
      const underWay = gateway.askAs(browser, PRIVATE);
      await hold.arrived();
      const second = await begin({ browser });
      await later(secs);
      hold.release();
      assertReplaced(await underWay, 'the request of before');
      assert.equal(browser.cookies(gateway.origin).get(COOKIE), second.value);
      assert.equal((await gateway.askAs(browser, PRIVATE)).status, 200, 'the next one');
      await assertRevoked(first);
    });
  }

  for (const after of [false, true]) {
    test(`while a tab renews the session leaves no refresh token of that: ${after ? 'after' : 'before'} the provider has rotated`, async () => {
      const browser = new Browser();
      const first = await begin({ browser });
      await untilExpired();
      const hold = await gateway.holdCall('RefreshExchange', undefined, { after });
      const renewing = askWith(gateway, first.cookie);
      await hold.arrived();
      const second = await begin({ browser });
      hold.release();
      assertReplaced(await renewing, 'the request that waited');
      await assertRevoked(first);
      await assertAlive(gateway, second, 'the second');
      await later(REPLACED_SECS + 1);
      await ring(first);
      assert.equal(await held(first), 0);
    });
  }
});

describe('a session whose time is over', () => {
  /** @type {any[][]} */
  const ways = [
    ['idle', async () => later(IDLE_SECS + 1)],
    [
      'absolute',
      async (session) => {
        for (let passed = 0; passed < ABSOLUTE_SECS; passed += IDLE_SECS / 2) {
          await later(IDLE_SECS / 2);
          if (passed + IDLE_SECS / 2 < ABSOLUTE_SECS) await assertAlive(gateway, session, `after ${passed} seconds`);
        }
      },
    ],
  ];
  /** @type {any[][]} */
  const noticed = [
    ['its alarm', ring],
    ['a request', (session) => assertEnded(gateway, session, 'it has ended')],
  ];
  for (const [time, passes] of ways) {
    for (const [who, notices] of noticed) {
      test(`has its refresh token revoked, once: by its ${time} time, noticed by ${who}`, async () => {
        const session = await begin();
        await passes(session);
        tenant.resetCounts();
        await notices(session);
        await assertRevoked(session);
        await untilErased(gateway, session);
        await ring(session);
        assert.equal(tenant.counts[REVOCATION], 1);
        await assertEnded(gateway, session, 'afterwards');
      });
    }
  }

  test('has the refresh token revoked that came with its last renewal', async () => {
    const session = await begin();
    await untilDue();
    await assertAlive(gateway, session, 'renewed');
    assertFamily(session, { rotations: 1, revoked: false }, 'by then');
    // Of a token that was used before this provider ends nothing.
    await later(IDLE_SECS + 1);
    await ring(session);
    assertFamily(session, { rotations: 1, revoked: true }, 'afterwards');
  });

  test('has no refresh token that is good after a renewal was under way', async () => {
    const session = await begin();
    await later(IDLE_SECS - 1);
    await assertAlive(gateway, session, 'a second before it was idle for too long');
    await later(ABSOLUTE_SECS - IDLE_SECS - 1);
    const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
    const renewing = askWith(gateway, session.cookie);
    await hold.arrived();
    await later(3);
    // The alarm waits for the renewal.
    const ringing = ring(session);
    await assertEnded(gateway, session, 'meanwhile');
    hold.release();
    await ringing;
    assertProblem(await renewing, SESSION_EXPIRED, 'the request that waited');
    await assertRevoked(session);
    await untilErased(gateway, session);
  });
});

test('a session that the provider ends has its refresh token revoked', async () => {
  const session = await begin();
  await later(TOMBSTONE_SECS + 1);
  const form = new URLSearchParams({ logout_token: await tenant.logoutToken({ sid: session.sid }) });
  const answer = await gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: form });
  assert.equal(answer.status, 200, answer.text);
  await assertRevoked(session);
  await untilErased(gateway, session);
});

describe('a session whose object restarts while the provider is asked to revoke', () => {
  /** @type {any[][]} */
  const ends = [
    ['a logout', ({ cookie }) => askWith(gateway, cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE })],
    ['a login in the same browser', (_, browser) => begin({ browser })],
    [
      'what the provider says',
      async ({ sid }) => {
        const form = new URLSearchParams({ logout_token: await tenant.logoutToken({ sid }) });
        return gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: form });
      },
    ],
    [
      'a request after its time',
      async ({ cookie }) => {
        await later(IDLE_SECS + 1);
        return askWith(gateway, cookie);
      },
    ],
  ];
  for (const [name, end] of ends) {
    test(`has its refresh token revoked by its alarm: ended by ${name}`, async () => {
      const browser = new Browser();
      const session = await begin({ browser });
      const hold = tenant.hold(REVOCATION);
      tenant.fault({ path: REVOCATION, kind: 'status', status: 503, times: 1 });
      await end(session, browser);
      await hold.arrived();
      await gateway.restart('SESSIONS', session.name);
      hold.release();
      await ring(session);
      assertFamily(session, { rotations: 0, revoked: true });
      await later(REPLACED_SECS + 1);
      await ring(session);
      assert.equal(await held(session), 0);
      await assertEnded(gateway, session, 'afterwards');
      assert.equal(tenant.counts[REVOCATION], 2);
    });
  }
});

describe('a session whose token was replaced, which it does not know', () => {
  const SHORT_SECS = 20;
  const logOut = ({ cookie }) => askWith(gateway, cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE });

  beforeEach(() => {
    tenant.settings.accessTokenSeconds = SHORT_SECS;
  });
  afterEach(() => {
    tenant.settings.accessTokenSeconds = LIFE_SECS;
  });

  test('has that revoked which took its place, though the store does not tell it at once', async () => {
    const session = await begin();
    await later(SHORT_SECS + 1);
    await gateway.restartAskers(2);
    assert.equal((await askWith(gateway, session.cookie)).status, 503, 'restarted at both tries');
    assertFamily(session, { rotations: 1, revoked: false }, 'the provider has answered');
    const before = failures().length;
    await gateway.keepAway('RefreshExchange');
    assert.equal((await logOut(session)).status, 303);
    await until(() => failures().length >= before + 2);
    assert.match(failures().at(-1), /^the provider is not asked: it is tried again$/);
    await gateway.keepAway(null);
    assert.equal(tenant.counts[REVOCATION], undefined, 'the used one is as good as none');
    assert.ok((await held(session)) > 0, 'what is to be revoked is kept');
    await later(31);
    await ring(session);
    assertFamily(session, { rotations: 1, revoked: true }, 'afterwards');
    assert.equal(await held(session), 0);
  });

  test('is logged out though the provider gives a used token again', async () => {
    const session = await begin();
    /** @type {string[]} */
    const given = [];
    const edit = ({ headers, body }) => {
      const answer = JSON.parse(body);
      given.push(answer.refresh_token);
      // The third is the first one again.
      return {
        status: 200,
        headers,
        body: { ...answer, refresh_token: given[given.length === 3 ? 0 : given.length - 1] },
      };
    };
    tenant.fault({ path: TOKEN_ENDPOINT, times: 3, edit });
    for (let round = 0; round < 3; round += 1) {
      await later(SHORT_SECS + 1);
      await assertAlive(gateway, session, `round ${round}`);
    }
    assert.equal((await logOut(session)).status, 303);
    await untilErased(gateway, session);
    assert.deepEqual([given.length, tenant.counts[REVOCATION]], [3, 1], 'the last one that was looked at');
    assert.match(failures().at(-1), /^the token was replaced too often/);
  });
});

describe('a provider that does not take the revocation', () => {
  test('is asked again until it does, and the log has each failure', async () => {
    const session = await begin();
    await later(IDLE_SECS + 1);
    tenant.fault({ path: REVOCATION, kind: 'status', status: 503, times: 2 });
    const before = failures().length;
    for (const wait of RETRY_SECS.slice(0, 2)) {
      await ring(session);
      assert.equal(session.family().revoked, false);
      assert.ok((await held(session)) > 0, 'what is to be revoked is kept');
      await assertEnded(gateway, session, 'meanwhile');
      await later(wait + 1);
    }
    await ring(session);
    assert.equal(session.family().revoked, true);
    assert.equal(await held(session), 0, 'and no longer');
    assert.deepEqual(failures().slice(before), Array(2).fill('status 503: it is tried again'));
  });

  test('is left alone after some hours', async () => {
    const session = await begin();
    await later(IDLE_SECS + 1);
    tenant.fault({ path: REVOCATION, kind: 'reset' });
    for (const wait of RETRY_SECS) {
      await ring(session);
      assert.ok((await held(session)) > 0);
      await later(wait + 1);
    }
    await ring(session);
    assert.equal(await held(session), 0);
    assert.match(failures().at(-1), /: it is given up$/);
  });

  const GIVEN_UP = ['status 400: it is given up'];
  const CLIENT_REFUSED = ['status 400 (see token_endpoint_auth_method and client_secret): it is given up'];
  for (const [name, error, error_description, expected] of /** @type {any[][]} */ ([
    ['refuses the token', 'unsupported_token_type', undefined, GIVEN_UP],
    ['refuses the client', 'invalid_client', 'the client secret has expired', CLIENT_REFUSED],
    ['refuses the assertion', 'invalid_request', 'client assertion has expired', GIVEN_UP],
    ['says that the token is gone', 'invalid_request', 'refresh token revoked', []],
  ])) {
    test(`is not asked again if it ${name}`, async () => {
      const session = await begin();
      await later(IDLE_SECS + 1);
      const before = failures().length;
      tenant.fault({ path: REVOCATION, kind: 'status', status: 400, body: { error, error_description } });
      await ring(session);
      assert.equal(await held(session), 0);
      assert.deepEqual(failures().slice(before), expected);
    });
  }

  test('is asked again after a logout, too', async () => {
    const session = await begin();
    tenant.fault({ path: REVOCATION, kind: 'status', status: 500, times: 1 });
    assert.equal((await askWith(gateway, session.cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE })).status, 303);
    await until(async () => (await held(session)) > 0);
    await assertEnded(gateway, session, 'meanwhile');
    await later(RETRY_SECS[0] + 1);
    await ring(session);
    assertFamily(session, { rotations: 0, revoked: true }, 'afterwards');
    assert.equal(await held(session), 0);
  });
});

describe('a provider whose logins share a session', () => {
  let realm;
  let sessions;

  before(async () => {
    realm = await startRealm({ accessTokenSeconds: LIFE_SECS });
    sessions = await startOidcGateway(realm, api);
  });

  after(async () => {
    await sessions?.close();
    await realm?.close();
  });

  test('is not asked to revoke what could end the login that takes the place of another', async () => {
    const browser = new Browser();
    const first = await beginSession(sessions, realm, { browser });
    const second = await beginSession(sessions, realm, { browser });
    assert.equal(second.sid, first.sid, 'one session at the provider');
    assertReplaced(await askWith(sessions, first.cookie), 'the first ends');
    await later(REPLACED_SECS + 1);
    await sessions.ring('SESSIONS', first.name);
    assert.equal(await sessions.held('SESSIONS', first.name), 0);
    assert.equal(first.family().revoked, false);
    await assertAlive(sessions, second, 'the second');
  });

  test('is asked where they do not', async () => {
    const browser = new Browser();
    const first = await beginSession(sessions, realm, { browser });
    browser.cookies(realm.origin).clear();
    const second = await beginSession(sessions, realm, { browser });
    assert.notEqual(second.sid, first.sid);
    await until(() => first.family().revoked);
    await assertAlive(sessions, second, 'the second');
  });
});
