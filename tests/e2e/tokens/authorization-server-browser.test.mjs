// The page of `authorization_server` that asks its user, in a real browser: no other page answers it, not even one of the same origin.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { launchChromium } from '../support/chromium.mjs';
import { RESOURCE_METADATA, requestOf, startFront } from '../support/front-flow.mjs';
import { startUpstream } from '../support/harness.mjs';

let shop;
let front;
let browser;

before(async () => {
  shop = await startUpstream((_request, response) =>
    response.setHeader('content-type', 'text/html').end('<!doctype html><title>Shop</title>'),
  );
  front = await startFront({
    sections: { servers: [{ alias: 'shop', url: shop.origin }] },
    pathsBeside: [{ method: 'GET', path: '/shop', integration: { type: 'http_proxy', server: 'shop' } }],
  });
  browser = await launchChromium();
});

after(async () => {
  await browser?.close();
  await front?.close();
  await shop?.close();
});

/** Opens the shop's page, which an upstream serves at the origin of the page that asks. */
async function openShop(t) {
  const context = await browser.newContext();
  t.after(() => context.close());
  const page = await context.newPage();
  await page.goto(`${front.origin}/shop`);
  return page;
}

/** Lets a page open an address in a window, and returns that window's page once it is there. */
async function openWindow(page, address) {
  const opening = page.waitForEvent('popup');
  await page.evaluate((to) => {
    globalThis.opened = globalThis.open(to);
  }, address);
  const popup = await opening;
  await popup.waitForLoadState();
  return popup;
}

test('the page that opened it has lost it, and it the page that opened it', async (t) => {
  const page = await openShop(t);
  const opened = () =>
    page.evaluate(() => (globalThis.opened.closed ? 'lost' : globalThis.opened.document.body.innerText));

  const other = await openWindow(page, `${front.origin}${RESOURCE_METADATA}/orders`);
  assert.match(await opened(), /"resource"/, 'any other answer of the gateway can be read');
  await other.close();

  const popup = await openWindow(page, requestOf(front));
  await popup.getByRole('button', { name: 'Allow', exact: true }).waitFor();
  assert.equal(await opened(), 'lost');
  assert.equal(await popup.evaluate(() => globalThis.opener), null);
});

test('no script of the origin reads it, and no frame shows it', async (t) => {
  const page = await openShop(t);
  const answer = await page.evaluate(async (address) => {
    const { status, headers } = await fetch(address);
    return [status, headers.get('x-problem-code')];
  }, requestOf(front));
  assert.deepEqual(answer, [400, 'state_invalid']);

  const framed = page.waitForResponse((response) => response.url().startsWith(`${front.issuer}/authorize`));
  await page.evaluate((address) => {
    const frame = document.createElement('iframe');
    frame.src = address;
    document.body.append(frame);
  }, requestOf(front));
  assert.equal((await framed).headers()['x-problem-code'], 'state_invalid');
});
