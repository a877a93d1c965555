// Counts the requests of one key of one path: never do more than the limit fall within a period, whenever that begins.

/** A period has so many parts. Requests that come in one part are kept as one number, so that what is kept is small for any limit. */
const PARTS = 100;

/** The longest period of a config. */
const PERIOD_MAX_SECS = 24 * 60 * 60;

/** Requests that were let through, by the time in milliseconds from which they no longer count. @typedef {[until: number, requests: number][]} Counts */

/**
 * Lets a request through, or not. One that is let through counts for a period from the end of the part in which it came: for up to a
 * hundredth of the period too long, and never too short.
 *
 * Returns what counts, the milliseconds that the request would have to wait, and whether the clock was set back since.
 *
 * @param {Counts} known
 * @param {number} now
 * @param {number} max
 * @param {number} periodMs
 * @returns {{ counts: Counts, waitMs: number, isSetBack: boolean }}
 */
export function admit(known, now, max, periodMs) {
  const partMs = periodMs / PARTS;
  const until = (Math.floor(now / partMs) + 1) * partMs + periodMs;
  // What would count for longer was let through before the clock was set back, and nobody knows how long ago.
  const isSetBack = known.some(([end]) => end > until);
  /** @type {Counts} */
  const counts = known.filter(([end]) => end > now).map(([end, requests]) => [Math.min(end, until), requests]);
  const sum = counts.reduce((sum, [, requests]) => sum + requests, 0);
  if (sum >= max) return { counts, waitMs: Math.min(...counts.map(([until]) => until)) - now, isSetBack };
  const same = counts.findIndex((count) => count[0] === until);
  if (same < 0) counts.push([until, 1]);
  else counts[same] = [until, counts[same][1] + 1];
  return { counts, waitMs: 0, isSetBack };
}

/** What an object's storage can do. @typedef {{ kv: { get(key: string): any, put(key: string, value: Counts | number): void }, setAlarm(at: number): Promise<void>, deleteAll(): Promise<void> }} Storage */

/** Where an object keeps what counts. */
const KEY = 'counts';
/** Where it keeps when nothing counts any longer of what a later version has stored. */
const LEFT = 'left';

/**
 * Answers a message, which has the limit and the period in seconds, with the seconds that the request would have to wait. What is let
 * through is stored before the answer leaves the object.
 *
 * @param {Storage} storage
 * @param {string} message
 */
export function count(storage, message) {
  const [max, seconds] = message.split(' ').map(Number);
  const known = storage.kv.get(KEY);
  const { counts, waitMs, isSetBack } = admit(known ?? [], Date.now(), max, seconds * 1000);
  if (waitMs === 0 || isSetBack) storage.kv.put(KEY, counts);
  // A limit that lets nothing through has nothing to erase.
  if (!known && counts.length) storage.setAlarm(counts[0][0]);
  return Math.ceil(waitMs / 1000);
}

/** Erases what is kept once nothing of it counts. @param {Storage} storage */
export function forget(storage) {
  const counts = /** @type {Counts} */ (storage.kv.get(KEY) ?? []);
  const last = Math.max(0, ...counts.map(([until]) => until));
  return last > Date.now() ? storage.setAlarm(last) : storage.deleteAll();
}

/**
 * Leaves what a later version has stored until nothing of it counts: for a period from the first request that comes meanwhile, or if none
 * does, for the longest one from the alarm.
 *
 * @param {Storage} storage
 * @param {string} [message] that of a request; without one, the alarm has rung
 */
export function leave(storage, message) {
  const left = storage.kv.get(LEFT);
  if (!message && left <= Date.now()) return storage.deleteAll();
  const seconds = message ? Number(message.split(' ')[1]) : PERIOD_MAX_SECS;
  const over = Date.now() + seconds * (1000 + 1000 / PARTS);
  const until = Math.min(left ?? over, over);
  if (until !== left) storage.kv.put(LEFT, until);
  return storage.setAlarm(until);
}
