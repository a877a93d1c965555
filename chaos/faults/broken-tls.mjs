// A server that breaks every connection off while TLS is being agreed on.

import { once } from 'node:events';
import { createServer } from 'node:net';

/** Starts it. */
export async function startBrokenTls() {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    // The first bytes are a ClientHello.
    socket.once('data', () => socket.resetAndDestroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  return { origin: `https://127.0.0.1:${port}`, close: () => new Promise((resolve) => server.close(resolve)) };
}
