// The tools around the gateway: `wrangler dev` with what is committed, and the build that it runs, which an invalid config
// stops. That `wrangler deploy --dry-run` bundles is a step of scripts/test.mjs.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
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

// The check is compiled for the copy first.
describe('the build that wrangler runs', { timeout: 300_000 }, () => {
  // A copy of the project: its config is changed. What was built is in it, so nothing is compiled again.
  const HEAVY = ['.git', '.wrangler', '.tools', 'build-fault', 'fuzz', 'node_modules', 'target'];
  const INVALID = '{\n  "pahts": [],\n  "paths": [\n    { "method": "GTE", "path": "/a", "response": {} }\n  ]\n}\n';
  const WORDS = [
    'error[unknown_key]: unknown key "pahts"', 'gateway.config.json:2:3', '^^^^^^^', 'did you mean "paths"?', 'error[unknown_value]', '2 errors',
  ];
  /** Whether a text has the words of the check, in their order. */
  const isTold = (text) => {
    let at = 0;
    return WORDS.every((word) => (at = text.indexOf(word, at)) >= 0);
  };
  let copy;

  before(async () => {
    copy = join(directory, 'copy');
    const taken = (name) => !HEAVY.some((heavy) => name === join(ROOT, heavy));
    await cp(ROOT, copy, { recursive: true, filter: taken });
    for (const shared of ['node_modules', '.tools']) await symlink(join(ROOT, shared), join(copy, shared));
  });

  test('stops a deployment on a mistake in the config, with the words of the check', { timeout: 300_000 }, async () => {
    await writeFile(join(copy, 'gateway.config.json'), INVALID);
    const env = toolEnvironment({ CI: 'true', CARGO_TARGET_DIR: join(ROOT, 'target') });
    const child = spawn(TOOLS.wrangler, ['deploy', '--dry-run', '--outdir', join(directory, 'out')], { cwd: copy, env });
    const [out, error] = await Promise.all([child.stdout.toArray(), child.stderr.toArray()]);
    if (child.exitCode === null) await once(child, 'exit');
    assert.notEqual(child.exitCode, 0);
    const text = Buffer.concat([...out, ...error]).toString();
    assert.ok(isTold(text), text);
  });
});
