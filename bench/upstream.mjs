// What requests are proxied to, in a process of its own, whose work does not count. It answers with the user that it was told, sends
// as many bytes as `/bytes` asks for, and takes in whatever it is sent.

import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

const PIECE = Buffer.alloc(64 * 1024, 'x');

function* pieces(bytes) {
  for (let left = bytes; left > 0; left -= PIECE.length) yield PIECE.subarray(0, left);
}

const server = createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://upstream');
  if (pathname.endsWith('/bytes')) {
    const bytes = Number(searchParams.get('count'));
    response.setHeader('content-length', bytes);
    await pipeline(Readable.from(pieces(bytes)), response).catch(() => {});
    return;
  }
  if (request.method !== 'GET') for await (const _ of request);
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ user: request.headers['x-user-id'] ?? null }));
});
// A pooled connection that the server closes would look like a failure of who uses it.
server.keepAliveTimeout = 0;
server.listen(0, '127.0.0.1', () => {
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  process.send?.(port);
});
process.once('disconnect', () => process.exit());
