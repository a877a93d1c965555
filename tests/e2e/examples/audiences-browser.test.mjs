// One login and several APIs in a real browser: a page calls all of them at once with its cookie, and a navigation to an API whose
// session has ended comes back there.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { freePort, proxied } from '../support/harness.mjs';
import { claimsOf } from '../support/login-flow.mjs';
import { COOKIE, TOKEN_ENDPOINT, startSessionGateway } from '../support/session-flow.mjs';

const AUDIENCES = {
  orders: 'https://orders.example/',
  stock: 'https://stock.example/',
  billing: 'urn:example:billing',
};
const CALLBACK = '/api/auth0/callback';

let tenant;
let api;
let gateway;
let browser;

before(async () => {
  const port = await freePort();
  const redirectUri = `http://127.0.0.1:${port}${CALLBACK}`;
  const policies = Object.values(AUDIENCES).map((audience) => ({ audience, scope: ['read:messages'] }));
  [tenant, api] = await Promise.all([startTenant({ redirectUris: [redirectUri], policies }), startApi()]);
  const servers = Object.entries(AUDIENCES).map(([alias, audience]) => ({ alias, url: api.origin, audience }));
  gateway = await startSessionGateway(tenant, api, {
    port,
    clock: false,
    authorizer: { redirect_uri: redirectUri },
    sections: { servers: [{ alias: 'api', url: api.origin }, ...servers] },
    paths: Object.keys(AUDIENCES).map((name) => proxied(`/${name}/{.+}`, name, { auth: true })),
  });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

/** Fills in the tenant's login page. */
async function submit(page) {
  await page.getByLabel('E-mail address').fill('alice@example.com');
  await page.getByLabel('Password').fill('any');
  await Promise.all([
    page.waitForURL((url) => url.origin === gateway.origin),
    page.getByRole('button', { name: 'Log in' }).click(),
  ]);
}

/** The audiences of the tokens that each API was shown. */
function shown() {
  const audiences = new Map();
  for (const { path, headers } of api.requests) {
    const { aud } = claimsOf(headers.authorization.slice('Bearer '.length));
    audiences.set(path, [...(audiences.get(path) ?? []), aud]);
  }
  return audiences;
}

test('a navigation to an API leads to a login and back, and a page calls all of them with one cookie', async () => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${gateway.origin}/orders/page`);
  assert.equal(new URL(page.url()).origin, tenant.origin, 'at the provider');
  await submit(page);
  assert.equal(page.url(), `${gateway.origin}/orders/page`, 'and back at the API');
  assert.deepEqual(shown().get('/page'), [AUDIENCES.orders]);

  api.requests.length = 0;
  tenant.resetCounts();
  const statuses = await page.evaluate(async (names) => {
    const calls = Array.from({ length: 20 }, (_, index) =>
      fetch(`/${names[index % names.length]}/${names[index % names.length]}`),
    );
    return (await Promise.all(calls)).map(({ status }) => status);
  }, Object.keys(AUDIENCES));
  assert.deepEqual(statuses, Array(20).fill(200));
  for (const [name, audience] of Object.entries(AUDIENCES))
    assert.deepEqual([...new Set(shown().get(`/${name}`))], [audience], name);
  assert.equal(tenant.counts[TOKEN_ENDPOINT], 2, 'one exchange for each that was not there');
  assert.equal(tenant.families().at(-1).revoked, false);

  await context.clearCookies({ name: COOKIE });
  await page.goto(`${gateway.origin}/stock/page`);
  if (new URL(page.url()).origin === tenant.origin) await submit(page);
  assert.equal(page.url(), `${gateway.origin}/stock/page`, 'without the cookie, again by a login');
});
