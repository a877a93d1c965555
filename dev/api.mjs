// The sample API: answers JSON about the request it received, so that one can see what an upstream sees.
// `npm run api -- --port 9500` runs it by itself; tests import `startApi`. Paths under /_sample/ misbehave on request.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';

const HOST = '127.0.0.1';
const REQUESTS_KEPT = 100;
const CHUNK_BYTES = 64 * 1024;

/** Starts the sample API. `port` 0, the default, takes any free port. */
export async function startApi({ port = 0 } = {}) {
  const requests = [];
  const hanging = new Set();
  const sockets = new WebSocketServer({ noServer: true });

  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      if (!response.destroyed) response.destroy(error);
    });
  });
  server.keepAliveTimeout = 0;
  server.on('upgrade', (request, socket, head) => {
    remember(describe(request));
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.on('message', (data, isBinary) => webSocket.send(data, { binary: isBinary }));
    });
  });
  await once(server.listen(port, HOST), 'listening');
  const address = /** @type {import('node:net').AddressInfo} */ (server.address());

  return {
    origin: `http://${HOST}:${address.port}`,
    requests,
    get hanging() {
      return hanging.size;
    },
    /** Answers every request that waits at /_sample/hang. */
    release() {
      for (const go of hanging) go();
      hanging.clear();
    },
    async close() {
      for (const webSocket of sockets.clients) webSocket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function remember(seen) {
    requests.push(seen);
    if (requests.length > REQUESTS_KEPT) requests.shift();
  }

  async function handle(request, response) {
    const seen = describe(request);
    remember(seen);
    request.once('close', () => {
      seen.complete = request.complete;
    });
    const query = new URLSearchParams(seen.query);
    const [operation, argument] = seen.path.startsWith('/_sample/')
      ? seen.path.slice('/_sample/'.length).split('/')
      : [];

    switch (operation) {
      case 'echo':
        response.writeHead(200, { 'content-type': request.headers['content-type'] ?? 'application/octet-stream' });
        for await (const chunk of request) {
          seen.body_length += chunk.length;
          response.write(chunk);
        }
        return response.end();
      case 'stream':
        return stream(response, Number(query.get('bytes') ?? 1024));
      case 'reset':
        return request.socket.resetAndDestroy();
      case 'cut':
        response.writeHead(200, { 'content-length': 1000 });
        response.write('the beginning, and then nothing');
        return setImmediate(() => request.socket.resetAndDestroy());
      case 'redirect':
        response.writeHead(302, { location: query.get('to') ?? '/elsewhere' });
        return response.end();
      case 'hang':
        await new Promise((resolve) => {
          hanging.add(resolve);
          response.once('close', () => hanging.delete(resolve) && resolve(undefined));
        });
        break;
      default:
    }

    for await (const chunk of request) seen.body_length += chunk.length;
    const { complete, ...rest } = seen;
    const answer = { ...rest, headers: withoutToken(seen.headers) };
    response.writeHead(operation === 'status' ? Number(argument) : 200, { 'content-type': 'application/json' });
    return response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify(answer, null, 2)}\n`);
  }
}

// Path and query are as they came: nothing decoded, nothing normalised.
function describe(request) {
  const [path, ...query] = request.url.split('?');
  const headers = {};
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    const name = request.rawHeaders[index].toLowerCase();
    const value = request.rawHeaders[index + 1];
    headers[name] = name in headers ? [headers[name], value].flat() : value;
  }
  return { method: request.method, path, query: query.join('?'), headers, body_length: 0 };
}

// The token is for the API. An answer with it would give it to a page that must not have it.
function withoutToken({ ...headers }) {
  const token = /^Bearer (.+)$/i.exec(headers.authorization)?.[1];
  if (token) headers.authorization = `Bearer (${token.length} characters, not sent back)`;
  return headers;
}

async function stream(response, bytes) {
  response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes });
  await pipeline(Readable.from(chunksOf(bytes)), response);
}

function* chunksOf(bytes) {
  const chunk = Buffer.alloc(CHUNK_BYTES, 'x');
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) yield left < CHUNK_BYTES ? chunk.subarray(0, left) : chunk;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { values } = parseArgs({ options: { port: { type: 'string', default: '9500' } } });
  const { origin } = await startApi({ port: Number(values.port) });
  console.log(`api: ${origin}`);
}
