// Promises that the WebAssembly owes, and the end of them all if it panics.

import { resume } from '../gateway/inputs.js';

/** What rejects each promise that is not settled yet. @type {Set<(reason: unknown) => void>} */
const owed = new Set();

/**
 * @template T
 * @param {Promise<T>} work
 * @returns {Promise<T>}
 */
export function guarded(work) {
  return new Promise((resolve, reject) => {
    owed.add(reject);
    work.then(resolve, reject).then(() => owed.delete(reject));
  });
}

/**
 * @param {Promise<unknown>} awaited
 * @param {number} id
 */
export function resumed(awaited, id) {
  return new Promise((resolve, reject) => {
    owed.add(reject);
    /** @param {unknown} value */
    const go = (value, failed = false) => {
      // Another instance does not know the work.
      if (!owed.delete(reject)) return;
      try {
        resolve(resume()(id, value, failed));
      } catch (panic) {
        reject(panic);
      }
    };
    awaited.then(go, (reason) => go(reason, true));
  });
}

export function abandon() {
  for (const reject of owed) reject('the gateway panicked');
  owed.clear();
}
