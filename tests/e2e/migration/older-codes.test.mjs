// `older_codes`: clients of the JavaScript gateway read the codes that they know, and the codes of this one beside them. What that
// gateway said of a token it had from `jose`, which is asked here for the same tokens.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, errors, jwtVerify } from 'jose';
import { startTenant } from '../../../dev/tenant.mjs';
import { flipSignatureBit } from '../support/bearer.mjs';
import { startGateway } from '../support/harness.mjs';
import { CALLBACK, LOGIN, PROFILE, REFRESH, startLoginGateway } from '../support/login-flow.mjs';
import { TOKEN_ENDPOINT } from '../support/session-flow.mjs';
import {
  AUDIENCE,
  ISSUER,
  claimsFor,
  keySetOf,
  makeKey,
  signed,
  signedWithSecret,
  unsigned,
} from '../support/signing.mjs';

const KEY = makeKey('RS256', 'known');
const OTHER_KEY = makeKey('RS256', 'also known');
const STRANGE_KEY = makeKey('RS256', 'unknown');
const KEY_SET = keySetOf(KEY, OTHER_KEY);

const [head, payload, signature] = signed(KEY).split('.');
const FAR_AHEAD = 4_102_444_800;

// What is wrong with a token; the code here; the token.
const TOKENS = [
  ['has expired', 'token_expired', signed(KEY, claimsFor({ exp: 1 }))],
  ['is of another issuer', 'token_invalid', signed(KEY, claimsFor({ iss: 'https://strangers.example/' }))],
  ['is for another audience', 'token_invalid', signed(KEY, claimsFor({ aud: 'another' }))],
  ['is not valid yet', 'token_invalid', signed(KEY, claimsFor({ nbf: FAR_AHEAD }))],
  ['says no time for its end', 'token_invalid', signed(KEY, claimsFor({ exp: 'soon' }))],
  ['was altered', 'token_invalid', flipSignatureBit(signed(KEY))],
  ['is signed with a key that the set has not', 'token_invalid', signed(STRANGE_KEY)],
  ['names no key, of which there are two', 'token_invalid', signed(KEY, claimsFor(), { kid: undefined })],
  ['has two parts', 'token_invalid', `${head}.${payload}`],
  ['has a header that is no JSON', 'token_invalid', `e30x.${payload}.${signature}`],
  ['has no header', 'token_invalid', `.${payload}.${signature}`],
  ['holds no object', 'token_invalid', signed(KEY, ['not', 'claims'])],
  ['is signed by nobody', 'token_invalid', unsigned()],
  [
    'is signed with the public key as a secret',
    'token_invalid',
    signedWithSecret(KEY.pem, claimsFor(), { kid: KEY.kid }),
  ],
  ['has an extension that must be understood', 'token_invalid', signed(KEY, claimsFor(), { crit: ['x'], x: 1 })],
];

/** The classes of errors whose codes that gateway passed on; all others were AUTH_ERROR. */
const PASSED_ON = [
  'JOSEAlgNotAllowed',
  'JWEDecryptionFailed',
  'JWEInvalid',
  'JWTExpired',
  'JWTClaimValidationFailed',
  'JWTInvalid',
  'JWKSNoMatchingKey',
  'JWKSInvalid',
  'JWKSMultipleMatchingKeys',
  'JWSInvalid',
  'JWSSignatureVerificationFailed',
];

async function codeThere(token) {
  const error = await jwtVerify(token, createLocalJWKSet(JSON.parse(KEY_SET)), {
    issuer: ISSUER,
    audience: AUDIENCE,
  }).then(assert.fail, (reason) => reason);
  return PASSED_ON.some((name) => error instanceof errors[name]) ? error.code : 'AUTH_ERROR';
}

let tenant;
let plain;
let older;
let flow;

before(async () => {
  const config = {
    authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, jwks: KEY_SET, algorithms: ['RS256'] },
    paths: [{ method: 'GET', path: '/private', auth: true, response: {} }],
  };
  tenant = await startTenant({ redirectUris: ['http://127.0.0.1:8787/api/auth0/callback'] });
  plain = await startGateway({ config });
  older = await startGateway({ config: { ...config, older_codes: true } });
  flow = await startLoginGateway(tenant, { sections: { older_codes: true } });
});

after(() => Promise.all([plain, older, flow, tenant].map((each) => each?.close())));

/** What an answer calls its failure: in `code`, beside it, in the header, and in the log. */
const named = ({ body, headers, record }) => [body.code, body.bargate_code, headers.get('x-problem-code'), record.code];

describe('a token has the code that the JavaScript gateway gave it, and its own beside that, where it', () => {
  for (const [message, code, token] of TOKENS) {
    test(message, async () => {
      const headers = { authorization: `Bearer ${token}` };
      assert.deepEqual(
        named(await plain.ask('/private', { headers })),
        [code, undefined, code, code],
        'without the switch',
      );
      const answer = await older.ask('/private', { headers });
      assert.deepEqual(named(answer), [await codeThere(token), code, code, code]);
      assert.deepEqual([answer.status, answer.body.type], [401, `urn:bargate:problem:${code}`]);
    });
  }

  for (const [message, code, authorization] of [
    ['is missing', 'token_missing', undefined],
    ['is of another scheme', 'token_missing', 'Basic eDp5'],
    ['is empty', 'token_invalid', 'Bearer '],
  ]) {
    test(message, async () => {
      const answer = await older.ask('/private', { headers: authorization ? { authorization } : {} });
      assert.deepEqual(named(answer), ['AUTH_ERROR', code, code, code]);
    });
  }
});

describe('a step of a login has the code that the JavaScript gateway gave it:', () => {
  const refresh = ['POST', REFRESH, { 'x-refresh-token': 'made-up' }];
  for (const [message, [method, path, headers = {}], fault, expected, code] of [
    ['a refresh token that is refused', refresh, undefined, 'AUTH0_UPSTREAM_ERROR', 'refresh_token_invalid'],
    ['a provider that is away', refresh, { kind: 'reset' }, 'AUTH0_NETWORK_ERROR', 'idp_unavailable'],
    ['a provider that fails', refresh, { kind: 'status', status: 500 }, 'AUTH0_UPSTREAM_ERROR', 'idp_error'],
    ['a provider that answers with a page', refresh, { kind: 'html' }, 'AUTH0_ERROR', 'idp_error'],
    [
      'a profile for a token that the provider refuses',
      ['GET', PROFILE, { 'x-access-token': 'made-up' }],
      undefined,
      'AUTH0_UPSTREAM_ERROR',
      'token_invalid',
    ],
    ['what both call the same', ['POST', REFRESH], undefined, 'missing_refresh_token', undefined],
    ['what only this one tells apart', ['GET', CALLBACK], undefined, 'state_invalid', undefined],
    ['an address that leads nowhere', ['GET', `${LOGIN}/x`], undefined, 'route_not_found', undefined],
  ]) {
    test(message, async (t) => {
      if (fault) tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      t.after(() => tenant.clearFaults());
      const { body, headers: answered } = await flow.ask(path, { method, headers });
      assert.deepEqual(
        [body.code, body.bargate_code, answered.get('x-problem-code')],
        [expected, code, code ?? expected],
      );
    });
  }
});
