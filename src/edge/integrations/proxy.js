// Sends requests to upstreams. What is decided stands first, in functions that change nothing but what they are given: which upstream
// is asked, whether once more, and when one counts as down; then how an upstream's addresses are told.

import { copied } from '../request/forwarding.js';
import { fetchWithin } from '../runtime/fetch.js';
import { TIMEOUT, counted } from '../runtime/limits.js';

// Which upstream is asked, and whether once more.

const UNREACHABLE_MS = 10_000;
const FAILURES_IN_A_ROW = 3;
const BACKOFF_MS = 100;

/** By origin, how often in a row an upstream could not be reached, and until when it is asked last for that. @typedef {Map<string, { count: number, until?: number }>} Failures */

/**
 * Returns the upstreams in the order in which they are tried: those that count as down come last.
 *
 * @param {string[]} urls
 * @param {Failures} failures
 * @param {number} now
 */
function inOrder(urls, failures, now) {
  /** @param {string} url */
  const isDown = (url) => (failures.get(new URL(url).origin)?.until ?? 0) > now;
  return [...urls.filter((url) => !isDown(url)), ...urls.filter(isDown)];
}

/**
 * Checks whether a request may be sent again. What may have been done is done again only if that changes nothing (RFC 9110 section
 * 9.2.2), and a body is gone once sent.
 *
 * @param {string} method
 * @param {boolean} bodiless
 */
function isRepeatable(method, bodiless) {
  return bodiless && /^(GET|HEAD|OPTIONS|PUT|DELETE)$/.test(method);
}

/** Checks whether an answer is one behind which the request is sent again. @param {Response} response */
function isTransient({ status }) {
  return [502, 503, 504].includes(status);
}

/**
 * Notes that an upstream is asked: if the time is over for which it counts as down, this request tries it for the others.
 *
 * @param {Failures} failures
 * @param {string} origin
 * @param {number} now
 */
function noteAsked(failures, origin, now) {
  const failed = failures.get(origin);
  if (failed?.until && failed.until <= now) failed.until = now + UNREACHABLE_MS;
}

/**
 * Notes that an upstream could not be reached. One request may bring any connection to break: an upstream is down if it answers nobody
 * else in between, so of one request the first failure counts.
 *
 * @param {Failures} failures
 * @param {string} origin
 * @param {boolean} isFirst
 * @param {number} now
 */
function noteFailed(failures, origin, isFirst, now) {
  const count = (failures.get(origin)?.count ?? 0) + Number(isFirst);
  failures.set(origin, { count, until: count < FAILURES_IN_A_ROW ? undefined : now + UNREACHABLE_MS });
}

/** Returns the most to wait before the request is sent again, in milliseconds. @param {number} turn how often it was */
function longestPause(turn) {
  return BACKOFF_MS * 2 ** turn;
}

// How addresses are told.

/** Headers of answers that hold addresses, and where in their values. */
const ADDRESSES = Object.entries({
  location: /.+/,
  'content-location': /.+/,
  link: /(?<=<)[^>]+/g,
  refresh: /(?<=url\s*=\s*["']?)[^"'\s]+/i,
});

/** A host that no address has, by which a path is told from an address. */
const NO_HOST = 'none.invalid';

/**
 * Returns an upstream's address as the gateway's clients reach it; any other as it is. Below a server's base path it is the rest of
 * it, behind the prefix that the gateway takes off. One that has the prefix comes of heeding `X-Forwarded-Prefix`; if it could be
 * either, the longer is meant.
 *
 * @param {string} address
 * @param {string} origin
 * @param {string} prefix
 * @param {string[]} servers
 */
function through(address, origin, prefix, ...servers) {
  const url = URL.parse(address, `http://${NO_HOST}`);
  if (!url) return address;
  const { host, pathname, search, hash } = url;
  const isPath = host === NO_HOST && /^[/\\]/.test(address);
  /** @param {string} path */
  const isBelow = (path) => `${pathname}/`.startsWith(`${path}/`);
  const bases = servers.map((server) => new URL(server)).filter((server) => isPath || server.host === host);
  if (bases.length === 0) return address;
  const [base] = bases
    .map((server) => server.pathname.replace(/\/$/, ''))
    .filter(isBelow)
    .sort((one, two) => two.length - one.length);
  const heeded = prefix.length > (base ?? '').length && isBelow(prefix);
  if ((!heeded && base === undefined) || (isPath && (heeded || prefix === base))) return address;
  const path = (heeded ? pathname : prefix + pathname.slice(base.length)) || '/';
  // Of two slashes the second would begin a host.
  return (isPath && !path.startsWith('//') ? '' : origin) + path + search + hash;
}

// What is done.

/** @type {Failures} */
const failures = new Map();

/**
 * @param {Request} request
 * @param {string} urls
 * @param {number} ms
 * @param {number} retries
 * @param {string} outside
 * @param {boolean} raw
 */
export async function send(request, urls, ms, retries, outside, raw) {
  const targets = urls.split('\n');
  /** @type {RequestInit} */
  const init = raw ? { encodeResponseBody: 'manual' } : {};
  const sent =
    targets.length > 1 || retries > 0 ? sendToOneOf(request, targets, ms, init, retries) : attempt(request, ms, init);
  return readdressed(await sent, outside);
}

/**
 * Returns an answer whose addresses of the upstream's own lead through the gateway.
 *
 * @param {Response} response
 * @param {string} outside
 */
function readdressed(response, outside) {
  const [origin, prefix, ...servers] = outside.split('\n');
  let answer = response;
  for (const [name, place] of ADDRESSES) {
    const said = response.headers.get(name) ?? '';
    const led = said.replace(place, (address) => through(address, origin, prefix, ...servers));
    if (led === said) continue;
    if (answer === response) answer = new Response(response.body, response);
    answer.headers.set(name, led);
  }
  return answer;
}

/**
 * @param {Request} request
 * @param {number} ms
 * @param {RequestInit} init
 */
function attempt(request, ms, init) {
  return fetchWithin(ms, request, init, (response) => response);
}

/**
 * @param {Request} request
 * @param {string[]} urls
 * @param {number} ms
 * @param {RequestInit} init
 * @param {number} retries
 */
async function sendToOneOf(request, urls, ms, init, retries) {
  const targets = inOrder(urls, failures, Date.now());
  const bodiless = request.body === null || request.headers.get('content-length') === '0';
  let [others, again] = isRepeatable(request.method, bodiless) ? [targets.length - 1, retries] : [0, 0];
  const failing = new Set();
  for (let turn = 0; ; turn++) {
    const url = targets[turn % targets.length];
    const { origin } = new URL(url);
    noteAsked(failures, origin, Date.now());
    const sent = bodiless ? copied(request, url) : new Request(url, request);
    const body = counted.get(request);
    if (body) counted.set(sent, body);
    try {
      const response = await attempt(sent, ms, init);
      failures.delete(origin);
      if (again === 0 || !isTransient(response)) return response;
      await response.body?.cancel();
    } catch (reason) {
      // What broke with a body may have been the client's doing.
      if (reason === TIMEOUT || !bodiless) throw reason;
      noteFailed(failures, origin, !failing.has(origin), Date.now());
      failing.add(origin);
      if (others > 0) {
        others--;
        continue;
      }
      if (again === 0) throw reason;
    }
    const longest = longestPause(retries - again);
    again--;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  }
}
