// The `oidc` authorizer in front of a certified provider (npm oidc-provider) whose endpoints are known from its discovery document
// alone: login, callback, profile, refresh, session and logout. What is made of the document itself is in oidc-discovery.test.mjs.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { later } from '../support/clock.mjs';
import { Browser, startUpstream, until } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  LOGIN,
  PROFILE,
  REFRESH,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  fixedParameters,
  logIn,
  loginUntilCallback,
  startTenant,
} from '../support/login-flow.mjs';
import {
  AFTER_LOGOUT,
  AT,
  DISCOVERY,
  assertNoGuesses,
  oidcAuthorizer,
  startRealm,
  startSessionGateway,
  startTokenGateway,
} from '../support/oidc-flow.mjs';
import {
  BACKCHANNEL_LOGOUT,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  beginSession,
  claimsAt,
  sessionConfig,
  startObeyingGateway,
  untilDue,
} from '../support/session-flow.mjs';
import { mode } from '../support/tenant-mode.mjs';

const VERSION = /^version = "(.+)"$/m.exec(readFileSync(new URL('../../../Cargo.toml', import.meta.url), 'utf8'))[1];

let realm;
let api;
let tokens;
let sessions;
/** Where the provider sends its logout tokens, and what the gateway answered there. */
let relay;
const relayed = [];

before(async () => {
  relay = await startUpstream(async (request, response) => {
    const body = Buffer.concat(await request.toArray());
    const headers = { 'content-type': request.headers['content-type'] };
    const answer = await sessions.fetch(BACKCHANNEL_LOGOUT, { method: request.method, headers, body });
    relayed.push({ status: answer.status, text: await answer.text() });
    response.writeHead(answer.status).end();
  });
  [realm, api] = await Promise.all([
    startRealm({ client: { backchannel_logout_uri: `${relay.origin}/any` } }),
    startApi(),
  ]);
  [tokens, sessions] = await Promise.all([
    startTokenGateway(realm, { paths: [{ method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } }] }),
    startSessionGateway(realm, api),
  ]);
});

after(async () => {
  await tokens?.close();
  await sessions?.close();
  await Promise.all([realm, api, relay].map((each) => each?.close()));
});

beforeEach(() => realm.resetCounts());
afterEach(() => {
  realm.clearFaults();
  assertNoGuesses(realm);
});

const logOut = (of, { cookie }, query = '') =>
  askWith(of, cookie, LOGOUT + query, { method: 'POST', headers: OWN_PAGE });

/** Begins a session, lets its token be renewed, and ends it, until the provider has been asked for all of that. */
async function renewAndLogOut(gateway, provider) {
  const session = await beginSession(gateway, provider);
  await untilDue();
  await assertAlive(gateway, session, 'when its token is renewed');
  await until(() => session.family().rotations === 1);
  assert.equal((await logOut(gateway, session)).status, 303);
  await until(() => session.family().revoked);
}

describe('a login', () => {
  test('leads to the authorization endpoint that the provider names', async () => {
    const answer = await tokens.ask(LOGIN);
    assert.equal(answer.status, 302, answer.text);
    const url = new URL(answer.headers.get('location'));
    assert.equal(url.origin + url.pathname, realm.origin + AT.authorization);
    const { state, nonce, code_challenge: challenge, ...rest } = Object.fromEntries(url.searchParams);
    assert.deepEqual(rest, fixedParameters(realm));
    for (const value of [state, nonce, challenge]) assert.match(value ?? '', /^[\w-]{16,}$/);
  });

  test('that asks how old the authentication may be needs an ID token that says so', async (t) => {
    const own = await startTokenGateway(realm, { authorizer: { login_parameters: { max_age: '60' } } });
    t.after(() => own.close());
    assert.ok((await logIn(own, new Browser())).access_token, 'the user has just been authenticated');
    const reason = 'the claim auth_time has another value';
    for (const authTime of [undefined, 1]) {
      const browser = new Browser();
      const callback = await loginUntilCallback(own, browser);
      realm.fault({
        path: AT.token,
        times: 1,
        async edit({ status, headers, body }) {
          const answer = JSON.parse(body);
          const claims = {
            scope: undefined,
            permissions: undefined,
            ...claimsOf(answer.id_token),
            auth_time: authTime,
          };
          return { status, headers, body: { ...answer, id_token: await realm.mint(claims) } };
        },
      });
      const answer = await own.askAs(browser, callback);
      assertProblem(answer, [400, 'id_token_invalid'], reason);
      assert.equal((await own.recordOf(answer)).reason, reason);
    }
  });

  test('ends in the tokens of the provider, which the gateway believes', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(tokens, browser, { query: { return_to: '/home' } });
    const answer = await tokens.askAs(browser, callback);
    assertPrivateJson(answer, 'the callback');
    const { access_token: accessToken, id_token: idToken, return_to: returnTo } = answer.body;
    assert.deepEqual([claimsOf(idToken).iss, claimsOf(idToken).aud, returnTo], [realm.issuer, CLIENT_ID, '/home']);
    const opened = await tokens.ask(PRIVATE, { headers: { authorization: `Bearer ${accessToken}` } });
    assert.equal(opened.status, 200, opened.text);
  });

  test('whose ID token is of another issuer, client or login ends in none', async () => {
    const browser = new Browser();
    /** @type {any[][]} */
    const rows = [
      [{ iss: `${realm.issuer}/` }, 'the issuer with a slash'],
      [{ iss: realm.origin }, 'the issuer without its path'],
      [{ aud: 'another-client', azp: undefined }, 'another client'],
      [{ nonce: 'another' }, 'another login'],
      [{ exp: 1 }, 'an old one'],
    ];
    for (const [claims, message] of rows) {
      const callback = await loginUntilCallback(tokens, browser);
      realm.fault({
        path: AT.token,
        times: 1,
        async edit({ headers, body }) {
          const answer = JSON.parse(body);
          const forged = await realm.mint({
            scope: undefined,
            permissions: undefined,
            ...claimsOf(answer.id_token),
            ...claims,
          });
          return { status: 200, headers, body: { ...answer, id_token: forged } };
        },
      });
      assertProblem(await tokens.askAs(browser, callback), [400, 'id_token_invalid'], message);
    }
  });

  test('has an ID token of the algorithm that the config names for ID tokens, and of no other', async (t) => {
    const named = await startTokenGateway(realm, { authorizer: { id_token_signed_response_alg: 'ES256' } });
    t.after(() => named.close());
    const browser = new Browser();
    /** @type {any[][]} */
    const rows = [
      [named, 'ES256', 200],
      [named, 'RS256', 400],
      [tokens, 'ES256', 400],
    ];
    for (const [gateway, alg, status] of rows) {
      const callback = await loginUntilCallback(gateway, browser);
      realm.fault({
        path: AT.token,
        times: 1,
        async edit({ headers, body }) {
          const answer = JSON.parse(body);
          const claims = { scope: undefined, permissions: undefined, ...claimsOf(answer.id_token) };
          return { status: 200, headers, body: { ...answer, id_token: await realm.mint(claims, { alg }) } };
        },
      });
      const answer = await gateway.askAs(browser, callback);
      assert.equal(answer.status, status, `${alg}: ${answer.text}`);
      const { reason } = await gateway.recordOf(answer);
      if (status === 400) assert.match(reason, /^algorithm ".*" is not allowed$/);
    }
  });

  test('that the user denies is told so', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(tokens, browser, { action: 'deny' });
    assertProblem(await tokens.askAs(browser, callback), [403, 'login_denied'], 'denied');
  });
});

const noProfile = mode.isStrict && 'userinfo takes no token of an API';
test('the profile comes from the userinfo endpoint that the provider names', { skip: noProfile }, async () => {
  const { access_token: accessToken } = await logIn(tokens, new Browser(), { email: 'bob.builder@example.com' });
  const answer = await tokens.ask(PROFILE, { headers: { authorization: `Bearer ${accessToken}` } });
  assertPrivateJson(answer, 'the profile');
  assert.equal(answer.body.email, 'bob.builder@example.com');
  assert.equal(realm.callsOf(AT.userinfo), 1);
  const never = await tokens.ask(PROFILE, { headers: { authorization: 'Bearer never-issued' } });
  assertProblem(never, [401, 'token_invalid'], 'a token that the provider does not know');
});

test('a refresh goes to the token endpoint that the provider names, and rotates', async () => {
  const first = await logIn(tokens, new Browser());
  const refresh = (token) => tokens.ask(REFRESH, { method: 'POST', headers: { 'x-refresh-token': token } });
  const answer = await refresh(first.refresh_token);
  assertPrivateJson(answer, 'the refresh');
  assert.notEqual(answer.body.refresh_token, first.refresh_token);
  assert.equal(claimsOf(answer.body.access_token).iss, realm.issuer);
  assert.equal(realm.callsOf(AT.token), 2, 'the code, and the refresh token');
  assertProblem(await refresh('never-issued'), [401, 'refresh_token_invalid'], 'one that the provider does not know');
});

describe('a session', () => {
  test('opens its paths, and its access token is renewed at the token endpoint', async () => {
    const session = await beginSession(sessions, realm);
    await assertAlive(sessions, session, 'at once');
    const renewals = realm.callsOf(AT.token);
    await untilDue();
    assert.equal((await askWith(sessions, session.cookie, '/app/x')).status, 200);
    await until(() => session.family().rotations === 1);
    assert.equal(realm.callsOf(AT.token), renewals + 1);
    await later(REMEMBERED_SECS + 1);
    assert.equal((await askWith(sessions, session.cookie, '/app/x')).status, 200);
    assert.deepEqual([claimsAt(api).iss, claimsAt(api).sub], [realm.issuer, session.sub]);
    const profile = await askWith(sessions, session.cookie, PROFILE);
    assert.equal(profile.body?.sub, session.sub, profile.text);
  });

  test('needs no audience where another claim of the access token names the client', async (t) => {
    const own = await startSessionGateway(realm, api, {
      authorizer: { audience: undefined, audience_claim: 'client_id', claims: { token_use: 'access' } },
    });
    t.after(() => own.close());
    let claims;
    realm.fault({
      path: AT.token,
      async edit({ headers, body }) {
        const answer = JSON.parse(body);
        const { sub } = claimsOf(answer.id_token);
        const access = await realm.mint({ sub, aud: undefined, client_id: CLIENT_ID, token_use: 'access', ...claims });
        return { status: 200, headers, body: { ...answer, access_token: access } };
      },
    });
    const { cookie } = await beginSession(own, realm);
    assert.equal((await askWith(own, cookie, '/app/x')).status, 200);
    for (const wrong of [{ client_id: 'other' }, { client_id: undefined }, { aud: 'other' }, { token_use: 'id' }]) {
      claims = wrong;
      const browser = new Browser();
      const answer = await own.askAs(browser, await loginUntilCallback(own, browser));
      assertProblem(answer, [502, 'idp_error'], JSON.stringify(wrong));
    }
  });

  test('ends with a logout, here and at the end_session endpoint', async () => {
    const browser = new Browser();
    const session = await beginSession(sessions, realm, { browser });
    const answer = await logOut(sessions, session);
    assert.equal(answer.status, 303, answer.text);
    assertCleared(answer, 'the cookie');
    const leadsTo = new URL(answer.headers.get('location'));
    assert.equal(leadsTo.origin + leadsTo.pathname, realm.origin + AT.end_session);
    const { id_token_hint: hint, ...parameters } = Object.fromEntries(leadsTo.searchParams);
    assert.deepEqual(parameters, { client_id: CLIENT_ID, post_logout_redirect_uri: AFTER_LOGOUT });
    assert.deepEqual([claimsOf(hint).iss, claimsOf(hint).sid], [realm.issuer, session.sid]);
    await assertEnded(sessions, session, 'here');
    await until(() => session.family().revoked);
    assert.equal(realm.callsOf(AT.revocation), 1);

    // The provider asks its user, and then leads to the gateway's `redirect_uri`.
    const page = await browser.fetch(leadsTo);
    const [, action, xsrf] =
      /action="([^"]+)"><input type="hidden" name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? [];
    const confirmed = await browser.fetch(action, {
      method: 'POST',
      body: new URLSearchParams({ xsrf, logout: 'yes' }),
    });
    assert.deepEqual([confirmed.status, confirmed.headers.get('location')], [303, AFTER_LOGOUT]);
    const again = await browser.follow(new URL(LOGIN, sessions.origin).href);
    assert.match(again.url, /\/u\/login\//, 'who logs in then is asked who it is');
  });

  test('leads out to where the request says', async () => {
    const session = await beginSession(sessions, realm);
    const answer = await logOut(
      sessions,
      session,
      `?${new URLSearchParams({ return_to: 'https://spa.example/x?y=z' })}`,
    );
    const { searchParams } = new URL(answer.headers.get('location'));
    assert.equal(searchParams.get('post_logout_redirect_uri'), 'https://spa.example/x?y=z');
  });

  test('ends when the provider says so, in a logout token of its own', async () => {
    const browser = new Browser();
    const session = await beginSession(sessions, realm, { browser, email: 'carol@example.com' });
    const bystander = await beginSession(sessions, realm, { email: 'dave@example.com' });
    relayed.length = 0;
    // The user logs out at the provider, of which the gateway has not heard.
    const hint = await realm.mint({ aud: CLIENT_ID, sub: session.sub });
    const page = await browser.fetch(`${realm.origin}${AT.end_session}?id_token_hint=${hint}`);
    const [, action, xsrf] =
      /action="([^"]+)"><input type="hidden" name="xsrf" value="([^"]+)"/.exec(await page.text()) ?? [];
    await browser.fetch(action, { method: 'POST', body: new URLSearchParams({ xsrf, logout: 'yes' }) });
    assert.deepEqual(relayed, [{ status: 200, text: '{}' }]);
    await later(REMEMBERED_SECS + 1);
    await assertEnded(sessions, session, 'hers');
    await assertAlive(sessions, bystander, "another's");
  });

  test('does not end for a logout token of anybody else', async () => {
    const session = await beginSession(sessions, realm);
    const send = (token) =>
      sessions.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });
    for (const [claims, message] of /** @type {any[][]} */ ([
      [{ iss: `${realm.issuer}/` }, 'the issuer with a slash'],
      [{ iss: realm.origin }, 'another issuer'],
      [{ aud: 'other' }, 'another client'],
    ])) {
      assertProblem(
        await send(await realm.logoutToken({ sub: session.sub, ...claims })),
        [400, 'logout_token_invalid'],
        message,
      );
    }
    await later(REMEMBERED_SECS + 1);
    await assertAlive(sessions, session, 'after all of that');
    assert.equal((await send(await realm.logoutToken({ sub: session.sub }))).status, 200, 'one that is good');
    await later(REMEMBERED_SECS + 1);
    await assertEnded(sessions, session, 'then');
  });
});

test('an end_session endpoint that has a query keeps it', async (t) => {
  const own = await startRealm();
  t.after(() => own.close());
  own.rewrite({ end_session_endpoint: `${own.origin}${AT.end_session}?tenant=de%20mo` });
  const gateway = await startSessionGateway(own, api);
  t.after(() => gateway.close());
  const { searchParams } = new URL((await logOut(gateway, await beginSession(gateway, own))).headers.get('location'));
  const { id_token_hint: _, ...parameters } = Object.fromEntries(searchParams);
  assert.deepEqual(parameters, { tenant: 'de mo', client_id: CLIENT_ID, post_logout_redirect_uri: AFTER_LOGOUT });
});

describe('a provider that leaves out', () => {
  test('the end_session endpoint has logouts lead straight to their end', async (t) => {
    const own = await startRealm();
    t.after(() => own.close());
    own.rewrite({ end_session_endpoint: undefined });
    const gateway = await startSessionGateway(own, api, { session: { after_logout: '/bye' } });
    t.after(() => gateway.close());
    for (const [query, expected] of [
      ['', '/bye'],
      ['?return_to=https://spa.example/x', 'https://spa.example/x'],
    ]) {
      const session = await beginSession(gateway, own);
      const answer = await logOut(gateway, session, query);
      assert.equal(answer.status, 303, answer.text);
      assert.equal(
        new URL(answer.headers.get('location'), gateway.origin).href,
        new URL(expected, gateway.origin).href,
      );
      assertCleared(answer, 'the cookie');
      await assertEnded(gateway, session, 'here');
      await until(() => session.family().revoked);
    }
  });

  test('the revocation endpoint has logouts go on without', async (t) => {
    const own = await startRealm();
    t.after(() => own.close());
    own.rewrite({ revocation_endpoint: undefined });
    const gateway = await startSessionGateway(own, api);
    t.after(() => gateway.close());
    const session = await beginSession(gateway, own);
    const answer = await logOut(gateway, session);
    assert.equal(answer.status, 303, answer.text);
    await assertEnded(gateway, session, 'here');
    await gateway.drained();
    assertNoGuesses(own);
    assert.equal(session.family().revoked, false, 'nobody could be told');
    const { message } = await gateway.record(({ code }) => code === 'revocation_failed');
    assert.match(message, /names no endpoint for it: add a revocation_endpoint/);
  });

  test('the revocation endpoint has refresh tokens revoked where the config says', async (t) => {
    const own = await startRealm();
    t.after(() => own.close());
    own.rewrite({ revocation_endpoint: undefined });
    const authorizer = { revocation_endpoint: own.origin + AT.revocation };
    const gateway = await startSessionGateway(own, api, { authorizer });
    t.after(() => gateway.close());
    const session = await beginSession(gateway, own);
    assert.equal((await logOut(gateway, session)).status, 303);
    await until(() => session.family().revoked);
  });
});

describe('the client authenticates', () => {
  // Both have letters that Basic needs to have encoded (RFC 6749 section 2.3.1).
  const client = {
    client_id: 'id: with+all %41 of/them&',
    client_secret: "p:a+s%20s&word=~!*'() of more than thirty-two",
  };

  /** @type {any[][]} */
  const rows = [
    [
      'in the header, where the provider takes nothing else',
      { clientAuthMethods: ['client_secret_basic'] },
      'client_secret_basic',
      {},
      {},
    ],
    [
      'in the header, where the provider does not say',
      {},
      'client_secret_basic',
      { token_endpoint_auth_methods_supported: undefined },
      {},
    ],
    ['in the header, where the provider takes either', {}, 'client_secret_basic', {}, {}],
    [
      'in the form, where the provider takes nothing else',
      { clientAuthMethods: ['client_secret_post'] },
      'client_secret_post',
      {},
      {},
    ],
    [
      'in the form, where the config says so',
      {},
      'client_secret_post',
      {},
      { token_endpoint_auth_method: 'client_secret_post' },
    ],
    [
      'in the form for tokens and in the header for their revocation, which takes nothing else',
      { strict: false },
      'client_secret_post',
      { revocation_endpoint_auth_methods_supported: ['client_secret_basic'] },
      { token_endpoint_auth_method: 'client_secret_post' },
      { [AT.revocation]: 'Basic' },
    ],
  ];
  for (const [name, options, method, document, authorizer, schemes = {}] of rows) {
    test(name, async (t) => {
      const own = await startRealm({ client: { ...client, token_endpoint_auth_method: method }, ...options });
      t.after(() => own.close());
      if (Object.keys(document).length > 0) own.rewrite(document);
      const gateway = await startSessionGateway(own, api, {
        authorizer: { client_id: client.client_id, ...authorizer },
        bindings: { CLIENT_SECRET: client.client_secret },
      });
      t.after(() => gateway.close());
      await renewAndLogOut(gateway, own);
      const at = (...paths) => own.requests.filter(({ path }) => paths.includes(path));
      for (const { path, headers } of at(DISCOVERY, AT.jwks, AT.token, AT.revocation))
        assert.equal(headers['user-agent'], `bargate/${VERSION}`, path);
      const asked = at(AT.token, AT.revocation);
      assert.equal(asked.length, 3, 'a code, a refresh, a revocation');
      for (const { path, headers } of asked) {
        const scheme = schemes[path] ?? (method === 'client_secret_basic' ? 'Basic' : undefined);
        assert.equal(headers.authorization?.split(' ')[0], scheme, path);
      }
    });
  }

  /** @type {any[][]} */
  const keys = [
    ['ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' })],
    ['RS256', () => generateKeyPairSync('rsa', { modulusLength: 2048 })],
    ['EdDSA', () => generateKeyPairSync('ed25519')],
  ];
  for (const [alg, generate] of keys) {
    test(`by an assertion that it signs with ${alg}, where the provider takes nothing else`, async (t) => {
      const { publicKey, privateKey } = generate();
      const jwk = (key) => ({ ...key.export({ format: 'jwk' }), kid: 'one', use: 'sig' });
      const own = await startRealm({
        client: {
          client_secret: undefined,
          token_endpoint_auth_method: 'private_key_jwt',
          token_endpoint_auth_signing_alg: alg,
          jwks: { keys: [jwk(publicKey)] },
        },
        clientAuthMethods: ['private_key_jwt'],
      });
      t.after(() => own.close());
      const gateway = await startSessionGateway(own, api, {
        authorizer: {
          client_secret: undefined,
          sealing_key: CLIENT_SECRET,
          token_endpoint_auth_method: 'private_key_jwt',
          private_key: '$secret.PRIVATE_KEY',
        },
        bindings: { CLIENT_SECRET, PRIVATE_KEY: JSON.stringify(jwk(privateKey)) },
      });
      t.after(() => gateway.close());
      await renewAndLogOut(gateway, own);
      const shown = privateKey.export({ format: 'jwk' }).d;
      assert.ok(
        gateway.lines.every(({ message }) => !message.includes(shown)),
        'the log does not have the key',
      );
    });
  }

  for (const [name, authorizer] of /** @type {any[][]} */ ([
    ['not at all, where it has none', { client_secret: undefined, sealing_key: CLIENT_SECRET }],
    ['not at all, where the config says so', { token_endpoint_auth_method: 'none' }],
  ])) {
    test(name, async (t) => {
      const own = await startRealm({ client: { client_secret: undefined, token_endpoint_auth_method: 'none' } });
      t.after(() => own.close());
      const gateway = await startTokenGateway(own, { authorizer });
      t.after(() => gateway.close());
      const first = await logIn(gateway, new Browser());
      const refreshed = await gateway.ask(REFRESH, {
        method: 'POST',
        headers: { 'x-refresh-token': first.refresh_token },
      });
      assertPrivateJson(refreshed, 'the refresh');
    });
  }
});

describe('the names of the integrations', () => {
  test('that begin with auth0 work with oidc', async (t) => {
    const config = sessionConfig(realm, api, {
      authorizer: oidcAuthorizer(realm),
      session: { after_logout: AFTER_LOGOUT },
    });
    const gateway = await startObeyingGateway(realm, { config });
    t.after(() => gateway.close());
    const session = await beginSession(gateway, realm);
    await assertAlive(gateway, session, 'a login');
    const answer = await logOut(gateway, session);
    assert.ok(answer.headers.get('location').startsWith(`${realm.origin}${AT.end_session}?`));
  });

  test("that begin with oidc work with auth0, at Auth0's addresses", async (t) => {
    const tenant = await startTenant();
    t.after(() => tenant.close());
    const { paths, ...config } = sessionConfig(tenant, api);
    const renamed = JSON.parse(JSON.stringify(paths).replaceAll('"auth0_', '"oidc_'));
    const gateway = await startObeyingGateway(tenant, { config: { ...config, paths: renamed } });
    t.after(() => gateway.close());
    const session = await beginSession(gateway, tenant);
    await assertAlive(gateway, session, 'a login');
    const answer = await logOut(gateway, session);
    assert.ok(answer.headers.get('location').startsWith(`${tenant.origin}/v2/logout?`));
    assert.equal(tenant.counts['/.well-known/openid-configuration'], undefined, 'nothing is discovered');
  });

  test('are the same for an issuer that ends in a slash', async (t) => {
    const tenant = await startTenant();
    t.after(() => tenant.close());
    assert.ok(tenant.issuer.endsWith('/'));
    const authorizer = { token_endpoint_auth_method: 'client_secret_post' };
    const gateway = await startTokenGateway(tenant, { authorizer });
    t.after(() => gateway.close());
    await logIn(gateway, new Browser());
    assert.equal(tenant.counts['/.well-known/openid-configuration'], 1, 'found behind one slash');
  });
});

test('no secret of the provider and none of the client is ever in the log', async () => {
  const { access_token: accessToken, refresh_token: refreshToken } = await logIn(tokens, new Browser());
  await tokens.ask(PROFILE, { headers: { authorization: `Bearer ${accessToken}` } });
  await tokens.ask(REFRESH, { method: 'POST', headers: { 'x-refresh-token': refreshToken } });
  await assertNeverShown(tokens, { accessToken, refreshToken, clientSecret: CLIENT_SECRET }, { inAnswers: false });
});
