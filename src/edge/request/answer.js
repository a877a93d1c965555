// Makes answers, and reads the rest of a request's body: if it stayed unread, the runtime would break the connection, and the
// answer with it. `src/answer.rs` decides which headers an answer has.

import { change } from '../runtime/headers.js';
import { pieces, sized, within } from '../runtime/limits.js';

/** Statuses whose answers have no body. */
export const EMPTY = [204, 205, 304];

const DRAINED_MAX_BYTES = 32 * 1024 * 1024;
const DRAINED_MAX_MS = 30_000;
const DRAINED_BYTES = 16 * 1024;

/** Bodies that are still read although their client is gone, each with a promise of the end. @type {WeakMap<ReadableStream, Promise<unknown> | undefined>} */
export const reading = new WeakMap();

/** Bodies that nobody reads, and whose answer is none that could end behind them. @type {WeakSet<ReadableStream>} */
export const refused = new WeakSet();

/** Returns the body of a request that nobody reads. @param {Request} request */
function unread({ body }) {
  return body && (!body.locked || reading.has(body)) ? body : null;
}

/** Reads what is left of a body and drops it. @param {ReadableStream<Uint8Array>} body */
function drain(body) {
  const work = async () => {
    await reading.get(body);
    let left = DRAINED_MAX_BYTES;
    for await (const piece of pieces(body, DRAINED_BYTES)) {
      left -= piece.length;
      if (left < 0) return;
    }
  };
  return within(DRAINED_MAX_MS, work).catch(() => {});
}

/**
 * Returns a text as a body that is sent at once and ends when `left` has been drained.
 *
 * @param {ReadableStream<Uint8Array>} left
 */
function endingBehind(left, text = '') {
  const bytes = new TextEncoder().encode(text);
  const { readable, writable } = sized(bytes.length || null);
  const writer = writable.getWriter();
  const sent = bytes.length > 0 && writer.write(bytes);
  Promise.all([sent, drain(left)])
    .then(() => writer.close())
    .catch(() => {});
  return readable;
}

/**
 * @param {number} status
 * @param {string} headers
 * @param {string | undefined} body
 * @param {Request} request
 */
export function respond(status, headers, body, request) {
  const left = unread(request);
  const bodiless = EMPTY.includes(status);
  if (left && bodiless) refused.add(left);
  const response = new Response(left && !bodiless ? endingBehind(left, body) : body, { status });
  response.headers.delete('content-type');
  change(response.headers, headers);
  return response;
}

/**
 * An answer that is the same for every request but for its id: the response without its body, its headers, the body, and what ids of
 * this isolate begin with.
 *
 * @typedef {{ response: Response, headers: Headers, body?: string, prefix: string }} Known
 */

const REQUEST_ID = 'x-request-id';
/** So many hexadecimal digits at the end of the gateway's own ids are a count, as `request_id` of context.rs writes it. */
const COUNT_DIGITS = 8;

/**
 * @param {(Known | undefined)[]} known
 * @param {number} place
 * @param {string | undefined} sentId
 * @param {number} count
 * @param {Request} request
 */
export function respond_known(known, place, sentId, count, request) {
  const same = known[place];
  if (!same || unread(request)) return undefined;
  same.headers.set(REQUEST_ID, sentId ?? same.prefix + count.toString(16).padStart(COUNT_DIGITS, '0'));
  return new Response(same.body, same.response);
}

/**
 * @param {(Known | undefined)[]} known
 * @param {number} place
 * @param {string} id
 * @param {Response} given
 * @param {string} [body]
 */
export function keep_known(known, place, id, given, body) {
  if (place in known) return;
  const response = new Response(null, given);
  const { headers } = response;
  // The config may set another id or none; and the runtime would add a type to a body without one.
  const isSame = headers.get(REQUEST_ID) === id && (body === undefined || headers.has('content-type'));
  known[place] = isSame ? { response, headers, body, prefix: id.slice(0, -COUNT_DIGITS) } : undefined;
}

/**
 * @param {Response} response
 * @param {Set<string>} noted
 */
export function noted_lines({ headers }, noted) {
  let lines = '';
  headers.forEach((value, name) => {
    if (noted.has(name)) lines += `${name}\n${value}\n`;
  });
  return lines;
}

/**
 * @param {Response} response
 * @param {string} changes
 */
export function relay(response, changes) {
  const relayed = new Response(response.body, response);
  change(relayed.headers, changes);
  return relayed;
}

/**
 * @param {Request} request
 * @param {Response} response
 */
export function behind_body({ body }, response) {
  return body && refused.has(body) ? drain(body).then(() => response) : response;
}
