// What every end-to-end test stands on: the bundle that `wrangler deploy` would upload, on the real workerd, with the config
// and bindings that a test gives it; and a browser as far as login needs one, a cookie jar that follows redirects.

import assert from 'node:assert/strict';
import { randomInt, randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, request as httpRequest } from 'node:http';
import { createServer as createSocketServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { clockModules, keepTime } from './clock.mjs';
import { Miniflare, convertV4MiniflareOptions } from './miniflare.mjs';
import './rsa-keys.mjs';

export const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What a test waits for, such as a line of the log, comes within this long, or never. */
export const PATIENCE_MS = 600_000;

const wranglerToml = readFileSync(join(ROOT, 'wrangler.toml'), 'utf8');
/** The date by which workerd behaves, for the gateway and what it is compared with. */
export const compatibilityDate = /^compatibility_date = "(.+)"$/m.exec(wranglerToml)[1];
/** What the gateway has of that, and has not, besides. */
export const compatibilityFlags = JSON.parse(/^compatibility_flags = (.+)$/m.exec(wranglerToml)[1]);

/** The bindings of Durable Objects, as wrangler.toml has them. */
export const OBJECTS = {
  REFRESH_EXCHANGES: 'RefreshExchange',
  SESSIONS: 'Session',
  LOGOUT_INDEX: 'LogoutIndex',
  RATE_LIMITS: 'RateLimit',
  DPOP_PROOFS: 'DpopProofs',
};

/** The bundle as a module whose default export is a class: an entry that extends it stands before the gateway, and gives it its environment. */
export const AS_CLASS = `
  import { WorkerEntrypoint } from 'cloudflare:workers';
  import gateway from './bundle.js';

  export * from './bundle.js';
  export default class extends WorkerEntrypoint {
    fetch(request) {
      return gateway.fetch(request, this.env, this.ctx);
    }
  }
`;

/**
 * Reads and writes the namespaces of a gateway for its test. Miniflare has a way to them, too, for which each gateway would get a thread that
 * costs more than its start.
 */
const STORES = {
  name: 'stores',
  script: `
    export default {
      async fetch(request, env) {
        const { name, method, args } = await request.json();
        return Response.json((await env[name][method](...args)) ?? null);
      },
    };
  `,
  unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }],
};

/**
 * Starts a gateway.
 *
 * `config` is the gateway config (an object, or text to be taken as it stands); without one the built-in config is in
 * force. `bindings` are variables and secrets. `kv` names the KV namespaces (`JWKS` unless told otherwise), which `gateway.kv` then
 * gives the test; `objects` the bindings of Durable Objects (all unless told otherwise). `outbound` takes every request that leaves the gateway, as a function from
 * Request to Response. `entry` is the text of a module that runs in place of the bundle's entry and can import that as
 * `./worker.js`; classes of objects that it does not export are the bundle's; `modules` are the texts of others beside it, by
 * name. With `clock` the gateway is on the clock of the tests, which stands still, or with `clock: 'runs'` goes on with the
 * machine's (clock.mjs). `isolates` is how many Workers run the gateway, each at an origin of its own, over the objects of the
 * first. `bundle` is the folder of another bundle, with `worker.js`. `beside` are further Workers, as Miniflare takes them, to which its `serviceBindings` may lead. Everything else goes to
 * Miniflare as it is.
 * @param {Record<string, any>} [options]
 */
export async function startGateway(options = {}) {
  const {
    config,
    bindings = {},
    kv = ['JWKS'],
    objects = Object.keys(OBJECTS),
    outbound,
    entry,
    clock = false,
    modules: more = {},
    isolates = 1,
    beside: further = [],
    bundle = join(ROOT, 'build', 'bundle'),
    ...rest
  } = options;
  const beside = [...further, ...(options.kv?.length ? [{ ...STORES, kvNamespaces: kv }] : [])];
  const wasm = moduleOf(bundle);
  const lines = [];
  const records = [];
  const arrivals = new EventEmitter().setMaxListeners(0);
  const inline =
    config === undefined ? {} : { BARGATE_CONFIG_JSON: typeof config === 'string' ? config : JSON.stringify(config) };
  const modules = [
    ...(clock ? clockModules(bundle, entry ? 'entry.js' : 'worker.js', { runs: clock === 'runs' }) : []),
    ...(entry
      ? [{ type: 'ESModule', path: join(bundle, 'entry.js'), contents: `${entry}\nexport * from './worker.js';` }]
      : []),
    ...(clock || entry
      ? [
          { type: 'ESModule', path: join(bundle, 'worker.js'), contents: AS_CLASS },
          {
            type: 'ESModule',
            path: join(bundle, 'bundle.js'),
            contents: readFileSync(join(bundle, 'worker.js'), 'utf8'),
          },
        ]
      : [{ type: 'ESModule', path: join(bundle, 'worker.js') }]),
    { type: 'CompiledWasm', path: join(bundle, wasm) },
    ...Object.entries(more).map(([name, contents]) => ({ type: 'ESModule', path: join(bundle, name), contents })),
  ];
  const workers = Array.from({ length: isolates }, (_, index) => ({
    name: workerName(index),
    modules,
    modulesRoot: bundle,
    compatibilityDate,
    compatibilityFlags,
    kvNamespaces: kv,
    durableObjects: Object.fromEntries(
      objects.map((name) => [
        name,
        {
          className: OBJECTS[name],
          useSQLite: true,
          ...(index > 0 ? { scriptName: workerName(0) } : {}),
        },
      ]),
    ),
    bindings: { ...inline, ...bindings },
    ...(outbound ? { outboundService: outbound } : {}),
    ...(index > 0 ? { unsafeDirectSockets: [{ host: '127.0.0.1', port: 0 }] } : {}),
    ...rest,
  }));
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      // Otherwise each start asks Cloudflare where this machine is.
      cf: false,
      handleStructuredLogs({ message, level }) {
        lines.push({ message, level });
        records.push(...parsed(message));
        arrivals.emit('line');
      },
      ...rest,
      workers: [...workers, ...beside.map((worker) => ({ modules: true, compatibilityDate, ...worker }))],
    }),
  );
  const { origin } = await miniflare.ready.catch(async (error) => {
    // Left alone, what has started so far would keep the test's process alive.
    await miniflare.dispose().catch(() => {});
    throw error;
  });
  const others = workers.slice(1).map(async ({ name }) => (await miniflare.unsafeGetDirectURL(name)).origin);
  const origins = [origin, ...(await Promise.all(others))];
  const time = clock ? keepTime(origins) : undefined;
  return {
    origin,
    /** The origin of each isolate, of which `origin` is the first. */
    origins,
    /** With `clock`: moves the clock of this gateway alone, or its timers as well (clock.mjs). */
    later: time?.later,
    elapse: time?.elapse,
    /** How many requests a gateway on the clock has taken in. */
    taken: time?.taken,
    miniflare,
    /** The KV namespace of this name, if it is among those of `kv`. */
    async kv(name) {
      assert.ok(options.kv?.includes(name), `start the gateway with \`kv\`, and ${name} in it`);
      return namespaceAt((await miniflare.unsafeGetDirectURL(STORES.name)).origin, name);
    },
    /** Every line the Worker has logged, as text. */
    lines,
    /** The log's JSON lines, parsed. */
    records: () => records,
    /** Resolves with the first JSON line for which `wanted` is true, now or when it comes; fails if none comes in time. */
    async record(wanted, { signal = AbortSignal.timeout(PATIENCE_MS) } = {}) {
      let seen = 0;
      for (;;) {
        const found = records.slice(seen).find(wanted);
        if (found) return found;
        seen = records.length;
        await once(arrivals, 'line', { signal });
      }
    },
    fetch: (path, init) => fetch(new URL(path, origin), { redirect: 'manual', ...init }),
    /** Makes a request and gives all there is to know of it: the answer, its text and JSON, and its line in the log. */
    async ask(path, init = {}) {
      const id = randomUUID();
      const response = await this.fetch(path, { ...init, headers: { ...init.headers, 'x-request-id': id } });
      const text = await response.text();
      const record = await this.record(({ request_id }) => request_id === id);
      return { id, response, status: response.status, headers: response.headers, text, body: parsed(text)[0], record };
    },
    async close() {
      time?.stop();
      await miniflare.dispose();
    },
  };
}

/** A namespace as a Worker has it, but for values that are no text. */
function namespaceAt(origin, name) {
  const call =
    (method) =>
    async (...args) => {
      const answer = await sendRaw(origin, { method: 'POST', body: JSON.stringify({ name, method, args }) });
      assert.equal(answer.status, 200, answer.text);
      return answer.json();
    };
  return { get: call('get'), put: call('put'), list: call('list'), delete: call('delete') };
}

/** The name of the Worker that is the isolate of this number; the objects are those of the first. */
export const workerName = (index) => `gateway-${index}`;

/** The WebAssembly that the bundle imports: what earlier bundles left in the folder is not one of ours. */
function moduleOf(bundle) {
  return /["']\.\/([^"']+\.wasm)["']/.exec(readFileSync(join(bundle, 'worker.js'), 'utf8'))[1];
}

function parsed(text) {
  try {
    const value = JSON.parse(text);
    return value && typeof value === 'object' ? [value] : [];
  } catch {
    return [];
  }
}

/**
 * Sends a request as it is written: no path is normalised and no header refused, as `fetch` would; the answer's headers and
 * bytes come as they are, not decoded. A header may have an array of values.
 * @param {string} origin
 * @param {{ method?: string, path?: string, headers?: Record<string, any>, body?: any }} [options]
 * @returns {Promise<any>}
 */
export function sendRaw(origin, { method = 'GET', path = '/', headers = {}, body } = {}) {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers, agent: false }, async (answer) => {
      try {
        const bytes = Buffer.concat(await answer.toArray());
        const values = (name) => answer.headersDistinct[name] ?? [];
        resolve({
          status: answer.statusCode,
          body: bytes,
          text: bytes.toString('utf8'),
          values,
          header: (name) => values(name)[0] ?? null,
          json: () => JSON.parse(bytes.toString('utf8')),
        });
      } catch (error) {
        reject(error);
      }
    });
    request.once('error', reject);
    request.end(body);
  });
}

/** The origin of a server of node:http that listens. */
export const originOf = (server) => `http://127.0.0.1:${server.address().port}`;

/**
 * Starts an upstream that answers with a node:http listener of the test's own. `options` are those of the server.
 * @param {(request: any, response: any) => any} listener
 * @param {import('node:http').ServerOptions} [options]
 */
export async function startUpstream(listener, options = {}) {
  const server = createServer(options, listener);
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    origin: originOf(server),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A path that is forwarded to a server. */
export const proxied = (path, server, more = {}) => ({
  method: 'ANY',
  path,
  integration: { type: 'http_proxy', server },
  ...more,
});

/**
 * Finds a port on which nothing listens. It lies below those that systems give out by themselves, or else whatever asks for
 * any port next could be given this one.
 */
export async function freePort() {
  for (;;) {
    const port = randomInt(20_000, 30_000);
    const server = createSocketServer();
    const free = await new Promise((resolve) => {
      server.once('error', () => resolve(false)).listen(port, '127.0.0.1', () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (free) return port;
  }
}

/**
 * Waits until `condition` gives something, of which no event tells, and returns that.
 * @param {() => any} condition
 * @returns {Promise<any>}
 */
export async function until(condition) {
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    const met = await condition();
    if (met) return met;
    assert.ok(performance.now() < deadline, `not so after ${PATIENCE_MS} ms: ${condition}`);
    await sleep(5);
  }
}

/** A browser without pages: cookies by host, and redirects followed one by one. */
export class Browser {
  #jars = new Map();

  cookies(url) {
    const { host } = new URL(url);
    if (!this.#jars.has(host)) this.#jars.set(host, new Map());
    return this.#jars.get(host);
  }

  async fetch(url, init = {}) {
    const jar = this.cookies(url);
    const headers = new Headers(init.headers);
    if (jar.size) headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '));
    const response = await fetch(url, { ...init, headers, redirect: 'manual' });
    for (const line of response.headers.getSetCookie()) {
      const [pair, ...attributes] = line.split(';').map((part) => part.trim());
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)];
      const gone = attributes.some(
        (attribute) => /^max-age=0$/i.test(attribute) || /^expires=Thu, 01 Jan 1970/i.test(attribute),
      );
      if (gone) jar.delete(name);
      else jar.set(name, value);
    }
    return response;
  }

  /**
   * Follows redirects from `url` until an answer is not one, or leads to an address that `stop` accepts. Returns the last answer
   * and its URL.
   * @param {string | URL} url
   * @param {any} [init]
   * @param {(url: string) => boolean} [stop]
   */
  async follow(url, init, stop = () => false) {
    let [at, response] = [String(url), await this.fetch(url, init)];
    while (response.status >= 300 && response.status < 400) {
      const next = new URL(response.headers.get('location'), at).href;
      if (stop(next)) return { response, url: at, next };
      [at, response] = [next, await this.fetch(next)];
    }
    return { response, url: at };
  }

  /**
   * Logs in at the tenant from a gateway's login path and stops before the callback is called: gives its URL.
   * @param {string} loginUrl
   * @param {Record<string, any>} [how]
   */
  async logInUntilCallback(loginUrl, { email = 'alice@example.com', code = '', action = 'login', isCallback } = {}) {
    const stop = isCallback ?? ((url) => new URL(url).searchParams.has('state') && /[?&](code|error)=/.test(url));
    const form = new URLSearchParams({ username: email, password: 'any', code, action });
    let arrived = await this.follow(loginUrl, {}, stop);
    // A strict tenant has a second page, which asks for consent.
    for (let pages = 0; !arrived.next && pages < 2; pages += 1)
      arrived = await this.follow(arrived.url, { method: 'POST', body: form }, stop);
    return arrived.next;
  }
}
