// The gateway of a row: the bundle that a deployment would upload, in one process of raw workerd, as several isolates over the same
// Durable Objects. Those are on the disk, in a folder that stays: the process can be killed at any moment and started again over it, at
// the same origins, with the same bundle or another.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BUNDLE, gatewayWorker } from '../bench/gateway.mjs';
import { quoted, startWorkerd, writeConfig } from '../bench/workerd.mjs';
import { DEFAULT_CLIENT_SECRET } from '../dev/tenant.mjs';
import { clockModules, keepTime } from '../tests/e2e/support/clock.mjs';
import { AS_CLASS, OBJECTS, freePort, workerName } from '../tests/e2e/support/harness.mjs';
import { NAMESPACE_HEADER } from './kv.mjs';
import { ROW } from './timeline.mjs';

/** A request with this header is an order to the module `wrap`, and not one to the gateway. */
const ORDER_HEADER = 'x-chaos-order';
/** How many lines of the log are kept. */
const LINES_KEPT = 100_000;

/**
 * What stands before the bundle if a row gives a module that wraps its environment. That exports `default (env, of) => env`, where `of` is
 * `gateway` or the class of the object whose environment it is, and may export `obey(order)`, which answers what `order` sends. The
 * isolate's requests and its objects share the module, and with it whatever that keeps. A bundle of before may lack a class.
 */
const WRAPPED = `
  import { DurableObject, WorkerEntrypoint } from 'cloudflare:workers';
  import gateway, * as bundle from './bundle.js';
  import wrap, * as module from './wrap.js';

  const known = new WeakMap();
  const wrapped = (env, of) => {
    if (!known.has(env)) known.set(env, wrap(env, of));
    return known.get(env);
  };
  const stored = (name) => class extends (bundle[name] ?? DurableObject) {
    constructor(ctx, env) {
      super(ctx, wrapped(env, name));
    }
  };
  ${Object.values(OBJECTS)
    .map((name) => `export const ${name} = stored('${name}');`)
    .join('\n')}

  export default class extends WorkerEntrypoint {
    async fetch(request) {
      const order = request.headers.get('${ORDER_HEADER}');
      if (order !== null) return Response.json((await module.obey(JSON.parse(order))) ?? null);
      return gateway.fetch(request, wrapped(this.env, 'gateway'), this.ctx);
    }
  }
`;

/**
 * @typedef {object} Options
 * @property {string} folder where the objects are stored; the configuration of workerd lies there, too
 * @property {object | string} config
 * @property {Record<string, string>} [texts] further variables and secrets
 * @property {number} [isolates] how many Workers run the gateway, over the objects of the first
 * @property {string | string[]} [bundle] the folder of the bundle, or that of each isolate's
 * @property {string} [wrap] the text of a module that wraps the environment (`WRAPPED`)
 * @property {string} [entry] the text of a module that stands before the bundle, as in tests/e2e/support/harness.mjs
 * @property {Record<string, string>} [modules] the texts of others beside these, by name
 * @property {boolean | 'runs'} [clock] whether it goes by the clock of the tests (tests/e2e/support/clock.mjs)
 * @property {{ address: string }} [kv] where its KV namespaces are served (kv.mjs)
 * @property {string[]} [namespaces] the bindings of those
 * @property {Record<string, string>} [objects] the bindings of Durable Objects
 * @property {string[]} [bindings] further bindings of each isolate, as the configuration of workerd has them
 * @property {string[]} [services] further services, likewise
 * @property {import('../bench/workerd.mjs').Worker[]} [beside] further Workers, at origins of their own
 * @property {string} [logLevel]
 * @property {string[]} [v8Flags]
 * @property {string[]} [args] further arguments of workerd
 * @property {string[]} [trusted] certificates of servers that it may call, as PEM
 * @property {import('./timeline.mjs').Timeline} [timeline] where its end and its start are noted
 */

/** Starts a gateway. @param {Options} options */
export async function startChaosGateway(options) {
  const { isolates = 1, folder, clock = false, timeline, beside = [], namespaces = ['JWKS'] } = options;
  const ports = [];
  for (let index = 0; index < isolates + beside.length; index += 1) ports.push(await freePort());
  mkdirSync(folder, { recursive: true });
  const lines = [];
  const onLine = (line) => {
    lines.push(line);
    if (lines.length > LINES_KEPT) lines.splice(0, LINES_KEPT / 2);
  };
  let { bundle = BUNDLE } = options;
  let workerd;
  let time;

  const gateway = {
    /** The origin of each isolate, and then of each Worker beside them. */
    origins: ports.map((port) => `http://127.0.0.1:${port}`),
    /** The objects and the configuration. */
    folder,
    /** What the Workers have logged and workerd has said, line by line. */
    lines,
    /** The log's JSON lines, parsed. */
    records: () => lines.flatMap(parsed),
    /** The process id of workerd. */
    get pid() {
      return workerd?.pid;
    },
    /** Starts the process again over the same folder, with another bundle if one is given. */
    async start({ bundle: other = bundle } = {}) {
      bundle = other;
      const services = options.kv ? namespaces.map((name) => kvService(name, options.kv.address)) : [];
      const workers = [
        ...workersOf(options, bundle, ports),
        ...beside.map((worker, index) => ({ ...worker, port: ports[isolates + index] })),
      ];
      const file = writeConfig(
        folder,
        workers,
        options.v8Flags,
        [...services, ...(options.services ?? [])],
        options.trusted,
      );
      workerd = await startWorkerd(file, workers.length, { onLine, args: options.args });
      time = clock ? keepTime(gateway.origins.slice(0, isolates)) : undefined;
      timeline?.add(ROW, 'workerd starts', { pid: workerd.pid });
    },
    /** Kills the process (SIGKILL), and resolves when it has ended. */
    async kill() {
      const { pid } = workerd;
      const ended = end();
      timeline?.add(ROW, 'SIGKILL', { pid });
      await ended;
    },
    /** Moves the clock of this gateway alone, or its timers as well (tests/e2e/support/clock.mjs). */
    later: (seconds) => time.later(seconds),
    elapse: (seconds) => time.elapse(seconds),
    /** Gives an order to the module `wrap`, in one isolate or in each, and returns what that answers: of each, an array. */
    async order(what, isolate) {
      const at = isolate === undefined ? Array.from({ length: isolates }, (_, index) => index) : [isolate];
      const answers = await Promise.all(at.map((index) => orderAt(gateway.origins[index], what)));
      return isolate === undefined ? answers : answers[0];
    },
    async close() {
      if (workerd) await end();
    },
  };
  await gateway.start();
  return gateway;

  async function end() {
    time?.stop();
    const ending = workerd;
    workerd = undefined;
    await ending.close();
  }
}

async function orderAt(origin, what) {
  const answer = await fetch(`${origin}/-/order`, { headers: { [ORDER_HEADER]: JSON.stringify(what) } });
  if (answer.status !== 200) throw new Error(`an order was not obeyed: ${answer.status} ${await answer.text()}`);
  return answer.json();
}

const kvService = (name, address) =>
  `(name = ${quoted(kvName(name))}, external = (address = ${quoted(address)}, http = (injectRequestHeaders = [(name = ${quoted(NAMESPACE_HEADER)}, value = ${quoted(name)})])))`;
const kvName = (name) => `kv-${name}`;

/** @param {Options} options @param {string | string[]} bundle @param {number[]} ports */
function workersOf(options, bundle, ports) {
  const {
    config,
    texts = {},
    isolates = 1,
    objects = OBJECTS,
    bindings = [],
    logLevel = 'off',
    kv,
    namespaces = ['JWKS'],
  } = options;
  const inline = typeof config === 'string' ? config : JSON.stringify(config);
  return Array.from({ length: isolates }, (_, index) => {
    const own = typeof bundle === 'string' ? bundle : bundle[index];
    const all = { BARGATE_CONFIG_JSON: inline, CLIENT_SECRET: DEFAULT_CLIENT_SECRET, LOG_LEVEL: logLevel, ...texts };
    const worker = gatewayWorker(workerName(index), all, own);
    return {
      ...worker,
      port: ports[index],
      modules: modulesOf(options, worker.modules, index),
      kv: kv ? Object.fromEntries(namespaces.map((name) => [name, kvName(name)])) : {},
      objects,
      objectsOf: workerName(0),
      bindings,
    };
  });
}

/**
 * The modules of an isolate, those that stand before the bundle first.
 *
 * @param {Options} options
 * @param {import('../bench/workerd.mjs').Module[]} bundled
 * @param {number} index
 */
function modulesOf({ folder, entry, wrap, modules: more = {}, clock = false }, bundled, index) {
  const asClass = wrap ? WRAPPED : AS_CLASS;
  if (!(entry || wrap || clock || Object.keys(more).length)) return bundled;
  const place = join(folder, 'modules', String(index));
  mkdirSync(place, { recursive: true });
  const [{ path: worker }, ...others] = bundled;
  const texts = [
    ...(clock
      ? clockModules('', entry ? 'entry.js' : 'worker.js', { runs: clock === 'runs' }).map(({ path, contents }) => [
          path,
          contents,
        ])
      : []),
    ...(entry ? [['entry.js', `${entry}\nexport * from './worker.js';`]] : []),
    ['worker.js', asClass],
    ...(wrap ? [['wrap.js', wrap]] : []),
    ['bundle.js', readFileSync(worker, 'utf8')],
    ...Object.entries(more),
  ];
  const written = texts.map(([name, text]) => {
    const path = join(place, name);
    writeFileSync(path, text);
    return { name, path };
  });
  return [...written, ...others];
}

function parsed(line) {
  try {
    const value = JSON.parse(line);
    return value && typeof value === 'object' ? [value] : [];
  } catch {
    return [];
  }
}
