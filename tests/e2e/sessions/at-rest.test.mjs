// What lies on the disk under the objects: no token, and no half of a cookie that opens one. Every byte of every file is read,
// while exchanges are under way and after them.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser } from '../support/harness.mjs';
import { STORAGE } from '../support/miniflare.mjs';
import { REFRESH, assertPrivateJson, loginUntilCallback } from '../support/login-flow.mjs';
import {
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertNowhereOnDisk,
  beginSession,
  filesBelow,
  secretParts,
  startSessionGateway,
} from '../support/session-flow.mjs';

const TOKENS_CALLBACK = '/tokens/callback';
const ORDERS = 'https://orders.example/';
const TOKENS_REDIRECT_URI = `http://127.0.0.1:8787${TOKENS_CALLBACK}`;

let tenant;
let api;
let gateway;
let directory;

before(async () => {
  directory = await mkdtemp(join(STORAGE, 'bargate-at-rest-'));
  const policies = [{ audience: ORDERS, scope: ['read:messages'] }];
  [tenant, api] = await Promise.all([startTenant({ redirectUris: [TOKENS_REDIRECT_URI], policies }), startApi()]);
  const own = { redirect_uri: TOKENS_REDIRECT_URI };
  gateway = await startSessionGateway(tenant, api, {
    resourcePersistencePath: directory,
    paths: [
      { method: 'GET', path: '/tokens/login', integration: { type: 'auth0_login', ...own } },
      {
        method: 'GET',
        path: '/orders',
        auth: true,
        integration: { type: 'http_proxy', server: 'api', audience: ORDERS },
      },
      { method: 'GET', path: TOKENS_CALLBACK, integration: { type: 'auth0_callback', response: 'json', ...own } },
    ],
  });
});

after(async () => {
  tenant?.clearFaults();
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
  if (directory) await rm(directory, { recursive: true, force: true });
});

/** All files, those of the class's objects among them: these show the member of what is kept that nobody hides. */
function filesOf(name, member) {
  const files = filesBelow(directory);
  const own = [...files].filter(([path]) => path.includes(`-${name}/`));
  assert.ok(
    own.some(([, bytes]) => bytes.includes(`"${member}"`)),
    `what objects of the class ${name} keep is in the files`,
  );
  return files;
}

/** Keeps what the provider answers next, as it is sent. */
function overhear() {
  const heard = {};
  const edit = (answer) => {
    const { access_token: access, refresh_token: refresh, id_token: id } = JSON.parse(answer.body);
    Object.assign(heard, { access, refresh, id });
  };
  tenant.fault({ path: TOKEN_ENDPOINT, kind: 'edit', times: 1, edit });
  return heard;
}

test('an exchange leaves neither the refresh token nor what was answered', async () => {
  const browser = new Browser();
  const tokens = await gateway.askAs(browser, await loginUntilCallback(gateway, browser, { at: '/tokens/login' }));
  assertPrivateJson(tokens, 'the login');
  const { refresh_token: given } = tokens.body;
  const refresh = () => gateway.ask(REFRESH, { headers: { 'x-refresh-token': given } });

  const hold = tenant.hold(TOKEN_ENDPOINT, { after: true });
  const first = refresh();
  await hold.arrived();
  assertNowhereOnDisk(filesOf('RefreshExchange', 'lost'), { given });
  hold.release();
  const answer = await first;
  assertPrivateJson(answer, 'the exchange');
  assert.equal((await refresh()).text, answer.text, 'the answer is kept');
  const { refresh_token: rotated, access_token: access, id_token: id } = answer.body;
  assertNowhereOnDisk(filesOf('RefreshExchange', 'sealed'), { given, ...secretParts({ rotated, access, id }) });
});

test('a token for another audience lies there no more than that of the login, and neither does the audience', async () => {
  const session = await beginSession(gateway, tenant);
  const heard = overhear();
  assert.equal((await askWith(gateway, session.cookie, '/orders')).status, 200);
  const files = filesOf('Session', 'token_until');
  assertNowhereOnDisk(files, secretParts({ access: heard.access, refresh: heard.refresh }));
  for (const [path, bytes] of files) assert.ok(!bytes.includes(ORDERS), `${path} names the audience`);
});

test('a session leaves no token, and not the half of its cookie that opens it', async () => {
  const first = overhear();
  const session = await beginSession(gateway, tenant);
  const key = session.bytes.subarray(16).toString('base64url');
  const { value } = session;
  await assertAlive(gateway, session, 'at first');
  assert.ok(first.refresh, 'the login was overheard');
  assertNowhereOnDisk(filesOf('Session', 'sealed'), { value, key, ...secretParts(first) });

  const second = overhear();
  await later(tenant.settings.accessTokenSeconds - 50);
  assert.equal((await askWith(gateway, session.cookie, '/app/x')).status, 200);
  assert.notEqual(second.refresh, first.refresh, 'the session was renewed');
  const { authorization } = api.requests.at(-1).headers;
  assert.equal(authorization, `Bearer ${second.access}`, 'and what is looked for is what is in use');
  assertNowhereOnDisk(filesOf('Session', 'sealed'), { value, key, ...secretParts(first), ...secretParts(second) });
});
