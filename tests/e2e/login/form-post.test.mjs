// `"response_mode": "form_post"`: a page of the provider posts the authorization response to the callback, from another site.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { Browser, freePort } from '../support/harness.mjs';
import { CALLBACK, LOGIN, assertPrivateJson, claimsOf, loginConfig } from '../support/login-flow.mjs';
import { AT, oidcAuthorizer, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import { PRIVATE, assertAlive, sessionConfig, sessionOf, startObeyingGateway } from '../support/session-flow.mjs';
import { mode } from '../support/tenant-mode.mjs';

const STATE_INVALID = [400, 'state_invalid'];
const BODY_MAX_BYTES = 17 * 1024;

let realm;
let api;
let gateway;

/** Gives the callbacks of a config another method. */
const withCallbacks = ({ paths, ...config }, method) => ({
  ...config,
  paths: paths.map((path) => (path.path === CALLBACK ? { ...path, method } : path)),
});

const posting = (more) => oidcAuthorizer(realm, { response_mode: 'form_post', ...more });

async function start(t, config, options) {
  const started = await startObeyingGateway(realm, { config, ...options });
  t.after(() => started.close());
  return started;
}

before(async () => {
  [realm, api] = await Promise.all([startRealm(), startApi()]);
  const config = withCallbacks(sessionConfig(realm, api, { authorizer: posting() }), 'ANY');
  gateway = await startObeyingGateway(realm, { config });
});

after(async () => {
  await gateway?.close();
  await Promise.all([realm?.close(), api?.close()]);
});

/** Logs in up to the provider's page that posts its response, and gives the form. */
async function loginUntilForm(of, browser, { action = 'login', email = 'alice@example.com', query = {} } = {}) {
  const form = new URLSearchParams({ username: email, password: 'any', action });
  let { url, response } = await browser.follow(`${of.origin}${LOGIN}?${new URLSearchParams(query)}`);
  let page = await response.text();
  // A strict tenant has a second page, which asks for consent.
  for (let pages = 0; !page.includes(CALLBACK) && pages < 2; pages += 1) {
    ({ url, response } = await browser.follow(url, { method: 'POST', body: form }));
    page = await response.text();
  }
  const [, target] = /<form method="post" action="([^"]+)"/.exec(page) ?? [];
  assert.equal(new URL(target).pathname, CALLBACK, page);
  const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)];
  return new URLSearchParams(fields.map(([, name, value]) => [name, value.replaceAll('&#39;', "'")]));
}

const CROSS_SITE = { origin: 'https://idp.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' };
const post = (of, browser, body, { path = CALLBACK, headers = {} } = {}) =>
  of.askAs(browser, path, { method: 'POST', body, headers: { ...CROSS_SITE, ...headers } });

/**
 * Asserts what a person is told, on a page.
 * @param {any} of
 * @param {any} answer
 * @param {any[]} expected
 */
async function assertRefused(of, answer, [status, code]) {
  assert.equal(answer.status, status, answer.text);
  assert.equal((await of.recordOf(answer)).code, code);
}

test('the request asks for it, and the cookie of the login comes back with a form from another site', async () => {
  for (const [origin, name] of [
    ['https://gw.example', '__Host-bargate-login'],
    ['http://127.0.0.1:8787', 'bargate-login'],
  ]) {
    const answer = await gateway.askAt(`${origin}${LOGIN}?response_mode=query`);
    assert.equal(new URL(answer.headers.get('location')).searchParams.getAll('response_mode').join(), 'form_post');
    const [pair, ...attributes] = answer.headers.getSetCookie()[0].split('; ');
    assert.equal(pair.split('=')[0], name);
    assert.deepEqual(attributes, ['Path=/', 'HttpOnly', 'SameSite=None', 'Max-Age=3600', 'Secure'], origin);
  }
});

test('a posted response begins a session, whose cookie other sites do not send', async () => {
  const browser = new Browser();
  const form = await loginUntilForm(gateway, browser, { query: { return_to: '/inbox' } });
  const answer = await post(gateway, browser, form);
  assert.deepEqual([answer.status, answer.headers.get('location')], [302, '/inbox'], answer.text);
  const session = sessionOf(answer, realm);
  assert.match(session.line, /; SameSite=Lax;/);
  await assertAlive(gateway, session, 'at once');
  await assertRefused(gateway, await post(gateway, browser, form), [400, 'code_invalid']);
});

test('a posted response is exchanged for tokens, with a type that has parameters too', async (t) => {
  const tokens = await start(t, withCallbacks(loginConfig(realm, { authorizer: posting() }), 'POST'));
  const browser = new Browser();
  const form = await loginUntilForm(tokens, browser);
  const headers = { 'content-type': 'application/x-www-form-urlencoded; charset=UTF-8' };
  const answer = await post(tokens, browser, `${form}&user=%7B%22name%22%3A%22Alice%22%7D`, { headers });
  assertPrivateJson(answer, 'the callback');
  assert.equal(claimsOf(answer.body.id_token).iss, realm.issuer);
  const response = await tokens.askAs(browser, `${CALLBACK}?${form}`);
  assert.deepEqual([response.status, response.headers.get('allow')], [405, 'POST'], 'no GET');
});

describe('a response is not taken', () => {
  /** @type {[string, (form: URLSearchParams, browser: any) => Promise<any>, any[]][]} */
  const rows = [
    ['by GET', (form, browser) => gateway.askAs(browser, `${CALLBACK}?${form}`), STATE_INVALID],
    ['from the query', (form, browser) => post(gateway, browser, '', { path: `${CALLBACK}?${form}` }), STATE_INVALID],
    [
      'from the query, beside a form with less',
      (form, browser) =>
        post(gateway, browser, new URLSearchParams({ code: form.get('code') }), { path: `${CALLBACK}?${form}` }),
      STATE_INVALID,
    ],
    [
      'as JSON',
      (form, browser) =>
        post(gateway, browser, JSON.stringify(Object.fromEntries(form)), {
          headers: { 'content-type': 'application/json' },
        }),
      [415, 'unsupported_media_type'],
    ],
    [
      'as text',
      (form, browser) => post(gateway, browser, `${form}`, { headers: { 'content-type': 'text/plain' } }),
      [415, 'unsupported_media_type'],
    ],
    [
      'larger than responses are',
      (form, browser) => post(gateway, browser, new URLSearchParams([...form, ['user', 'u'.repeat(BODY_MAX_BYTES)]])),
      [413, 'body_too_large'],
    ],
    ['in another browser', (form) => post(gateway, new Browser(), form), STATE_INVALID],
    [
      'in a browser with another login (login CSRF)',
      async (form) => {
        const victim = new Browser();
        await victim.fetch(`${gateway.origin}${LOGIN}`);
        return post(gateway, victim, form);
      },
      STATE_INVALID,
    ],
    [
      'of another issuer',
      (form, browser) =>
        post(
          gateway,
          browser,
          new URLSearchParams(
            [...form].map(([name, value]) => [name, name === 'iss' ? 'https://evil.example' : value]),
          ),
        ),
      STATE_INVALID,
    ],
    [
      'without its issuer, which the provider always names',
      (form, browser) => post(gateway, browser, new URLSearchParams([...form].filter(([name]) => name !== 'iss'))),
      STATE_INVALID,
    ],
  ];
  for (const [name, send, expected] of rows) {
    test(`${name}, and is still good where it belongs`, async () => {
      const browser = new Browser();
      const form = await loginUntilForm(gateway, browser);
      realm.resetCounts();
      const answer = await send(form, browser);
      await assertRefused(gateway, answer, expected);
      assert.equal(realm.callsOf(AT.token), 0, 'no code was shown to the provider');
      assert.deepEqual(
        [...answer.headers.getSetCookie()].filter((line) => line.startsWith('bargate=')),
        [],
      );
      assert.equal((await post(gateway, browser, form)).status, 302, 'where it belongs');
    });
  }
});

test('a posted error is told as any other', async () => {
  const browser = new Browser();
  const form = await loginUntilForm(gateway, browser, { action: 'deny' });
  await assertRefused(gateway, await post(gateway, browser, form), [403, 'login_denied']);
});

test('without it a posted response is not taken', async (t) => {
  const plain = await startTokenGateway(realm);
  t.after(() => plain.close());
  const browser = new Browser();
  const form = await loginUntilForm(gateway, browser);
  const refused = await post(plain, browser, form);
  assert.deepEqual([refused.status, refused.headers.get('allow')], [405, 'GET, HEAD'], refused.text);
  const any = await start(t, withCallbacks(sessionConfig(realm, api, { authorizer: oidcAuthorizer(realm) }), 'ANY'));
  await assertRefused(any, await post(any, browser, form), STATE_INVALID);
});

test('in a browser the form of another site brings the cookie of the login, and begins a session', async (t) => {
  const port = await freePort();
  // To a browser `localhost` and 127.0.0.1, where the provider is, are two sites.
  const origin = `http://localhost:${port}`;
  const redirectUri = origin + CALLBACK;
  const elsewhere = await startRealm({ client: { redirect_uris: [redirectUri] } });
  t.after(() => elsewhere.close());
  const authorizer = oidcAuthorizer(elsewhere, { response_mode: 'form_post', redirect_uri: redirectUri });
  const config = withCallbacks(sessionConfig(elsewhere, api, { authorizer }), 'POST');
  const there = await startObeyingGateway(elsewhere, { config, port });
  t.after(() => there.close());
  const browser = await launchChromium();
  t.after(() => browser.close());
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${origin}${LOGIN}?return_to=${PRIVATE}`);
  assert.equal(new URL(page.url()).origin, elsewhere.origin, 'at the provider');
  await page.getByLabel('E-mail address').fill('alice@example.com');
  await page.getByLabel('Password').fill('any');
  await page.getByRole('button', { name: 'Log in' }).click();
  if (mode.isStrict) await page.getByRole('button', { name: 'Allow' }).click();
  await page.waitForURL((url) => url.origin === origin);
  assert.deepEqual(
    [new URL(page.url()).pathname, JSON.parse(await page.locator('body').innerText())],
    [PRIVATE, { ok: true }],
  );
  const cookies = await context.cookies(origin);
  assert.deepEqual(cookies.map(({ name, sameSite, secure }) => [name, sameSite, secure]).sort(), [
    ['bargate', 'Lax', false],
    ['bargate-login', 'None', true],
  ]);
});
