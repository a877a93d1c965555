// Configs of the JavaScript "serverless API gateway", byte for byte: each request of these tables gets the status and the body
// that it got there, except if that was unsafe; docs/migrating.md has a row for each exception. Bound Workers and logins have
// files of their own.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { sendRaw, startGateway } from '../support/harness.mjs';
import { APP, JWT, answers, assertCode, bearer, expired, json, older, startOlder } from '../support/older.mjs';

const SHOWN = 'a secret that the config itself answers with';
const UPSTREAM_KEY = 'key-of-the-upstream';

let api;
const started = {};

before(async () => {
  api = await startApi();
  const bindings = {
    CATALOGUE_URL: api.origin,
    ARCHIVE_URL: `${api.origin}/v2/`,
    ORDERS_URL: api.origin,
    STAGE: 'test',
    SHOWN,
    JWT_SECRET: JWT.secret,
    UPSTREAM_KEY,
  };
  for (const name of ['routing', 'responses', 'mapping', 'stars']) started[name] = await startOlder(name, { bindings });
});

after(async () => {
  for (const gateway of Object.values(started)) await gateway.close();
  await api?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

const routing = () => started.routing;
const responses = () => started.responses;
const mapping = () => started.mapping;
const at = (gateway, path, more = {}) => sendRaw(gateway.origin, { path, ...more });

describe('a path', () => {
  answers(routing, [
    ['that is literal comes before a parameter and a wildcard', '/shop/items/featured', 200, { featured: true }],
    [
      'with a parameter comes before a shorter wildcard',
      '/shop/items/42?size=m',
      200,
      { path: '/shop/items/42', query: 'size=m' },
    ],
    [
      'with a wildcard loses its prefix',
      { method: 'PUT', path: '/shop/a/b?x=1&x=2' },
      200,
      { method: 'PUT', path: '/a/b', query: 'x=1&x=2' },
    ],
    [
      'of ANY method takes what the better path has no method for',
      { method: 'POST', path: '/shop/items/42' },
      200,
      { path: '/items/42' },
    ],
    ['with a wildcard of nothing forwards the root', '/shop', 200, { path: '/' }],
    ['with a wildcard of a slash forwards the root', '/shop/', 200, { path: '/' }],
    ['goes behind the base path of its server', '/files/2024/a.pdf', 200, { path: '/v2/2024/a.pdf' }],
    ['with a wildcard of nothing goes to the base path and a slash', '/files', 200, { path: '/v2/' }],
    [
      'with a wildcard behind a parameter is forwarded whole',
      '/users/7/orders/1',
      200,
      { path: '/v2/users/7/orders/1' },
    ],
    [
      'without a wildcard is forwarded whole',
      { method: 'PATCH', path: '/users/7' },
      200,
      { method: 'PATCH', path: '/v2/users/7' },
    ],
    ['may be the root', '/', 200, 'shop'],
    ['has its own method before ANY', '/method', 200, { method: 'GET' }],
    ['has each of its own methods', { method: 'POST', path: '/method' }, 200, { method: 'POST' }],
    ['has ANY for the others', { method: 'PATCH', path: '/method' }, 200, { method: 'ANY' }],
    ['may have an OPTIONS of its own', { method: 'OPTIONS', path: '/method' }, 200, { method: 'OPTIONS' }],
  ]);

  test('of nobody is 404, and so is one with a segment more or less', async () => {
    for (const path of ['/unknown', '/method/', '/method/x', '/users']) {
      assertCode(await at(routing(), path), 404, 'route_not_found', path);
    }
  });
});

describe('an upstream', () => {
  answers(routing, [
    [
      'gets the body and the headers',
      { method: 'POST', path: '/shop/a', ...json({ a: 1 }) },
      200,
      { body_length: 7, headers: { 'content-type': 'application/json' } },
    ],
    [
      'gets the token and the cookies of the client',
      { path: '/shop/a', headers: { authorization: 'Basic abc', cookie: 'a=b' } },
      200,
      { headers: { authorization: 'Basic abc', cookie: 'a=b' } },
    ],
    ['gives its own status and body', '/shop/_sample/status/404', 404, { path: '/_sample/status/404' }],
    [
      'gives its own redirect',
      '/shop/_sample/redirect?to=/elsewhere',
      302,
      undefined,
      (answer) => {
        assert.equal(answer.header('location'), '/shop/elsewhere', 'behind the prefix that was taken off');
      },
    ],
    [
      'is called by its own host',
      '/shop/a',
      200,
      {},
      (answer) => {
        assert.equal(answer.json().headers.host, new URL(api.origin).host);
      },
    ],
  ]);
});

describe('a fixed answer', () => {
  answers(responses, [
    ['is an object', '/object', 200, { status: 'ok', nested: { list: [1, 'two', null, true] } }],
    ['is an empty object', '/empty-object', 200, {}],
    ['is a text, in quotes', '/text', 200, 'ready'],
    ['is an empty text, in quotes', '/empty-text', 200, ''],
    ['is a number', '/number', 200, -1.5],
    ['is zero', '/zero', 200, 0],
    ['is true', '/true', 200, true],
    ['is false', '/false', 200, false],
    ['is null', '/null', 200, null],
    [
      'has the values of variables and secrets where a text is nothing else',
      { method: 'POST', path: '/references' },
      200,
      { stage: 'test', secret: SHOWN, secrets: [SHOWN], text: 'the $env.STAGE', price: '$5' },
    ],
    ['may have a mapping that nothing uses', { method: 'PUT', path: '/unused' }, 200, { status: 'ok' }],
  ]);

  test('may be an array, of which its schema warned; each of them is application/json', async (t) => {
    const paths = [{ method: 'GET', path: '/list', response: [1, [2]] }];
    const gateway = await startGateway({ bindings: { SAG_API_CONFIG_JSON: JSON.stringify({ paths }) } });
    t.after(() => gateway.close());
    const list = await at(gateway, '/list');
    assert.deepEqual([list.status, list.json()], [200, [1, [2]]]);
    for (const answer of [list, await at(responses(), '/text'), await at(responses(), '/null')]) {
      assert.equal(answer.header('content-type'), 'application/json');
    }
  });
});

describe('mapping', () => {
  test('gives an upstream claims, headers, query parameters and variables, dots in their names too', async () => {
    const headers = {
      ...bearer({ email: 'alice@example.com', level: 3, 'org.id': 'org_1' }),
      'accept-language': 'en-GB',
      'user-agent': 'own/1',
    };
    const answer = await at(mapping(), '/orders?page=2&user=mine&sort=up', { headers });
    assert.equal(answer.status, 200, answer.text);
    const { headers: seen, query, path } = api.requests[0];
    for (const [name, value] of [
      ['x-user-id', 'alice'],
      ['x-user-mail', 'alice@example.com'],
      ['x-user-level', '3'],
      ['x-org', 'org_1'],
      ['x-agent', 'own/1'],
      ['x-page', '2'],
      ['x-region', 'eu-central-1'],
      ['x-version', '2026-01'],
      ['x-page-size', '50'],
      ['x-beta', 'false'],
      ['x-key', UPSTREAM_KEY],
    ]) {
      assert.equal(seen[name], value, name);
    }
    assert.equal(path, '/orders');
    const sent = [...new URLSearchParams(query)].sort();
    assert.deepEqual(sent, [
      ['locale', 'en-GB'],
      ['page', '2'],
      ['sort', 'up'],
      ['user', 'alice'],
      ['version', '2026-01'],
    ]);
  });

  answers(mapping, [
    [
      'takes the variable of all where the path has none',
      '/public/a?from=mail',
      200,
      { path: '/a', query: 'from=mail&source=mail', headers: { 'x-region': 'eu-west-1' } },
    ],
    ['sends nothing where there is no value', '/public/a', 200, { path: '/a', query: '' }],
  ]);
});

describe('a token of the jwt authorizer', () => {
  test('opens the paths with auth, and the others need none', async () => {
    const opened = await at(mapping(), '/private', { headers: bearer() });
    assert.deepEqual([opened.status, opened.json()], [200, { private: true }]);
    const several = await at(mapping(), '/private', { headers: bearer({ aud: ['other', JWT.audience] }) });
    assert.equal(several.status, 200);
    assert.equal((await at(mapping(), '/plain')).status, 200);
    assert.equal(
      (await at(mapping(), '/plain', { headers: { authorization: 'Bearer none' } })).status,
      200,
      'where it is not looked at',
    );
  });

  test('is 401 where it was: absent, expired, or of another secret, issuer or audience', async () => {
    for (const [message, headers, code] of [
      ['none', {}, 'token_missing'],
      ['no bearer token', { authorization: 'Basic abc' }, 'token_missing'],
      ['expired', bearer(expired()), 'token_expired'],
      ['another secret', bearer({}, { secret: `${JWT.secret}!` }), 'token_invalid'],
      ['another issuer', bearer({ iss: 'other' }), 'token_invalid'],
      ['another audience', bearer({ aud: 'other' }), 'token_invalid'],
      ['no audience', bearer({ aud: undefined }), 'token_invalid'],
      ['not yet', bearer({ nbf: Math.floor(Date.now() / 1000) + 600 }), 'token_invalid'],
      ['no token at all', { authorization: 'Bearer abc' }, 'token_invalid'],
    ]) {
      assertCode(await at(mapping(), '/private', { headers }), 401, code, message);
    }
  });
});

describe('an answer to another origin', () => {
  const permissions = (answer) =>
    ['origin', 'credentials'].map((name) => answer.header(`access-control-allow-${name}`));

  test('may be read by each that is listed, and by no other', async () => {
    for (const origin of [APP, 'http://localhost:5173']) {
      const answer = await at(routing(), '/method', { headers: { origin } });
      assert.deepEqual(
        [answer.status, answer.json(), ...permissions(answer)],
        [200, { method: 'GET' }, origin, 'true'],
      );
      assert.equal(
        answer.header('access-control-expose-headers').toLowerCase().replaceAll(' ', ''),
        'x-request-id,x-total',
      );
    }
    for (const origin of ['https://app.example.com.evil.example', 'null', 'https://evil.example']) {
      const answer = await at(routing(), '/method', { headers: { origin } });
      assert.deepEqual([answer.status, ...permissions(answer)], [200, null, null], origin);
    }
  });

  test('begins with a preflight that is 204 and has no body', async () => {
    const headers = {
      origin: APP,
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'authorization,content-type',
    };
    const answer = await at(routing(), '/shop/a', { method: 'OPTIONS', headers });
    assert.deepEqual([answer.status, answer.text, ...permissions(answer)], [204, '', APP, 'true']);
    assert.match(answer.header('access-control-allow-methods'), /\bPUT\b/);
    assert.match(answer.header('access-control-allow-headers'), /authorization.*content-type/i);
    assert.equal(answer.header('access-control-max-age'), '3600');
    assert.deepEqual(api.requests, []);
    const own = await at(routing(), '/method', { method: 'OPTIONS', headers });
    assert.deepEqual(
      [own.status, own.json()],
      [200, { method: 'OPTIONS' }],
      'unless the path has an OPTIONS of its own',
    );
  });

  test('may have stars for its headers, with credentials', async () => {
    const answer = await at(started.stars, '/health', { headers: { origin: APP } });
    assert.deepEqual([answer.status, answer.json(), ...permissions(answer)], [200, { status: 'ok' }, APP, 'true']);
    const headers = { origin: APP, 'access-control-request-method': 'GET', 'access-control-request-headers': 'x-any' };
    const preflight = await at(started.stars, '/health', { method: 'OPTIONS', headers });
    assert.deepEqual([preflight.status, ...permissions(preflight)], [204, APP, 'true']);
    assert.match(
      preflight.header('access-control-allow-headers'),
      /x-any/i,
      'with credentials a star would be the name of a header',
    );
  });
});

describe('what was unsafe there is not so here:', () => {
  test('a token without an end, or by another HMAC than the config names, opened a path', async () => {
    for (const [message, headers] of [
      ['no exp', bearer({ exp: undefined })],
      ['HS384', bearer({}, { alg: 'HS384' })],
      ['HS512', bearer({}, { alg: 'HS512' })],
    ]) {
      assertCode(await at(mapping(), '/private', { headers }), 401, 'token_invalid', message);
    }
  });

  test('a client could say what a mapping had no value for', async () => {
    const forged = { 'x-org': 'forged', 'x-user-mail': 'forged', x_user_mail: 'forged' };
    await at(mapping(), '/orders', { headers: { ...bearer(), ...forged } });
    await at(mapping(), '/plain', { headers: { 'x-user-id': 'forged', 'x-key': 'forged' } });
    assert.equal(api.requests.length, 2);
    for (const { headers } of api.requests)
      assert.ok(!Object.values(headers).includes('forged'), JSON.stringify(headers));
  });

  test('a wildcard took what a parameter of the same depth was to protect', async (t) => {
    const config = JSON.parse(older('mapping'));
    config.paths = [
      { method: 'ANY', path: '/records/{.+}', response: 'open' },
      { method: 'GET', path: '/records/{id}', auth: true, response: 'protected' },
    ];
    const bindings = {
      SAG_API_CONFIG_JSON: JSON.stringify(config),
      ORDERS_URL: api.origin,
      JWT_SECRET: JWT.secret,
      UPSTREAM_KEY,
    };
    const gateway = await startGateway({ bindings });
    t.after(() => gateway.close());
    assertCode(await at(gateway, '/records/7'), 401, 'token_missing', '/records/7');
    assert.equal((await at(gateway, '/records/7/more')).json(), 'open');
  });

  test('a parameter could be nothing, and the order of the file could decide who answers', async (t) => {
    const paths = [
      { method: 'GET', path: '/a/{x}/c', response: 'first' },
      { method: 'GET', path: '/a/b/{y}', response: 'second' },
    ];
    const orders = await Promise.all(
      [paths, paths.toReversed()].map((order) =>
        startGateway({ bindings: { SAG_API_CONFIG_JSON: JSON.stringify({ paths: order }) } }),
      ),
    );
    t.after(() => Promise.all(orders.map((gateway) => gateway.close())));
    for (const gateway of orders) {
      assert.equal((await at(gateway, '/a/b/c')).json(), 'second');
      assertCode(await at(gateway, '/a/b/'), 404, 'route_not_found', '/a/b/');
    }
  });

  test('a text of a mapping was cut down to the template in it, and was not sent without one', async (t) => {
    const mapped = {
      headers: { 'x-token': 'Bearer $request.header.x-own', 'x-plain': 'plain', 'x-secret': '$secret.SHOWN' },
    };
    const paths = [{ method: 'GET', path: '/', integration: { type: 'http', server: 'api' }, mapping: mapped }];
    const config = { servers: [{ alias: 'api', url: api.origin }], paths };
    const gateway = await startGateway({ bindings: { SAG_API_CONFIG_JSON: JSON.stringify(config), SHOWN } });
    t.after(() => gateway.close());
    const { headers } = (await at(gateway, '/', { headers: { 'x-own': 'own' } })).json();
    for (const [name, value] of [
      ['x-token', 'Bearer $request.header.x-own'],
      ['x-plain', 'plain'],
      ['x-secret', SHOWN],
    ]) {
      assert.equal(headers[name], value, name);
    }
  });

  test('a path could be read in two ways', async () => {
    for (const path of ['/files/a%2Fb', '/files/%2e%2e%2fadmin', '/shop/items//featured']) {
      assertCode(await at(routing(), path), 400, 'path_ambiguous', path);
    }
    await at(routing(), '/shop//a');
    assert.equal(api.requests[0].path, '//a', 'and the upstream gets the path that was matched');
  });

  test('every OPTIONS was 204, known or not', async () => {
    const headers = { origin: APP, 'access-control-request-method': 'GET' };
    assertCode(
      await at(routing(), '/unknown', { method: 'OPTIONS', headers }),
      404,
      'route_not_found',
      'a preflight of no path',
    );
    assertCode(await at(routing(), '/only-post', { method: 'OPTIONS' }), 405, 'method_not_allowed', 'no preflight');
    assert.equal((await at(routing(), '/shop/a', { method: 'OPTIONS' })).json().method, 'OPTIONS', 'ANY is any');
  });

  test('a path of other methods was 404', async () => {
    const answer = await at(routing(), '/only-post');
    assertCode(answer, 405, 'method_not_allowed', '/only-post');
    assert.equal(answer.header('allow'), 'POST');
  });

  test('no answer says by what it was made', async () => {
    assert.equal((await at(routing(), '/method')).header('x-powered-by'), null);
  });
});
