// The revocation of a client's refresh token (RFC 7009): whatever has taken its place ends with it, and nothing that was kept is given
// out afterwards.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser } from '../support/harness.mjs';
import { REFRESH, assertNeverShown, assertPrivateJson, assertProblem, logIn } from '../support/login-flow.mjs';
import { REVOCATION, TOKEN_ENDPOINT, startObeyingGateway } from '../support/session-flow.mjs';

const REVOKE = '/api/auth0/revoke';
const API = 'https://orders.example/';
const REFRESH_TOKEN_INVALID = [401, 'refresh_token_invalid'];
const JSON_TYPE = { 'content-type': 'application/json' };
const FORM_TYPE = { 'content-type': 'application/x-www-form-urlencoded' };

let tenant;
let gateway;

const PATHS = [
  { method: 'ANY', path: REVOKE, integration: { type: 'auth0_revocation' } },
  { method: 'POST', path: '/api/apis/refresh', integration: { type: 'auth0_refresh', apis: [{ audience: API }] } },
];

before(async () => {
  tenant = await startTenant({ policies: [{ audience: API, scope: [] }] });
  gateway = await startObeyingGateway(tenant, { paths: PATHS, isolates: 2 });
});

after(async () => {
  tenant?.clearFaults();
  await gateway?.close();
  await tenant?.close();
});

beforeEach(() => tenant.resetCounts());
afterEach(() => tenant.clearFaults());

const browser = new Browser();

async function freshToken() {
  const { refresh_token: token } = await logIn(gateway, browser);
  tenant.resetCounts();
  return token;
}

const revoke = (token, at = gateway.ask) =>
  at(REVOKE, { method: 'POST', headers: FORM_TYPE, body: `${new URLSearchParams({ token })}` });
const refresh = (token, at = gateway.ask) => at(REFRESH, { method: 'POST', headers: { 'x-refresh-token': token } });
const calls = (path) => tenant.counts[path] ?? 0;

async function assertRevoked(token, message) {
  assertPrivateJson(await revoke(token), message);
  assertProblem(await refresh(token), REFRESH_TOKEN_INVALID, message);
}

test('a refresh token is taken from the header, a form or JSON, and the provider revokes it', async () => {
  for (const [message, init] of /** @type {any[][]} */ ([
    ['a form', (token) => ({ headers: FORM_TYPE, body: `token=${token}&token_type_hint=refresh_token` })],
    ['JSON', (token) => ({ headers: JSON_TYPE, body: JSON.stringify({ token }) })],
    ['the header', (token) => ({ headers: { 'x-refresh-token': token } })],
  ])) {
    const token = await freshToken();
    const answer = await gateway.ask(REVOKE, { method: 'POST', ...init(token) });
    assertPrivateJson(answer, message);
    assert.equal(answer.text, '{}', message);
    assert.equal(calls(REVOCATION), 1, message);
    assertProblem(await refresh(token), REFRESH_TOKEN_INVALID, message);
  }
});

test('what is no refresh token is as good as revoked, and what is no request is refused', async () => {
  assertPrivateJson(await revoke(`unknown-${'x'.repeat(40)}`), 'one that the provider does not know');
  assert.equal(calls(REVOCATION), 1);
  assertPrivateJson(await revoke('tab\there'), 'one with other characters');
  const head = await gateway.ask(REVOKE, { method: 'HEAD', headers: { 'x-refresh-token': await freshToken() } });
  assert.equal(head.status, 200);
  assert.equal(calls(REVOCATION), 0, 'neither is shown to the provider');
  for (const [expected, init] of /** @type {any[][]} */ ([
    [[400, 'missing_refresh_token'], {}],
    [[400, 'missing_refresh_token'], { headers: FORM_TYPE, body: 'token=' }],
    [[400, 'missing_refresh_token'], { headers: FORM_TYPE, body: 'refresh_token=x' }],
    [[400, 'body_malformed'], { headers: FORM_TYPE, body: 'token=a&token=b' }],
    [[400, 'body_malformed'], { headers: JSON_TYPE, body: '{"token":["a"]}' }],
    [[400, 'body_malformed'], { headers: JSON_TYPE, body: '[' }],
    [[415, 'unsupported_media_type'], { headers: { 'content-type': 'text/plain' }, body: 'token=a' }],
    [[413, 'body_too_large'], { headers: FORM_TYPE, body: `token=${'x'.repeat(20_000)}` }],
  ]))
    assertProblem(await gateway.ask(REVOKE, { method: 'POST', ...init }), expected, JSON.stringify(init).slice(0, 99));
  assert.equal(calls(REVOCATION), 0);
});

test('what has taken the place of a used token ends with it, however often it was replaced', async () => {
  for (const replaced of [1, 3]) {
    const tokens = [await freshToken()];
    for (let round = 0; round < replaced; round += 1) tokens.push((await refresh(tokens[round])).body.refresh_token);
    assertPrivateJson(await revoke(tokens[0], gateway.askOther), 'by the first');
    assert.equal(calls(REVOCATION), 1, 'the last one is shown to the provider');
    for (const token of tokens) assertProblem(await refresh(token), REFRESH_TOKEN_INVALID);
  }
});

test('a provider that gives a used token again leads round in no circle', async () => {
  const token = await freshToken();
  const { refresh_token: successor } = (await refresh(token)).body;
  const edit = ({ headers, body }) => ({
    status: 200,
    headers,
    body: { ...JSON.parse(body), refresh_token: token },
  });
  tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
  assert.equal((await refresh(successor)).body.refresh_token, token, 'round');
  assertPrivateJson(await revoke(token), 'it ends');
  assert.equal(calls(REVOCATION), 1, 'the last one that was looked at');
  const { level, message } = await gateway.record(({ code }) => code === 'revocation_failed');
  assert.equal(level, 'warn');
  assert.match(message, /^the token was replaced too often/);
});

test('so does what the tokens of several APIs have left', async () => {
  const token = await freshToken();
  const forApi = {
    method: 'POST',
    headers: FORM_TYPE,
    body: `${new URLSearchParams({ refresh_token: token, audience: API })}`,
  };
  const [first, second] = await Promise.all([refresh(token), gateway.ask('/api/apis/refresh', forApi)]);
  const successor = second.body.refresh_token ?? first.body.refresh_token;
  await assertRevoked(token, 'by the first');
  assertProblem(await refresh(successor), REFRESH_TOKEN_INVALID, 'the last');
});

test('a revocation waits for a refresh that is under way, and ends what comes of it', async () => {
  const token = await freshToken();
  const hold = tenant.hold(TOKEN_ENDPOINT);
  const refreshing = refresh(token);
  await hold.arrived();
  const revoking = revoke(token, gateway.askOther);
  await gateway.drained();
  assert.equal(calls(REVOCATION), 0);
  hold.release();
  const { body } = await refreshing;
  assertPrivateJson(await revoking, 'the revocation');
  assertProblem(await refresh(body.refresh_token), REFRESH_TOKEN_INVALID, 'the successor');
  assertProblem(await refresh(token), REFRESH_TOKEN_INVALID, 'a duplicate');
});

test('while the provider is away, nothing is given out, and the client tries again', async () => {
  for (const fault of [{ kind: 'reset' }, { kind: 'status', status: 503 }]) {
    const token = await freshToken();
    const { refresh_token: successor } = (await refresh(token)).body;
    tenant.fault({ path: REVOCATION, ...fault });
    const failed = await revoke(token);
    assertProblem(failed, [503, 'idp_unavailable', '5'], JSON.stringify(fault));
    tenant.clearFaults();
    await later(20);
    assertPrivateJson(await revoke(token), 'the second try');
    assertProblem(await refresh(successor), REFRESH_TOKEN_INVALID, 'the successor');
  }
});

test('a kept answer is not given out after a revocation that failed', async () => {
  const token = await freshToken();
  const { refresh_token: successor } = (await refresh(token)).body;
  tenant.fault({ path: REVOCATION, kind: 'reset' });
  assertProblem(await revoke(token), [503, 'idp_unavailable', '5']);
  const duplicate = await refresh(token);
  assertProblem(duplicate, REFRESH_TOKEN_INVALID, 'without asking the provider');
  assert.equal(calls(TOKEN_ENDPOINT), 1);
  assert.ok(!duplicate.text.includes(successor));
  tenant.clearFaults();
  const revocations = calls(REVOCATION);
  assertPrivateJson(await revoke(token), 'the second try');
  assert.equal(calls(REVOCATION), revocations + 1);
  assertProblem(await refresh(successor), REFRESH_TOKEN_INVALID, 'the successor');
});

test('a provider that refuses the gateway is a matter of its operator', async () => {
  const token = await freshToken();
  for (const status of [400, 401]) {
    tenant.fault({ path: REVOCATION, kind: 'status', status, body: '{"error":"invalid_client"}' });
    const refused = await revoke(token);
    assertProblem(refused, [502, 'idp_rejected']);
    const { reason } = await gateway.recordOf(refused);
    assert.match(reason, new RegExp(`^not revoked: status ${status} \\(see token_endpoint_auth_method`));
    tenant.clearFaults();
  }
});

test('where every login ends in a session, no client has a refresh token, and the provider is not asked', async (t) => {
  const sessions = await startObeyingGateway(tenant, { paths: PATHS, sections: { session: {} } });
  t.after(() => sessions.close());
  assertPrivateJson(await revoke(await freshToken(), sessions.ask));
  assert.equal(calls(REVOCATION), 0);
});

test('the binding of the objects is required, and no token is ever in the log', async (t) => {
  const objectless = await startObeyingGateway(tenant, { paths: PATHS.slice(0, 1), objects: [] });
  t.after(() => objectless.close());
  const token = await freshToken();
  assertProblem(await revoke(token, objectless.ask), [503, 'config_invalid']);
  const { refresh_token: successor } = (await refresh(token)).body;
  await revoke(token);
  await assertNeverShown(gateway, { token, successor }, { inAnswers: false });
});
