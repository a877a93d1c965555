// Makes answers, and reads what a client still sends behind one: over a body that is not read the runtime breaks the connection, and the
// answer with it. Which headers an answer has is decided first, in functions that change nothing but the headers they are given: what
// others set takes back neither that caches must not keep it, nor what it varies by.

import { ofConnection, setAll } from '../runtime/headers.js';
import { pieces, sized, within } from '../runtime/limits.js';

/** Headers that tell caches what to keep, some of them certain caches alone (RFC 9213). */
const FOR_CACHES = /(^|-)cache-control$|^surrogate-control$/;

/**
 * Sets headers, but none that would let caches keep an answer that is to stay out of them.
 *
 * @param {Headers} headers
 * @param {string} lines
 */
function setGuarded(headers, lines) {
  setAll(
    headers,
    lines,
    (name) => FOR_CACHES.test(name) && /\b(no-store|private)\b/i.test(headers.get('cache-control') ?? ''),
  );
}

/**
 * Adds what comes last: to a session that the answer is its own, the config's headers, and what it varies by, which they must not hide.
 *
 * @param {Headers} headers
 * @param {string} config
 * @param {string | undefined} vary
 * @param {number} cookie 1 if the answer varies by the cookie, 2 if it is one session's
 */
function complete(headers, config, vary, cookie) {
  const decided = /\b(public|s-maxage|must-revalidate|no-store|private)\b/i.test(headers.get('cache-control') ?? '');
  if (cookie > 1 && !decided) headers.append('cache-control', 'private');
  setGuarded(headers, config);
  if (vary !== undefined) headers.append('vary', vary);
  if (cookie > 0) headers.append('vary', 'Cookie');
}

/**
 * Takes off what an upstream may not say: headers of `drop`, those of its connection, and cookies of the gateway's own names.
 *
 * @param {Headers} headers
 * @param {string[]} ofConnection
 * @param {string} drop
 * @param {string} own
 */
function takeOff(headers, ofConnection, drop, own) {
  for (const name of ofConnection) headers.delete(name);
  if (drop !== '') for (const name of drop.split('\n')) headers.delete(name);
  const cookies = headers.getSetCookie();
  const names = own.split('\n');
  const kept = cookies.filter((cookie) => !names.includes(nameOf(cookie)));
  if (kept.length === cookies.length) return;
  headers.delete('set-cookie');
  for (const cookie of kept) headers.append('set-cookie', cookie);
}

/** Returns the name of a cookie, read as leniently as browsers read it. @param {string} cookie */
function nameOf(cookie) {
  return cookie
    .replace(/^[\s=]+/, '')
    .split('=')[0]
    .trim();
}

// What is done.

/** Statuses whose answers have no body. */
export const EMPTY = [204, 205, 304];

const DRAINED_MAX_BYTES = 32 * 1024 * 1024;
const DRAINED_MAX_MS = 30_000;
const DRAINED_BYTES = 16 * 1024;

/** Bodies that are read for somebody who is gone, and when that is over. @type {WeakMap<ReadableStream, Promise<unknown> | undefined>} */
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
 * @param {string} lines
 * @param {string} config
 * @param {string | undefined} vary
 * @param {number} cookie
 * @param {string | undefined} policy
 * @param {string | undefined} body
 * @param {Request} request
 */
export function respond(status, lines, config, vary, cookie, policy, body, request) {
  const left = unread(request);
  const bodiless = EMPTY.includes(status);
  if (left && bodiless) refused.add(left);
  const response = new Response(left && !bodiless ? endingBehind(left, body) : body, { status });
  response.headers.delete('content-type');
  setGuarded(response.headers, lines);
  complete(response.headers, config, vary, cookie);
  if (policy) response.headers.set('content-security-policy', policy);
  return response;
}

/**
 * @param {Response} response
 * @param {string} drop
 * @param {string} own
 * @param {string} set
 * @param {string} config
 * @param {string | undefined} vary
 * @param {number} cookie
 */
export function relay(response, drop, own, set, config, vary, cookie) {
  const relayed = new Response(response.body, response);
  takeOff(relayed.headers, ofConnection(response), drop, own);
  const timing = response.headers.get('server-timing');
  setAll(relayed.headers, set);
  complete(relayed.headers, config, vary, cookie);
  if (timing !== null && relayed.headers.get('server-timing') !== timing)
    relayed.headers.append('server-timing', timing);
  return relayed;
}

/**
 * @param {Request} request
 * @param {Response} response
 */
export function behind_body({ body }, response) {
  return body && refused.has(body) ? drain(body).then(() => response) : response;
}
