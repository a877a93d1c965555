// What the studio shows of a config: the routes as a picture, what a change exposes, what a token is worth.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { after, afterEach, before, describe, test } from 'node:test';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';
import { CONFIG, startStudio } from '../../e2e/support/studio.mjs';

const KID = 'key-1';

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

async function saved(button) {
  const [download] = await Promise.all([tab.page.waitForEvent('download'), tab.button(button).click()]);
  return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') };
}

describe('the routes', () => {
  test('are drawn as a tree, and one that is selected is told in words and found in the editor', async () => {
    tab = await site.open();
    await tab.tree.getByRole('treeitem', { name: /ANY \/api\/orders\/\{id\}/ }).click();
    const rule = tab.page.locator('#routes-rule');
    await rule.getByRole('heading', { name: 'ANY /api/orders/{id}' }).waitFor();
    assert.match(await rule.innerText(), /read:orders/);
    assert.match(await rule.innerText(), /https:\/\/api\.shop\.example/);
    await rule.getByRole('button', { name: /in line/ }).click();
    await tab.page.keyboard.press('ArrowRight');
    await tab.page.keyboard.insertText(' "x-note": 1,');
    await tab.verdict('✓ valid');
    assert.match(await tab.editor.innerText(), /"x-note": 1,\s*\n\s*"method": "ANY",\s*\n\s*"path": "\/api\/orders/);
  });

  test('follow what is typed', async () => {
    tab = await site.open();
    await tab.replace('"/health"', '"/alive"');
    await tab.path('/alive').waitFor();
    assert.equal(await tab.path('/health').count(), 0);
  });

  test('are saved as an SVG that stands by itself, and as Mermaid', async () => {
    tab = await site.open();
    await tab.path('/health').waitFor();
    const svg = await saved('Save SVG');
    assert.equal(svg.name, 'routes.svg');
    assert.match(svg.text, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"[\s\S]*\/health[\s\S]*<\/svg>\s*$/);
    const mermaid = await saved('Save Mermaid');
    assert.equal(mermaid.name, 'routes.mmd');
    assert.match(mermaid.text, /^flowchart LR/);
    assert.match(mermaid.text, /health/);
  });
});

describe('a comparison', () => {
  test('says and draws what a change exposes, as it is typed', async () => {
    tab = await site.open();
    await tab.tab('Compare');
    await tab.button('Take the config as it is as the old one').click();
    await tab.page.getByText('No difference').waitFor();
    await tab.replace('"read:orders"', '');
    await tab.page.getByText('It exposes more than before, in one way').waitFor();
    await tab.page
      .getByRole('list', { name: 'What it exposes' })
      .getByText('no longer requires the scope read:orders')
      .waitFor();
    const drawn = tab.page
      .getByRole('tree', { name: 'Changes' })
      .getByRole('treeitem', { name: /\/api\/orders\/\{id\}/ });
    await drawn.click();
    await tab.page
      .locator('#compare')
      .getByRole('heading', { name: /ANY \/api\/orders/ })
      .waitFor();
  });

  test('takes the old config from a file', async () => {
    tab = await site.open();
    await tab.tab('Compare');
    const old = { ...CONFIG, paths: CONFIG.paths.slice(1) };
    const file = { name: 'old.json', mimeType: 'application/json', buffer: Buffer.from(JSON.stringify(old)) };
    await tab.page.locator('#compare-file').setInputFiles(file);
    await tab.page.getByRole('list', { name: 'What it exposes' }).getByText('a public path appears').waitFor();
  });

  test('says when a config cannot be read', async () => {
    tab = await site.open();
    await tab.tab('Compare');
    const file = { name: 'old.json', mimeType: 'application/json', buffer: Buffer.from('{ "paths": [ }') };
    await tab.page.locator('#compare-file').setInputFiles(file);
    await tab.page
      .locator('#compare-outcome')
      .getByText(/before\.json/)
      .waitFor();
  });
});

describe('a token', () => {
  async function issue(claims = {}) {
    const { publicKey, privateKey } = await generateKeyPair('RS256');
    const jwks = JSON.stringify({ keys: [{ ...(await exportJWK(publicKey)), kid: KID, alg: 'RS256', use: 'sig' }] });
    const token = await new SignJWT({ scope: 'read:orders', ...claims })
      .setProtectedHeader({ alg: 'RS256', kid: KID, typ: 'JWT' })
      .setIssuer('https://shop.eu.auth0.com/')
      .setAudience('https://api.shop.example/')
      .setSubject('auth0|1')
      .setIssuedAt()
      .setExpirationTime('1h')
      .sign(privateKey);
    return { token, jwks };
  }

  /** @param {{ token: string, jwks?: string }} issued */
  async function paste({ token, jwks }) {
    await tab.tab('Token');
    await tab.page.getByRole('textbox', { name: 'Token' }).fill(token);
    if (jwks) await tab.page.getByLabel('JWKS of its issuer').fill(jwks);
  }

  const result = (text) => tab.page.locator('#token-outcome .outcome', { hasText: text }).waitFor();

  test('is accepted by its signature, which the browser checks, and by its claims', async () => {
    tab = await site.open();
    await paste(await issue());
    await result('Accepted');
    const signature = tab.page
      .getByRole('list', { name: 'Checks' })
      .getByRole('listitem')
      .filter({ hasText: /^✓signature/ });
    await signature.getByText('passed').waitFor();
    await tab.page.locator('#token-result').getByText('"auth0|1"').waitFor();
    assert.match(await tab.page.locator('#token-result').innerText(), /exp\s*\d+ 20\S+Z, in /);
  });

  test('is not known to be genuine without the keys of its issuer', async () => {
    tab = await site.open();
    const { token } = await issue();
    await paste({ token });
    await result('Not known');
  });

  test('is refused if another key has signed it, or if it is for others', async () => {
    tab = await site.open();
    const [{ token }, { jwks }] = [await issue(), await issue()];
    await paste({ token, jwks });
    await result('Refused: 401 token_invalid');
    await tab.replace('"audience": "https://api', '"audience": "https://other');
    await tab.page.getByText('"https://other.shop.example/", by itself or in a list').waitFor();
  });

  test('is checked by the values that are given below the editor', async () => {
    tab = await site.open();
    await tab.replace('"https://api.shop.example/"', '"$env.AUDIENCE"');
    await paste(await issue());
    await result('Not known');
    await tab.page.getByText('give them below the editor').waitFor();
    await tab.page.getByText('Values of $env').click();
    await tab.page.getByRole('textbox', { name: 'as in .dev.vars' }).fill('AUDIENCE=https://api.shop.example/');
    await result('Accepted');
  });

  test('is gone from the page when its field is emptied', async () => {
    tab = await site.open();
    await paste(await issue());
    await result('Accepted');
    await tab.page.getByRole('textbox', { name: 'Token' }).fill('');
    await tab.page.locator('#token-result > *').first().waitFor({ state: 'detached' });
  });

  test('stays in the page: it is in no address and in no storage', async () => {
    tab = await site.open();
    const issued = await issue();
    await tab.page.getByLabel('Keep this config').check();
    await paste(issued);
    await result('Accepted');
    const before = tab.requests.length;
    await tab.page.getByRole('button', { name: 'Try it on a request' }).click();
    await tab.page.locator('#request-outcome > *').first().waitFor();
    const stored = await tab.page.evaluate(() =>
      JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
    );
    assert.ok(!stored.includes(issued.token.slice(0, 20)), stored);
    assert.ok(!tab.page.url().includes('eyJ'), tab.page.url());
    assert.equal(tab.requests.length, before);
  });
});
