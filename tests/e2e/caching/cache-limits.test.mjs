// The limits of `cache`: which answers are not kept, which requests are not answered by a kept one, and that what is one user's
// is never another's.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { HIT, MISS, startCachingGateway, statusOf } from '../support/cache-flow.mjs';
import { APP, authorizerOf, bearer, entryWith, fresh, mistakesOf } from '../support/rules.mjs';

let gateway;

before(async () => {
  gateway = await startCachingGateway();
});

after(() => gateway?.close());

beforeEach(() => gateway.forget());

describe('an answer is kept', () => {
  for (const [message, headers] of [
    ['that says nothing of caches', {}],
    ['that is public', { 'cache-control': 'public, max-age=600' }],
    ['that must be asked for again once it is stale', { 'cache-control': 'must-revalidate, max-age=600' }],
  ]) {
    test(message, async () => {
      gateway.answerBy((_, response) => response.writeHead(200, headers).end('body'));
      assert.equal((await gateway.kept(fresh('/kept/'))).text, 'body');
    });
  }
});

describe('an answer is not kept', () => {
  for (const [message, status, headers, at = '/kept/'] of [
    ['that sets a cookie', 200, { 'set-cookie': 'a=1' }],
    ['that sets a cookie of the gateway, which does not pass', 200, { 'set-cookie': 'bargate-login=1' }],
    ['that is private', 200, { 'cache-control': 'private' }],
    ['that is private, among other things and in other letters', 200, { 'cache-control': 'max-age=600,PRIVATE' }],
    ['of which a part is private', 200, { 'cache-control': 'max-age=600, private="x-own"' }],
    ['that nobody may store', 200, { 'cache-control': 'No-Store' }],
    ['that nobody may store, as a second line says', 200, { 'cache-control': ['max-age=600', 'no-store'] }],
    ['that must be asked for each time', 200, { 'cache-control': 'max-age=600, no-cache' }],
    ['that varies by a header that the path does not name', 200, { vary: 'Accept-Language' }],
    ['that varies by everything', 200, { vary: '*' }],
    [
      'that varies by a header that the path names, and by one that it does not',
      200,
      { vary: 'X-Kind, X-Other' },
      '/vary/',
    ],
    ['that varies by everything, where the path names headers', 200, { vary: '*' }, '/vary/'],
    ['that varies by cookie', 200, { vary: 'Cookie' }],
    ['with the status 203', 203, {}],
    ['with the status 204', 204, {}],
    ['with the status 206', 206, { 'content-range': 'bytes 0-3/4' }],
    ['with the status 301', 301, { location: '/elsewhere', 'cache-control': 'max-age=600' }],
    ['with the status 404', 404, {}],
    ['with the status 410', 410, { 'cache-control': 'max-age=600' }],
    ['with the status 500', 500, {}],
    ['with the status 503', 503, { 'cache-control': 'max-age=600' }],
  ]) {
    test(message, async () => {
      const path = fresh(at);
      gateway.answerBy(
        (_, response) => response.writeHead(status, headers).end(status === 204 ? undefined : 'body'),
        path,
      );
      const answer = await gateway.get(path);
      assert.deepEqual([answer.status, answer.text], [status, status === 204 ? '' : 'body']);
      await gateway.assertNotKept(path, {}, message);
    });
  }

  for (const [message, headers] of [
    ['with its length', { 'content-length': 1000 }],
    ['without its length', {}],
  ]) {
    test(`that breaks off, sent ${message}`, async () => {
      const path = fresh('/kept/');
      gateway.answerBy((request, response) => {
        response.writeHead(200, headers).write('the beginning');
        setImmediate(() => request.socket.resetAndDestroy());
      }, path);
      await assert.rejects(async () => (await gateway.fetch(path)).text());
      await gateway.kept(fresh('/any/later-'));
      gateway.answerBy((_, response) => response.end('whole'), path);
      const answer = await gateway.get(path);
      assert.deepEqual([answer.text, statusOf(answer)], ['whole', MISS]);
    });
  }

  test("that is the gateway's own, for want of an upstream", async () => {
    const path = fresh('/kept/');
    gateway.answerBy((request) => request.socket.resetAndDestroy(), path);
    assert.equal((await gateway.get(path)).status, 502);
    await gateway.kept(fresh('/any/later-'));
    gateway.answerBy((_, response) => response.end('back'), path);
    assert.deepEqual([(await gateway.get(path)).text, (await gateway.kept(path)).text], ['back', 'back']);
  });

  test('that says to one client that nothing has changed', async () => {
    const path = fresh('/kept/');
    gateway.answerBy(({ headers }, response) => {
      if (headers['if-none-match']) response.writeHead(304, { etag: '"e"' }).end();
      else response.writeHead(200, { etag: '"e"' }).end('whole');
    }, path);
    const conditional = { path, headers: { 'if-none-match': '"e"' } };
    const told = await sendRaw(gateway.origin, conditional);
    assert.ok(told.status === 304 || told.text === 'whole', `${told.status}: ${told.text}`);
    const hit = await gateway.kept(path);
    assert.deepEqual([hit.status, hit.text], [200, 'whole']);
    const again = await sendRaw(gateway.origin, conditional);
    assert.ok(again.status === 304 || again.text === 'whole', `${again.status}: ${again.text}`);
  });
});

describe('past a kept answer goes', () => {
  for (const [message, request] of [
    ['HEAD', { method: 'HEAD' }],
    ['POST', { method: 'POST', body: 'x' }],
    ['PUT', { method: 'PUT', body: 'x' }],
    ['DELETE', { method: 'DELETE' }],
    ['PATCH', { method: 'PATCH', body: 'x' }],
    ['OPTIONS', { method: 'OPTIONS' }],
    ['GET with a body', { headers: { 'content-length': 8 }, body: 'question' }],
    ['a range', { headers: { range: 'bytes=0-1' } }],
    ['a range that cannot be', { headers: { range: 'bytes=1000-2000' } }],
  ]) {
    test(message, async () => {
      const path = fresh('/any/');
      const hit = await gateway.kept(path);
      for (const round of ['once', 'twice']) {
        const before = gateway.times(path);
        const answer = await sendRaw(gateway.origin, { path, ...request });
        assert.equal(gateway.times(path), before + 1, `the upstream is asked: ${round}`);
        assert.equal(gateway.asked.at(-1).method, request.method ?? 'GET');
        assert.equal(gateway.asked.at(-1).headers.range, request.headers?.range);
        assert.deepEqual([answer.status, answer.header('cache-status') === HIT], [200, false]);
      }
      assert.deepEqual(
        [(await gateway.get(path)).text, statusOf(await gateway.get(path))],
        [hit.text, HIT],
        'which stays as it is',
      );
    });
  }

  test('and no answer to it is kept: GET with a body, which is no part of the address', async () => {
    const path = fresh('/kept/');
    gateway.answerBy(
      async (request, response) => response.end(`for [${Buffer.concat(await request.toArray())}]`),
      path,
    );
    const poisoned = await sendRaw(gateway.origin, { path, headers: { 'content-length': 6 }, body: 'poison' });
    assert.equal(poisoned.text, 'for [poison]');
    await gateway.kept(fresh('/any/later-'));
    assert.equal((await gateway.get(path)).text, 'for []');
  });

  test('and no answer to it is kept: HEAD, POST, a range', async () => {
    for (const init of [{ method: 'HEAD' }, { method: 'POST', body: 'x' }, { headers: { range: 'bytes=0-1' } }]) {
      const path = fresh('/any/');
      gateway.answerBy((_, response) => {
        response
          .writeHead(...(init.headers ? [206, { 'content-range': 'bytes 0-1/9' }] : [200]))
          .end('of another request');
      }, path);
      await gateway.ask(path, init);
      await gateway.kept(fresh('/any/later-'));
      gateway.answerBy((_, response) => response.end('of its own'), path);
      const answer = await gateway.get(path);
      assert.deepEqual([answer.text, statusOf(answer)], ['of its own', MISS], JSON.stringify(init));
    }
  });

  test('a WebSocket', async (t) => {
    const api = await startApi();
    t.after(() => api.close());
    const own = await startGateway({
      config: {
        servers: [{ alias: 'api', url: api.origin }],
        paths: [proxied('/{.+}', 'api', { cache: { ttl_seconds: 600 } })],
      },
    });
    t.after(() => own.close());
    await own.ask('/socket');
    const socket = new WebSocket(`${own.origin.replace('http', 'ws')}/socket`);
    await once(socket, 'open');
    socket.send('text');
    assert.equal(String((await once(socket, 'message'))[0]), 'text');
    socket.close();
    await once(socket, 'close');
  });
});

describe('what is kept per user', () => {
  const as = (claims) => bearer(gateway.tenant, claims);

  // Users whose names look like something else, and like one another.
  const SUBJECTS = [
    'a',
    'b',
    'A',
    'a ',
    'a/b',
    'a%2Fb',
    'a?b=c',
    'a?b',
    'a#b',
    'a#c',
    'a&user=b',
    '../a',
    'auth0|a',
    'auth0%7Ca',
    '\u00e4',
    '\u{1f980}',
    'a\\b',
    'a\nb',
    'x'.repeat(2000),
    `${'x'.repeat(1999)}y`,
  ];

  test('is one answer for each of them, whatever their names', async () => {
    const path = fresh('/mine/');
    gateway.answerBy(({ headers }, response) => response.end(headers.authorization.split('.')[1]), path);
    const payload = ({ authorization }) => authorization.split('.')[1];
    const everyone = await Promise.all(SUBJECTS.map((sub) => as({ sub })));
    for (const [index, headers] of everyone.entries()) {
      assert.equal((await gateway.kept(path, headers)).text, payload(headers), SUBJECTS[index]);
    }
    for (const [index, headers] of everyone.entries()) {
      const answer = await gateway.get(path, headers);
      assert.deepEqual([answer.text, statusOf(answer)], [payload(headers), HIT], SUBJECTS[index]);
    }
  });

  test('is the same with another token of the user', async () => {
    const path = fresh('/mine/');
    const hit = await gateway.kept(path, await as({ sub: 'a', jti: '1' }));
    const answer = await gateway.get(path, await as({ sub: 'a', jti: '2' }));
    assert.deepEqual([answer.text, statusOf(answer)], [hit.text, HIT]);
  });

  test('was asked for with the token of the user', async () => {
    const headers = await as({ sub: 'a' });
    assert.equal((await gateway.get(fresh('/mine/'), headers)).status, 200);
    assert.equal(gateway.asked.at(-1).headers.authorization, headers.authorization);
  });

  test('is not kept for a token that names nobody', async () => {
    for (const sub of [undefined, '', null, 7]) {
      const path = fresh('/mine/');
      gateway.answerBy((request, response) => response.end(fresh('answer ')), path);
      const [one, two] = [await as({ sub, jti: 'one' }), await as({ sub, jti: 'two' })];
      const { status } = await gateway.get(path, one);
      // A token that names nobody may be refused; what must not be is that two of them share an answer.
      if (status !== 200) assert.ok(status === 401 || status === 403, `${status}`);
      else await gateway.assertNotKept(path, two, `sub is ${sub}`);
    }
  });

  test('is given to nobody who is not let in', async () => {
    const path = fresh('/mine/');
    await gateway.kept(path, await as({ sub: 'a' }));
    const before = gateway.times(path);
    for (const [message, headers, code] of [
      ['without a token', {}, 'token_missing'],
      ['with an expired one', await as({ sub: 'a', exp: 1 }), 'token_expired'],
      ['with one of another audience', await as({ sub: 'a', aud: 'https://other.example/' }), 'token_invalid'],
    ]) {
      const { status, body, headers: told } = await gateway.get(path, headers);
      assert.deepEqual([status, body.code, told.get('cache-status')], [401, code, null], message);
    }
    assert.equal(gateway.times(path), before);
  });
});

describe('what a mapping tells the upstream', () => {
  let tenant;
  let upstream;
  let mapped;

  before(async () => {
    tenant = await startTenant();
    upstream = await startUpstream(({ headers }, response) => {
      response
        .writeHead(200, { vary: headers['x-kind'] ? 'x-kind' : 'x-org' })
        .end(`${headers['x-org']} ${headers['x-kind']}`);
    });
    const cache = { ttl_seconds: 600 };
    mapped = await startGateway({
      config: {
        servers: [{ alias: 'own', url: upstream.origin }],
        authorizer: authorizerOf(tenant),
        paths: [
          proxied('/mine/{.+}', 'own', {
            auth: true,
            cache: { ...cache, per_user: true },
            mapping: { headers: { 'x-org': '$request.jwt.org_id' } },
          }),
          proxied('/for-all/{.+}', 'own', { cache, mapping: { headers: { 'x-kind': '$request.header.x-sort' } } }),
          proxied('/set/{.+}', 'own', { cache, request_headers: { set: { 'x-kind': '$request.query.sort' } } }),
        ],
      },
    });
  });

  after(async () => {
    for (const started of [mapped, upstream, tenant]) await started?.close();
  });

  for (const [message, at, query, headersOf, expected] of [
    [
      'of the token: one user in two organisations',
      '/mine/',
      () => '',
      (name) => bearer(tenant, { org_id: name }),
      (name) => `${name} undefined`,
    ],
    ['of the request', '/for-all/', () => '', (name) => ({ 'x-sort': name }), (name) => `undefined ${name}`],
    ['by request_headers', '/set/', (name) => `?sort=${name}`, () => ({}), (name) => `undefined ${name}`],
  ]) {
    test(`keeps answers apart: ${message}`, async () => {
      const path = fresh(at);
      for (const name of ['one', 'two', 'one']) {
        let answer;
        await until(
          async () =>
            statusOf((answer = await mapped.ask(`${path}${query(name)}`, { headers: await headersOf(name) }))) === HIT,
        );
        assert.equal(answer.text, expected(name), name);
      }
    });
  }
});

describe('a config is refused whose cache would show to all what is for one', () => {
  const authorizer = { type: 'auth0', domain: 'tenant.example', client_id: 'any', audience: 'any' };
  for (const [message, path, mistake] of [
    ['with auth', { auth: true }, /error\[private_cache\]: paths\[1\]\.cache/],
    ['with auth that is optional', { auth: { optional: true } }, /error\[private_cache\]: paths\[1\]\.cache/],
    ['with auth that asks for scopes', { auth: { scopes: ['read:own'] } }, /error\[private_cache\]: paths\[1\]\.cache/],
    [
      'by cookie',
      { cache: { ttl_seconds: 1, vary: ['Accept', 'Cookie'] } },
      /error\[private_cache\]: paths\[1\]\.cache\.vary/,
    ],
    [
      'by credential',
      { cache: { ttl_seconds: 1, vary: ['authorization'] } },
      /error\[private_cache\]: paths\[1\]\.cache\.vary/,
    ],
    [
      'of what is made with a credential',
      { mapping: { headers: { authorization: '$request.header.authorization' } } },
      /error\[private_cache\]: paths\[1\]\.mapping\.headers\.authorization/,
    ],
    [
      'by a cookie of another name',
      { mapping: { headers: { 'x-user': '$request.header.Cookie' } } },
      /error\[private_cache\]: paths\[1\]\.mapping\.headers\.x-user/,
    ],
    [
      'by a cookie in the query',
      { mapping: { query: { session: '$request.header.cookie' } } },
      /error\[private_cache\]: paths\[1\]\.mapping\.query\.session/,
    ],
    [
      'by request_headers',
      { request_headers: { set: { 'x-token': '$request.header.authorization' } } },
      /error\[private_cache\]: paths\[1\]\.request_headers\.set\.x-token/,
    ],
    ['per user, where none is known', { cache: { ttl_seconds: 1, per_user: true } }, /error\[\w+\]: paths\[1\]\.cache/],
  ]) {
    test(message, async (t) => {
      const own = await startGateway({
        config: {
          servers: [{ alias: 'api', url: 'https://api.example' }],
          authorizer,
          paths: [
            proxied('/public', 'api', { cache: { ttl_seconds: 1 } }),
            proxied('/own', 'api', { cache: { ttl_seconds: 1 }, ...path }),
          ],
        },
      });
      t.after(() => own.close());
      const mistakes = await mistakesOf(own, message);
      assert.equal(mistakes.length, 1, mistakes.join('\n'));
      assert.match(mistakes[0], mistake);
    });
  }
});

test('a cache that fails costs no request', async (t) => {
  const failing = await startCachingGateway({
    entry: entryWith(
      {},
      `
      Cache.prototype[request.headers.get('x-failing')] = () => Promise.reject(new Error('the cache is away'));
      return super.fetch(request);
    `,
    ),
  });
  t.after(() => failing.close());
  // Each stays broken.
  for (const method of ['put', 'match']) {
    const answer = await failing.get(fresh('/kept/'), { 'x-failing': method, origin: APP });
    assert.deepEqual([answer.status, statusOf(answer)], [200, MISS], method);
    assert.match(answer.text, /^answer /);
  }
  assert.ok(failing.records().every(({ code }) => code !== 'internal_error'));
});
