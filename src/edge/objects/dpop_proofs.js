// Remembers which proofs of a key were used, of those that were made in one period. A proof is taken once, whichever isolate asks.

/**
 * For how long after the period nothing is forgotten: longer than any config takes a proof for, which is `max_age_seconds` and
 * `clock_skew_seconds`, five minutes each, and five more for clocks that differ. After that, nothing is taken.
 */
const KEPT_MS = 15 * 60 * 1000;

/** Where an object keeps when it ends; its other entries are the digests of proofs, which are longer. */
const UNTIL = 'until';

/** What an object's storage can do. @typedef {{ kv: { get(key: string): any, put(key: string, value: any): void }, setAlarm(at: number): Promise<void>, deleteAll(): Promise<void> }} Storage */

/**
 * Answers a message: the end of the period in seconds since 1970, the digest of the proof's `jti`, and who asks. What is taken is stored
 * before the answer leaves the object.
 *
 * @param {Storage} storage
 * @param {string} message
 * @returns {'taken' | 'used'}
 */
export function take(storage, message) {
  const [end, jti, requester] = message.split(' ');
  const until = Number(end) * 1000 + KEPT_MS;
  // What was forgotten is not taken anew; nor is what is no message.
  if (!jti || !requester || !(Date.now() < until)) return 'used';
  const by = storage.kv.get(jti);
  if (by !== undefined) return by === requester ? 'taken' : 'used';
  if (storage.kv.get(UNTIL) === undefined) {
    storage.kv.put(UNTIL, until);
    storage.setAlarm(until);
  }
  storage.kv.put(jti, requester);
  return 'taken';
}

/** Erases what is kept once no proof of the period is taken. @param {Storage} storage */
export function forget(storage) {
  const until = storage.kv.get(UNTIL) ?? 0;
  return until > Date.now() ? storage.setAlarm(until) : storage.deleteAll();
}
