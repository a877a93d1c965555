// Step-up (RFC 9470): paths that require a strong or a recent authentication, of sessions and of bearer tokens; the way to a login that
// asks for it, and back; and providers that do not do what they were asked for.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { SECOND_FACTOR } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser, until } from '../support/harness.mjs';
import {
  LOGIN,
  REDIRECT_URI,
  assertNeverShown,
  assertProblem,
  claimsOf,
  fixedParameters,
  logIn,
  loginUntilCallback,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { ENDPOINTS, recording, startRealm, startSessionGateway as startOidcGateway } from '../support/oidc-flow.mjs';
import {
  PRIVATE,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  beginSession,
  renewed,
  sessionOf,
  startSessionGateway,
} from '../support/session-flow.mjs';
import { mode } from '../support/tenant-mode.mjs';

const [PAY, STRONG, RECENT, SCOPED] = ['/pay', '/strong', '/recent', '/scoped'];
const [MAX_AGE_SECS, SKEW_SECS] = [300, 30];
const SCOPE = 'write:everything';

const TOO_WEAK = [401, 'insufficient_user_authentication'];
const UNMET_CODE = 'unmet_authentication_requirements';
const UNMET = [403, UNMET_CODE];

/** What a browser sends with a link, and Node's `fetch` leaves as it is. */
const NAVIGATION = { headers: { 'sec-fetch-dest': 'document' } };

const paths = [
  { path: PAY, auth: { acr_values: [SECOND_FACTOR], max_age_seconds: MAX_AGE_SECS } },
  { path: STRONG, auth: { acr_values: ['urn:example:key', SECOND_FACTOR] } },
  { path: RECENT, auth: { max_age_seconds: MAX_AGE_SECS } },
  { path: SCOPED, auth: { scopes: [SCOPE], acr_values: [SECOND_FACTOR] } },
].map((path) => ({ method: 'ANY', response: { ok: true }, ...path }));

let tenant;
let api;
let gateway;
let bearers;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  gateway = await startSessionGateway(tenant, api, { paths });
  bearers = await startLoginGateway(tenant, { paths });
});

after(async () => {
  await Promise.all([gateway?.close(), bearers?.close()]);
  await Promise.all([tenant, api].map((each) => each?.close()));
});

beforeEach(() => tenant.resetCounts());
afterEach(() => tenant.clearFaults());

/** The challenge of a path that requires what is missing (RFC 9470 section 3). */
const challenge = (required, scope = '') =>
  'Bearer error="insufficient_user_authentication", ' +
  `error_description="the login is not strong or recent enough for this path"${scope}${required}`;

const CHALLENGES = {
  [PAY]: challenge(`, acr_values="${SECOND_FACTOR}", max_age="300"`),
  [STRONG]: challenge(`, acr_values="urn:example:key ${SECOND_FACTOR}"`),
  [RECENT]: challenge(', max_age="300"'),
};

function assertTooWeak(answer, path, message) {
  assertProblem(answer, TOO_WEAK, message ?? path);
  assert.equal(answer.headers.get('www-authenticate'), CHALLENGES[path], message ?? path);
}

/** Follows a link to a path, which must lead to the login, and returns the address of that. */
async function ledToLogin(of, browser, path) {
  const sent = await of.askAs(browser, path, NAVIGATION);
  assert.equal(sent.status, 302, sent.text);
  const login = new URL(sent.headers.get('location'), of.origin);
  assert.equal(login.pathname, LOGIN);
  return login;
}

/**
 * Follows a link to a path that requires more than the browser has, logs in as the provider asks, and returns the callback's answer.
 * @param {any} of
 * @param {any} browser
 * @param {string} path
 * @param {Record<string, any>} [how]
 */
async function stepUp(of, browser, path, how) {
  const { searchParams: query } = await ledToLogin(of, browser, path);
  return of.askAs(browser, await loginUntilCallback(of, browser, { query, ...how }), NAVIGATION);
}

/** The parameters of the last authorization request. */
const lastRequest = () => {
  const request = tenant.requests.findLast(({ path }) => path === '/authorize');
  return Object.fromEntries(new URL(request.url, tenant.origin).searchParams);
};

/** Lets the next answer of the token endpoint have an ID token with these claims. */
function sayInIdToken(of, said, path = TOKEN_ENDPOINT) {
  of.fault({
    path,
    times: 1,
    async edit({ status, headers, body }) {
      const answer = JSON.parse(body);
      const none = { scope: undefined, permissions: undefined };
      const idToken = await of.mint({ ...none, ...claimsOf(answer.id_token), ...said });
      return { status, headers, body: { ...answer, id_token: idToken } };
    },
  });
}

const nowSecs = () => Math.floor(Date.now() / 1000);

describe('a session', () => {
  test('whose login was not asked for anything is told what each path requires', async () => {
    const { cookie } = await beginSession(gateway, tenant);
    for (const path of [PAY, STRONG, RECENT]) {
      for (const method of ['GET', 'POST']) {
        const headers = { 'sec-fetch-site': 'same-origin' };
        assertTooWeak(await askWith(gateway, cookie, path, { method, headers }), path, `${method} ${path}`);
      }
    }
    assert.equal((await askWith(gateway, cookie)).status, 200, 'elsewhere it is as good as before');
    const answer = await askWith(gateway, cookie, SCOPED);
    assertProblem(answer, [403, 'insufficient_scope'], 'what no login would change is said first');
  });

  test('that is led to the login comes back to where it was, and passes', async () => {
    const browser = new Browser();
    const before = await beginSession(gateway, tenant, { browser });
    const link = `${PAY}?to=bob&amount=1`;
    const login = await ledToLogin(gateway, browser, link);
    const asked = { acr_values: SECOND_FACTOR, max_age: '300' };
    assert.deepEqual(Object.fromEntries(login.searchParams), { return_to: link, ...asked });
    const answer = await stepUp(gateway, browser, link, { code: '123456' });
    const { state, nonce, code_challenge: _, ...request } = lastRequest();
    assert.deepEqual(request, { ...fixedParameters(tenant), ...asked });
    const session = sessionOf(answer, tenant);
    assert.equal(answer.headers.get('location'), link);
    for (const path of [PAY, STRONG, RECENT]) {
      assert.equal((await gateway.askAs(browser, path, NAVIGATION)).status, 200, path);
    }
    assertProblem(await askWith(gateway, before.cookie), SESSION_EXPIRED, 'the session before has ended');
    await assertAlive(gateway, session, 'the one that took its place');
    await assertNeverShown(gateway, { state, nonce }, { inAnswers: false });
  });

  test('is asked for another login when its own is too old, and for a strong one not again', async () => {
    const browser = new Browser();
    sessionOf(await stepUp(gateway, browser, PAY, { code: '123456' }), tenant);
    await later(MAX_AGE_SECS + SKEW_SECS);
    assert.equal((await gateway.askAs(browser, RECENT)).status, 200, 'as old as may be');
    await later(1);
    for (const path of [PAY, RECENT]) assertTooWeak(await gateway.askAs(browser, path), path);
    assert.equal((await gateway.askAs(browser, STRONG)).status, 200, 'no less strong');
    sessionOf(await stepUp(gateway, browser, RECENT), tenant);
    assert.equal((await gateway.askAs(browser, RECENT)).status, 200, 'after the login');
  });

  test('of someone who is not logged in begins with the login that the path requires', async () => {
    const browser = new Browser();
    const answer = await stepUp(gateway, browser, PAY, { code: '123456' });
    assert.equal(answer.headers.get('location'), PAY);
    assert.equal((await gateway.askAs(browser, PAY)).status, 200);
    assert.equal(tenant.counts['/authorize'], 1, 'one login');
  });

  test('goes by its login, whatever ID tokens come with renewals', async () => {
    const browser = new Browser();
    const session = sessionOf(await stepUp(gateway, browser, PAY, { code: '123456' }), tenant);
    sayInIdToken(tenant, { acr: undefined, auth_time: nowSecs() + 541 });
    await renewed(gateway, api, session);
    assertTooWeak(await gateway.askAs(browser, RECENT), RECENT, 'no renewal authenticates anyone');
    assert.equal((await gateway.askAs(browser, STRONG)).status, 200, 'nor makes a login weaker');
  });

  test('of another user who comes back is theirs', async () => {
    const browser = new Browser();
    const alice = await beginSession(gateway, tenant, { browser });
    // At the provider, nobody is logged in any longer.
    browser.cookies(tenant.origin).clear();
    const bob = sessionOf(await stepUp(gateway, browser, PAY, { email: 'bob@example.com', code: '123456' }), tenant);
    assert.notEqual(bob.sub, alice.sub);
    assert.equal((await gateway.askAs(browser, PAY)).status, 200);
    assertProblem(await askWith(gateway, alice.cookie), SESSION_EXPIRED, 'the session before has ended');
    await until(() => alice.family().revoked);
  });

  test('that a page renews by the challenge passes as well', async () => {
    const browser = new Browser();
    await beginSession(gateway, tenant, { browser });
    const refused = await gateway.askAs(browser, PAY);
    assertTooWeak(refused, PAY);
    const said = refused.headers.get('www-authenticate').matchAll(/(acr_values|max_age)="([^"]*)"/g);
    const query = { return_to: '/checkout', ...Object.fromEntries([...said].map(([, name, value]) => [name, value])) };
    const callback = await loginUntilCallback(gateway, browser, { query, code: '123456' });
    const answer = await gateway.askAs(browser, callback);
    assert.equal(answer.headers.get('location'), '/checkout', answer.text);
    assert.equal((await gateway.askAs(browser, PAY)).status, 200);
  });
});

describe('a provider that ignores what it was asked for', () => {
  test('is not believed, and no browser goes round in circles', async () => {
    const browser = new Browser();
    const before = await beginSession(gateway, tenant, { browser });
    for (const round of [1, 2]) {
      const answer = await stepUp(gateway, browser, PAY);
      assert.equal(answer.status, UNMET[0], answer.text);
      assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8', 'a page for people');
      assert.match(answer.text, /<code>unmet_authentication_requirements<\/code>/);
      const again = new URLSearchParams({ return_to: PAY, acr_values: SECOND_FACTOR, max_age: '300' });
      assert.ok(answer.text.includes(`href="${LOGIN}?${`${again}`.replaceAll('&', '&amp;')}"`), answer.text);
      assert.equal(tenant.counts['/authorize'], round + 1, 'each link leads to the provider once');
      await until(() => tenant.families().at(-1).revoked);
    }
    await assertAlive(gateway, before, 'the session that it had');
    assert.equal((await gateway.askAs(browser, PAY)).status, 401);
  });

  test('is known by its ID token', async () => {
    const now = nowSecs();
    /** @type {[Record<string, any>, string][]} */
    const rows = [
      [{ acr: undefined }, 'no acr'],
      [{ acr: '1' }, 'another acr'],
      [{ acr: `${SECOND_FACTOR} 1` }, 'two in one text'],
      [{ acr: [SECOND_FACTOR] }, 'a list'],
      [{ acr: 2 }, 'a number'],
      [{ acr: `${SECOND_FACTOR}\n` }, 'a line break'],
      [{ acr: SECOND_FACTOR.repeat(100) }, 'a huge one'],
      [{ auth_time: undefined }, 'no auth_time'],
      [{ auth_time: now - MAX_AGE_SECS - SKEW_SECS - 1 }, 'too long ago'],
      [{ auth_time: now + SKEW_SECS + 1 }, 'in the future'],
      [{ auth_time: -now }, 'before 1970'],
      [{ auth_time: `${now}` }, 'a text'],
      [{ auth_time: [now] }, 'a list'],
      [{ auth_time: 1e300 }, 'beyond every date'],
    ];
    for (const [said, message] of rows) {
      const browser = new Browser();
      const { searchParams: query } = await ledToLogin(gateway, browser, PAY);
      const callback = await loginUntilCallback(gateway, browser, { query, code: '123456' });
      sayInIdToken(tenant, said);
      const answer = await gateway.askAs(browser, callback);
      assertProblem(answer, UNMET, message);
      assert.deepEqual(answer.headers.getSetCookie(), [], message);
      const { reason } = await gateway.recordOf(answer);
      assert.match(reason, 'acr' in said ? /^acr is .*, expected one of / : /^auth_time is .*, expected \d+ to \d+$/);
      assert.ok(reason.length < 400, message);
    }
    const browser = new Browser();
    const { searchParams: query } = await ledToLogin(gateway, browser, PAY);
    const callback = await loginUntilCallback(gateway, browser, { query, code: '123456' });
    sayInIdToken(tenant, { acr: SECOND_FACTOR, auth_time: now - MAX_AGE_SECS - SKEW_SECS + 0.5 });
    assert.equal((await gateway.askAs(browser, callback)).headers.get('location'), PAY, 'a fraction is a date');
  });

  test('may say so itself', async () => {
    const browser = new Browser();
    const { searchParams: query } = await ledToLogin(gateway, browser, PAY);
    const callback = await loginUntilCallback(gateway, browser, { query, action: 'deny' });
    callback.searchParams.set('error', UNMET_CODE);
    callback.searchParams.set('error_description', 'no second factor');
    const answer = await gateway.askAs(browser, callback);
    assertProblem(answer, UNMET);
    assert.equal((await gateway.recordOf(answer)).reason, `${UNMET_CODE}: no second factor`);
  });

  test('was not asked at all, if the address was changed on the way', async () => {
    const browser = new Browser();
    const login = await ledToLogin(gateway, browser, PAY);
    const sent = await gateway.askAs(browser, login.pathname + login.search);
    const request = new URL(sent.headers.get('location'));
    for (const name of ['acr_values', 'max_age']) request.searchParams.delete(name);
    const { pathname, search } = new URL(await browser.logInUntilCallback(request.href));
    assertProblem(await gateway.askAs(browser, pathname + search), UNMET, 'the sealed state knows what is required');
  });
});

describe('the login path', () => {
  test('asks for what a path requires and for nothing else that a client writes', async () => {
    /** @type {[Record<string, any>, Record<string, any>, string][]} */
    const rows = [
      [{ acr_values: 'urn:example:evil' }, {}, 'what no path requires'],
      [{ acr_values: SECOND_FACTOR }, { acr_values: SECOND_FACTOR }, 'what one path requires'],
      [{ acr_values: SECOND_FACTOR, max_age: '60' }, { max_age: '60' }, 'an age that is a wish, as ever'],
      [{ max_age: '300' }, { max_age: '300' }, 'an age that a path requires'],
    ];
    for (const [query, expected, message] of rows) {
      const sent = await gateway.ask(`${LOGIN}?${new URLSearchParams(query)}`);
      const { acr_values, max_age } = Object.fromEntries(new URL(sent.headers.get('location')).searchParams);
      const found = { ...(acr_values && { acr_values }), ...(max_age && { max_age }) };
      assert.deepEqual(found, expected, message);
    }
  });

  test('that was robbed of its query leads to a login that opens no such path', async () => {
    const browser = new Browser();
    await ledToLogin(gateway, browser, PAY);
    await beginSession(gateway, tenant, { browser, query: { return_to: PAY } });
    assertTooWeak(await gateway.askAs(browser, PAY), PAY);
  });
});

describe('at an OpenID provider', () => {
  const PUSHED = '/realms/demo/protocol/par';
  let realm;

  before(async () => {
    realm = await startRealm({ endpoints: { ...ENDPOINTS, pushed_authorization_request: '/protocol/par' } });
  });
  after(() => realm?.close());

  for (const pushes of [false, true]) {
    test(`a step-up ends in a session that passes${pushes ? ', also by a pushed request' : ''}`, async (t) => {
      const pushed = [];
      const own = await startOidcGateway(realm, api, {
        paths,
        authorizer: { pushed_authorization_requests: pushes },
        outbound: recording(PUSHED, pushed),
      });
      t.after(() => own.close());
      const browser = new Browser();
      const before = await beginSession(own, realm, { browser });
      assertTooWeak(await askWith(own, before.cookie, PAY), PAY);
      const answer = await stepUp(own, browser, PAY, { code: '123456' });
      const session = sessionOf(answer, realm);
      assert.equal(answer.headers.get('location'), PAY);
      assert.equal((await own.askAs(browser, PAY)).status, 200);
      assertProblem(await askWith(own, before.cookie), SESSION_EXPIRED);
      assert.equal(session.sub, before.sub);
      const forms = pushed.map(({ form }) => [form.get('acr_values'), form.get('max_age')]);
      const expected = [
        [null, null],
        [SECOND_FACTOR, '300'],
      ];
      assert.deepEqual(forms, pushes ? expected : []);
    });
  }

  test('a step-up takes an ID token, whatever the scopes are', async (t) => {
    if (mode.isStrict)
      return t.skip('with a strict provider, the config has profiles by ID tokens, which need the scope');
    const own = await startOidcGateway(realm, api, { paths, authorizer: { scope: 'offline_access' } });
    t.after(() => own.close());
    const browser = new Browser();
    const login = await ledToLogin(own, browser, RECENT);
    const sent = await own.askAs(browser, login.pathname + login.search);
    const request = new URL(sent.headers.get('location'));
    request.searchParams.set('scope', 'openid offline_access');
    const { pathname, search } = new URL(await browser.logInUntilCallback(request.href));
    realm.fault({
      path: `/realms/demo${ENDPOINTS.token}`,
      times: 1,
      edit: ({ status, headers, body }) => ({ status, headers, body: { ...JSON.parse(body), id_token: undefined } }),
    });
    assertProblem(await own.askAs(browser, pathname + search), [502, 'idp_error']);
  });
});

describe('a bearer token', () => {
  const asking = (path, token, init = {}) =>
    bearers.ask(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } });

  test('opens a path by what it says of the authentication itself', async () => {
    const now = nowSecs();
    /** @type {[string, Record<string, any>, boolean, string][]} */
    const rows = [
      [PAY, { acr: SECOND_FACTOR, auth_time: now }, true, 'strong and recent'],
      [PAY, { acr: SECOND_FACTOR, auth_time: now - MAX_AGE_SECS - SKEW_SECS }, true, 'as old as may be'],
      [PAY, { acr: SECOND_FACTOR, auth_time: now - MAX_AGE_SECS - SKEW_SECS - 1 }, false, 'too old'],
      [PAY, { acr: '1', auth_time: now }, false, 'too weak'],
      [PAY, {}, false, 'without either'],
      [PAY, { acr: SECOND_FACTOR }, false, 'without a time'],
      [PAY, { auth_time: now }, false, 'without a strength'],
      [STRONG, { acr: 'urn:example:key' }, true, 'one of two strengths'],
      [STRONG, { acr: [SECOND_FACTOR] }, false, 'a list'],
      [STRONG, { acr: `urn:example:key ${SECOND_FACTOR}` }, false, 'both in one text'],
      [STRONG, { acr: `${SECOND_FACTOR}\u0000` }, false, 'a control character'],
      [RECENT, { auth_time: now + SKEW_SECS }, true, 'by a clock that is ahead'],
      [RECENT, { auth_time: now + SKEW_SECS + 1 }, false, 'in the future'],
      [RECENT, { auth_time: now + 0.5 }, true, 'a fraction'],
      [RECENT, { auth_time: `${now}` }, false, 'a text'],
      [RECENT, { auth_time: -1 }, false, 'before 1970'],
      [RECENT, { iat: now }, false, 'a time of another kind'],
    ];
    for (const [path, claims, passes, message] of rows) {
      const answer = await asking(path, await tenant.mint(claims));
      if (passes) assert.equal(answer.status, 200, `${message}: ${answer.text}`);
      else assertTooWeak(answer, path, message);
    }
  });

  test('that is not enough is not led to a login, which would change nothing about it', async () => {
    const weak = await tenant.mint();
    const answer = await gateway.ask(PAY, { headers: { ...NAVIGATION.headers, authorization: `Bearer ${weak}` } });
    assert.deepEqual([answer.status, answer.headers.get('location')], [401, null]);
    assert.equal(answer.headers.get('www-authenticate'), CHALLENGES[PAY]);
    assert.match(answer.text, /This needs a stronger or more recent login\./);
    const login = new URLSearchParams({ acr_values: SECOND_FACTOR, max_age: '300' });
    assert.ok(answer.text.includes(`href="${LOGIN}?${`${login}`.replaceAll('&', '&amp;')}"`), answer.text);
  });

  test('of a login by the challenge passes, if the provider says it in access tokens', async () => {
    tenant.settings.authenticationClaims = true;
    try {
      const query = { acr_values: SECOND_FACTOR, max_age: '300' };
      const strong = await logIn(bearers, new Browser(), { query, code: '123456' });
      assert.equal((await asking(PAY, strong.access_token)).status, 200);
      const weak = await logIn(bearers, new Browser());
      assertTooWeak(await asking(PAY, weak.access_token), PAY);
      const callback = await loginUntilCallback(bearers, new Browser(), { query });
      assertProblem(await bearers.ask(callback), [400, 'state_invalid'], 'in another browser');
    } finally {
      tenant.settings.authenticationClaims = false;
    }
  });
});

test('a path that requires nothing of the kind is as it was', async () => {
  const answer = await gateway.ask(PRIVATE, NAVIGATION);
  assert.equal(answer.headers.get('location'), `${LOGIN}?return_to=%2Fprivate`);
  const login = await gateway.ask(answer.headers.get('location'));
  const {
    state,
    nonce: _,
    code_challenge: __,
    ...request
  } = Object.fromEntries(new URL(login.headers.get('location')).searchParams);
  assert.deepEqual([request, request.redirect_uri], [fixedParameters(tenant), REDIRECT_URI]);
  assert.ok(state);
});
