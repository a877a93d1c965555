// Goes on with work of the WebAssembly once what it awaits is settled.

import { resume } from '../gateway/inputs.js';
import { begin, unanswered } from './panic.js';

/**
 * @param {Promise<unknown>} awaited
 * @param {number} id
 */
export function resumed(awaited, id) {
  const deferred = begin(true);
  /** @param {unknown} value */
  const go = (value, failed = false) => {
    // A panic has rejected it, and another instance does not know the work.
    if (!unanswered.delete(deferred)) return;
    try {
      deferred.resolve(resume()(id, value, failed));
    } catch (panic) {
      deferred.reject(panic);
    }
  };
  awaited.then(go, (reason) => go(reason, true));
  return deferred.promise;
}
