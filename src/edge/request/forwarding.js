// Makes the request for an upstream or a service, and sends it if nothing else is to be done with it. `src/proxy/client_headers.rs` decides
// which of the client's headers it loses.

import { change } from '../runtime/headers.js';
import { counted } from '../runtime/limits.js';

/** Returns a request by GET or HEAD without the body that means nothing there, and that no other can be made with; any other as it is. @param {Request} request */
export function sendable(request) {
  return request.body !== null && /^(GET|HEAD)$/.test(request.method) ? copied(request, request.url) : request;
}

/**
 * Returns a request with the same method and headers. As it is with the client's own, no redirect of it is followed.
 *
 * @param {Request} request
 * @param {string} url
 * @param {ReadableStream} [body]
 */
export function copied({ method, headers }, url, body) {
  return new Request(url, { method, headers, body, redirect: 'manual' });
}

/**
 * Returns the request with a body that breaks off behind `max` bytes.
 *
 * @param {Request} request
 * @param {string} url
 * @param {number} max
 */
function limited(request, url, max) {
  const given = sendable(request);
  if (given.body === null) return new Request(url, given);
  const { readable, writable } = new IdentityTransformStream();
  const bounded = copied(given, url, readable);
  counted.set(bounded, { body: given.body, writer: writable.getWriter(), max });
  return bounded;
}

/** Returns the URL before the changes to headers. @param {string} lines */
const urlOf = (lines) => lines.slice(0, lines.indexOf('\n'));

/**
 * @param {Request} request
 * @param {string} lines
 * @param {number} [max]
 */
export function forward(request, lines, max) {
  const url = urlOf(lines);
  const forwarded = max === undefined ? new Request(url, request) : limited(request, url, max);
  change(forwarded.headers, lines, 1);
  return forwarded;
}

/**
 * Like the client's it does not follow redirects.
 *
 * @param {Request} request
 * @param {string} lines
 */
export function send_plain({ method, headers: sent, body }, lines) {
  if (body !== null) return undefined;
  const headers = new Headers(sent);
  change(headers, lines, 1);
  return fetch(urlOf(lines), { method, headers, redirect: 'manual' });
}
