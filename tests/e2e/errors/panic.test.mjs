// Panics on workerd: each costs the requests of its moment a 500, and nothing after it. They are asked for by a header that only
// a gateway with a binding of the test's own obeys.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, proxied, startGateway, until } from '../support/harness.mjs';
import { REFRESH, logIn, startLoginGateway } from '../support/login-flow.mjs';
import { entryWith } from '../support/rules.mjs';

const PANICKING = {
  entry: entryWith({ FAULT: '() => {}', UNLIMITED: '{ limit: async () => ({ success: true }) }' }),
};
const PANIC = { headers: { 'x-fault': 'yes' } };
const AWAITED = { rate_limit: { binding: 'UNLIMITED', key: 'ip' } };
const AWAITED_PATH = { method: 'GET', path: '/awaited', response: { status: 'ok' }, ...AWAITED };
/** Where a request panics: in the call of the gateway, or in a task, on a path that waits for something first. */
const KINDS = [
  ['panic', '/health'],
  ['panic in a task', '/awaited'],
];

let api;
let tenant;

before(async () => {
  api = await startApi();
  tenant = await startTenant();
});

after(async () => {
  await tenant?.close();
  await api?.close();
});

for (const [kind, path] of KINDS) {
  const panics = (gateway) => gateway.ask(path, PANIC);

  test(`a ${kind} is answered, logged, and over with the request`, async (t) => {
    const gateway = await start(t);
    assertIsInternalError(await panics(gateway));
    assert.ok(
      gateway.lines.some(({ message }) => message.includes('a test asked for')),
      'the hook logs what panicked',
    );
    assert.ok(
      gateway.lines.some(({ message }) => /fault\.rs:\d+/.test(message)),
      'the hook logs where',
    );
    const next = await gateway.ask('/health');
    assert.deepEqual([next.status, next.text], [200, '{"status":"ok"}']);
  });

  test(`several of kind ${kind} in a row are answered each, and what comes between them works`, async (t) => {
    const gateway = await start(t);
    const token = await tenant.mint();
    for (let round = 0; round < 5; round += 1) {
      assertIsInternalError(await panics(gateway), `round ${round}`);
      if (round % 2) continue;
      const { status } = await gateway.ask('/private', { headers: { authorization: `Bearer ${token}` } });
      assert.equal(status, 200, `round ${round}: the fresh instance verifies tokens`);
    }
  });

  test(`many of kind ${kind} at once, with good requests among them: each is answered, and each has its own id`, async (t) => {
    const gateway = await start(t);
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, index) => {
        return index % 3 ? gateway.ask('/health') : panics(gateway);
      }),
    );
    for (const [index, answer] of answers.entries()) {
      // A good request at the moment of a panic may share its fate, and never hangs.
      if (answer.status === 200) assert.notEqual(index % 3, 0, `request ${index} asked for a panic`);
      else assertIsInternalError(answer, `request ${index}`);
    }
    assert.equal((await gateway.ask('/health')).status, 200);
  });

  test(`a ${kind} while others wait for an upstream: they get an answer too`, async (t) => {
    const gateway = await start(t);
    const waiting = Array.from({ length: 5 }, () => gateway.ask('/api/_sample/hang'));
    await until(() => api.hanging === 5);
    assertIsInternalError(await panics(gateway));
    for (const answer of await Promise.all(waiting)) assertIsInternalError(answer, 'one that waited');
    api.release();
    assert.equal((await gateway.ask('/api/anything')).status, 200);
  });

  test(`a ${kind} while others wait for the key set: they get an answer too, and the next one gets in`, async (t) => {
    const gateway = await start(t);
    const init = { headers: { authorization: `Bearer ${await tenant.mint()}` } };
    const hold = tenant.hold('/.well-known/jwks.json');
    const waiting = Array.from({ length: 5 }, () => gateway.ask('/private', init));
    await hold.arrived();
    assertIsInternalError(await panics(gateway));
    // Those that arrive at the moment of the panic may begin after it, and wait for keys of their own.
    hold.release();
    const answers = await Promise.all(waiting);
    for (const answer of answers) if (answer.status !== 200) assertIsInternalError(answer, 'one that waited');
    assert.ok(
      answers.some(({ status }) => status === 500),
      'the one that asked for the keys',
    );
    assert.equal((await gateway.ask('/private', init)).status, 200);
  });

  test(`a ${kind} while an object exchanges a refresh token: the next request has it exchanged`, async (t) => {
    const provider = await startTenant({ rotationOverlapSeconds: 60 });
    t.after(() => provider.close());
    const gateway = await startLoginGateway(provider, { ...PANICKING, paths: [AWAITED_PATH] });
    t.after(() => gateway.close());
    const { refresh_token: token } = await logIn(gateway, new Browser());
    const refresh = () => gateway.fetch(REFRESH, { headers: { 'x-refresh-token': token } });
    const hold = provider.hold('/oauth/token', { after: true });
    const lost = refresh();
    await hold.arrived();
    assert.equal((await gateway.fetch(path, PANIC)).status, 500);
    assert.equal((await lost).status, 500, 'the one whose answer was lost');
    hold.release();
    const again = provider.hold('/oauth/token');
    const next = refresh();
    await again.arrived();
    assert.equal((await gateway.fetch('/health')).status, 200, 'and does not end the instance that is at it');
    again.release();
    assert.equal((await next).status, 200, await (await next).text());
    assert.equal(provider.family(token).revoked, false);
  });

  test(`a ${kind} while a body streams: the rest of the body comes`, async (t) => {
    const gateway = await start(t);
    const bytes = 8 * 1024 * 1024;
    const response = await gateway.fetch(`/api/_sample/stream?bytes=${bytes}`);
    const reader = response.body.getReader();
    let length = (await reader.read()).value.length;
    assertIsInternalError(await panics(gateway));
    for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) length += chunk.value.length;
    assert.equal(length, bytes);
  });

  test(`a ${kind} while the config is read from KV: the fresh instance reads it too`, async (t) => {
    const gateway = await startGateway({ ...PANICKING, kv: ['JWKS', 'CONFIG'] });
    t.after(() => gateway.close());
    const kv = await gateway.kv('CONFIG');
    await kv.put('gateway.config.json', JSON.stringify(config([AWAITED_PATH])));
    for (let round = 0; round < 3; round += 1) {
      const answers = await Promise.all([
        panics(gateway),
        gateway.ask('/health'),
        panics(gateway),
        gateway.ask('/health'),
      ]);
      for (const [index, answer] of answers.entries()) {
        if (answer.status === 200) assert.equal(index % 2, 1, `round ${round}: request ${index} asked for a panic`);
        else assertIsInternalError(answer, `round ${round}, request ${index}`);
      }
    }
    assert.equal((await gateway.ask('/health')).status, 200);
  });
}

test('the answer to a panic has the headers of every answer, those of CORS too', async (t) => {
  const gateway = await start(t, { cors: { allow_origins: ['https://app.example.com'] } });
  const headers = { ...PANIC.headers, origin: 'https://app.example.com' };
  const answer = await gateway.ask('/health', { headers });
  assertIsInternalError(answer);
  assert.equal(answer.headers.get('access-control-allow-origin'), 'https://app.example.com');
});

test('a panic while a body is being sent is answered like any other', async (t) => {
  const gateway = await start(t);
  for (const path of ['/api/_sample/echo', '/awaited-api/_sample/echo']) {
    const init = { method: 'POST', body: 'x'.repeat(1024 * 1024), ...PANIC };
    assertIsInternalError(await gateway.ask(path, init), path);
  }
});

describe('no request panics by the header', () => {
  for (const [binding, options] of /** @type {any[][]} */ ([
    ['no binding of that name', {}],
    ['a variable', { bindings: { FAULT: 'yes' } }],
    ['JSON', { bindings: { FAULT: { yes: true } } }],
    ['a KV namespace', { kv: ['JWKS', 'FAULT'] }],
    ['another Worker', { serviceBindings: { FAULT: () => new Response('yes') } }],
    ['a class of Durable Objects', { durableObjects: { FAULT: { className: 'Session', useSQLite: true } } }],
  ])) {
    test(`of a gateway with ${binding}`, async (t) => {
      const gateway = await startGateway({ config: config(), ...options });
      t.after(() => gateway.close());
      assert.equal((await gateway.ask('/health', PANIC)).status, 200);
    });
  }
});

function config(paths = []) {
  return {
    servers: [{ alias: 'api', url: api.origin }],
    authorizer: {
      type: 'auth0',
      domain: tenant.origin,
      issuer: tenant.issuer,
      client_id: 'bargate-local',
      audience: tenant.settings.audience,
    },
    paths: [
      { method: 'GET', path: '/health', response: { status: 'ok' } },
      { method: 'GET', path: '/private', auth: true, response: { ok: true } },
      proxied('/api/{.+}', 'api'),
      ...paths,
    ],
  };
}

async function start(t, sections = {}) {
  const gateway = await startGateway({
    ...PANICKING,
    clock: true,
    config: { ...config([AWAITED_PATH, proxied('/awaited-api/{.+}', 'api', AWAITED)]), ...sections },
  });
  t.after(() => gateway.close());
  return gateway;
}

function assertIsInternalError({ id, status, headers, body, record }, message) {
  assert.equal(status, 500, message);
  assert.equal(headers.get('content-type'), 'application/problem+json', message);
  assert.deepEqual([body.code, body.status, body.request_id], ['internal_error', 500, id], message);
  assert.equal(headers.get('x-request-id'), id, message);
  assert.deepEqual([record.level, record.status, record.code], ['error', 500, 'internal_error'], message);
}
