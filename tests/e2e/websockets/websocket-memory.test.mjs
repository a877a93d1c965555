// What the gateway holds for peers that do not read, on sockets whose messages it carries: little for all of them together, and not
// for long. Nobody who sends can be told to wait, so a peer that falls too far behind is left behind.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../support/harness.mjs';
import { MIB, peakMemory, skipsMemory } from '../support/memory.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';
import { openSocket, startSocketUpstream } from '../support/sockets.mjs';

/** The close code of who is too far behind, and of a message that is too large. */
const BEHIND = 1013;
const TOO_LARGE = 1009;
/** QUEUED_MAX_BYTES and MESSAGE_MAX_BYTES of session/watch.js. */
const QUEUED_MAX_BYTES = 8 * MIB;
const MESSAGE_MAX_BYTES = QUEUED_MAX_BYTES / 2;
/** What is sent to a peer that does not read. */
const SENT_BYTES = 100 * MIB;
/** How much more memory that may take than the same to one that reads. */
const GROWTH_MAX_BYTES = 32 * MIB;

const authorization = `Bearer ${signedWithSecret(SECRET, claimsFor({ exp: claimsFor().exp + 24 * 60 * 60 }))}`;
// Random, or it would be compressed to nothing on the way.
const piece = randomBytes(256 * 1024);

let upstream;
before(async () => {
  upstream = await startSocketUpstream();
});
after(() => upstream?.close());

function start(entry) {
  return startGateway({
    entry,
    bindings: { SECRET },
    config: {
      servers: [{ alias: 'own', url: upstream.origin, timeout_ms: 300_000 }],
      authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: '$secret.SECRET' },
      paths: [
        {
          method: 'GET',
          path: '/live/{.+}',
          auth: true,
          integration: { type: 'http_proxy', server: 'own', close_at_expiry: true },
        },
      ],
    },
  });
}

/** Sends messages until so much is on its way, or the socket is closed; no faster than they are taken. */
async function sendTo(socket, bytes) {
  for (let left = bytes; left > 0 && socket.readyState === socket.OPEN; left -= piece.length) {
    socket.send(piece);
    while (socket.bufferedAmount > MIB && socket.readyState === socket.OPEN) await sleep(1);
    await turn();
  }
}

/** Opens a socket on which the client reads nothing. Gives its connection, and what is behind the gateway. */
async function openUnread(gateway, path) {
  const { hostname, port } = new URL(gateway.origin);
  const connection = connect(Number(port), hostname).on('error', () => {});
  connection.write(
    [
      `GET /live${path} HTTP/1.1`,
      `Host: ${hostname}:${port}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      `Authorization: ${authorization}`,
      '\r\n',
    ].join('\r\n'),
  );
  const [head] = await once(connection, 'data');
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  connection.pause();
  return { connection, behind: upstream.opened.find(({ url }) => url === path) };
}

const open = (gateway, path) => openSocket(gateway.origin, `/live${path}`, { headers: { authorization } });

describe('a peer that reads nothing', { skip: skipsMemory }, () => {
  let gateway;
  let usual;

  before(async () => {
    gateway = await start();
    // What it takes to carry as much to peers that read.
    const { socket, closed } = await open(gateway, '/usual');
    const { webSocket } = upstream.opened.find(({ url }) => url === '/usual');
    let came = 0;
    /** @type {PromiseWithResolvers<void>} */
    const whole = Promise.withResolvers();
    socket.on('message', ({ length }) => {
      came += length;
      if (came >= SENT_BYTES) whole.resolve();
    });
    for (let sent = 0; sent < SENT_BYTES; sent += MIB) {
      await sendTo(webSocket, MIB);
      while (came < sent) await sleep(1);
    }
    await whole.promise;
    socket.close();
    await closed;
    usual = peakMemory();
  });

  after(() => gateway?.close());

  function assertLittle() {
    const grown = peakMemory() - usual;
    assert.ok(grown < GROWTH_MAX_BYTES, `${Math.round(grown / MIB)} MiB more than ${Math.round(usual / MIB)}`);
  }

  test('is left behind where it is the client, and the upstream hears why', async () => {
    const { connection, behind } = await openUnread(gateway, '/client');
    await sendTo(behind.webSocket, SENT_BYTES);
    assert.equal((await behind.closed).code, BEHIND);
    assertLittle();
    connection.destroy();
  });

  test('is left behind where it is the upstream, and the client hears why', async () => {
    const { socket, closed } = await open(gateway, '/upstream');
    const { webSocket } = upstream.opened.find(({ url }) => url === '/upstream');
    webSocket._socket.pause();
    await sendTo(socket, SENT_BYTES);
    assert.equal((await closed).code, BEHIND);
    assertLittle();
    webSocket.terminate();
  });

  test('is no worse where it is many at once, and others are served meanwhile', async () => {
    const unread = await Promise.all(Array.from({ length: 10 }, (_, index) => openUnread(gateway, `/many/${index}`)));
    await Promise.all(unread.map(({ behind }) => sendTo(behind.webSocket, SENT_BYTES / 10)));
    for (const { behind } of unread) assert.equal((await behind.closed).code, BEHIND);
    assertLittle();
    const other = await open(gateway, '/other');
    assert.equal(await other.ask('still served'), 'still served');
    other.socket.close();
    await other.closed;
    for (const { connection } of unread) connection.destroy();
  });
});

describe('a message', () => {
  let gateway;
  before(async () => {
    gateway = await start();
  });
  after(() => gateway?.close());

  test('of four MiB is carried, both ways', async () => {
    const { socket, closed, ask } = await open(gateway, '/large');
    for (const message of [Buffer.alloc(MESSAGE_MAX_BYTES, 'b'), 't'.repeat(MESSAGE_MAX_BYTES)]) {
      const came = await ask(message);
      assert.ok(Buffer.from(message).equals(Buffer.from(came)), `${came.length} of ${message.length}`);
    }
    socket.close();
    await closed;
  });

  for (const [from, message] of [
    ['the client', Buffer.alloc(MESSAGE_MAX_BYTES + 1)],
    ['the upstream', 't'.repeat(MESSAGE_MAX_BYTES + 1)],
  ]) {
    test(`of more from ${from} ends the socket on both sides`, async () => {
      const { socket, closed } = await open(gateway, `/larger/${typeof message}`);
      const behind = upstream.opened.find(({ url }) => url === `/larger/${typeof message}`);
      (from === 'the client' ? socket : behind.webSocket).send(message);
      assert.deepEqual([(await closed).code, (await behind.closed).code], [TOO_LARGE, TOO_LARGE]);
    });
  }
});

// The bundle, on a clock that goes twenty times as fast.
const FAST_ENTRY = `
  import Gateway from './worker.js';

  const [realNow, realTimeout] = [Date.now, globalThis.setTimeout];
  let begun;
  Date.now = () => {
    begun ??= realNow();
    return begun + (realNow() - begun) * 20;
  };
  globalThis.setTimeout = (call, ms, ...rest) => realTimeout(call, ms / 20, ...rest);

  export default Gateway;
`;

describe('a peer that takes nothing for half a minute', () => {
  let gateway;
  before(async () => {
    gateway = await start(FAST_ENTRY);
  });
  after(() => gateway?.close());

  /** Opens a socket whose client does not answer a close, and waits until it is cut off: half a minute. */
  async function halfAMinute(path) {
    const { connection, behind } = await openUnread(gateway, path);
    connection.resume();
    behind.webSocket.close(1000);
    await once(connection, 'close');
  }

  test('is left behind, however little that is, and its connection is cut', async () => {
    const { connection, behind } = await openUnread(gateway, '/stalled');
    let sent = 0;
    // Once the buffers of the system are full, the gateway holds the rest: far from enough to be left behind for that alone.
    for (let over; !over; over = await Promise.race([behind.closed, sleep(100)])) {
      behind.webSocket.send(piece.subarray(0, piece.length / 2));
      sent += piece.length / 2;
    }
    assert.deepEqual(await behind.closed, { code: BEHIND, reason: 'it takes nothing' });
    await halfAMinute('/later');
    await halfAMinute('/later-still');
    let came = 0;
    connection.on('data', ({ length }) => {
      came += length;
    });
    connection.resume();
    await once(connection, 'close');
    assert.ok(came < sent, `${came} bytes of ${sent}`);
  });

  test('and does not answer a close is cut off, too', () => halfAMinute('/unanswered'));

  test('is no peer to whom nothing is sent', async () => {
    const idle = await open(gateway, '/idle');
    await halfAMinute('/as-long');
    assert.equal(await idle.ask('still here'), 'still here');
    idle.socket.close();
    await idle.closed;
  });
});
