// Goes on with work of the WebAssembly once what it awaits is settled.

import { resume } from '../gateway/inputs.js';
import { TIMEOUT, within } from './limits.js';
import { begin, unanswered } from './panic.js';

/**
 * @param {Promise<unknown>} awaited
 * @param {number} id
 * @param {number} ms
 */
export function resumed(awaited, id, ms) {
  const deferred = begin(true);
  /** @type {number | undefined} */
  let timer;
  /** @param {unknown} value */
  const go = (value, failed = false) => {
    if (timer) clearTimeout(timer);
    // It was too late; or a panic has rejected it, and another instance does not know the work.
    if (!unanswered.delete(deferred)) return;
    try {
      deferred.resolve(resume()(id, value, failed));
    } catch (panic) {
      deferred.reject(panic);
    }
  };
  if (ms > 0) timer = setTimeout(go, ms, TIMEOUT, true);
  awaited.then(go, (reason) => go(reason, true));
  return deferred.promise;
}

/**
 * @param {Promise<unknown>} awaited
 * @param {number} ms
 */
export function limited(awaited, ms) {
  return within(ms, () => awaited, TIMEOUT);
}
