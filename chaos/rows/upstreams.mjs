// Upstreams that do to the gateway what they can, and bodies and sockets in numbers, while the isolate's memory is looked at.

import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { ROOT } from '../../scripts/toolchain.mjs';
import { freePort, originOf, proxied } from '../../tests/e2e/support/harness.mjs';
import { clientsOf, inTurns } from '../clients.mjs';
import { startChaosGateway } from '../gateway.mjs';
import { inspectorAt, measured, openMeter } from '../memory.mjs';

const MIB = 1024 * 1024;
/** Half of what Cloudflare gives an isolate. */
const MEMORY_MAX_MIB = 64;
/** How long the gateway waits for a header that drips. */
const PATIENCE_MS = 2_000;
/** A drop falls so often. */
const DRIP_MS = 50;
const PIECE_BYTES = 64 * 1024;
/** How many requests of a part, and how many handshakes, are under way at a time. */
const AT_A_TIME = 50;
/** How many file descriptors workerd takes for a WebSocket: two for each of its connections, to the client and to the upstream. */
const FILES_PER_SOCKET = 4;
const LIMITS = '/proc/self/limits';
/** File descriptors of the gateway's process that are not sockets of this row. */
const OTHER_FILES = 500;

const MEMORY = `the isolate holds less than ${MEMORY_MAX_MIB} MiB, whenever it is looked at`;
const DRIP = 'a header that drips is answered 504 upstream_timeout';
const ENDLESS = 'headers without an end are answered 502 upstream_unreachable';
const CUT =
  'an answer that breaks off is answered 502, or breaks off at the client, and is never taken for a whole one; one that is whole arrives';
const ONCE = 'no request is sent to the upstream a second time';
const WHOLE = 'of a large body every byte arrives, in its order';
const SOCKETS = 'every idle socket still carries a message there and back';

/** A short answer with its length, and the same in chunks. */
const SHORT = [
  'content-length: 12\r\n\r\nhello, world',
  'transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n7\r\n, world\r\n0\r\n\r\n',
].map((rest) => Buffer.from(`HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${rest}`));
const SHORT_BODY = 'hello, world';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'upstreams',
  group: 'Upstreams',
  rank: 1,
  done: ({ drips, endless, bodyMib, sockets }) =>
    `Headers that drip (${drips}) or have no end (${endless}), an answer that is reset at each of its bytes, bodies of ${bodyMib.toLocaleString('en')} MiB both ways at once, ${sockets.toLocaleString('en')} idle sockets, as many in one isolate as the machine lets a process have`,
  holds: [MEMORY, DRIP, ENDLESS, CUT, ONCE, WHOLE, SOCKETS],
  sizes: {
    card: { drips: 500, endless: 100, bodyMib: 1024, sockets: 10_000 },
    excerpt: { drips: 20, endless: 5, bodyMib: 16, sockets: 200 },
  },
  async run({ size, random, timeline, hold, folder }) {
    const [upstream, socketUpstream] = [await startBad(), await startSockets()];
    const config = {
      servers: [
        { alias: 'bad', url: upstream.origin, timeout_ms: 120_000 },
        { alias: 'slow', url: upstream.origin, timeout_ms: PATIENCE_MS },
        { alias: 'sockets', url: socketUpstream.origin, timeout_ms: 120_000 },
      ],
      paths: [proxied('/drip', 'slow'), proxied('/socket', 'sockets'), proxied('/{.+}', 'bad')],
    };
    const started = [];
    /** Starts a gateway whose memory is looked at. */
    const start = async () => {
      const inspector = await freePort();
      const gateway = await startChaosGateway({
        folder: join(folder, String(started.length)),
        config,
        objects: {},
        namespaces: [],
        ...measured,
        args: [inspectorAt(inspector)],
        timeline,
      });
      const meter = await openMeter(gateway, inspector);
      started.push({ gateway, meter });
      const idle = await meter.settled();
      meter.watch((mib) => hold(MEMORY, mib < MEMORY_MAX_MIB, { mib }));
      return { gateway, meter, idle };
    };
    const { gateway, meter, idle } = await start();
    const clients = clientsOf(gateway, { timeline, connections: AT_A_TIME });
    const part = (what) => timeline.add('row', what);
    const numbers = (count) => Array.from({ length: count }, (_, index) => index);
    try {
      part('headers drip');
      await inTurns(numbers(size.drips), size.drips, async (index) => {
        const { status, body, error } = await clients.ask('/drip', { lane: `client ${index}` });
        hold(DRIP, status === 504 && body?.code === 'upstream_timeout', { status, code: body?.code, error });
      });

      part('headers have no end');
      await inTurns(numbers(size.endless), AT_A_TIME, async (index) => {
        const { status, body, error } = await clients.ask('/endless', { lane: `client ${index}` });
        hold(ENDLESS, status === 502 && body?.code === 'upstream_unreachable', { status, code: body?.code, error });
      });

      part('answers break off');
      const cuts = random.shuffle(
        SHORT.flatMap((answer, kind) => numbers(answer.length + 1).map((bytes) => ({ kind, bytes }))),
      );
      await inTurns(cuts, AT_A_TIME, async ({ kind, bytes }, index) => {
        const { status, body, text, error } = await clients.ask(`/cut/${kind}/${bytes}`, { lane: `client ${index}` });
        const isWhole = status === 200 && text === SHORT_BODY;
        const hasHead = bytes >= SHORT[kind].indexOf('\r\n\r\n') + 4;
        const hasFailed = (status === 502 && body?.code === 'upstream_unreachable') || (hasHead && error !== undefined);
        const isRight = bytes >= wholeAt(kind) ? isWhole : hasFailed;
        hold(CUT, isRight, { kind, bytes, status, code: body?.code, error, text });
      });
      const asked = size.drips + size.endless + cuts.length;
      hold(ONCE, upstream.requests === asked, { asked, arrived: upstream.requests });

      part('large bodies, both ways');
      const pattern = Buffer.from(numbers(PIECE_BYTES).map(() => random.int(256)));
      upstream.send = { pattern, pieces: (size.bodyMib * MIB) / PIECE_BYTES };
      const [down, up] = await Promise.all([
        download(`${gateway.origins[0]}/large`),
        upload(`${gateway.origins[0]}/digest`, upstream.send),
      ]);
      const expected = digestOf(upstream.send);
      hold(WHOLE, down.digest === expected && down.bytes === size.bodyMib * MIB, { way: 'down', bytes: down.bytes });
      hold(WHOLE, up === `${size.bodyMib * MIB} ${expected}`, { way: 'up', up });
      const mostBefore = meter.most().mib;

      part('idle sockets');
      const perProcess = Math.floor((openFiles() - OTHER_FILES) / FILES_PER_SOCKET);
      const open = [];
      while (open.length < size.sockets) {
        const { gateway: next } = open.length ? await start() : { gateway };
        const own = numbers(Math.min(perProcess, size.sockets - open.length));
        open.push(...(await inTurns(own, AT_A_TIME, () => openSocket(next.origins[0]))));
      }
      const withSockets = await meter.settled();
      await inTurns(open, AT_A_TIME, async (socket, index) => {
        const text = `message ${index}`;
        const answer = await socket.echoed(text);
        hold(SOCKETS, answer === text, { index, answer });
      });
      for (const socket of open) socket.destroy();
      await Promise.all(open.map((socket) => socket.closed));
      return {
        'at rest, MiB': rounded(idle),
        'at the most, MiB': Math.max(...started.map(({ meter }) => meter.most().mib)),
        'before the sockets, MiB': mostBefore,
        'sockets of one isolate': Math.min(perProcess, size.sockets),
        'with them, idle, MiB': rounded(withSockets),
        looks: started.reduce((sum, { meter }) => sum + meter.most().samples, 0),
      };
    } finally {
      await Promise.all(started.map(({ meter }) => meter.close()));
      await Promise.all([clients.close(), ...started.map(({ gateway }) => gateway.close())]);
      await Promise.all([upstream.close(), socketUpstream.close()]);
    }
  },
};

const rounded = (mib) => Math.round(mib * 10) / 10;

/** After how many bytes of an answer a client has all of it. @param {number} kind */
const wholeAt = (kind) => SHORT[kind].length;

/** How many files, sockets among them, a process may have open; where Linux does not say, as many as is usual. */
const openFiles = () => {
  const limits = existsSync(LIMITS) ? readFileSync(LIMITS, 'utf8') : '';
  return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? 1_024);
};

/** The pieces of a large body: a pattern, each time with its number in it. */
function* piecesOf({ pattern, pieces }) {
  for (let number = 0; number < pieces; number += 1) {
    const piece = Buffer.from(pattern);
    piece.writeUInt32BE(number);
    yield piece;
  }
}

function digestOf(body) {
  const hash = createHash('sha256');
  for (const piece of piecesOf(body)) hash.update(piece);
  return hash.digest('hex');
}

/** Writes pieces at the pace of whoever takes them. */
async function write(stream, body) {
  for (const piece of piecesOf(body)) if (!stream.write(piece)) await once(stream, 'drain');
}

function download(url) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { agent: false }, async (answer) => {
      const hash = createHash('sha256');
      let bytes = 0;
      try {
        for await (const piece of answer) {
          bytes += piece.length;
          hash.update(piece);
        }
        resolve({ bytes, digest: hash.digest('hex') });
      } catch (error) {
        reject(error);
      }
    });
    request.once('error', reject).end();
  });
}

function upload(url, body) {
  return new Promise((resolve, reject) => {
    const request = httpRequest(url, { method: 'POST', agent: false }, async (answer) =>
      resolve(Buffer.concat(await answer.toArray()).toString()),
    );
    request.once('error', reject);
    write(request, body).then(() => request.end(), reject);
  });
}

/** An upstream that answers by the path, byte by byte: it is no server of node:http, which would not do any of it. */
async function startBad() {
  const open = new Set();
  const upstream = {
    origin: '',
    /** How many have come. */
    requests: 0,
    send: { pattern: Buffer.alloc(PIECE_BYTES), pieces: 0 },
    async close() {
      for (const socket of open) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((socket) => {
    open.add(socket);
    socket.once('close', () => open.delete(socket)).on('error', () => {});
    serve(socket, upstream).catch(() => socket.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  upstream.origin = originOf(server);
  return upstream;
}

async function serve(socket, upstream) {
  let head = Buffer.alloc(0);
  for (let end = -1; end < 0; end = head.indexOf('\r\n\r\n')) {
    const [piece] = await once(socket, 'data');
    head = Buffer.concat([head, piece]);
  }
  upstream.requests += 1;
  const body = head.subarray(head.indexOf('\r\n\r\n') + 4);
  const [, path] = head.toString('latin1').split(' ');
  const [, kind, ...more] = path.split('/');
  const closed = once(socket, 'close');
  if (kind === 'drip') {
    socket.write('HTTP/1.1 200 OK\r\nx-slow: ');
    const timer = setInterval(() => socket.write('a'), DRIP_MS);
    await closed;
    return clearInterval(timer);
  }
  if (kind === 'endless') {
    socket.write('HTTP/1.1 200 OK\r\n');
    for (let number = 0; !socket.destroyed; number += 1)
      if (!socket.write(`x-${number}: ${'a'.repeat(1000)}\r\n`)) await Promise.race([once(socket, 'drain'), closed]);
    return undefined;
  }
  if (kind === 'cut') {
    const [answer, bytes] = more.map(Number);
    const cut = SHORT[answer].subarray(0, bytes);
    return cut.length ? socket.write(cut, () => socket.resetAndDestroy()) : socket.resetAndDestroy();
  }
  if (kind === 'large') {
    socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${upstream.send.pieces * PIECE_BYTES}\r\n\r\n`);
    return write(socket, upstream.send);
  }
  const { digest, bytes } = await unchunked(socket, body);
  const text = `${bytes} ${digest}`;
  return socket.end(`HTTP/1.1 200 OK\r\ncontent-length: ${text.length}\r\nconnection: close\r\n\r\n${text}`);
}

/** Reads a body in chunks (RFC 9112 section 7.1) as far as its digest needs. */
async function unchunked(socket, first) {
  const hash = createHash('sha256');
  let [bytes, left, line, skipped] = [0, 0, '', 0];
  /** @returns {boolean} whether the body has ended */
  const take = (data) => {
    for (let at = 0; at < data.length; ) {
      if (skipped > 0) {
        const step = Math.min(skipped, data.length - at);
        [at, skipped] = [at + step, skipped - step];
      } else if (left > 0) {
        const piece = data.subarray(at, at + left);
        hash.update(piece);
        [at, left, bytes] = [at + piece.length, left - piece.length, bytes + piece.length];
        if (left === 0) skipped = 2;
      } else {
        const character = String.fromCharCode(data[at++]);
        line += character;
        if (character !== '\n') continue;
        left = Number.parseInt(line, 16);
        line = '';
        if (left === 0) return true;
      }
    }
    return false;
  };
  if (!take(first)) for await (const data of socket.iterator({ destroyOnReturn: false })) if (take(data)) break;
  return { digest: hash.digest('hex'), bytes };
}

async function startSockets() {
  const child = fork(join(ROOT, 'chaos', 'socket-upstream.mjs'));
  const [origin] = await once(child, 'message');
  const exited = once(child, 'exit');
  return {
    origin: String(origin),
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A WebSocket with as little as one needs to send a short text and take another (RFC 6455). @param {string} origin */
async function openSocket(origin) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.on('error', () => {});
  const failed = closed.then(() => {
    throw new Error('the socket was closed');
  });
  failed.catch(() => {});
  const key = 'dGhlIHNhbXBsZSBub25jZQ==';
  socket.write(
    `GET /socket HTTP/1.1\r\nhost: ${hostname}\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-key: ${key}\r\nsec-websocket-version: 13\r\n\r\n`,
  );
  let head = '';
  while (!head.includes('\r\n\r\n')) head += (await Promise.race([once(socket, 'data'), failed]))[0];
  if (!head.startsWith('HTTP/1.1 101 ')) throw new Error(`a socket was not opened: ${head}`);
  return {
    closed,
    destroy: () => socket.destroy(),
    async echoed(text) {
      // A key of zeros masks nothing.
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), Buffer.from(text)]));
      let frame = Buffer.alloc(0);
      while (frame.length < 2 + text.length) {
        const [data] = await Promise.race([once(socket, 'data'), failed]);
        frame = Buffer.concat([frame, data]);
      }
      return frame.subarray(2).toString();
    },
  };
}
