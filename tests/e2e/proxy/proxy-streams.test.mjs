// `http_proxy`: bodies of a size or a pace at which a gateway that held them back would be found out, and bodies whose bytes are
// none of its business. What else can be said of bodies is in proxy.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { finished } from 'node:stream/promises';
import { after, before, beforeEach, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gunzipSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { proxied, sendRaw, startUpstream } from '../support/harness.mjs';
import { MIB, peakMemory, skipsMemory } from '../support/memory.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';
import { startBareGateway } from '../support/wire.mjs';

const GIB = 1024 * MIB;
/** What a transfer is compared with: long enough that every buffer on the way has been full. */
const SMALL = 64 * MIB;
/** How much more memory a transfer of sixteen times that size may take: far less than what it carries. */
const GROWTH_MAX_BYTES = 128 * MIB;
/** The time of an upload counts, too, and how long one takes is none of these tests' business. */
const TIMEOUT_MAX_MS = 600_000;

// The bundle, but that requests of some paths come with a token.
const ENTRY = `
  import Gateway from './worker.js';

  export default class extends Gateway {
    fetch(request) {
      if (!new URL(request.url).pathname.startsWith('/expiring/')) return super.fetch(request);
      const authorized = new Request(request);
      authorized.headers.set('authorization', 'Bearer ${signedWithSecret(SECRET, claimsFor({ exp: 4_000_000_000 }))}');
      return super.fetch(authorized);
    }
  }
`;

let upstream;
let answerUpstream;
let gateway;

before(async () => {
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  gateway = await startBareGateway({
    entry: ENTRY,
    bindings: { SECRET },
    config: {
      authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: '$secret.SECRET' },
      servers: [
        { alias: 'one', url: upstream.origin, timeout_ms: TIMEOUT_MAX_MS },
        {
          alias: 'several',
          urls: [upstream.origin, `${upstream.origin}/`],
          retries: 2,
          timeout_ms: TIMEOUT_MAX_MS,
        },
      ],
      paths: [
        proxied('/one/{.+}', 'one'),
        proxied('/several/{.+}', 'several'),
        proxied('/counted/{.+}', 'one', { max_body_bytes: 2 * GIB }),
        proxied('/expiring/{.+}', 'one', {
          auth: true,
          integration: { type: 'http_proxy', server: 'one', close_at_expiry: true },
        }),
        proxied('/ruled/{.+}', 'one', {
          request_headers: { set: { 'x-set': 'yes' }, remove: ['x-removed'] },
          response_headers: { set: { 'x-set': 'yes' }, remove: ['x-removed'] },
        }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

beforeEach(() => {
  answerUpstream = () => assert.fail('the upstream was not expected to be called');
});

/**
 * The ways to an upstream: each is to carry the same.
 * @type {any[][]}
 */
const WAYS = [
  ['one address', '/one'],
  ['several addresses and retries', '/several'],
  ['header rules', '/ruled'],
  ['counted bodies', '/counted'],
  ['a path that closes at expiry', '/expiring'],
];

/** Opens a request to the gateway; gives it and, once it has begun, its answer. */
function open(path, { method = 'GET', headers = {} } = {}) {
  const request = httpRequest(new URL(path, gateway.bare), { method, headers, agent: false });
  return { request, answered: once(request, 'response').then(([response]) => response) };
}

/** What a body repeats: of no common measure with any buffer, so that what is lost, doubled or in another order shows. */
const PIECE = Buffer.alloc(251 * 1021);
for (let index = 0; index < PIECE.length; index += 1)
  PIECE[index] = (index * 31 + (index >> 8) + (index >> 16) * 7) & 0xff;
/** As much of a body as any chunk has, from wherever that begins. */
const PIECES = Buffer.concat(Array(8).fill(PIECE));

/** Writes `size` bytes, no faster than they are taken. */
async function writeTo(stream, size) {
  for (let left = size; left > 0; left -= PIECES.length) {
    if (!stream.write(left < PIECES.length ? PIECES.subarray(0, left) : PIECES)) await once(stream, 'drain');
  }
  stream.end();
}

/**
 * Reads a stream to its end; gives how many bytes came, and how many of these before one that `writeTo` had not written there.
 * `pause` is awaited now and then. No promise is made for each chunk: the runner of the tests follows every one.
 */
async function readFrom(stream, pause) {
  let [size, right, due] = [0, 0, 0];
  stream.on('data', (chunk) => {
    const start = size % PIECE.length;
    if (right === size && PIECES.compare(chunk, 0, chunk.length, start, start + chunk.length) === 0)
      right += chunk.length;
    size += chunk.length;
    if (!pause || size < due) return;
    due = size + 8 * MIB;
    stream.pause();
    pause().then(
      () => stream.resume(),
      (error) => stream.destroy(error),
    );
  });
  await finished(stream);
  return { size, right };
}

describe('a body of 1 GiB takes no more memory than one of 64 MiB:', { skip: skipsMemory }, () => {
  async function assertConstant(transfer) {
    await transfer(SMALL);
    const usual = peakMemory();
    await transfer(GIB);
    const grown = peakMemory() - usual;
    assert.ok(grown < GROWTH_MAX_BYTES, `${Math.round(grown / MIB)} MiB more than ${Math.round(usual / MIB)}`);
  }

  async function upload(size, { chunked = false, path = '/one/upload' }) {
    let received;
    answerUpstream = async (request, response) => {
      received = await readFrom(request);
      response.end(String(received.size));
    };
    const { request, answered } = open(path, { method: 'POST', headers: chunked ? {} : { 'content-length': size } });
    await writeTo(request, size);
    assert.equal(Buffer.concat(await (await answered).toArray()).toString(), String(size));
    assert.deepEqual(received, { size, right: size });
  }

  async function download(size, { chunked = false, path = '/one/download', pause = undefined }) {
    let written;
    answerUpstream = (_, response) => {
      response.writeHead(200, chunked ? {} : { 'content-length': size });
      written = writeTo(response, size);
    };
    const { request, answered } = open(path);
    request.end();
    const response = await answered;
    const received = await readFrom(response, pause);
    await written;
    assert.deepEqual(received, { size, right: size });
    assert.equal(response.complete, true);
  }

  test('sent, of a length that is known', () => assertConstant((size) => upload(size, { chunked: false })));
  test('sent, in chunks', () => assertConstant((size) => upload(size, { chunked: true })));
  test('sent, to one of several addresses', () =>
    assertConstant((size) => upload(size, { chunked: false, path: '/several/upload' })));
  test('sent, in chunks that are counted', () =>
    assertConstant((size) => upload(size, { chunked: true, path: '/counted/upload' })));
  test('received, of a length that is known', () => assertConstant((size) => download(size, { chunked: false })));
  test('received, in chunks, over one of several addresses', () =>
    assertConstant((size) => download(size, { chunked: true, path: '/several/download' })));

  test('received, on a path that closes at expiry', () =>
    assertConstant((size) => download(size, { chunked: false, path: '/expiring/download' })));

  test('received by a client that reads more slowly than the upstream writes', async () => {
    // Each time, there is a whole other request before it goes on reading.
    const pause = async () => assert.equal((await sendRaw(gateway.bare, { path: '/none' })).status, 404);
    await assertConstant((size) => download(size, { pause }));
  });
});

/** A message of gRPC-web, or its trailers: a byte of flags, the length in four bytes, and so many. */
function frame(flags, bytes) {
  const head = Buffer.alloc(5, flags);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

for (const [way, prefix] of WAYS) {
  describe(`over ${way}`, () => {
    test('server-sent events arrive one by one before the upstream has ended, and it hears what was seen last', async () => {
      let events;
      let lastSeen;
      answerUpstream = (request, response) => {
        lastSeen = request.headers['last-event-id'];
        events = response;
        response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
        response.flushHeaders();
      };
      const { request, answered } = open(`${prefix}/events`, {
        headers: { accept: 'text/event-stream', 'last-event-id': '41' },
      });
      request.end();
      const response = await answered;
      const received = response.setEncoding('utf8').iterator({ destroyOnReturn: false });
      for (let id = 42; id < 62; id += 1) {
        const event = `id: ${id}\ndata: ${'x'.repeat(id)}\n\n`;
        events.write(event);
        let text = '';
        // Not before this one has come is the next one sent.
        while (text.length < event.length) text += (await received.next()).value;
        assert.equal(text, event);
      }
      assert.deepEqual(
        [lastSeen, response.headers['content-type'], response.complete],
        ['41', 'text/event-stream', false],
      );
      events.end();
      assert.ok((await received.next()).done);
    });

    test('the upstream of server-sent events hears that the client has gone', async () => {
      const gone = Promise.withResolvers();
      answerUpstream = (_, response) => {
        response.once('close', gone.resolve);
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('data: 1\n\n');
      };
      const { request, answered } = open(`${prefix}/events`);
      request.end();
      const response = await answered;
      response.once('error', () => {});
      await once(response, 'data');
      request.socket.resetAndDestroy();
      await gone.promise;
    });

    test('gRPC-web passes: binary messages both ways, one by one, and the trailers in the body', async () => {
      const asked = frame(0, Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)));
      const messages = [Buffer.alloc(0), Buffer.from([0, 255, 13, 10, 128]), Buffer.alloc(70_000, 0xfe)].map((bytes) =>
        frame(0, bytes),
      );
      const trailers = frame(0x80, Buffer.from('grpc-status:5\r\ngrpc-message:not found\r\n'));
      let received;
      let call;
      answerUpstream = async (request, response) => {
        call = response;
        received = { headers: request.headers, bytes: Buffer.concat(await request.toArray()) };
        response.writeHead(200, { 'content-type': 'application/grpc-web+proto', 'grpc-encoding': 'identity' });
        response.flushHeaders();
      };
      const headers = {
        'content-type': 'application/grpc-web+proto',
        'x-grpc-web': '1',
        'grpc-timeout': '10S',
        'content-length': asked.length,
      };
      const { request, answered } = open(`${prefix}/shop.Orders/List`, { method: 'POST', headers });
      request.end(asked);
      const response = await answered;
      assert.ok(received.bytes.equals(asked));
      for (const [name, value] of Object.entries(headers)) assert.equal(received.headers[name], String(value), name);
      assert.deepEqual(
        [response.headers['content-type'], response.headers['grpc-encoding']],
        ['application/grpc-web+proto', 'identity'],
      );
      const chunks = response.iterator({ destroyOnReturn: false });
      for (const sent of [...messages, trailers]) {
        call.write(sent);
        let bytes = Buffer.alloc(0);
        while (bytes.length < sent.length) bytes = Buffer.concat([bytes, (await chunks.next()).value]);
        assert.ok(bytes.equals(sent), `${bytes.length} bytes came of ${sent.length}`);
      }
      call.end();
      assert.ok((await chunks.next()).done);
    });

    test('an encoded body arrives as the bytes that were sent, whatever the client takes', async () => {
      const text = Buffer.from('compressed '.repeat(2000));
      for (const [encoding, bytes] of [
        ['gzip', gzipSync(text, { level: 1 })],
        ['br', brotliCompressSync(text)],
        ['deflate', deflateSync(text)],
        ['zstd', zstdCompressSync(text)],
        ['gzip, br', brotliCompressSync(gzipSync(text))],
        ['gzip', Buffer.from('no gzip at all')],
        ['x-own', text],
        ['identity', text],
      ]) {
        for (const accepted of [undefined, encoding, 'identity', 'gzip;q=0', '*']) {
          let seen;
          answerUpstream = (request, response) => {
            seen = request.headers['accept-encoding'];
            response.writeHead(200, {
              'content-encoding': encoding,
              'content-type': 'text/plain',
              'content-length': bytes.length,
              etag: '"e"',
            });
            response.end(bytes);
          };
          const message = `${encoding} for ${accepted}`;
          const answer = await sendRaw(gateway.bare, {
            path: `${prefix}/x`,
            headers: accepted ? { 'accept-encoding': accepted } : {},
          });
          assert.equal(seen, accepted, `${message}: what the upstream is told`);
          assert.deepEqual(
            [answer.status, answer.header('content-encoding'), answer.header('etag')],
            [200, encoding, '"e"'],
            message,
          );
          assert.equal(answer.header('content-length'), String(bytes.length), message);
          assert.ok(answer.body.equals(bytes), `${message}: ${answer.body.length} bytes of ${bytes.length}`);
        }
      }
    });

    test('an encoded body of events is not held back until it can be decoded', async () => {
      const whole = gzipSync('data: 1\n\n');
      let events;
      answerUpstream = (_, response) => {
        events = response;
        response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
        response.write(whole.subarray(0, 5));
      };
      const { request, answered } = open(`${prefix}/events`);
      request.end();
      const chunks = (await answered).iterator({ destroyOnReturn: false });
      const first = (await chunks.next()).value;
      assert.ok(first.equals(whole.subarray(0, 5)));
      events.end(whole.subarray(5));
      assert.equal(gunzipSync(Buffer.concat([first, (await chunks.next()).value])).toString(), 'data: 1\n\n');
    });

    test("ranges are the upstream's to give", async () => {
      const content = Buffer.from('0123456789');
      for (const [range, status, headers, body] of /** @type {any[][]} */ ([
        ['bytes=2-4', 206, { 'content-range': 'bytes 2-4/10' }, '234'],
        ['bytes=-3', 206, { 'content-range': 'bytes 7-9/10' }, '789'],
        ['bytes=5-', 206, { 'content-range': 'bytes 5-9/10' }, '56789'],
        [
          'bytes=0-1, 8-9',
          206,
          { 'content-type': 'multipart/byteranges; boundary=b' },
          '--b\r\nContent-Range: bytes 0-1/10\r\n\r\n01\r\n--b\r\nContent-Range: bytes 8-9/10\r\n\r\n89\r\n--b--\r\n',
        ],
        ['bytes=20-', 416, { 'content-range': 'bytes */10' }, ''],
        ['bytes=9-2', 200, { 'accept-ranges': 'bytes' }, content.toString()],
        ['rows=1-2', 200, { 'accept-ranges': 'none' }, content.toString()],
      ])) {
        let seen;
        answerUpstream = (request, response) => {
          seen = request.headers;
          response.writeHead(status, { ...headers, 'content-length': body.length });
          response.end(request.method === 'HEAD' ? undefined : body);
        };
        for (const method of ['GET', 'HEAD']) {
          const sent = {
            range,
            'if-range': 'W/"e"',
            'if-match': '"e"',
            'if-unmodified-since': 'Thu, 01 Jan 2026 00:00:00 GMT',
          };
          const answer = await sendRaw(gateway.bare, { method, path: `${prefix}/x`, headers: sent });
          for (const [name, value] of Object.entries(sent)) assert.equal(seen[name], value, `${range}: ${name}`);
          assert.deepEqual([answer.status, answer.text], [status, method === 'HEAD' ? '' : body], `${method} ${range}`);
          for (const [name, value] of Object.entries({ ...headers, 'content-length': String(body.length) })) {
            assert.equal(answer.header(name), value, `${method} ${range}: ${name}`);
          }
        }
      }
    });

    test('redirects are passed on, of every kind and for every method, and nobody goes there', async () => {
      for (const method of ['GET', 'HEAD', 'POST', 'PUT', 'DELETE']) {
        for (const status of [300, 301, 302, 303, 305, 307, 308]) {
          const calls = [];
          answerUpstream = async (request, response) => {
            calls.push(request.url);
            for await (const _ of request);
            response
              .writeHead(status, { location: `${upstream.origin}/elsewhere` })
              .end(method === 'HEAD' ? undefined : 'moved');
          };
          const body = method === 'POST' || method === 'PUT' ? 'x' : undefined;
          const answer = await sendRaw(gateway.bare, { method, path: `${prefix}/x`, body });
          assert.deepEqual(
            [answer.status, answer.header('location'), answer.text, calls],
            [status, `${gateway.bare}${prefix}/elsewhere`, method === 'HEAD' ? '' : 'moved', ['/x']],
            `${method} ${status}`,
          );
        }
      }
    });

    test('an upload is answered before it has ended, where the upstream does so', async () => {
      answerUpstream = async (request, response) => {
        response.writeHead(200, { 'x-early': 'yes' });
        response.write('early');
        response.end(` ${(await readFrom(request)).size}`);
      };
      const { request, answered } = open(`${prefix}/x`, { method: 'PUT' });
      request.write('x'.repeat(1000));
      const response = await answered;
      const chunks = response.iterator({ destroyOnReturn: false });
      assert.equal(String((await chunks.next()).value), 'early');
      request.end('x'.repeat(1000));
      assert.equal(String((await chunks.next()).value), ' 2000');
    });

    test('a client that waits to be told to go on is, and its body comes through', async () => {
      answerUpstream = async (request, response) => response.end(String((await readFrom(request)).size));
      const { request, answered } = open(`${prefix}/x`, {
        method: 'POST',
        headers: { expect: '100-continue', 'content-length': 5 * MIB },
      });
      request.flushHeaders();
      await once(request, 'continue');
      request.end(Buffer.alloc(5 * MIB));
      assert.equal(Buffer.concat(await (await answered).toArray()).toString(), String(5 * MIB));
    });

    test('hints that come before the answer are not taken for it', async () => {
      answerUpstream = (_, response) => {
        response.writeEarlyHints({ link: '</style.css>; rel=preload; as=style' });
        response.writeProcessing();
        response.writeHead(200, { 'x-own': 'yes' }).end('the answer');
      };
      const answer = await sendRaw(gateway.bare, { path: `${prefix}/x` });
      assert.deepEqual([answer.status, answer.text, answer.header('x-own')], [200, 'the answer', 'yes']);
    });

    test('trailers of the upstream do no harm: the body before them is whole', async () => {
      answerUpstream = (_, response) => {
        response.writeHead(200, { trailer: 'x-sum' });
        response.write('the body');
        response.addTrailers({ 'x-sum': '1', 'set-cookie': 'evil=1' });
        response.end();
      };
      const answer = await sendRaw(gateway.bare, { path: `${prefix}/x`, headers: { te: 'trailers' } });
      assert.deepEqual(
        [answer.status, answer.text, answer.header('set-cookie'), answer.header('x-sum')],
        [200, 'the body', null, null],
      );
    });
  });
}
