// Timers.

import * as limits from './limits.js';

/** @param {number} ms */
export function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/**
 * @param {number} ms
 * @param {Promise<unknown>} promise
 */
export function within(ms, promise) {
  return limits.within(ms, () => promise, 'it took too long');
}
