// Opaque access tokens of clients: whether one is valid is the provider's word (RFC 7662), which counts for seconds.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { later } from '../support/clock.mjs';
import { Browser, until } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  REFRESH,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  logIn,
} from '../support/login-flow.mjs';
import { AT, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import { PRIVATE } from '../support/session-flow.mjs';

/** ACTIVE_CACHE_SECS and REFUSED_CACHE_SECS of introspected.rs. */
const ACTIVE_CACHE_SECS = 30;
const REFUSED_CACHE_SECS = 5;
/** How much later a request comes than the question that it waits for: less than makes that lost. */
const LATE_SECS = 5;
const TIMEOUT_SECS = 10;

const UNAVAILABLE = [503, 'idp_unavailable', '5'];
const REJECTED = [502, 'idp_rejected'];
const INVALID = [401, 'token_invalid'];

const paths = [
  { method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } },
  { method: 'GET', path: '/read', auth: { scopes: ['read:messages'] }, response: { ok: true } },
  { method: 'GET', path: '/write', auth: { scopes: ['write:messages'] }, response: { ok: true } },
  { method: 'GET', path: '/strong', auth: { acr_values: ['2'], max_age_seconds: 300 }, response: { ok: true } },
  { method: 'GET', path: '/client', auth: { claims: { client_id: CLIENT_ID } }, response: { ok: true } },
];

let realm;
let gateway;

before(async () => {
  realm = await startRealm({ accessTokenFormat: 'opaque' });
  gateway = await startTokenGateway(realm, { authorizer: { introspection: 'opaque' }, paths });
});

after(async () => {
  await gateway?.close();
  await realm?.close();
});

beforeEach(() => realm.resetCounts());
afterEach(() => realm.clearFaults());

const asked = () => realm.callsOf(AT.introspection);
const askWithToken = (token, path = PRIVATE, of = gateway) =>
  of.ask(path, { headers: { authorization: `Bearer ${token}` } });
const logInHere = () => logIn(gateway, new Browser());
const madeUp = () => randomBytes(32).toString('base64url');

/** Lets the provider say something else of tokens: `change` has the members to replace, `undefined` for those to drop. */
const sayOfTokens = (change, times = Infinity) =>
  realm.fault({
    path: AT.introspection,
    times,
    edit: ({ headers, body }) => ({ status: 200, headers, body: { ...JSON.parse(body), ...change } }),
  });

async function assertOpens(token, message, path = PRIVATE) {
  const answer = await askWithToken(token, path);
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
}

describe('a token of a login', () => {
  test('opens what its scopes and claims open, and nothing else', async () => {
    const { access_token: token } = await logInHere();
    assert.doesNotMatch(token, /\./, 'it is opaque');
    for (const path of [PRIVATE, '/read', '/client']) await assertOpens(token, path, path);
    assertProblem(await askWithToken(token, '/write'), [403, 'insufficient_scope'], 'another scope');
    assert.equal(asked(), 1, 'the answer counts for each path');
  });

  test('opens a path that requires a login of a kind if the answer names that (RFC 9470)', async () => {
    const now = Math.floor(Date.now() / 1000);
    /** @type {[Record<string, any>, boolean, string][]} */
    const rows = [
      [{ acr: '2', auth_time: now }, true, 'strong and recent'],
      [{ acr: '1', auth_time: now }, false, 'too weak'],
      [{ acr: '2', auth_time: now - 331 }, false, 'too old'],
      [{ acr: ['2'], auth_time: `${now}` }, false, 'claims of other types'],
      [{}, false, 'without either'],
    ];
    for (const [said, passes, message] of rows) {
      sayOfTokens(said);
      const { access_token: token } = await logInHere();
      if (passes) await assertOpens(token, message, '/strong');
      else assertProblem(await askWithToken(token, '/strong'), [401, 'insufficient_user_authentication'], message);
      realm.clearFaults();
    }
  });

  test('is asked about once by any number of requests, and again when the answer no longer counts', async () => {
    const { access_token: token } = await logInHere();
    const hold = realm.hold(AT.introspection);
    const requests = Promise.all(Array.from({ length: 8 }, () => askWithToken(token)));
    await hold.arrived(1);
    hold.release();
    assert.deepEqual(new Set((await requests).map(({ status }) => status)), new Set([200]));
    assert.equal(asked(), 1);
    await later(ACTIVE_CACHE_SECS - 1);
    await assertOpens(token, 'while the answer counts');
    assert.equal(asked(), 1);
    await later(1);
    await assertOpens(token, 'then');
    assert.equal(asked(), 2);
  });

  test('is asked about again by the time of the question, whoever came while it was under way', async () => {
    const { access_token: token } = await logInHere();
    const hold = realm.hold(AT.introspection);
    const first = askWithToken(token);
    await hold.arrived(1);
    await later(LATE_SECS);
    const second = askWithToken(token);
    // Behind it, so that it is there as well.
    assert.equal((await gateway.ask(PRIVATE)).status, 401);
    hold.release();
    for (const { status } of await Promise.all([first, second])) assert.equal(status, 200);
    assert.equal(asked(), 1);
    await later(ACTIVE_CACHE_SECS - LATE_SECS);
    await assertOpens(token, 'when the answer no longer counts');
    assert.equal(asked(), 2);
  });

  test('is refused once it was revoked, as soon as the answer before no longer counts', async () => {
    const { access_token: token } = await logInHere();
    await assertOpens(token, 'before');
    const body = new URLSearchParams({ token, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
    assert.equal((await fetch(realm.origin + AT.revocation, { method: 'POST', body })).status, 200);
    await later(ACTIVE_CACHE_SECS);
    const answer = await askWithToken(token);
    assertProblem(answer, INVALID, 'then');
    assert.equal((await gateway.recordOf(answer)).reason, 'the provider says that it is not active');
    await assertNeverShown(gateway, { token }, { inAnswers: false });
  });

  test('is asked about again at its expiry, however long the answer would count', async () => {
    const { access_token: token } = await logInHere();
    sayOfTokens({ exp: Math.floor(Date.now() / 1000) + 10 });
    await assertOpens(token, 'before');
    await later(9);
    await assertOpens(token, 'a second before');
    assert.equal(asked(), 1);
    await later(1);
    await assertOpens(token, 'within the skew of the clocks');
    assert.equal(asked(), 2);
    await later(ACTIVE_CACHE_SECS + 1);
    assertProblem(await askWithToken(token), [401, 'token_expired'], 'behind it, whatever the provider says');
  });

  test('beside a refresh token is still valid, or is renewed if the provider no longer knows it', async () => {
    const { access_token: token, refresh_token: refreshToken } = await logInHere();
    const headers = { authorization: `Bearer ${token}`, 'x-refresh-token': refreshToken };
    const refresh = () => gateway.ask(REFRESH, { method: 'POST', headers });
    const valid = await refresh();
    assertPrivateJson(valid, 'while it is valid');
    assert.equal(valid.body.code, 'token_still_valid');
    assert.ok(valid.body.expires_in > 500, valid.text);
    await later(ACTIVE_CACHE_SECS);
    sayOfTokens({ active: false });
    const renewed = await refresh();
    assertPrivateJson(renewed, 'then');
    assert.match(renewed.body.access_token, /^[\w-]+$/);
    assert.notEqual(renewed.body.access_token, token);
  });
});

test('a JWT is verified here, and nobody is asked', async () => {
  await assertOpens(await realm.mint(), 'a JWT');
  assertProblem(await askWithToken(await realm.mint({ aud: 'other' })), INVALID, 'one for another API');
  assert.equal(asked(), 0);
});

test('with "all", the provider is asked about JWTs too, and its word counts', async (t) => {
  const own = await startTokenGateway(realm, { authorizer: { introspection: 'all' }, paths });
  t.after(() => own.close());
  const token = await realm.mint();
  // oidc-provider refuses to be asked about a JWT.
  for (const [active, status] of [
    [true, 200],
    [false, 401],
  ]) {
    realm.fault({
      path: AT.introspection,
      times: 1,
      kind: 'status',
      status: 200,
      body: JSON.stringify({ active, token_type: 'Bearer', aud: realm.settings.audience }),
    });
    assert.equal((await askWithToken(token, PRIVATE, own)).status, status);
    await later(ACTIVE_CACHE_SECS);
  }
});

test('a made-up token is refused, and asked about once in a few seconds', async () => {
  const token = madeUp();
  for (let round = 0; round < 3; round += 1) assertProblem(await askWithToken(token), INVALID, 'made up');
  assert.equal(asked(), 1);
  await later(REFUSED_CACHE_SECS);
  assertProblem(await askWithToken(token), INVALID, 'made up');
  assert.equal(asked(), 2, 'a replica of the provider may have learned of it');
});

test('any number of made-up tokens leaves what is known of valid ones', async () => {
  const { access_token: token } = await logInHere();
  await assertOpens(token, 'before');
  realm.fault({ path: AT.introspection, kind: 'status', status: 200, body: '{"active":false}' });
  for (let round = 0; round < 42; round += 1) {
    const answers = await Promise.all(Array.from({ length: 50 }, () => askWithToken(madeUp())));
    assert.ok(answers.every(({ status }) => status === 401));
  }
  const before = asked();
  await assertOpens(token, 'behind them');
  assert.equal(asked(), before);
});

test('a token that is longer than one can be is refused unasked', async () => {
  assertProblem(await askWithToken('x'.repeat(16 * 1024 + 1)), INVALID, 'too long');
  assert.equal(asked(), 0);
});

describe('what the provider says of a valid token meets the rules for access tokens', () => {
  /** @type {any[][]} */
  const table = [
    [{ aud: 'https://other.example/' }, /^aud is "https:\/\/other\.example\/", expected /],
    [{ aud: undefined }, /^aud is "bargate-local", expected /],
    [{ aud: undefined, client_id: undefined }, /^aud is missing$/],
    [{ iss: 'https://other.example' }, /^iss is "https:\/\/other\.example", expected /],
    [{ token_type: undefined }, /^token_type is missing$/],
    [{ token_type: 'refresh_token' }, /^token_type is "refresh_token", expected "Bearer"$/],
    [{ cnf: { jkt: 'x' } }, /^cnf binds it/],
    [{ nbf: Number.MAX_SAFE_INTEGER }, /^nbf is \d+, the time is \d+$/],
  ];
  for (const [change, reason] of table) {
    test(`and is refused otherwise: ${JSON.stringify(change)} ${Object.keys(change)}`, async () => {
      const { access_token: token } = await logInHere();
      sayOfTokens(change);
      for (let round = 0; round < 2; round += 1) {
        const answer = await askWithToken(token);
        assertProblem(answer, INVALID, 'refused');
        assert.match((await gateway.recordOf(answer)).reason, reason);
      }
      assert.equal(asked(), 1, 'a refusal counts for seconds too');
    });
  }

  test('without an issuer it is of the one that was asked', async () => {
    const { access_token: token } = await logInHere();
    sayOfTokens({ iss: undefined, exp: undefined });
    await assertOpens(token, 'no iss and no exp');
  });

  test('without an audience it is for the client that it was issued to', async (t) => {
    const authorizer = { introspection: 'opaque', audience: undefined };
    const own = await startTokenGateway(realm, { authorizer, paths });
    t.after(() => own.close());
    for (const [client, expected] of /** @type {any[][]} */ ([
      [CLIENT_ID, 200],
      ['another-client', 401],
    ])) {
      const { access_token: token } = await logInHere();
      sayOfTokens({ aud: undefined, client_id: client }, 1);
      assert.equal((await askWithToken(token, PRIVATE, own)).status, expected, client);
    }
  });

  test('without a type it is an access token if the config says that there is nothing else', async (t) => {
    const authorizer = { introspection: 'opaque', introspection_without_token_type: true };
    const own = await startTokenGateway(realm, { authorizer, paths });
    t.after(() => own.close());
    for (const [type, expected] of /** @type {any[][]} */ ([
      [undefined, 200],
      ['refresh_token', 401],
    ])) {
      const { access_token: token } = await logInHere();
      sayOfTokens({ token_type: type }, 1);
      assert.equal((await askWithToken(token, PRIVATE, own)).status, expected, type);
    }
  });

  test('a refresh token opens nothing', async () => {
    const { refresh_token: token } = await logInHere();
    assertProblem(await askWithToken(token), INVALID, 'the provider knows it');
  });
});

describe('an answer that says nothing of the token never costs a login', () => {
  const secret = madeUp();
  const body = (text) => ({ kind: 'status', status: 200, body: text });
  const error = (status, name) => ({ kind: 'status', status, body: JSON.stringify({ error: name, secret }) });
  /** @type {any[][]} */
  const table = [
    ['the connection breaks', { kind: 'reset' }, UNAVAILABLE],
    ['nothing comes', { kind: 'hang' }, UNAVAILABLE, TIMEOUT_SECS],
    ['500', error(500, 'server_error'), UNAVAILABLE],
    ['a redirect', { kind: 'status', status: 302, headers: { location: '/elsewhere' } }, UNAVAILABLE],
    ['HTML', { kind: 'html' }, UNAVAILABLE],
    ['nothing at all', { kind: 'empty' }, UNAVAILABLE],
    ['JSON that is cut off', { kind: 'malformed' }, UNAVAILABLE],
    ['10 MB', { kind: 'huge' }, UNAVAILABLE],
    ['a list', body('[]'), UNAVAILABLE],
    ['an object without a verdict', body(JSON.stringify({ sub: secret })), UNAVAILABLE],
    ['a verdict that is a text', body('{"active":"true"}'), UNAVAILABLE],
    ['two verdicts', body('{"active":false,"active":true}'), UNAVAILABLE],
    ['a signed answer that nobody asked for', body('eyJhbGciOiJub25lIn0.e30.'), UNAVAILABLE],
    [
      'too many calls',
      { kind: 'status', status: 429, headers: { 'retry-after': '7' } },
      [429, 'idp_rate_limited', '7'],
    ],
    ['the client is refused', error(401, 'invalid_client'), REJECTED],
    ['an error of another endpoint', error(400, 'invalid_grant'), REJECTED],
    ['no such endpoint', error(404, 'not_found'), REJECTED],
  ];
  for (const [name, fault, expected, passes] of table) {
    test(name, async () => {
      const token = madeUp();
      realm.fault({ path: AT.introspection, ...fault });
      const asking = askWithToken(token);
      if (passes) {
        await until(asked);
        await gateway.elapse(passes);
      }
      assertProblem(await asking, expected, name);
      await assertNeverShown(gateway, { secret, token });
      realm.clearFaults();
      assertProblem(await askWithToken(token), INVALID, 'it is asked about again at once');
    });
  }
});

describe('the provider is asked', () => {
  test('at the endpoint of the config, if its document names none', async (t) => {
    const own = await startRealm({ accessTokenFormat: 'opaque' });
    t.after(() => own.close());
    own.rewrite({ introspection_endpoint: undefined });
    for (const [endpoint, expected] of /** @type {any[][]} */ ([
      [undefined, [502, 'idp_error']],
      [own.origin + AT.introspection, INVALID],
    ])) {
      const authorizer = { introspection: 'opaque', introspection_endpoint: endpoint };
      const at = await startTokenGateway(own, { authorizer, paths });
      t.after(() => at.close());
      assertProblem(await askWithToken(madeUp(), PRIVATE, at), expected, `${endpoint}`);
    }
  });

  test('by the method that this endpoint takes', async (t) => {
    const own = await startRealm({ accessTokenFormat: 'opaque' });
    t.after(() => own.close());
    own.fault({ path: AT.introspection, kind: 'status', status: 200, body: '{"active":false}' });
    for (const [methods, scheme] of [
      [['client_secret_basic'], 'Basic'],
      [['client_secret_post'], undefined],
    ]) {
      own.rewrite({ introspection_endpoint_auth_methods_supported: methods });
      const at = await startTokenGateway(own, { authorizer: { introspection: 'opaque' }, paths });
      t.after(() => at.close());
      assertProblem(await askWithToken(madeUp(), PRIVATE, at), INVALID, `${methods}`);
      const { headers } = own.requests.findLast(({ path }) => path === AT.introspection);
      assert.equal(headers.authorization?.split(' ')[0], scheme);
      own.clearFaults();
      own.fault({ path: AT.introspection, kind: 'status', status: 200, body: '{"active":false}' });
    }
  });
});

test('without "introspection", nobody is asked about an opaque token, and it is refused', async (t) => {
  const own = await startTokenGateway(realm, { paths });
  t.after(() => own.close());
  const answer = await askWithToken(madeUp(), PRIVATE, own);
  assertProblem(answer, INVALID, 'opaque');
  assert.equal((await own.recordOf(answer)).reason, 'not three parts');
  assert.equal(asked(), 0);
});
