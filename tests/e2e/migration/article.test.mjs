// The config from the article "How to Handle Refresh Tokens at the Edge", exactly as it stands: it has no login path, so the
// application begins the login itself and neither state nor PKCE is asked for.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, ROOT, startGateway } from '../support/harness.mjs';
import { assertPrivateJson, assertProblem, claimsOf, readAnswer } from '../support/login-flow.mjs';

const SITE = 'https://serverlessapigateway.com';
const PROVIDER = 'https://tenant.auth0.com';
const CLIENT = { client_id: 'the-articles-application', client_secret: 'the-articles-secret-of-its-application' };
const REDIRECT_URI = `${SITE}/api/auth0/callback`;

let tenant;
let gateway;

before(async () => {
  tenant = await startTenant({
    issuer: `${PROVIDER}/`,
    requirePkce: false,
    clients: [
      {
        ...CLIENT,
        token_endpoint_auth_method: 'client_secret_post',
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        redirect_uris: [REDIRECT_URI],
      },
    ],
  });
  gateway = await startGateway({
    config: readFileSync(join(ROOT, 'tests/fixtures/configs/article.json'), 'utf8'),
    bindings: {
      AUTH0_DOMAIN: new URL(PROVIDER).host,
      AUTH0_CLIENT_ID: CLIENT.client_id,
      AUTH0_CLIENT_SECRET: CLIENT.client_secret,
    },
    outbound: carryToTenant,
  });
});

after(async () => {
  await gateway?.close();
  await tenant?.close();
});

/** Carries a request of the gateway to the tenant, which stands behind this function as behind a proxy. */
async function carryToTenant(request) {
  const { origin, host, protocol, pathname, search } = new URL(request.url);
  assert.equal(origin, PROVIDER, 'the gateway calls nobody else');
  const headers = new Headers(request.headers);
  headers.set('x-forwarded-host', host);
  headers.set('x-forwarded-proto', protocol.slice(0, -1));
  headers.delete('host');
  const body = request.method === 'GET' ? undefined : await request.arrayBuffer();
  const answer = await fetch(tenant.origin + pathname + search, {
    method: request.method,
    headers,
    body,
    redirect: 'manual',
  });
  const kept = [...answer.headers].filter(
    ([name]) => !['content-length', 'content-encoding', 'connection'].includes(name),
  );
  return new Response(await answer.arrayBuffer(), { status: answer.status, headers: kept });
}

const ask = async (path, init) =>
  readAnswer(await gateway.miniflare.dispatchFetch(SITE + path, { redirect: 'manual', ...init }));

/** Begins the login as the article's application does, and gives the path that the browser comes back to. */
async function comeBack({ email = 'alice@example.com', ...more } = {}) {
  const authorize = new URL('/authorize', tenant.origin);
  authorize.search = new URLSearchParams({
    response_type: 'code',
    client_id: CLIENT.client_id,
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile email',
    ...more,
  });
  const isCallback = (url) => url.startsWith(`${REDIRECT_URI}?`);
  const callback = new URL(await new Browser().logInUntilCallback(authorize.href, { email, isCallback }));
  return callback.pathname + callback.search;
}

test('the callback gives the tokens, and the profile path takes them', async () => {
  const callback = await comeBack({ email: 'ivan@example.com' });
  assert.match(callback, /^\/api\/auth0\/callback\?code=/);
  const answer = await ask(callback);
  assertPrivateJson(answer, 'the callback');
  const { access_token: accessToken, id_token: idToken, refresh_token: refreshToken } = answer.body;
  assert.deepEqual([claimsOf(idToken).iss, claimsOf(idToken).aud], [`${PROVIDER}/`, CLIENT.client_id]);
  assert.equal(refreshToken, undefined, 'the scope of the article has no offline_access');

  const headers = { authorization: `Bearer ${idToken}`, 'x-access-token': accessToken };
  const profile = await ask('/api/auth0/profile', { headers });
  assertPrivateJson(profile, 'the profile');
  assert.equal(profile.body.email, 'ivan@example.com');
});

test('the profile path needs a valid ID token and an access token', async () => {
  const { access_token: accessToken, id_token: idToken } = (await ask(await comeBack())).body;
  const ownHeader = { 'x-access-token': accessToken };
  const now = Math.floor(Date.now() / 1000);
  const idTokenWith = (claims) => tenant.mint({ ...claimsOf(idToken), ...claims });
  const table = [
    [{}, [401, 'token_missing'], 'nothing'],
    [ownHeader, [401, 'token_missing'], 'the access token alone'],
    [{ authorization: 'Bearer x.y.z', ...ownHeader }, [401, 'token_invalid'], 'no token'],
    [
      { authorization: `Bearer ${await idTokenWith({ aud: 'another' })}`, ...ownHeader },
      [401, 'token_invalid'],
      'for another application',
    ],
    [
      { authorization: `Bearer ${await idTokenWith({ exp: now - 60 })}`, ...ownHeader },
      [401, 'token_expired'],
      'expired',
    ],
    [
      { authorization: `Bearer ${idToken}`, 'x-access-token': 'unknown' },
      [401, 'token_invalid'],
      'an unknown access token',
    ],
  ];
  for (const [headers, expected, message] of table) {
    assertProblem(await ask('/api/auth0/profile', { headers }), expected, message);
  }
});

test('the refresh path exchanges the token of X-Refresh-Token, and what it gives is good again', async () => {
  const callback = await comeBack({ scope: 'openid profile email offline_access', audience: tenant.settings.audience });
  const first = (await ask(callback)).body;
  assert.ok(first.refresh_token, 'the application asked for offline_access itself');

  const valid = await ask('/api/auth0/refresh', {
    headers: { authorization: `Bearer ${first.id_token}`, 'x-refresh-token': first.refresh_token },
  });
  assert.equal(valid.body.code, 'token_still_valid');
  const now = Math.floor(Date.now() / 1000);
  const expired = await tenant.mint({ ...claimsOf(first.id_token), exp: now - 3600 });
  const renewed = await ask('/api/auth0/refresh', {
    headers: { authorization: `Bearer ${expired}`, 'x-refresh-token': first.refresh_token },
  });
  assertPrivateJson(renewed, 'the refresh');
  assert.notEqual(renewed.body.refresh_token, first.refresh_token);
  assert.equal(tenant.family(first.refresh_token).rotations, 1);

  const { access_token: accessToken, id_token: idToken } = renewed.body;
  const headers = { authorization: `Bearer ${idToken}`, 'x-access-token': accessToken };
  const profile = await ask('/api/auth0/profile', { headers });
  assertPrivateJson(profile, 'the profile with what was refreshed');
  assert.equal(profile.body.email, 'alice@example.com');

  assertProblem(await ask('/api/auth0/refresh'), [400, 'missing_refresh_token'], 'no token');
  const unknown = await ask('/api/auth0/refresh', { headers: { 'x-refresh-token': 'never-issued' } });
  assertProblem(unknown, [401, 'refresh_token_invalid'], 'an unknown token');
  assertProblem(
    await ask('/api/auth0/refresh', { method: 'POST' }),
    [405, 'method_not_allowed'],
    'the article has GET alone',
  );
});

test("a state of the application's own is its own business, and errors are problems", async () => {
  assertPrivateJson(await ask(await comeBack({ state: 'of-the-application' })), 'a state that we never made');
  assertProblem(await ask('/api/auth0/callback'), [400, 'code_missing'], 'no code');
  assertProblem(await ask('/api/auth0/callback?code=x'), [400, 'code_invalid'], 'an unknown code');
  assertProblem(await ask('/api/auth0/callback?error=access_denied'), [403, 'login_denied'], 'a refusal');
});
