// What the tests of attacks share: an upstream that keeps what reaches it byte for byte and reads it by the strictest rules, a
// client that sends what no library would, and a gateway that is reached without anything in between.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { connect, createServer } from 'node:net';
import { originOf, startGateway } from './harness.mjs';

const HEAD_END = '\r\n\r\n';
const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/**
 * Asks for a stream whose first event has come. `first` is that, and `ended` gives whether it came to its end.
 *
 * @param {string} origin
 * @param {string} path
 * @param {Record<string, string>} [headers]
 */
export async function openStream(origin, path, headers) {
  const request = httpRequest(new URL(path, origin), { headers, agent: false }).end();
  const [response] = await once(request, 'response');
  assert.equal(response.statusCode, 200, path);
  const ended = new Promise((resolve) => {
    response.once('close', () => resolve(response.complete));
  });
  response.on('error', () => {}).setEncoding('utf8');
  const [first] = await once(response, 'data');
  return { response, first, ended };
}

/**
 * Starts a gateway whose `bare` is an origin at which workerd hands requests to the gateway itself. At the first origin stands,
 * as at Cloudflare, a Worker that chooses an encoding, and refuses or corrects some of what these tests send.
 * @param {Record<string, any>} [options]
 */
export async function startBareGateway(options) {
  const gateway = await startGateway({ isolates: 2, ...options });
  return { ...gateway, bare: gateway.origins[1] };
}

/**
 * Starts an upstream on bare sockets. `seen.requests` has each that came: its line, method, target, `fields` (name as it was
 * sent, value) and body, all as latin1 text; `broken` has what could not be read without doubt; `connections` counts.
 * Each request is told `answer`, as it stands.
 */
export async function startWireUpstream() {
  const seen = { requests: [], broken: [], connections: 0 };
  const sockets = new Set();
  const server = createServer((socket) => {
    seen.connections += 1;
    sockets.add(socket);
    let unread = '';
    socket.on('error', () => {}).once('close', () => sockets.delete(socket));
    socket.once('end', () => {
      if (unread) seen.broken.push(unread);
    });
    socket.on('data', (bytes) => {
      unread += bytes.toString('latin1');
      try {
        for (let read = readRequest(unread); read; read = readRequest(unread)) {
          seen.requests.push(read.request);
          unread = read.rest;
          socket.write(upstream.answer, 'latin1');
        }
      } catch (error) {
        seen.broken.push(`${error.message}: ${unread}`);
        unread = '';
        socket.destroy();
      }
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const origin = originOf(server);
  const upstream = {
    answer: OK,
    seen,
    host: new URL(origin).host,
    origin,
    /** Returns what came since it was last asked. */
    taken() {
      const { requests, broken, connections } = seen;
      Object.assign(seen, { requests: [], broken: [], connections: 0 });
      return { requests, broken, connections };
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return upstream;
}

/** Reads one request off the front of `text`; nothing until all of it has come; fails if two readers could differ. */
function readRequest(text) {
  const end = text.indexOf(HEAD_END);
  if (end < 0) return undefined;
  const [line, ...lines] = text.slice(0, end).split('\r\n');
  const [, method, target] = /^([!#$%&'*+.^_`|~\w-]+) (\S+) HTTP\/1\.1$/.exec(line) ?? assert.fail('no request line');
  const fields = lines.map((field) => {
    const [, name, value] =
      /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(field) ?? assert.fail('no header field');
    return [name, value];
  });
  const values = (wanted) => fields.filter(([name]) => name.toLowerCase() === wanted).map(([, value]) => value);
  assert.equal(values('host').length, 1, 'one Host');
  const [lengths, codings] = [values('content-length'), values('transfer-encoding')];
  assert.ok(lengths.length + codings.length <= 1, 'one framing');
  const rest = text.slice(end + HEAD_END.length);
  const framed = codings.length ? readChunks(rest, codings[0]) : readLength(rest, lengths[0] ?? '0');
  return framed && { request: { line, method, target, fields, values, body: framed.body }, rest: framed.rest };
}

function readLength(text, length) {
  assert.match(length, /^\d+$/, 'Content-Length');
  const bytes = Number(length);
  return text.length < bytes ? undefined : { body: text.slice(0, bytes), rest: text.slice(bytes) };
}

function readChunks(text, coding) {
  assert.equal(coding, 'chunked', 'Transfer-Encoding');
  for (let [at, body] = [0, '']; ; ) {
    const lineEnd = text.indexOf('\r\n', at);
    if (lineEnd < 0) return undefined;
    const size = text.slice(at, lineEnd);
    assert.match(size, /^[\da-f]+$/i, 'chunk size');
    const bytes = parseInt(size, 16);
    const next = lineEnd + 2 + bytes + 2;
    if (text.length < next) return undefined;
    assert.equal(text.slice(next - 2, next), '\r\n', 'end of a chunk');
    if (bytes === 0) return { body, rest: text.slice(next) };
    body += text.slice(lineEnd + 2, next - 2);
    at = next;
  }
}

/** Sends bytes (latin1) as they stand, and nothing after them; gives the statuses that came back, and all of the text. */
export async function sendBytes(origin, text) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname);
  // What was refused before it was read to its end is refused with a reset.
  const chunks = [];
  socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.end(text, 'latin1');
  await closed;
  const answer = Buffer.concat(chunks).toString('latin1');
  return {
    statuses: [...answer.matchAll(/HTTP\/1\.[01] (\d{3}) /g)].map(([, status]) => Number(status)),
    text: answer,
  };
}
