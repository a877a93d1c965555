// Signed answers about opaque tokens (RFC 9701): the gateway asks for them if its config does, and believes no others.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { Browser } from '../support/harness.mjs';
import { CLIENT_ID, assertNeverShown, assertProblem, logIn } from '../support/login-flow.mjs';
import { AT, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import { flipSignatureBit } from '../support/bearer.mjs';
import { PRIVATE } from '../support/session-flow.mjs';

const SIGNED = 'application/token-introspection+jwt';
const UNAVAILABLE = [503, 'idp_unavailable', '5'];

let realm;
let gateway;

before(async () => {
  realm = await startRealm({ accessTokenFormat: 'opaque' });
  const authorizer = { introspection: 'opaque', introspection_signed_response_alg: 'RS256' };
  const paths = [{ method: 'GET', path: PRIVATE, auth: true, response: { ok: true } }];
  gateway = await startTokenGateway(realm, { authorizer, paths });
});

after(async () => {
  await gateway?.close();
  await realm?.close();
});

const ask = (token) => gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } });
const logInHere = async () => (await logIn(gateway, new Browser())).access_token;

/** What the provider says of a token that is valid. */
const said = () => ({
  active: true,
  token_type: 'Bearer',
  client_id: CLIENT_ID,
  aud: realm.settings.audience,
  sub: 'alice',
});

/** Signs an answer, with claims replaced, or left out if `undefined`. */
const answerOf = (claims = {}, how = {}) => {
  const usual = { aud: CLIENT_ID, exp: undefined, sub: undefined, azp: undefined, token_introspection: said() };
  return realm.mint({ ...usual, ...claims }, { ...how, header: { typ: 'token-introspection+jwt', ...how.header } });
};

/** Lets the provider answer so, once. */
const answerWith = (body) =>
  realm.fault({
    path: AT.introspection,
    times: 1,
    edit: () => ({ status: 200, headers: { 'content-type': SIGNED }, body }),
  });

test('the answer of oidc-provider is asked for, verified and used', async () => {
  const token = await logInHere();
  realm.resetCounts();
  assert.equal((await ask(token)).status, 200);
  const asked = realm.requests.findLast(({ path }) => path === AT.introspection);
  assert.equal(asked.headers.accept, SIGNED);
  assert.equal((await ask(token)).status, 200);
  assert.equal(realm.callsOf(AT.introspection), 1, 'the answer counts for the next request');
  const answer = await ask('made-up');
  assertProblem(answer, [401, 'token_invalid'], 'one that it does not know');
  assert.equal((await gateway.recordOf(answer)).reason, 'the provider says that it is not active');
});

test('an answer may have more than it must, and several audiences', async () => {
  const now = Math.floor(Date.now() / 1000);
  for (const claims of [{}, { aud: ['other', CLIENT_ID] }, { exp: now + 60, jti: 'x' }]) {
    answerWith(await answerOf(claims));
    assert.equal((await ask(`a-token-${Object.keys(claims).length}`)).status, 200, JSON.stringify(claims));
  }
});

describe('an answer that is not what was asked for is 503, and says nothing of the token:', () => {
  const namesTheKey = 'the answer is not what introspection_signed_response_alg asks for: ';
  /** @type {[string, () => any, RegExp][]} */
  const table = [
    ['JSON', said, /: a part is not base64url$/],
    ['nothing', () => '', /: not three parts$/],
    ['a page', () => '<html></html>', /: not three parts$/],
    ['an encrypted one', () => 'e30.a.b.c.d', /: not three parts$/],
    ['an altered one', async () => flipSignatureBit(await answerOf()), /: the signature does not verify$/],
    ['of an unknown key', async () => answerOf({}, { key: await generateSigningKey('RS256') }), /: no key /],
    ['of another algorithm', () => answerOf({}, { alg: 'ES256' }), /: algorithm "ES256" is not allowed$/],
    ['of no kind', () => answerOf({}, { header: { typ: undefined } }), /: typ is that of another kind of token$/],
    ['of any kind', () => answerOf({}, { header: { typ: 'JWT' } }), /: typ is that of another kind of token$/],
    ['an access token', () => answerOf({}, { header: { typ: 'at+jwt' } }), /: typ is that of another kind of token$/],
    ['of another issuer', () => answerOf({ iss: 'https://evil.example' }), /: iss is "https:\/\/evil.example"/],
    ['of nobody', () => answerOf({ iss: undefined }), /: iss is missing$/],
    ['for another client', () => answerOf({ aud: realm.settings.audience }), /: aud is "/],
    ['for nobody', () => answerOf({ aud: undefined }), /: aud is missing$/],
    ['of no date', () => answerOf({ iat: undefined }), /: iat is missing$/],
    ['of tomorrow', () => answerOf({ iat: Math.floor(Date.now() / 1000) + 86_400 }), /: iat is \d+/],
    ['that has expired', () => answerOf({ exp: 1 }), /: exp is 1/],
    ['about nothing', () => answerOf({ token_introspection: undefined }), /the answer is malformed$/],
    ['about a text', () => answerOf({ token_introspection: 'active' }), /the answer is malformed$/],
    ['about no activity', () => answerOf({ token_introspection: {}, active: true }), /the answer is malformed$/],
  ];
  for (const [name, answer, reason] of table) {
    test(name, async () => {
      const token = await logInHere();
      answerWith(await answer());
      const refused = await ask(token);
      assertProblem(refused, UNAVAILABLE, name);
      const record = await gateway.recordOf(refused);
      assert.match(record.reason, reason);
      assert.ok(record.reason.includes(namesTheKey) || /malformed$/.test(record.reason), record.reason);
      assert.equal((await ask(token)).status, 200, 'the next question is answered');
      await assertNeverShown(gateway, { token }, { inAnswers: false });
    });
  }
});
