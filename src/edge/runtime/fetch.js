// Calls within a time limit. No redirect is ever followed.

import { TIMEOUT, counted, pump, within } from './limits.js';

/**
 * Fetches; what `use` makes of the answer must be there within `ms`.
 *
 * @template T
 * @param {number} ms
 * @param {Request | string} input
 * @param {RequestInit} init
 * @param {(response: Response) => T | Promise<T>} use
 * @param {{ fetch: typeof fetch }} [fetcher]
 * @returns {Promise<T>}
 */
export async function fetchWithin(ms, input, init, use, fetcher = globalThis) {
  const abort = new AbortController();
  const body = typeof input === 'object' && counted.get(input);
  if (body) pump(body, (reason) => abort.abort(reason));
  const work = async () => use(await fetcher.fetch(input, { ...init, redirect: 'manual', signal: abort.signal }));
  try {
    return await within(ms, work, TIMEOUT);
  } catch (reason) {
    // What ended it early says why; the rest of the answer is not wanted.
    const why = abort.signal.aborted ? abort.signal.reason : reason;
    abort.abort();
    throw why;
  }
}

/**
 * @param {{ fetch: typeof fetch }} binding
 * @param {Request} request
 * @param {number} ms
 */
export function fetch_bound(binding, request, ms) {
  return fetchWithin(ms, request, {}, (response) => response, binding);
}
