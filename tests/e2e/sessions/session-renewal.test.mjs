// The renewal of a session's access token, end to end: when, how often, and that nobody who hangs up or restarts meanwhile loses
// it. What requests are told while the provider fails is in session-outage.test.mjs.

import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { REFRESH, assertNeverShown, assertPrivateJson, assertProblem, claimsOf } from '../support/login-flow.mjs';
import {
  LIFE_SECS,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  RENEW_BEFORE_SECS,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertEnded,
  assertFamily,
  authorizationFor,
  beginSession,
  later,
  startSessionGateway,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

const MINUTE = { timeout: 60_000 };
const CLOCK_SKEW_SECS = 30;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api, { isolates: 2 });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => {
  tenant.resetCounts();
  api.requests.length = 0;
});

afterEach(() => {
  tenant.clearFaults();
  Object.assign(tenant.settings, {
    accessTokenSeconds: LIFE_SECS,
    rotateRefreshTokens: true,
    rotationOverlapSeconds: 0,
  });
});

const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
const tokenAt = (session, at = gateway) => authorizationFor(at, api, session);

async function begin(at = gateway) {
  const session = await beginSession(at, tenant);
  tenant.resetCounts();
  return session;
}

describe('inside the life of an access token', () => {
  test('no request asks the provider', async () => {
    const session = await begin();
    const token = await tokenAt(session);
    for (let passed = 0; passed < LIFE_SECS - RENEW_BEFORE_SECS - 60; passed += 60) {
      await later(60);
      assert.equal(await tokenAt(session), token, 'the same token');
      assert.equal((await gateway.askOther(PRIVATE, { headers: { cookie: session.cookie } })).status, 200);
    }
    assertPrivateJson(await askWith(gateway, session.cookie, REFRESH), 'a refresh');
    assert.equal(exchanges(), 0);
  });

  test('a warm isolate asks the object at most once in fifteen seconds', async () => {
    const session = await begin();
    await assertAlive(gateway, session, 'the isolate is warm');
    const asked = async () => {
      const before = await gateway.calls('Session');
      await assertAlive(gateway, session, 'one request');
      const sent = Array.from({ length: 20 }, () => askWith(gateway, session.cookie));
      for (const { status } of await Promise.all(sent)) assert.equal(status, 200);
      return (await gateway.calls('Session')) - before;
    };
    assert.equal(await asked(), 0, 'at once');
    await later(REMEMBERED_SECS - 5);
    assert.equal(await asked(), 0, 'within the time');
    for (let round = 0; round < 3; round += 1) {
      await later(REMEMBERED_SECS + 1);
      assert.equal(await asked(), 1, 'after the time');
      assert.equal(await asked(), 0, 'and then nobody asks again');
    }
  });
});

describe('near the end of an access token', MINUTE, () => {
  test('fifty requests at once are one exchange, at two isolates', async () => {
    const session = await begin();
    const old = await tokenAt(session);
    await untilDue();
    const ways = [
      (index) => askWith(gateway, session.cookie, `/app/${index}`),
      () => gateway.askOther(PRIVATE, { headers: { cookie: session.cookie } }),
      () => askWith(gateway, session.cookie, REFRESH),
    ];
    const answers = await Promise.all(Array.from({ length: 50 }, (_, index) => ways[index % ways.length](index)));
    for (const { status, text } of answers) assert.equal(status, 200, text);
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
    const renewed = await tokenAt(session);
    assert.notEqual(renewed, old);
    await untilDue();
    assert.notEqual(await tokenAt(session), renewed, 'and so on');
    assertFamily(session, { rotations: 2, revoked: false });
  });

  test('fifty requests at once with a token that has expired are one exchange too, and wait for it', async () => {
    const session = await begin();
    const old = await tokenAt(session);
    await untilExpired();
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const sent = Array.from({ length: 50 }, () => askWith(gateway, session.cookie, '/app/x'));
    await hold.arrived();
    await gateway.drained();
    api.requests.length = 0;
    hold.release();
    for (const { status, text } of await Promise.all(sent)) assert.equal(status, 200, text);
    const tokens = new Set(api.requests.map(({ headers }) => headers.authorization));
    assert.equal(tokens.size, 1, 'one token for all');
    assert.ok(!tokens.has(old), 'and a new one');
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
  });

  test('a session that is renewed again and again lives on', async () => {
    const session = await begin();
    const tokens = new Set();
    for (let round = 1; round <= 30; round += 1) {
      await (round % 3 === 0 ? untilExpired() : untilDue());
      tokens.add(await tokenAt(session));
      assertFamily(session, { rotations: round, revoked: false }, `round ${round}`);
    }
    assert.equal(tokens.size, 30);
  });

  test('a refresh tells the life of the token that was renewed', async () => {
    const session = await begin();
    await untilDue();
    const { body } = await askWith(gateway, session.cookie, REFRESH, { method: 'POST', headers: OWN_PAGE });
    assert.deepEqual(Object.keys(body), ['expires_in']);
    assert.ok(body.expires_in > LIFE_SECS - RENEW_BEFORE_SECS && body.expires_in <= LIFE_SECS, `${body.expires_in}`);
    assert.equal(exchanges(), 1);
  });

  test('a token that lives no longer than the time before is renewed after half of it', async () => {
    tenant.settings.accessTokenSeconds = 50;
    const session = await begin();
    const token = await tokenAt(session);
    await later(20);
    assert.equal(await tokenAt(session), token, 'before the half');
    await later(6);
    assert.notEqual(await tokenAt(session), token, 'after it');
    assert.equal(exchanges(), 1);
  });

  test('a token whose answer overstates its life is renewed by its own expiry', async () => {
    const overstated = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), expires_in: 100 * LIFE_SECS } });
    tenant.fault({ path: TOKEN_ENDPOINT, times: 2, edit: overstated });
    const session = await begin();
    for (const rotations of [1, 2]) {
      await untilExpired();
      await later(CLOCK_SKEW_SECS);
      await assertAlive(gateway, session, 'after its expiry');
      assertFamily(session, { rotations, revoked: false });
    }
  });

  test('a refresh token that the provider does not rotate is used again', async () => {
    tenant.settings.rotateRefreshTokens = false;
    const session = await begin();
    for (const [round, edit] of [
      [1, (answer) => answer],
      [2, (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), refresh_token: undefined } })],
      [3, (answer) => answer],
    ]) {
      await untilDue();
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
      await assertAlive(gateway, session, `round ${round}`);
      assert.equal(exchanges(), round);
    }
    assertFamily(session, { rotations: 0, revoked: false });
  });

  test('a refresh token that is not rotated is exchanged whenever it is time, however short access tokens live', async () => {
    const SHORT_SECS = 20;
    Object.assign(tenant.settings, { rotateRefreshTokens: false, accessTokenSeconds: SHORT_SECS });
    for (const [name, edit] of [
      ['the same comes again', (answer) => answer],
      ['none comes', (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), refresh_token: undefined } })],
    ]) {
      const session = await begin();
      tenant.fault({ path: TOKEN_ENDPOINT, edit });
      for (let passed = 0; passed < 6 * SHORT_SECS; passed += SHORT_SECS / 4) {
        await later(SHORT_SECS / 4);
        await assertAlive(gateway, session, `${name}: after ${passed} seconds`);
        const { exp } = claimsOf((await tokenAt(session)).slice('Bearer '.length));
        assert.ok(exp * 1000 > Date.now(), `${name}: after ${passed} seconds with a token that holds`);
      }
      assert.ok(exchanges() >= 6, `${name}: ${exchanges()} exchanges`);
      tenant.clearFaults();
    }
  });

  for (const [name, empty] of [
    ['empty', ''],
    ['null', null],
  ]) {
    test(`a token of a renewal that is ${name} takes no other's place`, async () => {
      tenant.settings.rotateRefreshTokens = false;
      const session = await begin();
      const edit = (answer) => ({
        ...answer,
        body: { ...JSON.parse(answer.body), refresh_token: empty, id_token: empty },
      });
      tenant.fault({ path: TOKEN_ENDPOINT, edit });
      for (let round = 1; round <= 3; round += 1) {
        await untilDue();
        const token = await tokenAt(session);
        await later(REMEMBERED_SECS + 1);
        assert.equal(await tokenAt(session), token, `round ${round}: the token is fresh`);
        assert.equal(exchanges(), round);
      }
      assertFamily(session, { rotations: 0, revoked: false });
    });
  }

  test('a client that hangs up in the middle of a renewal loses nothing', async () => {
    for (const when of [{}, { after: true }]) {
      const session = await begin();
      await untilExpired();
      const hold = tenant.hold(TOKEN_ENDPOINT, when);
      const request = httpRequest(new URL(PRIVATE, gateway.origin), {
        headers: { cookie: session.cookie },
        agent: false,
      });
      request.once('error', ({ code }) => assert.equal(code, 'ECONNRESET'));
      request.end();
      await hold.arrived();
      request.socket.resetAndDestroy();
      await gateway.drained();
      hold.release();
      await assertAlive(gateway, session, 'the next request');
      assert.equal(exchanges(), 1);
      assertFamily(session, { rotations: 1, revoked: false });
    }
  });

  test('an exchange that is lost with its object is made once more', async () => {
    tenant.settings.rotationOverlapSeconds = 30;
    const session = await begin();
    await untilExpired();
    const lost = await gateway.lost();
    await gateway.loseAnswers(1);
    await assertAlive(gateway, session, 'the request that waits');
    assert.equal(await gateway.lost(), lost + 1);
    assert.equal(exchanges(), 2);
    await assertRenewable(session, 2);
  });

  test('an answer that was kept for a session until its token had expired is followed by the next', async () => {
    const [SHORT_SECS, KEPT_SECS] = [20, 60];
    tenant.settings.accessTokenSeconds = SHORT_SECS;
    const session = await begin();
    await later(SHORT_SECS + 1);
    await gateway.restartAskers(2);
    assertProblem(await askWith(gateway, session.cookie), [503, 'store_unavailable', '5'], 'restarted at both tries');
    assertFamily(session, { rotations: 1, revoked: false }, 'the provider has answered');
    await later(KEPT_SECS - SHORT_SECS);
    await assertAlive(gateway, session, 'when what it answered has expired');
    assertFamily(session, { rotations: 2, revoked: false }, 'with the refresh token that came then');
  });

  test('a session that restarts in the middle of a renewal has its answer all the same', async () => {
    for (const how of [{}, { after: true }]) {
      const session = await begin();
      await untilExpired();
      const hold = tenant.hold(TOKEN_ENDPOINT, how);
      const waiting = askWith(gateway, session.cookie);
      await hold.arrived();
      await gateway.restart('SESSIONS', session.name);
      hold.release();
      const { status, text } = await waiting;
      assert.equal(status, 200, text);
      assert.equal(exchanges(), 1);
      await assertRenewable(session, 1);
    }
  });
});

describe('an answer of the provider that is lost between the objects', MINUTE, () => {
  let graceless;

  before(async () => {
    graceless = await startSessionGateway(tenant, api, { session: { rotation_grace_seconds: 0 } });
  });

  after(() => graceless?.close());

  for (const [name, at] of [
    ['the usual grace', () => gateway],
    ['a grace of 0', () => graceless],
  ]) {
    test(`reaches those who wait for it at the second try: ${name}`, async () => {
      const session = await begin(at());
      await untilExpired();
      await at().loseReplies('RefreshExchange');
      const answers = await Promise.all(Array.from({ length: 5 }, () => askWith(at(), session.cookie)));
      for (const { status, text } of answers) assert.equal(status, 200, text);
      assert.equal(exchanges(), 1);
      await assertRenewable(session, 1, at());
    });

    test(`is kept for the session where both tries are lost, which has it half a minute later: ${name}`, async () => {
      const session = await begin(at());
      await untilExpired();
      await at().loseReplies('RefreshExchange', { times: 2 });
      assertProblem(await askWith(at(), session.cookie), [503, 'idp_unavailable', '5'], 'lost twice');
      await later(30);
      await assertAlive(at(), session, 'half a minute later');
      assert.equal(exchanges(), 1);
      await assertRenewable(session, 1, at());
    });

    test(`is kept for a session that restarts before it has stored it: ${name}`, async () => {
      const session = await begin(at());
      await untilExpired();
      await at().restartAskers(2);
      assertProblem(await askWith(at(), session.cookie), [503, 'store_unavailable', '5'], 'restarted at both tries');
      assertFamily(session, { rotations: 1, revoked: false }, 'the provider has answered');
      await later(30);
      await assertAlive(at(), session, 'half a minute later');
      assert.equal(exchanges(), 1);
      await assertRenewable(session, 1, at());
    });
  }
});

/** Asserts that a session goes on after so many rotations. */
async function assertRenewable(session, rotations, at = gateway) {
  await assertAlive(at, session, 'the next request');
  assertFamily(session, { rotations, revoked: false });
  await untilDue();
  await assertAlive(at, session, 'the next renewal');
  assertFamily(session, { rotations: rotations + 1, revoked: false });
}

test('a session without a refresh token ends with its access token', async (t) => {
  const brief = await startSessionGateway(tenant, api, { authorizer: { scope: 'openid profile email read:messages' } });
  t.after(() => brief.close());
  const families = tenant.families().length;
  const session = await begin(brief);
  assert.equal(tenant.families().length, families, 'the tenant gave none');
  await untilDue();
  await assertAlive(brief, session, 'while the token holds');
  const { body } = await askWith(brief, session.cookie, REFRESH);
  assert.ok(body.expires_in > 0 && body.expires_in < RENEW_BEFORE_SECS, JSON.stringify(body));
  await later(RENEW_BEFORE_SECS);
  await assertEnded(brief, session, 'after it');
  assert.equal(exchanges(), 0, 'there is nothing to ask the provider');
});

test('a refresh says for how long the token holds, or nothing where it has expired on its way', async () => {
  const session = await begin();
  await later(LIFE_SECS - RENEW_BEFORE_SECS - 1);
  const hold = await gateway.holdCall('Session', 'access', { after: true });
  const waiting = askWith(gateway, session.cookie, REFRESH);
  await hold.arrived();
  await later(RENEW_BEFORE_SECS + 2);
  hold.release();
  const late = await waiting;
  assertPrivateJson(late, 'of a token that has expired');
  assert.deepEqual(late.body, {});
  const { body } = await askWith(gateway, session.cookie, REFRESH);
  assert.ok(body.expires_in > 0, JSON.stringify(body));
});

test('no token that a session was renewed with is ever shown', async () => {
  const session = await begin();
  await untilDue();
  const token = await tokenAt(session);
  const refreshTokens = Object.fromEntries(
    session.family().refreshTokens.map((each, index) => [`refresh token ${index}`, each]),
  );
  await assertNeverShown(gateway, { token: token.slice('Bearer '.length), ...refreshTokens });
});
