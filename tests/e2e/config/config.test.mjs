// The config on workerd: where it is read from, how its references become values, and that a gateway which cannot read it
// answers nothing else and shows no value. What is a mistake in a config has its tables on the host.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { ROOT, sendRaw, startGateway } from '../support/harness.mjs';

const started = [];

async function start(options) {
  const gateway = await startGateway(options);
  started.push(gateway);
  return gateway;
}

after(async () => {
  for (const gateway of started) await gateway.close();
});

const answering = (value) => ({ paths: [{ method: 'GET', path: '/source', response: { value } }] });

const sourceOf = async (gateway) => (await (await gateway.fetch('/source')).json()).value;

/** Returns the log's lines about the config once a request has been answered by them. */
async function mistakesOf(gateway) {
  const response = await gateway.fetch('/any');
  assert.equal(response.status, 503);
  await gateway.record(({ request_id: id }) => id === response.headers.get('x-request-id'));
  return gateway
    .records()
    .filter(({ code, message }) => code === 'config_invalid' && message)
    .map(({ message }) => message);
}

describe('the reasons for an invalid config', () => {
  const REASON = 'error[missing_key]: the key "paths" is missing; error[unknown_key]: unknown key "pahts"';
  const LOGGED = 'The gateway has no valid configuration. Its log names each reason.';
  const config = '{ "pahts": [] }';
  /** The entry of a gateway that `wrangler dev` and `make dev` build. */
  const FOR_DEV = `
    import gateway from './worker.js';
    globalThis[Symbol.for('bargate.inputs')].forDev = true;
    export default gateway;
  `;
  /** The details of the answers to requests for hosts, without the lines of places. */
  const detailsOf = (gateway, hosts) =>
    Promise.all(
      hosts.map(async (host) => {
        const answer = await sendRaw(gateway.origin, { path: '/any', headers: { host } });
        assert.equal(answer.json().code, 'config_invalid', host);
        return answer.json().detail.replace(/\d+:\d+: /g, '');
      }),
    );
  const HERE = ['127.0.0.1:8787', 'localhost', '[::1]:8787'];

  test('are told under `wrangler dev` to whoever calls this machine, and not by the name of another', async () => {
    const gateway = await start({ config, entry: FOR_DEV });
    assert.deepEqual(
      await detailsOf(gateway, HERE),
      HERE.map(() => REASON),
    );
    const others = ['gateway.example', 'localhost.gateway.example', '127.0.0.1.gateway.example', '192.0.2.1'];
    assert.deepEqual(
      await detailsOf(gateway, others),
      others.map(() => LOGGED),
    );
  });

  test('name what is not bound, too, and no value', async () => {
    const secret = 'recognisable-value-that-nobody-may-see';
    const missing = {
      authorizer: { type: 'jwt', issuer: '$secret.KNOWN', audience: '$secret.ABSENT', secret: '$secret.KNOWN' },
    };
    const gateway = await start({
      config: { ...answering(1), ...missing },
      bindings: { KNOWN: secret },
      entry: FOR_DEV,
    });
    const [detail] = await detailsOf(gateway, HERE);
    assert.match(detail, /authorizer\.audience: the secret ABSENT is missing or empty/);
    assert.ok(!detail.includes(secret), detail);
    const service = { type: 'service', binding: 'absent' };
    const services = [{ alias: 'absent', entrypoint: 'services/absent' }];
    const unbound = await start({
      config: { services, paths: [{ method: 'GET', path: '/', integration: service }] },
      entry: FOR_DEV,
    });
    assert.deepEqual(await detailsOf(unbound, ['localhost']), [
      'there is no module services/absent.js beside the gateway',
    ]);
  });

  test('are never told by what is deployed, whatever host it is called by', async () => {
    const gateway = await start({ config });
    assert.deepEqual(
      await detailsOf(gateway, HERE),
      HERE.map(() => LOGGED),
    );
  });
});

describe('a reference without a value', () => {
  const KEPT = 'recognisable-value-that-nobody-may-see';

  test('is 503 for every request, and the log names each', async () => {
    const gateway = await start({
      config: {
        servers: [{ alias: 'api', url: '$env.NO_SUCH_VARIABLE' }],
        authorizer: {
          type: 'auth0',
          domain: '$env.EMPTY_VARIABLE',
          client_id: '$env.PRESENT',
          client_secret: '$secret.NO_SUCH_SECRET',
          sealing_key: '$secrets.PRESENT_SECRET',
          audience: '$secrets.NO_SUCH_SECRET_EITHER',
        },
        paths: [
          { method: 'GET', path: '/fixed', response: { deep: [{ value: '$env.NO_SUCH_VARIABLE_INSIDE' }] } },
          { method: 'ANY', path: '/api/{.+}', integration: { type: 'http_proxy', server: 'api' } },
        ],
      },
      bindings: { EMPTY_VARIABLE: '', PRESENT: `${KEPT}-1`, PRESENT_SECRET: `${KEPT}-2`, UNUSED_SECRET: `${KEPT}-3` },
    });
    const answers = [];
    for (const [method, path, headers] of /** @type {any[][]} */ ([
      ['GET', '/fixed'],
      ['POST', '/api/x'],
      ['DELETE', '/nowhere'],
      ['GET', '/%2F'],
      ['HEAD', '/fixed'],
      ['OPTIONS', '/fixed', { origin: 'https://app.example', 'access-control-request-method': 'GET' }],
    ])) {
      const answer = await sendRaw(gateway.origin, { method, path, headers });
      assert.equal(answer.status, 503, `${method} ${path}`);
      const code = method === 'HEAD' ? answer.text : answer.json().code;
      assert.equal(code, method === 'HEAD' ? '' : 'config_invalid', `${method} ${path}`);
      answers.push(answer.text);
    }
    const mistakes = await mistakesOf(gateway);
    for (const [place, kind, name] of [
      ['servers[0].url', 'variable', 'NO_SUCH_VARIABLE'],
      ['authorizer.domain', 'variable', 'EMPTY_VARIABLE'],
      ['authorizer.client_secret', 'secret', 'NO_SUCH_SECRET'],
      ['authorizer.audience', 'secret', 'NO_SUCH_SECRET_EITHER'],
      ['paths[0].response.deep[0].value', 'variable', 'NO_SUCH_VARIABLE_INSIDE'],
    ]) {
      const line = `error[missing_binding]: ${place}: the ${kind} ${name} is missing or empty`;
      assert.equal(
        mistakes.filter((mistake) => mistake.includes(line)).length,
        1,
        `${line}\nin\n${mistakes.join('\n')}`,
      );
    }
    const shown = [...gateway.lines.map(({ message }) => message), ...answers].join('\n');
    assert.ok(!shown.includes(KEPT), shown);
  });

  test('in the built-in config is named like any other', async () => {
    const text = readFileSync(join(ROOT, 'gateway.config.json'), 'utf8');
    const names = [...new Set([...text.matchAll(/\$(?:env|secrets?)\.(\w+)/g)].map(([, name]) => name))];
    const mistakes = await mistakesOf(await start({ kv: [] }));
    assert.deepEqual(
      names.filter((name) => !mistakes.some((mistake) => mistake.includes(` ${name} is missing`))),
      [],
    );
  });
});

test('no mistake shows a value that came from a binding, whatever is wrong with it', async () => {
  const LEAK = 'leaked-value';
  const bindings = {};
  const bad = (value, kind = 'secret') => {
    const name = `BINDING_${Object.keys(bindings).length}`;
    bindings[name] = value;
    return `$${kind}.${name}`;
  };
  const config = {
    servers: [
      { alias: bad(`${LEAK}-alias`), url: bad(`ftp://${LEAK}-url`) },
      { alias: '$secret.BINDING_0', url: bad(`https://user:${LEAK}@host.example/`) },
      { alias: 'c', url: bad(`http://host.example/#${LEAK}`) },
    ],
    cors: {
      allow_origins: [
        bad(`https://${LEAK}.example/path`),
        bad(`https://${LEAK}-env.example/`, 'env'),
        bad(`${LEAK} no origin`),
      ],
      allow_methods: [bad(`${LEAK} method`)],
      allow_headers: [bad(`${LEAK} header`)],
      expose_headers: [bad(`${LEAK} header`)],
      max_age: bad(`${LEAK}-age`),
    },
    authorizer: {
      type: bad(`${LEAK}-auth0`),
      domain: bad(`https://${LEAK}/x`),
      client_id: bad(`${LEAK}-client`),
      client_secret: bad(`${LEAK}-secret`),
      redirect_uri: bad(`${LEAK} uri`),
      jwks_uri: bad(`http://${LEAK}.example/jwks`),
      issuer: bad(`${LEAK}`, 'env'),
      algorithms: [bad(`RS256-${LEAK}`)],
      clock_skew_seconds: bad(`${LEAK}-skew`),
    },
    variables: { known: bad(`${LEAK}-variable`) },
    paths: [
      { method: bad(`GET-${LEAK}`), path: bad(`no-slash-${LEAK}`), response: {} },
      { method: 'GET', path: bad(`/{${LEAK}`), response: {} },
      { method: 'GET', path: bad(`/${LEAK}-twice`), response: {} },
      { method: 'GET', path: bad(`/${LEAK}-twice`), response: {} },
      { method: 'GET', path: '/a', integration: { type: bad(`http_proxy_${LEAK}`) } },
      { method: 'GET', path: '/b', integration: { type: 'http_proxy', server: bad(`${LEAK}-aliax`) } },
      {
        method: 'GET',
        path: '/c',
        integration: { type: 'auth0_login', return_to: [bad(`https://${LEAK}.example/x`, 'env')] },
      },
      {
        method: 'GET',
        path: '/d',
        integration: { type: 'auth0_callback', response: bad(`${LEAK}_message`), target_origin: bad(`${LEAK}`) },
      },
      {
        method: 'GET',
        path: '/e',
        integration: { type: 'http_proxy', server: 'c' },
        auth: bad(`${LEAK}-true`),
        mapping: { headers: { 'x-a': bad(`$request.jwt.${LEAK}`), 'bad name': bad(LEAK), 'x-b': '$config.knwn' } },
      },
    ],
  };
  const gateway = await start({ config, bindings });
  const mistakes = await mistakesOf(gateway);
  assert.ok(mistakes.length >= 20, `${mistakes.length} mistakes were told`);
  assert.deepEqual(
    mistakes.filter((mistake) => mistake.includes(LEAK)),
    [],
  );
  assert.ok(!gateway.lines.some(({ message }) => message.includes(LEAK)));
});

test('an invalid config is 503, and the log tells every mistake with its place', async () => {
  const config = `{
  "paths": [
    { "method": "GTE", "path": "/a", "response": {} },
    { "method": "GET", "path": "b", "response": {}, "colour": 1 },
    { "method": "GET", "path": "/c", "integration": { "type": "http_proxy", "server": "api" } },
    { "method": "GET", "path": "/d", "auth": true, "response": {} }
  ]
}`;
  const mistakes = await mistakesOf(await start({ config }));
  for (const [written, mistake] of [
    ['"GTE"', 'error[unknown_value]: paths[0].method: '],
    ['"b"', 'error[invalid_path]: paths[1].path: '],
    ['"colour"', 'error[unknown_key]: paths[1]: '],
    ['"api"', 'error[unknown_server]: paths[2].integration.server: '],
    ['true', 'error[authorizer_missing]: paths[3].auth: '],
  ]) {
    const before = config.slice(0, config.indexOf(written)).split('\n');
    const beginning = `${before.length}:${before.at(-1).length + 1}: ${mistake}`;
    assert.equal(
      mistakes.filter((line) => line.startsWith(beginning)).length,
      1,
      `${beginning}\nin\n${mistakes.join('\n')}`,
    );
  }
  assert.equal(mistakes.length, 5, mistakes.join('\n'));

  for (const [message, text] of [
    ['no JSON', '{ "paths": [ }'],
    ['a comment', '{ // none\n"paths": [] }'],
    ['an array', '[]'],
  ]) {
    assert.equal((await mistakesOf(await start({ config: text }))).length, 1, message);
  }
});

describe('the config is read', () => {
  const valid = (value) => JSON.stringify(answering(value));
  const builtIn = {
    API_URL: 'https://api.example',
    SPA_ORIGIN: 'https://app.example',
    AUTH0_DOMAIN: 'tenant.example',
    AUTH0_CLIENT_ID: 'any',
    AUTH0_CLIENT_SECRET: 'any',
    AUTH0_AUDIENCE: 'https://api.example/',
    AUTH0_REDIRECT_URI: 'https://gateway.example/callback',
    SPA_REDIRECT_URI: 'https://app.example/',
    SILENT_REDIRECT_URI: 'https://gateway.example/silent',
  };

  /** Starts a gateway with a KV namespace CONFIG that holds `values` before the first request. */
  async function startWithKv(values, options = {}) {
    const gateway = await start({ kv: ['JWKS', 'CONFIG'], ...options });
    const namespace = await gateway.kv('CONFIG');
    for (const [key, value] of Object.entries(values)) await namespace.put(key, value);
    return gateway;
  }

  test('from the build where there is nothing else', async () => {
    for (const gateway of [
      await start({ bindings: builtIn }),
      await startWithKv({ other: valid('other') }, { bindings: builtIn }),
    ]) {
      const response = await gateway.fetch('/health');
      assert.deepEqual([response.status, await response.json()], [200, { status: 'ok' }]);
    }
  });

  test('from KV, under either key', async () => {
    assert.equal(await sourceOf(await startWithKv({ 'gateway.config.json': valid('first key') })), 'first key');
    assert.equal(await sourceOf(await startWithKv({ 'api-config.json': valid('second key') })), 'second key');
    const both = await startWithKv(
      { 'api-config.json': valid('second key'), 'gateway.config.json': valid('first key') },
      { bindings: builtIn },
    );
    assert.equal(await sourceOf(both), 'first key');
    assert.equal((await both.fetch('/health')).status, 404, 'the built-in config is not mixed in');
  });

  test('from the variable, which overrides both', async () => {
    const gateway = await startWithKv(
      { 'gateway.config.json': valid('KV') },
      { config: answering('variable'), bindings: builtIn },
    );
    assert.equal(await sourceOf(gateway), 'variable');
  });

  test('from the variable as a JSON object', async () => {
    assert.equal(await sourceOf(await start({ bindings: { BARGATE_CONFIG_JSON: answering('object') } })), 'object');
  });

  test('past a variable that is empty', async () => {
    for (const config of ['', ' \n'])
      assert.equal(await sourceOf(await startWithKv({ 'gateway.config.json': valid('KV') }, { config })), 'KV');
  });

  test('behind a byte order mark', async () => {
    assert.equal(await sourceOf(await start({ config: `\ufeff${valid('mark')}` })), 'mark');
    assert.equal(
      await sourceOf(await startWithKv({ 'gateway.config.json': `\ufeff${valid('mark in KV')}` })),
      'mark in KV',
    );
  });

  test('from KV and is invalid: 503, not the built-in one', async () => {
    for (const text of ['{ "paths": [], "colour": 1 }', 'no JSON', '']) {
      const gateway = await startWithKv(
        { 'gateway.config.json': text, 'api-config.json': valid('second key') },
        { bindings: builtIn },
      );
      assert.equal((await gateway.fetch('/health')).status, 503, `"${text}"`);
      assert.equal((await mistakesOf(gateway)).length, 1, `"${text}"`);
    }
  });

  test('from KV with its references resolved', async () => {
    const text = JSON.stringify(answering('$env.NAMED'));
    assert.equal(
      await sourceOf(await startWithKv({ 'gateway.config.json': text }, { bindings: { NAMED: 'by name' } })),
      'by name',
    );
  });
});

test('a reference is replaced by its value', async () => {
  /** @type {any[][]} */
  const table = [
    ['a variable', '$env.X', 'text', 'text'],
    ['a secret', '$secret.X', 'text', 'text'],
    ['a secret, in its other spelling', '$secrets.X', 'text', 'text'],
    ['a value that looks like a reference, taken as it is', '$env.X', '$env.X', '$env.X'],
    ['a value with quotes and line breaks', '$env.X', '"a"\\\n\u{1f980}', '"a"\\\n\u{1f980}'],
    ['a number', '$env.X', 7.5, '7.5'],
    ['zero, which is not empty', '$env.X', 0, '0'],
    ['a boolean', '$env.X', true, 'true'],
    ['false, which is not empty', '$env.X', false, 'false'],
    ['only a part of a text, which is left alone', 'x $env.X', 'text', 'x $env.X'],
    ['a dollar sign, which is no reference', '$', 'text', '$'],
  ];
  const gateway = await start({
    config: {
      paths: table.map(([, reference], row) => ({
        method: 'GET',
        path: `/${row}`,
        response: { value: reference.replace(/^(\$\w+\.)X$/, `$1X${row}`) },
      })),
    },
    bindings: Object.fromEntries(table.map(([, , binding], row) => [`X${row}`, binding])),
  });
  for (const [row, [message, , , expected]] of table.entries()) {
    const { value } = await (await gateway.fetch(`/${row}`)).json();
    assert.equal(value, expected, message);
  }
});

describe('a Secrets Store', () => {
  test('gives the secret that a reference names', async () => {
    const gateway = await start({
      config: answering('$secret.STORED'),
      secretsStoreSecrets: { STORED: { store_id: 'store', secret_name: 'stored' } },
    });
    const store = await gateway.miniflare.getSecretsStoreSecretAPI('STORED');
    await store().create('from the store');
    assert.equal(await sourceOf(gateway), 'from the store');
  });

  test('that lacks the secret is a missing binding; so are an object and a KV namespace', async () => {
    const gateway = await start({
      config: { paths: [{ method: 'GET', path: '/a', response: ['$secret.STORED', '$env.OBJECT', '$env.KV'] }] },
      secretsStoreSecrets: { STORED: { store_id: 'store', secret_name: 'absent' } },
      bindings: { OBJECT: { a: 1 } },
      kv: ['KV'],
    });
    const mistakes = await mistakesOf(gateway);
    assert.deepEqual(mistakes.map((mistake) => /the \w+ (\w+) is missing/.exec(mistake)?.[1]).sort(), [
      'KV',
      'OBJECT',
      'STORED',
    ]);
  });
});
