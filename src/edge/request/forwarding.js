// Makes the request for an upstream or a service. `unsendable` decides which of the client's headers it does not have: the core has
// their names.

import { change, ofConnection } from '../runtime/headers.js';
import { counted } from '../runtime/limits.js';

/** A name as servers see it that fold it into a variable: to CGI and its heirs `X_User.Id` and `X-User-Id` are one. @param {string} name */
const folded = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

/** What tells the names that no client may send, and the lines that it was made of. */
let always = { lines: '', pattern: /(?!)/ };

/** Returns a test for the names in `lines`. A `*` stands for any characters; at the beginning it does not match Cloudflare's own names. @param {string} lines */
function teller(lines) {
  const names = lines.split('\n').map((name) => name.split('*').map(folded).join('.*').replace(/^\./, '(?!cf-).'));
  return new RegExp(`^(${names.join('|')})$`);
}

/**
 * Tells which headers of a request go no further.
 *
 * @param {Request} request
 * @param {string} drop the names of every request, a blank line, and those of this one; one a line
 * @returns {(name: string) => boolean}
 */
function unsendable(request, drop) {
  const [lines, more] = drop.split('\n\n');
  if (always.lines !== lines) always = { lines, pattern: teller(lines) };
  // A handshake is passed on, and headers about the body and of Cloudflare do not belong to a connection.
  const hops = ofConnection(request)
    .map(folded)
    .filter((name) => !/^(upgrade$|content-|cf-)/.test(name));
  const dropped = new Set(more.split('\n').map(folded).concat(hops));
  return (name) => {
    const plain = folded(name);
    const misspelt = plain !== name && plain.startsWith('cf-');
    return always.pattern.test(plain) || dropped.has(plain) || misspelt;
  };
}

/** Returns a request by GET or HEAD without the body that means nothing there, and that no other can be made with; any other as it is. @param {Request} request */
export function sendable(request) {
  return request.body !== null && /^(GET|HEAD)$/.test(request.method) ? copied(request, request.url) : request;
}

/**
 * @param {Request} request
 * @param {string} url
 * @param {ReadableStream} [body]
 */
export function copied({ method, headers }, url, body) {
  return new Request(url, { method, headers, body });
}

/**
 * Returns the request with a body that breaks off behind `max` bytes; one that says how long it is was judged by that.
 *
 * @param {Request} request
 * @param {string} url
 * @param {number} max
 */
function limited(request, url, max) {
  if (request.headers.has('content-length')) return new Request(url, request);
  const given = sendable(request);
  if (given.body === null) return new Request(url, given);
  const { readable, writable } = new IdentityTransformStream();
  const bounded = copied(given, url, readable);
  counted.set(bounded, { body: given.body, writer: writable.getWriter(), max });
  return bounded;
}

/**
 * @param {Request} request
 * @param {string} url
 * @param {string} drop
 * @param {string} set
 * @param {number} [max]
 */
export function forward(request, url, drop, set, max) {
  const forwarded = max === undefined ? new Request(url, request) : limited(request, url, max);
  const isDropped = unsendable(request, drop);
  for (const name of [...forwarded.headers.keys()]) if (isDropped(name)) forwarded.headers.delete(name);
  // The runtime makes a handshake, and so a GET, of whatever has this header.
  if (request.method !== 'GET') forwarded.headers.delete('upgrade');
  change(forwarded.headers, set);
  return forwarded;
}
