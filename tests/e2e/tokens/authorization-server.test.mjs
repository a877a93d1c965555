// The gateway as the authorization server of clients that the provider does not know: a client that others wrote logs people in, and
// whoever is no such client gets nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import * as oauth from 'oauth4webapi';
import { Person } from '../../interop/person.mjs';
import {
  CLIENT_ID,
  METADATA,
  PROGRAM,
  RESOURCE_METADATA,
  SITE,
  allow,
  newPerson,
  post,
  proofKey,
  requestOf,
  startFront,
  tokensOf,
} from '../support/front-flow.mjs';

const insecure = { [oauth.allowInsecureRequests]: true };
let front;

before(async () => {
  front = await startFront();
});

after(() => front?.close());

const call = (token, path = '/orders', method = 'GET') =>
  front.gateway.fetch(path, { method, headers: token ? { authorization: `Bearer ${token}` } : {} });

test('oauth4webapi logs a user in at a provider that registers nobody, by nothing but the address of a resource', async () => {
  const address = new URL('/orders', front.origin);
  const challenged = await fetch(address);
  assert.equal(challenged.status, 401);
  const { resource_metadata: where } = parametersOf(challenged.headers.get('www-authenticate'));
  assert.equal(where, `${front.origin}${RESOURCE_METADATA}/orders`);
  const resource = await oauth.processResourceDiscoveryResponse(
    address,
    await oauth.resourceDiscoveryRequest(address, insecure),
  );
  const [issuer] = resource.authorization_servers.map((text) => new URL(text));
  const found = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure });
  const server = await oauth.processDiscoveryResponse(issuer, found);
  assert.equal(server.issuer, front.issuer);

  const metadata = {
    redirect_uris: [PROGRAM],
    token_endpoint_auth_method: 'none',
    client_name: 'A program',
    grant_types: ['authorization_code', 'refresh_token'],
  };
  const client = await oauth.processDynamicClientRegistrationResponse(
    await oauth.dynamicClientRegistrationRequest(server, metadata, insecure),
  );
  assert.equal(client.client_id, CLIENT_ID);

  const [verifier, state] = [oauth.generateRandomCodeVerifier(), oauth.generateRandomState()];
  const request = new URL(server.authorization_endpoint);
  request.search = `${new URLSearchParams({
    client_id: client.client_id,
    redirect_uri: PROGRAM,
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    scope: 'read:orders offline_access',
    prompt: 'consent',
    resource: resource.resource,
    state,
  })}`;
  const arrived = await allow(newPerson(), request.href);
  assert.match(arrived.href, /^http:\/\/127\.0\.0\.1:9\/callback\?/);
  // It checks `iss`, because the metadata promises it (RFC 9207).
  const parameters = oauth.validateAuthResponse(server, client, arrived, state);
  const answer = await oauth.authorizationCodeGrantRequest(server, client, oauth.None(), parameters, PROGRAM, verifier, {
    additionalParameters: { resource: resource.resource },
    ...insecure,
  });
  const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer);
  assert.equal((await call(tokens.access_token)).status, 200);
  assert.equal((await call(tokens.access_token, '/files')).status, 401, 'it is for one resource');

  const refresh = await oauth.refreshTokenGrantRequest(server, client, oauth.None(), tokens.refresh_token, insecure);
  const renewed = await oauth.processRefreshTokenResponse(server, client, refresh);
  assert.equal((await call(renewed.access_token)).status, 200);
  assert.notEqual(renewed.access_token, tokens.access_token);

  const revocation = await oauth.revocationRequest(server, client, oauth.None(), renewed.refresh_token, insecure);
  assert.equal(await oauth.processRevocationResponse(revocation), undefined);
  const late = await post(front, '/token', {
    grant_type: 'refresh_token',
    client_id: CLIENT_ID,
    refresh_token: renewed.refresh_token,
  });
  assert.deepEqual([late.status, late.body.error], [400, 'invalid_grant']);
});

/** Returns the parameters of a challenge. */
const parametersOf = (challenge) =>
  Object.fromEntries([...challenge.matchAll(/([a-z_]+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
