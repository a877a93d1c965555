// Clients that hang up while their request waits. The runtime cancels such a request, and never settles what it awaits: the gateway
// must not hold its work for ever. The memory of WebAssembly tells, since it never shrinks.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { proxied, startGateway, startUpstream } from '../support/harness.mjs';

const AT_ONCE = 50;
const FIRST = 1_000;
const THEN = 4_000;
// Work that is held is more than 2 KiB; what the garbage collector has not looked at yet is far less than this in all.
const MAX_GROWTH_BYTES = 4 * 1024 * 1024;

// Notes the memory of the instance.
const NOTING = `
  const { Instance } = WebAssembly;
  WebAssembly.Instance = function (...values) {
    const instance = new Instance(...values);
    globalThis.memory = instance.exports.memory;
    return instance;
  };`;
const ENTRY = `
  import './noting.js';
  import Gateway from './worker.js';
  export default class extends Gateway {
    fetch(request) {
      if (new URL(request.url).pathname === '/memory') return new Response(globalThis.memory.buffer.byteLength);
      return super.fetch(request);
    }
  }`;

let upstream;
let gateway;
const arrived = new Map();

before(async () => {
  upstream = await startUpstream((request, response) => {
    const tell = arrived.get(request.url);
    if (tell) tell(request.socket);
    else response.end('answered');
  });
  gateway = await startGateway({
    entry: ENTRY,
    modules: { 'noting.js': NOTING },
    config: {
      servers: [{ alias: 'own', url: upstream.origin, timeout_ms: 600_000 }],
      paths: [proxied('/slow', 'own')],
    },
  });
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
});

/** Sends a request, and breaks its connection off once the upstream has it; ends when the upstream's has broken off, too. */
async function hangUp(id) {
  const path = `/slow?id=${id}`;
  const reached = new Promise((resolve) => arrived.set(path, resolve));
  const { hostname, port } = new URL(gateway.origin);
  const client = connect(Number(port), hostname);
  await once(client, 'connect');
  client.write(`GET ${path} HTTP/1.1\r\nHost: api.example\r\n\r\n`);
  const connection = await reached;
  arrived.delete(path);
  const closed = once(connection, 'close');
  client.resetAndDestroy();
  await closed;
}

async function hangUps(from, count) {
  let next = from;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (next < from + count) {
        next += 1;
        await hangUp(next);
      }
    }),
  );
}

const memory = async () => Number(await (await gateway.fetch('/memory')).text());

test('the work of requests whose clients have hung up is not held', async () => {
  await hangUps(0, FIRST);
  assert.equal(await (await gateway.fetch('/slow')).text(), 'answered', 'others are served');
  const held = await memory();
  await hangUps(FIRST, THEN);
  const grown = (await memory()) - held;
  assert.ok(grown < MAX_GROWTH_BYTES, `${grown} bytes more for ${THEN} of them`);
  assert.equal(await (await gateway.fetch('/slow')).text(), 'answered', 'and still are');
});
