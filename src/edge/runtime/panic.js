// The promises of the gateway's work that are not settled: a panic rejects them.

/**
 * @typedef {PromiseWithResolvers<unknown>} Deferred
 * @type {Set<Deferred>}
 */
export const unanswered = new Set();

export function reject_unanswered() {
  for (const { reject } of unanswered) reject('the gateway panicked');
  unanswered.clear();
}
