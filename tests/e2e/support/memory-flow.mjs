// What clients can make the gateway hold, measured: how far the peak of workerd's memory, and of the isolate's in it, rises above
// what it was before. The Cache API drops what it is given, so that nothing of a simulated cache is measured. Linux only (/proc).

import { once } from 'node:events';
import { readFileSync, readdirSync } from 'node:fs';
import { get as httpGet, request as httpRequest } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { proxied, startGateway, startUpstream, workerName } from './harness.mjs';
import { entryWith } from './rules.mjs';

const MIB = 1024 * 1024;
const PIECE = Buffer.alloc(64 * 1024, 'x');
const MAX_BODY_BYTES = 100 * MIB;

// Reads a body in the memory of one piece.
const TAKE = `async (body) => {
  const reader = body.getReader({ mode: 'byob' });
  let bytes = 0;
  for (let buffer = new ArrayBuffer(65536); ; ) {
    const { done, value } = await reader.read(new Uint8Array(buffer));
    if (done) return bytes;
    bytes += value.length;
    buffer = value.buffer;
  }
}`;

const BOUND = `(() => {
const take = ${TAKE};
return {
  async admit() {
    return true;
  },
  async read(request) {
    return (await take(request.body)) > 0;
  },
  async count(request) {
    await this.read(request);
    return { counted: true };
  },
};
})()`;

const DROPPING = `(() => {
  const take = ${TAKE};
  Cache.prototype.match = async () => undefined;
  Cache.prototype.put = async (_, { body }) => {
    await take(body);
  };
})()`;

/** Starts a gateway to be measured, with an upstream that sends and takes as much as it is told. */
export async function startMeasured() {
  const known = new Set(workerds());
  const upstream = await startUpstream(async (request, response) => {
    const { searchParams } = new URL(request.url, upstream.origin);
    for await (const _ of request);
    const bytes = Number(searchParams.get('mib')) * MIB;
    if (searchParams.has('sized')) response.setHeader('content-length', bytes);
    await pipeline(Readable.from(Array(bytes / PIECE.length).fill(PIECE)), response);
  });
  const bound = { max_body_bytes: MAX_BODY_BYTES };
  const asked = (name) => ({ ...bound, pre_process: { binding: 'bound', function: name } });
  const gateway = await startGateway({
    config: {
      servers: [{ alias: 'own', url: upstream.origin, timeout_ms: 600_000 }],
      serviceBindings: [{ alias: 'bound', binding: 'BOUND' }],
      authorizer: { type: 'auth0', domain: 'tenant.example', client_id: 'any' },
      paths: [
        proxied('/plain', 'own'),
        proxied('/cached', 'own', { cache: { ttl_seconds: 60 } }),
        proxied('/admitted', 'own', asked('admit')),
        proxied('/read', 'own', asked('read')),
        {
          method: 'POST',
          path: '/counted',
          integration: { type: 'service_binding', binding: 'bound', function: 'count' },
          ...bound,
        },
        proxied('/protected', 'own', { auth: true }),
      ],
    },
    entry: entryWith({ BOUND, DROPPING }),
    inspectorPort: 0,
  });
  const pid = workerds().find((candidate) => !known.has(candidate));
  await download('/plain?mib=1');
  const idle = peakMib(pid);

  function download(path) {
    return new Promise((resolve, reject) => {
      httpGet(new URL(path, gateway.origin), { agent: false }, (answer) =>
        answer.resume().once('end', () => resolve(answer.statusCode)),
      ).once('error', reject);
    });
  }

  /** Sends a body; without its length unless that is asked for. */
  function upload(path, mib, { sized = false } = {}) {
    return new Promise((resolve, reject) => {
      const headers = sized ? { 'content-length': mib * MIB } : {};
      const request = httpRequest(
        new URL(path, gateway.origin),
        { method: 'POST', agent: false, headers },
        (answer) => {
          answer.resume().once('end', () => resolve(answer.statusCode));
        },
      );
      request.once('error', reject);
      let left = mib * MIB;
      const send = () => {
        while (left > 0) {
          left -= PIECE.length;
          if (!request.write(PIECE)) return request.once('drain', send);
        }
        return request.end();
      };
      send();
    });
  }

  return {
    download,
    upload,
    /** How much more than before the first request the process has held at its most, in MiB. */
    grown: () => peakMib(pid) - idle,
    heap: () => watchHeap(gateway.miniflare),
    async close() {
      await gateway.close();
      await upstream.close();
    },
  };
}

const times = (count, work) => Promise.all(Array.from({ length: count }, (_, index) => work(index)));

/** What is measured, by what it is: each is run on a gateway of its own, and gives the statuses of its answers. */
export const LOADS = {
  'ten answers of 9 MiB that pass': ({ download }) => times(10, (index) => download(`/plain?mib=9&sized&${index}`)),
  'ten answers of 9 MiB that are cached': ({ download }) =>
    times(10, (index) => download(`/cached?mib=9&sized&${index}`)),
  'ten answers of 3 MiB that are cached': ({ download }) =>
    times(10, (index) => download(`/cached?mib=3&sized&${index}`)),
  'ten answers of 9 MiB that are cached, without their length': ({ download }) =>
    times(10, (index) => download(`/cached?mib=9&${index}`)),
  'a body of 30 MiB without its length, past a function that does not read it': ({ upload }) =>
    times(1, () => upload('/admitted', 30)),
  'four of those': ({ upload }) => times(4, () => upload('/admitted', 30)),
  'a body of 30 MiB without its length, for a function that reads it first': ({ upload }) =>
    times(1, () => upload('/read', 30)),
  'a body of 30 MiB with its length, for a function that reads it first': ({ upload }) =>
    times(1, () => upload('/read', 30, { sized: true })),
  'a body of 30 MiB without its length, for a function that answers': ({ upload }) =>
    times(1, () => upload('/counted', 30)),
  'eight refused bodies of 30 MiB': ({ upload }) => times(8, () => upload('/protected', 30)),
};

/**
 * Watches the JavaScript heap of the gateway's isolate and the buffers behind it, which is what Cloudflare's limit is about, as
 * often as the inspector answers. `end` gives by how much the most that was seen is above what it was at first, in MiB.
 */
async function watchHeap(miniflare) {
  const list = new URL('/json', (await miniflare.getInspectorURL()).href.replace(/^ws/, 'http'));
  const targets = await (await fetch(list)).json();
  const { webSocketDebuggerUrl } = targets.find((target) => target.webSocketDebuggerUrl.endsWith(`:${workerName(0)}`));
  const socket = new WebSocket(webSocketDebuggerUrl);
  await once(socket, 'open');
  const used = async () => {
    socket.send(JSON.stringify({ id: 1, method: 'Runtime.getHeapUsage' }));
    const [{ data }] = await once(socket, 'message');
    const { usedSize, embedderHeapUsedSize, backingStorageSize } = JSON.parse(data).result;
    return (usedSize + embedderHeapUsedSize + backingStorageSize) / MIB;
  };
  const idle = await used();
  let most = idle;
  let watching = true;
  const watched = (async () => {
    while (watching) most = Math.max(most, await used());
  })();
  return {
    async end() {
      watching = false;
      await watched;
      socket.close();
      return Math.round(most - idle);
    },
  };
}

function workerds(parent = process.pid) {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        const [, command, parentPid] = /\((.*)\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'));
        return command === 'workerd' && Number(parentPid) === parent;
      } catch {
        return false;
      }
    });
}

function peakMib(pid) {
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024);
}
