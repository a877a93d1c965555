// Sends requests to upstreams, but for those that `forwarding.js` sends once. `src/proxy/attempts.rs` decides to which, and whether to
// retry. How an upstream's addresses are rewritten is decided here, in `through`, a pure function.

import { copied } from '../request/forwarding.js';
import { fetchWithin } from '../runtime/fetch.js';
import { counted } from '../runtime/limits.js';

/** Headers of answers that hold addresses, and where in their values. */
const ADDRESSES = Object.entries({
  location: /.+/,
  'content-location': /.+/,
  link: /(?<=<)[^>]+/g,
  refresh: /(?<=url\s*=\s*["']?)[^"'\s]+/i,
});

/** A host that no URL has, which tells a path from a URL. */
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
  // Two slashes would begin a host.
  return (isPath && !path.startsWith('//') ? '' : origin) + path + search + hash;
}

// What is done.

/**
 * @param {Request} request
 * @param {string | undefined} url
 * @param {boolean} hasBody
 * @param {number} ms
 * @param {boolean} raw
 */
export function send(request, url, hasBody, ms, raw) {
  const sent = url === undefined ? request : readdressed(request, url, hasBody);
  return fetchWithin(ms, sent, raw ? { encodeResponseBody: 'manual' } : {}, (response) => response);
}

/**
 * Returns the same request to another address.
 *
 * @param {Request} request
 * @param {string} url
 * @param {boolean} hasBody
 */
function readdressed(request, url, hasBody) {
  const sent = hasBody ? new Request(url, request) : copied(request, url);
  const body = counted.get(request);
  if (body) counted.set(sent, body);
  return sent;
}

/**
 * Lets go of an answer that is not passed on, and waits for a random while of at most `ms`.
 *
 * @param {number} ms
 * @param {Response} [response]
 */
export async function pause(ms, response) {
  await response?.body?.cancel();
  await new Promise((resolve) => setTimeout(resolve, Math.random() * ms));
}

/**
 * @param {Response} response
 * @param {string} outside
 */
export function led_through(response, outside) {
  let answer = response;
  const [origin, prefix, ...servers] = outside.split('\n');
  for (const [name, place] of ADDRESSES) {
    const said = response.headers.get(name);
    if (said === null) continue;
    const led = said.replace(place, (address) => through(address, origin, prefix, ...servers));
    if (led === said) continue;
    if (answer === response) answer = new Response(response.body, response);
    answer.headers.set(name, led);
  }
  return answer;
}
