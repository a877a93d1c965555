// Goes on with work of the WebAssembly once what it awaits is settled, and lets go of it if that can never be.

import { abandon, resume } from '../gateway/inputs.js';
import { note_cancelled } from './events.js';
import { TIMEOUT } from './limits.js';
import { unanswered } from './panic.js';

/**
 * The work of cancelled requests: the runtime has forgotten the promise that the work awaits, with all that waits for it.
 *
 * @type {FinalizationRegistry<{ deferred: import('./panic.js').Deferred, id: number }>}
 */
const forgotten = new FinalizationRegistry(({ deferred, id }) => {
  if (!unanswered.delete(deferred)) return;
  abandon()(id);
  note_cancelled();
});

/**
 * @param {Promise<unknown>} awaited
 * @param {number} id
 * @param {number} ms
 */
export function resumed(awaited, id, ms) {
  const deferred = Promise.withResolvers();
  unanswered.add(deferred);
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
  forgotten.register(go, { deferred, id });
  awaited.then(go, (reason) => go(reason, true));
  return deferred.promise;
}
