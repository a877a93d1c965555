// `mapping`: what an upstream is told of the request, of the token and of the config, and that no client can say it instead.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';

let api;
let tenant;
let gateway;

before(async () => {
  api = await startApi();
  tenant = await startTenant();
  const path = (pattern, mapping, more = {}) => proxied(pattern, 'api', { mapping, ...more });
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      authorizer: {
        type: 'auth0',
        domain: tenant.origin,
        client_id: 'any',
        audience: tenant.settings.audience,
      },
      variables: { region: 'global-region', 'deep.name': 'global-deep', count: 7, flag: true },
      paths: [
        path(
          '/headers',
          {
            headers: {
              'x-agent': '$request.header.User-Agent',
              'x-page': '$request.query.page',
              'x-constant': 'constant',
              'x-number': 12,
              'x-region': '$config.region',
              'x-deep': '$config.deep.name',
              'x-count': '$config.count',
              'x-flag': '$config.flag',
              'x-from-variable': '$env.PLAIN',
              'x-from-secret': '$secret.UPSTREAM_KEY',
              Authorization: 'Basic constant',
            },
          },
          { variables: { region: 'path-region' } },
        ),
        path('/global', { headers: { 'x-region': '$config.region' } }),
        path('/query', {
          query: {
            page: '$request.header.x-page',
            'a b&c': 'd=e f',
            region: '$config.region',
            from: '$request.query.source',
            missing: '$request.query.no',
          },
        }),
        path(
          '/claims',
          {
            headers: {
              'x-user-id': '$request.jwt.sub',
              'x-roles': '$request.jwt.https://example.com/roles',
              'x-tenant': '$request.jwt.app.tenant.name',
              'x-numbers': '$request.jwt.numbers',
              'x-verified': '$request.jwt.email_verified',
              'x-object': '$request.jwt.app',
              'x-mixed': '$request.jwt.mixed',
              'x-null': '$request.jwt.null',
              'x-empty': '$request.jwt.empty',
            },
            query: { user: '$request.jwt.sub', nothing: '$request.jwt.nothing' },
          },
          { auth: true },
        ),
        path('/orders/{id}/{file+}', {
          headers: { 'x-order': '$request.path.id', 'x-method': '$request.method', 'x-called': '$request.url.host' },
          query: { file: '$request.path.file' },
        }),
        // Sets no header itself: what other paths assert is kept from this upstream as well.
        path('/plain', undefined),
      ],
    },
    bindings: { PLAIN: 'from-a-variable', UPSTREAM_KEY: 'from-a-secret' },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
  await tenant?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

async function seenBehind(path, headers = {}) {
  const answer = await sendRaw(gateway.origin, { path, headers });
  assert.equal(answer.status, 200, answer.text);
  return api.requests.at(-1);
}

async function seenWithClaims(claims, headers = {}, path = '/claims') {
  return seenBehind(path, { authorization: `Bearer ${await tenant.mint(claims)}`, ...headers });
}

test('headers are mapped from the request, from constants, from variables and from bindings', async () => {
  const { headers } = await seenBehind('/headers?page=3&page=4', {
    'user-agent': 'own/1',
    authorization: 'Bearer of-the-client',
  });
  for (const [name, value] of [
    ['x-agent', 'own/1'],
    ['x-page', '3'],
    ['x-constant', 'constant'],
    ['x-number', '12'],
    ['x-region', 'path-region'],
    ['x-deep', 'global-deep'],
    ['x-count', '7'],
    ['x-flag', 'true'],
    ['x-from-variable', 'from-a-variable'],
    ['x-from-secret', 'from-a-secret'],
    ['authorization', 'Basic constant'],
  ]) {
    assert.equal(headers[name], value, name);
  }
  assert.equal(
    (await seenBehind('/global')).headers['x-region'],
    'global-region',
    'another path has the variable of all',
  );
});

test('the parameters of the path, the method and the host are mapped, and no client says them instead', async () => {
  const forged = { 'x-order': '1', 'x-method': 'DELETE', 'x-called': 'evil.example' };
  const { query, headers } = await seenBehind('/orders/a%20b%C3%A9/2026/may%20.pdf?file=forged', forged);
  assert.equal(headers['x-order'], 'a b%C3%A9');
  assert.equal(headers['x-method'], 'GET');
  assert.equal(headers['x-called'], new URL(gateway.origin).host);
  assert.equal(new URLSearchParams(query).get('file'), '2026/may%20.pdf', 'the rest as it was sent');
  const none = await seenBehind('/orders/7', forged);
  assert.deepEqual([none.headers['x-order'], none.query], ['7', ''], 'no rest, no value');
});

test('a value that the request does not have is not sent, and the client cannot send the header instead', async () => {
  const { headers } = await seenBehind('/headers', { 'x-page': 'forged' });
  assert.equal(headers['x-page'], undefined);
});

test('a value of the request is decoded once and cannot split a header', async () => {
  for (const [query, expected] of [
    ['a+b%20c', 'a b c'],
    ['a%0D%0AX-Evil:%201', 'a%0D%0AX-Evil: 1'],
    ['a%250Ab', 'a%250Ab'],
    ['a%0Ab', 'a%0Ab'],
    ['%00', '%00'],
    ['gr%C3%BC%C3%9Fe', 'gr%C3%BC%C3%9Fe'],
    ['%FF', '%EF%BF%BD'],
    ['%252e', '%252e'],
    ['+padded+', '%20padded%20'],
    ['', ''],
  ]) {
    const { headers } = await seenBehind(`/headers?page=${query}`);
    assert.equal(headers['x-page'], expected, query);
    assert.equal(headers['x-evil'], undefined, query);
  }
});

describe('a mapped query', () => {
  for (const [message, query, headers, expected] of /** @type {any[][]} */ ([
    ['is added where the client has none', '', {}, 'a+b%26c=d%3De+f&region=global-region'],
    [
      "takes the place of the client's own of that name, however it is spelled",
      '?x=1&region=mine&%72egion=mine&page=9&y=%41&region',
      { 'x-page': '2' },
      'x=1&y=%41&page=2&a+b%26c=d%3De+f&region=global-region',
    ],
    [
      "is dropped where there is no value, the client's own too",
      '?page=mine&missing=mine&a+b%26c=mine',
      {},
      'a+b%26c=d%3De+f&region=global-region',
    ],
    [
      'cannot grow by a value that holds separators',
      '?source=x%26admin%3D1%23',
      {},
      'source=x%26admin%3D1%23&a+b%26c=d%3De+f&region=global-region&from=x%26admin%3D1%23',
    ],
  ])) {
    test(message, async () => {
      const { path, query: seen } = await seenBehind(`/query${query}`, headers);
      assert.equal(path, '/query');
      assert.deepEqual(seen.split('&').sort(), expected.split('&').sort());
    });
  }
});

describe('claims of the token', () => {
  const NAMESPACED = 'https://example.com/roles';

  test('reach the upstream by name, by dotted path and by namespaced name', async () => {
    const { headers, query } = await seenWithClaims({
      sub: 'auth0|7',
      [NAMESPACED]: ['admin', 'editor'],
      app: { tenant: { name: 'acme' } },
      numbers: [1, 2.5, true],
      email_verified: false,
    });
    for (const [name, value] of [
      ['x-user-id', 'auth0|7'],
      ['x-roles', 'admin editor'],
      ['x-tenant', 'acme'],
      ['x-numbers', '1 2.5 true'],
      ['x-verified', 'false'],
    ]) {
      assert.equal(headers[name], value, name);
    }
    assert.equal(query, 'user=auth0%7C7');
  });

  test('that have no text are not sent', async () => {
    const { headers } = await seenWithClaims({ app: { other: 1 }, mixed: ['a', { b: 1 }], null: null, empty: [] });
    for (const name of ['x-object', 'x-mixed', 'x-null', 'x-tenant', 'x-roles', 'x-numbers']) {
      assert.equal(headers[name], undefined, name);
    }
  });

  test("that are missing leave no room for the client's own header, in no spelling", async () => {
    const forged = 'forged';
    for (const name of ['X-Roles', 'x-roles', 'x_roles', 'X_ROLES']) {
      const { headers } = await seenWithClaims({}, { [name]: forged });
      assert.ok(!Object.values(headers).includes(forged), name);
    }
    for (const name of ['X-User-Id', 'x_user_id', 'X-User_ID', 'x_user-id', 'X_USER_ID']) {
      const { headers } = await seenWithClaims({ sub: 'genuine' }, { [name]: forged });
      assert.ok(!Object.values(headers).includes(forged), name);
      assert.equal(headers['x-user-id'], 'genuine', name);
    }
  });

  test('are not for the client to assert on a path that maps nothing either', async () => {
    for (const name of ['X-User-Id', 'x_user_id', 'x-roles', 'X_Tenant']) {
      const { headers } = await seenBehind('/plain', { [name]: 'forged', 'x-own': 'passes' });
      assert.ok(!Object.values(headers).includes('forged'), name);
      assert.equal(headers['x-own'], 'passes');
    }
  });

  test('cannot split a header, whatever is in them', async () => {
    for (const [message, sub, expected] of [
      ['line breaks', 'a\r\nX-Evil: 1\r\n\r\nGET /evil', 'a%0D%0AX-Evil: 1%0D%0A%0D%0AGET /evil'],
      ['a lone line feed', 'a\nx-evil: 1', 'a%0Ax-evil: 1'],
      ['a NUL', 'a\0b', 'a%00b'],
      ['a tab and a DEL', 'a\tb\x7f', 'a%09b%7F'],
      ['text that is not ASCII', 'Zoë 🦀', 'Zo%C3%AB %F0%9F%A6%80'],
      ['line breaks of Unicode', 'a\u2028b\u0085c', 'a%E2%80%A8b%C2%85c'],
    ]) {
      const { headers, path } = await seenWithClaims({ sub });
      assert.equal(headers['x-user-id'], expected, message);
      assert.deepEqual([headers['x-evil'], path], [undefined, '/claims'], message);
    }
    assert.equal(api.requests.length, 6, 'and no second request came of it');
  });

  test('in an array cannot split a header either', async () => {
    const { headers } = await seenWithClaims({ [NAMESPACED]: ['a\r\nx-evil: 1', 'é'] });
    assert.equal(headers['x-roles'], 'a%0D%0Ax-evil:%201 %C3%A9');
    assert.equal(headers['x-evil'], undefined);
  });

  test('that differ are told apart, in a header and in the query', async () => {
    for (const [message, sub, roles, user, header] of /** @type {any[][]} */ ([
      ['spaces around a text', ' admin ', ['user', 'admin'], '%20admin%20', 'user admin'],
      ['a space within an item', 'admin', ['user admin'], 'admin', 'user%20admin'],
      ['an item that reads like an encoded one', '%20admin', ['user%20admin'], '%2520admin', 'user%2520admin'],
      ['an empty item, with which the list is none', 'admin', ['user', ''], 'admin', undefined],
    ])) {
      const { headers, query } = await seenWithClaims({ sub, [NAMESPACED]: roles });
      assert.deepEqual([headers['x-user-id'], headers['x-roles']], [user, header], message);
      assert.equal(new URLSearchParams(query).get('user'), sub, message);
    }
  });

  test('of one request are not seen in another', async () => {
    const users = Array.from({ length: 20 }, (_, index) => `user-${index}`);
    await Promise.all(
      users.map(async (sub) => {
        const token = await tenant.mint({ sub });
        const answer = await sendRaw(gateway.origin, {
          path: '/claims',
          headers: { authorization: `Bearer ${token}` },
        });
        assert.equal(answer.json().headers['x-user-id'], sub);
      }),
    );
  });
});
