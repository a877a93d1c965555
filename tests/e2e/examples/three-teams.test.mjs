// The recipe docs/recipes/three-teams.md: its config, in front of the tenant, for a user who may use two of the three apps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { Browser, startGateway, startUpstream } from '../support/harness.mjs';
import { claimsOf } from '../support/login-flow.mjs';
import { blockOf } from '../support/recipes.mjs';
import { OWN_PAGE, TOKEN_ENDPOINT } from '../support/session-flow.mjs';

const config = JSON.parse(blockOf('three-teams', 'json config'));
const { audience, redirect_uri: redirectUri } = config.authorizer;
const LIMITS = ['SHOP_LIMIT', 'BILLING_LIMIT', 'SUPPORT_LIMIT'];

test('three apps share one login, each of their APIs gets a token for itself, and only if the user may use its app', async (t) => {
  const [tenant, api] = await Promise.all([
    startTenant({
      audience,
      redirectUris: [redirectUri],
      apiScopes: ['use:shop', 'use:billing'],
      policies: config.servers.map((server) => ({ audience: server.audience, scope: server.scope.split(' ') })),
    }),
    startUpstream(({ url, headers }, response) => {
      const { aud, scope } = claimsOf(headers.authorization.slice('Bearer '.length));
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ url, aud, scope }));
    }),
  ]);
  const servers = config.servers.map((server) => ({ ...server, url: `${api.origin}/${server.alias}` }));
  const gateway = await startGateway({
    config: { ...config, servers },
    bindings: {
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
    },
    ratelimits: Object.fromEntries(
      LIMITS.map((name, index) => [name, { namespace_id: String(index), simple: { limit: 100, period: 60 } }]),
    ),
  });
  t.after(() => Promise.all([gateway, tenant, api].map((each) => each.close())));
  const browser = new Browser();
  const ask = async (path, method = 'GET') => {
    const answer = await browser.fetch(gateway.origin + path, { method, headers: OWN_PAGE });
    return [answer.status, await answer.json()];
  };
  const callback = new URL(await browser.logInUntilCallback(`${gateway.origin}/auth/login`));
  await browser.fetch(gateway.origin + callback.pathname + callback.search);

  for (const [alias, path] of [
    ['shop', '/orders/7'],
    ['billing', '/invoices'],
  ]) {
    const server = config.servers.find((one) => one.alias === alias);
    const expected = { url: `/${alias}${path}`, aud: server.audience, scope: server.scope };
    assert.deepEqual(await ask(`/${alias}/api${path}`), [200, expected], alias);
  }

  tenant.resetCounts();
  const [refused, { code }] = await ask('/support/api/tickets');
  assert.deepEqual([refused, code], [403, 'insufficient_scope'], 'an app that the user may not use');
  assert.equal(tenant.counts[TOKEN_ENDPOINT] ?? 0, 0, 'no token is requested for it');
  const [weak, problem] = await ask('/billing/api/payouts', 'POST');
  assert.deepEqual([weak, problem.code], [401, 'insufficient_user_authentication'], 'what one team wants besides');

  assert.deepEqual(await ask('/auth/sessions', 'DELETE'), [200, {}]);
  for (const path of ['/shop/api/orders/7', '/billing/api/invoices'])
    assert.equal((await ask(path))[0], 401, `${path} after a logout from all`);
});
