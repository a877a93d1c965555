// Sessions over a change of the config: for a minute isolates hold different ones, and the objects run in isolates of their own.
// Here each isolate reads the config when it is first asked, and the objects are those of the first.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser, until } from '../support/harness.mjs';
import { assertProblem, loginConfig, loginUntilCallback } from '../support/login-flow.mjs';
import {
  PRIVATE,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  assertAlive,
  assertCleared,
  beginSession,
  sessionConfig,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';

// RECHECK_MS of gateway.rs: how often an isolate looks at its config.
const RECHECK_SECS = 60;
// REJECT_AFTER_SECS of record.rs.
const REJECT_AFTER_SECS = 10;
const UNAVAILABLE = [503, 'store_unavailable', '5'];

let tenant;
let api;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: 24 * 60 * 60 }), startApi()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));

/** Starts a gateway of two isolates whose config is in KV. */
async function start(t, config) {
  const options = { config: undefined, kv: ['JWKS', 'CONFIG'], isolates: 2 };
  const gateway = await startSessionGateway(tenant, api, options);
  t.after(() => gateway.close());
  const namespace = await gateway.kv('CONFIG');
  const put = (next) => namespace.put('gateway.config.json', JSON.stringify(next));
  await put(config);
  return {
    ...gateway,
    put,
    otherWith: ({ cookie }, path = PRIVATE) => gateway.askOther(path, { headers: { cookie } }),
  };
}

const withMarker = (marker, config) => ({
  ...config,
  paths: [...config.paths, { method: 'GET', path: '/marker', response: { marker } }],
});

/** Waits until the first isolate has the config of this marker. */
async function arrives(gateway, marker) {
  await later(RECHECK_SECS);
  await until(async () => (await gateway.ask('/marker')).body?.marker === marker);
}

for (const [name, changed] of [
  ['of another audience', { audience: 'https://other.example/' }],
  ['of another issuer', { issuer: 'https://other.example/' }],
  ['with a claim that no token has', { claims: { department: 'sales' } }],
]) {
  test(`a session ends where the config asks for tokens ${name}, and nothing is left of it`, async (t) => {
    const gateway = await start(t, sessionConfig(tenant, api));
    const session = await beginSession(gateway, tenant);
    await assertAlive(gateway, session, 'before');
    await gateway.put(sessionConfig(tenant, api, { authorizer: changed }));
    api.requests.length = 0;
    const answer = await gateway.otherWith(session, '/app/x');
    assertProblem(answer, SESSION_EXPIRED, 'where the config is in force');
    assertCleared(answer, 'there');
    assert.deepEqual(api.requests, [], 'the upstream hears nothing');
    await until(() => session.family().revoked);
    await untilErased(gateway, session);
    assertProblem(await gateway.otherWith(session), SESSION_EXPIRED, 'for good');
  });
}

describe('a session without an ID token, where the config asks for the claims of one', () => {
  /** Begins a session, and has the other isolate ask for ID tokens when its access token may be renewed. */
  async function begin(t) {
    const gateway = await start(t, sessionConfig(tenant, api));
    const session = await beginSession(gateway, tenant);
    await gateway.put(sessionConfig(tenant, api, { session: { claims_from: 'id_token' } }));
    await later(REJECT_AFTER_SECS);
    return { gateway, session };
  }

  test('is renewed, and goes on with the ID token that comes along', async (t) => {
    const { gateway, session } = await begin(t);
    assert.equal((await gateway.otherWith(session)).status, 200);
    assert.equal(session.family().rotations, 1);
    assert.equal((await gateway.otherWith(session)).status, 200);
    assert.equal(session.family().rotations, 1, 'it is kept');
  });

  test('ends if none comes along, and the log says why', async (t) => {
    const { gateway, session } = await begin(t);
    tenant.fault({
      path: TOKEN_ENDPOINT,
      times: 1,
      edit: ({ body, ...answer }) => ({ ...answer, body: { ...JSON.parse(body), id_token: undefined } }),
    });
    const answer = await gateway.otherWith(session);
    assertProblem(answer, SESSION_EXPIRED, 'without one');
    assertCleared(answer, 'there');
    await gateway.record(({ reason }) => reason === 'the ID token that "claims_from" needs is missing');
    await until(() => session.family().revoked);
  });
});

test('a config without sessions, where an object has it, erases none and begins none', async (t) => {
  const sessions = withMarker('sessions', sessionConfig(tenant, api));
  const none = loginConfig(tenant, { paths: [{ method: 'GET', path: '/marker', response: { marker: 'none' } }] });
  const gateway = await start(t, sessions);
  const session = await beginSession(gateway, tenant);
  await gateway.put(none);
  await arrives(gateway, 'none');
  await gateway.put(sessions);

  const answer = await gateway.otherWith(session);
  assertProblem(answer, UNAVAILABLE, 'of the session');
  assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
  assert.ok((await gateway.held('SESSIONS', session.name)) > 0);

  const browser = new Browser();
  const callback = await loginUntilCallback({ origin: gateway.origins[1] }, browser);
  const login = await gateway.askAs(browser, callback);
  assertProblem(login, UNAVAILABLE, 'a login');
  assert.deepEqual(login.headers.getSetCookie(), [], 'no cookie of a session that is none');

  await arrives(gateway, 'sessions');
  await assertAlive(gateway, session, 'when the object has the config again');
});
