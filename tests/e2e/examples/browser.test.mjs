// A login in a real browser that leaves the tokens to the application: the built-in gateway.config.json, the tenant, the sample
// API, and pages of a single-page app at an origin of its own. The page of examples/spa has tests of its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { freePort, startGateway, startUpstream } from '../support/harness.mjs';
import { claimsOf, startLoginGateway } from '../support/login-flow.mjs';

const TIMEOUT = { timeout: 120_000 };

// The paths that hand over tokens. The browser is sent to the callback itself here, which so shows its answer.
const LOGIN = '/api/auth0/token/login';
const CALLBACK = '/api/auth0/token/callback';

let tenant;
let api;
let app;
let gateway;
let framing;
let browser;

before(async () => {
  const [port, framingPort] = [await freePort(), await freePort()];
  const redirectUri = `http://127.0.0.1:${port}${CALLBACK}`;
  const frameRedirectUri = `http://127.0.0.1:${framingPort}/frame/callback`;
  [tenant, api, app] = await Promise.all([
    startTenant({ redirectUris: [redirectUri, frameRedirectUri] }),
    startApi(),
    startUpstream((request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>App</title>'),
    ),
  ]);
  gateway = await startGateway({
    port,
    bindings: {
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
      AUTH0_REDIRECT_URI: `http://127.0.0.1:${port}/api/auth0/callback`,
      SPA_REDIRECT_URI: redirectUri,
      SILENT_REDIRECT_URI: `http://127.0.0.1:${port}/api/auth0/silent/callback`,
      API_URL: api.origin,
      SPA_ORIGIN: app.origin,
    },
  });
  framing = await startLoginGateway(tenant, {
    port: framingPort,
    authorizer: { redirect_uri: frameRedirectUri },
    paths: [
      { method: 'GET', path: '/frame/login', integration: { type: 'auth0_login' } },
      {
        method: 'GET',
        path: '/frame/callback',
        integration: { type: 'auth0_callback', response: 'web_message', target_origin: app.origin },
      },
    ],
  });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await Promise.all([gateway?.close(), framing?.close()]);
  await Promise.all([tenant, api, app].map((each) => each?.close()));
});

/** Fills in the tenant's login page and gives what the callback then shows. */
async function submit(page, email) {
  await page.getByLabel('E-mail address').fill(email);
  await page.getByLabel('Password').fill('any');
  await Promise.all([
    page.waitForURL((url) => url.origin === gateway.origin),
    page.getByRole('button', { name: 'Log in' }).click(),
  ]);
  return JSON.parse(await page.locator('body').innerText());
}

/** Makes requests in a page, one after the other, and gives their answers. */
function askFrom(page, requests) {
  return page.evaluate(async (wanted) => {
    const answers = [];
    for (const [url, init] of wanted) {
      const response = await fetch(url, init);
      answers.push({ status: response.status, body: await response.json(), id: response.headers.get('x-request-id') });
    }
    return answers;
  }, requests);
}

test('a person logs in by a click, and the tokens open profile, API and refresh from the page', TIMEOUT, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.origin}${LOGIN}?return_to=/inbox`);
  assert.equal(new URL(page.url()).origin, tenant.origin, 'at the provider');
  const tokens = await submit(page, 'judy@example.com');
  const { access_token: access, id_token: id, refresh_token: refresh, return_to: returnTo } = tokens;
  assert.equal(new URL(page.url()).pathname, CALLBACK);
  assert.deepEqual([claimsOf(id).email, returnTo], ['judy@example.com', '/inbox']);

  const [cookie, ...others] = (await context.cookies(gateway.origin)).filter(({ name }) => !name.startsWith('tenant_'));
  const { name, httpOnly, sameSite, secure, path } = cookie;
  assert.deepEqual(
    { name, httpOnly, sameSite, secure, path },
    {
      name: 'bargate-login',
      httpOnly: true,
      sameSite: 'Lax',
      secure: false,
      path: '/',
    },
  );
  assert.deepEqual(others, []);

  // From the gateway's own origin, and from the app's, which takes a preflight each.
  const there = await context.newPage();
  await there.goto(app.origin);
  const authorization = `Bearer ${access}`;
  for (const from of [page, there]) {
    const [anonymous, profile, messages] = await askFrom(from, [
      [`${gateway.origin}/api/messages`, {}],
      [`${gateway.origin}/api/auth0/profile`, { headers: { authorization, 'x-access-token': access } }],
      [`${gateway.origin}/api/messages?unread=1`, { headers: { authorization } }],
    ]);
    assert.deepEqual([anonymous.status, anonymous.body.code], [401, 'token_missing']);
    assert.ok(anonymous.id, 'the request id can be read');
    assert.deepEqual([profile.status, profile.body.email], [200, 'judy@example.com']);
    assert.deepEqual([messages.status, messages.body.query], [200, 'unread=1']);
    assert.equal(messages.body.headers['x-user-id'], tenant.subjectOf('judy@example.com'), 'what the API sees');
    // Cookies know no ports: the tenant's comes along on this one host. The gateway's own stays with it.
    assert.ok(!messages.body.headers.cookie?.includes('bargate'), messages.body.headers.cookie);
  }

  const refreshUrl = `${gateway.origin}/api/auth0/refresh`;
  const [byJson] = await askFrom(page, [
    [
      refreshUrl,
      {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ refresh_token: refresh }),
      },
    ],
  ]);
  assert.equal(byJson.status, 200);
  const [byHeader] = await askFrom(there, [
    [refreshUrl, { method: 'POST', headers: { 'x-refresh-token': byJson.body.refresh_token } }],
  ]);
  assert.equal(byHeader.status, 200);
  const [again] = await askFrom(there, [
    [`${gateway.origin}/api/messages`, { headers: { authorization: `Bearer ${byHeader.body.access_token}` } }],
  ]);
  assert.equal(again.status, 200, 'the refreshed token opens the API');
  assert.deepEqual([tenant.family(refresh).rotations, tenant.family(refresh).revoked], [2, false]);
  await context.close();
});

test('a page of an origin that is not on the list reads nothing', TIMEOUT, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${api.origin}/`);
  await assert.rejects(askFrom(page, [[`${gateway.origin}/health`, {}]]), /Failed to fetch/);
  await context.close();
});

test('two tabs with both login pages open at once log in one after the other', TIMEOUT, async () => {
  const context = await browser.newContext();
  const tabs = [await context.newPage(), await context.newPage()];
  for (const [tab, page] of tabs.entries()) {
    await page.goto(`${gateway.origin}${LOGIN}?return_to=/tab/${tab}`);
    assert.equal(new URL(page.url()).origin, tenant.origin);
  }
  for (const [tab, page] of [...tabs.entries()].reverse()) {
    const tokens = await submit(page, 'kim@example.com');
    assert.deepEqual([tokens.return_to, claimsOf(tokens.id_token).email], [`/tab/${tab}`, 'kim@example.com']);
  }
  await context.close();
});

test('who presses Deny comes back to a page that says so', TIMEOUT, async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.origin}${LOGIN}`);
  const [answer] = await Promise.all([
    page.waitForResponse((response) => response.url().startsWith(gateway.origin)),
    page.getByRole('button', { name: 'Deny' }).click(),
  ]);
  assert.equal(answer.status(), 403);
  await page.waitForURL((url) => url.origin === gateway.origin);
  assert.equal(await page.locator('code').first().innerText(), 'login_denied');
  await context.close();
});

test('a frame renews a login silently: its page posts to the app, and to no other page', TIMEOUT, async () => {
  const context = await browser.newContext();
  const framedBy = async (origin) => {
    const page = await context.newPage();
    await page.goto(origin);
    return page;
  };
  const page = await framedBy(app.origin);
  const renew = (prompt) =>
    page.evaluate(
      (url) =>
        new Promise((resolve) => {
          window.addEventListener('message', ({ data, origin }) => resolve({ data, origin }), { once: true });
          document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
        }),
      `${framing.origin}/frame/login?prompt=${prompt}`,
    );

  const without = await renew('none');
  assert.equal(without.origin, framing.origin);
  assert.deepEqual([without.data.type, without.data.response.code], ['authorization_response', 'login_required']);

  const login = await context.newPage();
  await login.goto(`${gateway.origin}${LOGIN}`);
  await submit(login, 'leo@example.com');
  const { data } = await renew('none');
  assert.equal(claimsOf(data.response.id_token).email, 'leo@example.com');

  const stranger = await framedBy(api.origin);
  const refused = stranger.waitForEvent('console', (line) => /frame-ancestors/.test(line.text()));
  await stranger.evaluate((url) => {
    document.body.append(Object.assign(document.createElement('iframe'), { src: url }));
  }, `${framing.origin}/frame/login?prompt=none`);
  assert.match((await refused).text(), new RegExp(app.origin));
  await context.close();
});
