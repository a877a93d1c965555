// Calls modules beside the gateway and other Workers. What one answered is made into a response here: only here is it a value of
// JavaScript, whose type decides.

import { EMPTY, reading, refused } from '../request/answer.js';
import { forward, sendable } from '../request/forwarding.js';
import { services } from '../gateway/inputs.js';
import { BUSY, Room, TIMEOUT, UNHELD, counted, counting, sized, within } from '../runtime/limits.js';

/**
 * Makes of what a service answered what the older gateway made of it.
 *
 * @param {any} answer
 */
function answered(answer) {
  const failure = answer instanceof Error || (answer instanceof Response && answer.status === 0);
  if (answer instanceof Response && !failure) return answer;
  /** @type {(body: string | null, status: number) => Response} */
  const json = (body, status) => {
    return new Response(EMPTY.includes(status) ? null : body, {
      status,
      headers: { 'content-type': 'application/json' },
    });
  };
  const success = 'Operation completed successfully.';
  switch (failure ? '' : typeof answer) {
    case 'string':
      return json(answer, 200);
    case 'number':
    case 'boolean':
      return json(null, 400);
    case 'object': {
      if (answer === null) return json(null, 200);
      if (Array.isArray(answer))
        return json(JSON.stringify({ status: 'success', message: success, data: answer }), 200);
      const { statusCode, message, error, ...data } = answer;
      const body = error
        ? { status: 'error', message: message || 'An error occurred.', error }
        : { status: 'success', message: message || success, data };
      return json(JSON.stringify(body), statusCode ?? (error ? 500 : 200));
    }
  }
  throw new Error('it answered nothing usable');
}

/**
 * @param {string} name
 * @param {Request} request
 * @param {unknown} env
 * @param {ExecutionContext} ctx
 * @param {string} text
 * @param {number} ms
 */
export function serve(name, request, env, ctx, text, ms) {
  return within(
    ms,
    async () => {
      const { default: service } = await services()[name]();
      const instance = typeof service === 'function' ? new service() : service;
      // The names of the older gateway are for functions of other Workers, which it called with them.
      const { requestUrl, jwtPayload, ...context } = JSON.parse(text);
      return answered(await counting(request, async () => instance.fetch(request, env, ctx, context)));
    },
    TIMEOUT,
  );
}

/** Room for what functions read of bodies that others are to read behind them. */
const room = new Room(4 * 1024 * 1024);
/** What a piece of a body takes besides its bytes. */
const OVERHEAD_BYTES = 256;

// The older gateway gave functions its environment as JSON here; this is the environment of one that has nothing to give.
const ENVIRONMENT = '{}';

/**
 * Another Worker, whose functions are called by name.
 *
 * @typedef {Record<string, (request: Request, environment: string, context: string) => unknown>} Binding
 */

/**
 * @param {Binding} binding
 * @param {string} name
 * @param {Request} request
 * @param {string} context
 * @param {number} ms
 */
export function invoke_function(binding, name, request, context, ms) {
  const call = async () => binding[name](sendable(request), ENVIRONMENT, context);
  return within(ms, () => counting(request, call), TIMEOUT);
}

/** @param {Parameters<typeof invoke_function>} call */
export async function call_function(...call) {
  return answered(await invoke_function(...call));
}

/**
 * Returns the answer that stops the request, if any, and the request that continues.
 *
 * @param {Binding} binding
 * @param {string} name
 * @param {Request} request
 * @param {string} lines
 * @param {string} context
 * @param {number} ms
 * @param {number} [max]
 * @returns {Promise<[Response | undefined, Request]>}
 */
export async function ask_first(binding, name, request, lines, context, ms, max) {
  const asked = sendable(request);
  const { body } = asked;
  /** @param {Request} shown */
  const ask = async (shown) => {
    const answer = await invoke_function(binding, name, shown, context, ms);
    if (answer !== true && !(answer instanceof Response)) throw new Error('it answered neither true nor a Response');
    return answer === true ? undefined : answered(answer);
  };
  if (!body) return [await ask(forward(asked, lines)), asked];
  // What the function reads is kept in memory, for the reader after it.
  /** @type {import('../runtime/limits.js').Held} */
  const held = {};
  /** @type {Uint8Array[]} */
  const taken = [];
  /** @param {Uint8Array} piece */
  const keep = (piece) => {
    if (!room.take(held, piece.length + OVERHEAD_BYTES)) throw (held.bytes ?? 0) > room.max ? UNHELD : BUSY;
    taken.push(piece.slice());
  };
  const length = asked.headers.get('content-length');
  const [first, second] = [sized(length), sized(length)];
  const shown = forward(new Request(asked, { body: first.readable }), lines);
  /** @type {import('../runtime/limits.js').Counted} */
  const tap = { body, writer: first.writable.getWriter(), max, keep };
  counted.set(shown, tap);
  let answer;
  try {
    answer = await ask(shown);
  } catch (reason) {
    room.leave(held);
    throw reason;
  } finally {
    tap.writer.abort().catch(() => {});
    reading.set(body, tap.pumped);
  }
  const give = async () => {
    const broken = await tap.pumped;
    const writer = second.writable.getWriter();
    if (broken) return writer.abort(broken);
    while (taken.length > 0) await writer.write(taken.shift());
    room.leave(held);
    writer.releaseLock();
    return body.pipeTo(second.writable, { preventCancel: true });
  };
  give().catch(() => {});
  const onward = new Request(asked, { body: second.readable });
  if (answer && onward.body) refused.add(onward.body);
  return [answer, onward];
}
