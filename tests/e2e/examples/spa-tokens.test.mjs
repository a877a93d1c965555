// The page of examples/spa in mode (a): it holds its tokens in memory, and has a module that people copy for refreshing them.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';
import { ROOT } from '../support/harness.mjs';
import { API, PROFILE, REFRESH, TIMEOUT, TOKEN_ENDPOINT, startSite } from '../support/spa-page.mjs';

const ALICE = 'alice@example.com';

let site;

before(async () => {
  site = await startSite();
});

afterEach(() => site.endVisits());

after(() => site?.close());

/** A page that posts a message, as that of the callback does. */
const posting = (response, target) => {
  const message = JSON.stringify({ type: 'authorization_response', response });
  return `<!doctype html><script>parent.postMessage(${message}, ${JSON.stringify(target)})</script>`;
};

test('two tabs that hold the same tokens share one exchange when these expire', TIMEOUT, async () => {
  const browser = await site.visit();
  const first = await browser.logInAndExpire('a', ALICE);
  const second = await browser.tab('a');
  const cloned = { ...(await browser.tokens()), expires_in: 0 };
  await second.page.route('**/api/auth0/silent/login*', (route) => {
    // The page asks whether there is such a path, too.
    if (!route.request().isNavigationRequest()) return route.continue();
    return route.fulfill({ contentType: 'text/html', body: posting(cloned, site.origin) });
  });
  const tabs = [first, second];
  // The other tab refreshes as it starts, for the sake of the profile, and then by its button.
  for (const begin of [() => second.go(), () => second.button('Refresh now').click()]) {
    const before = site.familyOf(ALICE);
    const hold = site.tenant.hold(TOKEN_ENDPOINT);
    site.tenant.resetCounts();
    await first.forget();
    await first.button('Refresh now').click();
    await begin();
    for (const tab of tabs) await tab.logged(`POST ${REFRESH}`);
    await hold.arrived();
    hold.release();
    for (const tab of tabs) await tab.logged('new tokens');
    assert.equal(site.exchanges(), 1);
    site.assertRotatedOnce(ALICE, before);
    await second.forget();
  }
  for (const tab of tabs) await tab.call();
});

test('a request that comes while a refresh is under way waits for the token that it brings', TIMEOUT, async () => {
  const tab = await (await site.visit()).logInAndExpire('a', ALICE);
  const hold = site.tenant.hold(TOKEN_ENDPOINT);
  await tab.forget();
  await tab.button('Call the API').click();
  await hold.arrived();
  await tab.button('Profile').click();
  await tab.logged(`GET ${PROFILE}`);
  hold.release();
  for (const path of [PROFILE, API]) await tab.logged(`${path} → 200`);
  assert.deepEqual(tab.statuses(PROFILE), [200], 'it never went with the old one');
});

test('a refusal that comes late finds the fresh token, and costs no second refresh', TIMEOUT, async () => {
  const tab = await (await site.visit()).logInAndExpire('a', ALICE);
  site.tenant.resetCounts();
  const late = `${API}?n=5`;
  await tab.page.route(
    `**${late}`,
    async (route) => {
      const response = await route.fetch();
      await tab.logged('new tokens');
      await route.fulfill({ response });
    },
    { times: 1 },
  );
  await tab.button('Call it five times at once').click();
  await tab.logged(`${late} → 401 token_expired`);
  await tab.logged(`${late} → 200`);
  assert.deepEqual([site.exchanges(), tab.statuses(REFRESH)], [1, [200]]);
});

test('a refresh whose answer is lost is asked for again, and answered from the same exchange', TIMEOUT, async () => {
  const tab = await (await site.visit()).logInAndExpire('a', ALICE);
  const before = site.familyOf(ALICE);
  site.tenant.resetCounts();
  await tab.page.route(
    `**${REFRESH}`,
    async (route) => {
      await route.fetch();
      await route.abort('connectionreset');
    },
    { times: 1 },
  );
  await tab.button('Call the API').click();
  await tab.showsProblem('no_answer');
  await tab.shows('in');
  await tab.logged('new tokens');
  await tab.call();
  assert.equal(site.exchanges(), 1);
  site.assertRotatedOnce(ALICE, before);
});

test('nobody asks again before the time that the gateway names', TIMEOUT, async () => {
  const tab = await (await site.visit()).logInAndExpire('a', ALICE);
  site.tenant.fault({
    path: TOKEN_ENDPOINT,
    kind: 'status',
    status: 429,
    headers: { 'retry-after': '3600' },
    body: '{}',
  });
  site.tenant.resetCounts();
  await tab.button('Call it five times at once').click();
  await tab.logged(/messages\?n=\d → 429 idp_rate_limited/, 5);
  await tab.button('Refresh now').click();
  await tab.logged(`${REFRESH} → 429`);
  await tab.problem.getByText('You stay logged in. The next try is in 3600 s.').waitFor();
  assert.equal(site.exchanges(), 1);
  assert.deepEqual(tab.statuses(REFRESH), [429]);
});

test('a logout while a refresh is under way is not undone by its answer', TIMEOUT, async () => {
  const browser = await site.visit();
  const [first, second] = [await browser.logInAndExpire('a', ALICE), await browser.open('a')];
  const hold = site.tenant.hold(TOKEN_ENDPOINT);
  await first.button('Call the API').click();
  await hold.arrived();
  await second.button('Log out').click();
  await first.shows('out');
  const answered = first.page.waitForResponse((response) => response.url().endsWith(REFRESH));
  hold.release();
  await (await answered).finished();
  await first.forget();
  await first.button('Call the API').click();
  await first.logged(`${API} → 401 token_missing`);
  await first.shows('out');
});

test('believes only the gateway, and only in the frame that it opened', TIMEOUT, async () => {
  const forged = { access_token: 'forged', refresh_token: 'forged', expires_in: 600 };
  const post = (message) => parent.postMessage({ type: 'authorization_response', response: message }, '*');
  const tab = await (await site.visit()).logIn('a', ALICE);
  const hold = site.tenant.hold('/authorize');
  await tab.page.reload({ waitUntil: 'commit' });
  await hold.arrived();
  // Of the page's own origin, but from windows that are not the frame.
  await tab.page.evaluate(() =>
    document.body.append(Object.assign(document.createElement('iframe'), { name: 'other' })),
  );
  await tab.page.frame('other').evaluate(post, forged);
  await tab.page.evaluate(post, forged);
  hold.release();
  await tab.shows('in');
  await tab.call();

  // In the frame, but of the provider's origin.
  site.tenant.fault({ path: '/authorize', kind: 'html', body: posting(forged, '*') });
  await tab.go();
  await tab.showsProblem('no_answer');
  await tab.shows('unknown');
  site.tenant.clearFaults();
  await tab.shows('in');
});

test('a hidden frame that brings nothing costs nothing, and one that brings tokens logs in', TIMEOUT, async () => {
  const browser = await site.visit();
  const tab = await browser.logIn('a', ALICE);
  const provider = await browser.context.cookies(site.tenant.origin);
  await browser.context.clearCookies({ name: /^tenant_/ });
  await tab.button('Renew in a hidden frame').click();
  await tab.showsProblem('login_required');
  await tab.shows('in');
  await tab.call();
  await tab.go();
  await tab.shows('out');
  await browser.context.addCookies(provider);
  await tab.button('Renew in a hidden frame').click();
  await tab.shows('in');
  await tab.call();
});

test('the tokens are in memory alone, where no other script finds them', TIMEOUT, async () => {
  const browser = await site.visit();
  const tab = await browser.logIn('a', ALICE);
  assert.equal(site.tokenIn(await tab.reachable()), undefined, 'the page');
  const stored = await browser.context.storageState({ indexedDB: true });
  assert.equal(site.tokenIn(JSON.stringify(stored)), undefined, 'what the browser keeps');
});

test('the module that people copy is short, and needs no other', () => {
  const text = readFileSync(join(ROOT, 'examples/spa/token-client.js'), 'utf8');
  assert.ok(text.trimEnd().split('\n').length < 100);
  assert.doesNotMatch(text, /\bimport\b/);
});

test('that module sends a body again whole, and to no other origin', TIMEOUT, async () => {
  const browser = await site.visit();
  const tab = await browser.logInAndExpire('a', ALICE);
  const { refusal, length } = await tab.page.evaluate(
    async ({ tokens, path }) => {
      const { TokenClient } = await import('/token-client.js');
      const client = new TokenClient({ refreshUrl: '/api/auth0/refresh' });
      client.hold(tokens);
      const elsewhere = await client.fetch('https://elsewhere.example/').catch(({ message }) => message);
      const answer = await client.fetch(path, { method: 'POST', body: 'x'.repeat(100_000) });
      return { refusal: elsewhere, length: (await answer.json()).body_length };
    },
    { tokens: await browser.tokens(), path: API },
  );
  assert.equal(refusal, 'the token is for the gateway alone');
  assert.equal(length, 100_000);
  assert.deepEqual(tab.statuses(API), [200, 401]);
});

test('that module forgets what it is told to forget, whatever is under way', TIMEOUT, async () => {
  const browser = await site.visit();
  const tab = await browser.logInAndExpire('a', ALICE);
  const hold = site.tenant.hold(TOKEN_ENDPOINT);
  await tab.page.evaluate(
    async ({ tokens, path }) => {
      const { TokenClient } = await import('/token-client.js');
      globalThis.client = new TokenClient({ refreshUrl: '/api/auth0/refresh' });
      globalThis.client.hold(tokens);
      globalThis.underWay = globalThis.client.fetch(path);
    },
    { tokens: await browser.tokens(), path: API },
  );
  await hold.arrived();
  await tab.page.evaluate(() => globalThis.client.hold());
  hold.release();
  const codes = await tab.page.evaluate(async (path) => {
    const answers = [await globalThis.underWay, await globalThis.client.fetch(path)];
    return Promise.all(answers.map(async (answer) => (await answer.json()).code));
  }, API);
  assert.deepEqual(codes, ['token_expired', 'token_missing']);
});
