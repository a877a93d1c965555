// Which answers `cache` keeps and which requests it answers, at a gateway. The rules of RFC 9111, one by one, are a table of the function
// that decides: `src/http/caching.rs`.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { HIT, MISS, startCachingGateway, statusOf } from '../support/cache-flow.mjs';
import { bearer, entryWith, fresh } from '../support/rules.mjs';

let gateway;

before(async () => {
  gateway = await startCachingGateway();
});

after(() => gateway?.close());

beforeEach(() => gateway.forget());

describe('an answer that the rules keep out stays out at the gateway', () => {
  for (const [name, value] of [
    ['cache-control', 'max-age=0'],
    ['cache-control', 's-maxage=0'],
    ['cache-control', 'must-revalidate'],
    ['cache-control', 'max-age=60, private="x-own"'],
    ['cdn-cache-control', 'no-store'],
    ['expires', '0'],
    ['expires', '-1'],
    ['expires', '2099'],
    ['expires', 'Thu, 01 Oct 2020 12:00:00 GMT'],
    ['pragma', 'no-cache'],
    ['set-cookie', 'a=1'],
    ['vary', 'accept-language'],
  ]) {
    test(`${name}: ${value}`, async () => {
      const path = fresh('/kept/');
      gateway.answerBy((_, response) => response.writeHead(200, { [name]: value }).end('body'), path);
      await gateway.assertNotKept(path, {}, value);
    });
  }
});

describe('what a request with a credential is answered', () => {
  const CREDENTIALS = [
    'x-api-key',
    'api-key',
    'apikey',
    'x-apikey',
    'ocp-apim-subscription-key',
    'x-functions-key',
    'x-goog-api-key',
    'x-rapidapi-key',
    'x-auth-token',
    'x-auth-key',
    'x-amz-security-token',
    'private-token',
    'x-vault-token',
    'x-shopify-access-token',
    'x-session-id',
    'x-user-id',
    'x-client-secret',
    'x-signature',
    'signature',
    'x-jwt-payload',
    'cf-access-jwt-assertion',
    'x-oidc-name',
    'x-principal',
    'x-certificate',
    'x-password',
    'x-credentials',
  ];

  for (const name of CREDENTIALS) {
    test(`goes to nobody else, and nobody else's to it: ${name}`, async () => {
      const path = fresh('/kept/');
      gateway.answerBy(({ headers }, response) => response.end(`of ${headers[name] ?? 'nobody'}`), path);
      const ask = async (key) => (await gateway.get(path, key && { [name]: key })).text;
      assert.equal(await ask('alice'), 'of alice');
      await gateway.kept(fresh('/any/later-'));
      assert.equal(await ask(), 'of nobody');
      assert.equal((await gateway.kept(path)).text, 'of nobody');
      assert.equal(await ask('bob'), 'of bob');
    });
  }

  test('is kept apart where the path varies by it', async (t) => {
    const own = await startCachingGateway({}, { vary: ['x-api-key'] });
    t.after(() => own.close());
    own.answerBy(({ headers }, response) => response.end(`of ${headers['x-api-key']}`));
    for (const key of ['alice', 'bob'])
      assert.equal((await own.kept('/kept/keyed', { 'x-api-key': key })).text, `of ${key}`);
  });

  test('is by credential where a rate limit counts by the header', async (t) => {
    const upstream = await startUpstream((request, response) =>
      response.end(`of ${request.headers['x-client'] ?? 'nobody'}`),
    );
    const limited = await startGateway({
      config: {
        servers: [{ alias: 'own', url: upstream.origin }],
        paths: [
          proxied('/limited', 'own', {
            cache: { ttl_seconds: 600 },
            rate_limit: { binding: 'LIMIT', key: 'header:x-client' },
          }),
        ],
      },
      entry: entryWith({ LIMIT: '{ limit: async () => ({ success: true }) }' }),
    });
    t.after(() => Promise.all([limited.close(), upstream.close()]));
    const kept = await until(async () => {
      const asked = await limited.ask('/limited');
      return statusOf(asked) === HIT && asked;
    });
    assert.equal(kept.text, 'of nobody');
    for (const client of ['alice', 'bob'])
      assert.equal((await limited.ask('/limited', { headers: { 'x-client': client } })).text, `of ${client}`);
  });

  test('is kept for its user where users are told apart', async () => {
    const path = fresh('/mine/');
    const headers = { ...(await bearer(gateway.tenant, { sub: 'a' })), 'x-api-key': 'of the application' };
    assert.equal(statusOf(await gateway.kept(path, headers)), HIT);
  });

  test('is as ever where the header says nothing of the sender', async () => {
    const path = fresh('/kept/');
    await gateway.kept(path);
    const plain = {
      'user-agent': 'x',
      'sec-fetch-user': '?1',
      accept: '*/*',
      'x-request-id': 'x',
      'x-requested-with': 'x',
      priority: 'u=1',
    };
    assert.equal(statusOf(await gateway.get(path, plain)), HIT);
  });
});

describe('a request decides for itself', () => {
  for (const [message, headers] of [
    ['no-cache', { 'cache-control': 'no-cache' }],
    ['max-age=0', { 'cache-control': 'max-age=0' }],
    ['Pragma: no-cache', { pragma: 'no-cache' }],
  ]) {
    test(`asks the upstream and renews what is kept, with ${message}`, async () => {
      const path = fresh('/kept/');
      const old = await gateway.kept(path);
      const renewed = await gateway.get(path, headers);
      assert.deepEqual([statusOf(renewed), renewed.text === old.text], [MISS, false]);
      await gateway.kept(fresh('/any/later-'));
      assert.equal((await gateway.get(path)).text, renewed.text);
    });
  }

  test('leaves nothing behind with no-store', async () => {
    const path = fresh('/kept/');
    await gateway.get(path, { 'cache-control': 'no-store' });
    await gateway.kept(fresh('/any/later-'));
    assert.equal(statusOf(await gateway.get(path)), MISS);
  });
});

describe('the age of a kept answer', () => {
  test('is told, and goes on from what it was', async () => {
    const path = fresh('/kept/');
    gateway.answerBy(
      (_, response) => response.writeHead(200, { age: '100', 'cache-control': 'max-age=600' }).end(),
      path,
    );
    const age = Number((await gateway.kept(path)).headers.get('age'));
    assert.ok(age >= 100 && age < 200, `${age}`);
  });
});

describe('an answer of 4 MiB', () => {
  const MAX_BYTES = 4 * 1024 * 1024;

  for (const [message, headers] of /** @type {any[][]} */ ([
    ['with', (length) => ({ 'content-length': length })],
    ['without', () => ({})],
  ])) {
    test(`is kept whole, and one that is larger passes whole, sent ${message} its length`, async () => {
      for (const [bytes, kept] of /** @type {any[][]} */ ([
        [MAX_BYTES, true],
        [MAX_BYTES - 1, true],
        [MAX_BYTES + 1, false],
        [3 * MAX_BYTES, false],
      ])) {
        const path = fresh('/kept/');
        const body = 'bargate '.repeat(bytes / 8 + 1).slice(0, bytes);
        gateway.answerBy((_, response) => response.writeHead(200, headers(bytes)).end(body), path);
        if (kept) assert.ok((await gateway.kept(path)).text === body, `${bytes}`);
        else await gateway.assertNotKept(path, {}, `${bytes}`);
        assert.ok((await gateway.get(path)).text === body, `${bytes}`);
      }
    });
  }
});

describe('an answer that comes compressed', () => {
  const TEXT = 'all that bargate keeps is given out as it came; '.repeat(100);
  const CODED = { gzip: gzipSync(TEXT), br: brotliCompressSync(TEXT) };

  for (const [coding, bytes] of Object.entries(CODED)) {
    for (const sized of [true, false]) {
      test(`is the same each time: ${coding}, sent ${sized ? 'with' : 'without'} its length`, async () => {
        const path = fresh('/kept/');
        gateway.answerBy((_, response) => {
          const headers = {
            'content-encoding': coding,
            'content-type': 'text/plain',
            etag: '"e"',
            vary: 'Accept-Encoding',
            ...(sized ? { 'content-length': bytes.length } : {}),
          };
          response.writeHead(200, headers).end(bytes);
        }, path);
        const first = await gateway.get(path);
        const hit = await gateway.kept(path);
        assert.deepEqual([first.text === TEXT, hit.text === TEXT], [true, true]);
        // The tag of other bytes than the upstream's is a weak one (RFC 9110 section 8.8.3.3).
        for (const name of ['etag', 'content-type']) assert.equal(first.headers.get(name), hit.headers.get(name), name);
        assert.equal(hit.headers.get('etag'), 'W/"e"');
        const before = gateway.times(path);
        const plain = await sendRaw(gateway.origin, { path, headers: { 'accept-encoding': 'identity' } });
        assert.deepEqual(
          [plain.text === TEXT, plain.header('content-encoding'), gateway.times(path)],
          [true, null, before],
        );
        const conditional = await sendRaw(gateway.origin, {
          path,
          headers: { 'if-none-match': 'W/"e"', 'accept-encoding': 'identity' },
        });
        assert.ok(conditional.status === 304 || conditional.text === TEXT, `${conditional.status}`);
      });
    }

    test(`passes as it is where it is asked for otherwise: ${coding}, HEAD and a range`, async () => {
      const path = fresh('/any/');
      gateway.answerBy((request, response) => {
        const headers = { 'content-encoding': coding, 'content-length': bytes.length, etag: '"e"' };
        if (!request.headers.range)
          return response.writeHead(200, headers).end(request.method === 'HEAD' ? undefined : bytes);
        return response
          .writeHead(206, { ...headers, 'content-length': 4, 'content-range': `bytes 0-3/${bytes.length}` })
          .end(bytes.subarray(0, 4));
      }, path);
      await gateway.kept(path);
      const head = await sendRaw(gateway.origin, { method: 'HEAD', path, headers: { 'accept-encoding': coding } });
      assert.deepEqual([head.status, head.body.length], [200, 0]);
      const range = await sendRaw(gateway.origin, { path, headers: { range: 'bytes=0-3', 'accept-encoding': coding } });
      assert.deepEqual([range.status, range.header('content-range')], [206, `bytes 0-3/${bytes.length}`]);
      assert.equal((await gateway.kept(path)).text, TEXT);
    });
  }
});
