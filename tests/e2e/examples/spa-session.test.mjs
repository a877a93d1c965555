// The page of examples/spa in mode (b): the gateway holds the tokens, and no script in the page can reach one.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { API, PROFILE, REFRESH, TOKEN_CALLBACK, TOKEN_ENDPOINT, startSite } from '../support/spa-page.mjs';

const ALICE = 'alice@example.com';

let site;

before(async () => {
  site = await startSite();
});

afterEach(() => site.endVisits());

after(() => site?.close());

test("two tabs that find their session's token expired share one exchange", async () => {
  const browser = await site.visit();
  const first = await browser.logInAndExpire('b', ALICE);
  const second = await browser.tab('b');
  const before = site.familyOf(ALICE);
  const hold = site.tenant.hold(TOKEN_ENDPOINT);
  site.tenant.resetCounts();
  await first.forget();
  await first.button('Call it five times at once').click();
  // The other tab asks for the session at its start.
  await second.page.goto(site.origin, { waitUntil: 'commit' });
  await second.logged(`POST ${REFRESH}`);
  await hold.arrived();
  hold.release();
  await second.shows('in');
  await first.logged(/messages\?n=\d → 200/, 5);
  await second.call();
  assert.equal(site.exchanges(), 1);
  site.assertRotatedOnce(ALICE, before);
});

test('a renewal whose client hangs up is there for the next request', async () => {
  const tab = await (await site.visit()).logInAndExpire('b', ALICE);
  const before = site.familyOf(ALICE);
  const hold = site.tenant.hold(TOKEN_ENDPOINT, { after: true });
  site.tenant.resetCounts();
  await tab.button('Call the API').click();
  await hold.arrived();
  await tab.page.reload({ waitUntil: 'commit' });
  hold.release();
  await tab.shows('in');
  await tab.call();
  assert.equal(site.exchanges(), 1);
  site.assertRotatedOnce(ALICE, before);
});

test('the gateway has the last word: a tab that hears of no logout is told by its next calls', async () => {
  const browser = await site.visit();
  const first = await browser.logIn('b', ALICE);
  const stale = await site.visit();
  // As a thief would, who has copied the cookie into a browser of his own.
  await stale.context.addCookies([await browser.cookie()]);
  const second = await stale.open('b');
  await second.shows('in');
  await second.call();
  await first.button('Log out').click();
  await first.page.waitForURL(`${site.origin}/`);
  // Not `check`, which looks at the box afterwards: the first call may have cleared it by then.
  await second.page.getByLabel('Keep calling').click();
  await second.shows('out');
  await second.showsProblem('session_expired');
  assert.equal(await stale.cookie(), undefined);
});

test("an altered cookie ends in a login, and never in another's session", async () => {
  const browser = await site.visit();
  const tab = await browser.logIn('b', ALICE);
  const other = await (await site.visit()).logIn('b', 'mallory@example.com');
  const { value: others } = await other.visit.cookie();
  /** @type {any[][]} */
  const table = [
    [
      'its key is altered',
      (value) => value.slice(0, 30) + (value[30] === 'A' ? 'B' : 'A') + value.slice(31),
      'session_invalid',
    ],
    ['its name is altered', (value) => (value[0] === 'A' ? 'B' : 'A') + value.slice(1), 'session_expired'],
    ["it has another's name", (value) => others.slice(0, 22) + value.slice(22), 'session_invalid'],
    ['it is cut', (value) => value.slice(0, 20), 'session_invalid'],
    ['it is anything', () => 'anything', 'session_invalid'],
  ];
  for (const [message, alter, code] of table) {
    const cookie = await browser.cookie();
    await browser.context.addCookies([{ ...cookie, value: alter(cookie.value) }]);
    await tab.button('Call the API').click();
    await tab.shows('out');
    await tab.showsProblem(code);
    assert.equal(await tab.person.textContent(), '', message);
    assert.equal(await browser.cookie(), undefined, `${message}: the cookie is cleared`);
    await tab.logIn(ALICE);
  }
  await other.call();
  assert.equal(await other.person.innerText(), 'Mallory · mallory@example.com', 'whose session was named is untouched');
});

test('no token is in the reach of the page, nor in any answer that it receives', async () => {
  const browser = await site.visit();
  const tab = await browser.logInAndExpire('b', ALICE);
  const before = site.familyOf(ALICE);
  await tab.button('Call it five times at once').click();
  await tab.logged(/messages\?n=\d → 200/, 5);
  await tab.call();
  await tab.button('Profile').click();
  await tab.logged(`${PROFILE} → 200`, 2);
  const [refreshed] = await Promise.all([
    tab.page.waitForResponse((response) => response.url().endsWith(REFRESH)),
    tab.button('Refresh now').click(),
  ]);
  assert.deepEqual(Object.keys(await refreshed.json()), ['expires_in']);
  site.assertRotatedOnce(ALICE, before);

  const { value, ...cookie } = await browser.cookie();
  assert.deepEqual([cookie.httpOnly, cookie.sameSite, cookie.path], [true, 'Lax', '/']);
  for (const moment of ['after all of this', 'after a reload']) {
    const reachable = await tab.reachable();
    assert.equal(site.tokenIn(reachable), undefined, moment);
    assert.ok(!reachable.includes(value), `the cookie itself is out of reach ${moment}`);
    await tab.go();
    await tab.shows('in');
  }
  const stored = await browser.context.storageState({ indexedDB: true });
  assert.equal(site.tokenIn(JSON.stringify(stored)), undefined, 'what the browser keeps');
  for (const path of [API, PROFILE, REFRESH, '/api/auth0/callback']) {
    assert.ok(
      browser.answers.some((answer) => answer.path === path),
      `an answer from ${path} was looked at`,
    );
  }
  for (const { url, text } of browser.answers) assert.equal(site.tokenIn(await text), undefined, url);
});

test('what looks for tokens would find one, wherever it is', async () => {
  const browser = await site.visit();
  const tab = await browser.logIn('a', ALICE);
  const { access_token: accessToken, refresh_token: refreshToken } = await browser.tokens();
  for (const token of [accessToken, refreshToken]) assert.equal(site.tokenIn(`in ${token}, say`), token);
  const callback = browser.answers.find(({ path }) => path === TOKEN_CALLBACK);
  assert.ok(site.tokenIn(await callback.text), 'in an answer');

  const places = {
    global: (text) => void Object.assign(globalThis, { deep: { map: new Map([['key', [text]]]) } }),
    'local storage': (text) => localStorage.setItem('planted', text),
    'session storage': (text) => sessionStorage.setItem('planted', text),
    cookie: (text) => void Object.assign(document, { cookie: `planted=${text}` }),
    document: (text) => document.body.append(text),
    attribute: (text) => document.body.setAttribute('data-planted', text),
    'name of the window': (text) => void Object.assign(globalThis, { name: text }),
    history: (text) => history.replaceState({ text }, ''),
    cache: async (text) => (await caches.open('planted')).put('/planted', new Response(text)),
    database: (text) =>
      new Promise((resolve) => {
        const request = indexedDB.open('planted');
        request.onupgradeneeded = () => request.result.createObjectStore('planted').add({ text }, 'key');
        request.onsuccess = () => resolve(request.result.close());
      }),
  };
  const texts = Object.keys(places).map((place) => `planted-in-${place.replaceAll(' ', '-')}`);
  const clean = await tab.reachable();
  assert.deepEqual(
    texts.filter((text) => clean.includes(text)),
    [],
  );
  for (const [index, plant] of Object.values(places).entries()) await tab.page.evaluate(plant, texts[index]);
  const found = await tab.reachable();
  assert.deepEqual(
    texts.filter((text) => !found.includes(text)),
    [],
  );
});
