// The ID token that a session keeps for the logout at an OpenID provider (RP-Initiated Logout 1.0): which one it is, when it is left
// out, and that nothing shows it but the address of that logout.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { Browser } from '../support/harness.mjs';
import { CLIENT_ID, assertNeverShown, assertProblem, claimsOf, loginUntilCallback } from '../support/login-flow.mjs';
import { AFTER_LOGOUT, AT, startRealm, startSessionGateway } from '../support/oidc-flow.mjs';
import { LOGOUT, OWN_PAGE, askWith, assertAlive, beginSession, renewed } from '../support/session-flow.mjs';

/** `LOGOUT_URL_MAX_BYTES` of logout.rs. */
const LOGOUT_URL_MAX_BYTES = 8_000;
/** `TOKEN_MAX_BYTES` of credentials.rs. */
const TOKEN_MAX_BYTES = 16 * 1024;

let realm;
let api;
let gateway;

before(async () => {
  [realm, api] = await Promise.all([startRealm(), startApi()]);
  gateway = await startSessionGateway(realm, api);
});

after(async () => {
  await gateway?.close();
  await Promise.all([realm?.close(), api?.close()]);
});

afterEach(() => realm.clearFaults());

const logOut = ({ cookie }, query = '') =>
  askWith(gateway, cookie, LOGOUT + query, { method: 'POST', headers: OWN_PAGE });

/**
 * Logs out and returns what the provider is told.
 * @param {any} session
 * @param {string} [query]
 * @returns {Promise<any>}
 */
async function told(session, query) {
  const answer = await logOut(session, query);
  assert.equal(answer.status, 303, answer.text);
  const location = answer.headers.get('location');
  const url = new URL(location);
  assert.equal(url.origin + url.pathname, realm.origin + AT.end_session);
  return { location, ...Object.fromEntries(url.searchParams) };
}

/**
 * Has the next token response bring another ID token, with these claims besides those of the real one. Returns where it is kept.
 * @param {Record<string, any>} [claims]
 */
function overhear(claims) {
  const heard = {};
  realm.fault({
    path: AT.token,
    times: 1,
    async edit({ status, headers, body }) {
      const answer = JSON.parse(body);
      if (claims) {
        const own = { scope: undefined, permissions: undefined, ...claimsOf(answer.id_token), ...claims };
        answer.id_token = await realm.mint(own);
      }
      heard.idToken = answer.id_token;
      return { status, headers, body: answer };
    },
  });
  return heard;
}

test('a logout names the ID token of the login, by which the provider leads back with the state', async () => {
  const heard = overhear();
  const browser = new Browser();
  const session = await beginSession(gateway, realm, { browser });
  const { location, ...parameters } = await told(session, '?state=a%26b');
  assert.deepEqual(parameters, {
    client_id: CLIENT_ID,
    post_logout_redirect_uri: AFTER_LOGOUT,
    state: 'a&b',
    id_token_hint: heard.idToken,
  });
  const page = await browser.fetch(location);
  const [, action, xsrf] =
    /action="([^"]+)"><input type="hidden" name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? [];
  const body = new URLSearchParams({ xsrf, logout: 'yes' });
  const left = await browser.fetch(action, { method: 'POST', body });
  assert.equal(left.headers.get('location'), `${AFTER_LOGOUT}?state=a%26b`);
});

test('after a renewal it names the ID token of that', async () => {
  const session = await beginSession(gateway, realm);
  const heard = overhear();
  await renewed(gateway, api, session);
  assert.equal((await told(session)).id_token_hint, heard.idToken);
});

/** @type {[string, (session: any) => Record<string, any>, RegExp][]} */
const rows = [
  ['for another client', () => ({ aud: 'other' }), /^aud is /],
  ['that has expired', () => ({ exp: 1 }), /^exp is /],
  ['that is too long', () => ({ more: 'x'.repeat(TOKEN_MAX_BYTES) }), /bytes, at most/],
];
for (const [name, claims, reason] of rows) {
  test(`a renewal that brings an ID token ${name} leaves the one before, and the log says why`, async () => {
    const heard = overhear();
    const session = await beginSession(gateway, realm);
    overhear(claims(session));
    await renewed(gateway, api, session);
    await gateway.record(({ code, message }) => code === 'id_token_not_renewed' && reason.test(message));
    await assertAlive(gateway, session, 'the session goes on');
    assert.equal((await told(session)).id_token_hint, heard.idToken);
  });
}

test('an ID token that would make the address too long is left out, and its own hint is not', async () => {
  overhear({ login_hint: 'O.C alice', more: 'x'.repeat(LOGOUT_URL_MAX_BYTES) });
  const session = await beginSession(gateway, realm);
  const { location, ...parameters } = await told(session);
  assert.ok(location.length < LOGOUT_URL_MAX_BYTES, `${location.length}`);
  assert.deepEqual(parameters, {
    client_id: CLIENT_ID,
    post_logout_redirect_uri: AFTER_LOGOUT,
    logout_hint: 'O.C alice',
  });
});

test('an ID token that is too long for the gateway ends the login with a reason in the log', async () => {
  overhear({ more: 'x'.repeat(TOKEN_MAX_BYTES) });
  const browser = new Browser();
  const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser));
  assertProblem(answer, [400, 'id_token_invalid'], 'the login');
  assert.match((await gateway.recordOf(answer)).reason, /bytes, at most/);
});

test('the ID token of a session is in no line of the log', async () => {
  const heard = overhear();
  const session = await beginSession(gateway, realm);
  await told(session);
  await assertNeverShown(gateway, { idToken: heard.idToken, part: heard.idToken.split('.')[1] }, { inAnswers: false });
});
