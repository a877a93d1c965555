// Alarms of the objects that ring by themselves, by the real clock: nothing outlives its time on the disk, asked for or not.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, until } from '../support/harness.mjs';
import { REFRESH, assertPrivateJson, assertProblem, logIn } from '../support/login-flow.mjs';
import { assertEnded, beginSession, startObeyingGateway, startSessionGateway } from '../support/session-flow.mjs';

let tenant;
let api;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));

test('the answer to an exchange is erased after the grace', async (t) => {
  const gateway = await startObeyingGateway(tenant, { authorizer: { rotation_grace_seconds: 1 } });
  t.after(() => gateway.close());
  const { refresh_token: token } = await logIn(gateway, new Browser());
  const refresh = () => gateway.ask(REFRESH, { headers: { 'x-refresh-token': token } });
  assertPrivateJson(await refresh(), 'the exchange');
  const held = () => gateway.held('REFRESH_EXCHANGES', createHash('sha256').update(token).digest('base64url'));
  assert.ok((await held()) > 0, 'the answer is kept');
  await until(async () => (await held()) === 0);
  assertProblem(await refresh(), [401, 'refresh_token_invalid'], 'a duplicate after that');
  assert.equal(tenant.family(token).revoked, true, 'is a reuse');
  assert.equal(await held(), 0, 'of which nothing is kept either');
});

for (const [name, session] of [
  ['idle', { idle_seconds: 1 }],
  ['absolute', { absolute_seconds: 1 }],
]) {
  test(`a session is erased after its ${name} time`, async (t) => {
    const gateway = await startSessionGateway(tenant, api, { session });
    t.after(() => gateway.close());
    const begun = await beginSession(gateway, tenant);
    const held = () => gateway.held('SESSIONS', begun.name);
    assert.ok((await held()) > 0, 'the session is kept');
    await until(async () => (await held()) === 0);
    await assertEnded(gateway, begun, 'afterwards');
  });
}
