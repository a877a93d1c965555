// `resource` (RFC 8707): what logins request access tokens for goes to the provider at the login, with the code and with each refresh.
// The provider is strict: without a `resource` in a token request, its access token is none that the gateway can check.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { UNKNOWN_RESOURCE } from '../../../dev/tenant/provider.mjs';
import { Browser } from '../support/harness.mjs';
import {
  CLIENT_SECRET,
  LOGIN,
  REFRESH,
  assertProblem,
  claimsOf,
  logIn,
  loginUntilCallback,
} from '../support/login-flow.mjs';
import { AT, recording, startRealm, startSessionGateway, startTokenGateway } from '../support/oidc-flow.mjs';
import { PRIVATE, askWith, assertAlive, beginSession, claimsAt, untilDue } from '../support/session-flow.mjs';

const API = 'https://orders.example/?tenant=a&b';
const OTHER = 'urn:example:stock';

/** What a strict provider wants besides. */
const OF_STRICT = { token_endpoint_auth_method: 'client_secret_post', login_parameters: { prompt: 'consent' } };

let realm;
let api;

before(async () => {
  [realm, api] = await Promise.all([startRealm({ strict: true }), startApi()]);
});

after(() => Promise.all([realm?.close(), api?.close()]));

async function startTokens(t, authorizer, { at = realm, ...options } = {}) {
  const paths = [{ method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } }];
  const how = { authorizer: { audience: API, ...OF_STRICT, ...authorizer }, paths, ...options };
  const gateway = await startTokenGateway(at, how);
  t.after(() => gateway.close());
  return gateway;
}

const statusWith = async (gateway, token) =>
  (await gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } })).status;

test('the tokens of a login and of a refresh are for the resource, and without one for none', async (t) => {
  const [named, unnamed] = [await startTokens(t, { resource: API }), await startTokens(t, {})];
  const first = await logIn(named, new Browser());
  assert.equal(claimsOf(first.access_token).aud, API);
  assert.equal(await statusWith(named, first.access_token), 200);
  const headers = { 'x-refresh-token': first.refresh_token };
  const { body: second } = await named.ask(REFRESH, { method: 'POST', headers });
  assert.equal(claimsOf(second.access_token).aud, API);
  assert.equal(await statusWith(named, second.access_token), 200);
  const { access_token: opaque } = await logIn(unnamed, new Browser());
  assert.equal(await statusWith(unnamed, opaque), 401);
});

test('several go to the provider at the login, with the code and with the refresh token', async (t) => {
  // Not strict: of several, it issues a token for the first.
  const at = await startRealm();
  t.after(() => at.close());
  const calls = [];
  const options = { at, bindings: { CLIENT_SECRET, OTHER }, outbound: recording(AT.token, calls) };
  const gateway = await startTokens(t, { resource: [API, '$env.OTHER'] }, options);
  const location = new URL((await gateway.ask(`${LOGIN}?resource=urn:evil`)).headers.get('location'));
  assert.deepEqual(
    location.searchParams.getAll('resource'),
    [API, OTHER],
    'at the login, where no client changes them',
  );
  const { refresh_token: token } = await logIn(gateway, new Browser());
  assert.equal((await gateway.ask(REFRESH, { method: 'POST', headers: { 'x-refresh-token': token } })).status, 200);
  assert.deepEqual(
    calls.map(({ form }) => [form.get('grant_type'), form.getAll('resource')]),
    [
      ['authorization_code', [API, OTHER]],
      ['refresh_token', [API, OTHER]],
    ],
  );
});

test('a session stands on tokens for the resource, before and after its renewal', async (t) => {
  const gateway = await startSessionGateway(realm, api, { authorizer: { ...OF_STRICT, audience: API, resource: API } });
  t.after(() => gateway.close());
  const session = await beginSession(gateway, realm);
  await assertAlive(gateway, session, 'at once');
  await untilDue();
  for (const message of ['at once', 'renewed']) {
    assert.equal((await askWith(gateway, session.cookie, '/app/x')).status, 200, message);
    assert.equal(claimsAt(api).aud, API, message);
  }
  assert.equal(session.family().rotations, 1);
});

test('a login for what the provider does not know ends as any that it refuses', async (t) => {
  const gateway = await startTokens(t, { resource: UNKNOWN_RESOURCE });
  const browser = new Browser();
  const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser));
  assertProblem(answer, [502, 'idp_rejected'], 'refused');
  assert.match((await gateway.recordOf(answer)).reason, /invalid_target/);
});
