// What an isolate holds, as it is seen from inside: its JavaScript heap with what belongs to that, the buffers behind it, and the memory
// of its WebAssembly. That is what Cloudflare's limit is about; what the runtime has for its sockets is not a part of it.

import { once } from 'node:events';
import { workerName } from '../tests/e2e/support/harness.mjs';

const MIB = 1024 * 1024;
/** A request with this header is answered with the bytes of the isolate's WebAssembly. */
const HEADER = 'x-chaos-memory';
/** Its value, if the garbage is to be collected first. */
const SETTLED = 'settled';

/** Stands before the bundle (`modules` of gateway.mjs) and knows of each memory that is made. */
const COUNTED = `
  const made = [];
  const { Instance } = WebAssembly;
  WebAssembly.Instance = class extends Instance {
    constructor(...args) {
      super(...args);
      made.push(new WeakRef(this));
    }
  };
  const memories = () => made.flatMap((of) => Object.values(of.deref()?.exports ?? {})).filter((each) => each instanceof WebAssembly.Memory);
  export const bytes = () => memories().reduce((sum, { buffer }) => sum + buffer.byteLength, 0);
`;

/** The entry and the module by which a gateway tells that: `startChaosGateway({ ...measured })`. */
export const measured = {
  entry: `
    import { bytes } from './memory.js';
    import Gateway from './worker.js';

    export default class extends Gateway {
      fetch(request) {
        const asked = request.headers.get('${HEADER}');
        if (asked === null) return super.fetch(request);
        if (asked === '${SETTLED}') gc();
        return new Response(bytes());
      }
    }
  `,
  modules: { 'memory.js': COUNTED },
  v8Flags: ['--expose-gc'],
};

/** The argument of workerd for its inspector. @param {number} port */
export const inspectorAt = (port) => `--inspector-addr=127.0.0.1:${port}`;

/**
 * Measures an isolate of a gateway that was started with `measured` and an inspector.
 *
 * @param {{ origins: string[] }} gateway
 * @param {number} port that of the inspector
 * @param {number} [isolate]
 */
export async function openMeter(gateway, port, isolate = 0) {
  const targets = /** @type {{ id: string, webSocketDebuggerUrl: string }[]} */ (
    await (await fetch(`http://127.0.0.1:${port}/json`)).json()
  );
  const target = targets.find(({ webSocketDebuggerUrl }) => webSocketDebuggerUrl.endsWith(workerName(isolate)));
  if (!target) throw new Error(`the inspector has no isolate ${isolate}: ${JSON.stringify(targets)}`);
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  await once(socket, 'open');
  /** @type {Map<number, (result: any) => void>} */
  const waiting = new Map();
  let calls = 0;
  socket.addEventListener('message', ({ data }) => {
    const { id, result } = JSON.parse(data);
    waiting.get(id)?.(result);
    waiting.delete(id);
  });
  const call = (method) =>
    new Promise((resolve) => {
      calls += 1;
      waiting.set(calls, resolve);
      socket.send(JSON.stringify({ id: calls, method }));
    });
  const wasmBytes = async (how = 'yes') =>
    Number(await (await fetch(gateway.origins[isolate], { headers: { [HEADER]: how } })).text());
  let most = 0;
  let samples = 0;
  let watching = true;
  let watched = Promise.resolve();
  const meter = {
    /** What is held, in MiB; what is garbage only counts as long as it was not collected. */
    async held() {
      const [{ usedSize, embedderHeapUsedSize, backingStorageSize }, wasm] = await Promise.all([
        call('Runtime.getHeapUsage'),
        wasmBytes(),
      ]);
      const held = (usedSize + embedderHeapUsedSize + backingStorageSize + wasm) / MIB;
      most = Math.max(most, held);
      samples += 1;
      return held;
    },
    /** What is held once the garbage is collected, in MiB. */
    async settled() {
      await wasmBytes(SETTLED);
      return meter.held();
    },
    /** The most that was seen, in MiB, and how often it was looked at. */
    most: () => ({ mib: Math.round(most * 10) / 10, samples }),
    /** Looks as often as the inspector answers. @param {(mib: number) => void} [see] */
    watch(see = () => {}) {
      watched = (async () => {
        while (watching) see(await meter.held());
      })();
    },
    async close() {
      watching = false;
      await watched.catch(() => {});
      socket.close();
    },
  };
  return meter;
}
