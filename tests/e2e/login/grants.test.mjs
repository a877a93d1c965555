// Codes and refresh tokens that clients bring: what nobody can have is not exchanged, made-up ones cost the provider little, and a
// code, a state and an answer of the provider's count once and from the provider alone.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { Browser } from '../support/harness.mjs';
import {
  CALLBACK,
  LOGIN,
  REFRESH,
  assertPrivateJson,
  assertProblem,
  fixedParameters,
  logIn,
  loginConfig,
  loginUntilCallback,
  readAnswer,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import {
  TOKEN_ENDPOINT,
  askWith,
  beginSession,
  startObeyingGateway,
  startSessionGateway,
} from '../support/session-flow.mjs';

const REFRESH_TOKEN_INVALID = [401, 'refresh_token_invalid'];
const RATE_LIMITED = [429, 'rate_limited', '3'];
const CODE_INVALID = [400, 'code_invalid'];
const STATE_INVALID = [400, 'state_invalid'];
/** REFUSED_MAX of attempts.rs. */
const REFUSED_MAX = 20;

let tenant;
let api;
let tokens;
let sessions;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  [tokens, sessions] = await Promise.all([
    startObeyingGateway(tenant, { isolates: 2 }),
    startSessionGateway(tenant, api),
  ]);
});

after(async () => {
  await Promise.all([tokens, sessions].map((each) => each?.close()));
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => tenant.resetCounts());

const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
const json = (refreshToken) => ({
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ refresh_token: refreshToken }),
});
const form = (refreshToken) => ({ method: 'POST', body: new URLSearchParams({ refresh_token: refreshToken }) });
const header = (refreshToken, more = {}) => ({ headers: { 'x-refresh-token': refreshToken, ...more } });

describe('where logins end in sessions alone', () => {
  test('no refresh token of a client is exchanged, wherever it comes from, and the provider is not asked', async () => {
    const { refresh_token: genuine, access_token: accessToken } = await logIn(tokens, new Browser());
    tenant.resetCounts();
    /** @type {any[][]} */
    const table = [
      [header(genuine), 'in the header'],
      [json(genuine), 'as JSON'],
      [form(genuine), 'in a form'],
      [header(genuine, { authorization: `Bearer ${accessToken}` }), 'beside a token that holds'],
      [header('made-up'), 'made up'],
    ];
    for (const [init, message] of table) {
      const answer = await sessions.ask(REFRESH, init);
      assertProblem(answer, REFRESH_TOKEN_INVALID, message);
      assert.match((await sessions.recordOf(answer)).reason, /logins end in sessions/, message);
    }
    assert.deepEqual(tenant.counts, {});
    assert.equal(tenant.family(genuine).rotations, 0, 'it is still good');
  });

  test('the refresh path still renews sessions, and a body that names no token is none', async () => {
    const { cookie } = await beginSession(sessions, tenant);
    assertPrivateJson(await askWith(sessions, cookie, REFRESH), 'a session');
    assertProblem(await sessions.ask(REFRESH, json('')), [400, 'missing_refresh_token'], 'an empty token');
  });
});

test('a refresh token is exchanged where one of several callbacks hands tokens out', async () => {
  const gateway = await startSessionGateway(tenant, api, {
    paths: [{ method: 'GET', path: '/other/callback', integration: { type: 'auth0_callback', response: 'json' } }],
  });
  try {
    const { refresh_token: genuine } = await logIn(tokens, new Browser());
    assertPrivateJson(await gateway.ask(REFRESH, header(genuine)), 'mixed');
  } finally {
    await gateway.close();
  }
});

describe('refresh tokens that somebody made up', () => {
  const from = (address, token) => tokens.ask(REFRESH, header(token, { 'cf-connecting-ip': address }));
  const objectOf = (token) => createHash('sha256').update(token).digest('base64url');

  test('cost the provider few calls from one address, one after the other, and nothing is kept of them', async () => {
    const made = Array.from({ length: 50 }, (_, index) => `made-up-${index}`);
    const refused = [];
    for (const token of made) {
      const answer = await from('192.0.2.1', token);
      if (answer.status === 401) refused.push(token);
      assertProblem(answer, answer.status === 401 ? REFRESH_TOKEN_INVALID : RATE_LIMITED, token);
    }
    assert.ok(refused.length < made.length, 'some are not shown to the provider');
    assert.equal(exchanges(), refused.length, 'each call told a client that its token is none');
    for (const token of refused) assert.equal(await tokens.held('REFRESH_EXCHANGES', objectOf(token)), 0, token);
    const { refresh_token: genuine } = await logIn(tokens, new Browser());
    assertPrivateJson(await from('192.0.2.2', genuine), 'and another address is not hindered');
  });

  test('cost no more at once', async () => {
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const sent = Array.from({ length: 50 }, (_, index) => from('192.0.2.3', `at-once-${index}`));
    await hold.arrived(REFUSED_MAX);
    await tokens.drained();
    assert.equal(hold.waiting, REFUSED_MAX);
    hold.release();
    const answers = await Promise.all(sent);
    assert.equal(answers.filter(({ status }) => status === 429).length, 50 - REFUSED_MAX);
    assert.equal(exchanges(), REFUSED_MAX);
  });

  test('are counted by the network in IPv6, and never hinder who has good ones', async () => {
    let { refresh_token: genuine } = await logIn(tokens, new Browser());
    for (let index = 0; index < 2 * REFUSED_MAX; index += 1) {
      const answer = await from('2001:db8::1', genuine);
      assertPrivateJson(answer, `refresh ${index}`);
      genuine = answer.body.refresh_token;
    }
    const answers = [];
    for (let index = 0; index < 50; index += 1)
      answers.push(await from(`2001:db8::${index.toString(16)}`, `of-a-network-${index}`));
    assert.ok(
      answers.some(({ status }) => status === 429),
      'one network is one client',
    );
  });

  test('that no provider could have issued are not shown to it', async () => {
    for (const token of ['\u0007bell', 'line\nbreak', 'é', '\u007f']) {
      assertProblem(await tokens.ask(REFRESH, json(token)), REFRESH_TOKEN_INVALID, JSON.stringify(token));
    }
    assert.deepEqual(tenant.counts, {});
  });
});

describe('a code and the state beside it', () => {
  /** Comes back to the isolate at `origin` with the cookie of a browser. */
  const comeBack = async (browser, callback, origin = tokens.origin) => {
    const cookie = [...browser.cookies(tokens.origin)].map(([name, value]) => `${name}=${value}`).join('; ');
    return readAnswer(
      await fetch(new URL(callback.pathname + callback.search, origin), { redirect: 'manual', headers: { cookie } }),
    );
  };

  /** Logs in twice by one address of the provider's, so that one state comes back with two codes. */
  async function twoCodesForOneState(browser) {
    const start = await tokens.askAs(browser, LOGIN);
    const codes = [];
    for (let turn = 0; turn < 2; turn += 1) {
      codes.push(new URL(await browser.logInUntilCallback(start.headers.get('location'))));
    }
    assert.equal(codes[0].searchParams.get('state'), codes[1].searchParams.get('state'));
    assert.notEqual(codes[0].searchParams.get('code'), codes[1].searchParams.get('code'));
    return codes.map(({ search }) => new URL(CALLBACK + search, tokens.origin));
  }

  test('are used once in an isolate, and the provider is not asked again', async () => {
    const browser = new Browser();
    const [first, second] = await twoCodesForOneState(browser);
    const other = await loginUntilCallback(tokens, browser);
    assertPrivateJson(await comeBack(browser, first), 'the first time');
    tenant.resetCounts();
    assertProblem(await comeBack(browser, first), CODE_INVALID, 'both again');
    assertProblem(await comeBack(browser, second), CODE_INVALID, 'the state again, with another code');
    other.searchParams.set('code', first.searchParams.get('code'));
    assertProblem(await comeBack(browser, other), CODE_INVALID, 'the code again, with another state');
    assert.deepEqual(tenant.counts, {});
  });

  test('are used once of two at once', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(tokens, browser);
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const first = comeBack(browser, callback);
    await hold.arrived();
    assertProblem(await comeBack(browser, callback), CODE_INVALID, 'while the first is with the provider');
    hold.release();
    assertPrivateJson(await first, 'the first');
    assert.equal(exchanges(), 1);
  });

  test('may be longer than anybody would expect of a code', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(tokens, browser);
    callback.searchParams.set('code', 'c'.repeat(6_000));
    tenant.resetCounts();
    assertProblem(await comeBack(browser, callback), CODE_INVALID, 'a code that the provider does not know');
    assert.equal(exchanges(), 1, 'the provider is asked');
  });

  test('are used once, whichever isolate is asked', async () => {
    const browser = new Browser();
    const [first, second] = await twoCodesForOneState(browser);
    assertPrivateJson(await comeBack(browser, first), 'the first time');
    const again = await comeBack(browser, second, tokens.origins[1]);
    assertProblem(again, CODE_INVALID, 'the state again, with another code, at another isolate');
    assert.match((await tokens.recordOf(again)).reason, /was used before$/);
  });

  test('are good where the object cannot be reached for no longer than that', async () => {
    const browser = new Browser();
    await tokens.keepAway('LogoutIndex');
    assertProblem(
      await comeBack(browser, await loginUntilCallback(tokens, browser)),
      [503, 'store_unavailable', '5'],
      'away',
    );
    await tokens.keepAway(null);
    assertPrivateJson(await comeBack(browser, await loginUntilCallback(tokens, browser)), 'back');
  });

  test('are used once without any object, and so is a code of a login that began elsewhere', async () => {
    const { paths, ...config } = loginConfig(tenant);
    const callbacks = paths.filter(({ path }) => path === CALLBACK);
    const [lone, callbackOnly] = await Promise.all([
      startLoginGateway(tenant, { objects: [] }),
      startLoginGateway(tenant, { objects: [], config: { ...config, paths: callbacks } }),
    ]);
    try {
      const browser = new Browser();
      const callback = await loginUntilCallback(lone, browser);
      assertPrivateJson(await lone.askAs(browser, callback), 'the first time');
      tenant.resetCounts();
      assertProblem(await lone.askAs(browser, callback), CODE_INVALID, 'again');
      assert.deepEqual(tenant.counts, {});

      const authorize = new URL('/authorize', tenant.origin);
      const { code_challenge_method: ofPkce, ...withoutPkce } = fixedParameters(tenant);
      authorize.search = String(new URLSearchParams({ ...withoutPkce, state: 'of-a-page' }));
      tenant.settings.requirePkce = false;
      const { search } = new URL(await browser.logInUntilCallback(authorize.href));
      assertPrivateJson(await callbackOnly.ask(CALLBACK + search), 'a code of a page');
      tenant.resetCounts();
      assertProblem(await callbackOnly.ask(CALLBACK + search), CODE_INVALID, 'again');
      assert.deepEqual(tenant.counts, {});
    } finally {
      tenant.settings.requirePkce = true;
      await Promise.all([lone.close(), callbackOnly.close()]);
    }
  });
});

describe('the iss with which a browser comes back (RFC 9207)', () => {
  let realm;
  let announced;
  let several;

  before(async () => {
    realm = await startRealm();
    announced = await startTokenGateway(realm);
    const { authorizer, ...config } = loginConfig(tenant);
    const another = {
      type: 'auth0',
      domain: 'another.example',
      client_id: 'c',
      audience: 'https://api.another.example/',
    };
    several = await startLoginGateway(tenant, { config: { ...config, authorizers: { first: authorizer, another } } });
  });

  after(async () => {
    await Promise.all([announced, several].map((each) => each?.close()));
    await realm?.close();
  });

  /** Comes back with another `iss`, or with none. */
  async function comeBackWith(gateway, iss) {
    const browser = new Browser();
    const callback = await loginUntilCallback(gateway, browser);
    assert.ok(callback.searchParams.has('iss'), 'the provider sends one');
    if (iss === undefined) callback.searchParams.delete('iss');
    else if (iss !== 'own') callback.searchParams.set('iss', iss);
    return gateway.askAs(browser, callback);
  }

  test("is the provider's, or the code is not shown to it", async () => {
    const evil = 'https://evil.example/';
    const table = [
      [announced, 'own', true, 'that of a provider that announces it'],
      [announced, undefined, false, 'none, where it is announced'],
      [announced, evil, false, 'another, where it is announced'],
      [tokens, 'own', true, 'that of a provider that announces nothing'],
      [tokens, undefined, true, 'none, where nothing is announced'],
      [tokens, evil, false, 'another, where nothing is announced'],
      [tokens, '', false, 'an empty one'],
      [several, 'own', true, 'that of one of several providers'],
      [several, undefined, false, 'none, where there are several providers'],
      [several, evil, false, 'another, where there are several providers'],
    ];
    for (const [gateway, iss, taken, message] of table) {
      const answer = await comeBackWith(gateway, iss);
      if (taken) {
        assertPrivateJson(answer, message);
      } else {
        assertProblem(answer, STATE_INVALID, message);
        assert.match((await gateway.recordOf(answer)).reason, /^iss /, message);
      }
    }
  });
});
