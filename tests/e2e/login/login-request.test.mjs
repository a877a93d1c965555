// What a login path makes of a request: where it may return to, what is passed to the provider, and the cookie.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from '../support/harness.mjs';
import {
  CALLBACK,
  CLIENT_SECRET,
  LOGIN,
  assertPrivateJson,
  assertProblem,
  fixedParameters,
  logIn,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';

const HTTPS = 'https://gw.example';

let tenant;
let gateway;

before(async () => {
  tenant = await startTenant();
  gateway = await startLoginGateway(tenant);
});

after(async () => {
  await gateway?.close();
  await tenant?.close();
});

const loginAt = (origin, query) => gateway.askAt(`${origin}${LOGIN}?${new URLSearchParams(query)}`);

test('return_to may lead to the own origin and to those on the list, and comes back with the tokens', async () => {
  const table = [
    ['/', '/', 'the root'],
    ['/inbox?folder=a%20b&x=%2F#top', '/inbox?folder=a%20b&x=%2F#top', 'a path with query and fragment'],
    ['/a/../b', '/b', 'a path with dot segments, normalised'],
    [`${gateway.origin}/home`, '/home', 'the own origin in full'],
    ['https://app.example', 'https://app.example/', 'an origin on the list'],
    ['https://app.example/a?b#c', 'https://app.example/a?b#c', 'an address at an origin on the list'],
    ['https://APP.example:443/a', 'https://app.example/a', 'the same, written in another way'],
    [`/${'a'.repeat(4095)}`, `/${'a'.repeat(4095)}`, 'the longest path'],
    [`https://app.example/${'a'.repeat(4095)}`, `https://app.example/${'a'.repeat(4095)}`, 'the longest elsewhere'],
  ];
  const browser = new Browser();
  for (const [written, expected, message] of table) {
    const tokens = await logIn(gateway, browser, { query: { return_to: written } });
    assert.equal(tokens.return_to, expected, message);
    assert.ok(tokens.access_token, `${message}: beside the tokens`);
  }
});

test('return_to leads to no other site, however it is written', async () => {
  const refused = [
    'https://evil.example/',
    'http://app.example/',
    'https://app.example:8443/',
    'https://app.example.evil.example/',
    'https://evil.example/https://app.example/',
    'https://app.example@evil.example/',
    'https://user:password@app.example/',
    'https://evil.example\\@app.example/',
    'http://gw.example/',
    'https://gw.example:8443/',
    '//evil.example',
    '///evil.example',
    '/\\evil.example',
    '\\\\evil.example',
    '\\/evil.example',
    '/a\\b',
    '/\t/evil.example',
    '\t//evil.example',
    '/\n/evil.example',
    '/\r/evil.example',
    'java\tscript:alert(1)',
    '/\0',
    '/.//evil.example',
    '/..//evil.example',
    '/a/..//evil.example',
    '/%2e//evil.example',
    'https:evil.example',
    'https:/evil.example',
    'https:\\\\evil.example',
    'javascript:alert(1)',
    'JavaScript:alert(1)//https://gw.example/',
    'data:text/html,<script>',
    'blob:https://gw.example/x',
    'vbscript:x',
    'file:///etc/passwd',
    'app.example',
    'home',
    '?x',
    '#x',
    '',
    ' ',
    ' /home',
    '/home ',
    '/\u0085',
    `/${'a'.repeat(4096)}`,
    `https://app.example/${'a'.repeat(4096)}`,
    `/${'\u00e9'.repeat(700)}`,
  ];
  for (const returnTo of refused) {
    const message = JSON.stringify(returnTo);
    const answer = await loginAt(HTTPS, { return_to: returnTo });
    assertProblem(answer, [400, 'return_to_rejected'], message);
    assert.deepEqual(
      [answer.headers.get('location'), answer.headers.getSetCookie()],
      [null, []],
      `${message}: and nothing begins`,
    );
  }
  const { status } = await loginAt(HTTPS, { return_to: `${HTTPS}/home` });
  assert.equal(status, 302, 'while the own origin passes');
});

test('what a client may choose goes to the provider as it came, and what it may not stays ours', async () => {
  const passed = {
    prompt: 'login',
    login_hint: 'dora+x@example.com',
    screen_hint: 'signup',
    connection: 'google-oauth2',
    organization: 'org_1',
    invitation: 'inv_1',
    ui_locales: 'de en',
    max_age: '60',
  };
  const ours = {
    response_type: 'token',
    response_mode: 'form_post',
    client_id: 'evil',
    redirect_uri: 'https://evil.example/',
    scope: 'openid admin',
    audience: 'https://evil.example/',
    state: 'evil',
    nonce: 'evil',
    code_challenge: 'evil',
    code_challenge_method: 'plain',
    request: 'evil',
    request_uri: 'https://evil.example/',
    resource: 'https://evil.example/',
    claims: '{}',
    id_token_hint: 'evil',
    registration: 'evil',
    client_secret: 'evil',
    acr_values: 'evil',
    return_to: '/home',
  };
  const answer = await loginAt(HTTPS, { ...ours, ...passed });
  const location = new URL(answer.headers.get('location'));
  const given = [...location.searchParams];
  const names = given.map(([name]) => name);
  assert.equal(new Set(names).size, names.length, 'no parameter is there twice (RFC 6749 section 3.1)');
  const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(given);
  assert.deepEqual(rest, { ...passed, ...fixedParameters(tenant) });
  assert.ok(![state, nonce, challenge].includes('evil'));
  assert.equal(location.origin, tenant.origin);
});

test('what the config says of every login goes to the provider, and no client changes it', async () => {
  const authorizer = { login_parameters: { prompt: 'login', kc_idp_hint: '$env.IDP', ui_locales: '' } };
  const bindings = { CLIENT_SECRET, IDP: 'a & b=c' };
  const strict = await startLoginGateway(tenant, { authorizer, bindings });
  try {
    const query = { prompt: 'none', kc_idp_hint: 'evil', ui_locales: 'de', max_age: '60' };
    const answer = await strict.ask(`${LOGIN}?${new URLSearchParams(query)}`);
    const given = [...new URL(answer.headers.get('location')).searchParams];
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(given);
    const fixed = { prompt: 'login', kc_idp_hint: 'a & b=c', ui_locales: '' };
    assert.deepEqual(rest, { ...fixedParameters(tenant), ...fixed, max_age: '60' });
    assert.equal(given.length, Object.keys(rest).length + 3, 'none is there twice');
    assert.ok((await logIn(strict, new Browser(), { query })).access_token, 'the login goes through');
  } finally {
    await strict.close();
  }
});

test('which parameters a client may choose is for the config to say', async (t) => {
  const longest = 'h'.repeat(2048);
  const query = [
    ['prompt', 'none'],
    ['login_hint', longest],
    ['login_hint', 'second'],
    ['kc_idp_hint', `${longest}h`],
    ['ui_locales', 'de'],
    ['Prompt', 'none'],
  ];
  for (const [allowed, expected] of /** @type {[string[], Record<string, string>][]} */ ([
    [['login_hint', 'kc_idp_hint', '$env.NAME'], { login_hint: longest, ui_locales: 'de' }],
    [[], {}],
  ])) {
    const authorizer = { client_login_parameters: allowed };
    const own = await startLoginGateway(tenant, { authorizer, bindings: { CLIENT_SECRET, NAME: 'ui_locales' } });
    t.after(() => own.close());
    const answer = await own.ask(`${LOGIN}?${new URLSearchParams(query)}`);
    const given = [...new URL(answer.headers.get('location')).searchParams];
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(given);
    assert.deepEqual(rest, { ...fixedParameters(tenant), ...expected });
    assert.equal(given.length, Object.keys(rest).length + 3, 'none is there twice');
  }
});

test('every login has a state, a nonce and a challenge of its own', async () => {
  const logins = [];
  for (let login = 0; login < 5; login += 1)
    logins.push(new URL((await loginAt(HTTPS)).headers.get('location')).searchParams);
  for (const name of ['state', 'nonce', 'code_challenge']) {
    assert.equal(new Set(logins.map((query) => query.get(name))).size, logins.length, name);
  }
});

test('the binding cookie is host-only and hidden from scripts, and under https bound to https', async () => {
  const cookieOf = async (origin, cookie) => {
    const answer = await gateway.askAt(origin + LOGIN, { headers: cookie ? { cookie } : {} });
    const [line, ...more] = answer.headers.getSetCookie();
    assert.deepEqual([answer.status, more], [302, []]);
    const [pair, ...attributes] = line.split('; ');
    return { name: pair.split('=')[0], value: pair.split('=')[1], attributes: attributes.sort() };
  };
  const plain = ['HttpOnly', 'Max-Age=3600', 'Path=/', 'SameSite=Lax'];
  /** @type {any[][]} */
  const table = [
    ['http://127.0.0.1:8787', 'bargate-login', plain, 'loopback'],
    ['http://localhost:8787', 'bargate-login', plain, 'localhost'],
    ['http://[::1]:8787', 'bargate-login', plain, 'loopback by IPv6'],
    ['https://gw.example', '__Host-bargate-login', [...plain, 'Secure'], 'https'],
    ['https://127.0.0.1', '__Host-bargate-login', [...plain, 'Secure'], 'https on loopback'],
    ['http://gw.example', '__Host-bargate-login', [...plain, 'Secure'], 'plain http elsewhere, where browsers drop it'],
    ['http://127.0.0.1.evil.example', '__Host-bargate-login', [...plain, 'Secure'], 'a name that begins like loopback'],
  ];
  for (const [origin, name, attributes, message] of table) {
    const cookie = await cookieOf(origin);
    assert.deepEqual([cookie.name, cookie.attributes], [name, attributes], message);
    assert.match(cookie.value, /^[\w-]{22}$/, `${message}: 16 random bytes`);
    const again = await cookieOf(origin, `other=1; ${name}=${cookie.value}`);
    assert.equal(again.value, cookie.value, `${message}: the browser's own is kept`);
    for (const planted of ['short', 'x'.repeat(23), `${'x'.repeat(21)}%`, `${cookie.value}; ${name}=${cookie.value}`]) {
      assert.notEqual(
        (await cookieOf(origin, `${name}=${planted}`)).value,
        planted,
        `${message}: ${planted} is not taken`,
      );
    }
  }
  const values = new Set();
  for (let browser = 0; browser < 5; browser += 1) values.add((await cookieOf(HTTPS)).value);
  assert.equal(values.size, 5, 'each browser has its own');
});

test('under https the login comes back under https with the prefixed cookie, and with no other', async () => {
  const start = await gateway.askAt(HTTPS + LOGIN);
  const [, value] = /^__Host-bargate-login=([^;]+)/.exec(start.headers.getSetCookie()[0]);
  const callback = CALLBACK + new URL(await new Browser().logInUntilCallback(start.headers.get('location'))).search;
  const planted = await gateway.askAt(HTTPS + callback, { headers: { cookie: `bargate-login=${value}` } });
  assertProblem(planted, [400, 'state_invalid'], 'the name that any subdomain could set');
  assertPrivateJson(
    await gateway.askAt(HTTPS + callback, { headers: { cookie: `__Host-bargate-login=${value}` } }),
    'https',
  );
});
