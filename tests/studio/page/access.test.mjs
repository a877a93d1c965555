// The studio for everyone: by keyboard, by a screen reader, on a phone, dark and light.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, afterEach, before, describe, test } from 'node:test';
import { startStudio } from '../../e2e/support/studio.mjs';

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
/** Of what is in order, axe then gathers no nodes, which nobody reads here. */
const ONLY = { resultTypes: ['violations'] };
const PHONE = { width: 360, height: 740 };
const DESK = { width: 1280, height: 900 };

let site;
let tab;

before(async () => {
  site = await startStudio();
});

afterEach(() => tab.close());

after(() => site?.close());

/** Shows each panel with something in it, and calls `look` there. */
async function throughPanels(look) {
  await tab.replace('"alias"', '"alas"');
  await tab.verdict(/error/);
  await look('errors');
  await tab.replace('"alas"', '"alias"');
  await tab.verdict('✓ valid');
  await tab.tree.getByRole('treeitem', { name: /ANY \/api\/orders/ }).click();
  await tab.page.locator('#routes-rule h3').waitFor();
  await look('routes');
  await tab.tab('Request');
  await tab.page.getByLabel('Address', { exact: true }).fill('https://gateway.example/api/orders/7');
  await tab.page.locator('#request-outcome > *').first().waitFor();
  await look('request');
  await tab.tab('Token');
  await tab.page.getByRole('textbox', { name: 'Token' }).fill('eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.AAAA');
  await tab.page.locator('#token-outcome .outcome').waitFor();
  await look('token');
  await tab.tab('Compare');
  await tab.button('Take the config as it is as the old one').click();
  await tab.replace('"read:orders"', '');
  await tab.page.getByText('It exposes more').waitFor();
  await look('compare');
}

for (const colorScheme of /** @type {const} */ (['light', 'dark'])) {
  for (const [name, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
    test(`axe finds nothing serious in any panel: ${colorScheme}, on a ${name}`, async () => {
      tab = await site.open({ colorScheme, viewport, reducedMotion: 'reduce', bypassCSP: true });
      await tab.page.addScriptTag({ content: AXE });
      await throughPanels(async (panel) => {
        const { violations } = await tab.page.evaluate((how) => /** @type {any} */ (globalThis).axe.run(how), ONLY);
        const serious = violations
          .filter(({ impact }) => ['serious', 'critical'].includes(impact))
          .map(({ id, nodes }) => ({
            panel,
            id,
            nodes: nodes.map(({ html, any }) => `${html} ${any[0]?.message ?? ''}`),
          }));
        assert.deepEqual(serious, []);
      });
    });
  }
}

test('fits the width of a phone, whatever it shows', async () => {
  tab = await site.open({ viewport: PHONE });
  await throughPanels(async (panel) => {
    const overflow = await tab.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      return document.documentElement.scrollWidth > width ? document.documentElement.scrollWidth : 0;
    });
    assert.equal(overflow, 0, panel);
  });
});

describe('by keyboard', () => {
  const focused = () =>
    tab.page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element?.getAttribute('aria-label') ?? element?.id ?? element?.textContent;
    });

  test('Tab leaves the editor, forwards and backwards', async () => {
    tab = await site.open();
    await tab.editor.focus();
    assert.equal(await focused(), 'gateway.config.json');
    await tab.page.keyboard.press('Tab');
    assert.notEqual(await focused(), 'gateway.config.json');
    await tab.page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'gateway.config.json');
    await tab.page.keyboard.press('Shift+Tab');
    assert.equal(await focused(), 'save');
  });

  test('the first stop skips the editor', async () => {
    tab = await site.open();
    await tab.page.keyboard.press('Tab');
    await tab.page.keyboard.press('Enter');
    await tab.page.keyboard.press('Tab');
    assert.equal(await focused(), 'tab-routes');
  });

  test('arrows move between the tabs, and Tab goes into the panel', async () => {
    tab = await site.open();
    await tab.page.locator('#tab-routes').focus();
    const shown = () => tab.page.locator('[role=tabpanel]:not([hidden])').getAttribute('id');
    for (const [key, panel] of [
      ['ArrowRight', 'request'],
      ['End', 'compare'],
      ['ArrowRight', 'routes'],
      ['ArrowLeft', 'compare'],
      ['Home', 'routes'],
    ]) {
      await tab.page.keyboard.press(key);
      assert.equal(await shown(), panel, key);
      assert.equal(await focused(), `tab-${panel}`, key);
    }
    await tab.page.keyboard.press('Tab');
    assert.equal(await focused(), 'routes-open');
  });

  test('every stop shows where it is', async () => {
    tab = await site.open();
    await tab.verdict('✓ valid');
    const stops = new Set();
    for (let stop = 0; stop < 60; stop++) {
      await tab.page.keyboard.press('Tab');
      const { name, isShown } = await tab.page.evaluate(() => {
        const element = document.activeElement;
        const around = [element, element?.firstElementChild].filter((one) => one instanceof Element);
        const isShown = around.some((one) => getComputedStyle(one).outlineStyle !== 'none');
        return { name: element === document.body ? '' : element?.id || element?.textContent, isShown };
      });
      // Behind the last stop comes the browser's own.
      if (!name) break;
      stops.add(name);
      assert.ok(isShown, name);
    }
    for (const id of ['examples', 'open', 'save', 'editor', 'keep', 'tab-routes', 'routes-svg'])
      assert.ok(stops.has(id), id);
  });
});
