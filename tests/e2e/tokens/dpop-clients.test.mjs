// Bound tokens end to end: a provider that others wrote binds them, clients that others wrote prove the key, and the recipe's is one.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { startApi } from '../../../dev/api.mjs';
import { DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { ROOT, startGateway } from '../support/harness.mjs';
import { blockOf } from '../support/recipes.mjs';

const NONCE_KEY = 'a secret for nonces that is long enough';
/** At the strict tenant each request names its API by this. */
const AUDIENCE = 'https://api.bargate.local/';

let tenant;
let api;
let gateway;

before(async () => {
  // The provider asks for nonces of its own, so each client has two.
  const nonceSecret = randomBytes(32);
  [tenant, api] = await Promise.all([
    startTenant({
      strict: true,
      apiScopes: ['pay'],
      endpoints: { introspection: '/oauth/introspect' },
      dpop: { nonceSecret, requireNonce: () => true },
    }),
    startApi(),
  ]);
  gateway = await startGateway({
    config: JSON.parse(blockOf('dpop', 'json config')),
    bindings: { ISSUER: tenant.issuer, AUDIENCE, API_URL: api.origin, DPOP_NONCE_KEY: NONCE_KEY },
  });
});

after(() => Promise.all([gateway?.close(), api?.close(), tenant?.close()]));

const at = (path) => new URL(path, gateway.origin);
const requested = { resource: AUDIENCE, scope: 'pay' };

describe('openid-client', () => {
  let config;
  before(async () => {
    config = await openid.discovery(new URL(tenant.issuer), DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, undefined, {
      execute: [openid.allowInsecureRequests],
    });
  });

  for (const alg of ['ES256', 'EdDSA']) {
    test(`gets a token that is bound to a key of ${alg}, and calls with it, with nonces and without`, async () => {
      const DPoP = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(alg));
      const { access_token: token, token_type: type } = await openid.clientCredentialsGrant(config, requested, {
        DPoP,
      });
      assert.equal(type, 'dpop');
      for (const [method, path] of [
        ['GET', '/orders/~1?a=b'],
        ['POST', '/payments/1'],
        ['GET', '/payments/a%2Cb'],
      ]) {
        const response = await openid.fetchProtectedResource(config, token, at(path), method, undefined, undefined, {
          DPoP,
        });
        assert.equal(response.status, 200, path);
        const { headers } = await response.json();
        assert.deepEqual([headers.authorization, headers.dpop], [`DPoP ${token}`, undefined], path);
      }
      const stolen = await gateway.fetch('/orders/1', { headers: { authorization: `Bearer ${token}` } });
      assert.equal(stolen.status, 401, 'the token alone is worth nothing');
    });
  }
});

describe('oauth4webapi', () => {
  test('gets a bound token, reads the challenge, and calls with the nonce', async () => {
    const insecure = { [oauth.allowInsecureRequests]: true };
    const issuer = new URL(tenant.issuer);
    const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure));
    /** @type {oauth.Client} */
    const client = { client_id: DEFAULT_CLIENT_ID };
    const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
    const authentication = oauth.ClientSecretPost(DEFAULT_CLIENT_SECRET);
    const grant = () =>
      oauth
        .clientCredentialsGrantRequest(server, client, authentication, new URLSearchParams(requested), {
          DPoP,
          ...insecure,
        })
        .then((response) => oauth.processClientCredentialsResponse(server, client, response));
    const { access_token: token } = await grant().catch((error) => {
      assert.ok(oauth.isDPoPNonceError(error), `${error}`);
      return grant();
    });
    const call = () =>
      oauth.protectedResourceRequest(token, 'GET', at('/payments/1'), undefined, undefined, { DPoP, ...insecure });
    await assert.rejects(call(), (/** @type {any} */ error) => {
      assert.ok(oauth.isDPoPNonceError(error), `${error}`);
      const [{ scheme, parameters }] = error.cause;
      assert.deepEqual([scheme, parameters.error, parameters.algs.split(' ')[0]], ['dpop', 'use_dpop_nonce', 'ES256']);
      assert.equal(parameters.resource_metadata, at('/.well-known/oauth-protected-resource').href);
      return true;
    });
    assert.equal((await call()).status, 200);
    assert.equal((await call()).status, 200, 'the nonce counts for more than one proof');
  });
});

test('an opaque token that is bound is taken by the word of its provider, with a proof alone', async () => {
  const opaque = await startTenant({
    strict: true,
    accessTokenFormat: 'opaque',
    endpoints: { introspection: '/oauth/introspect' },
    dpop: {},
  });
  const asking = await startGateway({
    config: {
      authorizer: {
        type: 'oidc',
        issuer: opaque.issuer,
        client_id: DEFAULT_CLIENT_ID,
        client_secret: DEFAULT_CLIENT_SECRET,
        token_endpoint_auth_method: 'client_secret_post',
        audience: AUDIENCE,
        introspection: 'opaque',
        dpop: 'accept',
      },
      paths: [{ method: 'GET', path: '/accepts', auth: true, response: { ok: true } }],
    },
  });
  try {
    const config = await openid.discovery(
      new URL(opaque.issuer),
      DEFAULT_CLIENT_ID,
      DEFAULT_CLIENT_SECRET,
      openid.ClientSecretPost(DEFAULT_CLIENT_SECRET),
      { execute: [openid.allowInsecureRequests] },
    );
    const [DPoP, other] = await Promise.all(
      ['ES256', 'ES256'].map(async (alg) => openid.getDPoPHandle(config, await openid.randomDPoPKeyPair(alg))),
    );
    const { access_token: token } = await openid.clientCredentialsGrant(config, { resource: AUDIENCE }, { DPoP });
    assert.equal(token.split('.').length, 1);
    const call = (handle) =>
      openid.fetchProtectedResource(config, token, new URL('/accepts', asking.origin), 'GET', undefined, undefined, {
        DPoP: handle,
      });
    for (const turn of ['asked', 'cached']) assert.equal((await call(DPoP)).status, 200, turn);
    await assert.rejects(
      call(other),
      (/** @type {any} */ error) => error.cause[0].parameters.error === 'invalid_dpop_proof',
    );
    const stolen = await asking.ask('/accepts', { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual([stolen.status, stolen.record.reason], [401, 'token_type is "DPoP", expected "Bearer"']);
    const { access_token: unbound } = await openid.clientCredentialsGrant(config, { resource: AUDIENCE });
    const bearer = await asking.ask('/accepts', { headers: { authorization: `Bearer ${unbound}` } });
    assert.equal(bearer.status, 200);
  } finally {
    await Promise.all([asking.close(), opaque.close()]);
  }
});

test('the client of the recipe calls what it may', async () => {
  const folder = mkdtempSync(join(ROOT, 'build', 'dpop-'));
  try {
    const text = blockOf('dpop', 'js');
    assert.ok(
      text
        .trim()
        .split('\n')
        .filter((line) => line).length <= 20,
      'it has twenty lines',
    );
    // The provider of the tests is at plain http on this machine.
    const local = text.replace(
      'CLIENT_SECRET);',
      'CLIENT_SECRET, undefined, { execute: [client.allowInsecureRequests] });',
    );
    writeFileSync(join(folder, 'client.mjs'), local);
    Object.assign(process.env, {
      ISSUER: tenant.issuer,
      CLIENT_ID: DEFAULT_CLIENT_ID,
      CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUDIENCE,
      GATEWAY: gateway.origin,
    });
    const { call } = await import(pathToFileURL(join(folder, 'client.mjs')).href);
    assert.equal((await call('GET', '/orders/1')).status, 200);
    const paid = await call('POST', '/payments/1', JSON.stringify({ amount: 7 }));
    const { method, headers } = await paid.json();
    assert.deepEqual([paid.status, method, headers['content-type']], [200, 'POST', 'application/json']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
