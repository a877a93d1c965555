// The tools around the gateway: `wrangler dev` with what is committed, and the check that keeps an invalid config from being
// built. That `wrangler deploy --dry-run` bundles is a step of scripts/test.mjs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TOOLS, toolEnvironment } from '../../scripts/toolchain.mjs';
import { ROOT, freePort } from './harness.mjs';

let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bargate-'));
});

after(() => rm(directory, { recursive: true, force: true }));

describe('wrangler dev', () => {
  let wrangler;
  let origin;

  before(async () => {
    const port = await freePort();
    origin = `http://127.0.0.1:${port}`;
    const args = [
      'dev', '--port', port, '--inspector-port', await freePort(), '--persist-to', directory, '--show-interactive-dev-session=false',
      '--assets', 'examples/spa',
    ];
    wrangler = spawn(TOOLS.wrangler, args.map(String), {
      cwd: ROOT, env: toolEnvironment({ CI: 'true' }), detached: true, stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    await new Promise((resolve, reject) => {
      const read = (chunk) => {
        output += chunk;
        if (/Ready on/.test(output)) resolve();
      };
      wrangler.stdout.on('data', read);
      wrangler.stderr.on('data', read);
      wrangler.once('error', reject);
      wrangler.once('exit', (code) => reject(new Error(`wrangler ended (${code}):\n${output}`)));
    });
  });

  after(async () => {
    if (wrangler?.exitCode !== null || wrangler.signalCode !== null) return;
    // wrangler leads a process group, in which workerd is.
    const ended = once(wrangler, 'exit');
    process.kill(-wrangler.pid, 'SIGTERM');
    await ended;
  });

  test('starts with the committed files, and the gateway answers', async () => {
    const response = await fetch(new URL('/health', origin));
    assert.deepEqual([response.status, await response.json()], [200, { status: 'ok' }]);
  });

  test('has the variables of .env: paths that need a token ask for one, login leads to the local tenant', async () => {
    const refused = await fetch(new URL('/api/messages', origin));
    assert.deepEqual([refused.status, (await refused.json()).code], [401, 'token_missing']);
    const table = [
      ['/api/auth0/login', 'http://127.0.0.1:8787/api/auth0/callback'],
      ['/api/auth0/token/login', 'http://127.0.0.1:8787/'],
      ['/api/auth0/silent/login', 'http://127.0.0.1:8787/api/auth0/silent/callback'],
    ];
    for (const [path, redirectUri] of table) {
      const login = await fetch(new URL(path, origin), { redirect: 'manual' });
      assert.equal(login.status, 302, path);
      const location = new URL(login.headers.get('location'));
      assert.equal(location.origin + location.pathname, 'http://127.0.0.1:9400/authorize', path);
      assert.equal(location.searchParams.get('redirect_uri'), redirectUri, path);
    }
  });

  test('serves the page of the example where it is told to, as `make dev` does', async () => {
    const page = await fetch(origin);
    assert.deepEqual([page.status, page.headers.get('content-type')], [200, 'text/html; charset=utf-8']);
    assert.match(page.headers.get('content-security-policy'), /default-src 'self'/);
    const unknown = await fetch(new URL('/no-such-file', origin));
    assert.deepEqual([unknown.status, (await unknown.json()).code], [404, 'route_not_found']);
  });
});

describe('bargate check', () => {
  /** Runs the check that the build runs first; gives its status and what it printed. */
  async function check(file) {
    const child = spawn('cargo', ['run', '--quiet', '--bin', 'bargate', '--', 'check', file], { cwd: ROOT, env: toolEnvironment() });
    const [out, error] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    if (child.exitCode === null) await once(child, 'exit');
    return { status: child.exitCode, text: Buffer.concat([...out, ...error]).toString() };
  }

  test('passes the built-in config and the config of the article', async () => {
    for (const file of ['gateway.config.json', 'tests/fixtures/configs/article.json']) {
      assert.deepEqual(await check(file), { status: 0, text: '' }, file);
    }
  });

  test('names file, line and column of each mistake, and fails, which stops the build', async () => {
    const file = join(directory, 'invalid.json');
    await writeFile(file, '{\n  "pahts": [],\n  "paths": [\n    { "method": "GTE", "path": "/a", "response": {} }\n  ]\n}\n');
    const { status, text } = await check(file);
    assert.equal(status, 1, text);
    const [unknown, method, count] = text.trimEnd().split('\n');
    assert.ok(unknown.startsWith(`${file}:2:3: error[unknown_key]: `), unknown);
    assert.match(unknown, /did you mean "paths"\?/);
    assert.ok(method.startsWith(`${file}:4:17: error[unknown_value]: paths[0].method: `), method);
    assert.equal(count, `${file}: 2 mistakes`);
  });

  test('tells a file that is no JSON by the place where it stops being it', async () => {
    const file = join(directory, 'broken.json');
    await writeFile(file, '{\n  "paths": [\n    // none yet\n  ]\n}\n');
    const { status, text } = await check(file);
    assert.equal(status, 1, text);
    assert.ok(text.startsWith(`${file}:3:5: error[invalid_json]: `), text);
  });

  test('fails in another way for a file that cannot be read', async () => {
    const file = join(directory, 'absent.json');
    const { status, text } = await check(file);
    assert.equal(status, 2, text);
    assert.ok(text.startsWith(`${file}: cannot be read: `), text);
  });
});
