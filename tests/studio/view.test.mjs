// The tree on a page, used as people use it: by mouse, by keyboard, by what a screen reader is told.

import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ROOT } from '../../scripts/toolchain.mjs';
import { launchChromium } from '../e2e/support/chromium.mjs';
import { HOSTILE, many, printed, route } from './routes.mjs';

const SITE = 'http://studio.test/';
const PAGE = `<!doctype html><html lang="en" style="color-scheme: light dark"><title>map</title>
  <meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self'; style-src 'self'">
  <link rel="stylesheet" href="/studio/map/map.css"><button id="before">before</button><main></main>
  <section aria-live="polite"></section><button id="after">after</button><script type="module" src="/start.js"></script></html>`;
const START = `
  import { describeChange, treeOfDiff } from '/studio/map/diff.mjs';
  import { treeOfRoutes } from '/studio/map/tree.mjs';
  import { legendOf, mapView, ruleOf } from '/studio/map/view.mjs';
  const rule = document.querySelector('section');
  const onSelect = (item) => rule.replaceChildren(item ? ruleOf(item, document, describeChange(item.entry)) : '');
  const view = mapView({ label: 'Routes', onSelect });
  document.querySelector('main').append(view.element, legendOf());
  globalThis.map = { view, show: (routes) => view.update(treeOfRoutes(routes)), compare: (diff) => view.update(treeOfDiff(diff)) };
`;

let browser;
let page;
let problems;

before(async () => {
  browser = await launchChromium();
});

after(() => browser?.close());

/** Opens a page with a tree of these routes. */
async function open(routes) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
  await context.route(`${SITE}**`, (request) => {
    const { pathname } = new URL(request.request().url());
    if (pathname === '/') return request.fulfill({ body: PAGE, contentType: 'text/html' });
    if (pathname === '/start.js') return request.fulfill({ body: START, contentType: 'text/javascript' });
    if (pathname.startsWith('/studio/map/')) return request.fulfill({ path: join(ROOT, pathname) });
    return request.fulfill({ status: 204 });
  });
  page = await context.newPage();
  problems = [];
  page.on('pageerror', (error) => problems.push(error.message));
  page.on('console', (message) => message.type() === 'error' && problems.push(message.text()));
  page.on('dialog', (dialog) => problems.push(dialog.message()) && dialog.dismiss());
  await page.goto(SITE);
  await page.waitForFunction(() => 'map' in globalThis);
  await show(routes);
}

const show = (routes) => page.evaluate((given) => globalThis.map.show(given), routes);
/** The names of the rows from top to bottom. The `innerText` of a leaf is empty until it was drawn: it has `content-visibility: auto`. */
const rows = () =>
  page
    .locator('.map .map-name')
    .allTextContents()
    .then((all) => all.map((text) => text.replace(/\s+/g, ' ').trim()));
/** What is shown of a path. */
const path = (text) => page.locator('.map-path').filter({ hasText: new RegExp(`^${text}$`) });
const focused = () =>
  page.evaluate(() => document.activeElement.querySelector('.map-spoken')?.textContent ?? document.activeElement.id);
const rule = () => page.locator('section').innerText();
const press = async (...keys) => {
  for (const key of keys) await page.keyboard.press(key);
};

const SHOP = [
  route({ path: '/api/orders', auth: { scopes: ['read:orders'] } }),
  route({ path: '/api/orders/{id}', method: 'DELETE', session: true }),
  route({ path: '/health', auth: null, integration: 'response', target: '200' }),
];

describe('by mouse', () => {
  test('a click selects a route and tells its rule, a click on a branch folds it', async () => {
    await open(SHOP);
    assert.deepEqual(await rows(), ['every host', '/api/orders', 'GET', 'DELETE /{id}', 'GET /health']);
    await path('/health').click();
    assert.match(
      await rule(),
      /^GET \/health\nAnyone may call this: no token is asked for\.\nGets a fixed answer with status 200\.$/,
    );
    assert.equal(await page.locator('[aria-selected=true]').count(), 1);
    await path('/api/orders').click();
    assert.deepEqual(await rows(), ['every host', '/api/orders', 'GET /health']);
    assert.match(await page.locator('.map').innerText(), /2 routes\s+● 1\s+■ 1\s+◆ 1/);
    assert.deepEqual(problems, []);
  });

  test('folding and selection stay while the config is edited, and a selected route that is gone is told', async () => {
    await open(SHOP);
    await path('/api/orders').click();
    await path('/health').click();
    await show([...SHOP, route({ path: '/api/users' })]);
    assert.deepEqual(await rows(), ['every host', '/api', '/orders', 'GET /users', 'GET /health']);
    assert.match(await rule(), /GET \/health/);
    await show([SHOP[0], SHOP[1], { ...SHOP[2], auth: route().auth }]);
    assert.match(await rule(), /Needs a token of users/);
    await show(SHOP.slice(0, 2));
    assert.equal(await rule(), '');
  });

  test('of a branch with very many routes the rest is made when asked for', async () => {
    await open(many(600, { flat: true }));
    assert.equal((await rows()).length, 252);
    await path('350 more').click();
    assert.equal((await rows()).length, 502);
    await page.evaluate(() => globalThis.map.view.select(' /p99 GET'));
    assert.match(await rule(), /^GET \/p99\n/);
    assert.ok(await page.locator('[aria-selected=true]').isVisible());
    assert.deepEqual(problems, []);
  });
});

describe('by keyboard', () => {
  test('the tree is one stop for Tab, and arrows go through it', async () => {
    await open(SHOP);
    await page.locator('#before').focus();
    await press('Tab');
    assert.match(await focused(), /^every host/);
    await press('Tab');
    assert.equal(await focused(), 'after');
    await press('Shift+Tab', 'ArrowDown', 'ArrowDown');
    assert.equal(await focused(), 'GET /api/orders; token of users, scope read:orders; to api (https://api.example)');
    await press('ArrowLeft');
    assert.match(await focused(), /^\/api\/orders, 2 routes/);
    await press('ArrowLeft');
    assert.deepEqual(await rows(), ['every host', '/api/orders', 'GET /health']);
    await press('ArrowRight', 'ArrowRight');
    assert.match(await focused(), /^GET \/api\/orders;/);
    await press('End', 'Enter');
    assert.match(await rule(), /^GET \/health/);
    await press('Home', 'd', ' ');
    assert.match(await rule(), /^DELETE \/api\/orders\/\{id\}\n.*\nNeeds a token of users, or a session\./);
    assert.deepEqual(problems, []);
  });

  test('focus stays on its row while the tree changes, or goes to the first', async () => {
    await open(SHOP);
    await page.locator('#before').focus();
    await press('Tab', 'End');
    await show([...SHOP, route({ path: '/a' })]);
    assert.match(await focused(), /^GET \/health;/);
    await show(SHOP.slice(0, 2));
    assert.match(await focused(), /^every host/);
  });

  test('all branches are opened and folded at once', async () => {
    await open(many(1000));
    const some = (await rows()).length;
    await page.evaluate(() => globalThis.map.view.openAll());
    assert.ok((await rows()).length > 1000);
    await page.evaluate(() => globalThis.map.view.foldAll());
    assert.ok((await rows()).length < some);
  });
});

test('a screen reader is told the level, the place and the state of each row', async () => {
  await open(SHOP);
  const told = await page.locator('.map').ariaSnapshot();
  assert.match(told, /tree "Routes"/);
  assert.match(
    told,
    /treeitem "\/api\/orders, 2 routes, 1 token, 1 or a session, 1 scopes and other requirements" \[expanded\]/,
  );
  const row = page.locator('[role=treeitem]').nth(3);
  const states = await row.evaluate((one) =>
    ['aria-level', 'aria-posinset', 'aria-setsize'].map((name) => one.getAttribute(name)),
  );
  assert.deepEqual(states, ['3', '2', '2']);
});

test('a comparison shows its signs, and what it exposes below its route', async () => {
  await open([]);
  const diff = printed(
    'diff',
    '--format',
    'json',
    'tests/cli/diff.in/before.json',
    'tests/cli/diff.in/gateway.config.json',
  );
  await page.evaluate((given) => globalThis.map.compare(given), diff);
  const text = await page.locator('.map').textContent();
  for (const part of [
    /−\s*GET\s*\/users\/\{id\}/,
    /▲ exposes: a public path appears/,
    /\+\s*GET\s*\/prices/,
    /~\s*GET\s*\/health/,
  ])
    assert.match(text, part);
  await path('/prices').click();
  assert.match(await rule(), /^GET \/api\/prices\nExposes: a public path appears\./);
});

test('hostile names are text, and no wider than a phone', async () => {
  const hostile = HOSTILE.map(([, path]) =>
    route({ path, host: path.slice(1, 40), target: path, auth: { scopes: [path] } }),
  );
  await open(hostile);
  await page.setViewportSize({ width: 360, height: 640 });
  assert.equal(await page.locator('.map script, .map img, section script').count(), 0);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= 360), 'no scrolling sideways');
  const isCut = (/** @type {Element[]} */ all) =>
    all.filter(({ scrollWidth, clientWidth }) => scrollWidth > clientWidth).length;
  assert.equal(await page.locator('.map li, section li').evaluateAll(isCut), 0, 'nor is anything cut off');
  await page.evaluate((id) => globalThis.map.view.select(id), `${hostile[0].host} ${hostile[0].path} GET`);
  assert.match(await rule(), /<script>alert\(1\)<\/script>/);
  assert.deepEqual(problems, []);
});
