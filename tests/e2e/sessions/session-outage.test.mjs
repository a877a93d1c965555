// What becomes of sessions while the provider is slow, down, or has had enough of the login: a transient failure costs nobody
// theirs.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { elapse, later } from '../support/clock.mjs';
import { sendRaw, until } from '../support/harness.mjs';
import { CLIENT_ID, CLIENT_SECRET, LOGIN, PROFILE, REFRESH, assertProblem } from '../support/login-flow.mjs';
import {
  LIFE_SECS,
  PRIVATE,
  RENEW_BEFORE_SECS,
  REVOCATION,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertEnded,
  assertFamily,
  authorizationFor,
  beginSession,
  startSessionGateway,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

// RENEWAL_PATIENCE_MS of objects/session.rs.
const PATIENCE_SECS = 2;
/** A time-out that is over before that. */
const TIMEOUT_SECS = 1.8;
// RENEWAL_RETRY_SECS of record.rs.
const RETRY_SECS = 5;

let tenant;
let api;
let gateway;
let impatient;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api);
  impatient = await startSessionGateway(tenant, api, { authorizer: { timeout_ms: TIMEOUT_SECS * 1000 } });
});

after(async () => {
  await Promise.all([gateway?.close(), impatient?.close()]);
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => {
  tenant.resetCounts();
  api.requests.length = 0;
});

afterEach(() => tenant.clearFaults());

const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
const tokenAt = (session, at = gateway) => authorizationFor(at, api, session);

async function begin(at = gateway) {
  const session = await beginSession(at, tenant);
  tenant.resetCounts();
  return session;
}

const DOWN = [
  ['unreachable', { kind: 'reset' }],
  ['failing', { kind: 'status', status: 500 }],
  ['answering rubbish', { kind: 'html' }],
];

describe('while the provider is down and the token holds', () => {
  for (const [name, fault] of /** @type {any[][]} */ ([
    ...DOWN,
    ['rate limiting', { kind: 'status', status: 429 }],
    ['refusing the gateway', { kind: 'status', status: 401, body: { error: 'invalid_client' } }],
  ])) {
    test(`requests go ahead: ${name}`, async () => {
      const session = await begin();
      const token = await tokenAt(session);
      await untilDue();
      tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      const answers = await Promise.all(Array.from({ length: 10 }, () => askWith(gateway, session.cookie, '/app/x')));
      for (const { status, text } of answers) assert.equal(status, 200, text);
      assert.ok(
        api.requests.every(({ headers }) => headers.authorization === token),
        'with the token that holds',
      );
      assert.ok(
        exchanges() >= 1 && exchanges() <= 2,
        `the provider was not asked for each of them, but ${exchanges()} times`,
      );
      tenant.clearFaults();
      await later(RETRY_SECS + 1);
      assert.notEqual(await tokenAt(session), token, 'once it is up, the session is renewed');
      assertFamily(session, { rotations: 1, revoked: false });
    });
  }

  test('requests go ahead when a provider that hangs has timed out', async () => {
    const session = await begin(impatient);
    const token = await tokenAt(session, impatient);
    await untilDue();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'hang' });
    const asked = tokenAt(session, impatient);
    await until(() => exchanges() === 1);
    await elapse(TIMEOUT_SECS);
    assert.equal(await asked, token);
  });

  test('requests wait two seconds for one that is slow, and the renewal goes on behind the answer', async () => {
    const session = await begin();
    const token = await tokenAt(session);
    await untilDue();
    const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
    const before = await gateway.calls('Session');
    let answered = 0;
    const asked = Array.from({ length: 5 }, () => tokenAt(session).finally(() => (answered += 1)));
    await until(async () => (await gateway.calls('Session')) === before + asked.length);
    await hold.arrived();
    await elapse(PATIENCE_SECS - 0.1);
    await gateway.drained();
    assert.equal(answered, 0, 'all of them wait');
    await elapse(PATIENCE_SECS);
    assert.deepEqual(new Set(await Promise.all(asked)), new Set([token]), 'with the token that holds');
    assert.equal(hold.waiting, 1, 'one renewal, which is still under way');
    hold.release();
    await later(RETRY_SECS + 1);
    assert.notEqual(await tokenAt(session), token);
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
  });
});

const IDP_UNAVAILABLE = [503, 'idp_unavailable', '5'];

describe('a token that runs out while a slow provider is asked for the next', () => {
  const LAST_SECS = 5;

  /** Lets a request wait for a renewal for longer than the two seconds, and until the token has expired. */
  async function waitingPastTheEnd(how) {
    const session = await begin();
    await later(RENEW_BEFORE_SECS / 2);
    const other = await begin();
    await later(LIFE_SECS - RENEW_BEFORE_SECS / 2 - LAST_SECS);
    const hold = tenant.hold(TOKEN_ENDPOINT, how);
    const waiting = askWith(gateway, session.cookie, '/app/x');
    await hold.arrived();
    const patient = askWith(gateway, other.cookie);
    await hold.arrived(2);
    await elapse(LAST_SECS + 1);
    assert.equal((await patient).status, 200, 'who came later has waited two seconds, and its token holds');
    return { session, hold, waiting };
  }

  for (const [name, how] of [
    ['before the provider has rotated', {}],
    ['after the provider has rotated', { after: true }],
  ]) {
    test(`keeps the request waiting, which is answered by the renewal: held ${name}`, async () => {
      const { session, hold, waiting } = await waitingPastTheEnd(how);
      hold.release();
      const { status, text } = await waiting;
      assert.equal(status, 200, text);
      assertFamily(session, { rotations: 1, revoked: false });
      await assertAlive(gateway, session, 'the next request');
    });
  }

  for (const [name, fault, expected] of /** @type {any[][]} */ ([
    ['fails', { kind: 'status', status: 500 }, IDP_UNAVAILABLE],
    [
      'limits the rate',
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      [429, 'idp_rate_limited', '7'],
    ],
  ])) {
    test(`ends no session where the provider then ${name}`, async () => {
      const { session, hold, waiting } = await waitingPastTheEnd();
      tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      hold.release();
      const answer = await waiting;
      assertProblem(answer, expected, name);
      assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
      tenant.clearFaults();
      await later(RETRY_SECS + 1);
      await assertAlive(gateway, session, 'once the provider is up');
      assertFamily(session, { rotations: 1, revoked: false });
    });
  }
});

test('a renewal that brings a token which has expired already is one that failed', async () => {
  for (const ago of [0, 1, 3600]) {
    const session = await begin();
    await untilExpired();
    tenant.fault({
      path: TOKEN_ENDPOINT,
      times: 3,
      async edit(answer) {
        const exp = Math.floor(Date.now() / 1000) - ago;
        return {
          ...answer,
          body: { ...JSON.parse(answer.body), access_token: await tenant.mint({ iat: exp - LIFE_SECS, exp }) },
        };
      },
    });
    for (const path of [PRIVATE, '/app/x', REFRESH]) {
      const answer = await askWith(gateway, session.cookie, path);
      assertProblem(answer, IDP_UNAVAILABLE, `${ago} seconds ago: ${path}`);
      assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
    }
    assert.deepEqual(api.requests, [], 'and the upstream is not shown it');
    await assertAlive(gateway, session, 'the next renewal');
    assertFamily(session, { rotations: 4, revoked: false });
    api.requests.length = 0;
  }
});

describe('while the provider is down and the token has expired', () => {
  /** @type {any[][]} */
  const table = [
    ...DOWN.map(([name, fault]) => [name, fault, IDP_UNAVAILABLE]),
    ['rate limiting', { kind: 'status', status: 429, headers: { 'retry-after': '7' } }, [429, 'idp_rate_limited', '7']],
    ['refusing the gateway', { kind: 'status', status: 401, body: { error: 'invalid_client' } }, [502, 'idp_rejected']],
  ];
  for (const [name, fault, expected] of table) {
    test(`requests are told so, and the session is kept: ${name}`, async () => {
      const session = await begin();
      await untilExpired();
      tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      for (const path of [PRIVATE, '/app/x', PROFILE, REFRESH]) {
        const answer = await askWith(gateway, session.cookie, path);
        assertProblem(answer, expected, `${name}: ${path}`);
        assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
      }
      const navigation = await sendRaw(gateway.origin, {
        path: PRIVATE,
        headers: { cookie: session.cookie, 'sec-fetch-mode': 'navigate' },
      });
      assert.equal(navigation.status, expected[0], 'a navigation is not led to a login that would fail too');
      assert.deepEqual(api.requests, [], 'and the upstream hears nothing');
      tenant.clearFaults();
      await later(RETRY_SECS + 1);
      await assertAlive(gateway, session, 'once the provider is up');
      assertFamily(session, { rotations: 1, revoked: false });
    });
  }

  test('a provider that hangs is one that is down', async () => {
    const session = await begin(impatient);
    await untilExpired();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'hang' });
    const asked = askWith(impatient, session.cookie);
    await until(() => exchanges() === 1);
    await elapse(TIMEOUT_SECS);
    assertProblem(await asked, IDP_UNAVAILABLE, 'timed out');
    tenant.clearFaults();
    await later(RETRY_SECS + 1);
    await assertAlive(impatient, session, 'once the provider is up');
  });

  test('those who come while it is down for long are not all sent to it', async () => {
    const session = await begin();
    await untilExpired();
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status: 503 });
    const answers = await Promise.all(Array.from({ length: 50 }, () => askWith(gateway, session.cookie)));
    for (const answer of answers) assertProblem(answer, IDP_UNAVAILABLE, 'each');
    assert.ok(exchanges() < 10, `${exchanges()} exchanges for 50 requests at once`);
  });
});

/** Asserts that a request with the session meets a problem, that the log has the provider's reason, and that the cookie stays. */
async function assertToldAndKept(session, path, problem, reason) {
  const answer = await askWith(gateway, session.cookie, path);
  assertProblem(answer, problem, path);
  assert.deepEqual(answer.headers.getSetCookie(), [], `${path}: the cookie is kept`);
  assert.equal((await gateway.recordOf(answer)).reason, reason, path);
  return answer;
}

describe('a renewal that the provider gives to nobody until it has asked the user', () => {
  /** @type {any[][]} */
  const answers = [
    [403, { error: 'mfa_required', error_description: 'Multifactor authentication required', mfa_token: 'm' }],
    [400, { error: 'interaction_required', error_description: 'you must enroll', suberror: 'basic_action' }],
    [400, { error: 'login_required' }],
    [401, { error: 'consent_required' }],
    [400, { error: 'temporarily_unavailable', error_description: 'authentication_expired' }],
  ];
  for (const [status, body] of answers) {
    test(`says so in a code of its own, leads navigations to log in, and keeps the session: ${body.error}`, async () => {
      const session = await begin();
      const fault = () => tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status, body });
      fault();
      await untilDue();
      await assertAlive(gateway, session, 'while the token holds');
      await later(RENEW_BEFORE_SECS);
      for (const path of [PRIVATE, '/app/x', PROFILE, REFRESH]) {
        const reason = `${status} ${body.error}: ${body.error_description ?? ''}`;
        const answer = await assertToldAndKept(session, path, [401, 'interaction_required'], reason);
        assert.match(answer.headers.get('www-authenticate'), /^Bearer error="invalid_token", /, path);
      }
      const headers = { cookie: session.cookie, 'sec-fetch-mode': 'navigate' };
      const navigation = await sendRaw(gateway.origin, { path: '/app/x?y=z', headers });
      const { pathname, searchParams } = new URL(navigation.header('location'), gateway.origin);
      assert.deepEqual([navigation.status, pathname, searchParams.get('return_to')], [302, LOGIN, '/app/x?y=z']);
      assert.deepEqual(api.requests, [], 'the upstream hears nothing');
      const why = `interaction_required: ${status} ${body.error}: `;
      await gateway.record(({ code, message }) => code === 'session_not_renewed' && message.startsWith(why));
      tenant.clearFaults();
      await assertAlive(gateway, session, 'once the provider asks for nothing');
      assertFamily(session, { rotations: 1, revoked: false });
    });
  }
});

describe('a renewal that the provider denies to the user', () => {
  for (const [status, error] of [
    [403, 'access_denied'],
    [401, 'unauthorized'],
  ]) {
    test(`says so, sends nobody to log in, and keeps the session: ${status} ${error}`, async () => {
      const session = await begin();
      await untilExpired();
      tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status, body: { error, error_description: 'not today' } });
      for (const path of [PRIVATE, PROFILE, REFRESH]) {
        await assertToldAndKept(session, path, [403, 'login_denied'], `${status} ${error}: not today`);
      }
      const headers = { cookie: session.cookie, 'sec-fetch-mode': 'navigate' };
      const navigation = await sendRaw(gateway.origin, { path: '/app/x', headers });
      assert.deepEqual([navigation.status, navigation.header('location')], [403, null], 'the login would deny it, too');
      assert.deepEqual(api.requests, [], 'the upstream hears nothing');
      tenant.clearFaults();
      await assertAlive(gateway, session, 'once the provider denies nothing');
      assertFamily(session, { rotations: 1, revoked: false });
    });
  }
});

describe('a login that the provider has ended', () => {
  async function revoked(at = gateway) {
    const session = await begin(at);
    const form = { token: session.family().refreshTokens.at(-1), client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
    const { status } = await fetch(tenant.origin + REVOCATION, { method: 'POST', body: new URLSearchParams(form) });
    assert.equal(status, 200);
    assert.equal(session.family().revoked, true);
    return session;
  }

  test('ends the session when its token is to be renewed', async () => {
    for (const wait of [untilDue, untilExpired]) {
      const session = await revoked();
      await assertAlive(gateway, session, 'until then its token is good');
      await wait();
      tenant.resetCounts();
      await assertEnded(gateway, session, 'then');
      assert.equal(exchanges(), 1);
      await assertEnded(gateway, session, 'and for good');
      assert.equal(exchanges(), 1, 'without asking again');
      assert.equal(await gateway.held('SESSIONS', session.name), 0, 'nothing is kept of it');
    }
  });

  test('leads a navigation to log in, and back', async () => {
    const { cookie } = await revoked();
    await untilExpired();
    const headers = { cookie, 'sec-fetch-mode': 'navigate' };
    const answer = await sendRaw(gateway.origin, { path: '/app/x?y=z', headers });
    const { pathname, searchParams } = new URL(answer.header('location'), gateway.origin);
    assert.deepEqual([answer.status, pathname, searchParams.get('return_to')], [302, LOGIN, '/app/x?y=z']);
  });

  test('ends it for all who ask at once', async () => {
    const session = await revoked();
    await untilExpired();
    await Promise.all(Array.from({ length: 20 }, () => assertEnded(gateway, session, 'each')));
    assert.equal(exchanges(), 1);
  });
});
