// The package `bargate` in a Worker of its own, as wrangler bundles it from node_modules: the same gateway as the one that is deployed
// from here, in a Worker that may have more.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { DEFAULT_AUDIENCE } from '../../../dev/tenant.mjs';
import { TOOLS, toolEnvironment } from '../../../scripts/toolchain.mjs';
import { buildBargate } from '../support/bargate.mjs';
import { ROOT, freePort, startGateway, until } from '../support/harness.mjs';
import { VERSION, installLibrary, makeProject } from '../support/library.mjs';
import { CLIENT_ID, CLIENT_SECRET, startLoginGateway, startTenant } from '../support/login-flow.mjs';
import { startProgram } from '../support/project-copy.mjs';
import { beginSession } from '../support/session-flow.mjs';

const REDIRECT_URI = 'http://127.0.0.1:8787/callback';

let tenant;
let api;
let project;
let bindings;

before(async () => {
  [tenant, api, project] = await Promise.all([
    startTenant({ redirectUris: [REDIRECT_URI] }),
    startApi(),
    makeProject(),
  ]);
  bindings = {
    API_URL: api.origin,
    AUTH0_DOMAIN: tenant.origin,
    AUTH0_CLIENT_ID: CLIENT_ID,
    AUTH0_CLIENT_SECRET: CLIENT_SECRET,
    AUTH0_AUDIENCE: DEFAULT_AUDIENCE,
    AUTH0_REDIRECT_URI: REDIRECT_URI,
  };
});

after(() => Promise.all([tenant?.close(), api?.close(), project?.remove()]));

/** Starts the Worker that a bundle is. */
const start = (options) => startLoginGateway(tenant, { config: undefined, bindings, ...options });

/** What differs from answer to answer. */
const PASSING = ['date', 'x-request-id', 'traceparent'];
const CHANGING = /"(?:request_id|id|x-request-id|traceparent|at|port)":\s*"?[^",}]+"?/g;

/**
 * What two gateways must agree on: an answer but for its ids.
 * @param {any} gateway
 * @param {any[]} request
 */
async function answered(gateway, [method, path, headers = {}, body]) {
  const response = await gateway.fetch(path, { method, headers, body });
  const shown = [...response.headers].filter(([name]) => !PASSING.includes(name));
  const text = (await response.text()).replace(CHANGING, '').replaceAll(new URL(gateway.origin).host, 'HOST');
  // A login has another state each time.
  return {
    status: response.status,
    headers: shown.map(([name, value]) => [name, value.replace(/[\w-]{20,}/g, '')]),
    text,
  };
}

async function requests() {
  const token = { authorization: `Bearer ${await tenant.mint()}` };
  const page = { 'sec-fetch-mode': 'navigate', accept: 'text/html' };
  return [
    ['GET', '/health'],
    ['HEAD', '/health'],
    ['POST', '/health'],
    ['GET', '/nowhere'],
    ['GET', '/open/a%2Fb'],
    ['GET', '/private'],
    ['GET', '/private', token],
    ['GET', '/private', { authorization: `${token.authorization.slice(0, -4)}AAAA` }],
    ['GET', '/private', page],
    ['GET', '/login'],
    ['GET', '/callback?code=x&state=y', page],
    ['POST', '/app/echo', token, 'a body'],
    ['POST', '/open/echo?a=1', { 'content-type': 'text/plain' }, 'a body'],
    ['OPTIONS', '/app/x', { origin: 'https://app.example', 'access-control-request-method': 'POST' }],
    ['GET', '/open/x', { origin: 'https://app.example' }],
    ['GET', '/plain'],
  ];
}

/** The names of what a config refers to. */
const names = (config) => [...JSON.stringify(config).matchAll(/\$(?:env|secrets?)\.(\w+)/g)].map(([, name]) => name);

/** Asserts that a Worker answers as the one that is deployed from here does, which has no services. */
async function assertSame(gateway) {
  const { services, paths, ...rest } = JSON.parse(await project.read('gateway.config.json'));
  const config = { ...rest, paths: paths.filter(({ integration }) => integration?.type !== 'service') };
  const own = await start({ config });
  try {
    for (const request of await requests()) {
      if (request[1] === '/plain') continue;
      const [expected, is] = [await answered(own, request), await answered(gateway, request)];
      assert.ok(expected.status > 0);
      assert.deepEqual(is, expected, request.slice(0, 2).join(' '));
    }
  } finally {
    await own.close();
  }
}

describe('a Worker that imports the package', () => {
  let gateway;

  before(async () => {
    gateway = await start({ bundle: await project.bundle() });
  });

  after(() => gateway?.close());

  test('answers as the one that is deployed from here, whatever was done to its config later', () =>
    assertSame(gateway));

  test('says which config is built in', async () => {
    const config = JSON.stringify(JSON.parse(await project.read('gateway.config.json')));
    const id = createHash('sha256').update(config).digest('hex').slice(0, 16);
    const { status, body } = await gateway.ask('/state');
    assert.deepEqual([status, body.config?.source, body.config?.id], [200, 'built_in', id]);
  });

  test('has more than the gateway', async () => {
    const { status, body } = await gateway.ask('/of-the-worker');
    assert.deepEqual([status, Object.keys(body)], [200, ['calls']]);
    const { status: refused, body: problem } = await gateway.ask('/of-nobody');
    assert.deepEqual([refused, problem.code], [404, 'route_not_found']);
  });

  test('has its own class of sessions, which is asked for the token of each', async () => {
    const calls = async () => (await gateway.ask('/of-the-worker')).body.calls;
    const before = await calls();
    const session = await beginSession(gateway, tenant, { at: '/login' });
    const { status, text } = await gateway.ask('/app/echo', { headers: { cookie: session.cookie } });
    assert.equal(status, 200, text);
    assert.match(api.requests.at(-1).headers.authorization, /^Bearer ey/);
    assert.ok((await calls()) > before);
  });

  test('has services by each spelling, which are told who is logged in', async () => {
    const token = await tenant.mint({ sub: 'auth0|ada' });
    const answer = await gateway.ask('/greeting/Ada?x=1', { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 200, answer.text);
    const { claims, request_id, ...rest } = answer.body;
    assert.equal(claims.sub, 'auth0|ada');
    assert.equal(request_id, answer.headers.get('x-request-id'));
    assert.deepEqual(rest, {
      greeting: 'Hello, Ada',
      of: 'hAR-j5-wPPgB-7sOk9H1a1SxBZLOr_qlfK2VR4VbvUI',
      asked: '/greeting/Ada',
      audience: DEFAULT_AUDIENCE,
      canWait: 'function',
      route: { method: 'GET', path: '/greeting/{name}' },
    });
  });

  test('tells a service of a request without a token that nobody is logged in', async () => {
    assert.equal((await gateway.ask('/greeting/Ada')).body.claims, null);
    assert.deepEqual((await gateway.ask('/plain')).body.data, { claims: null });
  });

  test('gives each call of a service a context of its own, without the older names', async () => {
    for (const path of ['/counting/a', '/counting/b']) {
      const { before, seen } = (await gateway.ask(path)).body.data;
      assert.deepEqual(before, ['claims', 'params', 'request_id', 'route']);
      assert.deepEqual(seen, { '.+': path.slice('/counting/'.length), seen: 'yes' });
    }
  });

  test('names a service that its config has and it has not', async () => {
    const config = {
      services: [{ alias: 'absent', entrypoint: './services/absent.ts' }],
      paths: [{ method: 'GET', path: '/', integration: { type: 'service', binding: 'absent' } }],
    };
    const without = await start({ bundle: await project.bundle(), config });
    try {
      const { status, body } = await without.ask('/');
      assert.deepEqual([status, body.code], [503, 'config_invalid']);
      await without.record(({ message }) => message?.includes('services/absent'));
    } finally {
      await without.close();
    }
  });
});

describe('a config', () => {
  const MAIN = (imports, options) => `
    import { gateway } from 'bargate';
    ${imports}
    export { LogoutIndex, RateLimit, RefreshExchange, Session } from 'bargate';
    export default gateway({ ${options}, services: {
      './services/greeting.ts': () => import('../services/greeting'),
      './services/counting': () => import('../services/counting.mjs'),
      'services/plain.js': () => import('../services/plain.js'),
    } });
  `;

  test('may be a text, in a Worker with additional modules', async () => {
    await project.write('src/index.ts', MAIN(`import config from './config.mjs';`, 'config'));
    const text = JSON.stringify(await project.read('gateway.config.json'));
    await project.write('src/config.mjs', `export default ${text};\n`);
    await project.write('beside.toml', `find_additional_modules = true\n${await project.read('wrangler.toml')}`);
    const gateway = await start({ bundle: await project.bundle(['--config', 'beside.toml']) });
    try {
      await assertSame(gateway);
      assert.deepEqual((await gateway.ask('/plain')).body.data, { claims: null });
    } finally {
      await gateway.close();
    }
  });

  test('may be prepared, in a module that has it in both forms', async () => {
    const bargate = await buildBargate();
    execFileSync(bargate, ['check', 'gateway.config.json', '--prepare', 'prepared.mjs'], { cwd: project.folder });
    await project.write(
      'src/index.ts',
      MAIN(`import { config, prepared } from '../prepared.mjs';`, 'config, prepared'),
    );
    const { prepared } = await import(`file://${project.folder}/prepared.mjs`);
    assert.match(prepared, /^bargate \S+ prepared /);
    const gateway = await start({ bundle: await project.bundle() });
    try {
      await assertSame(gateway);
    } finally {
      await gateway.close();
    }
  });

  test('of another version that was prepared is taken as it is written', async () => {
    const old = (await project.read('prepared.mjs')).replace('"bargate 0', '"bargate older 0');
    await project.write('prepared.mjs', old);
    const gateway = await start({ bundle: await project.bundle() });
    try {
      await assertSame(gateway);
    } finally {
      await gateway.close();
    }
  });
});

describe('a mistake in the call is an error when the Worker starts:', () => {
  const VALID = `{ paths: [] }`;
  /** What the call is given, and what the error says. */
  const TABLE = [
    ['', 'TypeError: gateway() takes { config, services }, not undefined'],
    ['[]', 'TypeError: gateway() takes { config, services }, not an array'],
    ['{}', 'TypeError: gateway(): config is undefined'],
    ['{ config: null }', 'TypeError: gateway(): config is null'],
    ['{ config: [] }', 'TypeError: gateway(): config is an array'],
    ['{ config: 7 }', 'TypeError: gateway(): config is number'],
    [`{ config: ' ' }`, 'TypeError: gateway(): config is an empty text'],
    [`{ config: ${VALID}, service: {} }`, 'TypeError: gateway() has no option "service"'],
    [`{ config: ${VALID}, services: [] }`, 'TypeError: gateway(): services is an array'],
    [
      `{ config: ${VALID}, services: { './services/a.js': {} } }`,
      'TypeError: gateway(): services has "./services/a.js" as object: write () => import(',
    ],
    [
      `{ config: ${VALID}, services: { 'services/a.ts': f, './services/a': f } }`,
      'TypeError: gateway(): services has "services/a.ts" and "./services/a"',
    ],
    [
      `{ config: ${VALID}, prepared: 'bargate 0.1.0 prepared' }`,
      'TypeError: gateway(): prepared needs the config from the same file',
    ],
    [`{ config: f, prepared: {} }`, 'TypeError: gateway(): prepared is object'],
    [`{ config: { paths: [{ auth: undefined }] } }`, 'TypeError: gateway(): "auth" in config is undefined'],
    [`{ config: { paths: [{ auth: f }] } }`, 'TypeError: gateway(): "auth" in config is function'],
    [`{ config: { paths: [{ headers: new Map() }] } }`, 'TypeError: gateway(): "headers" in config is Map'],
    [`{ config: { paths: [{ limit: NaN }] } }`, 'TypeError: gateway(): "limit" in config is NaN'],
    [`{ config: ${VALID} }`, 'made'],
    [`{ config: ${VALID} }`, 'made'],
    [`{ config: { paths: [{}] } }`, `Error: gateway() of bargate ${VERSION} was called with two configs`],
  ];
  const MAIN = `
    import * as first from 'bargate';
    import * as second from 'bargate-of-another';

    const f = () => {};
    const tried = (call) => {
      try {
        call();
        return 'made';
      } catch (error) {
        return String(error);
      }
    };
    const said = [
      ${TABLE.map(([options]) => `tried(() => first.gateway(${options})),`).join('\n')}
      tried(() => second.gateway({ config: ${VALID} })),
    ];
    export const { LogoutIndex, RateLimit, RefreshExchange } = first;
    export const { Session } = second;
    export default {
      async fetch(request, env) {
        const calling = await env.SESSIONS.getByName('x').call('{}').catch(String);
        return Response.json([...said, calling]);
      },
    };
  `;
  let said;

  before(async () => {
    await installLibrary(project.folder, { name: 'bargate-of-another', version: '9.9.9' });
    await project.write('src/index.ts', MAIN);
    const gateway = await startGateway({ bundle: await project.bundle() });
    try {
      said = await (await gateway.fetch('/')).json();
    } finally {
      await gateway.close();
    }
  });

  for (const [index, [options, expected]] of TABLE.entries())
    test(`gateway(${options}), ${index}`, () => assert.ok(said[index].startsWith(expected), said[index]));

  test('two versions in one Worker', () => {
    const [versions, calling] = said.slice(TABLE.length);
    assert.ok(versions.startsWith(`Error: this Worker has both bargate ${VERSION} and bargate 9.9.9`), versions);
    assert.match(calling, /bargate 9\.9\.9 has an object of the class Session, and gateway\(\) was not called/);
  });

  test('a compatibility date before the one that the gateway needs', async () => {
    const main = `
      import { gateway } from 'bargate';
      let said;
      try { gateway({ config: ${VALID} }); } catch (error) { said = String(error); }
      export { LogoutIndex, RateLimit, RefreshExchange, Session } from 'bargate';
      export default { fetch: () => new Response(said) };
    `;
    await project.write('src/index.ts', main);
    const bundle = await project.bundle();
    for (const [compatibilityDate, expected] of [
      ['2026-09-30', 'Error: bargate needs compatibility_date = "2026-10-01" or later'],
      ['2026-10-01', ''],
    ]) {
      const gateway = await startGateway({ bundle, compatibilityDate });
      try {
        const text = await (await gateway.fetch('/')).text();
        assert.ok(text.startsWith(expected) && (expected || text === ''), text);
      } finally {
        await gateway.close();
      }
    }
  });
});

test('the modules and the tests of docs/services.md work as they are written', async () => {
  const page = await readFile(join(ROOT, 'docs', 'services.md'), 'utf8');
  const blocks = (language) =>
    [...page.matchAll(new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'gm'))].map(([, text]) => text);
  const [greeting, byItself, withGateway] = blocks('js');
  const [signed] = blocks('ts');
  const [section] = blocks('json part');
  await project.write('services/greeting.js', greeting);
  await project.write('services/signed.ts', signed);
  await project.write(
    'src/index.ts',
    `
    import { gateway } from 'bargate';
    import config from '../gateway.config.json';
    export { LogoutIndex, RateLimit, RefreshExchange, Session } from 'bargate';
    export default gateway({
      config,
      services: {
        './services/greeting.js': () => import('../services/greeting.js'),
        './services/signed.ts': () => import('../services/signed.ts'),
      },
    });
  `,
  );
  const { authorizer } = JSON.parse(await readFile(join(ROOT, 'tests/fixtures/docs/frame.json'), 'utf8'));
  await project.write('gateway.config.json', `{ ${section}, "authorizer": ${JSON.stringify(authorizer)} }`);
  await mkdir(join(project.folder, 'test'));
  await project.write('test/greeting.test.js', byItself);
  await project.write('test/gateway.test.js', withGateway);
  await project.write(
    '.dev.vars',
    names(authorizer)
      .map((name) => `${name}=https://tenant.example\n`)
      .join(''),
  );
  const node = startProgram(TOOLS.node, ['--test', 'test/greeting.test.js', 'test/gateway.test.js'], {
    cwd: project.folder,
    // By this, the runner of a test's file knows that it is started by another.
    env: { ...toolEnvironment({ CI: 'true' }), NODE_TEST_CONTEXT: undefined },
  });
  await node.ended;
  assert.equal(await node.end(), 0, node.output);
  assert.match(node.output, /pass 2/);
});

test('under `wrangler dev`, a service that changes is taken up, and a mistake in the config is in the answer', async () => {
  const config = {
    services: [{ alias: 'plain', entrypoint: 'services/plain' }],
    authorizer: { type: 'jwt', jwks_uri: '$env.ABSENT', issuer: '$env.ABSENT', audience: 'a' },
  };
  const path = { method: 'GET', path: '/plain', integration: { type: 'service', binding: 'plain' } };
  const main = `
    import { gateway } from 'bargate';
    import config from '../gateway.config.json';
    export { LogoutIndex, RateLimit, RefreshExchange, Session } from 'bargate';
    export default gateway({ config, services: { './services/plain.js': () => import('../services/plain.js') } });
  `;
  const service = (edition) => `export default { fetch: () => ({ edition: ${edition} }) };\n`;
  await project.write('src/index.ts', main);
  await project.write('services/plain.js', service(1));
  await project.write('gateway.config.json', JSON.stringify({ services: config.services, paths: [path] }));
  const port = await freePort();
  const ports = ['--port', port, '--inspector-port', await freePort()].map(String);
  const args = ['dev', ...ports, '--define', 'BARGATE_DEV:true'];
  const wrangler = startProgram(TOOLS.wrangler, [...args, '--show-interactive-dev-session=false'], {
    cwd: project.folder,
    env: toolEnvironment({ CI: 'true' }),
  });
  const asked = async () => {
    const response = await fetch(`http://127.0.0.1:${port}/plain`).catch(() => undefined);
    return response?.json().catch(() => undefined);
  };
  try {
    await wrangler.prints('Ready on');
    assert.equal((await asked()).data.edition, 1);
    await project.write('services/plain.js', service(2));
    await until(async () => (await asked())?.data?.edition === 2);
    await project.write('gateway.config.json', JSON.stringify({ ...config, paths: [{ ...path, auth: true }] }));
    const problem = await until(async () => (await asked())?.detail);
    assert.match(problem, /ABSENT is missing or empty/);
  } finally {
    await wrangler.end();
  }
});
