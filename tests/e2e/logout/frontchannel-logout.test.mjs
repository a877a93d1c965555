// Front-channel logout (OpenID Connect Front-Channel Logout 1.0): a page of the provider ends the session of its own `iss` and `sid`,
// and nobody else ends any.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { until } from '../support/harness.mjs';
import {
  CSRF_REJECTED,
  PRIVATE,
  REMEMBERED_SECS,
  SESSION_EXPIRED,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  beginSession,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';
import { assertProblem } from '../support/login-flow.mjs';

const FRONTCHANNEL_LOGOUT = '/frontchannel-logout';
const FRAME = { 'sec-fetch-dest': 'iframe', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'same-site' };

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  const integration = { type: 'auth0_frontchannel_logout' };
  const paths = [{ method: 'GET', path: FRONTCHANNEL_LOGOUT, integration }];
  gateway = await startSessionGateway(tenant, api, { isolates: 2, paths });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

const begin = (how) => beginSession(gateway, tenant, how);
const logOut = (cookie, parameters, init = {}) =>
  askWith(gateway, cookie, `${FRONTCHANNEL_LOGOUT}?${new URLSearchParams(parameters)}`, { headers: FRAME, ...init });

/** Asserts that the answer is an empty page that no cache keeps, and only the provider frames. */
function assertPage(answer, message) {
  assert.deepEqual([answer.status, answer.text], [200, ''], message);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
  const policy = answer.headers.get('content-security-policy');
  assert.equal(policy, `default-src 'none'; frame-ancestors ${tenant.origin}`, message);
}

describe('a page of the provider', () => {
  test('ends the session that it names, and revokes its refresh token', async () => {
    const session = await begin();
    const other = () => gateway.askOther(PRIVATE, { headers: { cookie: session.cookie } });
    assert.equal((await other()).status, 200, 'the other isolate is warm');
    const answer = await logOut(session.cookie, { iss: tenant.issuer, sid: session.sid });
    assertPage(answer, 'the page');
    assertCleared(answer, 'the cookie');
    await assertEnded(gateway, session, 'at once, where it was asked for');
    await until(() => session.family().revoked);
    await untilErased(gateway, session);
    await later(REMEMBERED_SECS + 1);
    assertProblem(await other(), SESSION_EXPIRED, 'in every isolate');
  });

  test('ends it in a browser that does not say what loads the page', async () => {
    const session = await begin();
    assertPage(await logOut(session.cookie, { iss: tenant.issuer, sid: session.sid }, { headers: {} }), 'the page');
    await assertEnded(gateway, session, 'then');
  });

  test('without the cookie, or with that of another session, ends nothing', async () => {
    const [session, another] = [await begin(), await begin()];
    const query = { iss: tenant.issuer, sid: session.sid };
    for (const cookie of ['', 'other=1', another.cookie]) {
      const answer = await logOut(cookie, query);
      assertPage(answer, cookie);
      assert.deepEqual(answer.headers.getSetCookie(), [], cookie);
    }
    await later(REMEMBERED_SECS + 1);
    await assertAlive(gateway, session, 'the one');
    await assertAlive(gateway, another, 'the other');
  });
});

describe('a page of anybody else ends nothing', () => {
  /** @type {[string, (session: any) => Record<string, string>, Record<string, string>?][]} */
  const table = [
    ['without parameters', () => ({})],
    ['without a sid', () => ({ iss: tenant.issuer })],
    ['with an empty sid', () => ({ iss: tenant.issuer, sid: '' })],
    ['without an issuer', ({ sid }) => ({ sid })],
    ['with another issuer', ({ sid }) => ({ iss: 'https://evil.example/', sid })],
    ['as an image', ({ sid }) => ({ iss: tenant.issuer, sid }), { ...FRAME, 'sec-fetch-dest': 'image' }],
    ['as a page of its own', ({ sid }) => ({ iss: tenant.issuer, sid }), { ...FRAME, 'sec-fetch-dest': 'document' }],
    ['as a prefetch', ({ sid }) => ({ iss: tenant.issuer, sid }), { ...FRAME, 'sec-purpose': 'prefetch' }],
  ];
  for (const [name, parameters, headers = FRAME] of table) {
    test(name, async () => {
      const session = await begin();
      const answer = await logOut(session.cookie, parameters(session), { headers });
      assert.deepEqual([answer.status, answer.headers.get('x-problem-code')], CSRF_REJECTED);
      assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
      await later(REMEMBERED_SECS + 1);
      await assertAlive(gateway, session, 'after that');
    });
  }

  test('with a sid that it made up', async () => {
    const session = await begin();
    for (const sid of ['made-up', `${session.sid}x`, session.sid.slice(1), session.sid.toLowerCase() + session.sid])
      assertPage(await logOut(session.cookie, { iss: tenant.issuer, sid }), sid);
    await later(REMEMBERED_SECS + 1);
    await assertAlive(gateway, session, 'after all of that');
  });

  test('by HEAD', async () => {
    const session = await begin();
    const answer = await logOut(session.cookie, { iss: tenant.issuer, sid: session.sid }, { method: 'HEAD' });
    assert.equal(answer.status, 200);
    await later(REMEMBERED_SECS + 1);
    await assertAlive(gateway, session, 'after that');
  });
});
