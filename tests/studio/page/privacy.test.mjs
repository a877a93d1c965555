// The studio sends nothing anywhere, whatever serves it, and keeps nothing that it was not told to keep.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { gzipSync } from 'node:zlib';
import { after, afterEach, before, describe, test } from 'node:test';
import { until } from '../../e2e/support/harness.mjs';
import { startStudio } from '../../e2e/support/studio.mjs';

const COMPRESSED_MAX_BYTES = 1_500_000;

let site;
let tab;

before(async () => {
  // One without windows asks for no icon.
  site = await startStudio({ whole: true });
});

afterEach(() => tab?.close());

after(() => site?.close());

/** A host of static files below a path, which sends no header of its own. */
async function startStaticHost(folder) {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const name = new URL(request.url, 'http://host').pathname.replace('/some/folder/', '') || 'index.html';
    if (!readdirSync(folder).includes(name)) return void response.writeHead(404).end();
    const types = { html: 'text/html', css: 'text/css', js: 'text/javascript', svg: 'image/svg+xml' };
    response.writeHead(200, { 'content-type': types[name.split('.').at(-1)] });
    response.end(readFileSync(join(folder, name)));
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(undefined)));
  const origin = `http://127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
  return { origin, address: `${origin}/some/folder/`, asked, close: () => server.close() };
}

/** What comes of each way out of a page. Runs in the page. */
async function waysOut(target) {
  // A beacon says nothing of what becomes of it: the host that is asked for nothing is what shows it.
  navigator.sendBeacon(target);
  const failed = (promise) =>
    promise.then(
      () => 'sent',
      () => 'refused',
    );
  const closes = (socket) => new Promise((resolve) => (socket.onclose = socket.onerror = () => resolve('refused')));
  const loads = (element) =>
    new Promise((resolve) => {
      element.onload = () => resolve('sent');
      element.onerror = () => resolve('refused');
      document.body.append(element);
    });
  const inWorker = () => {
    const source = `fetch(${JSON.stringify(target)}).then(() => postMessage('sent'), () => postMessage('refused'))`;
    const worker = new Worker(URL.createObjectURL(new Blob([source])));
    return new Promise((resolve) => (worker.onmessage = ({ data }) => resolve(data)));
  };
  const made = (name, key) => Object.assign(document.createElement(name), { [key]: target });
  return {
    fetch: await failed(fetch(target, { mode: 'no-cors' })),
    worker: await inWorker(),
    socket: await closes(new WebSocket(target.replace('http', 'ws'))),
    image: await loads(made('img', 'src')),
    script: await loads(made('script', 'src')),
    style: await loads(Object.assign(made('link', 'href'), { rel: 'stylesheet' })),
  };
}

describe('the page connects to nothing', () => {
  test('served by bargate studio: not even to its own origin, and never but for its files', async () => {
    tab = await site.open();
    const own = readdirSync(site.page).filter((name) => !['index.html', '_headers'].includes(name));
    const expected = [site.address, ...own.map((name) => `${site.address}${name}`)];
    assert.deepEqual(tab.requests.filter((url) => !url.startsWith('blob:')).sort(), expected.sort());
    const seen = tab.requests.length;
    for (const name of ['Request', 'Token', 'Compare']) await tab.tab(name);
    await tab.load({ paths: [] });
    await tab.verdict('✓ valid');
    assert.equal(tab.requests.length, seen);
    assert.equal(
      await tab.page.evaluate(() =>
        fetch('/').then(
          () => 'sent',
          () => 'refused',
        ),
      ),
      'refused',
    );
  });

  test('served by a static host that sends no policy: nor does its Worker', async () => {
    const [host, other] = [await startStaticHost(site.page), await startStaticHost(site.page)];
    try {
      tab = await site.open({ address: host.address });
      await tab.verdict('✓ valid');
      const ways = await tab.page.evaluate(waysOut, `${other.origin}/out`);
      assert.deepEqual(ways, Object.fromEntries(Object.keys(ways).map((way) => [way, 'refused'])));
      assert.deepEqual(other.asked, []);
      const { fetch, worker, socket } = await tab.page.evaluate(waysOut, `${host.origin}/out`);
      assert.deepEqual([fetch, worker, socket], ['refused', 'refused', 'refused']);
    } finally {
      host.close();
      other.close();
    }
  });

  test('forms of it go nowhere', async () => {
    tab = await site.open();
    await tab.page.evaluate(() => {
      const form = document.createElement('form');
      form.action = 'http://127.0.0.1:9/';
      document.body.append(form);
      form.submit();
    });
    await until(() => tab.complaints.some((text) => text.includes('form-action')));
  });
});

test('the page works from a folder of this machine, without any host', async () => {
  tab = await site.open({ address: pathToFileURL(join(site.page, 'index.html')).href });
  await tab.verdict('✓ valid');
  await tab.path('/health').waitFor();
  assert.deepEqual(tab.complaints, []);
});

test('the page loads in less than 1.5 MB, compressed', () => {
  const sizes = readdirSync(site.page).map((name) => gzipSync(readFileSync(join(site.page, name))).length);
  const bytes = sizes.reduce((sum, size) => sum + size);
  assert.ok(bytes < COMPRESSED_MAX_BYTES, `${bytes} bytes`);
});

describe('what is kept', () => {
  test('is nothing, unless one asks for it', async () => {
    tab = await site.open();
    await tab.load({ paths: [] });
    await tab.verdict('✓ valid');
    assert.deepEqual(await tab.page.evaluate(() => Object.keys(localStorage)), []);
  });

  test('is the config as it stands, and neither values nor tokens; it is erased by the same box', async () => {
    const host = await startStaticHost(site.page);
    try {
      tab = await site.open({ address: host.address });
      await tab.page.getByLabel('Keep this config').check();
      await tab.load({ paths: [{ method: 'GET', path: '/kept', response: 1 }] });
      await tab.path('/kept').waitFor();
      await tab.page.getByText('Values of $env').click();
      await tab.page.getByRole('textbox', { name: 'as in .dev.vars' }).fill('API_KEY=confidential');
      assert.doesNotMatch(await tab.page.evaluate(() => JSON.stringify(localStorage)), /confidential/);
      await tab.page.reload();
      await tab.path('/kept').waitFor();
      await tab.page.getByLabel('Keep this config').uncheck();
      assert.deepEqual(await tab.page.evaluate(() => Object.keys(localStorage)), []);
      await tab.page.reload();
      await tab.path('/health').waitFor();
    } finally {
      host.close();
    }
  });
});
