// A session whose access token the gateway does not believe: because the provider has withdrawn its key, because the gateway has
// not heard of its key yet, or because it is another's business altogether. Only the last ends the session.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET, base64url } from '../support/bearer.mjs';
import { later } from '../support/clock.mjs';
import { until } from '../support/harness.mjs';
import { PROFILE, REFRESH, assertPrivateJson, assertProblem, claimsOf } from '../support/login-flow.mjs';
import {
  LIFE_SECS,
  PRIVATE,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  assertFamily,
  authorizationFor,
  beginSession,
  startSessionGateway,
  untilDue,
  untilExpired,
  untilErased,
} from '../support/session-flow.mjs';

// JWKS_FRESH_SECS and JWKS_COOLDOWN_SECS of jwks.rs.
const FRESH_SECS = 600;
const COOLDOWN_SECS = 30;
// DOUBT_AFTER_SECS of record.rs.
const DOUBT_AFTER_SECS = 10;
const MANY = 20;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));

// Each test has a gateway of its own, for what one has heard of keys would be another's.
beforeEach(async () => {
  gateway = await startSessionGateway(tenant, api);
});

afterEach(async () => {
  await gateway.close();
  tenant.clearFaults();
  tenant.settings.accessTokenSeconds = LIFE_SECS;
  api.requests.length = 0;
});

const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
const tokenOf = (session) => authorizationFor(gateway, api, session);

async function begin() {
  const session = await beginSession(gateway, tenant);
  tenant.resetCounts();
  return session;
}

/** Has a stranger name a key that nobody has, so that the gateway asks for no unknown key for a while. */
async function spendTheLookUp() {
  const token = [{ alg: 'RS256', kid: 'nobody-has-it' }, {}, 'signature'].map(base64url).join('.');
  const { status } = await gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(status, 401);
  assert.equal(tenant.counts[KEY_SET], 1, 'the provider was asked for it');
}

/** Asserts that a session whose token is not believed yet is told to come back, and kept. */
async function assertKept(session, message) {
  const answers = await Promise.all(
    Array.from({ length: MANY }, (_, index) => askWith(gateway, session.cookie, `/app/${index}`)),
  );
  for (const answer of answers) {
    assertProblem(answer, [503, 'idp_unavailable', '5'], message);
    assert.deepEqual(answer.headers.getSetCookie(), [], `${message}: the cookie is kept`);
  }
}

describe('a session whose token is signed by a key that is withdrawn', () => {
  test('is renewed, and no request fails', async () => {
    tenant.settings.accessTokenSeconds = 10 * FRESH_SECS;
    const session = await begin();
    const token = await tokenOf(session);
    await tenant.rotateKeys({ forgetOld: true });
    await later(FRESH_SECS + 1);
    // The first request has the key set renewed behind its answer.
    await until(async () => (await tokenOf(session)) !== token);
    await Promise.all(Array.from({ length: MANY }, () => assertAlive(gateway, session, 'with the next token')));
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
  });

  test('is renewed once for all who find that out at once', async () => {
    tenant.settings.accessTokenSeconds = 10 * FRESH_SECS;
    const session = await begin();
    const old = await tokenOf(session);
    await tenant.rotateKeys({ forgetOld: true });
    await later(FRESH_SECS + 1);
    const isRefused = async () => (await gateway.ask(PRIVATE, { headers: { authorization: old } })).status === 401;
    await until(isRefused);
    const tokens = await Promise.all(Array.from({ length: MANY }, () => tokenOf(session)));
    assert.ok(!tokens.includes(old));
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
  });

  test('has its user log in where the provider has to ask before it renews, and is kept', async () => {
    tenant.settings.accessTokenSeconds = 10 * FRESH_SECS;
    const session = await begin();
    const old = await tokenOf(session);
    await tenant.rotateKeys({ forgetOld: true });
    await later(FRESH_SECS + 1);
    await until(async () => (await gateway.ask(PRIVATE, { headers: { authorization: old } })).status === 401);
    tenant.fault({ path: TOKEN_ENDPOINT, status: 403, body: { error: 'mfa_required' } });
    const answer = await askWith(gateway, session.cookie);
    assertProblem(answer, [401, 'interaction_required'], 'though its token has not expired');
    assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
    tenant.clearFaults();
    await assertAlive(gateway, session, 'when the user has been asked');
  });
});

describe('a session that is renewed just when the provider has begun to use another key', () => {
  test('is kept, though the gateway may not ask for that key yet, and goes on with the same cookie', async () => {
    const session = await begin();
    await untilDue();
    await spendTheLookUp();
    await tenant.rotateKeys();
    await assertKept(session, 'the renewed token is of a key unknown here');
    assert.equal(exchanges(), 1, 'another token would be no better');
    await later(COOLDOWN_SECS + 1);
    await assertAlive(gateway, session, 'when the key may be asked for');
    assert.equal(exchanges(), 1);
    assertFamily(session, { rotations: 1, revoked: false });
  });

  test('does not ask for one token after another meanwhile', async () => {
    const session = await begin();
    await untilDue();
    await spendTheLookUp();
    await tenant.rotateKeys();
    for (const [wait, expected] of [
      [0, 1],
      [DOUBT_AFTER_SECS / 2, 1],
      [DOUBT_AFTER_SECS / 2, 2],
      [DOUBT_AFTER_SECS / 2, 2],
    ]) {
      await later(wait);
      await assertKept(session, `${wait} seconds later`);
      assert.equal(exchanges(), expected, `${wait} seconds later`);
    }
    assertFamily(session, { rotations: 2, revoked: false });
  });
});

describe('a session that is renewed with a token', () => {
  /** Lets the next renewal bring an access token with these claims. */
  const renewWith = (claims) =>
    tenant.fault({
      path: TOKEN_ENDPOINT,
      times: 1,
      edit: async (answer) => ({
        ...answer,
        body: { ...JSON.parse(answer.body), access_token: await tenant.mint(claims) },
      }),
    });

  for (const [name, claims] of /** @type {any[][]} */ ([
    ['for another audience', { aud: 'https://other.example/' }],
    ['for nobody', { aud: undefined }],
  ])) {
    for (const [when, wait] of /** @type {any[][]} */ ([
      ['while the one before holds', untilDue],
      ['when the one before has expired', untilExpired],
    ])) {
      test(`${name} ends, and its refresh token is revoked: ${when}`, async () => {
        const session = await begin();
        await assertAlive(gateway, session, 'before');
        await wait();
        renewWith(claims);
        const answer = await askWith(gateway, session.cookie, '/app/x');
        assertProblem(answer, [401, 'session_expired'], name);
        assertCleared(answer, name);
        assert.deepEqual(api.requests, [], 'the upstream hears nothing');
        await until(() => session.family().revoked);
        await untilErased(gateway, session);
        await assertEnded(gateway, session, 'for good');
        assert.equal(exchanges(), 1);
      });
    }
  }

  // What the login's ID token said counts for the next (OpenID Connect Core section 12.2).
  /** @type {any[][]} */
  const others = [
    [
      'an access token of another user',
      async () => ({ access_token: await tenant.mint({ sub: tenant.subjectOf('mallory@example.com') }) }),
    ],
    [
      'an ID token of another user',
      async ({ id_token: idToken }) => ({
        id_token: await tenant.mint({ ...claimsOf(idToken), sub: tenant.subjectOf('mallory@example.com') }),
      }),
    ],
    [
      'an ID token that says not whose it is',
      async ({ id_token: idToken }) => ({
        id_token: await tenant.mint({ ...claimsOf(idToken), sub: undefined }),
      }),
    ],
  ];
  for (const [name, change] of others) {
    test(`with ${name} ends, and nobody is shown the other's token`, async () => {
      const session = await begin();
      await untilExpired();
      tenant.fault({
        path: TOKEN_ENDPOINT,
        times: 1,
        edit: async (answer) => {
          const body = JSON.parse(answer.body);
          return { ...answer, body: { ...body, ...(await change(body)) } };
        },
      });
      const answer = await askWith(gateway, session.cookie, '/app/x');
      assertProblem(answer, [401, 'session_expired'], name);
      assertCleared(answer, name);
      assert.deepEqual(api.requests, [], 'the upstream hears nothing');
      // The refresh token that came along is revoked behind the answer, and kept until that is done.
      await until(async () => (await gateway.held('SESSIONS', session.name)) === 0);
    });
  }

  // A login would bring the like, so there is nothing to gain by an end.
  const iss = 'https://other.example/';
  const sub = () => tenant.subjectOf('mallory@example.com');
  /** @type {any[][]} */
  const ofOthers = [
    ['an access token', async () => ({ access_token: await tenant.mint({ iss }) })],
    [
      'an ID token',
      async ({ id_token: idToken }) => ({ id_token: await tenant.mint({ ...claimsOf(idToken), iss, sub: sub() }) }),
    ],
    [
      'both tokens, which may name users otherwise,',
      async ({ id_token: idToken }) => ({
        access_token: await tenant.mint({ iss, sub: sub() }),
        id_token: await tenant.mint({ ...claimsOf(idToken), iss, sub: sub() }),
      }),
    ],
  ];
  for (const [name, change] of ofOthers) {
    test(`with ${name} of another issuer uses none of it, and goes on with the refresh token`, async () => {
      const session = await begin();
      const before = await tokenOf(session);
      const renewOtherwise = () =>
        tenant.fault({
          path: TOKEN_ENDPOINT,
          times: 1,
          edit: async (answer) => {
            const body = JSON.parse(answer.body);
            return { ...answer, body: { ...body, ...(await change(body)) } };
          },
        });
      await untilDue();
      renewOtherwise();
      assert.equal(await tokenOf(session), before, 'the token that holds is used');
      await untilExpired();
      api.requests.length = 0;
      renewOtherwise();
      const answer = await askWith(gateway, session.cookie, '/app/x');
      assertProblem(answer, [503, 'idp_unavailable', '5'], name);
      assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
      assert.deepEqual(api.requests, [], 'the upstream hears nothing');
      assert.notEqual(await tokenOf(session), before, 'the next renewal');
      assertFamily(session, { rotations: 3, revoked: false });
    });
  }

  test('shows the profile of the user of its login alone', async () => {
    const session = await begin();
    assertPrivateJson(await askWith(gateway, session.cookie, PROFILE), 'its own');
    const sub = tenant.subjectOf('mallory@example.com');
    tenant.fault({
      path: '/userinfo',
      times: 1,
      edit: (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), sub } }),
    });
    assertProblem(await askWith(gateway, session.cookie, PROFILE), [502, 'idp_error'], 'of another user');
  });

  const lifeOf = async (session) => {
    const answer = await askWith(gateway, session.cookie, REFRESH);
    assertPrivateJson(answer, 'a refresh');
    return answer.body.expires_in;
  };
  const SHORT_SECS = LIFE_SECS / 2;

  for (const [name, saysOfItsLife] of /** @type {any[][]} */ ([
    ['whose life the answer overstates', { expires_in: 100 * LIFE_SECS }],
    ['of whose life the answer says nothing', { expires_in: undefined }],
    ['of whose life the answer says nonsense', { expires_in: `${LIFE_SECS}` }],
  ])) {
    test(`${name} uses it until its own expiry`, async () => {
      const edit = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), ...saysOfItsLife } });
      tenant.fault({ path: TOKEN_ENDPOINT, edit });
      const session = await begin();
      const first = await lifeOf(session);
      assert.ok(first > LIFE_SECS - 60 && first <= LIFE_SECS, `${first} seconds, as the login's`);
      tenant.settings.accessTokenSeconds = SHORT_SECS;
      await untilDue();
      const renewed = await lifeOf(session);
      assert.ok(renewed > SHORT_SECS - 60 && renewed <= SHORT_SECS, `${renewed} seconds, as the next`);
      const token = await tokenOf(session);
      await later(SHORT_SECS);
      assert.notEqual(await tokenOf(session), token, 'at its end it is used no more');
      assert.equal(exchanges(), 2);
    });
  }
});
