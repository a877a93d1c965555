// Requests that two servers could divide in different places, sent over bare sockets. workerd reads them and writes what the
// upstream gets; what is asserted is that nobody but the gateway decides what a request is: each that reaches the upstream was
// routed here, its end is beyond doubt, and nothing is left on a connection for whoever comes next.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { proxied, startUpstream } from '../support/harness.mjs';
import { BOUND, SERVICE_BINDINGS } from '../support/service-flow.mjs';
import { sendBytes, startBareGateway, startWireUpstream } from '../support/wire.mjs';

const HOST = 'Host: gateway.example\r\n';
const POST = `POST /a/x HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
// What an attacker wants the upstream to take for a request of its own: no route of the gateway leads there.
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: upstream.example\r\n\r\n';
const LONGER = 3 + SMUGGLED.length;
const ONE_CHUNK = `${SMUGGLED.length.toString(16)}\r\n${SMUGGLED}\r\n0\r\n\r\n`;

let upstream;
let gateway;

before(async () => {
  upstream = await startWireUpstream();
  gateway = await startBareGateway({
    config: {
      servers: [{ alias: 'wire', url: upstream.origin }],
      paths: [
        proxied('/a/{.+}', 'wire'),
        proxied('/limited/{.+}', 'wire', { max_body_bytes: 1000 }),
        { method: 'ANY', path: '/fixed', response: {} },
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

beforeEach(() => {
  upstream.taken();
});

/** Returns what the upstream saw, after one more request of somebody else, which must come through as it was sent. */
async function seenThen(message) {
  const seen = upstream.taken();
  const { statuses } = await sendBytes(gateway.bare, `GET /a/after HTTP/1.1\r\n${HOST}\r\n`);
  const { requests, broken } = upstream.taken();
  assert.deepEqual(
    [statuses, requests.map(({ line, body }) => [line, body])],
    [[200], [['GET /after HTTP/1.1', '']]],
    `${message}: the request after it`,
  );
  const ids = seen.requests.flatMap(({ values }) => values('x-request-id'));
  assert.equal(ids.length, seen.requests.length, `${message}: each has an id`);
  assert.equal(new Set(ids).size, ids.length, `${message}: no two have the same`);
  for (const id of ids) {
    const { route } = await gateway.record(({ request_id: of }) => of === id);
    assert.match(route, /^\/(a|limited)\//, message);
  }
  return { requests: seen.requests, broken: [...seen.broken, ...broken] };
}

test('a request as it should be comes through, and so do two on one connection', async () => {
  const { statuses } = await sendBytes(
    gateway.bare,
    `${POST}Content-Length: 3\r\n\r\nabcGET /a/y HTTP/1.1\r\n${HOST}\r\n`,
  );
  const { requests } = await seenThen('two');
  assert.deepEqual(statuses, [200, 200]);
  assert.deepEqual(
    requests.map(({ line, body }) => [line, body]),
    [
      ['POST /x HTTP/1.1', 'abc'],
      ['GET /y HTTP/1.1', ''],
    ],
  );
});

describe('is refused with 400 and reaches nobody:', () => {
  for (const [message, sent] of [
    // RFC 9112 section 6.3: which of two lengths counts is not for anyone to guess.
    ['two lengths that differ', `${POST}Content-Length: 3\r\nContent-Length: ${LONGER}\r\n\r\nabc${SMUGGLED}`],
    [
      'two lengths that differ, the longer first',
      `${POST}Content-Length: ${LONGER}\r\nContent-Length: 3\r\n\r\nabc${SMUGGLED}`,
    ],
    ['two lengths in one header', `${POST}Content-Length: 3, ${LONGER}\r\n\r\nabc${SMUGGLED}`],
    ['a length with a sign', `${POST}Content-Length: +3\r\n\r\nabc${SMUGGLED}`],
    ['a length below zero', `${POST}Content-Length: -1\r\n\r\n${SMUGGLED}`],
    ['a length in hexadecimal', `${POST}Content-Length: 0x3\r\n\r\nabc${SMUGGLED}`],
    ['a length in two parts', `${POST}Content-Length: 3 5\r\n\r\nabc${SMUGGLED}`],
    ['an empty length', `${POST}Content-Length: \r\n\r\n${SMUGGLED}`],
    ['a length that overflows 64 bits to 3', `${POST}Content-Length: 18446744073709551619\r\n\r\nabc${SMUGGLED}`],
    ['a coding that is not known', `${POST}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['no coding, and a length', `${POST}Transfer-Encoding: identity\r\nContent-Length: 3\r\n\r\nabc${SMUGGLED}`],
    ['chunks that are not the last coding', `${POST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    [
      'two codings that differ',
      `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'a coding behind a control character',
      `${POST}Transfer-Encoding: \x0bchunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    [
      'a coding with a space before its colon',
      `${POST}Transfer-Encoding : chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['a coding behind a space', `${POST} Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    [
      'a coding on a folded line',
      `${POST}Transfer-Encoding:\r\n chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n${SMUGGLED}`,
    ],
    ['chunks in HTTP/1.0', `POST /a/x HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`],
    ['a space before the colon of any header', `GET /a/x HTTP/1.1\r\n${HOST}X-A : 1\r\n\r\n${SMUGGLED}`],
    ['a tab before the colon', `GET /a/x HTTP/1.1\r\n${HOST}X-A\t: 1\r\n\r\n${SMUGGLED}`],
    ['a folded header', `GET /a/x HTTP/1.1\r\n${HOST}X-A: 1\r\n X-B: 2\r\n\r\n${SMUGGLED}`],
    ['a header folded with a tab', `GET /a/x HTTP/1.1\r\n${HOST}X-A: 1\r\n\tX-B: 2\r\n\r\n${SMUGGLED}`],
    ['a header without a colon', `GET /a/x HTTP/1.1\r\n${HOST}X-A\r\n\r\n${SMUGGLED}`],
    ['a header without a name', `GET /a/x HTTP/1.1\r\n${HOST}: 1\r\n\r\n${SMUGGLED}`],
    ['a NUL in a header', `GET /a/x HTTP/1.1\r\n${HOST}X-A: a\0b\r\n\r\n${SMUGGLED}`],
    ['a lone carriage return in a header', `GET /a/x HTTP/1.1\r\n${HOST}X-A: a\rX-B: 2\r\n\r\n${SMUGGLED}`],
    ['a request line with a version and more', `GET /a/x HTTP/1.1 HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a request line with a space in its path', `GET /a/x /y HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a request line with tabs', `GET\t/a/x\tHTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a request line with a carriage return', `GET /a/x\ry HTTP/1.1\r\n${HOST}\r\n${SMUGGLED}`],
    ['a request line without a version', `GET /a/x\r\n${SMUGGLED}`],
    ['a version that is none here', `GET /a/x HTTP/2.0\r\n${HOST}\r\n${SMUGGLED}`],
    ['two hosts', `GET /a/x HTTP/1.1\r\n${HOST}Host: other.example\r\n\r\n`],
    ['two hosts that are the same', `GET /a/x HTTP/1.1\r\n${HOST}${HOST}\r\n`],
    ['two hosts in one header', 'GET /a/x HTTP/1.1\r\nHost: gateway.example, other.example\r\n\r\n'],
    ['a host with a space', 'GET /a/x HTTP/1.1\r\nHost: gateway .example\r\n\r\n'],
    ['a host with a port that is none', 'GET /a/x HTTP/1.1\r\nHost: gateway.example:99999\r\n\r\n'],
    ['an empty host', 'GET /a/x HTTP/1.1\r\nHost: \r\n\r\n'],
    ['no host', 'GET /a/x HTTP/1.1\r\n\r\n'],
    ['a host with a space before its colon', `GET /a/x HTTP/1.1\r\n${HOST}Host : other.example\r\n\r\n`],
    ['a host on a folded line', `GET /a/x HTTP/1.1\r\n${HOST} Host: other.example\r\n\r\n`],
  ]) {
    test(message, async () => {
      const { statuses, text } = await sendBytes(gateway.bare, sent);
      const seen = await seenThen(message);
      assert.deepEqual([statuses, seen.requests, seen.broken], [[400], [], []], text);
    });
  }
});

describe('is one request, here and at the upstream:', () => {
  for (const [message, sent, body] of [
    [
      'chunks and a length that reaches behind them',
      `${POST}Content-Length: ${5 + SMUGGLED.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${SMUGGLED}`,
      '',
    ],
    [
      'chunks and a length that ends within them',
      `${POST}Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${ONE_CHUNK}`,
      SMUGGLED,
    ],
    [
      'chunks, said twice',
      `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${ONE_CHUNK}`,
      SMUGGLED,
    ],
    ['chunks in other letters', `${POST}tRANSFER-ENCODING: CHUNKED\r\n\r\n${ONE_CHUNK}`, SMUGGLED],
    ['a chunk with an extension', `${CHUNKED}3;a="b\r\nabc\r\n0;c\r\n\r\n`, 'abc'],
    [
      'trailers that look like headers',
      `${CHUNKED}3\r\nabc\r\n0\r\nContent-Length: 9\r\nX-User-Id: root\r\n\r\n`,
      'abc',
    ],
    ['one length twice', `${POST}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc`, 'abc'],
    ['a length with a zero in front', `${POST}Content-Length: 03\r\n\r\nabc`, 'abc'],
    [
      'a length of underscored name beside the real one',
      `${POST}Content_Length: 1\r\nContent-Length: 3\r\n\r\nabc`,
      'abc',
    ],
    [
      'a coding of underscored name',
      `${POST}Transfer_Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n`,
      '0\r\n\r\n',
    ],
    [
      'a GET with a body that is a request',
      `GET /a/x HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
      SMUGGLED,
    ],
    [
      'a HEAD with a body that is a request',
      `HEAD /a/x HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}`,
      SMUGGLED,
    ],
    ['line feeds alone', 'POST /a/x HTTP/1.1\nHost: gateway.example\nContent-Length: 3\n\nabc', 'abc'],
    ['empty lines before it', `\r\n\r\n${POST}Content-Length: 3\r\n\r\nabc`, 'abc'],
    ['HTTP/1.0', `POST /a/x HTTP/1.0\r\n${HOST}Content-Length: 3\r\n\r\nabc`, 'abc'],
    ['one that wants to be asked for its body', `${POST}Expect: 100-continue\r\nContent-Length: 3\r\n\r\nabc`, 'abc'],
    [
      'one that wants another protocol',
      `${POST}Connection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: 3\r\n\r\nabc`,
      'abc',
    ],
  ]) {
    test(message, async () => {
      const { statuses, text } = await sendBytes(gateway.bare, sent);
      const { requests, broken } = await seenThen(message);
      assert.deepEqual(
        statuses.filter((status) => status !== 100),
        [200],
        text,
      );
      assert.deepEqual([requests.map((request) => request.body), broken], [[body], []]);
      assert.match(requests[0].line, /^(POST|GET|HEAD) \/x HTTP\/1\.1$/);
      assert.deepEqual(requests[0].values('x-user-id'), []);
    });
  }
});

describe('does not look whole to the upstream, for it is not:', () => {
  for (const [message, sent] of [
    ['a chunk size ended by a line feed', `${CHUNKED}3\nabc\n0\n\n${SMUGGLED}`],
    ['an extension with a line feed', `${CHUNKED}3;\nxx\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a chunk size with a sign', `${CHUNKED}+3\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a chunk size with a prefix', `${CHUNKED}0x3\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a chunk size that overflows 64 bits to 3', `${CHUNKED}10000000000000003\r\nabc\r\n0\r\n\r\n${SMUGGLED}`],
    ['a chunk that is longer than it says', `${CHUNKED}3\r\nabcdef\r\n0\r\n\r\n${SMUGGLED}`],
    ['a chunk that ends early', `${CHUNKED}ff\r\nabc`],
    ['chunks without a last one', `${CHUNKED}3\r\nabc\r\n`],
    ['a body that is shorter than its length', `${POST}Content-Length: ${LONGER}\r\n\r\nabc`],
  ]) {
    test(message, async () => {
      // A body that is counted on its way is to break off as well.
      for (const path of ['/a/x', '/limited/x']) {
        const { statuses, text } = await sendBytes(gateway.bare, sent.replace('/a/x', path));
        // What came of it before it broke off is `broken`.
        assert.deepEqual((await seenThen(message)).requests, [], `${path}: ${text}`);
        assert.ok(statuses.length <= 1 && statuses.every((status) => status >= 400), `${path}: ${text}`);
      }
    });
  }
});

test('a body in chunks that becomes too long does not look whole to the upstream', async () => {
  for (const before of ['', `3e8\r\n${'x'.repeat(1000)}\r\n`, '1\r\nx\r\n'.repeat(1000)]) {
    const sent =
      `${CHUNKED}${before}ff\r\n${'x'.repeat(255)}\r\n`.replace('/a/x', '/limited/x') +
      `2ff\r\n${'x'.repeat(0x2ff)}\r\n0\r\n\r\n`;
    const { text } = await sendBytes(gateway.bare, sent);
    assert.deepEqual((await seenThen('too long')).requests, [], text);
    assert.match(text, /^HTTP\/1\.1 413 /);
  }
});

test('a body that nobody reads is no request', async () => {
  const { statuses } = await sendBytes(
    gateway.bare,
    `POST /fixed HTTP/1.1\r\n${HOST}Content-Length: ${SMUGGLED.length}\r\n\r\n${SMUGGLED}GET /a/y HTTP/1.1\r\n${HOST}\r\n`,
  );
  const { requests } = await seenThen('unread');
  assert.deepEqual([statuses, requests.map(({ line }) => line)], [[200, 200], ['GET /y HTTP/1.1']]);
});

describe('a WebSocket handshake that is refused opens no tunnel:', () => {
  const handshake = (version) =>
    `GET /a/x HTTP/1.1\r\n${HOST}Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: ${version}\r\n` +
    'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';
  for (const [message, version, answer] of /** @type {any[][]} */ ([
    ['by an answer like any other', 13, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    ['by the word that another version is wanted', 777, 'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nok'],
    ['by nothing, for its version is none', 'x', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
  ])) {
    test(message, async (t) => {
      const usual = upstream.answer;
      t.after(() => {
        upstream.answer = usual;
      });
      upstream.answer = answer;
      await sendBytes(gateway.bare, `${handshake(version)}${SMUGGLED}`);
      upstream.answer = usual;
      const { requests, broken } = await seenThen(message);
      assert.deepEqual([requests.map(({ line }) => line), broken], [['GET /x HTTP/1.1'], []]);
    });
  }
});

describe("what an upstream sends behind its answer is nobody's answer:", () => {
  const EVIL = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil';
  const UNREACHABLE = /"code":"upstream_unreachable"/;
  for (const [message, answer, status, body] of /** @type {any[][]} */ ([
    ['a second answer', `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${EVIL}`, 200, /^ok$/],
    [
      'a second answer behind chunks and a length',
      `HTTP/1.1 200 OK\r\nContent-Length: ${5 + EVIL.length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${EVIL}`,
      200,
      /^$/,
    ],
    [
      'a second answer within one of two lengths',
      `HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
      502,
      UNREACHABLE,
    ],
    [
      'a body where there can be none',
      `HTTP/1.1 204 No Content\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
      204,
      /^$/,
    ],
    [
      'a body where nothing has changed',
      `HTTP/1.1 304 Not Modified\r\nContent-Length: ${EVIL.length}\r\n\r\n${EVIL}`,
      304,
      /^$/,
    ],
    [
      'another protocol that nobody asked for',
      `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${EVIL}`,
      502,
      UNREACHABLE,
    ],
    [
      'a header split by a carriage return',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\rSet-Cookie: b=c\r\n\r\nok',
      502,
      UNREACHABLE,
    ],
    [
      'a folded header',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\r\n Set-Cookie: b=c\r\n\r\nok',
      502,
      UNREACHABLE,
    ],
    ['a header with a NUL', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-A: a\0b\r\n\r\nok', 502, UNREACHABLE],
    [
      'the word to go on, and then the answer',
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      200,
      /^ok$/,
    ],
  ])) {
    test(message, async (t) => {
      const usual = upstream.answer;
      t.after(() => {
        upstream.answer = usual;
      });
      upstream.answer = answer;
      // More than once: what is left over would be read from a connection that is used again.
      for (let turn = 0; turn < 3; turn += 1) {
        const { statuses, text } = await sendBytes(
          gateway.bare,
          `GET /a/${turn} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
        );
        assert.deepEqual(statuses, [status], text);
        assert.doesNotMatch(text, /evil|set-cookie/i);
        const [, after] = text.split(/\r\n\r\n(.*)/s);
        assert.match(/^transfer-encoding: chunked/im.test(text) ? after.replace('0\r\n\r\n', '') : after, body);
      }
      upstream.answer = usual;
      upstream.taken();
      await seenThen(message);
    });
  }
});

// The runtime opens a WebSocket, by GET and without a body, for whatever request has `Upgrade: websocket`.
describe('a handshake by another method than GET is none, and the upstream gets that method:', () => {
  const HANDSHAKE = [
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
  ];

  let upstream;
  let gateway;
  let seen = [];

  before(async () => {
    upstream = await startUpstream(async (request, response) => {
      const body = Buffer.concat(await request.toArray()).toString();
      seen.push([request.method, request.headers.upgrade, body]);
      response.end(request.method === 'GET' ? 'for those who may read' : 'done');
    });
    const path = (method, at, integration, more) => ({ method, path: at, integration, ...more });
    const [one, several] = ['one', 'several'].map((server) => ({ type: 'http_proxy', server }));
    gateway = await startBareGateway({
      ...BOUND,
      config: {
        servers: [
          { alias: 'one', url: upstream.origin },
          { alias: 'several', urls: [upstream.origin, `${upstream.origin}/other`] },
        ],
        serviceBindings: SERVICE_BINDINGS,
        authorizer: {
          type: 'jwt',
          secret: 'a secret of more than thirty-two bytes',
          algorithm: 'HS256',
          issuer: 'i',
          audience: 'a',
        },
        paths: [
          path('GET', '/one', one, { auth: true }),
          ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => path(method, '/one', one)),
          path('GET', '/several', several, { auth: true }),
          ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) => path(method, '/several', several)),
          path('GET', '/bound', { type: 'service_binding', binding: 'second' }, { auth: true }),
          ...['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS'].map((method) =>
            path(method, '/bound', { type: 'service_binding', binding: 'second' }),
          ),
        ],
      },
    });
  });

  after(async () => {
    await gateway?.close();
    await upstream?.close();
  });

  async function send(method, path, body, headers = HANDSHAKE) {
    seen = [];
    const length = body ? [`Content-Length: ${body.length}`] : [];
    return sendBytes(
      gateway.bare,
      [`${method} ${path} HTTP/1.1`, 'Host: gateway.example', ...headers, ...length, '', body].join('\r\n'),
    );
  }

  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    for (const [message, body, headers] of /** @type {any[][]} */ ([
      ['without a body', ''],
      ['with a body', 'hello'],
      ['with Upgrade alone', 'hello', ['Connection: close', 'Upgrade: WebSocket']],
    ])) {
      test(`${method} ${message}`, async () => {
        for (const path of ['/one', '/several']) {
          const { text } = await send(method, path, body, headers);
          assert.deepEqual(seen, [[method, undefined, body]], path);
          assert.doesNotMatch(text, /those who may read/, path);
        }
        const { text } = await send(method, '/bound', body, headers);
        assert.equal(
          JSON.parse(text.slice(text.indexOf('{'), text.lastIndexOf('}') + 1)).method,
          method,
          'another Worker',
        );
      });
    }
  }
});
