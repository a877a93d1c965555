// What the tests of the config's sources share: a gateway on the clock of the tests, and a KV namespace
// that a test writes and lets fail.

import assert from 'node:assert/strict';
import { startGateway, until } from './harness.mjs';
import { assertProblem, readAnswer } from './login-flow.mjs';

export const FIRST_KEY = 'gateway.config.json';
export const SECOND_KEY = 'api-config.json';
/** How long a config of KV is active until it is looked at again. */
export const RECHECK_SECS = 60;
/** STORE_TIMEOUT_MS of bindings.rs. */
const READ_TIMEOUT_SECS = 3;
const CONFIG_INVALID = [503, 'config_invalid'];

// Obeys orders in a header, and is otherwise the bundle: lets the next reads of a binding go wrong, one word a read, and counts the
// reads that have ended and those that hang.
export const ORDERED_ENTRY = `
  import Gateway from './worker.js';

  const reads = { CONFIG: 0, STORED: 0, hanging: 0 };
  const faults = { CONFIG: [], STORED: [] };
  const read = (env, name, ...key) => {
    const kind = faults[name].shift();
    if (kind === 'hangs') {
      reads.hanging += 1;
      return new Promise(() => {});
    }
    if (kind === 'throws') {
      reads[name] += 1;
      throw new Error('the store is away');
    }
    const reading = kind === 'rejects' ? Promise.reject(new Error('the store is away')) : env[name].get(...key);
    return reading.finally(() => {
      reads[name] += 1;
    });
  };

  export default class extends Gateway {
    constructor(context, env) {
      const ordered = Object.create(env);
      for (const name of Object.keys(faults).filter((name) => env[name])) {
        Object.defineProperty(ordered, name, { value: { get: (...key) => read(env, name, ...key) } });
      }
      super(context, ordered);
    }

    fetch(request) {
      const order = request.headers.get('x-order');
      if (order === null) return super.fetch(request);
      const { faulty = {} } = JSON.parse(order);
      for (const [name, kinds] of Object.entries(faulty)) faults[name] = kinds;
      return Response.json(reads);
    }
  }
`;

export const configOf = (value) => ({ paths: [{ method: 'GET', path: '/source', response: { value } }] });

/**
 * Adds to a gateway what tests of its config do, and its first config.
 * @param {any} t
 * @param {any} gateway
 * @param {any} [config]
 */
export async function prepare(t, gateway, config) {
  t.after(() => gateway.close());
  const namespace = await gateway.kv('CONFIG').catch(() => undefined);
  const order = async (what) => {
    const headers = { 'x-order': JSON.stringify(what) };
    const [first] = await Promise.all(gateway.origins.map(async (origin) => (await fetch(origin, { headers })).json()));
    return first;
  };
  const put = (text, key = FIRST_KEY) => namespace.put(key, typeof text === 'string' ? text : JSON.stringify(text));
  if (config !== undefined) await put(config);
  return {
    ...gateway,
    put,
    remove: (key) => namespace.delete(key),
    /** Resolves once a read hangs, and lets its time run out. */
    async readTimesOut() {
      await until(async () => (await order({})).hanging > 0);
      await gateway.elapse(READ_TIMEOUT_SECS);
    },
    /** Lets the next reads of a binding go wrong, in every isolate. */
    faulty: (name, ...kinds) => order({ faulty: { [name]: kinds } }),
    /** How often a binding was read; what the gateway makes of the last read is active by then. Of the first isolate. */
    reads: async (name) => (await order({}))[name],
    source: async () => {
      const answer = await readAnswer(await gateway.fetch('/source'));
      return answer.status === 200 ? answer.body.value : answer.body.code;
    },
    /**
     * Asserts that a request is answered 503, and waits until all that it logged is there.
     * @param {string} [message]
     */
    async refused(message) {
      const answer = await readAnswer(await gateway.fetch('/source'));
      assertProblem(answer, CONFIG_INVALID, message);
      await gateway.record(({ request_id: id }) => id === answer.body.request_id);
    },
    /** The config's mistakes that were logged so far. */
    mistakes: () => {
      const ofConfig = gateway.records().filter(({ code, message }) => code === 'config_invalid' && message);
      return ofConfig.map(({ message }) => message);
    },
  };
}

/**
 * Starts a gateway whose KV holds `config`.
 * @param {any} t
 * @param {any} [config]
 * @param {Record<string, any>} [options]
 */
export async function start(t, config, options = {}) {
  return prepare(
    t,
    await startGateway({ kv: ['JWKS', 'CONFIG'], objects: [], entry: ORDERED_ENTRY, clock: true, ...options }),
    config,
  );
}

/** Moves the clock to the time at which the config is read again, and waits until it is the one that answers `value`. */
export async function arrives(gateway, value) {
  const before = await gateway.source();
  await gateway.later(RECHECK_SECS);
  assert.equal(await gateway.source(), before, 'nobody waits for the change');
  await until(async () => (await gateway.source()) === value);
}
