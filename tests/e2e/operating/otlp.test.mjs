// `otlp`: spans and measurements reach a collector as OpenTelemetry defines them, have nothing secret, and cost no answer.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { startCollector } from '../support/collector.mjs';
import { ROOT, freePort, proxied, sendRaw, startGateway, until } from '../support/harness.mjs';
import { authorizerOf, bearer, fresh } from '../support/rules.mjs';

const KEY = 'key-of-the-collector-0123456789';
const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const [SERVER, CLIENT] = [2, 3];

let api;
let tenant;
let collector;
let gateway;
let nobody;

before(async () => {
  [api, tenant, collector, nobody] = await Promise.all([startApi(), startTenant(), startCollector(), freePort()]);
  gateway = await start({ endpoint: `${collector.endpoint}/`, service_name: 'shop-gateway' });
});

after(async () => {
  for (const started of [gateway, api, tenant, collector]) await started?.close();
});

const start = (otlp, more = {}) =>
  startGateway({
    config: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'nobody', url: `http://127.0.0.1:${nobody}` },
        { alias: 'second', urls: [`http://127.0.0.1:${nobody}`, api.origin] },
      ],
      authorizer: authorizerOf(tenant),
      paths: [
        { method: 'GET', path: '/fixed/{id}', response: {} },
        proxied('/api/{.+}', 'api', {
          mapping: { headers: { 'x-user': '$request.jwt.sub' } },
          auth: { optional: true },
        }),
        proxied('/nobody/{id}', 'nobody'),
        proxied('/second/{.+}', 'second'),
        { method: 'GET', path: '/private', auth: true, response: {} },
      ],
      otlp: { headers: { authorization: '$secret.OTLP_AUTHORIZATION' }, ...otlp },
    },
    bindings: { OTLP_AUTHORIZATION: `Bearer ${KEY}` },
    ...more,
  });

/** Makes a request and returns its answer and the spans of its trace. */
async function traced(path, init) {
  const answer = await gateway.ask(path, init);
  const [pathname] = path.split('?');
  const spans = await collector.spansWith(({ attributes }) => attributes['url.path'] === pathname);
  return {
    answer,
    server: spans.find(({ kind }) => kind === SERVER),
    client: spans.find(({ kind }) => kind === CLIENT),
  };
}

test('a fixed answer is one span, of the resource that the config names', async () => {
  const path = `/fixed/${fresh('id')}`;
  const { server, client } = await traced(path);
  const { origin } = gateway;
  assert.deepEqual(server.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.route': '/fixed/{id}',
    'server.address': new URL(origin).hostname,
    'server.port': Number(new URL(origin).port),
    'url.path': path,
    'url.scheme': 'http',
  });
  assert.equal(server.name, 'GET /fixed/{id}');
  assert.equal(server.parentSpanId, undefined);
  assert.equal(server.status, undefined);
  assert.equal(client, undefined);
  assert.ok(BigInt(server.endTimeUnixNano) >= BigInt(server.startTimeUnixNano));
  assert.ok(Math.abs(Number(BigInt(server.startTimeUnixNano) / 1_000_000n) - Date.now()) < 3_600_000, 'nanoseconds');
  assert.ok(collector.resources.every((resource) => resource['service.name'] === 'shop-gateway'));
  const paths = new Set(collector.requests.map(({ path }) => path));
  assert.deepEqual([...paths].sort(), ['/otlp/v1/metrics', '/otlp/v1/traces']);
  for (const { headers } of collector.requests) {
    assert.equal(headers.authorization, `Bearer ${KEY}`);
    assert.equal(headers['content-type'], 'application/json');
  }
});

test("the call to an upstream is a span of the client's trace, and the one that the upstream learns of", async () => {
  const path = `/api/${fresh('path')}`;
  const { server, client } = await traced(path, { headers: { traceparent: `00-${TRACE}-${PARENT}-01` } });
  assert.deepEqual([server.traceId, server.parentSpanId], [TRACE, PARENT]);
  assert.deepEqual([client.traceId, client.parentSpanId, client.name], [TRACE, server.spanId, 'GET']);
  assert.deepEqual(client.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'server.address': '127.0.0.1',
    'server.port': Number(new URL(api.origin).port),
  });
  const { headers } = api.requests.findLast((request) => path.endsWith(request.path));
  assert.equal(headers.traceparent, `00-${TRACE}-${client.spanId}-01`);
  assert.ok(BigInt(client.startTimeUnixNano) >= BigInt(server.startTimeUnixNano));
  assert.ok(BigInt(client.endTimeUnixNano) <= BigInt(server.endTimeUnixNano));
});

test('a trace that begins here is sampled, for the upstream too', async () => {
  const path = `/api/${fresh('path')}`;
  const { server, client } = await traced(path);
  assert.equal(server.parentSpanId, undefined);
  const { headers } = api.requests.findLast((request) => path.endsWith(request.path));
  assert.equal(headers.traceparent, `00-${server.traceId}-${client.spanId}-01`);
});

test('a trace that its client does not sample brings no span, and is measured', async () => {
  const trace = TRACE.replaceAll('0', 'f');
  const path = `/api/${fresh('path')}`;
  await gateway.ask(path, { headers: { traceparent: `00-${trace}-${PARENT}-00` } });
  const measured = () => collector.points.some(({ attributes }) => attributes['http.route'] === '/api/{.+}');
  await until(measured);
  await traced(`/fixed/${fresh('id')}`);
  assert.ok(!collector.spans.some(({ traceId }) => traceId === trace));
});

describe('a failure has its code', () => {
  for (const [message, path, init, status, expected] of /** @type {any[][]} */ ([
    ['no route', '/nowhere', {}, 404, { code: 'route_not_found', name: 'GET', error: false }],
    ['no token', '/private', {}, 401, { code: 'token_missing', name: 'GET /private', error: false }],
    [
      'no upstream',
      '/nobody/1',
      {},
      502,
      { code: 'upstream_unreachable', name: 'GET /nobody/{id}', error: true, call: 'upstream_unreachable' },
    ],
    [
      'an upstream that fails',
      '/api/_sample/status/503',
      {},
      503,
      { code: '503', name: 'GET /api/{.+}', error: true, call: '503' },
    ],
    [
      'a method that nobody knows',
      '/fixed/2',
      { method: 'PURGE' },
      405,
      { code: 'method_not_allowed', name: 'HTTP', error: false },
    ],
  ])) {
    test(message, async () => {
      const { answer, server, client } = await traced(path, init);
      assert.equal(answer.status, status);
      assert.deepEqual(
        [
          server.attributes['error.type'],
          server.name,
          server.status?.code === 2,
          server.attributes['http.response.status_code'],
        ],
        [expected.code, expected.name, expected.error, status],
      );
      assert.equal(client?.attributes['error.type'], expected.call);
      if (init.method) assert.equal(server.attributes['http.request.method'], '_OTHER');
    });
  }
});

test('of several upstreams the span names the one that answered', async () => {
  const { client } = await traced(`/second/${fresh('path')}`);
  assert.equal(client.attributes['server.port'], Number(new URL(api.origin).port));
});

test('durations add up to the requests, in deltas', async () => {
  const of = () =>
    collector.points.filter(
      ({ attributes }) => attributes['http.route'] === '/private' && attributes['http.response.status_code'] === 200,
    );
  const headers = await bearer(tenant);
  for (let request = 0; request < 7; request += 1) await gateway.ask('/private', { headers });
  const total = () => of().reduce((sum, { count }) => sum + Number(count), 0);
  await until(() => total() >= 7);
  assert.equal(total(), 7);
  for (const point of of()) {
    assert.equal(point.bucketCounts.length, point.explicitBounds.length + 1);
    assert.equal(
      point.bucketCounts.reduce((sum, count) => sum + Number(count), 0),
      Number(point.count),
    );
    assert.ok(point.sum >= 0 && BigInt(point.timeUnixNano) >= BigInt(point.startTimeUnixNano));
    assert.deepEqual(Object.keys(point.attributes).sort(), [
      'http.request.method',
      'http.response.status_code',
      'http.route',
      'url.scheme',
    ]);
  }
});

test('no token, cookie, query or claim is sent, and a hostile request breaks nothing', async () => {
  const sub = fresh('claim-of-alice-');
  const { authorization } = await bearer(tenant, { sub });
  const path = `/api/${fresh('path')}`;
  const headers = {
    authorization,
    cookie: 'secret=of-a-cookie',
    'x-api-key': 'of-a-header',
    traceparent: 'x\ty-z-'.repeat(20),
  };
  await traced(`${path}?access_token=of-a-query`, { headers });
  const hostile = `/api/%0A${fresh('path')}"'\\;%00`;
  await sendRaw(gateway.origin, { path: hostile, headers: { host: `"evil'.example:1`, authorization } });
  await traced(`/fixed/${fresh('id')}`);
  assert.deepEqual(collector.failures, []);
  const sent = collector.requests.map(({ text }) => text).join('\n');
  for (const secret of [authorization.slice(7), sub, 'of-a-cookie', 'of-a-header', 'of-a-query', KEY]) {
    assert.ok(!sent.includes(secret), secret);
  }
});

describe('a collector that does not take it costs no answer, and one line', () => {
  for (const [message, answer, expected] of /** @type {any[][]} */ ([
    ['fails', (_, response) => response.writeHead(503).end('no'), 'it answers 503'],
    [
      'refuses the key',
      (request, response) => response.writeHead(401).end(request.headers.authorization),
      'it answers 401',
    ],
    [
      'leads elsewhere',
      (_, response) => response.writeHead(307, { location: 'https://example.com/' }).end(),
      'it answers 307',
    ],
    ['breaks off', (_, response) => response.destroy(), 'it does not answer'],
  ])) {
    test(`that ${message}`, async (t) => {
      const away = await startCollector();
      away.answer = answer;
      const own = await start({ endpoint: away.endpoint });
      t.after(() => Promise.all([own.close(), away.close()]));
      for (let batch = 1; batch <= 2; batch += 1) {
        assert.equal((await own.ask('/fixed/1')).status, 200);
        await until(() => away.requests.length >= 2 * batch);
      }
      const line = await own.record(({ code }) => code === 'otlp_unavailable');
      assert.deepEqual(line, {
        level: 'warn',
        code: 'otlp_unavailable',
        message: `the collector did not take what was recorded: ${expected}`,
      });
      await own.ask('/fixed/1');
      assert.equal(own.records().filter(({ code }) => code === 'otlp_unavailable').length, 1, 'once a minute');
      assert.ok(own.lines.every((line) => !line.message.includes(KEY)));
    });
  }

  test('that never answers: the requests do not wait, and time runs out', async (t) => {
    const away = await startCollector();
    away.answer = () => {};
    const own = await start({ endpoint: away.endpoint }, { clock: true });
    t.after(() => Promise.all([own.close(), away.close()]));
    assert.equal((await own.ask('/fixed/1')).status, 200);
    await until(() => away.requests.length === 2);
    assert.equal((await own.ask('/fixed/1')).status, 200);
    await own.elapse(6);
    await own.record(({ code }) => code === 'otlp_unavailable');
  });

  test('if warnings are not to be logged, none is', async (t) => {
    const away = await startCollector();
    away.answer = (_, response) => response.writeHead(503).end();
    const own = await start({ endpoint: away.endpoint }, { bindings: { OTLP_AUTHORIZATION: 'a', LOG_LEVEL: 'error' } });
    t.after(() => Promise.all([own.close(), away.close()]));
    for (let batch = 1; batch <= 2; batch += 1) {
      await (await own.fetch('/fixed/1')).text();
      await until(() => away.requests.length >= 2 * batch);
    }
    assert.deepEqual(own.records(), []);
  });
});

test('an isolate holds a thousand spans of short paths and a thousand rows at most', async (t) => {
  const { record_request } = await import(`${ROOT}/src/edge/request/otlp.js`);
  const sent = [];
  t.mock.method(globalThis, 'fetch', async (url, { body }) => {
    sent.push([url, JSON.parse(body)]);
    return new Response('{}');
  });
  const waited = [];
  const context = { waitUntil: (promise) => waited.push(promise) };
  const path = `/${'a'.repeat(16_000)}`;
  for (let index = 0; index < 1_500; index += 1) {
    const texts = ['GET', `/${index}`, 'http://a.example', path, '', `00-${TRACE}-${PARENT}-01`, '', ''].join('\n');
    record_request(context, 'http://b.example\nname\n', texts, [200, Date.now(), Date.now(), 0, 0, 0, 1]);
  }
  assert.equal(waited.length, 1, 'one request sends for all');
  await Promise.all(waited);
  const bodies = Object.fromEntries(sent);
  const { spans } = bodies['http://b.example/v1/traces'].resourceSpans[0].scopeSpans[0];
  assert.equal(spans.length, 1_000);
  const recorded = spans[0].attributes.find(({ key }) => key === 'url.path').value.stringValue;
  assert.equal(recorded, path.slice(0, 1_024));
  const [{ histogram }] = bodies['http://b.example/v1/metrics'].resourceMetrics[0].scopeMetrics[0].metrics;
  assert.equal(histogram.dataPoints.length, 1_000);
});
