// `http_proxy`: the upstream's address, bodies in both directions, and what happens when the upstream misbehaves.
// Headers are in proxy-headers.test.mjs, mapped values in mapping.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { freePort, proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { entryWith } from '../support/rules.mjs';

/** What the gateway waits for an upstream. */
const TIMEOUT_SECS = 30;
const MIB = 1024 * 1024;
/** A Worker around the gateway that makes a request anew where a header says how it treats redirects. */
const MAKES_ANEW = `
  const redirect = request.headers.get('x-made-anew');
  return super.fetch(redirect ? new Request(request, { redirect }) : request);`;

let api;
let upstream;
let answerUpstream;
let unused;
let gateway;

before(async () => {
  api = await startApi();
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  unused = await freePort();
  gateway = await startGateway({
    clock: true,
    entry: entryWith({}, MAKES_ANEW),
    config: {
      servers: [
        { alias: 'bare', url: api.origin },
        { alias: 'root-slash', url: `${api.origin}/` },
        { alias: 'base', url: `${api.origin}/v1/shop` },
        { alias: 'base-slash', url: `${api.origin}/v1/shop//` },
        { alias: 'own', url: upstream.origin },
        { alias: 'nobody', url: `http://127.0.0.1:${unused}` },
        { alias: 'no-such-host', url: 'http://bargate-test.invalid' },
      ],
      paths: [
        proxied('/', 'bare'),
        proxied('/{.+}', 'bare'),
        proxied('/exact', 'bare'),
        proxied('/exact/{id}', 'base'),
        proxied('/bare/{.+}', 'bare'),
        proxied('/root-slash/{.+}', 'root-slash'),
        proxied('/base/{.+}', 'base'),
        proxied('/base-slash/{.+}', 'base-slash'),
        proxied('/two/levels/{rest+}', 'bare'),
        proxied('/a/{id}/{.+}', 'base'),
        carved('/base/users/{id}', 'base', '/base'),
        carved('/base/users/{id}/{.+}', 'base', '/base'),
        carved('/base/countries', 'base', '/base'),
        carved('/base/status', 'base', '/base/status'),
        carved('/base/deep/{.+}', 'base', '/base'),
        carved('/base/whole/{.+}', 'base', ''),
        carved('/caf\u00e9/{id}', 'bare', '/caf%C3%A9'),
        proxied('/own/{.+}', 'own'),
        proxied('/nobody/{.+}', 'nobody'),
        proxied('/no-such-host/{.+}', 'no-such-host'),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
  await upstream?.close();
});

beforeEach(() => {
  api.requests.length = 0;
  answerUpstream = () => assert.fail('the upstream was not expected to be called');
});

/** A route to an upstream that gets the path without a prefix. */
function carved(path, server, prefix) {
  return { ...proxied(path), integration: { type: 'http_proxy', server, strip_prefix: prefix } };
}

/** Opens a request whose body the test writes bit by bit; gives it and, once it has begun, its answer. */
function openRequest(path, { method = 'POST', headers = {} } = {}) {
  const request = httpRequest(new URL(path, gateway.origin), { method, headers, agent: false });
  return { request, answered: once(request, 'response').then(([response]) => response) };
}

async function problemOf(response, status, code) {
  const body = await response.json();
  assert.equal(response.status, status, JSON.stringify(body));
  assert.equal(body.code, code);
  return body;
}

describe('the upstream is called', () => {
  for (const [message, path, expected] of [
    ['at its root', '/bare/a/b', '/a/b'],
    ['at its root, where its URL ends with a slash', '/root-slash/a/b', '/a/b'],
    ['below its base path', '/base/a/b', '/v1/shop/a/b'],
    ['below its base path, whose own slashes at the end do not count', '/base-slash/a', '/v1/shop/a'],
    ['with the slash at the end of the path', '/base/a/', '/v1/shop/a/'],
    ['with / where the wildcard matched nothing', '/bare', '/'],
    ['with / where the wildcard matched the slash alone', '/bare/', '/'],
    ['with / after the base path where the wildcard matched nothing', '/base', '/v1/shop/'],
    ['without the whole literal prefix of a wildcard', '/two/levels/c/d', '/c/d'],
    ['with the whole path of a wildcard behind a parameter', '/a/7/b/c', '/v1/shop/a/7/b/c'],
    ['with the whole path of a wildcard behind a parameter that matched nothing', '/a/7', '/v1/shop/a/7'],
    ['with the whole path where there is no wildcard', '/exact', '/exact'],
    ['with the whole path below the base path where there is no wildcard', '/exact/7', '/v1/shop/exact/7'],
    ['with the whole path of a wildcard at the root', '/other/x', '/other/x'],
    ['with / for /', '/', '/'],
    ['at the path of its wildcard, from one that is carved out of it', '/base/countries', '/v1/shop/countries'],
    ['without a prefix before a parameter', '/base/users/7', '/v1/shop/users/7'],
    ['with a parameter as it was sent', '/base/users/a%20b%26c=%41', '/v1/shop/users/a%20b%26c=%41'],
    ['with a parameter that looks like an address', '/base/users/@evil.example:80', '/v1/shop/users/@evil.example:80'],
    ['without a prefix before a parameter and the rest', '/base/users/7/a//b', '/v1/shop/users/7/a//b'],
    ['with / where all of the path is its prefix', '/base/status', '/v1/shop/'],
    ['without less than the prefix of a wildcard', '/base/deep/x/y', '/v1/shop/deep/x/y'],
    ['with the whole path of a wildcard that keeps it', '/base/whole/x', '/v1/shop/base/whole/x'],
    ['without a prefix in another spelling', '/caf%c3%a9/7', '/7'],
    ['with doubled slashes inside the rest', '/bare/a//b', '/a//b'],
    [
      'with doubled slashes at the start of the rest, which name no other host',
      '/bare//evil.example/a',
      '//evil.example/a',
    ],
    ['with an @ that makes no user name of what stands before', '/bare/@evil.example', '/@evil.example'],
    ['with a colon that makes no port', '/bare/:80/a', '/:80/a'],
  ]) {
    test(message, async () => {
      const answer = await sendRaw(gateway.origin, { path });
      assert.equal(answer.status, 200, answer.text);
      assert.deepEqual(
        api.requests.map((seen) => seen.path),
        [expected],
      );
    });
  }
});

test('the query comes to the upstream as it was sent', async () => {
  for (const [message, query] of [
    ['order, empty pairs and repeats', 'b=2&&a=1&b=3&'],
    ['names without values', 'flag&x='],
    ['escapes, needless and malformed ones too', 'a=%41%20%2f%zz%&b=%FF'],
    ['plus signs and spaces', 'a=b+c%20d'],
    ['slashes, dots and question marks', 'path=/../x?y=//z'],
    ['an address', 'to=https://other.example/a%23b'],
  ]) {
    api.requests.length = 0;
    await sendRaw(gateway.origin, { path: `/bare/a?${query}` });
    assert.deepEqual(
      api.requests.map((seen) => seen.query),
      [query],
      message,
    );
  }
});

test('every method passes with its body', async () => {
  for (const [method, body] of [
    ['GET', ''],
    ['POST', 'posted'],
    ['PUT', 'put'],
    ['PATCH', 'patched'],
    ['DELETE', 'deleted'],
    ['DELETE', ''],
    ['OPTIONS', ''],
    ['OPTIONS', 'asked'],
    ['PROPFIND', ''],
  ]) {
    const headers = body ? { 'content-length': body.length } : {};
    const answer = await sendRaw(gateway.origin, { method, path: '/bare/x', headers, body });
    assert.equal(answer.status, 200, method);
    assert.equal(answer.json().method, method);
    assert.equal(answer.json().body_length, body.length, `${method} with "${body}"`);
  }
});

test('HEAD gets the headers of the answer and no body', async () => {
  answerUpstream = (request, response) => {
    response.writeHead(200, { 'content-length': 12, etag: '"e"', 'x-method': request.method });
    response.end();
  };
  const answer = await sendRaw(gateway.origin, { method: 'HEAD', path: '/own/x' });
  assert.equal(answer.status, 200);
  assert.equal(answer.header('x-method'), 'HEAD');
  assert.equal(answer.header('etag'), '"e"');
  assert.equal(answer.header('content-length'), '12');
  assert.equal(answer.body.length, 0);
});

test("the upstream's status and body pass untouched, errors too", async () => {
  for (const [status, body] of [
    [200, 'fine'],
    [201, 'made'],
    [204, ''],
    [205, ''],
    [206, 'part'],
    [304, ''],
    [400, 'bad'],
    [401, 'who'],
    [403, 'no'],
    [404, 'none'],
    [409, 'clash'],
    [418, 'tea'],
    [429, 'slow down'],
    [500, 'broken'],
    [502, 'behind'],
    [503, 'busy'],
    [504, 'late'],
  ]) {
    answerUpstream = (_, response) => {
      response.writeHead(status, { 'content-type': 'text/x-own', 'x-own': `${status}` });
      response.end(body);
    };
    const answer = await sendRaw(gateway.origin, { path: '/own/x' });
    assert.deepEqual([answer.status, answer.text, answer.header('x-own')], [status, body, `${status}`]);
  }
});

test("redirects are passed on and not followed, whatever the request says that a Worker made of the client's", async () => {
  const redirects = [
    [301, 'elsewhere'],
    [302, 'https://other.example/x?y#z'],
    [303, '../up'],
    [307, `${api.origin}/direct`],
    [308, '//host/x'],
  ];
  for (const [status, location] of redirects) {
    answerUpstream = (_, response) => response.writeHead(status, { location }).end();
    for (const sent of [{}, { method: 'DELETE' }, { method: 'POST', body: 'x' }])
      for (const headers of [{}, { 'x-made-anew': 'follow' }]) {
        const answer = await sendRaw(gateway.origin, { ...sent, headers, path: '/own/x' });
        assert.deepEqual(
          [answer.status, answer.header('location')],
          [status, location],
          JSON.stringify([sent, headers]),
        );
      }
  }
  assert.deepEqual(api.requests, [], 'nobody went there');
});

describe('bodies', () => {
  test('stream in both directions: the first chunk is back before the last is sent', async () => {
    const { request, answered } = openRequest('/bare/_sample/echo', { headers: { 'content-type': 'text/plain' } });
    request.write('first');
    const response = await answered;
    const chunks = response.iterator({ destroyOnReturn: false });
    assert.equal(String((await chunks.next()).value), 'first');
    request.write('second');
    assert.equal(String((await chunks.next()).value), 'second');
    request.end('last');
    assert.equal(Buffer.concat(await response.toArray()).toString(), 'last');
  });

  test('of several MiB arrive whole', async () => {
    const body = Buffer.alloc(5 * MIB + 17, 'bargate ');
    const answer = await sendRaw(gateway.origin, { method: 'POST', path: '/bare/_sample/echo', body });
    assert.equal(answer.status, 200);
    assert.ok(answer.body.equals(body), `${answer.body.length} bytes came back of ${body.length}`);
    assert.equal(api.requests[0].body_length, body.length);
  });

  test('of a large answer arrive whole', async () => {
    const answer = await sendRaw(gateway.origin, { path: `/bare/_sample/stream?bytes=${8 * MIB + 1}` });
    assert.equal(answer.body.length, 8 * MIB + 1);
    assert.equal(answer.header('content-length'), String(8 * MIB + 1));
  });

  test('of a compressed answer arrive byte for byte, with their encoding', async () => {
    for (const [encoding, bytes] of [
      ['gzip', gzipSync('compressed '.repeat(1000), { level: 3 })],
      ['x-own', Buffer.from('own')],
    ]) {
      answerUpstream = (_, response) => {
        response.writeHead(200, { 'content-encoding': encoding, 'content-type': 'text/plain' });
        response.end(bytes);
      };
      const answer = await sendRaw(gateway.origin, { path: '/own/x', headers: { 'accept-encoding': encoding } });
      assert.equal(answer.header('content-encoding'), encoding);
      assert.ok(answer.body.equals(bytes), `${encoding}: ${answer.body.length} bytes of ${bytes.length}`);
    }
  });

  test('of a compressed request arrive byte for byte, with their encoding', async () => {
    const bytes = gzipSync('compressed '.repeat(1000), { level: 3 });
    let received;
    answerUpstream = async (request, response) => {
      received = { bytes: Buffer.concat(await request.toArray()), encoding: request.headers['content-encoding'] };
      response.end();
    };
    await sendRaw(gateway.origin, {
      method: 'POST',
      path: '/own/x',
      headers: { 'content-encoding': 'gzip' },
      body: bytes,
    });
    assert.equal(received.encoding, 'gzip');
    assert.ok(received.bytes.equals(bytes));
  });

  test('of a range request arrive as the part they are', async () => {
    answerUpstream = (request, response) => {
      assert.equal(request.headers.range, 'bytes=2-4');
      assert.equal(request.headers['if-range'], '"e"');
      response.writeHead(206, { 'content-range': 'bytes 2-4/10', 'accept-ranges': 'bytes', 'content-length': 3 });
      response.end('cde');
    };
    const answer = await sendRaw(gateway.origin, {
      path: '/own/x',
      headers: { range: 'bytes=2-4', 'if-range': '"e"' },
    });
    assert.deepEqual([answer.status, answer.text, answer.header('content-range')], [206, 'cde', 'bytes 2-4/10']);
  });
});

test('server-sent events arrive one by one while the upstream goes on', async () => {
  let events;
  answerUpstream = (_, response) => {
    events = response;
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' });
    response.write('data: 1\n\n');
  };
  const response = await gateway.fetch('/own/events', { headers: { accept: 'text/event-stream' } });
  assert.equal(response.headers.get('content-type'), 'text/event-stream');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  assert.equal((await reader.read()).value, 'data: 1\n\n');
  events.write('data: 2\n\n');
  assert.equal((await reader.read()).value, 'data: 2\n\n');
  events.end();
  assert.ok((await reader.read()).done);
});

test('a WebSocket upgrade passes, and messages go both ways', async () => {
  const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/bare/socket?room=1`, {
    headers: { 'x-own': 'yes' },
  });
  await once(socket, 'open');
  for (const sent of ['text', Buffer.from([0, 1, 2, 255])]) {
    socket.send(sent);
    const [data, isBinary] = await once(socket, 'message');
    assert.equal(isBinary, typeof sent !== 'string');
    assert.ok(data.equals(Buffer.from(sent)));
  }
  socket.close(4000, 'done');
  assert.equal((await once(socket, 'close'))[0], 4000);
  const [{ path, query, headers }] = api.requests;
  assert.deepEqual([path, query, headers['x-own'], headers.upgrade], ['/socket', 'room=1', 'yes', 'websocket']);
});

describe('where the upstream fails', () => {
  test('an answer that does not begin in time is 504, and the upstream hears that nobody waits', async () => {
    /** @type {PromiseWithResolvers<void>[]} */
    const [called, closed] = [Promise.withResolvers(), Promise.withResolvers()];
    answerUpstream = (_, response) => {
      response.once('close', closed.resolve);
      called.resolve();
    };
    const asked = gateway.fetch('/own/x');
    await called.promise;
    await gateway.elapse(TIMEOUT_SECS);
    await problemOf(await asked, 504, 'upstream_timeout');
    await closed.promise;
  });

  test('a body that outlasts the time-out is not cut, for the answer has begun', async () => {
    const { request, answered } = openRequest('/bare/_sample/echo');
    request.write('first');
    const response = await answered;
    const hanging = gateway.fetch('/bare/_sample/hang');
    await until(() => api.requests.length === 2);
    await gateway.elapse(TIMEOUT_SECS);
    await problemOf(await hanging, 504, 'upstream_timeout');
    request.end(' and last');
    assert.equal(Buffer.concat(await response.toArray()).toString(), 'first and last');
  });

  test('nobody at its address is 502', async () => {
    const body = await problemOf(await gateway.fetch('/nobody/x'), 502, 'upstream_unreachable');
    assert.ok(!JSON.stringify(body).includes(unused), 'the address stays here');
    await problemOf(await gateway.fetch('/nobody/x', { method: 'POST', body: 'x' }), 502, 'upstream_unreachable');
    await problemOf(await gateway.fetch('/no-such-host/x'), 502, 'upstream_unreachable');
  });

  test('a connection that is reset before the answer is 502', async () => {
    await problemOf(await gateway.fetch('/bare/_sample/reset'), 502, 'upstream_unreachable');
    await problemOf(
      await gateway.fetch('/bare/_sample/reset', { method: 'POST', body: 'x' }),
      502,
      'upstream_unreachable',
    );
  });

  test('an answer that is no HTTP is 502', async () => {
    answerUpstream = (request) => request.socket.end('this is no answer\r\n\r\n');
    await problemOf(await gateway.fetch('/own/x'), 502, 'upstream_unreachable');
  });

  test('an answer whose status cannot be passed on is 502, and the log has it once', async () => {
    for (const status of [600, 601, 999]) {
      const closed = Promise.withResolvers();
      answerUpstream = (_, response) => {
        response.once('close', closed.resolve);
        response.writeHead(status, { 'x-own': 'own', 'content-length': 100 });
        response.write('the body goes on');
      };
      const answer = await sendRaw(gateway.origin, { path: '/own/x' });
      const id = answer.header('x-request-id');
      assert.deepEqual([answer.status, answer.header('content-type')], [502, 'application/problem+json'], `${status}`);
      assert.deepEqual(
        [answer.json().code, answer.json().request_id, answer.header('x-own')],
        ['upstream_unreachable', id, null],
      );
      await closed.promise;
      const ofThis = ({ request_id: of }) => of === id;
      const { status: told, code, reason, route } = await gateway.record(ofThis);
      assert.deepEqual([told, code, route], [502, 'upstream_unreachable', '/own/{.+}']);
      assert.equal(reason, `its status ${status} cannot be passed on`);
      assert.equal((await gateway.fetch('/bare/x')).status, 200);
      assert.equal(gateway.records().filter(ofThis).length, 1, 'one line');
    }
  });

  test('an answer that breaks off is broken off for the client too, and does not look whole', async () => {
    const response = await gateway.fetch('/bare/_sample/cut');
    assert.equal(response.status, 200);
    await assert.rejects(response.text());
  });

  test('the next request works', async () => {
    assert.equal((await gateway.fetch('/bare/x')).status, 200);
  });
});

// workerd notices a reset connection. One that is merely closed looks to it like a client that has sent all it had to say.
describe('the upstream hears when the client hangs up', () => {
  test('before the answer has begun', async () => {
    const closed = Promise.withResolvers();
    const { request, answered } = openRequest('/own/x', { method: 'GET' });
    answered.catch(() => {});
    answerUpstream = (_, response) => {
      response.once('close', closed.resolve);
      request.socket.resetAndDestroy();
    };
    request.end();
    await closed.promise;
  });

  test('in the middle of the answer', async () => {
    const closed = Promise.withResolvers();
    answerUpstream = (_, response) => {
      response.once('close', closed.resolve);
      response.write('first');
    };
    const { request, answered } = openRequest('/own/x', { method: 'GET' });
    request.end();
    const response = await answered;
    response.once('error', () => {});
    await once(response, 'data');
    request.socket.resetAndDestroy();
    await closed.promise;
  });

  test('in the middle of the request', async () => {
    const closed = Promise.withResolvers();
    const { request, answered } = openRequest('/own/x');
    answered.catch(() => {});
    answerUpstream = (received) => {
      received.once('close', () => closed.resolve(received.complete));
      received.once('error', () => {});
      received.once('data', () => request.socket.resetAndDestroy());
    };
    request.write('first');
    assert.equal(await closed.promise, false, 'the body did not look whole');
  });
});
