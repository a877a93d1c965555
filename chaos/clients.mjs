// Clients that send many requests over connections that they keep, and hang up when a row says so.

import { Pool } from 'undici';

/** How many connections a pool has to each isolate, if a row does not say. */
const CONNECTIONS = 32;
/** So long a client waits that does not hang up: a busy machine is no fault. */
const TIMEOUT_MS = 600_000;
/** What undici and Node.js say of a connection whose other end is gone. */
const LOST = ['UND_ERR_SOCKET', 'ECONNRESET', 'ECONNREFUSED', 'EPIPE'];
/** Why there is no answer if the client did not wait for it. */
export const HUNG_UP = 'hangs up';

/**
 * @typedef {object} Answer
 * @property {number} status 0 if there was none
 * @property {Record<string, string | string[] | undefined>} headers
 * @property {string} text
 * @property {any} body the text as JSON, if it is that
 * @property {string} [error] why there was no answer: `hangs up` if the client did not wait for it
 */

/**
 * Makes clients of a gateway. Its origins are looked up at each request, so they may change.
 *
 * @param {{ origins: string[] }} gateway
 * @param {{ timeline?: import('./timeline.mjs').Timeline, connections?: number }} [how]
 */
export function clientsOf(gateway, { timeline, connections = CONNECTIONS } = {}) {
  /** @type {Map<string, Pool>} */
  const pools = new Map();
  const poolOf = (origin) => {
    const known = pools.get(origin);
    if (known) return known;
    const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: TIMEOUT_MS, bodyTimeout: TIMEOUT_MS });
    pools.set(origin, pool);
    return pool;
  };
  return {
    /**
     * Makes a request at an isolate, and gives what was answered. `signal` hangs up; `lane` is who asks, and `about` what it concerns,
     * in the timeline.
     *
     * @param {string} path
     * @param {{ isolate?: number, method?: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS', headers?: Record<string, string>, body?: string, signal?: AbortSignal, lane?: string, about?: string }} [init]
     * @returns {Promise<Answer>}
     */
    async ask(path, { isolate = 0, method = 'GET', headers = {}, body, signal, lane = 'client', about } = {}) {
      const to = `isolate ${isolate}`;
      timeline?.add(lane, `${method} ${path}`, undefined, { to, about });
      const answer = await answered(poolOf(gateway.origins[isolate]).request({ path, method, headers, body, signal }));
      const code = answer.body?.code ? ` ${answer.body.code}` : '';
      if (!answer.error) timeline?.add(to, `${answer.status}${code}`, undefined, { to: lane, about });
      else
        timeline?.add(lane, LOST.includes(answer.error) ? 'loses the connection' : answer.error, undefined, { about });
      return answer;
    },
    close: () => Promise.all([...pools.values()].map((pool) => pool.destroy())),
  };
}

/** @param {Promise<import('undici').Dispatcher.ResponseData>} asked @returns {Promise<Answer>} */
async function answered(asked) {
  try {
    const { statusCode: status, headers, body } = await asked;
    const text = await body.text();
    return { status, headers, text, body: parsed(text) };
  } catch (error) {
    const isOwn = error.name === 'AbortError' || error.code === 'UND_ERR_ABORTED';
    return {
      status: 0,
      headers: {},
      text: '',
      body: undefined,
      error: isOwn ? HUNG_UP : `${error.code ?? error.message}`,
    };
  }
}

/** Returns a text as JSON, if it is that. @param {string} text */
export function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/**
 * Does `work` for each of the items, at most `most` at a time, in their order.
 *
 * @template T, R
 * @param {readonly T[]} items
 * @param {number} most
 * @param {(item: T, index: number) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function inTurns(items, most, work) {
  const results = new Array(items.length);
  let next = 0;
  const turn = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index], index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(most, items.length) }, turn));
  return results;
}
