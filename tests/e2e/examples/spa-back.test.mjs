// The page of examples/spa in the back/forward cache of a whole browser.

import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { MODES, startSite } from '../support/spa-page.mjs';

const ALICE = 'alice@example.com';

let site;

before(async () => {
  // Playwright switches that cache off.
  site = await startSite({ launch: { whole: true, ignoreDefaultArgs: ['--disable-back-forward-cache'] } });
});

afterEach(() => site.endVisits());

after(() => site?.close());

for (const mode of Object.keys(MODES)) {
  test(`in mode (${mode}), after a logout elsewhere, Back brings the page out of its cache and nothing of the person with it`, async () => {
    const browser = await site.visit();
    const tab = await browser.logIn(mode, ALICE);
    await tab.call();
    await tab.page.evaluate(() =>
      addEventListener('pageshow', ({ persisted }) => {
        const texts = ['who', 'answer'].map((id) => document.getElementById(id).textContent);
        globalThis.back = { persisted, state: document.body.dataset.state, texts };
      }),
    );
    await tab.page.goto(`${site.origin}/icon.svg`);
    // As another device, or the provider, would end it.
    await browser.context.clearCookies();
    await tab.page.evaluate(() => void setTimeout(() => history.back()));
    await tab.page.waitForURL(`${site.origin}/`, { waitUntil: 'commit' });
    await tab.page.waitForFunction(() => globalThis.back);
    const back = await tab.page.evaluate(() => globalThis.back);
    assert.deepEqual(back, { persisted: true, state: 'starting', texts: ['', ''] }, 'at once');
    await tab.shows('out');
    assert.equal(await tab.person.textContent(), '');
  });
}
