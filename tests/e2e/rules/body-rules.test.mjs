// `max_body_bytes` and `content_types`: which bodies reach an upstream, and that one which may not is never sent on whole,
// whether its length was announced or found out.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { APP, entryWith, fresh } from '../support/rules.mjs';

const LIMIT = 1000;

// A Worker that says how much of a body it was shown.
const BOUND = `{
  async count(request) {
    const { byteLength: shown } = await request.arrayBuffer();
    console.log(JSON.stringify({ shown, of: request.headers.get('x-request-id') }));
    return shown;
  },
  async fetch(request) {
    return new Response(String(await this.count(request)));
  },
  async take(request) {
    return { bytes: await this.count(request) };
  },
  async check(request) {
    return (await this.count(request)) >= 0;
  },
}`;

let api;
let upstream;
let arrived;
let answerUpstream;
let gateway;

before(async () => {
  api = await startApi();
  upstream = await startUpstream((request, response) => {
    const body = watch(request);
    arrived.push(body);
    return answerUpstream(body, response);
  });
  const typed = (...types) => ({ content_types: types });
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'own', url: upstream.origin },
        { alias: 'api', url: api.origin },
      ],
      serviceBindings: [{ alias: 'bound', binding: 'BOUND' }],
      cors: { allow_origins: [APP] },
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
      paths: [
        proxied('/limited', 'own', { max_body_bytes: LIMIT }),
        proxied('/socket', 'api', { max_body_bytes: LIMIT, content_types: ['application/json'] }),
        { method: 'POST', path: '/fixed', response: {}, max_body_bytes: LIMIT },
        { method: 'POST', path: '/fixed-typed', response: {}, ...typed('application/json') },
        { method: 'POST', path: '/refresh', integration: { type: 'auth0_refresh' }, max_body_bytes: LIMIT },
        {
          method: 'POST',
          path: '/bound',
          integration: { type: 'service_binding', binding: 'bound' },
          max_body_bytes: LIMIT,
        },
        {
          method: 'POST',
          path: '/function',
          integration: { type: 'service_binding', binding: 'bound', function: 'take' },
          max_body_bytes: LIMIT,
        },
        proxied('/checked', 'own', { pre_process: { binding: 'bound', function: 'check' }, max_body_bytes: LIMIT }),
        proxied('/typed', 'own', typed('application/json', 'image/*')),
        proxied('/upper', 'own', typed('Application/JSON')),
        proxied('/any', 'own', typed('*/*')),
        proxied('/both', 'own', { max_body_bytes: LIMIT, ...typed('application/json') }),
      ],
    },
    entry: entryWith({ BOUND }),
  });
});

after(async () => {
  for (const started of [gateway, upstream, api]) await started?.close();
});

beforeEach(() => {
  arrived = [];
  answerUpstream = async (body, response) => {
    await body.over;
    response.end(String(body.bytes));
  };
});

/** Follows a request's body: how many bytes came, and once it is `over`, whether that was all of it. */
function watch(request) {
  const body = { bytes: 0, complete: undefined };
  request.on('data', (chunk) => {
    body.bytes += chunk.length;
  });
  request.once('error', () => {});
  body.over = new Promise((resolve) => {
    request.once('close', () => {
      body.complete = request.complete;
      resolve(body);
    });
  });
  return body;
}

const send = (path, { method = 'POST', body, type = 'application/json', chunked = false, headers = {} } = {}) =>
  sendRaw(gateway.origin, {
    method,
    path,
    body,
    headers: {
      ...(type === null ? {} : { 'content-type': type }),
      ...(body === undefined ? {} : chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': body.length }),
      ...headers,
    },
  });

/** Opens a request whose body the test writes bit by bit; gives it and, once it has begun, its answer. */
function open(path, headers = {}) {
  const request = httpRequest(new URL(path, gateway.origin), { method: 'POST', headers, agent: false });
  // The gateway may close the connection on a body that it does not read.
  request.on('error', () => {});
  const answered = once(request, 'response').then(async ([response]) => {
    const text = Buffer.concat(await response.toArray()).toString();
    return {
      status: response.statusCode,
      header: (name) => response.headers[name] ?? null,
      json: () => JSON.parse(text),
      text,
    };
  });
  return { request, answered };
}

function assertRefused(answer, status, code, message) {
  assert.deepEqual(
    [answer.status, answer.header('content-type')],
    [status, 'application/problem+json'],
    `${message}: ${answer.text}`,
  );
  assert.deepEqual([answer.json().code, answer.header('cache-control')], [code, 'no-store'], message);
}

const TOO_LARGE = [413, 'body_too_large'];
const WRONG_TYPE = [415, 'unsupported_media_type'];

describe('a body within the limit arrives whole', () => {
  for (const [message, bytes, how] of [
    ['with its length, one byte less', LIMIT - 1, {}],
    ['with its length, to the byte', LIMIT, {}],
    ['without its length, to the byte', LIMIT, { chunked: true }],
    ['without its length and without a byte', 0, { chunked: true }],
    ['with the length zero', 0, {}],
    ['by PUT', LIMIT, { method: 'PUT' }],
    ['by DELETE', LIMIT, { method: 'DELETE' }],
  ]) {
    test(message, async () => {
      const answer = await send('/limited', { body: Buffer.alloc(bytes, 'x'), ...how });
      assert.deepEqual([answer.status, answer.text], [200, String(bytes)]);
      assert.deepEqual(
        arrived.map(({ complete }) => complete),
        [true],
      );
    });
  }

  test('in many chunks, to the byte', async () => {
    const { request, answered } = open('/limited');
    for (let byte = 0; byte < LIMIT; byte += 100) request.write(Buffer.alloc(100, 'x'));
    request.end();
    assert.deepEqual([(await answered).status, arrived[0].bytes, arrived[0].complete], [200, LIMIT, true]);
  });

  test('or is none at all', async () => {
    for (const method of ['GET', 'DELETE', 'OPTIONS']) {
      assert.deepEqual([(await send('/limited', { method })).status, arrived.length], [200, 1], method);
      arrived = [];
    }
  });
});

describe('a body whose length is announced and too large', () => {
  for (const [message, path, bytes, how] of [
    ['by one byte', '/limited', LIMIT + 1, {}],
    ['by far', '/limited', 1000 * LIMIT, {}],
    ['by PUT', '/limited', LIMIT + 1, { method: 'PUT' }],
    ['by PATCH', '/limited', LIMIT + 1, { method: 'PATCH' }],
    ['by DELETE', '/limited', LIMIT + 1, { method: 'DELETE' }],
    ['for a fixed answer', '/fixed', LIMIT + 1, {}],
    ['for a refresh, which has a higher limit of its own', '/refresh', LIMIT + 1, {}],
    ['for another Worker', '/bound', LIMIT + 1, {}],
    ['for a function of another Worker', '/function', LIMIT + 1, {}],
    ['for one that is asked first', '/checked', LIMIT + 1, {}],
  ]) {
    test(`is 413 and reaches nobody: ${message}`, async () => {
      assertRefused(await send(path, { body: Buffer.alloc(bytes, 'x'), ...how }), ...TOO_LARGE, message);
      assert.deepEqual([arrived, gateway.records().filter(({ shown }) => shown > LIMIT)], [[], []]);
    });
  }

  test('is 413 before any of it is sent', async () => {
    const { request, answered } = open('/limited', { 'content-length': LIMIT + 1 });
    request.flushHeaders();
    assertRefused(await answered, ...TOO_LARGE);
    request.destroy();
    assert.deepEqual(arrived, []);
  });

  test('is 413 that a listed origin can read, and the log has it', async () => {
    const answer = await send('/limited', {
      body: Buffer.alloc(LIMIT + 1),
      headers: { origin: APP, 'x-request-id': 'too-large' },
    });
    assert.equal(answer.header('access-control-allow-origin'), APP);
    const { level, status, code, route } = await gateway.record(({ request_id: id }) => id === 'too-large');
    assert.deepEqual([level, status, code, route], ['info', 413, 'body_too_large', '/limited']);
  });
});

describe('a body of unknown length that grows too large', () => {
  test('is broken off: 413 while it is still being sent, and the upstream sees that it is not whole', async () => {
    const { request, answered } = open('/limited');
    request.write(Buffer.alloc(LIMIT, 'x'));
    await until(() => arrived[0]?.bytes === LIMIT);
    request.write('x');
    assertRefused(await answered, ...TOO_LARGE);
    const { bytes, complete } = await arrived[0].over;
    assert.deepEqual([bytes, complete], [LIMIT, false]);
    request.destroy();
  });

  for (const [message, chunk, count] of [
    ['in one chunk', LIMIT + 1, 1],
    ['in chunks that do not end at the limit', 300, 4],
    ['in one chunk that is far larger', 100 * LIMIT, 1],
  ]) {
    test(`is 413, and no byte beyond the limit reaches the upstream: ${message}`, async () => {
      const { request, answered } = open('/limited');
      for (let index = 0; index < count; index += 1) request.write(Buffer.alloc(chunk, 'x'));
      assertRefused(await answered, ...TOO_LARGE);
      request.destroy();
      for (const body of arrived) {
        const { bytes, complete } = await body.over;
        assert.ok(bytes <= LIMIT && !complete, `${bytes} bytes arrived`);
      }
    });
  }

  test('is 413 also where all of it came at once and it is over', async () => {
    assertRefused(await send('/limited', { body: Buffer.alloc(LIMIT + 1, 'x'), chunked: true }), ...TOO_LARGE);
  });

  test('is 413 for a refresh', async () => {
    const body = JSON.stringify({ refresh_token: 'x'.repeat(LIMIT) });
    assertRefused(await send('/refresh', { body, chunked: true }), ...TOO_LARGE);
  });

  for (const [message, path] of [
    ['another Worker', '/bound'],
    ['a function of one', '/function'],
    ['one that is asked first', '/checked'],
  ]) {
    test(`is 413 for ${message}, which is not shown a body that looks whole`, async () => {
      const [fits, exceeds] = [fresh('fits-'), fresh('exceeds-')];
      const whole = await send(path, {
        body: Buffer.alloc(LIMIT, 'x'),
        chunked: true,
        headers: { 'x-request-id': fits },
      });
      assert.equal(whole.status, 200, whole.text);
      assert.equal((await gateway.record(({ of }) => of === fits)).shown, LIMIT);
      arrived = [];
      const { request, answered } = open(path, { 'x-request-id': exceeds });
      request.write(Buffer.alloc(LIMIT, 'x'));
      request.end('x');
      assertRefused(await answered, ...TOO_LARGE);
      await gateway.record(({ request_id: id }) => id === exceeds);
      assert.deepEqual(
        gateway.records().filter(({ of }) => of === exceeds),
        [],
      );
      for (const body of arrived) assert.equal((await body.over).complete, false);
    });
  }

  test('does not trouble the request after it', async () => {
    assert.equal((await send('/limited', { body: Buffer.alloc(LIMIT) })).status, 200);
  });
});

describe('a body', () => {
  for (const [path, type] of [
    ['/typed', 'application/json'],
    ['/typed', 'application/json; charset=utf-8'],
    ['/typed', 'application/json;charset="utf-8"'],
    ['/typed', 'APPLICATION/Json'],
    ['/typed', 'application/json ; a=b'],
    ['/typed', 'image/png'],
    ['/typed', 'image/svg+xml'],
    ['/typed', 'application/json; a="b,c"'],
    ['/typed', 'IMAGE/PNG'],
    ['/upper', 'application/json'],
    ['/any', 'text/x-own'],
  ]) {
    test(`of the type ${type} arrives at ${path}`, async () => {
      assert.deepEqual([(await send(path, { body: 'body', type })).text, arrived.length], ['4', 1]);
    });
  }

  for (const [message, type] of [
    ['another type', 'text/plain'],
    ['a type that only begins alike', 'application/jsonp'],
    ['a type that ends alike', 'x-application/json'],
    ['a type with another suffix', 'application/json-patch+json'],
    ['a family that only begins alike', 'imagex/png'],
    ['a family without a subtype', 'image'],
    ['a family with an empty subtype', 'image/'],
    ['a list of types', 'application/json, text/plain'],
    ['a list that ends well', 'text/plain, application/json'],
    ['a listed type as a parameter', 'text/plain; a=application/json'],
    ['a listed type behind a semicolon', ';application/json'],
    ['a wildcard', '*/*'],
    ['an empty type', ''],
    ['no type', null],
    ['two types', ['application/json', 'text/plain']],
    ['two types, the first with a parameter', ['application/json; charset=utf-8', 'text/plain']],
    ['a second type behind a parameter', 'application/json; charset=utf-8, text/plain'],
    ['a family with no subtype that is one', 'image/"'],
    ['two types, the first of a listed family', ['image/png', 'text/plain']],
    ['a list that begins with a listed family', 'image/png, text/plain'],
  ]) {
    test(`with ${message} is 415 and reaches nobody, its length known or not`, async () => {
      for (const chunked of [false, true]) {
        assertRefused(
          await send('/typed', { body: 'body', type, chunked }),
          ...WRONG_TYPE,
          `${type}, ${chunked ? '' : 'not '}chunked`,
        );
      }
      assert.deepEqual(arrived, []);
    });
  }

  test('of another type is 415 by any method, for a fixed answer too, and a listed origin can read it', async () => {
    for (const [method, path] of [
      ['PUT', '/typed'],
      ['PATCH', '/typed'],
      ['DELETE', '/typed'],
      ['POST', '/fixed-typed'],
    ]) {
      const answer = await send(path, { method, body: 'body', type: 'text/plain', headers: { origin: APP } });
      assertRefused(answer, ...WRONG_TYPE, `${method} ${path}`);
      assert.equal(answer.header('access-control-allow-origin'), APP);
    }
    assert.deepEqual(arrived, []);
  });

  test('under both rules has to keep both', async () => {
    assertRefused(await send('/both', { body: 'body', type: 'text/plain' }), ...WRONG_TYPE);
    assertRefused(await send('/both', { body: Buffer.alloc(LIMIT + 1) }), ...TOO_LARGE);
    assertRefused(await send('/both', { body: Buffer.alloc(LIMIT + 1), chunked: true }), ...TOO_LARGE);
    assert.equal((await send('/both', { body: Buffer.alloc(LIMIT) })).status, 200);
  });
});

test('a request without a body has no type to be judged by', async () => {
  for (const [method, headers] of [
    ['GET', {}],
    ['GET', { 'content-type': 'text/plain' }],
    ['POST', { 'content-length': '0' }],
    ['DELETE', {}],
    ['POST', { 'content-length': '0', 'content-type': 'text/plain' }],
    ['OPTIONS', {}],
  ]) {
    const answer = await send('/typed', { method, type: null, headers });
    assert.deepEqual([answer.status, answer.text], [200, '0'], `${method} with ${JSON.stringify(headers)}`);
  }
});

test('a WebSocket passes either rule, and its messages are no body', async () => {
  const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/socket`);
  await once(socket, 'open');
  socket.send('x'.repeat(2 * LIMIT));
  assert.equal((await once(socket, 'message'))[0].length, 2 * LIMIT);
  socket.close();
  await once(socket, 'close');
});
