// The promises of the gateway's work, and which of them a panic rejects.

/**
 * @typedef {PromiseWithResolvers<unknown>} Deferred
 * @type {Set<Deferred>}
 */
const unanswered = new Set();

/**
 * @param {boolean} guarded
 * @returns {Deferred}
 */
export function begin(guarded) {
  const deferred = Promise.withResolvers();
  if (guarded) unanswered.add(deferred);
  return deferred;
}

/**
 * @param {Deferred} deferred
 * @param {unknown} value
 * @param {boolean} succeeded
 */
export function settle(deferred, value, succeeded) {
  unanswered.delete(deferred);
  deferred[succeeded ? 'resolve' : 'reject'](value);
}

export function reject_unanswered() {
  for (const { reject } of unanswered) reject('the gateway panicked');
  unanswered.clear();
}
