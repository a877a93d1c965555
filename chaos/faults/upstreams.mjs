// Upstreams that fail as they are told to.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { freePort } from '../../tests/e2e/support/harness.mjs';

/**
 * How an upstream fails. `reset`: the connection breaks before an answer. `cut`: in the middle of its body. A number: it answers with
 * that status. `hanging`: nothing comes.
 *
 * @typedef {'reset' | 'cut' | 'hanging' | number} Kind
 */

/** Starts an upstream, whose port stays its own while it is away. */
export async function startUpstream() {
  const port = await freePort();
  const hanging = new Set();
  /** @type {import('node:http').Server | undefined} */
  let server;
  const upstream = {
    origin: `http://127.0.0.1:${port}`,
    /** @type {Kind | undefined} */
    kind: undefined,
    /** What has come: the `x-name` of each request, by which the row knows it. @type {string[]} */
    names: [],
    get hanging() {
      return hanging.size;
    },
    async start() {
      server = createServer((request, response) => answer(request, response).catch(() => response.destroy()));
      server.keepAliveTimeout = 0;
      await once(server.listen(port, '127.0.0.1'), 'listening');
    },
    /** Goes away: nothing listens there any longer. */
    async stop() {
      const ending = server;
      server = undefined;
      for (const response of hanging) response.destroy();
      hanging.clear();
      if (!ending) return;
      ending.closeAllConnections();
      await new Promise((resolve) => ending.close(resolve));
    },
  };
  await upstream.start();
  return upstream;

  async function answer(request, response) {
    upstream.names.push(String(request.headers['x-name']));
    const { kind } = upstream;
    if (kind === 'reset') return request.socket.resetAndDestroy();
    if (kind === 'hanging') {
      hanging.add(response);
      response.once('close', () => hanging.delete(response));
      return undefined;
    }
    for await (const _ of request);
    if (kind === 'cut') {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': 1000 });
      return response.write('{"half":', () => request.socket.resetAndDestroy());
    }
    response.writeHead(kind ?? 200, { 'content-type': 'application/json' });
    return response.end('{"ok":true}');
  }
}
