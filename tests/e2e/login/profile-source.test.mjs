// Where the profile of a session's user is from: the userinfo endpoint, the ID token, or both; what is made of a signed profile;
// and that a provider which refuses the access token of a good session does not have its user log in.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { CLIENT_ID, PROFILE, assertPrivateJson, assertProblem, claimsOf } from '../support/login-flow.mjs';
import { AT, oidcAuthorizer, startRealm, startSessionGateway } from '../support/oidc-flow.mjs';
import {
  askWith,
  assertAlive,
  beginSession,
  claimsAt,
  renewed,
  sessionConfig,
  startObeyingGateway,
} from '../support/session-flow.mjs';

const BY_ID_TOKEN = '/profile/id-token';
const BY_BOTH = '/profile/both';
const EMAIL = 'bob.builder@example.com';
const UNAVAILABLE = [502, 'profile_unavailable'];
const IDP_ERROR = [502, 'idp_error'];

let realm;
let api;
let gateway;

const paths = [
  { method: 'GET', path: BY_ID_TOKEN, integration: { type: 'oidc_userinfo', source: 'id_token' } },
  { method: 'GET', path: BY_BOTH, auth: true, integration: { type: 'oidc_userinfo', source: 'both' } },
];

before(async () => {
  [realm, api] = await Promise.all([startRealm(), startApi()]);
  gateway = await startSessionGateway(realm, api, { paths });
});

after(async () => {
  await gateway?.close();
  await Promise.all([realm?.close(), api?.close()]);
});

beforeEach(() => realm.resetCounts());
afterEach(() => realm.clearFaults());

const begin = () => beginSession(gateway, realm, { email: EMAIL });
const ask = ({ cookie }, path) => askWith(gateway, cookie, path);

/** Has the userinfo endpoint answer this from now on. */
const answerWith = (answer) => realm.fault({ path: AT.userinfo, ...answer });

describe('the profile of a session', () => {
  test('is in its ID token, without what is of the token itself, and the provider is not asked', async () => {
    const session = await begin();
    const answer = await ask(session, BY_ID_TOKEN);
    assertPrivateJson(answer, 'the profile');
    const { auth_time: _, ...profile } = answer.body;
    assert.deepEqual(profile, {
      sub: session.sub,
      email: EMAIL,
      email_verified: true,
      nickname: 'bob.builder',
      name: 'Bob Builder',
    });
    assert.equal(realm.callsOf(AT.userinfo), 0);
  });

  test('is in the ID token of its last renewal', async () => {
    const session = await begin();
    realm.fault({
      path: AT.token,
      times: 1,
      async edit({ status, headers, body }) {
        const answer = JSON.parse(body);
        const claims = { scope: undefined, permissions: undefined, ...claimsOf(answer.id_token), name: 'Robert' };
        return { status, headers, body: { ...answer, id_token: await realm.mint(claims) } };
      },
    });
    await renewed(gateway, api, session);
    assert.equal((await ask(session, BY_ID_TOKEN)).body.name, 'Robert');
  });

  test('is what userinfo says and, of what it does not say, what the ID token does', async () => {
    const session = await begin();
    answerWith({ status: 200, body: { sub: session.sub, email: 'new@example.com', groups: ['a'] } });
    const answer = await ask(session, BY_BOTH);
    assertPrivateJson(answer, 'both');
    const { email, groups, name } = answer.body;
    assert.deepEqual({ email, groups, name }, { email: 'new@example.com', groups: ['a'], name: 'Bob Builder' });
  });

  test('is not made of two users', async () => {
    const session = await begin();
    answerWith({ status: 200, body: { sub: realm.subjectOf('mallory@example.com'), email: 'mallory@example.com' } });
    const answer = await ask(session, BY_BOTH);
    assertProblem(answer, IDP_ERROR, "another user's");
    assert.match((await gateway.recordOf(answer)).reason, /another user's/);
  });

  test('is not in an ID token for a request with a token of its own', async () => {
    const session = await begin();
    await ask(session, '/app/x');
    const { authorization } = api.requests.at(-1).headers;
    assert.equal(claimsAt(api).sub, session.sub);
    for (const path of [BY_ID_TOKEN, BY_BOTH]) {
      answerWith({ status: 200, times: 1, body: { sub: session.sub, only: path } });
      const answer = await gateway.ask(path, { headers: { authorization } });
      assert.deepEqual(answer.body, { sub: session.sub, only: path }, answer.text);
    }
  });
});

describe('a provider that refuses the access token of a session', () => {
  for (const [status, error] of [
    [401, 'invalid_token'],
    [403, 'insufficient_scope'],
  ]) {
    test(`with ${status} does not have its user log in, who keeps the session`, async () => {
      const session = await begin();
      answerWith({ status, body: { error, error_description: 'not for this' } });
      const navigation = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html,*/*' };
      for (const path of [PROFILE, BY_BOTH]) {
        const answer = await ask(session, path);
        assertProblem(answer, UNAVAILABLE, path);
        assert.equal(answer.headers.get('www-authenticate'), null, path);
        assert.deepEqual(answer.headers.getSetCookie(), [], path);
        assert.equal((await gateway.recordOf(answer)).reason, `${status} ${error}: not for this`);
        const page = await askWith(gateway, session.cookie, path, { headers: navigation });
        assert.equal(page.status, 502, 'a navigation is not led to the login');
      }
      assert.equal((await ask(session, BY_ID_TOKEN)).body.email, EMAIL, 'the ID token has it all the same');
      await assertAlive(gateway, session, 'after that');
    });
  }
});

test('a session that began before there was a use for its ID token has none, until its next renewal', async (t) => {
  const configOf = (more) => ({
    ...sessionConfig(realm, api, { authorizer: oidcAuthorizer(realm) }),
    ...more,
  });
  const without = configOf({});
  without.paths = without.paths.filter(({ integration }) => integration?.type !== 'auth0_logout');
  const own = await startObeyingGateway(realm, { config: undefined, kv: ['JWKS', 'CONFIG'], isolates: 2 });
  t.after(() => own.close());
  const namespace = await own.kv('CONFIG');
  await namespace.put('gateway.config.json', JSON.stringify(without));
  const session = await beginSession(own, realm, { email: EMAIL });
  const next = { ...without, paths: [...without.paths, ...paths] };
  await namespace.put('gateway.config.json', JSON.stringify(next));
  // The other isolate has not read a config yet.
  const askOther = (path) => own.askOther(path, { headers: { cookie: session.cookie } });
  const answer = await askOther(BY_ID_TOKEN);
  assertProblem(answer, UNAVAILABLE, 'no ID token');
  assert.match((await own.recordOf(answer)).reason, /the session has no ID token/);
  const both = await askOther(BY_BOTH);
  assertPrivateJson(both, 'userinfo alone');
  assert.equal(both.body.email, EMAIL);
});

describe('a signed profile', () => {
  const now = () => Math.floor(Date.now() / 1000);
  /** The claims of the profile of `sub`, those of the tenant's access tokens left out. */
  const claims = (sub, more = {}) => ({
    sub,
    aud: CLIENT_ID,
    email: EMAIL,
    iat: undefined,
    exp: undefined,
    azp: undefined,
    scope: undefined,
    permissions: undefined,
    ...more,
  });
  const signedAnswer = (body) => ({ status: 200, headers: { 'content-type': 'application/jwt' }, body });

  /** @type {any[][]} */
  const taken = [
    ['that says no more than it must', {}, {}],
    ['for several audiences', { aud: ['other', CLIENT_ID] }, {}],
    ['with an expiry', { exp: () => now() + 60, iat: now }, {}],
    ['without a typ', {}, { header: { typ: undefined } }],
  ];
  for (const [name, more, how] of taken) {
    test(`${name} is taken`, async () => {
      const session = await begin();
      const values = Object.entries(more).map(([key, value]) => [key, typeof value === 'function' ? value() : value]);
      const token = await realm.mint(claims(session.sub, Object.fromEntries(values)), how);
      answerWith(signedAnswer(token));
      const answer = await ask(session, PROFILE);
      assertPrivateJson(answer, name);
      assert.deepEqual([answer.body.sub, answer.body.email], [session.sub, EMAIL]);
    });
  }

  /** @type {any[][]} */
  const refused = [
    ['of another issuer', { iss: 'https://evil.example' }, {}, /^the signed profile: iss is /],
    ['for another client', { aud: 'other' }, {}, /^the signed profile: aud is /],
    ['for nobody', { aud: undefined }, {}, /^the signed profile: aud is missing/],
    ['of nobody', { iss: undefined }, {}, /^the signed profile: iss is missing/],
    ['that has expired', { exp: 1 }, {}, /^the signed profile: exp is /],
    ['of another user', { sub: 'mallory' }, {}, /another user's/],
    ['that does not say whose it is', { sub: undefined }, {}, /says not whose/],
    ['that is an access token', {}, { header: { typ: 'at+jwt' } }, /another kind of token/],
  ];
  for (const [name, more, how, reason] of refused) {
    test(`${name} is not`, async () => {
      const session = await begin();
      answerWith(signedAnswer(await realm.mint(claims(session.sub, more), how)));
      const answer = await ask(session, PROFILE);
      assertProblem(answer, IDP_ERROR, name);
      assert.match((await gateway.recordOf(answer)).reason, reason);
      assert.ok(!answer.text.includes(EMAIL), 'nothing of it is shown');
      await assertAlive(gateway, session, 'after that');
    });
  }

  test('of a key that is not in the JWKS is not', async () => {
    const session = await begin();
    const key = await generateSigningKey('RS256');
    answerWith(signedAnswer(await realm.mint(claims(session.sub), { key })));
    assertProblem(await ask(session, PROFILE), IDP_ERROR, 'a stranger');
  });

  test('without a signature, cut off or encrypted is not', async () => {
    const session = await begin();
    const signed = await realm.mint(claims(session.sub));
    const [, payload] = signed.split('.');
    const header = (members) => Buffer.from(JSON.stringify(members)).toString('base64url');
    /** @type {[string, RegExp][]} */
    const bodies = [
      [`${header({ alg: 'none' })}.${payload}.`, /algorithm "none"/],
      [signed.slice(0, -4), /^the signed profile: /],
      [`${header({ alg: 'RSA-OAEP', enc: 'A128GCM' })}.a.b.c.d`, /encrypted/],
      ['x'.repeat(20_000), /malformed/],
      [`${'x'.repeat(20_000)}.${payload}.x`, /at most/],
    ];
    for (const [body, reason] of bodies) {
      answerWith({ ...signedAnswer(body), times: 1 });
      const answer = await ask(session, PROFILE);
      assertProblem(answer, IDP_ERROR, body.slice(0, 40));
      assert.match((await gateway.recordOf(answer)).reason, reason);
    }
  });
});
