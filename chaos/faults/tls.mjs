// TLS in front of a server, whose connections are reset as a row says.

import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { makeCertificate } from './certificate.mjs';

/**
 * When a connection is reset. `handshake`: while TLS is being agreed on. `asked`: once a request has come, which the server does not get.
 * `answering`: once the server has acted, before its answer.
 *
 * @typedef {'handshake' | 'asked' | 'answering'} Moment
 */

/** Starts it, in front of the server at `leadsTo`. */
export async function startTls() {
  const { cert, key } = makeCertificate();
  /** The connections of clients, beneath TLS. @type {Set<import('node:net').Socket>} */
  const sockets = new Set();
  /** @type {Moment | undefined} */
  let moment;
  const tls = createTlsServer({ cert, key }, (secure) => {
    const [raw] = [...sockets].filter((socket) => socket.remotePort === secure.remotePort);
    const to = connect(Number(new URL(front.leadsTo).port), '127.0.0.1');
    const end = () => {
      raw?.destroy();
      to.destroy();
    };
    const reset = () => {
      front.resets += 1;
      raw?.resetAndDestroy();
      to.destroy();
    };
    for (const socket of [secure, to]) socket.on('error', end).on('close', end);
    secure.on('data', (piece) => (moment === 'asked' ? reset() : to.write(piece)));
    to.on('data', (piece) => (moment === 'answering' ? reset() : secure.write(piece)));
  });
  tls.on('tlsClientError', () => {});
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    if (moment !== 'handshake') return void tls.emit('connection', socket);
    // The first bytes are a ClientHello.
    socket.once('data', () => {
      front.resets += 1;
      socket.resetAndDestroy();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  const front = {
    origin: `https://127.0.0.1:${port}`,
    /** The certificate by which it is trusted. */
    cert,
    /** How many connections were reset. */
    resets: 0,
    /** Where connections are led to. */
    leadsTo: '',
    /** Resets connections from now on at a moment, or none. Those that are open would not meet it: they end. @param {Moment | undefined} next */
    reset(next) {
      moment = next;
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return front;
}
