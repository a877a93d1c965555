// The tools around the gateway: `wrangler dev` with what is committed, and the build that it runs: an invalid config stops a
// deployment, and lets a gateway that runs go on. That `wrangler deploy --dry-run` bundles is a step of scripts/test.mjs.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { TOOLS, toolEnvironment } from '../../../scripts/toolchain.mjs';
import { PATIENCE_MS, ROOT, freePort, until } from '../support/harness.mjs';
import { copyProject, startProgram } from '../support/project-copy.mjs';

let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bargate-'));
});

after(() => rm(directory, { recursive: true, force: true }));

/** Starts `wrangler dev` in a folder; gives its origin too, once it listens. */
async function startWrangler({ cwd, env }) {
  const port = await freePort();
  const args = [
    'dev',
    '--port',
    port,
    '--inspector-port',
    await freePort(),
    '--persist-to',
    directory,
    '--show-interactive-dev-session=false',
    '--assets',
    'examples/spa',
  ];
  const wrangler = startProgram(TOOLS.wrangler, args, { cwd, env });
  await wrangler.prints('Ready on');
  return { wrangler, origin: `http://127.0.0.1:${port}` };
}

describe('wrangler dev', () => {
  let wrangler;
  let origin;

  before(async () => {
    ({ wrangler, origin } = await startWrangler({ cwd: ROOT, env: toolEnvironment({ CI: 'true' }) }));
  });

  after(() => wrangler?.end());

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

describe('the build that wrangler runs', () => {
  const INVALID = '{\n  "pahts": [],\n  "paths": [\n    { "method": "GTE", "path": "/a", "response": {} }\n  ]\n}\n';
  const WORDS = [
    'error[unknown_key]: unknown key "pahts"',
    'gateway.config.json:2:3',
    '^^^^^^^',
    'did you mean "paths"?',
    'error[unknown_value]',
    '2 errors',
  ];
  /** Whether a text has the words of the check, in their order. */
  const isTold = (text) => {
    let at = 0;
    return WORDS.every((word) => {
      at = text.indexOf(word, at);
      return at >= 0;
    });
  };
  let copy;
  let env;
  let config;

  before(async () => {
    ({ copy, env } = await copyProject(directory));
    config = join(copy, 'gateway.config.json');
  });

  test('lets `wrangler dev` go on with what was built last, and take up what is mended', async (t) => {
    const committed = await readFile(config, 'utf8');
    const { wrangler, origin } = await startWrangler({ cwd: copy, env });
    t.after(() => wrangler.end());
    const health = async () =>
      (await fetch(new URL('/health', origin), { signal: AbortSignal.timeout(PATIENCE_MS) })).json();
    assert.deepEqual(await health(), { status: 'ok' });
    const from = wrangler.output.length;
    await writeFile(config, INVALID);
    const told = await wrangler.prints('the gateway goes on with what was built last', from);
    assert.ok(isTold(wrangler.output.slice(from, told)), wrangler.output);
    assert.deepEqual(await health(), { status: 'ok' });
    await writeFile(config, committed.replace('{ "status": "ok" }', '{ "status": "mended" }'));
    await until(async () => (await health()).status === 'mended');
    await writeFile(config, committed);
    await until(async () => (await health()).status === 'ok');
  });

  describe('before a deployment', () => {
    const UP = '--dry-run: exiting now.';
    const service = {
      services: [{ alias: 'absent', entrypoint: 'services/absent' }],
      paths: [{ method: 'GET', path: '/', integration: { type: 'service', binding: 'absent' } }],
    };
    const limited = {
      paths: [{ method: 'GET', path: '/', response: 1, rate_limit: { binding: 'LIMIT', key: 'ip' } }],
    };
    const variable = { paths: [{ method: 'GET', path: '/', response: '$env.GREETING' }] };
    const secret = {
      authorizer: { type: 'jwt', issuer: 'https://issuer.example/', audience: 'api', secret: '$secret.SIGNING_KEY' },
      paths: [{ method: 'GET', path: '/', auth: true, response: 1 }],
    };
    const limit = (name) =>
      `[[${name}ratelimits]]\nname = "LIMIT"\nnamespace_id = "1"\nsimple = { limit = 1, period = 60 }\n`;
    /** @type {any[][]} */
    const rows = [
      [
        'stops where a module is not there',
        service,
        '',
        [],
        'error[missing_module]: the module services/absent.js does not exist',
      ],
      [
        'stops where a binding is missing',
        limited,
        '',
        [],
        'error[missing_binding]: the rate limit LIMIT is not declared in wrangler.toml',
      ],
      [
        'stops where the environment lacks what the top of the file has',
        limited,
        `${limit('')}[env.a]\nname = "a"\n`,
        ['--env', 'a'],
        'error[missing_binding]: the rate limit LIMIT is not declared in wrangler.toml (env.a)',
      ],
      [
        'lets an environment pass that has it alone',
        limited,
        `[env.a]\nname = "a"\n${limit('env.a.')}`,
        ['--env=a'],
        UP,
      ],
      [
        'lets the top of the file pass where an environment lacks it',
        limited,
        `${limit('')}[env.a]\nname = "a"\n`,
        ['--env='],
        UP,
      ],
      ['lets secrets pass that stand in no file', secret, '', [], UP],
      [
        'warns of variables where there are none under [vars]',
        variable,
        '',
        [],
        'warning[undeclared_variable]: no file has GREETING',
      ],
      [
        'stops where one is missing beside others',
        variable,
        '[vars]\nOTHER = "1"\n',
        [],
        'error[missing_binding]: the variable GREETING is missing or empty',
      ],
      ['lets one pass that the call gives', variable, '[vars]\nOTHER = "1"\n', ['--var', 'GREETING:hello'], UP],
      ['lets one pass that is kept from the dashboard', variable, '[vars]\nOTHER = "1"\n', ['--keep-vars'], UP],
    ];
    let toml;

    before(async () => {
      toml = await readFile(join(copy, 'wrangler.toml'), 'utf8');
    });

    after(() => writeFile(join(copy, 'wrangler.toml'), toml));

    for (const [name, gateway, more, args, told] of rows) {
      test(name, async () => {
        await writeFile(config, JSON.stringify(gateway));
        await writeFile(join(copy, 'wrangler.toml'), `${toml}\n${more}`);
        const out = join(directory, 'out');
        const wrangler = startProgram(TOOLS.wrangler, ['deploy', '--dry-run', '--outdir', out, ...args], {
          cwd: copy,
          env,
        });
        await wrangler.ended;
        const status = await wrangler.end();
        assert.ok(wrangler.output.includes(told), wrangler.output);
        if (!told.startsWith('error')) assert.equal(status, 0, wrangler.output);
        else {
          assert.notEqual(status, 0);
          assert.match(wrangler.output, /the build stopped: the lines above say what is wrong/);
        }
      });
    }
  });

  test('stops a deployment on a mistake in the config, with the words of the check', async () => {
    await writeFile(config, INVALID);
    const wrangler = startProgram(TOOLS.wrangler, ['deploy', '--dry-run', '--outdir', join(directory, 'out')], {
      cwd: copy,
      env,
    });
    await wrangler.ended;
    assert.notEqual(await wrangler.end(), 0);
    assert.ok(isTold(wrangler.output), wrangler.output);
  });
});
