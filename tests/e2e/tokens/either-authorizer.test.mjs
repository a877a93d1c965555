// Paths that two authorizers open: people with a session or a token, and partners with a key, each by the form of what they send.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { NAMESPACE, PREFIX, inKv, makeKey, store } from '../support/api-keys.mjs';
import { Browser, proxied, sendRaw } from '../support/harness.mjs';
import {
  LOGIN,
  PROFILE,
  assertNeverShown,
  assertProblem,
  loginConfig,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { AT, oidcAuthorizer, startRealm, underTheirOidcNames } from '../support/oidc-flow.mjs';
import { OWN_PAGE, askWith, beginSession, sessionConfig } from '../support/session-flow.mjs';

const INVALID = [401, 'token_invalid'];

let tenant;
let stranger;
let api;
let gateway;
/** @type {import('../support/api-keys.mjs').Key} */
let key;

const either = { authorizer: ['people', 'partners'], scopes: ['read:messages'] };
const mapping = { headers: { 'x-user': '$request.jwt.sub', 'x-issuer': '$request.jwt.iss' } };

before(async () => {
  [tenant, stranger, api, key] = await Promise.all([
    startTenant(),
    startTenant(),
    startApi(),
    makeKey(['--scope', 'read:messages']),
  ]);
  const { authorizer: people, ...config } = sessionConfig(tenant, api, {
    paths: [
      proxied('/either/{.+}', 'api', { auth: either, mapping }),
      proxied('/partners/{.+}', 'api', { auth: 'partners' }),
      { method: 'GET', path: '/who', auth: either, integration: { type: 'auth0_userinfo' } },
      { method: 'POST', path: '/renew', auth: either, integration: { type: 'auth0_refresh' } },
      { method: 'GET', path: '/all', auth: ['people', 'jobs', 'partners'], response: { ok: true } },
      {
        method: 'GET',
        path: '/limited',
        auth: ['people', 'jobs'],
        response: {},
        rate_limit: { limit: 1, period_seconds: 100, key: 'sub' },
      },
      { method: 'GET', path: '/optional', auth: { ...either, optional: true }, response: { ok: true } },
    ],
  });
  const jobs = { type: 'auth0', domain: stranger.origin, client_id: 'jobs', audience: stranger.settings.audience };
  gateway = await startLoginGateway(tenant, {
    config: { ...config, authorizers: { people, jobs, partners: inKv }, protected_resource: {} },
    kv: ['JWKS', NAMESPACE],
  });
  await store(gateway, key);
});

after(() => Promise.all([gateway?.close(), tenant?.close(), stranger?.close(), api?.close()]));

const withKey = () => ({ 'x-api-key': key.key });
const withToken = async (of = tenant) => ({ authorization: `Bearer ${await of.mint({ scope: 'read:messages' })}` });

describe('either is enough', () => {
  test('a key, a token and a session, each with its own claims', async () => {
    const { cookie, sub } = await beginSession(gateway, tenant, { browser: new Browser() });
    const rows = [
      [
        'a key',
        () => gateway.ask('/either/1', { headers: withKey() }),
        'acme',
        'urn:bargate:api_key:partners',
        undefined,
      ],
      [
        'a token',
        async () => gateway.ask('/either/1', { headers: await withToken() }),
        undefined,
        tenant.issuer,
        /^Bearer ey/,
      ],
      [
        'a session',
        () => askWith(gateway, cookie, '/either/1', { headers: OWN_PAGE }),
        sub,
        tenant.issuer,
        /^Bearer ey/,
      ],
    ];
    for (const [message, asked, user, issuer, authorization] of rows) {
      const answer = await asked();
      assert.equal(answer.status, 200, `${message}: ${answer.text}`);
      const sent = api.requests.at(-1).headers;
      if (user) assert.equal(sent['x-user'], user, message);
      assert.equal(sent['x-issuer'], issuer, message);
      if (authorization) assert.match(sent.authorization, authorization, message);
      else assert.equal(sent.authorization, undefined, message);
      assert.equal(sent['x-api-key'], undefined, message);
    }
  });

  test('of two that sign tokens, the one that a token names', async () => {
    for (const of of [tenant, stranger]) {
      const answer = await gateway.ask('/all', { headers: await withToken(of) });
      assert.equal(answer.status, 200, answer.text);
    }
    assertProblem(
      await gateway.ask('/either/1', { headers: await withToken(stranger) }),
      INVALID,
      'one that the path has not',
    );
  });

  test('and a path of keys alone takes no session and no token', async () => {
    const { cookie } = await beginSession(gateway, tenant, { browser: new Browser() });
    assertProblem(await askWith(gateway, cookie, '/partners/1'), [401, 'token_missing'], 'a session');
    assertProblem(await gateway.ask('/partners/1', { headers: await withToken() }), INVALID, 'a token');
  });

  test('never two at once, nor the other if one is wrong', async () => {
    const { cookie } = await beginSession(gateway, tenant, { browser: new Browser() });
    assertProblem(
      await gateway.ask('/either/1', { headers: { ...withKey(), ...(await withToken()) } }),
      INVALID,
      'both',
    );
    const wrong = { 'x-api-key': `${key.key.slice(0, -1)}${key.key.endsWith('0') ? '1' : '0'}` };
    assertProblem(
      await askWith(gateway, cookie, '/either/1', { headers: { ...OWN_PAGE, ...wrong } }),
      INVALID,
      'a wrong key',
    );
    assertProblem(await gateway.ask('/optional', { headers: wrong }), INVALID, 'a wrong key where none is needed');
    assert.equal((await gateway.ask('/optional')).status, 200);
  });
});

test('who sends nothing learns each way in, and a person who follows a link is sent to the login', async () => {
  const answer = await gateway.ask('/either/1');
  assertProblem(answer, [401, 'token_missing'], 'nothing');
  const challenge = answer.headers.get('www-authenticate');
  assert.match(challenge, /^Bearer scope="read:messages", resource_metadata="[^"]+", ApiKey header="X-API-Key"$/);
  const link = await sendRaw(gateway.origin, { path: '/either/1', headers: { 'sec-fetch-mode': 'navigate' } });
  assert.equal(link.status, 302);
  assert.ok(link.header('location').startsWith(LOGIN));
  const { body } = await gateway.ask('/.well-known/oauth-protected-resource');
  assert.deepEqual(body.authorization_servers.sort(), [tenant.issuer, stranger.issuer].sort(), 'keys have no issuer');
});

test('what a session says is for whom the session lets in, and not for a key beside it', async () => {
  const { cookie } = await beginSession(gateway, tenant, { browser: new Browser() });
  /** @type {[string, object, [number, string]][]} */
  const rows = [
    ['/who', {}, [401, 'missing_access_token']],
    ['/renew', { method: 'POST' }, [400, 'missing_refresh_token']],
  ];
  for (const [path, options, expected] of rows) {
    const alone = await askWith(gateway, cookie, path, { ...options, headers: OWN_PAGE });
    assert.equal(alone.status, 200, alone.text);
    const beside = await askWith(gateway, cookie, path, { ...options, headers: { ...OWN_PAGE, ...withKey() } });
    assertProblem(beside, expected, path);
  }
});

test('users of two issuers are counted apart', async () => {
  const mint = (of) => of.mint({ sub: 'alice', scope: 'read:messages' });
  const statuses = [];
  for (const of of [tenant, tenant, stranger]) {
    const { status } = await gateway.ask('/limited', { headers: { authorization: `Bearer ${await mint(of)}` } });
    statuses.push(status);
  }
  assert.deepEqual(statuses, [200, 429, 200]);
});

describe('a provider that is asked about tokens', () => {
  const calls = [];
  let realm;
  let asking;

  /** Carries each request to where it goes, and keeps the whole of it. */
  async function outbound(request) {
    const { url, method, headers } = request;
    const body = method === 'POST' ? await request.text() : undefined;
    const sent = Object.fromEntries(headers);
    calls.push({ path: new URL(url).pathname, text: [url, JSON.stringify(sent), body].join('\n') });
    return fetch(url, { method, headers: sent, body, redirect: 'manual' });
  }

  before(async () => {
    realm = await startRealm({ accessTokenFormat: 'opaque' });
    const { authorizer: people, ...config } = /** @type {any} */ (
      underTheirOidcNames(
        loginConfig(realm, {
          authorizer: oidcAuthorizer(realm, { introspection: 'all' }),
          paths: [
            { method: 'GET', path: '/either', auth: ['people', 'partners'], response: { ok: true } },
            { method: 'GET', path: '/people', auth: 'people', response: { ok: true } },
            { method: 'GET', path: '/who', auth: ['people', 'partners'], integration: { type: 'auth0_userinfo' } },
          ],
        }),
      )
    );
    asking = await startLoginGateway(realm, {
      config: { ...config, authorizers: { people, partners: inKv } },
      kv: ['JWKS', NAMESPACE],
      outbound,
    });
    await store(asking, key);
  });
  after(() => Promise.all([asking?.close(), realm?.close()]));

  test('is never shown a key, wherever a client puts it and whatever is wrong with it', async () => {
    const digits = key.key.slice(PREFIX.length + 1);
    const mistyped = `${key.key.slice(0, -1)}${key.key.endsWith('0') ? '1' : '0'}`;
    const keys = [key.key, (await makeKey()).key, mistyped, key.key.slice(0, -3), `${key.key}x`];
    const asBearer = (text) => ({ authorization: `Bearer ${text}` });
    for (const text of keys) {
      for (const path of ['/either', '/people', '/who', PROFILE]) {
        for (const headers of [asBearer(text), { 'x-api-key': text }, { 'x-access-token': text }]) {
          const { status } = await asking.ask(path, { headers });
          const opens = text === key.key && path === '/either' && !('x-access-token' in headers);
          assert.equal(status, opens ? 200 : 401, `${path} ${Object.keys(headers)} ${keys.indexOf(text)}`);
        }
        const both = { 'x-access-token': text, 'x-api-key': key.key };
        await asking.ask(path, { headers: both });
      }
    }
    for (const { path, text } of calls) {
      assert.ok(!text.includes(PREFIX) && !text.includes(digits), `${path} was shown a key`);
    }
    const tokens = await asking.ask('/either', { headers: asBearer('an-opaque-token-of-nobody') });
    assertProblem(tokens, INVALID, 'a token that the provider does not know');
    assert.ok(
      calls.some(({ path, text }) => path === AT.introspection && text.includes('an-opaque-token-of-nobody')),
      'and it is asked about tokens',
    );
  });
});

test('no key is in an answer or in the log', async () => {
  await gateway.ask('/either/1', { headers: withKey() });
  await assertNeverShown(gateway, { key: key.key });
});
