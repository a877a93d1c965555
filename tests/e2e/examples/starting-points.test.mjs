// The configs that `bargate init` writes, in front of a tenant and an API: as the transcripts of tests/cli hold them, each logs
// people in by its mode, and lets in only those; as the command writes them, each goes with the page of examples/spa.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { parseEnv, promisify } from 'node:util';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { buildBargate } from '../support/bargate.mjs';
import { Browser, ROOT, startGateway, startUpstream } from '../support/harness.mjs';
import { loginUntilCallback, readAnswer } from '../support/login-flow.mjs';
import { OWN_PAGE } from '../support/session-flow.mjs';
import { MODES, TIMEOUT, startSite } from '../support/spa-page.mjs';

const LOCAL = 'http://127.0.0.1:8787';

let bargate;
let tenant;
let api;
const gateways = [];

before(
  async () => {
    bargate = await buildBargate();
    tenant = await startTenant();
    api = await startUpstream((request, response) => {
      response.end(JSON.stringify({ path: request.url, authorization: request.headers.authorization }));
    });
  },
  { timeout: 300_000 },
);

after(async () => {
  for (const gateway of gateways) await gateway.close();
  await api?.close();
  await tenant?.close();
});

/** Starts a gateway with a config of the transcripts and the variables that `init` tells for local runs. */
async function startFrom(folder, redirects) {
  const gateway = await startGateway({
    config: readFileSync(join(ROOT, 'tests/cli', folder, 'gateway.config.json'), 'utf8'),
    bindings: {
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
      API_URL: api.origin,
      ...redirects,
    },
  });
  gateways.push(gateway);
  assert.equal((await gateway.fetch('/health')).status, 200, 'the config is in force');
  assert.equal((await gateway.fetch('/api/orders')).status, 401, 'the API is closed to strangers');
  return gateway;
}

test('with the starting point for sessions, a browser that has logged in reaches the API with nothing but its cookie', async () => {
  const gateway = await startFrom('init-files.out', { AUTH0_REDIRECT_URI: `${LOCAL}/api/auth0/callback` });
  const browser = new Browser();
  const ask = async (path, init) => readAnswer(await browser.fetch(new URL(path, gateway.origin), init));
  const callback = await ask(await loginUntilCallback(gateway, browser, { query: { return_to: '/orders' } }));
  assert.deepEqual([callback.status, callback.headers.get('location')], [302, '/orders']);

  const { body } = await ask('/api/orders?page=2');
  assert.equal(body.path, '/orders?page=2');
  assert.match(body.authorization, /^Bearer ey/);
  assert.equal((await ask('/api/auth0/profile')).body.email, 'alice@example.com');

  const logout = await ask('/api/auth0/logout', { method: 'POST', headers: OWN_PAGE });
  assert.equal(logout.status, 303);
  assert.equal((await ask('/api/orders')).status, 401, 'after the logout the API is closed');
});

test('with the starting point for tokens, a page gets its tokens, reaches the API with them, and refreshes them', async () => {
  const gateway = await startFrom('init-force.out', {
    SPA_ORIGIN: LOCAL,
    SPA_REDIRECT_URI: `${LOCAL}/`,
    SILENT_REDIRECT_URI: `${LOCAL}/api/auth0/silent/callback`,
  });
  const browser = new Browser();
  const back = await loginUntilCallback(gateway, browser, { at: '/api/auth0/token/login' });
  assert.equal(back.pathname, '/', 'the provider leads to the page');
  const callback = new URL(`/api/auth0/token/callback${back.search}`, gateway.origin);
  const { body: tokens } = await readAnswer(await browser.fetch(callback));

  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const { body } = await readAnswer(await gateway.fetch('/api/orders', { headers }));
  assert.deepEqual(body, { path: '/orders', ...headers });

  const refresh = { method: 'POST', headers: { 'x-refresh-token': tokens.refresh_token, origin: LOCAL } };
  const refreshed = await readAnswer(await gateway.fetch('/api/auth0/refresh', refresh));
  assert.equal(
    refreshed.headers.get('access-control-allow-origin'),
    LOCAL,
    'the page may read the answer from elsewhere',
  );
  assert.ok(refreshed.body.access_token && refreshed.body.refresh_token !== tokens.refresh_token, refreshed.text);

  const frame = await browser.follow(new URL('/api/auth0/silent/login?prompt=none', gateway.origin), {}, (url) =>
    url.startsWith(LOCAL),
  );
  const posted = await browser.fetch(new URL(frame.next.replace(LOCAL, gateway.origin)));
  assert.match(await posted.text(), /authorization_response.*access_token/s, 'the hidden frame gets tokens');
});

/** Has `bargate init` write a config and its variables for local runs at a port. */
async function startingPoint({ provider, mode, port, tenant: { origin, issuer }, api: upstream }) {
  const folder = mkdtempSync(join(tmpdir(), 'bargate-'));
  const [config, variables] = ['gateway.config.json', 'dev.vars'].map((name) => join(folder, name));
  const answers = {
    provider,
    mode,
    port,
    tenant: provider === 'oidc' ? issuer : origin,
    audience: DEFAULT_AUDIENCE,
    upstream: upstream.origin,
    output: config,
    'dev-vars': variables,
  };
  const flags = Object.entries(answers).flatMap(([name, value]) => [`--${name}`, String(value)]);
  await promisify(execFile)(bargate, ['init', ...flags]);
  const name = provider.toUpperCase();
  const written = {
    config: readFileSync(config, 'utf8'),
    bindings: {
      ...parseEnv(readFileSync(variables, 'utf8')),
      [`${name}_CLIENT_ID`]: DEFAULT_CLIENT_ID,
      [`${name}_CLIENT_SECRET`]: DEFAULT_CLIENT_SECRET,
    },
  };
  rmSync(folder, { recursive: true });
  return written;
}

for (const provider of ['auth0', 'oidc']) {
  for (const [mode, letter] of [
    ['session', 'b'],
    ['tokens', 'a'],
  ]) {
    test(
      `the page of the example goes with the starting point for --mode ${mode} --provider ${provider}`,
      TIMEOUT,
      async (t) => {
        let api;
        const deploy = (place) => {
          api = place.api;
          return startingPoint({ ...place, provider, mode });
        };
        const site = await startSite({ deploy });
        t.after(() => site.close());
        const visit = await site.visit();
        const tab = await visit.open();
        await tab.shows('out');
        for (const [other, name] of Object.entries(MODES)) {
          const radio = tab.page.getByRole('radio', { name });
          assert.deepEqual(
            [await radio.isChecked(), await radio.isEnabled()],
            [other === letter, other === letter],
            name,
          );
        }
        await tab.logIn('alice@example.com');
        await tab.call();
        await tab.go();
        await tab.shows('in');
        await tab.call();
        const refresh = `/api/${provider}/refresh`;
        const [refreshed] = await Promise.all([
          tab.page.waitForResponse((response) => response.url().endsWith(refresh)),
          tab.button('Refresh now').click(),
        ]);
        assert.equal(refreshed.status(), 200);
        const passedOn = api.requests.filter(({ path }) => path.includes('refresh'));
        assert.deepEqual(passedOn, [], 'the gateway answers that, and no API that may know no such path');
        assert.ok(await tab.problem.isHidden());
        await tab.button('Log out').click();
        await tab.shows('out');
        await tab.button('Call the API').click();
        await tab.showsProblem('token_missing');
        const frames = new Set(
          visit.framed
            .map((url) => new URL(url))
            .filter(({ origin }) => origin === site.origin)
            .map(({ pathname }) => pathname),
        );
        const silent = mode === 'tokens' ? [`/api/${provider}/silent/login`, `/api/${provider}/silent/callback`] : [];
        assert.deepEqual([...frames], silent, 'what was opened in hidden frames');
        await site.endVisits();
      },
    );
  }
}
