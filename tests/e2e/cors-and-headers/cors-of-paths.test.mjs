// `cors` at paths: which rule applies to a preflight, to an answer, to one that is kept, and to what an upstream says. What a rule means is
// in cors.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { proxied, startGateway, startUpstream } from '../support/harness.mjs';

const OF_ALL = 'https://app.example';
const OF_PATH = 'https://partner.example';

let upstream;
let gateway;
let without;

const paths = [
  { method: 'GET', path: '/open', response: { of: 'all' } },
  {
    method: 'GET',
    path: '/own',
    response: { of: 'path' },
    cors: { allow_origins: [OF_PATH], allow_headers: ['x-own'], expose_headers: ['x-shown'], max_age: 7 },
  },
  { method: 'GET', path: '/any', response: { of: 'any' }, cors: { allow_origins: ['*'] } },
  { method: 'GET', path: '/mixed', response: 1, cors: { allow_origins: [OF_PATH], allow_methods: ['GET', 'DELETE'] } },
  { method: 'DELETE', path: '/mixed', response: 2 },
  { method: 'GET', path: '/alike', response: 1, cors: { allow_origins: [OF_PATH] } },
  { method: 'DELETE', path: '/alike', response: 2, cors: { allow_origins: [OF_PATH] } },
  { method: 'PUT', path: '/none', response: 3, cors: { allow_origins: [] } },
];

before(async () => {
  upstream = await startUpstream((_, response) => {
    response.writeHead(200, { 'access-control-allow-origin': '*' });
    response.end('upstream');
  });
  const servers = [{ alias: 'api', url: upstream.origin }];
  const proxy = proxied('/proxied', 'api', { cors: { allow_origins: [OF_PATH] } });
  const plain = proxied('/plain', 'api');
  const config = { servers, paths: [...paths, proxy, plain] };
  [gateway, without] = await Promise.all([
    startGateway({ config: { ...config, cors: { allow_origins: [OF_ALL] } } }),
    startGateway({ config }),
  ]);
});

after(() => Promise.all([gateway?.close(), without?.close(), upstream?.close()]));

const read = async (path, origin, { of = gateway, method = 'GET' } = {}) => {
  const answer = await of.fetch(path, { method, headers: origin ? { origin } : {} });
  await answer.text();
  return [answer.headers.get('access-control-allow-origin'), answer.headers.get('vary')];
};

const preflight = async (path, origin, method = 'GET', of = gateway) => {
  const headers = { origin, 'access-control-request-method': method };
  const answer = await of.fetch(path, { method: 'OPTIONS', headers });
  const said = (name) => answer.headers.get(`access-control-${name}`);
  return [answer.status, said('allow-origin'), said('allow-methods'), said('max-age')];
};

describe('answers', () => {
  for (const [path, origin, expected] of [
    ['/open', OF_ALL, [OF_ALL, 'Origin']],
    ['/open', OF_PATH, [null, 'Origin']],
    ['/own', OF_PATH, [OF_PATH, 'Origin']],
    ['/own', OF_ALL, [null, 'Origin']],
    ['/any', OF_ALL, ['*', null]],
    ['/any', 'https://evil.example', ['*', null]],
    ['/proxied', OF_PATH, [OF_PATH, 'Origin']],
    ['/proxied', OF_ALL, [null, 'Origin']],
    ['/plain', OF_PATH, [null, 'Origin']],
    ['/unknown', OF_ALL, [OF_ALL, 'Origin']],
  ]) {
    test(`of ${path} to ${origin}`, async () => {
      // Between two without an origin, of which the second may be kept.
      const plain = await read(path);
      assert.deepEqual(await read(path, origin), expected);
      assert.deepEqual(await read(path), plain);
      assert.deepEqual(await read(path, origin), expected);
    });
  }

  test('without a rule for all are as the upstream says, but for the paths with their own', async () => {
    assert.deepEqual(await read('/plain', OF_PATH, { of: without }), ['*', null]);
    assert.deepEqual(await read('/proxied', OF_PATH, { of: without }), [OF_PATH, 'Origin']);
    assert.deepEqual(await read('/proxied', OF_ALL, { of: without }), [null, 'Origin']);
    assert.deepEqual(await read('/open', OF_ALL, { of: without }), [null, null]);
  });

  test('name the headers that the rule of the path lets pages read', async () => {
    const { headers } = await gateway.fetch('/own', { headers: { origin: OF_PATH } });
    assert.equal(headers.get('access-control-expose-headers'), 'x-shown');
  });
});

describe('preflights', () => {
  /** @type {any[][]} */
  const rows = [
    ['by the rule of all', '/open', OF_ALL, 'GET', [204, OF_ALL, 'GET', '600']],
    ['by that of the path', '/own', OF_PATH, 'GET', [204, OF_PATH, 'GET', '7']],
    ['not by both', '/own', OF_ALL, 'GET', [204, null, null, null]],
    ['for every origin', '/any', 'https://evil.example', 'GET', [204, '*', 'GET', '600']],
    ['for one method of several', '/mixed', OF_PATH, 'GET', [204, OF_PATH, 'GET', '0']],
    ['by the rule of the requested method', '/mixed', OF_PATH, 'DELETE', [204, null, null, null]],
    ['by that of all for the other', '/mixed', OF_ALL, 'DELETE', [204, OF_ALL, 'DELETE', '0']],
    ['by the same rule of all methods', '/alike', OF_PATH, 'DELETE', [204, OF_PATH, 'DELETE', '600']],
    ['by an empty rule', '/none', OF_ALL, 'PUT', [204, null, null, null]],
    ['of a method that the path has not', '/own', OF_PATH, 'PUT', [204, null, null, null]],
  ];
  for (const [message, path, origin, method, expected] of rows) {
    test(message, async () => {
      assert.deepEqual(await preflight(path, origin, method), expected);
    });
  }

  test('without a rule for all are granted only where a path has one', async () => {
    assert.deepEqual(await preflight('/own', OF_PATH, 'GET', without), [204, OF_PATH, 'GET', '7']);
    assert.equal((await preflight('/open', OF_PATH, 'GET', without))[0], 405);
  });
});
