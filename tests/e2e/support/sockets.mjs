// What the tests of WebSockets share: an upstream that does as its messages say and tells what it heard, and a client that does
// not lose what comes before the test waits for it.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { originOf } from './harness.mjs';

/**
 * Starts an upstream that sends every message back, and does what some of them say: `close CODE REASON`, `close` without a code,
 * `break` the connection, `send N` messages. Below `/greeting` it speaks first, below `/refuse/STATUS` it refuses. Of the protocols that
 * a client offers it takes the last. `opened` has each handshake: its URL, headers and socket. Other requests get `answer`.
 * @param {(request: any, response: any) => any} [answer]
 */
export async function startSocketUpstream(answer = refuse) {
  const opened = [];
  const requests = [];
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => [...offered].at(-1),
    perMessageDeflate: true,
  });
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  server.on('upgrade', (request, socket, head) => {
    requests.push(request);
    const [, status] = /\/refuse\/(\d+)/.exec(request.url) ?? [];
    if (status)
      return socket.end(
        `HTTP/1.1 ${status} No\r\nX-Own: refused\r\nContent-Length: 4\r\nConnection: close\r\n\r\nno: `,
      );
    if (request.url.includes('/silence')) return undefined;
    return sockets.handleUpgrade(request, socket, head, (webSocket) => serve(request, webSocket));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  function serve(request, webSocket) {
    // 1005 stands for a close without a code, 1006 for none at all.
    const closed = once(webSocket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
    opened.push({ url: request.url, headers: request.headers, webSocket, closed });
    webSocket.on('error', () => {});
    webSocket.on('message', (data, isBinary) => {
      const [order, number, ...reason] = isBinary ? [] : String(data).split(' ');
      if (order === 'close') webSocket.close(...(number ? [Number(number), reason.join(' ')] : []));
      else if (order === 'break') webSocket.terminate();
      else if (order === 'send') for (let index = 0; index < Number(number); index += 1) webSocket.send(`${index}`);
      else webSocket.send(data, { binary: isBinary });
    });
    if (request.url.includes('/greeting')) webSocket.send('welcome');
  }

  return {
    origin: originOf(server),
    opened,
    /** Every request that came, whether it became a socket or not. */
    requests,
    async close() {
      for (const webSocket of sockets.clients) webSocket.terminate();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Answers a request that is not a handshake. */
function refuse(_, response) {
  response.writeHead(200, { 'x-own': 'no socket' }).end('no socket here');
}

/**
 * Opens a WebSocket. Gives it when it is open, or else the status, headers and text of the answer that there was instead.
 * @param {string} origin
 * @param {string} path
 * @param {Record<string, any>} [options]
 * @returns {Promise<any>}
 */
export async function openSocket(origin, path, { protocols = [], ...options } = {}) {
  const socket = new WebSocket(`${origin.replace('http', 'ws')}${path}`, protocols, options);
  const received = [];
  const waiting = [];
  socket.on('message', (data, isBinary) => {
    const message = isBinary ? data : String(data);
    if (waiting.length) waiting.shift()(message);
    else received.push(message);
  });
  const closed = once(socket, 'close').then(([code, reason]) => ({ code, reason: String(reason) }));
  closed.catch(() => {});
  let headers;
  socket.once('upgrade', (answer) => ({ headers } = answer));
  const outcome = await new Promise((resolve, reject) => {
    socket
      .once('open', resolve)
      .once('error', reject)
      .once('unexpected-response', (_, answer) => resolve(answer));
  });
  if (outcome) {
    const text = Buffer.concat(await outcome.toArray()).toString();
    return { refused: { status: outcome.statusCode, headers: outcome.headers, text } };
  }
  socket.on('error', () => {});
  const next = () =>
    received.length ? Promise.resolve(received.shift()) : new Promise((resolve) => waiting.push(resolve));
  return {
    socket,
    /** The headers of the answer to the handshake. */
    headers,
    /** Resolves with code and reason when it is closed. */
    closed,
    /** The next message: a string, or bytes. */
    next,
    /** Sends a message and gives the next that comes. */
    ask(message) {
      socket.send(message);
      return next();
    },
  };
}
