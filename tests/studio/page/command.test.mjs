// `bargate studio`: what it serves, to whom, and what it says if it cannot.

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { studio } from '../../../packages/bargate/cli/commands/studio.mjs';
import { HEADERS, buildStudio } from '../../../scripts/studio.mjs';
import { serveStudio } from '../../e2e/support/studio.mjs';

const MISSING = join(tmpdir(), 'bargate-no-such-folder');

let folder;
let page;
let server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'bargate-studio-'));
  page = join(folder, 'page');
  await buildStudio(page);
});

afterEach(async () => {
  await server?.close();
  server = undefined;
});

after(() => rmSync(folder, { recursive: true }));

async function serve(text) {
  const file = join(folder, 'gateway.config.json');
  writeFileSync(file, text);
  server = await serveStudio(['--config', file], { page });
  return { file, html: async () => (await fetch(server.address)).text() };
}

/** The config that a page begins with, as a browser would read it. */
function opened(html) {
  const [, data] = /<script type="application\/json" id="opened">(.*?)<\/script>/s.exec(html);
  return JSON.parse(data);
}

describe('what it serves', () => {
  test('is the page with the config, as it is when the page is loaded', async () => {
    const { file, html } = await serve('{ "paths": [] }');
    assert.deepEqual(opened(await html()), { name: 'gateway.config.json', text: '{ "paths": [] }' });
    writeFileSync(file, '\ufeff{ "x-changed": 1 }');
    assert.equal(opened(await html()).text, '{ "x-changed": 1 }');
  });

  for (const [what, change, problem] of /** @type {[string, (file: string) => void, string][]} */ ([
    ['is gone', () => {}, 'there is no such file'],
    ['is a folder now', mkdirSync, 'cannot be read (EISDIR)'],
  ])) {
    test(`says that the config ${what}, and serves it again when it is back`, async () => {
      const { file, html } = await serve('{}');
      rmSync(file);
      change(file);
      assert.deepEqual(opened(await html()), { name: 'gateway.config.json', problem: `${file}: ${problem}` });
      rmSync(file, { recursive: true, force: true });
      writeFileSync(file, '{ "paths": [] }');
      assert.equal(opened(await html()).text, '{ "paths": [] }');
    });
  }

  for (const [what, text] of [
    ['ends the element', '{ "x": "</script><script>alert(1)</script>" }'],
    ['begins a comment', '{ "x": "<!-- <script>" }'],
    ['has signs of a replacement', "$& $' $` $1"],
  ]) {
    test(`is the config as it is, also if it ${what}`, async () => {
      const { html } = await serve(text);
      const served = await html();
      assert.equal(opened(served).text, text);
      assert.equal(
        served.split('<script').length,
        readFileSync(join(page, 'index.html'), 'utf8').split('<script').length,
      );
    });
  }

  test('comes with the policy', async () => {
    await serve('{}');
    const { headers } = await fetch(server.address);
    for (const [name, value] of Object.entries(HEADERS)) assert.equal(headers.get(name), value);
    assert.match(headers.get('content-security-policy'), /connect-src 'none'/);
  });

  for (const path of [
    '../gateway.config.json',
    '%2e%2e/gateway.config.json',
    'gateway.config.json',
    '_headers',
    'index.html/',
    '..%5cx',
  ]) {
    test(`is nothing but the page: not ${path}`, async () => {
      await serve('{ "x-secret": "confidential" }');
      const { status, body } = await ask({ path: `/${path}` });
      assert.equal(status, 404);
      assert.doesNotMatch(body, /confidential/);
    });
  }

  for (const [what, request, status] of /** @type {[string, Parameters<typeof ask>[0], number][]} */ ([
    ['this machine', {}, 200],
    ['its name', { headers: { host: 'localhost' } }, 200],
    ['a port that leads here', { headers: { host: 'LocalHost:9000' } }, 200],
    ['a foreign name that leads here', { headers: { host: 'evil.example' } }, 403],
    ['one whose target names this machine', { headers: { host: 'evil.example' }, path: '//127.0.0.1/' }, 403],
    ['one with a backslash', { headers: { host: 'evil.example' }, path: '/\\127.0.0.1/' }, 403],
    ['one with an absolute target', { headers: { host: 'evil.example' }, path: 'http://127.0.0.1/' }, 403],
    ['a name that begins like this machine', { headers: { host: '127.0.0.1.evil.example' } }, 403],
    ['a name behind a user', { headers: { host: '127.0.0.1@evil.example' } }, 403],
    ['a target with another host', { path: '//evil.example/' }, 400],
    ['an absolute target', { path: 'http://127.0.0.1/' }, 400],
    ['another method', { method: 'POST' }, 405],
  ])) {
    test(`is for this machine only: ${what} has ${status}`, async () => {
      await serve('{ "x-secret": "confidential" }');
      const answer = await ask(request);
      assert.equal(answer.status, status);
      assert.equal(answer.body.includes('confidential'), status === 200);
    });
  }

  test('leaves the folder as it is', async () => {
    const before = readdirSync(folder);
    const { html } = await serve('{}');
    await html();
    assert.deepEqual(readdirSync(folder).sort(), [...new Set([...before, 'gateway.config.json'])].sort());
  });
});

/** A request that no client changes on its way. */
function ask({ path = '/', method = 'GET', headers = {} }) {
  return new Promise((resolve, reject) => {
    const { port } = new URL(server.address);
    request({ host: '127.0.0.1', port, path, method, headers }, async (response) => {
      const body = Buffer.concat(await response.toArray()).toString();
      resolve({ status: response.statusCode, body });
    })
      .once('error', reject)
      .end();
  });
}

test('it says what its options are', async () => {
  const lines = [];
  assert.equal(await studio(['--help'], { page, print: (text) => lines.push(text) }), 0);
  assert.match(lines.join('\n'), /--config <FILE>[\s\S]*--port <PORT>[\s\S]*--open/);
});

describe('what it cannot do is one line', () => {
  for (const [what, args, options, line] of /** @type {[string, string[], { page?: string }, string][]} */ ([
    ['a port that is none', ['--port', 'x'], {}, 'error: --port x: not a port, which is a number up to 65535'],
    [
      'a port beyond the last',
      ['--port', '65536'],
      {},
      'error: --port 65536: not a port, which is a number up to 65535',
    ],
    ['a config that is not there', ['--config', MISSING], {}, `error: ${MISSING}: there is no such file`],
    ['a config that is a folder', ['--config', tmpdir()], {}, `error: ${tmpdir()}: cannot be read (EISDIR)`],
    [
      'an unknown option',
      ['--prot', '1'],
      {},
      `error: Unknown option '--prot'; "bargate studio --help" lists the options`,
    ],
    ['an argument', ['x'], {}, `error: Unexpected argument 'x'; "bargate studio --help" lists the options`],
    [
      'a package without the page',
      [],
      { page: MISSING },
      `error: the page is missing: ${MISSING} is not there; install bargate again`,
    ],
  ])) {
    test(what, async () => {
      const lines = [];
      const status = await studio(args, { page, ...options, print: () => {}, fail: (text) => lines.push(text) });
      assert.deepEqual([status, lines], [2, [line]]);
    });
  }

  test('a port that is taken', async () => {
    await serve('{}');
    const { port } = new URL(server.address);
    const lines = [];
    const status = await studio(['--port', port], { page, print: () => {}, fail: (text) => lines.push(text) });
    assert.deepEqual([status, lines], [2, [`error: port ${port} is taken: name another one with --port`]]);
  });
});
