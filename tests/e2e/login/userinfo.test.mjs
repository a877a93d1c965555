// The profile, end to end: which token is shown to the provider, and what its answers mean.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from '../support/harness.mjs';
import {
  PROFILE,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  logIn,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';
import { assertProviderAnswers } from '../support/provider-answers.mjs';
import { mode } from '../support/tenant-mode.mjs';

const GUARDED = '/guarded/profile';
const TOKEN_INVALID = [401, 'token_invalid'];
/** Logins without an API, whose access tokens are opaque. */
const OPAQUE = { audience: undefined, resource: undefined };
/** A strict tenant's userinfo takes no others. */
const forUserinfo = mode.isStrict ? OPAQUE : {};

let tenant;
let gateway;
let impatient;
let opaque;

before(async () => {
  tenant = await startTenant();
  const paths = [{ method: 'GET', path: GUARDED, auth: true, integration: { type: 'auth0_userinfo' } }];
  [gateway, impatient, opaque] = await Promise.all([
    startLoginGateway(tenant, { paths, authorizer: forUserinfo }),
    startLoginGateway(tenant, { authorizer: { ...forUserinfo, timeout_ms: 100 } }),
    // Here bearers are ID tokens.
    startLoginGateway(tenant, { paths, authorizer: OPAQUE }),
  ]);
});

after(async () => {
  tenant?.clearFaults();
  await Promise.all([gateway, impatient, opaque].map((each) => each?.close()));
  await tenant?.close();
});

test("the access token of X-Access-Token, or else the bearer token, opens its owner's profile", async () => {
  const alice = (await logIn(gateway, new Browser(), { email: 'alice@example.com' })).access_token;
  const bob = (await logIn(gateway, new Browser(), { email: 'bob.builder@example.com' })).access_token;
  /** @type {any[][]} */
  const table = [
    [{ authorization: `Bearer ${alice}` }, 'alice@example.com', 'the bearer token'],
    [{ authorization: `bearer ${alice}` }, 'alice@example.com', 'its scheme in another case'],
    [{ 'x-access-token': bob }, 'bob.builder@example.com', 'the header of its own'],
    [
      { 'x-access-token': bob, authorization: `Bearer ${alice}` },
      'bob.builder@example.com',
      'both: the header of its own',
    ],
    [
      { 'x-access-token': '', authorization: `Bearer ${alice}` },
      'alice@example.com',
      'an empty header: the bearer token',
    ],
  ];
  for (const [headers, email, message] of table) {
    const answer = await gateway.ask(PROFILE, { headers });
    assertPrivateJson(answer, message);
    assert.deepEqual([answer.body.email, answer.body.sub], [email, tenant.subjectOf(email)], message);
  }
  const { body } = await gateway.ask(PROFILE, { headers: { 'x-access-token': bob } });
  assert.deepEqual(
    body,
    {
      sub: tenant.subjectOf('bob.builder@example.com'),
      email: 'bob.builder@example.com',
      email_verified: true,
      nickname: 'bob.builder',
      name: 'Bob Builder',
    },
    'the profile as the provider gave it',
  );
});

test('an opaque access token opens the profile, beside an ID token where the path needs one', async () => {
  const { access_token: accessToken, id_token: idToken } = await logIn(opaque, new Browser());
  assert.equal(accessToken.split('.').length, 1, 'opaque');
  /** @type {any[][]} */
  const table = [
    [PROFILE, { 'x-access-token': accessToken }, 'by its own header'],
    [PROFILE, { authorization: `Bearer ${accessToken}` }, 'as the bearer token'],
    [GUARDED, { authorization: `Bearer ${idToken}`, 'x-access-token': accessToken }, 'beside the ID token'],
  ];
  for (const [path, headers, message] of table) {
    const answer = await opaque.ask(path, { headers });
    assertPrivateJson(answer, message);
    assert.equal(answer.body.email, 'alice@example.com', message);
  }
  tenant.resetCounts();
  const alone = await opaque.ask(GUARDED, { headers: { 'x-access-token': accessToken } });
  assertProblem(alone, [401, 'token_missing'], 'the header of its own is no login');
  const wrong = await opaque.ask(GUARDED, { headers: { authorization: `Bearer ${accessToken}` } });
  assertProblem(wrong, TOKEN_INVALID, 'nor is an opaque token');
  assert.deepEqual(tenant.counts, {}, 'and the provider is not asked');
});

test('without a usable access token there is no profile', async () => {
  const now = Math.floor(Date.now() / 1000);
  const expired = await tenant.mint({ iat: now - 3600, exp: now - 60 });
  const missing = [401, 'missing_access_token'];
  /** @type {any[][]} */
  const table = [
    [{}, missing, /^Bearer$/, 'nothing'],
    [{ authorization: 'Basic dXNlcjpwYXNz' }, missing, /^Bearer$/, 'another scheme'],
    [{ 'x-access-token': ' ' }, missing, /^Bearer$/, 'an empty header'],
    [{ authorization: 'Bearer' }, TOKEN_INVALID, /invalid_token/, 'a scheme without a token'],
    [{ authorization: 'Bearer a b' }, TOKEN_INVALID, /invalid_token/, 'two words'],
    [{ 'x-access-token': 'never-issued' }, TOKEN_INVALID, /invalid_token/, 'a token that the provider does not know'],
    [{ 'x-access-token': expired }, TOKEN_INVALID, /invalid_token/, 'one that has expired'],
    [{ authorization: `Bearer ${expired}` }, TOKEN_INVALID, /invalid_token/, 'the same as the bearer token'],
    [{ 'x-access-token': 'a b' }, TOKEN_INVALID, /invalid_token/, 'two words in the header of its own'],
    [{ 'x-access-token': 'a, Bearer b' }, TOKEN_INVALID, /invalid_token/, 'two tokens in one header'],
    [{ 'x-access-token': 'é' }, TOKEN_INVALID, /invalid_token/, 'a letter that no token has'],
  ];
  for (const [headers, expected, challenge, message] of table) {
    const answer = await gateway.ask(PROFILE, { headers });
    assertProblem(answer, expected, message);
    assert.match(answer.headers.get('www-authenticate'), challenge, message);
  }
});

test("a profile of another user is nobody's, and so is one that says not whose it is", async () => {
  const { access_token: accessToken, id_token: idToken } = await logIn(opaque, new Browser());
  const { access_token: readable } = await logIn(gateway, new Browser());
  const beside = { authorization: `Bearer ${idToken}`, 'x-access-token': accessToken };
  const other = tenant.subjectOf('mallory@example.com');
  const table = [
    [
      gateway,
      PROFILE,
      { authorization: `Bearer ${readable}` },
      other,
      mode.isStrict,
      'another than that of the access token, if it can be read',
    ],
    [gateway, PROFILE, { 'x-access-token': readable }, undefined, false, 'none'],
    [opaque, PROFILE, { 'x-access-token': accessToken }, '', false, 'an empty one, for a token that says nothing'],
    [opaque, PROFILE, { 'x-access-token': accessToken }, 7, false, 'a number'],
    [opaque, PROFILE, { 'x-access-token': accessToken }, other, true, 'any, for a token that says nothing'],
    [opaque, GUARDED, beside, other, false, 'another than that of the ID token beside it'],
  ];
  for (const [of, path, headers, sub, taken, message] of table) {
    tenant.fault({
      path: '/userinfo',
      times: 1,
      edit: (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), sub } }),
    });
    const answer = await of.ask(path, { headers });
    if (taken) {
      assertPrivateJson(answer, message);
    } else {
      assertProblem(answer, [502, 'idp_error'], message);
      assert.match((await of.recordOf(answer)).reason, /^200: the profile is /, message);
      assert.ok(!answer.text.includes('alice'), `${message}: nothing of it is shown`);
    }
  }
});

test('every answer of the userinfo endpoint means what the contract says', async () => {
  const { access_token: accessToken } = await logIn(gateway, new Browser());
  const headers = { authorization: `Bearer ${accessToken}` };
  await assertProviderAnswers({
    tenant,
    path: '/userinfo',
    integration: 'userinfo',
    patient: gateway,
    impatient,
    send: (to) => to.ask(PROFILE, { headers }),
  });
  assertPrivateJson(await gateway.ask(PROFILE, { headers }), 'after all of that');
  await assertNeverShown(gateway, { accessToken }, { inAnswers: false });
});
