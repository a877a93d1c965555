// Which tokens an `oidc` authorizer accepts by rules of its own: another claim in the place of `aud`, required claims, several tenants
// of one issuer; and where it finds the documents of an issuer that has none of the addresses of a login, or is served elsewhere.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { assertTellsNothing } from '../support/bearer.mjs';
import { startGateway } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { AUDIENCE, claimsFor, keySetOf, makeKey, signed } from '../support/signing.mjs';

const COGNITO = 'https://cognito-idp.example/pool';
const ENTRA = 'https://login.example';
const CUSTOMERS = 'https://shop.example/3f1d2c6e-0000-4000-8000-000000000000/v2.0/';
const BUILDS = 'https://builds.example';
const CLUSTER = 'https://kubernetes.default.svc.cluster.local';
const TENANTS = ['8eaef023-2b34-4da1-9baa-8bc8c9d6a490', '3f1d2c6e-0000-4000-8000-000000000000'];
const STRANGER = 'aaaaaaaa-0000-4000-8000-000000000000';
const usual = (issuer) => `${issuer}/.well-known/openid-configuration`;

const authorizers = {
  clients: { issuer: COGNITO, client_id: 'client', audience_claim: 'client_id', claims: { token_use: 'access' } },
  several: {
    issuer: `${ENTRA}/{tenantid}/v2.0`,
    audience: AUDIENCE,
    discovery_url: usual(`${ENTRA}/organizations/v2.0`),
    tenants: TENANTS,
  },
  customers: { issuer: CUSTOMERS, audience: AUDIENCE, discovery_url: usual(`https://shop.example/policy/v2.0`) },
  builds: { issuer: BUILDS, audience: AUDIENCE, claims: { repository_owner_id: [1, 2] } },
  pods: { type: 'jwt', issuer: CLUSTER, audience: AUDIENCE, jwks_uri: 'https://cluster.example/openid/v1/jwks' },
};

const key = makeKey('RS256');
const KEYS = 'https://keys.example/keys';
/** What an issuer that only signs has in its document. */
const signer = (issuer) => ({ issuer, jwks_uri: KEYS, id_token_signing_alg_values_supported: ['RS256'] });
const DOCUMENTS = {
  [usual(COGNITO)]: signer(COGNITO),
  [usual(`${ENTRA}/organizations/v2.0`)]: signer(`${ENTRA}/{tenantid}/v2.0`),
  [usual('https://shop.example/policy/v2.0')]: signer(CUSTOMERS),
  [usual(BUILDS)]: signer(BUILDS),
};

let gateway;
/** Documents that are served in the place of the usual ones. */
let replaced = {};
const asked = [];

function serve(request) {
  asked.push(request.url);
  const document = replaced[request.url] ?? DOCUMENTS[request.url];
  if (document) return Response.json(document);
  if (request.url === KEYS) return new Response(keySetOf(key));
  if (request.url !== authorizers.pods.jwks_uri) return new Response('nothing here', { status: 404 });
  // Kubernetes gives its key set only to those who take that media type.
  const type = 'application/jwk-set+json';
  if (!/application\/jwk-set\+json|\*\/\*/.test(request.headers.get('accept')))
    return new Response(null, { status: 406 });
  return new Response(keySetOf(key), { headers: { 'content-type': type } });
}

const start = (config) => startGateway({ config, clock: true, outbound: serve });

before(async () => {
  gateway = await start({
    authorizers: Object.fromEntries(Object.entries(authorizers).map(([name, how]) => [name, { type: 'oidc', ...how }])),
    paths: Object.keys(authorizers).map((name) => ({
      method: 'GET',
      path: `/${name}`,
      auth: name,
      response: { name },
    })),
  });
});

beforeEach(() => {
  replaced = {};
});

after(() => gateway?.close());

const askAt = (name, claims, of = gateway) =>
  of.ask(`/${name}`, { headers: { authorization: `Bearer ${signed(key, claimsFor(claims))}` } });

/** Asserts of each row what becomes of a token with these claims: accepted without a reason, refused with one. */
async function assertEach(name, rows) {
  for (const [message, claims, reason] of rows) {
    const answer = await askAt(name, claims);
    if (reason) {
      assertTellsNothing(answer, 'token_invalid', message);
      assert.match(answer.record.reason, reason, message);
    } else assert.deepEqual([answer.status, answer.body.name], [200, name], `${message}: ${answer.record.reason}`);
  }
}

describe('tokens without aud', () => {
  const access = (claims) => ({ iss: COGNITO, aud: undefined, client_id: 'client', token_use: 'access', ...claims });

  test('are accepted by the claim that stands for it, and by nothing less', () =>
    assertEach('clients', [
      ['an access token', access()],
      ['an access token that has an aud as well', access({ aud: 'client' })],
      ['one of another client', access({ client_id: 'other' }), /^client_id is "other", expected "client"$/],
      ['one of no client', access({ client_id: undefined }), /^client_id is missing, expected "client"$/],
      ['one for another audience', access({ aud: 'other' }), /^aud is "other", expected "client"$/],
      ['an ID token', access({ client_id: undefined, aud: 'client', token_use: 'id' }), /^client_id is missing/],
      [
        'an ID token that names the client',
        access({ aud: 'client', token_use: 'id' }),
        /^the claim token_use has another value$/,
      ],
    ]));

  test('are refused where no claim stands for it', () =>
    assertEach('builds', [
      ['client_id alone', { iss: BUILDS, aud: undefined, client_id: AUDIENCE }, /^aud is missing$/],
    ]));
});

describe('an issuer of several tenants', () => {
  const of = (tenant, tid = tenant) => ({ iss: `${ENTRA}/${tenant}/v2.0`, tid });

  test('is each that is listed, as iss and tid say alike', () =>
    assertEach('several', [
      ['the first', of(TENANTS[0])],
      ['the second', of(TENANTS[1])],
      ['another', of(STRANGER), /^iss is ".*", expected "https:\/\/login\.example\/\{tenantid\}\/v2\.0"$/],
      ['the first, by the tid of the second', of(TENANTS[0], TENANTS[1]), /^the claim tid has another value$/],
      ['the first, by the tid of another', of(TENANTS[0], STRANGER), /^the claim tid has another value$/],
      ['the first, without tid', of(TENANTS[0], null), /^the claim tid has another value$/],
      ['the placeholder', of('{tenantid}'), /^iss is/],
      ['what tenants share', of('organizations', TENANTS[0]), /^iss is/],
    ]));

  for (const [whose, issuer, status] of /** @type {[string, string, number][]} */ ([
    ['all', `${ENTRA}/{tenantid}/v2.0`, 200],
    ['one', of(TENANTS[0]).iss, 401],
  ])) {
    test(`has keys of ${whose}, as the key set says`, async (t) => {
      const [jwk] = JSON.parse(keySetOf(key)).keys;
      replaced = { [KEYS]: { keys: [{ ...jwk, issuer }] } };
      const path = { method: 'GET', path: '/several', auth: true, response: {} };
      const own = await start({ authorizer: { type: 'oidc', ...authorizers.several }, paths: [path] });
      t.after(() => own.close());
      assert.equal((await askAt('several', of(TENANTS[0]), own)).status, 200);
      const answer = await askAt('several', of(TENANTS[1]), own);
      assert.equal(answer.status, status);
      if (status === 401) assert.equal(answer.record.reason, `iss is "${of(TENANTS[1]).iss}", expected "${issuer}"`);
    });
  }
});

describe('documents', () => {
  test('are read where the config says, and are of the issuer all the same', async (t) => {
    await assertEach('customers', [['a token', { iss: CUSTOMERS }]]);
    const own = await start({
      authorizer: { type: 'oidc', ...authorizers.customers },
      paths: [{ method: 'GET', path: '/customers', auth: true, response: {} }],
    });
    t.after(() => own.close());
    replaced = { [authorizers.customers.discovery_url]: signer('https://shop.example/policy/v2.0') };
    assertProblem(await askAt('customers', { iss: CUSTOMERS }, own), [502, 'idp_error'], "another issuer's");
    assert.ok(!asked.includes(usual(CUSTOMERS.replace(/\/$/, ''))), 'the usual place is not asked');
  });

  test('need no endpoints of a login where nobody logs in', () =>
    assertEach('builds', [
      ['a token with the required claim', { iss: BUILDS, repository_owner_id: 2 }],
      ['one without it', { iss: BUILDS }, /^the claim repository_owner_id has another value$/],
    ]));

  test('need them where a path logs in', async (t) => {
    const own = await start({
      authorizer: {
        type: 'oidc',
        issuer: COGNITO,
        client_id: 'client',
        client_secret: 's'.repeat(32),
        redirect_uri: 'https://gateway.example/callback',
      },
      paths: [
        { method: 'GET', path: '/login', integration: { type: 'oidc_login' } },
        { method: 'GET', path: '/callback', integration: { type: 'oidc_callback' } },
      ],
    });
    t.after(() => own.close());
    assertProblem(await own.ask('/login'), [502, 'idp_error'], 'a login');
    const { message } = await own.record(({ code }) => code === 'jwks_unavailable');
    assert.match(message, /lacks an endpoint: no https address in authorization_endpoint$/);
  });

  test('may be a key set alone, in its own media type', () => assertEach('pods', [['a token', { iss: CLUSTER }]]));
});
