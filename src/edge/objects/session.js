// What a session leaves behind: a refresh token that is to be revoked, and that a login took its place.

import { revoked } from '../auth/token_requests.js';
import { count } from '../runtime/events.js';
import { KEY, erase, kept, wake } from '../runtime/stored_object.js';

/** What is stored of a session that has ended: its refresh token, sealed, until it is revoked; and that a login replaced it. */
const LEFT = 'left';
/**
 * For so long that is known, longer than any request waits for a renewal: none that was on its way may have the cookie of that
 * login removed.
 */
const REPLACED_MS = 30_000;
/**
 * A revocation that fails is tried so often in all: after a minute, and then after four times as long each time, for nearly six
 * hours.
 */
const REVOCATION_TRIES = 6;
const REVOCATION_RETRY_MS = 60_000;
/** An object that has not asked the provider yet does so after this long: the object of a token knows its successor for longer. */
const REVOCATION_RESTART_MS = 30_000;
/** That a session was ended before it began, or while it did, is known for this long. */
const TOMBSTONE_MS = 60_000;

/**
 * @typedef {import('../runtime/stored_object.js').StoredObject} StoredObject
 * @typedef {{ sealed?: string, replaced?: number, goesOn?: boolean, failures?: number }} Left
 */

/**
 * @param {StoredObject} object
 * @returns {Left | undefined}
 */
const leftOf = (object) => object.ctx.storage.kv.get(LEFT);

/** @param {StoredObject} object */
export function is_replaced(object) {
  return (leftOf(object)?.replaced ?? 0) > Date.now();
}

/** @param {StoredObject} object */
export function left(object) {
  return leftOf(object)?.sealed;
}

/**
 * Ends a session, for a reason. `goesOn` says that the provider takes the login that took its place for the same one.
 *
 * @param {StoredObject} object
 * @param {string | undefined} sealed
 * @param {boolean} replaced
 * @param {boolean} goesOn
 * @param {string} reason
 */
export function leave(object, sealed, replaced, goesOn, reason) {
  const { kv } = object.ctx.storage;
  kv.delete(KEY);
  if (replaced) kv.put(LEFT, { replaced: Date.now() + REPLACED_MS, goesOn });
  if (sealed !== undefined) owe(object, sealed);
  count('session', reason);
}

/**
 * Notes that a refresh token is to be revoked, instead of the one that it has replaced.
 *
 * @param {StoredObject} object
 * @param {string} sealed
 */
export function owe(object, sealed) {
  object.ctx.storage.kv.put(LEFT, { ...leftOf(object), sealed });
  wake(object, Date.now() + REVOCATION_RESTART_MS);
}

/**
 * Revokes the refresh token that a session left, and keeps what is still to be done or known. Returns why it is not revoked, if so.
 *
 * @param {StoredObject} object
 * @param {string | undefined} sealed
 * @param {string | undefined} token
 * @param {string} url
 * @param {string} form
 * @param {string | undefined} authorization
 * @param {number} ms
 */
export async function settle(object, sealed, token, url, form, authorization, ms) {
  const { kv } = object.ctx.storage;
  /** @type {import('../auth/token_requests.js').Failure | undefined} */
  let failure;
  if (sealed !== undefined && !leftOf(object)?.goesOn) {
    failure =
      url && token === undefined
        ? { reason: 'the key that it was sealed under has changed' }
        : await revoked(url, form, authorization, token ?? '', ms);
  }
  const left = leftOf(object);
  // What has taken its place since is revoked by itself.
  if (sealed !== undefined && left?.sealed !== undefined && left.sealed !== sealed) return;
  const failures = ((left?.sealed === sealed && left?.failures) || 0) + 1;
  const again = failure?.passes && failures < REVOCATION_TRIES;
  if (again || is_replaced(object)) {
    kv.put(LEFT, { ...left, sealed: again ? sealed : undefined, failures });
    const waitMs = url || failures > 1 ? REVOCATION_RETRY_MS * 4 ** (failures - 1) : REVOCATION_RESTART_MS;
    await wake(object, again ? Date.now() + waitMs : (left?.replaced ?? 0));
  } else if (kept(object) !== undefined) {
    kv.delete(LEFT);
    await wake(object, Date.now() + TOMBSTONE_MS);
  } else {
    await erase(object);
  }
  return failure && `${failure.reason}: ${again ? 'it is tried again' : 'it is given up'}`;
}
