// Uploads that the gateway answers without reading them: whatever the answer, the client gets it, for what it still sends is
// read behind the answer and dropped.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { freePort, proxied, startGateway, startUpstream } from '../support/harness.mjs';
import { APP, entryWith } from '../support/rules.mjs';

const UPLOAD_BYTES = 16 * 1024 * 1024;
const AT_ONCE = 8;
const PIECE = Buffer.alloc(256 * 1024, 'x');

const BOUND = `{
  async refuse() {
    return new Response('not you', { status: 403 });
  },
  async fail() {
    throw new Error('out of order');
  },
}`;

let gateway;
let upstream;

before(async () => {
  upstream = await startUpstream((request, response) => request.resume().once('end', () => response.end('taken')));
  const asked = (name) => ({ pre_process: { binding: 'bound', function: name } });
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'own', url: upstream.origin },
        { alias: 'away', url: `http://127.0.0.1:${await freePort()}` },
      ],
      serviceBindings: [{ alias: 'bound', binding: 'BOUND' }],
      cors: { allow_origins: [APP] },
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
      paths: [
        proxied('/limited', 'own', { max_body_bytes: 1000 }),
        proxied('/typed', 'own', { content_types: ['application/json'] }),
        proxied('/protected', 'own', { auth: true }),
        proxied('/denied', 'own', { ip: { deny: ['0.0.0.0/0', '::/0'] } }),
        proxied('/often', 'own', { rate_limit: { binding: 'LIMIT', key: 'ip' } }),
        proxied('/refused', 'own', asked('refuse')),
        proxied('/failing', 'own', asked('fail')),
        proxied('/plain', 'own'),
        { method: 'GET', path: '/read-only', response: {} },
        { method: 'POST', path: '/fixed', response: { taken: false } },
        { method: 'POST', path: '/empty', integration: { type: 'static', status: 204 } },
        { method: 'POST', path: '/elsewhere', integration: { type: 'redirect', location: '/fixed' } },
        { method: 'POST', path: '/refresh', integration: { type: 'auth0_refresh' } },
      ],
    },
    entry: entryWith({ BOUND, LIMIT: '{ limit: async () => ({ success: false }) }' }),
  });
});

after(async () => {
  for (const started of [gateway, upstream]) await started?.close();
});

/**
 * Sends all of an upload before it reads, as clients do that look for no answer before they are done; gives the status, or the
 * code of what broke the connection. With `next`, another request follows on the connection, whose status comes too.
 */
async function upload(path, { chunked = false, bytes = UPLOAD_BYTES, next = '' } = {}) {
  const { hostname, port } = new URL(gateway.origin);
  const socket = createConnection(Number(port), hostname).pause();
  let broken;
  socket.once('error', ({ code }) => {
    broken = code;
  });
  const send = (data) => new Promise((resolve) => socket.write(data, resolve));
  await send(
    `POST ${path} HTTP/1.1\r\nHost: gateway.example\r\n${chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${bytes}`}\r\n\r\n`,
  );
  for (let left = bytes; left > 0 && !broken; left -= PIECE.length) {
    if (chunked) await send(`${PIECE.length.toString(16)}\r\n`);
    await send(PIECE);
    if (chunked) await send('\r\n');
  }
  if (chunked) await send('0\r\n\r\n');
  await send(next);
  const statuses = [];
  socket.on('data', (data) => {
    statuses.push(...[...data.toString('latin1').matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status)));
    if (statuses.length === (next ? 2 : 1)) socket.destroy();
  });
  socket.resume();
  if (!socket.destroyed) await once(socket, 'close').catch(() => {});
  return broken ?? statuses.join();
}

const ANSWERS = [
  ['too large', '/limited', 413],
  ['of another type', '/typed', 415],
  ['without a token', '/protected', 401],
  ['from a denied address', '/denied', 403],
  ['too many', '/often', 429],
  ['that a function refuses', '/refused', 403],
  ['at which a function fails', '/failing', 502],
  ['to no path', '/nowhere', 404],
  ['to a path without the method', '/read-only', 405],
  ['to an ambiguous path', '/plain/..%2Fx', 400],
  ['to a fixed answer', '/fixed', 200],
  ['to an answer without a body', '/empty', 204],
  ['to a redirect', '/elsewhere', 302],
  ['to a refresh, which reads no more than its own', '/refresh', 413],
];

describe('an upload gets its answer though nobody reads it', () => {
  for (const [message, path, status] of ANSWERS) {
    for (const chunked of [false, true]) {
      test(`${message}, ${chunked ? 'without' : 'with'} its length: ${status}`, async () => {
        const answers = await Promise.all(Array.from({ length: AT_ONCE }, () => upload(path, { chunked })));
        assert.deepEqual(answers, Array(AT_ONCE).fill(String(status)));
      });
    }
  }

  test('and the connection goes on: the request behind it is answered', async () => {
    const next = 'GET /read-only HTTP/1.1\r\nHost: gateway.example\r\n\r\n';
    for (const [path, status] of [
      ['/protected', 401],
      ['/elsewhere', 302],
      ['/empty', 204],
    ]) {
      assert.equal(await upload(path, { next }), `${status},200`, path);
    }
  });

  test('before any of it is sent', async () => {
    for (const [path, status] of [
      ['/protected', 401],
      ['/elsewhere', 302],
    ]) {
      const { hostname, port } = new URL(gateway.origin);
      const socket = createConnection(Number(port), hostname);
      socket.write(`POST ${path} HTTP/1.1\r\nHost: gateway.example\r\nContent-Length: 1000000\r\n\r\n`);
      const [data] = await once(socket, 'data');
      assert.match(data.toString('latin1'), new RegExp(`^HTTP/1\\.1 ${status} `));
      socket.destroy();
    }
  });

  test('and one that a path takes arrives as ever', async () => {
    assert.deepEqual(
      await Promise.all(Array.from({ length: AT_ONCE }, () => upload('/plain'))),
      Array(AT_ONCE).fill('200'),
    );
  });
});
