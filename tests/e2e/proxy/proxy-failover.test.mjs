// `retries` and `urls` of a server: which requests are sent again, to which address, and how often. What is made again by the
// gateway is counted at upstreams that end each connection with its answer: if one is used again and dies, the runtime itself
// sends a request without a body once more.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { freePort, proxied, sendRaw, startGateway, startUpstream, until } from '../support/harness.mjs';
import { sendBytes } from '../support/wire.mjs';

const REPEATABLE = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'];
const DOWN_SECS = 10;
/** FAILURES_IN_A_ROW of src/proxy/outages.rs. */
const FAILURES = 3;
const TIMEOUT_SECS = 20;

/**
 * Starts an upstream that does to each call what `behave` says, or else answers with its name, and keeps all of them in `calls`.
 * @param {string} name
 * @returns {Promise<any>}
 */
async function startScripted(name) {
  const scripted = { name, calls: [], behave: (/** @type {any[]} */ ..._call) => undefined };
  const upstream = await startUpstream(async (request, response) => {
    const call = { method: request.method, url: request.url, headers: request.headers };
    scripted.calls.push(call);
    /** @type {(...call: any[]) => any} */
    const does = scripted.behave(scripted.calls.length, request, response) ?? status(200);
    request.on('error', () => {});
    await does(request, response, `${name} ${scripted.calls.length}`);
  });
  return Object.assign(scripted, { origin: upstream.origin, close: upstream.close });
}

/** Answers with a status, and the name and number of the call as header and body. */
const status = (code) => async (request, response, text) => {
  const chunks = await request.toArray().catch(() => []);
  response.writeHead(code, {
    connection: 'close',
    'x-call': text,
    [`x-of-${code}`]: 'yes',
    'set-cookie': `of-${code}=1`,
    'x-body': Buffer.concat(chunks).length,
  });
  response.end(request.method === 'HEAD' ? undefined : text);
};
const closes = (request) => request.socket.destroy();
const resets = (request) => request.socket.resetAndDestroy();
const talks = (request) => request.socket.end('this is no answer\r\n\r\n');
const hangs = () => {};
const breaksOff = (_, response) => {
  response.writeHead(200, { connection: 'close', 'content-length': 1000 });
  response.write('the beginning');
  setImmediate(() => response.destroy());
};
/** Does one thing at each of the first calls, and then answers. */
const first =
  (...these) =>
  (call) =>
    these[call - 1];

let one;
let two;
let nobody;

before(async () => {
  [one, two] = await Promise.all([startScripted('one'), startScripted('two')]);
  nobody = `http://127.0.0.1:${await freePort()}`;
});

after(() => Promise.all([one?.close(), two?.close()]));

beforeEach(() => {
  for (const upstream of [one, two]) Object.assign(upstream, { behave: () => undefined });
  for (const upstream of [one, two]) upstream.calls.length = 0;
});

/** Starts a gateway with one server, which knows of no upstream that it is down. */
async function startWith(server, t) {
  const gateway = await startGateway({
    clock: true,
    config: {
      servers: [{ alias: 'own', timeout_ms: TIMEOUT_SECS * 1000, ...server }],
      paths: [proxied('/own/{.+}', 'own')],
    },
  });
  t?.after(() => gateway.close());
  return {
    ...gateway,
    send: (method = 'GET', body, headers = {}) =>
      sendRaw(gateway.origin, { method, path: '/own/x?y=1', headers, body }),
  };
}

/** Sends a request and lets its time-out run out at the call of this number to the first upstream. */
async function timedOut(gateway, method, call) {
  const answer = gateway.send(method);
  await until(() => one.calls.length === call);
  await gateway.elapse(TIMEOUT_SECS);
  return answer;
}

const calls = () => [one.calls.length, two.calls.length];

function assertUnreachable(answer, message) {
  assert.deepEqual([answer.status, answer.json().code], [502, 'upstream_unreachable'], message);
}

describe('with retries, a request is made again', () => {
  let gateway;
  before(async () => {
    gateway = await startWith({ url: one.origin, retries: 3 });
  });
  after(() => gateway?.close());

  for (const method of REPEATABLE) {
    test(`where it is ${method} without a body`, async () => {
      one.behave = first(status(503), closes, status(502));
      const answer = await gateway.send(method);
      assert.deepEqual([answer.status, answer.header('x-call'), one.calls.length], [200, 'one 4', 4]);
      assert.equal(answer.text, method === 'HEAD' ? '' : 'one 4');
    });
  }

  test('where it says that its body is empty', async () => {
    one.behave = first(status(503));
    const answer = await gateway.send('PUT', undefined, { 'content-length': 0 });
    assert.deepEqual([answer.status, one.calls.length], [200, 2]);
  });

  for (const [message, does] of [
    ['502', status(502)],
    ['503', status(503)],
    ['504', status(504)],
    ['the connection being closed', closes],
    ['the connection being reset', resets],
    ['an answer that is no HTTP', talks],
  ]) {
    test(`on ${message}`, async () => {
      one.behave = first(does, does);
      const answer = await gateway.send();
      assert.deepEqual([answer.status, answer.header('x-call'), one.calls.length], [200, 'one 3', 3]);
    });
  }

  test('as it was: path, query, headers and request id', async () => {
    one.behave = first(status(503), closes, status(503));
    await gateway.send('DELETE', undefined, {
      'x-own': 'yes',
      'x-request-id': 'the-request',
      cookie: 'a=1',
      authorization: 'Basic b3duOm93bg==',
    });
    const [of, ...others] = one.calls;
    assert.equal(others.length, 3);
    for (const other of others) assert.deepEqual(other, of);
    assert.deepEqual(
      [of.method, of.url, of.headers['x-own'], of.headers['x-request-id']],
      ['DELETE', '/x?y=1', 'yes', 'the-request'],
    );
  });

  test('and nothing of the answers before reaches the client, nor the log', async () => {
    one.behave = first(status(503), status(502), status(504));
    const answer = await gateway.send('GET', undefined, { 'x-request-id': 'one-line' });
    assert.deepEqual(
      [answer.values('set-cookie'), answer.header('x-of-503'), answer.header('x-of-502')],
      [['of-200=1'], null, null],
    );
    const ofThis = ({ request_id: id }) => id === 'one-line';
    const record = await gateway.record(ofThis);
    assert.deepEqual([record.status, record.code], [200, undefined]);
    assert.equal(gateway.records().filter(ofThis).length, 1);
  });

  test('as often as is said and no more: the last answer is passed on', async () => {
    one.behave = () => status(503);
    const answer = await gateway.send();
    assert.deepEqual(
      [answer.status, answer.text, answer.header('x-of-503'), one.calls.length],
      [503, 'one 4', 'yes', 4],
    );
  });

  test('and where there is no answer after all, it is 502', async () => {
    one.behave = () => closes;
    assertUnreachable(await gateway.send());
    assert.equal(one.calls.length, 4);
  });

  test('each for itself, where there are many', async () => {
    const seen = new Map();
    one.behave = (_, request) => {
      const id = request.headers['x-request-id'];
      seen.set(id, (seen.get(id) ?? 0) + 1);
      return seen.get(id) < 3 ? status(503) : undefined;
    };
    const ids = Array.from({ length: 20 }, (_, index) => `many-${index}`);
    const answers = await Promise.all(ids.map((id) => gateway.send('GET', undefined, { 'x-request-id': id })));
    assert.deepEqual(
      answers.map((answer) => answer.status),
      Array(20).fill(200),
    );
    assert.deepEqual([...seen.values()], Array(20).fill(3));
  });
});

describe('with retries, a request is made once', () => {
  let gateway;
  before(async () => {
    gateway = await startWith({ url: one.origin, retries: 3 });
  });
  after(() => gateway?.close());

  for (const [message, method, body, headers] of /** @type {any[][]} */ ([
    ['where it is POST', 'POST', 'x'],
    ['where it is POST without a body', 'POST'],
    ['where it is PATCH', 'PATCH', 'x'],
    ['where it is PATCH without a body', 'PATCH'],
    ['where it is of another method', 'PROPFIND'],
    ['where it is PUT with a body', 'PUT', 'x'],
    ['where it is PUT with a body in chunks', 'PUT', 'x', { 'transfer-encoding': 'chunked' }],
    ['where it is DELETE with a body', 'DELETE', 'x', { 'content-length': 1 }],
    ['where it is OPTIONS with a body', 'OPTIONS', 'x', { 'content-length': 1 }],
    ['where it is GET with a body', 'GET', 'x', { 'content-length': 1 }],
  ])) {
    test(message, async () => {
      one.behave = () => status(503);
      const answer = await gateway.send(method, body, headers);
      assert.deepEqual([answer.status, answer.text, one.calls.length], [503, 'one 1', 1], 'after 503');
      one.behave = () => closes;
      assertUnreachable(await gateway.send(method, body, headers));
      assert.equal(one.calls.length, 2, 'after the connection was closed');
    });
  }

  test('where the answer is another, an error too', async () => {
    for (const code of [200, 204, 301, 304, 307, 400, 404, 408, 409, 425, 429, 500, 501, 505, 507, 511]) {
      one.calls.length = 0;
      one.behave = () => status(code);
      const answer = await gateway.send();
      assert.deepEqual([answer.status, one.calls.length], [code, 1], `${code}`);
    }
  });

  test('where the answer has begun and breaks off', async () => {
    one.behave = () => breaksOff;
    await assert.rejects(gateway.send());
    assert.equal(one.calls.length, 1);
  });
});

test('without retries every request is made once', async (t) => {
  const gateway = await startWith({ url: one.origin }, t);
  for (const [does, expected] of [
    [status(503), 503],
    [status(502), 502],
    [closes, 502],
  ]) {
    one.calls.length = 0;
    one.behave = () => does;
    assert.deepEqual([(await gateway.send()).status, one.calls.length], [expected, 1]);
  }
});

test('five retries are five', async (t) => {
  const gateway = await startWith({ url: one.origin, retries: 5 }, t);
  one.behave = () => status(502);
  assert.deepEqual([(await gateway.send()).text, one.calls.length], ['one 6', 6]);
});

describe('a time-out is 504, and nothing is made again', () => {
  for (const [message, server] of /** @type {any[][]} */ ([
    ['with retries', () => ({ url: one.origin, retries: 3 })],
    ['with several addresses', () => ({ urls: [one.origin, two.origin] })],
    ['with both', () => ({ urls: [one.origin, two.origin], retries: 3 })],
  ])) {
    test(message, async (t) => {
      const gateway = await startWith(server(), t);
      one.behave = () => hangs;
      for (const [index, method] of ['GET', 'POST'].entries()) {
        const answer = await timedOut(gateway, method, index + 1);
        assert.deepEqual([answer.status, answer.json().code], [504, 'upstream_timeout'], method);
      }
      assert.deepEqual(calls(), [2, 0]);
    });
  }

  test('where it comes after another failure', async (t) => {
    const gateway = await startWith({ url: one.origin, retries: 3 }, t);
    one.behave = first(status(503), hangs);
    const answer = await timedOut(gateway, 'GET', 2);
    assert.deepEqual([answer.status, answer.json().code, one.calls.length], [504, 'upstream_timeout', 2]);
  });
});

describe('of several addresses', () => {
  /** Lets the first fail as often as makes it count as down: what may be repeated goes on to the second. */
  async function takeDown(gateway) {
    const { behave } = one;
    one.behave = () => closes;
    for (let count = 0; count < FAILURES; count += 1) assert.match((await gateway.send()).header('x-call'), /^two/);
    one.behave = behave;
    one.calls.length = two.calls.length = 0;
  }

  test('the first gets every request, as long as it answers', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    for (const method of [...REPEATABLE, 'POST']) assert.equal((await gateway.send(method)).status, 200);
    one.behave = () => status(503);
    assert.deepEqual(
      [(await gateway.send()).status, (await gateway.send('POST')).status],
      [503, 503],
      'an answer is an answer',
    );
    assert.deepEqual(calls(), [REPEATABLE.length + 3, 0]);
  });

  for (const method of REPEATABLE) {
    test(`the next gets a ${method} without a body that the first could not be given`, async (t) => {
      const gateway = await startWith({ urls: [nobody, one.origin, two.origin] }, t);
      assert.deepEqual([(await gateway.send(method)).header('x-call'), calls()], ['one 1', [1, 0]]);
    });
  }

  for (const [message, does] of [
    ['closes the connection', closes],
    ['resets it', resets],
    ['talks no HTTP', talks],
  ]) {
    test(`the next gets it where the first ${message}`, async (t) => {
      const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
      one.behave = () => does;
      assert.deepEqual([(await gateway.send()).header('x-call'), calls()], ['two 1', [1, 1]]);
    });
  }

  test('the next gets it where the first has a name that nobody knows', async (t) => {
    const gateway = await startWith({ urls: ['http://bargate-test.invalid', one.origin] }, t);
    assert.equal((await gateway.send()).header('x-call'), 'one 1');
  });

  test('each is called below its own base path', async (t) => {
    const gateway = await startWith({ urls: [`${nobody}/a`, `${one.origin}/b/c/`, two.origin] }, t);
    await gateway.send();
    one.behave = () => closes;
    await gateway.send();
    assert.deepEqual(
      [one.calls.map(({ url }) => url), two.calls.map(({ url }) => url)],
      [['/b/c/x?y=1', '/b/c/x?y=1'], ['/x?y=1']],
    );
    for (const {
      calls: [{ headers }],
      origin,
    } of [one, two])
      assert.equal(headers.host, new URL(origin).host);
  });

  test('none that can be reached is 502, and each was tried once', async (t) => {
    const gateway = await startWith({ urls: [one.origin, nobody, two.origin] }, t);
    one.behave = two.behave = () => closes;
    assertUnreachable(await gateway.send());
    assert.deepEqual(calls(), [1, 1]);
    assertUnreachable(await gateway.send());
    assert.deepEqual(calls(), [2, 2], 'all of them are down, and tried all the same');
  });

  for (const [message, method, body] of [
    ['POST', 'POST', 'a body'],
    ['POST without a body', 'POST'],
    ['PUT with a body', 'PUT', 'a body'],
  ]) {
    test(`a ${message} is given to one alone: the first that was not seen down`, async (t) => {
      const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
      one.behave = () => closes;
      assertUnreachable(await gateway.send(method, body), 'the first does not answer');
      assert.deepEqual(calls(), [1, 0]);
      await takeDown(gateway);
      const answer = await gateway.send(method, body);
      assert.deepEqual([answer.status, answer.header('x-body')], [200, String(body?.length ?? 0)], 'the next');
      assert.deepEqual(calls(), [0, 1]);
    });
  }

  test('one that could not be reached is tried last for ten seconds, by whatever is asked', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    await takeDown(gateway);
    for (const [method, body] of [['GET'], ['POST', 'x'], ['PUT', 'x'], ['DELETE']]) {
      assert.equal((await gateway.send(method, body)).status, 200);
    }
    await gateway.later(DOWN_SECS - 1);
    assert.match((await gateway.send('POST', 'x')).header('x-call'), /^two/);
    assert.deepEqual(calls(), [0, 5], 'all went to the other');
    await gateway.later(2);
    for (const [method, body] of [['POST', 'x'], ['GET']])
      assert.match((await gateway.send(method, body)).header('x-call'), /^one/);
  });

  for (const [message, does] of [
    ['closes', closes],
    ['resets', resets],
  ]) {
    test(`one that ${message} a connection now and then, and answers in between, gets every request as before`, async (t) => {
      const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
      one.behave = (call) => (call % FAILURES ? does : undefined);
      for (let round = 0; round < 3; round += 1) {
        for (let count = 1; count < FAILURES; count += 1) assert.match((await gateway.send()).header('x-call'), /^two/);
        assert.match((await gateway.send()).header('x-call'), /^one/);
      }
      one.behave = () => undefined;
      assert.match((await gateway.send('POST', 'x')).header('x-call'), /^one/);
    });
  }

  test('one request, however often it is made again, does not make an upstream count as down', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin], retries: 5 }, t);
    one.behave = () => closes;
    two.behave = () => status(503);
    assertUnreachable(await gateway.send(), 'the last of them closes');
    assert.ok(one.calls.length >= FAILURES, `${one.calls.length}`);
    one.behave = two.behave = () => undefined;
    assert.match((await gateway.send('POST', 'x')).header('x-call'), /^one/);
  });

  test('one whose ten seconds are over is tried by one request, and by the rest once it has answered', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    await takeDown(gateway);
    await gateway.later(DOWN_SECS + 1);
    one.behave = first(closes);
    for (let count = 0; count < 3; count += 1) assert.match((await gateway.send()).header('x-call'), /^two/);
    assert.deepEqual(calls(), [1, 3], 'it still closes');
    await gateway.later(DOWN_SECS + 1);
    /** @type {PromiseWithResolvers<void>[]} */
    const [tried, answered] = [Promise.withResolvers(), Promise.withResolvers()];
    one.behave = () => async (request, response, text) => {
      tried.resolve();
      await answered.promise;
      await status(200)(request, response, text);
    };
    const trying = gateway.send();
    await tried.promise;
    assert.match((await gateway.send('POST', 'x')).header('x-call'), /^two/, 'meanwhile');
    answered.resolve();
    assert.match((await trying).header('x-call'), /^one/);
    assert.match((await gateway.send('POST', 'x')).header('x-call'), /^one/, 'then');
  });

  test('one that could not be reached is still tried, last, where the others cannot be reached either', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    await takeDown(gateway);
    two.behave = () => closes;
    assert.equal((await gateway.send()).header('x-call'), 'one 1');
    assert.deepEqual(calls(), [1, 1]);
  });

  test('a retry goes to the next as well', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin], retries: 1 }, t);
    one.behave = () => status(503);
    assert.equal((await gateway.send()).header('x-call'), 'two 1');
    assert.deepEqual(calls(), [1, 1]);
    assert.equal((await gateway.send('POST', 'x')).status, 503, 'one that answers 503 is not down');
    assert.deepEqual(calls(), [2, 1]);
  });

  test('one that breaks off its answer, or takes too long, was reached', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    one.behave = first(breaksOff, hangs);
    await assert.rejects(gateway.send());
    assert.equal((await timedOut(gateway, 'GET', 2)).status, 504);
    assert.equal((await gateway.send('POST', 'x')).header('x-call'), 'one 3');
  });
});

describe('what a client does wrong does not make an upstream count as down:', () => {
  for (const [message, sent] of [
    ['a broken body', 'Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n'],
    ['a body that ends early', 'Content-Length: 100\r\n\r\nabc'],
    ['a body in chunks that ends early', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n'],
  ]) {
    test(message, async (t) => {
      const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
      const { statuses } = await sendBytes(gateway.origin, `POST /own/x HTTP/1.1\r\nHost: gateway.example\r\n${sent}`);
      assert.ok(
        statuses.every((code) => code >= 400),
        `${statuses}`,
      );
      assert.match((await gateway.send('POST', 'x')).header('x-call'), /^one/);
      assert.equal(two.calls.length, 0);
    });
  }

  test('a connection that it resets, before the answer', async (t) => {
    const gateway = await startWith({ urls: [one.origin, two.origin] }, t);
    for (const method of ['GET', 'POST']) {
      const request = httpRequest(new URL('/own/x', gateway.origin), { method, agent: false });
      const failed = once(request, 'error').catch(() => {});
      const heard = new Promise((resolve) => {
        one.behave = () => (_, response) => {
          response.once('close', resolve);
          request.socket.resetAndDestroy();
        };
      });
      request.end();
      await Promise.all([heard, failed]);
      one.behave = () => undefined;
      assert.match((await gateway.send('POST', 'x')).header('x-call'), /^one/, method);
    }
    assert.equal(two.calls.length, 0);
  });
});
