// The editor of the studio: what `check` says, as one types, under the very tokens; completion and explanations by the schema.

import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { after, afterEach, before, describe, test } from 'node:test';
import { CONFIG, startStudio } from '../../e2e/support/studio.mjs';

let site;
let tab;

before(async () => {
  site = await startStudio();
});

afterEach(async () => {
  assert.deepEqual(tab.complaints, []);
  await tab.close();
});

after(() => site?.close());

describe('what check says', () => {
  test('is shown as one types, under the very token, with code and help', async () => {
    tab = await site.open();
    await tab.verdict('✓ valid');
    await tab.replace('"alias"', '"alas"');
    await tab.verdict('1 error');
    const marked = tab.page.locator('#editor .cm-lintRange-error');
    assert.deepEqual(await marked.allInnerTexts(), ['"alas"']);
    const entry = tab.page.getByRole('button', { name: /Error in line 4: unknown key "alas"/ });
    assert.match(await entry.innerText(), /unknown_key/);
    assert.match(await entry.innerText(), /did you mean "alias"\?/);
    await tab.replace('"alas"', '"alias"');
    await tab.verdict('✓ valid');
    assert.equal(await marked.count(), 0);
    assert.equal(await entry.count(), 0);
  });

  test('is found from the list: an entry selects its token in the editor', async () => {
    tab = await site.open();
    await tab.replace('"audience"', '"audiense"');
    await tab.page.getByRole('button', { name: /unknown key "audiense"/ }).click();
    await tab.page.keyboard.insertText('"audience"');
    await tab.verdict('✓ valid');
  });

  test('has the right place behind characters of two UTF-16 units', async () => {
    tab = await site.open();
    await tab.load('{ "title": "😀😀", "pahts": [], "paths": [{ "method": "GET", "path": "/", "response": 1 }] }');
    await tab.verdict('1 error');
    assert.deepEqual(await tab.page.locator('#editor .cm-lintRange-error').allInnerTexts(), ['"pahts"']);
  });

  test('is said of what is no JSON at all, and the routes drawn last stay', async () => {
    tab = await site.open();
    await tab.path('/health').waitFor();
    await tab.putCursorBehind('"servers": [');
    await tab.page.keyboard.insertText('[[');
    await tab.verdict('1 error');
    await tab.page.getByText('these are the routes of the last one that could').waitFor();
    assert.equal(await tab.path('/health').count(), 1);
  });

  test('counts warnings apart', async () => {
    tab = await site.open();
    await tab.replace('"https://api.shop.example"', '"http://api.shop.example"');
    await tab.verdict(/^1 warning$/);
    assert.equal(await tab.page.locator('#editor .cm-lintRange-warning').innerText(), '"http://api.shop.example"');
  });
});

describe('completion', () => {
  test('offers the keys that are missing, and puts the cursor into the value', async () => {
    tab = await site.open();
    await tab.putCursorBehind('"url": "https://api.shop.example"');
    await tab.page.keyboard.type(', "str');
    await tab.offers.filter({ hasText: 'strict_paths' }).click();
    await tab.page.keyboard.type('true');
    await tab.verdict('✓ valid');
    assert.match(await tab.editor.innerText(), /"url": "https:\/\/api\.shop\.example", "strict_paths": true\n/);
  });

  test('offers values, also those that the config names itself', async () => {
    tab = await site.open();
    await tab.load({
      ...CONFIG,
      paths: [...CONFIG.paths, { method: '', path: '/x', integration: { type: 'http_proxy', server: '' } }],
    });
    await tab.verdict(/error/);
    await tab.putCursorBehind('"method": ""');
    await tab.page.keyboard.press('ArrowLeft');
    await tab.page.keyboard.type('PA');
    await tab.offers.filter({ hasText: 'PATCH' }).click();
    await tab.putCursorBehind('"server": ""');
    await tab.page.keyboard.press('ArrowLeft');
    await tab.page.keyboard.press('Control+Space');
    await tab.offers.filter({ hasText: /^api$/ }).click();
    await tab.verdict('✓ valid');
  });

  test('goes by the type of an integration', async () => {
    tab = await site.open();
    await tab.load({ ...CONFIG, paths: [{ method: 'GET', path: '/old', integration: { type: 'redirect' } }] });
    await tab.verdict(/error/);
    await tab.putCursorBehind('"type": "redirect"');
    await tab.page.keyboard.type(', "');
    await tab.offers.first().waitFor();
    const offered = (await tab.offers.allInnerTexts()).map((text) => text.replace('required', ''));
    assert.ok(offered.includes('location'), offered.join());
    assert.ok(!offered.includes('server'), offered.join());
  });
});

describe('explanations', () => {
  test('come from the schema where the pointer rests', async () => {
    tab = await site.open();
    await tab.page.locator('#editor').getByText('"audience"').hover();
    const meaning = tab.page.locator('.meaning');
    await meaning.getByText('authorizer.audience', { exact: true }).waitFor();
    assert.ok((await meaning.locator('p').first().innerText()).length > 20);
  });

  test('tell what a value chooses', async () => {
    tab = await site.open();
    await tab.page.locator('#editor').getByText('"auth0"').hover();
    await tab.page.locator('.meaning').getByText('An Auth0 tenant.').waitFor();
  });
});

describe('configs to begin from', () => {
  test('are opened from the examples, and from a file', async () => {
    tab = await site.open();
    await tab.page.getByLabel('Begin with').selectOption({ label: 'Sign in with Apple' });
    await tab.path('/callback').waitFor();
    await tab.verdict('✓ valid');
    await tab.load({ paths: [{ method: 'GET', path: '/from-a-file', response: 1 }] });
    await tab.path('/from-a-file').waitFor();
    await tab.editor.press('Control+z');
    await tab.path('/from-a-file').waitFor({ state: 'detached' });
  });

  test('are saved as a file', async () => {
    tab = await site.open();
    const [download] = await Promise.all([tab.page.waitForEvent('download'), tab.button('Download').click()]);
    assert.equal(download.suggestedFilename(), 'gateway.config.json');
    const text = await (await download.createReadStream()).toArray();
    assert.deepEqual(JSON.parse(Buffer.concat(text).toString()), CONFIG);
  });
});

test('a config that is gone when the page is loaded again is said, and the page works', async () => {
  const text = readFileSync(site.file, 'utf8');
  rmSync(site.file);
  try {
    tab = await site.open();
    assert.equal(
      await tab.page.getByRole('alert').innerText(),
      `${site.file}: there is no such file. Once that is mended, load the page again.`,
    );
    await tab.verdict('✓ valid');
  } finally {
    writeFileSync(site.file, text);
  }
  await tab.page.reload();
  await tab.verdict('✓ valid');
  assert.equal(await tab.page.getByRole('alert').count(), 0);
});
