// What a session leaves behind: a refresh token that is to be revoked, and that a login took its place.

import { revoked } from '../auth/token_requests.js';
import { count } from '../runtime/events.js';
import { open } from '../runtime/sealing.js';
import { encoded } from '../runtime/webcrypto.js';
import { KEY, erase, wake } from '../runtime/stored_object.js';

/** @param {Uint8Array | undefined} bytes */
const decoded = (bytes) => bytes && new TextDecoder().decode(bytes);

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
  if (sealed !== undefined || replaced)
    kv.put(LEFT, { sealed, replaced: replaced && Date.now() + REPLACED_MS, goesOn });
  // An object that restarts before it has asked the provider finds what is to be done.
  if (sealed !== undefined) wake(object, Date.now() + REVOCATION_RETRY_MS);
  count('session', reason);
}

/**
 * Revokes the refresh token that a session left, and keeps what is still to be done or known. Returns why it is not revoked, if so.
 *
 * @param {StoredObject} object
 * @param {string | undefined} sealed
 * @param {string | undefined} token
 * @param {string} secret
 * @param {string} purpose
 * @param {string} url
 * @param {string} form
 * @param {string | undefined} authorization
 * @param {number} ms
 */
export async function settle(object, sealed, token, secret, purpose, url, form, authorization, ms) {
  const { kv } = object.ctx.storage;
  /** @type {import('../auth/token_requests.js').Failure | undefined} */
  let failure;
  if (sealed !== undefined && !leftOf(object)?.goesOn) {
    if (url) token ??= decoded(await open(encoded(secret), purpose, new Uint8Array(), sealed));
    failure =
      url && token === undefined
        ? { reason: 'the key that it was sealed under has changed' }
        : await revoked(url, form, authorization, token ?? '', ms);
  }
  const left = leftOf(object);
  const failures = ((left?.sealed === sealed && left?.failures) || 0) + 1;
  const again = failure?.passes && failures < REVOCATION_TRIES;
  if (again || is_replaced(object)) {
    kv.put(LEFT, { ...left, sealed: again ? sealed : undefined, failures });
    await wake(object, again ? Date.now() + REVOCATION_RETRY_MS * 4 ** (failures - 1) : (left?.replaced ?? 0));
  } else {
    await erase(object);
  }
  return failure && `${failure.reason}: ${again ? 'it is tried again' : 'it is given up'}`;
}
