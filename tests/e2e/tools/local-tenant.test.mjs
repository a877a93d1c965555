// What `bargate dev` makes of a config: a tenant at which people log in without any account, whichever provider the config is for.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { AUTH0_ENDPOINTS } from '../../../dev/tenant/provider.mjs';
import { localTenant } from '../../../packages/bargate-dev/local-tenant.mjs';
import { Browser, ROOT, freePort, startGateway } from '../support/harness.mjs';

const PROVIDERS = join(ROOT, 'examples/providers');
const FILES = readdirSync(PROVIDERS).filter((name) => name.endsWith('.json'));
/** One of each kind: endpoints, key of the tenant, audience, claims, algorithm, form of the token, ways of the answer. */
const KINDS = [
  'auth0',
  'auth0-tokens',
  'oidc',
  'oidc-tokens',
  'keycloak',
  'cognito',
  'clerk',
  'entra-id',
  'logto',
  'better-auth',
  'django-oauth-toolkit-opaque',
  'oidc-provider-form-post',
  'oidc-provider-id-token',
];
/** Why the tenant cannot stand in for a provider, by its file. */
const STRANGERS = {
  'apple.json': /^authorizer\.issuer is "https:\/\/appleid\.apple\.com" in the config itself$/,
  'entra-id-organizations.json': /^authorizer\.issuer is "https:\/\/login\.microsoftonline\.com/,
  'google.json': /^authorizer\.issuer is "https:\/\/accounts\.google\.com" in the config itself$/,
  'oidc-provider-private-key-jwt.json': /^authorizer\.token_endpoint_auth_method is "private_key_jwt"/,
};
/** What only its owner knows. */
const UNKNOWN = { 'github-actions.json': ['REPOSITORY_OWNER_ID'] };

const configOf = (file) => JSON.parse(readFileSync(join(PROVIDERS, file), 'utf8'));
const withoutNotes = (value) =>
  JSON.stringify(value, (key, part) => (/^x-|^description$/.test(key) ? undefined : part));
const referencesOf = (config) =>
  [...withoutNotes(config).matchAll(/"\$(?:env|secret)\.(\w+)"/g)].map(([, name]) => name);

test('every variable of a config to start from gets a value, or it is said why the tenant cannot stand in', () => {
  const origins = { gateway: 'http://127.0.0.1:1', tenant: 'http://127.0.0.1:2', api: 'http://127.0.0.1:3' };
  assert.ok(FILES.length > 30);
  for (const file of FILES) {
    const config = configOf(file);
    const { values, problems } = localTenant(config, origins);
    if (STRANGERS[file]) {
      assert.match(problems.join(), STRANGERS[file], file);
      continue;
    }
    assert.deepEqual(problems, [], file);
    const left = referencesOf(config).filter((name) => !(name in values));
    assert.deepEqual(left, UNKNOWN[file] ?? [], file);
  }
});

test('logins that the gateway begins as an authorization server come back to it', () => {
  const origins = { gateway: 'http://127.0.0.1:1', tenant: 'http://127.0.0.1:2', api: 'http://127.0.0.1:3' };
  const { values, clients } = localTenant(configOf('auth0-mcp.json'), origins);
  assert.equal(values.GATEWAY_ORIGIN, origins.gateway);
  assert.ok(clients.every((client) => client.redirect_uris.includes('http://127.0.0.1:1/callback')));
});

test('a part of the config itself that logins depend on is named', () => {
  const origins = { gateway: 'http://127.0.0.1:1', tenant: 'http://127.0.0.1:2', api: 'http://127.0.0.1:3' };
  const config = configOf('auth0.json');
  const problemsWith = (more) =>
    localTenant({ ...config, authorizer: { ...config.authorizer, ...more } }, origins).problems.join();
  assert.equal(problemsWith({}), '');
  assert.match(
    problemsWith({ domain: 'shop.eu.auth0.com' }),
    /^authorizer\.domain is "shop\.eu\.auth0\.com" in the config itself$/,
  );
  assert.match(
    problemsWith({ redirect_uri: 'https://shop.example/cb' }),
    /^authorizer\.redirect_uri is "https:\/\/shop\.example\/cb"/,
  );
  // The client may have any name, and the API as well.
  assert.equal(problemsWith({ client_id: 'shop', audience: 'https://api.shop.example/' }), '');
});

for (const kind of KINDS) {
  test(`one logs in at the local tenant with the config for ${kind}, and calls the API`, async (t) => {
    const config = configOf(`${kind}.json`);
    const [port, tenantPort] = [await freePort(), await freePort()];
    const api = await startApi();
    t.after(() => api.close());
    const origins = { gateway: `http://127.0.0.1:${port}`, tenant: `http://127.0.0.1:${tenantPort}`, api: api.origin };
    const { values, clients, logoutUrls, settings, started } = localTenant(config, origins);
    const tenant = await startTenant({
      port: tenantPort,
      clients,
      allowedLogoutUrls: logoutUrls,
      ...settings,
      signingAlg: started.signingAlg,
      endpoints: { ...AUTH0_ENDPOINTS, ...started.endpoints },
    });
    t.after(() => tenant.close());
    const gateway = await startGateway({ port, config, bindings: values });
    t.after(() => gateway.close());

    const pathOf = (name) => config.paths.find(({ integration }) => integration?.type.endsWith(`_${name}`)).path;
    const browser = new Browser();
    const headers = await logIn(browser, { origins, pathOf, hasSession: Boolean(config.session) });
    const response = await browser.fetch(`${origins.gateway}/api/messages`, { headers });
    assert.equal(response.status, 200, await response.clone().text());
    assert.equal((await response.json()).path, '/messages');
  });
}

/** Logs in as the config has it, and returns the headers of a request then. */
async function logIn(browser, { origins: { gateway, tenant }, pathOf, hasSession }) {
  const isBack = (url) => url.startsWith(gateway);
  const form = new URLSearchParams({ username: 'alice@example.com', password: 'any', action: 'login' });
  const page = await browser.follow(`${gateway}${pathOf('login')}`, {}, (url) => url.startsWith(`${tenant}/u/login/`));
  let { next, response, url } = await browser.follow(page.next, { method: 'POST', body: form }, isBack);
  // Some configs have people asked for their consent each time.
  if (url.startsWith(`${tenant}/u/login/`))
    ({ next, response } = await browser.follow(url, { method: 'POST', body: form }, isBack));
  const callback = next ? { url: next, init: {} } : formOf(await response.text());
  if (hasSession) {
    const begun = await browser.fetch(callback.url, callback.init);
    assert.equal(begun.status, 302, await begun.text());
    return { 'sec-fetch-site': 'same-origin' };
  }
  const tokens = await browser.fetch(`${gateway}${pathOf('callback')}${new URL(callback.url).search}`);
  assert.equal(tokens.status, 200);
  return { authorization: `Bearer ${(await tokens.json()).access_token}` };
}

/** Returns the request of a page that posts the provider's answer. */
function formOf(html) {
  assert.match(html, /action=/);
  const [, url] = /action="([^"]+)"/.exec(html);
  const fields = [...html.matchAll(/name="(\w+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]);
  const origin = /** @type {const} */ ({ origin: 'null', 'sec-fetch-site': 'cross-site' });
  return { url, init: { method: 'POST', headers: origin, body: new URLSearchParams(fields) } };
}
