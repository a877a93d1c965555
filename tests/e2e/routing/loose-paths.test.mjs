// Paths that an upstream takes for others: it routes as many frameworks do unless told otherwise, with no regard to letter case and
// to a last slash. What a path asks must hold however the path is spelled. Every rule has its table in tests/routes.rs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';

const CLIENT_ID = 'loose-paths';

/** The upstream's routes, matched as Express does by default. */
const HANDLERS = { order: /^\/api\/orders\/[^/]+\/?$/i, admin: /^\/admin\/?$/i };

/** Spellings of a path that some server takes for the path itself. */
const spellingsOf = (path) => {
  const upper = path.replace(/[a-z]/, (letter) => letter.toUpperCase());
  const last = path.at(-1);
  return [
    `${path}/`,
    upper,
    `${upper}/`,
    path.toUpperCase(),
    `${path}%20`,
    `${path}.`,
    `${path}%3f`,
    `${path}%3Fa=1/b`,
    `${path}%23`,
    path.replace(/.$/, `%25${last.charCodeAt(0).toString(16)}`),
    `${path}%2520`,
    `/x/%252e%252e${path}`,
    `${path}%253Fx`,
    upper.replace('/', '/%252e/'),
    path.replace('/', '/%252f%252f'),
  ];
};

let tenant;
let upstream;
let gateway;
let strict;
let plain;

const handlerOf = (url) =>
  Object.keys(HANDLERS).find((name) => HANDLERS[name].test(decodeURI(url.split('?')[0]))) ?? 'none';

const start = (more) =>
  startGateway({
    config: {
      servers: [{ alias: 'api', url: upstream.origin, ...more }],
      authorizer: { type: 'auth0', domain: tenant.origin, client_id: CLIENT_ID, audience: tenant.settings.audience },
      paths: [
        proxied('/{.+}', 'api'),
        proxied('/admin', 'api', { auth: { scopes: ['admin'] } }),
        proxied('/keys/{key}', 'api', { encoded_slashes: true }),
        proxied('/api/{part}/{id}', 'api', { auth: true }),
        { ...proxied('/api/orders/{id}', 'api', { auth: { scopes: ['read:orders'] } }), method: 'GET' },
        { method: 'ANY', path: '/internal/{.+}', integration: { type: 'static', status: 403, body: 'no' } },
      ],
    },
  });

before(async () => {
  tenant = await startTenant();
  upstream = await startUpstream((request, response) => response.end(handlerOf(request.url)));
  [gateway, strict] = await Promise.all([start({}), start({ strict_paths: true })]);
  plain = { authorization: `Bearer ${await tenant.mint({ scope: 'openid' })}` };
});

after(async () => {
  for (const one of [gateway, strict, upstream, tenant]) await one?.close();
});

const send = (to, path, { method = 'GET', headers = {} } = {}) => sendRaw(to.origin, { method, path, headers });

describe('an upstream that does not tell letter case and a last slash apart', () => {
  test('is asked by the right path', async () => {
    assert.deepEqual((await send(gateway, '/api/orders/7', { headers: plain })).json().code, 'insufficient_scope');
    const answer = await send(gateway, '/api/lines/7', { headers: plain });
    assert.deepEqual([answer.status, answer.text], [200, 'none']);
  });

  test('answers nobody by a path that is not the guarded one to the gateway', async () => {
    for (const [path, headers] of [
      ['/api/orders/7', plain],
      ['/admin', {}],
      ['/internal/x', {}],
    ]) {
      for (const spelling of spellingsOf(path)) {
        const answer = await send(gateway, spelling, { headers });
        const { status, text } = answer;
        assert.ok(
          status === 403 || (status === 400 && answer.json().code === 'path_ambiguous'),
          `${spelling}: ${status} ${text}`,
        );
      }
    }
  });

  test('and the log says why', async () => {
    const { status, record } = await gateway.ask('/Admin/');
    assert.deepEqual([status, record.code, record.reason], [400, 'path_ambiguous', 'stricter_reading']);
  });

  test('gets what no other path asks more of', async () => {
    const open = [
      ['/Other/'],
      ['/api/Orders/7/lines'],
      ['/wiki/Who%3F'],
      ['/100%25'],
      ['/Read.me'],
      ['/a%20b'],
      ['/', 'POST'],
      ['/keys/https%3A%2F%2Fe.example%2F'],
      ['/image/https%253A%252F%252Fe.example/'],
    ];
    for (const [path, method] of open) {
      assert.deepEqual((await send(gateway, path, { method })).status, 200, path);
    }
    const { status } = await send(gateway, '/api/Orders/7', { method: 'DELETE', headers: plain });
    assert.equal(status, 200, 'a method that the stricter path has not');
  });

  test('is asked by every spelling where it says that it is strict', async () => {
    for (const spelling of spellingsOf('/admin')) {
      const { status } = await send(strict, spelling);
      assert.equal(status, 200, spelling);
    }
  });
});

test('overlong UTF-8 reaches nobody, strict or not', async () => {
  for (const to of [gateway, strict]) {
    for (const path of ['/x%c0%afadmin', '/%c1%81dmin', '/x%e0%80%afadmin', '/x%f0%80%80%afadmin']) {
      const answer = await send(to, path);
      assert.deepEqual([answer.status, answer.json().code], [400, 'path_ambiguous'], path);
    }
  }
});

test('another Worker reads paths as loosely, unless it says otherwise', async () => {
  const beside = [
    { name: 'second', script: `export default { fetch: (request) => new Response(new URL(request.url).pathname) };` },
  ];
  const config = (more) => ({
    serviceBindings: [{ alias: 'second', binding: 'SECOND', ...more }],
    authorizer: { type: 'auth0', domain: tenant.origin, client_id: CLIENT_ID, audience: tenant.settings.audience },
    paths: [
      { method: 'ANY', path: '/{.+}', integration: { type: 'service_binding', binding: 'second' } },
      { method: 'ANY', path: '/admin', auth: true, integration: { type: 'service_binding', binding: 'second' } },
    ],
  });
  for (const [more, expected] of [
    [{}, 400],
    [{ strict_paths: true }, 200],
  ]) {
    const one = await startGateway({ config: config(more), beside, serviceBindings: { SECOND: 'second' } });
    try {
      assert.equal((await send(one, '/Admin')).status, expected, JSON.stringify(more));
    } finally {
      await one.close();
    }
  }
});
