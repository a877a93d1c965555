// The older gateway's configs with logins, in front of a real OpenID provider: callback, profile and refresh, which codes of its
// errors are kept, and what is not taken any more.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { Browser, sendRaw } from '../support/harness.mjs';
import { claimsOf, loginUntilCallback } from '../support/login-flow.mjs';
import { assertCode, assertHolds, besides, expired, json, startOlder } from '../support/older.mjs';
import { signedWithSecret } from '../support/signing.mjs';

const BASE = '/api/v1/auth0';
const LOGIN = `${BASE}/callback-redirect`;
const KEY_SET = '/.well-known/jwks.json';
const REDIRECT_URIS = [`https://gateway.example.com${BASE}/callback`, 'https://gateway.example.com/callback'];

let tenant;
let gateway;
let ownLogin;

before(async () => {
  tenant = await startTenant({ redirectUris: REDIRECT_URIS, requirePkce: false });
  const bindings = {
    AUTH0_DOMAIN: tenant.origin,
    AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
    AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
    AUTH0_JWKS: JSON.stringify(tenant.keySet()),
    AUTH0_JWKS_URI: `${tenant.origin}${KEY_SET}`,
  };
  gateway = await startOlder('auth0', { bindings, beside: besides('audit'), serviceBindings: { AUDIT: 'audit' } });
  ownLogin = await startOlder('auth0-own-login', { bindings });
});

after(async () => {
  for (const each of [gateway, ownLogin, tenant]) await each?.close();
});

const at = (path, more = {}) => sendRaw(gateway.origin, { path, ...more });
/** Headers with an ID token of the application, as pages of the older gateway send it. */
const idToken = async (claims = {}) => ({
  authorization: `Bearer ${await tenant.mint({ aud: DEFAULT_CLIENT_ID, ...claims })}`,
});

/** Logs in through the gateway and gives the callback's answer. */
async function logIn(how) {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser, { at: LOGIN, ...how });
  const answer = await browser.fetch(callback);
  return { status: answer.status, body: await answer.json() };
}

describe('a login', () => {
  test('begins with 302 to the provider, with what the config says', async () => {
    const answer = await at(`${LOGIN}?state=mine`);
    assert.equal(answer.status, 302);
    const to = new URL(answer.header('location'));
    assert.equal(to.origin + to.pathname, `${tenant.origin}/authorize`);
    for (const [name, value] of [
      ['response_type', 'code'],
      ['client_id', DEFAULT_CLIENT_ID],
      ['redirect_uri', REDIRECT_URIS[0]],
      ['scope', 'openid profile email offline_access'],
    ]) {
      assert.equal(to.searchParams.get(name), value, name);
    }
    assert.notEqual(
      to.searchParams.get('state'),
      'mine',
      "the state is the gateway's own, and nobody can give it another",
    );
  });

  test('ends with 200 and the tokens, and the bound Worker has been told who it is', async () => {
    const { status, body } = await logIn({ email: 'carol@example.com' });
    assert.equal(status, 200, JSON.stringify(body));
    for (const name of ['access_token', 'id_token', 'refresh_token', 'expires_in', 'token_type'])
      assert.ok(body[name], name);
    assert.equal(claimsOf(body.id_token).email, 'carol@example.com');
    const entries = (await at('/api/v1/audit')).json();
    assertHolds(entries, { status: 'success' });
    assert.ok(entries.data.entries.includes('carol@example.com'));
  });

  test('is none where the bound Worker throws: nobody gets tokens', async () => {
    const { status, body } = await logIn({ email: 'refused@example.com' });
    assert.deepEqual([status, body.code], [502, 'service_failed']);
  });

  test('that another browser began ends nowhere; any code was taken there', async () => {
    const callback = await loginUntilCallback(gateway, new Browser(), { at: LOGIN });
    assertCode(
      await sendRaw(gateway.origin, { path: callback.pathname + callback.search }),
      400,
      'state_invalid',
      'another browser',
    );
    const code = callback.searchParams.get('code');
    assertCode(await at(`${BASE}/callback?code=${code}`), 400, 'state_invalid', 'no state');
  });

  test('that the page began itself ends with 200 and the tokens, where the config has no path that begins them', async () => {
    const login = new URL('/authorize', tenant.origin);
    login.search = new URLSearchParams({
      response_type: 'code',
      client_id: DEFAULT_CLIENT_ID,
      redirect_uri: REDIRECT_URIS[1],
      scope: 'openid profile email',
      state: 'of-the-page',
    });
    const callback = new URL(await new Browser().logInUntilCallback(login.href, { email: 'dave@example.com' }));
    assert.equal(callback.searchParams.get('state'), 'of-the-page');
    tenant.resetCounts();
    const answer = await sendRaw(ownLogin.origin, { path: `/callback${callback.search}` });
    assert.equal(answer.status, 200, answer.text);
    assert.equal(claimsOf(answer.json().id_token).email, 'dave@example.com');
    assert.equal(tenant.counts[KEY_SET], 1, 'and the key set is where the config says');
    assert.equal((await sendRaw(ownLogin.origin, { path: '/private', headers: await idToken() })).status, 200);
  });
});

describe('an ID token', () => {
  test('opens the paths with auth by the key set that stands in a secret, and its address is never asked', async () => {
    tenant.resetCounts();
    const answer = await at('/api/v1/private', { headers: await idToken() });
    assert.deepEqual([answer.status, answer.json()], [200, { private: true }]);
    assert.deepEqual(tenant.counts, {});
  });

  test('is 401 where it was: absent, expired, of another issuer, or signed by nobody', async () => {
    const [header, payload] = (await idToken()).authorization.split('.');
    for (const [message, headers, code] of [
      ['none', {}, 'token_missing'],
      ['expired', await idToken(expired()), 'token_expired'],
      ['another issuer', await idToken({ iss: 'https://other.example/' }), 'token_invalid'],
      ['no signature', { authorization: `${header}.${payload}.` }, 'token_invalid'],
    ]) {
      assertCode(await at('/api/v1/private', { headers }), 401, code, message);
    }
  });

  test('for another application, and a token for another API, are 401; every token of the tenant was taken there', async () => {
    for (const [message, claims] of [
      ['another application', { aud: 'another-client' }],
      ['an API', { aud: tenant.settings.audience }],
      ['no audience', { aud: undefined }],
    ]) {
      assertCode(await at('/api/v1/private', { headers: await idToken(claims) }), 401, 'token_invalid', message);
    }
  });

  test('signed with the public key as a secret is 401', async () => {
    const claims = claimsOf((await idToken()).authorization.slice('Bearer '.length));
    const [key] = tenant.keySet().keys;
    for (const secret of [JSON.stringify(key), JSON.stringify(tenant.keySet())]) {
      const headers = { authorization: `Bearer ${signedWithSecret(secret, claims, { kid: key.kid })}` };
      assertCode(await at('/api/v1/private', { headers }), 401, 'token_invalid', 'HS256');
    }
  });
});

describe('the profile', () => {
  test("is the provider's, for an access token in either header", async () => {
    const { body } = await logIn({ email: 'erin@example.com' });
    const bearer = { authorization: `Bearer ${body.access_token}` };
    const byId = { authorization: `Bearer ${body.id_token}`, 'x-access-token': body.access_token };
    for (const [path, headers] of [
      ['userinfo', bearer],
      ['userinfo', { 'x-access-token': body.access_token }],
      ['profile', byId],
    ]) {
      const answer = await at(`${BASE}/${path}`, { headers });
      assert.equal(answer.status, 200, answer.text);
      assert.equal(answer.json().email, 'erin@example.com', path);
    }
  });

  test('without a token is 401 missing_access_token', async () => {
    assertCode(await at(`${BASE}/userinfo`), 401, 'missing_access_token', 'userinfo');
    assertCode(await at(`${BASE}/profile`), 401, 'token_missing', 'where the path has auth, that comes first');
  });
});

describe('a refresh', () => {
  test('without a refresh token is 400 missing_refresh_token', async () => {
    for (const [message, request] of [
      ['GET', {}],
      ['POST without a body', { method: 'POST' }],
      ['POST without the member', { method: 'POST', ...json({}) }],
      ['POST with an empty one', { method: 'POST', ...json({ refresh_token: '' }) }],
    ]) {
      assertCode(await at(`${BASE}/refresh`, request), 400, 'missing_refresh_token', message);
    }
  });

  test('while the token holds is 200 token_still_valid, and nothing is exchanged', async () => {
    tenant.resetCounts();
    for (const request of [
      { headers: { 'x-refresh-token': 'any', ...(await idToken()) } },
      {
        method: 'POST',
        headers: { ...json({}).headers, ...(await idToken()) },
        body: JSON.stringify({ refresh_token: 'any' }),
      },
    ]) {
      const answer = await at(`${BASE}/refresh`, request);
      assert.deepEqual(
        [answer.status, answer.json().code, typeof answer.json().message],
        [200, 'token_still_valid', 'string'],
      );
    }
    assert.deepEqual(tenant.counts, {});
  });

  test("once it has expired is 200 and the provider's tokens, from the header or a body", async () => {
    let {
      body: { refresh_token: token },
    } = await logIn();
    for (const request of [
      (sent) => ({ headers: { 'x-refresh-token': sent } }),
      (sent) => ({ method: 'POST', headers: json({}).headers, body: JSON.stringify({ refresh_token: sent }) }),
    ]) {
      const { headers, ...rest } = request(token);
      const answer = await at(`${BASE}/refresh`, { ...rest, headers: { ...headers, ...(await idToken(expired())) } });
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.json().access_token && answer.json().id_token);
      token = answer.json().refresh_token;
    }
  });

  test('that the provider refuses is 401, and a token that is not genuine gets nothing', async () => {
    const headers = { 'x-refresh-token': 'unknown', ...(await idToken(expired())) };
    assertCode(await at(`${BASE}/refresh`, { headers }), 401, 'refresh_token_invalid', 'an unknown refresh token');
    const forged = { 'x-refresh-token': 'any', ...(await idToken({ iss: 'https://other.example/' })) };
    assertCode(await at(`${BASE}/refresh`, { headers: forged }), 401, 'token_invalid', 'a forged token');
  });
});
