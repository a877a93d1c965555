// requests-oauthlib (PyPI): as a machine that gets its tokens from the provider, and as the program of a user who logged in at the
// gateway, whose refresh path it asks by itself once a token has expired. Each step is a process.

import assert from 'node:assert/strict';
import { PYTHON_PROGRAM, installPython, pythonVersion } from '../install.mjs';
import { startServer } from '../process.mjs';
import { ADMIN_API, API, AUDIENCE, MACHINE_CLIENT_ID, REFRESH, startSite } from './site.mjs';

/** @type {import('../clients.mjs').Client} */
export default {
  name: 'requests-oauthlib',
  way: "the provider's, by client credentials; or those of a login at the gateway, refreshed by itself (`auto_refresh_url`)",
  gaps: [],
  install: installPython,
  version: () => pythonVersion('requests-oauthlib'),
  start,
};

async function start() {
  const site = await startSite();
  const { gateway, tenant, secret } = site;
  const run = async (order) => {
    const settings = {
      token_url: `${tenant.origin}/oauth/token`,
      client_id: MACHINE_CLIENT_ID,
      client_secret: secret,
      audience: AUDIENCE,
      refresh_url: gateway.origin + REFRESH,
      api: gateway.origin + API,
      ...order,
    };
    const { says, close } = await startServer(PYTHON_PROGRAM, 'requests_oauthlib_client.py', settings);
    await close();
    return says;
  };
  const expired = (refreshToken) => ({ access_token: 'expired', refresh_token: refreshToken, expires_in: -1 });
  let token;
  const steps = {
    async tokens() {
      ({ token } = await run({}));
      assert.ok(token.access_token);
    },
    call: async () => assert.deepEqual(await run({ token }), { status: 200, code: null }),
    'expired token': async () =>
      assert.deepEqual(await site.whenExpired(() => run({ token })), { status: 401, code: 'token_expired' }),
    async renewal() {
      const { refresh_token: given } = await site.logIn();
      const { status, updated } = await run({ token: expired(given) });
      assert.equal(status, 200);
      assert.ok(updated.refresh_token && updated.refresh_token !== given, 'another refresh token is stored');
    },
    async 'refused refresh'() {
      const { failure, updated } = await run({ token: expired('made-up') });
      assert.match(failure, /^CustomOAuth2Error: /);
      assert.equal(updated, undefined);
    },
    'missing scope': async () =>
      assert.deepEqual(await run({ token, api: gateway.origin + ADMIN_API }), {
        status: 403,
        code: 'insufficient_scope',
      }),
  };
  return { steps, close: site.close };
}
