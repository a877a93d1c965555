// The recipe docs/recipes/step-up.md in a real browser: its config, in front of the tenant and a shop whose page has the recipe's script.

import assert from 'node:assert/strict';
import { after, before, beforeEach, test } from 'node:test';
import { DEFAULT_AUDIENCE, DEFAULT_CLIENT_ID, DEFAULT_CLIENT_SECRET, startTenant } from '../../../dev/tenant.mjs';
import { launchChromium } from '../support/chromium.mjs';
import { freePort, startGateway, startUpstream } from '../support/harness.mjs';
import { blockOf } from '../support/recipes.mjs';

const CHECKOUT = `<!doctype html><title>Checkout</title>
<button>Pay</button> <output></output>
<script type="module">
${blockOf('step-up', 'js')}
document.querySelector('button').addEventListener('click', async () => {
  const answer = await withStepUp('/shop/payments', { method: 'POST' });
  if (answer.ok) document.querySelector('output').value = await answer.text();
});
</script>`;

let tenant;
let shop;
let gateway;
let browser;
/** What the shop was asked for. */
let asked;

before(async () => {
  const port = await freePort();
  const redirectUri = `http://127.0.0.1:${port}/auth/callback`;
  [tenant, shop] = await Promise.all([
    startTenant({ redirectUris: [redirectUri] }),
    startUpstream((request, response) => {
      asked.push(`${request.method} ${request.url}`);
      const body = request.url.startsWith('/checkout') ? CHECKOUT : `done: ${request.url}`;
      response.setHeader('content-type', 'text/html').end(body);
    }),
  ]);
  gateway = await startGateway({
    port,
    config: blockOf('step-up', 'json config'),
    bindings: {
      SHOP_URL: shop.origin,
      AUTH0_DOMAIN: tenant.origin,
      AUTH0_CLIENT_ID: DEFAULT_CLIENT_ID,
      AUTH0_CLIENT_SECRET: DEFAULT_CLIENT_SECRET,
      AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
      AUTH0_REDIRECT_URI: redirectUri,
    },
  });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await gateway?.close();
  await Promise.all([tenant, shop].map((each) => each?.close()));
});

beforeEach(() => {
  asked = [];
  tenant.resetCounts();
});

/** Opens a page of the shop in a browser of its own, and logs in there without a second factor. */
async function openLoggedIn(t, path) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${gateway.origin}/shop/hello`);
  assert.equal(await page.getByLabel('One-time code').count(), 0, 'no second factor is asked for');
  await submit(page);
  await page.goto(`${gateway.origin}${path}`);
  return page;
}

/** Fills in the tenant's login page, and waits for the gateway. */
async function submit(page, code) {
  await page.getByLabel('E-mail address').fill('judy@example.com');
  await page.getByLabel('Password').fill('any');
  if (code) await page.getByLabel('One-time code').fill(code);
  await Promise.all([
    page.waitForURL((url) => url.origin === gateway.origin),
    page.getByRole('button', { name: 'Log in' }).click(),
  ]);
}

test('a link leads to the login with a second factor, and on to the page', async (t) => {
  const page = await openLoggedIn(t, '/shop/bank-account?month=1');
  assert.equal(new URL(page.url()).origin, tenant.origin, 'at the provider');
  assert.deepEqual(asked, ['GET /hello'], 'the shop was not asked');
  await submit(page, '123456');
  assert.equal(page.url(), `${gateway.origin}/shop/bank-account?month=1`);
  assert.equal(await page.locator('body').innerText(), 'done: /bank-account?month=1');
  await page.reload();
  assert.equal(await page.locator('body').innerText(), 'done: /bank-account?month=1', 'without another login');
  assert.equal(tenant.counts['/authorize'], 2);
});

test('a payment by a script asks for the second factor first, comes back to its page, and is made once', async (t) => {
  const page = await openLoggedIn(t, '/shop/checkout?cart=7');
  const pay = page.getByRole('button', { name: 'Pay' });
  await Promise.all([page.waitForURL((url) => url.origin === tenant.origin), pay.click()]);
  await submit(page, '123456');
  assert.equal(page.url(), `${gateway.origin}/shop/checkout?cart=7`);
  await pay.click();
  await page.getByText('done: /payments').waitFor();
  assert.deepEqual(
    asked.filter((line) => line.startsWith('POST')),
    ['POST /payments'],
  );
});

test('without the second factor there is a page that says so, and no way round in circles', async (t) => {
  const page = await openLoggedIn(t, '/shop/bank-account');
  await submit(page);
  assert.equal(new URL(page.url()).pathname, '/auth/callback');
  await page.getByText('Code: unmet_authentication_requirements').waitFor();
  assert.equal(tenant.counts['/authorize'], 2, 'one login by the first link, one by this');
  await page.getByRole('link', { name: 'Log in again' }).click();
  await page.getByLabel('One-time code').waitFor();
  await page.goto(`${gateway.origin}/shop/hello`);
  assert.equal(await page.locator('body').innerText(), 'done: /hello', 'the session before goes on');
  await page.goto(`${gateway.origin}/shop/bank-account`);
  assert.equal(new URL(page.url()).origin, tenant.origin, 'asked again by the next link alone');
  assert.equal(tenant.counts['/authorize'], 4, 'by each link once');
  assert.ok(!asked.includes('GET /bank-account'));
});
