// Which answers `cache` keeps and for how long, held against RFC 9111 rule by rule: the function that decides, as it stands in the
// Worker, and what comes of it at a gateway.

import assert from 'node:assert/strict';
import { registerHooks } from 'node:module';
import { after, before, beforeEach, describe, test } from 'node:test';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { HIT, MISS, startCachingGateway, statusOf } from '../support/cache-flow.mjs';
import { bearer, entryWith, fresh } from '../support/rules.mjs';

registerHooks({
  resolve: (specifier, context, next) => {
    return specifier === 'cloudflare:workers'
      ? { url: 'data:text/javascript,export function waitUntil() {}', shortCircuit: true }
      : next(specifier, context);
  },
});
const { kept_seconds: keptSeconds } = await import(/** @type {string} */ ('../../../src/edge/integrations/cache.js'));

const TTL = 300;
const NOW = Date.parse('Thu, 01 Oct 2026 12:00:00 GMT');
const at = (seconds) => new Date(NOW + seconds * 1000).toUTCString();

describe('an answer is kept', () => {
  for (const [message, section, headers, expected, status = 200] of /** @type {any[][]} */ ([
    ['for as long as the config says, where it says nothing', '3, 4.2.2', {}, TTL],
    ['so that is public', '5.2.2.9', { 'cache-control': 'public' }, TTL],
    ['no longer than max-age', '4.2.1', { 'cache-control': 'max-age=60' }, 60],
    ['no longer than the config says', '4.2.1', { 'cache-control': 'max-age=600' }, TTL],
    ['not at all with max-age=0', '4.2.1', { 'cache-control': 'max-age=0' }, 0],
    ['not at all with max-age=0, public as it may be', '4.2.1', { 'cache-control': 'public, max-age=0' }, 0],
    ['for s-maxage before max-age', '4.2.1', { 'cache-control': 'max-age=0, s-maxage=60' }, 60],
    ['not at all with s-maxage=0, whatever max-age', '4.2.1', { 'cache-control': 's-maxage=0, max-age=60' }, 0],
    ['for max-age before Expires', '5.3', { 'cache-control': 'max-age=60', expires: at(-60) }, 60],
    ['not at all with max-age=0 before Expires', '5.3', { 'cache-control': 'max-age=0', expires: at(60) }, 0],
    ['for the shorter of two max-age', '4.2.1', { 'cache-control': 'max-age=60, max-age=10' }, 10],
    ['for a max-age in quotes', '5.2', { 'cache-control': 'max-age="60"' }, 60],
    ['for a max-age in any letters', '5.2', { 'cache-control': 'MAX-AGE=60' }, 60],
    ['for a max-age with spaces', '5.2', { 'cache-control': ' public , max-age=60 ' }, 60],
    [
      'for a max-age beside what is not known',
      '5.2.3',
      { 'cache-control': 'community="UCI, max-age=7", max-age=60' },
      60,
    ],
    ['not at all with a max-age that is no number', '4.2.1', { 'cache-control': 'max-age=soon' }, 0],
    ['not at all with a max-age below zero', '4.2.1', { 'cache-control': 'max-age=-1' }, 0],
    ['not at all with a max-age of fractions', '4.2.1', { 'cache-control': 'max-age=1.5' }, 0],
    ['not at all with a max-age without a number', '4.2.1', { 'cache-control': 'max-age' }, 0],
    ['not at all where one of two max-age is no number', '4.2.1', { 'cache-control': 'max-age=60, max-age=x' }, 0],
    ['for what is left of max-age behind Age', '4.2.3', { 'cache-control': 'max-age=60', age: '50' }, 10],
    ['not at all once Age has reached max-age', '4.2.3', { 'cache-control': 'max-age=60', age: '60' }, 0],
    ['for what is left of max-age since Date', '4.2.3', { 'cache-control': 'max-age=60', date: at(-50) }, 10],
    ['for max-age where Date is ahead', '4.2.3', { 'cache-control': 'max-age=60', date: at(50) }, 60],
    ['for max-age where Age is none', '5.1', { 'cache-control': 'max-age=60', age: 'old' }, 60],
    ['until Expires', '4.2.1', { expires: at(60), date: at(0) }, 60],
    ['until Expires, of an answer without Date', '4.2.1', { expires: at(60) }, 60],
    ['until Expires, of an answer that was on its way', '4.2.3', { expires: at(60), date: at(-30) }, 60],
    ['not at all with Expires: 0', '5.3', { expires: '0' }, 0],
    ['not at all with Expires: -1', '5.3', { expires: '-1' }, 0],
    ['not at all with an Expires that is no date', '5.3', { expires: '2099' }, 0],
    ['not at all with an Expires in the past', '5.3', { expires: at(-1) }, 0],
    ['not at all with an Expires that is Date', '5.3', { expires: at(0), date: at(0) }, 0],
    ['not at all with no-store', '5.2.2.5', { 'cache-control': 'no-store' }, 0],
    ['not at all with no-store, whatever else', '5.2.2.5', { 'cache-control': 'public, max-age=60, No-Store' }, 0],
    [
      'not at all with must-understand, which asks for no-store',
      '5.2.2.3',
      { 'cache-control': 'must-understand, no-store, max-age=60' },
      0,
    ],
    ['not at all with private', '5.2.2.7', { 'cache-control': 'private' }, 0],
    ['not at all with private fields', '5.2.2.7', { 'cache-control': 'max-age=60, private="x-own, x-other"' }, 0],
    ['not at all with no-cache', '5.2.2.4', { 'cache-control': 'no-cache, max-age=60' }, 0],
    ['not at all with no-cache fields', '5.2.2.4', { 'cache-control': 'max-age=60, no-cache="x-own"' }, 0],
    ['not at all with must-revalidate and no lifetime', '5.2.2.2', { 'cache-control': 'must-revalidate' }, 0],
    ['not at all with proxy-revalidate and no lifetime', '5.2.2.8', { 'cache-control': 'proxy-revalidate' }, 0],
    ['for its lifetime with must-revalidate', '5.2.2.2', { 'cache-control': 'must-revalidate, max-age=60' }, 60],
    ['not at all with must-revalidate and max-age=0', '5.2.2.2', { 'cache-control': 'must-revalidate, max-age=0' }, 0],
    ['until Expires with proxy-revalidate', '5.2.2.8', { 'cache-control': 'proxy-revalidate', expires: at(60) }, 60],
    ['not at all with Pragma: no-cache alone', '5.4', { pragma: 'no-cache' }, 0],
    ['by Cache-Control before Pragma', '5.4', { pragma: 'no-cache', 'cache-control': 'max-age=60' }, 60],
    [
      'for max-age where a word only looks like another',
      '5.2.3',
      { 'cache-control': 'x-no-store, privately, max-age=60' },
      60,
    ],
    [
      'for max-age where another word is the value',
      '5.2.3',
      { 'cache-control': 'x="no-store, private", max-age=60' },
      60,
    ],
    [
      'not at all where CDNs may not',
      'RFC 9213 2.2',
      { 'cache-control': 'max-age=60', 'cdn-cache-control': 'no-store' },
      0,
    ],
    ['not at all that varies by everything', '4.1', { vary: '*' }, 0],
    ['not at all that varies by what the path does not name', '4.1', { vary: 'Accept, Accept-Language' }, 0],
    ['that varies by what the path names', '4.1', { vary: 'ACCEPT' }, TTL],
    ['that varies by its coding, which what is kept has not', '4.1', { vary: 'Accept-Encoding' }, TTL],
    [
      'that varies by its coding, and comes in one',
      '4.1',
      { vary: 'Accept, accept-encoding', 'content-encoding': 'br' },
      TTL,
    ],
    ['not at all that varies by its coding and something else', '4.1', { vary: 'Accept-Encoding, Accept-Language' }, 0],
    ['not at all that sets a cookie', '7.3', { 'set-cookie': 'a=1' }, 0],
    ['not at all that is too large', '', { 'content-length': String(4 * 1024 * 1024 + 1) }, 0],
    ['not at all in a coding that the runtime does not know', '', { 'content-encoding': 'zstd' }, 0],
    ['not at all in two codings', '', { 'content-encoding': 'gzip, br' }, 0],
    ['in a coding that the runtime takes off', '', { 'content-encoding': 'GZIP' }, TTL],
    [
      'not at all in a coding that nobody may take off',
      '5.2.2.6',
      { 'content-encoding': 'gzip', 'cache-control': 'no-transform' },
      0,
    ],
    ['that nobody may transform, in none', '5.2.2.6', { 'cache-control': 'no-transform' }, TTL],
    ...[203, 204, 206, 301, 304, 404, 410, 500].map((other) => [
      `not at all with status ${other}`,
      '3',
      { 'cache-control': 'max-age=60' },
      0,
      other,
    ]),
  ])) {
    test(`${message}${section && ` (${section})`}`, () => {
      assert.equal(keptSeconds({ status, headers: new Headers(headers) }, ['accept'], TTL, NOW), expected);
    });
  }
});

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
    ['expires', '0'],
    ['pragma', 'no-cache'],
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
