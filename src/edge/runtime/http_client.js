// Calls to the provider and its like, whose answers are read within limits.

import { fetchWithin } from './fetch.js';
import { http_date } from './headers.js';
import { read } from './limits.js';

/** The `User-Agent` of every call. `oidc.test.mjs` holds it to the version in Cargo.toml. */
const AGENT = 'bargate/0.1.0';

/** What a call takes, unless it says otherwise: Kubernetes gives its key set only to those who take that media type (RFC 7517 section 8.5.2). */
const ACCEPT = 'application/json, application/jwk-set+json';

/** What was answered: the status, for how many seconds the caller shall wait, and the body. @typedef {[number, string | null, Uint8Array]} Reply */

/**
 * @param {string} url
 * @param {string | undefined} form
 * @param {string | undefined} authorization
 * @param {number} ms
 * @param {number} max
 * @param {string} [accept]
 */
export function call(url, form, authorization, ms, max, accept = ACCEPT) {
  /** @type {Record<string, string>} */
  const headers = { accept, 'user-agent': AGENT };
  if (form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
  if (authorization !== undefined) headers.authorization = authorization;
  return answerOf(url, { method: form === undefined ? 'GET' : 'POST', headers, body: form }, ms, max);
}

/**
 * @param {string} url
 * @param {string} body
 * @param {string} key
 * @param {number} ms
 * @param {number} max
 */
export function call_json(url, body, key, ms, max) {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    'user-agent': AGENT,
    apikey: key,
    authorization: `Bearer ${key}`,
  };
  return answerOf(url, { method: 'POST', headers, body }, ms, max);
}

/** Returns a `Retry-After` in seconds, if it is a date; any other as it is. @param {string | null} value */
function delay(value) {
  const date = http_date(value);
  return Number.isNaN(date) ? value : String(Math.max(0, Math.ceil((date - Date.now()) / 1000)));
}

/**
 * @param {string} url
 * @param {RequestInit} init
 * @param {number} ms
 * @param {number} max
 * @returns {Promise<Reply>}
 */
function answerOf(url, init, ms, max) {
  return fetchWithin(ms, url, init, async (response) => {
    return [response.status, delay(response.headers.get('retry-after')), await read(response.body, max)];
  });
}
