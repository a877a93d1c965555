// openid-client (npm) in a program of Node.js: as a machine that gets its tokens from the provider, and as the program of a user who
// logged in at the gateway, whose refresh path is then its token endpoint.

import assert from 'node:assert/strict';
import { installNpm, load, npmVersion } from '../install.mjs';
import {
  ADMIN_API,
  ADMIN_SCOPE,
  API,
  AUDIENCE,
  GATEWAY_CLIENT_ID,
  MACHINE_CLIENT_ID,
  REFRESH,
  startSite,
} from './site.mjs';

/** @type {import('../clients.mjs').Client} */
export default {
  name: 'openid-client',
  way: "the provider's, by client credentials; its refresh grants go to the refresh path",
  gaps: [],
  install: installNpm,
  version: () => npmVersion('openid-client'),
  start,
};

async function start() {
  const client = await load('openid-client');
  const site = await startSite();
  const { gateway, tenant, secret } = site;
  const http = { execute: [client.allowInsecureRequests] };
  const machine = await client.discovery(new URL(tenant.issuer), MACHINE_CLIENT_ID, secret, undefined, http);
  const call = (token, path = API) =>
    client.fetchProtectedResource(machine, token, new URL(path, gateway.origin), 'GET');
  const refresh = async (token) => {
    const server = { ...machine.serverMetadata(), token_endpoint: gateway.origin + REFRESH };
    const user = new client.Configuration(server, GATEWAY_CLIENT_ID, undefined, client.None());
    client.allowInsecureRequests(user);
    return client.refreshTokenGrant(user, token);
  };
  let token;
  const steps = {
    async tokens() {
      token = (await client.clientCredentialsGrant(machine, { audience: AUDIENCE })).access_token;
    },
    async call() {
      assert.equal((await call(token)).status, 200);
    },
    async 'expired token'() {
      const { cause, response } = await failureOf(site.whenExpired(() => call(token)));
      assert.deepEqual([response.status, response.headers.get('x-problem-code')], [401, 'token_expired']);
      assert.deepEqual(namesOf(cause), [['bearer', 'invalid_token', undefined]]);
    },
    async renewal() {
      const { refresh_token: given } = await site.logIn();
      const renewed = await refresh(given);
      assert.notEqual(renewed.refresh_token, given);
      assert.equal((await call(renewed.access_token)).status, 200);
    },
    async 'refused refresh'() {
      const { response } = await failureOf(refresh('made-up'));
      assert.deepEqual([response.status, response.headers.get('x-problem-code')], [401, 'refresh_token_invalid']);
    },
    async 'missing scope'() {
      const { cause, response } = await failureOf(call(token, ADMIN_API));
      assert.deepEqual([response.status, response.headers.get('x-problem-code')], [403, 'insufficient_scope']);
      assert.deepEqual(namesOf(cause), [['bearer', 'insufficient_scope', ADMIN_SCOPE]]);
    },
  };
  return { steps, close: site.close };
}

/** Returns what a promise is rejected with. */
const failureOf = (promise) =>
  promise.then(
    ({ status }) => assert.fail(`no error: ${status}`),
    (error) => error,
  );

/** Returns of each challenge its scheme and the parameters that programs look at. */
const namesOf = (challenges) => challenges.map(({ scheme, parameters: { error, scope } }) => [scheme, error, scope]);
