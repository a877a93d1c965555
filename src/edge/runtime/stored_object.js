// Does for a Durable Object what its storage and its context can do.

/** Where an object keeps its text. */
export const KEY = 'state';

/**
 * An object, from inside.
 *
 * @typedef {{ ctx: DurableObjectState, flight?: Promise<unknown>, flightName?: string, waiting?: string[] }} StoredObject
 */

/**
 * @param {StoredObject} object
 * @returns {string | undefined}
 */
export function kept(object) {
  return object.ctx.storage.kv.get(KEY);
}

/**
 * @param {StoredObject} object
 * @param {string} text
 */
export function keep(object, text) {
  object.ctx.storage.kv.put(KEY, text);
}

/**
 * @param {StoredObject} object
 * @param {number} at
 */
export function wake(object, at) {
  return object.ctx.storage.setAlarm(at);
}

/** @param {StoredObject} object */
export function erase(object) {
  return object.ctx.storage.deleteAll();
}

/**
 * @param {StoredObject} object
 * @param {Promise<unknown>} work
 */
export function background(object, work) {
  object.ctx.waitUntil(work);
}

/**
 * @param {StoredObject} object
 * @param {Promise<unknown>} flight
 * @param {string} name
 */
export function start(object, flight, name) {
  const end = () => {
    if (object.flight === flight) object.flight = undefined;
  };
  object.flight = flight;
  object.flightName = name;
  object.waiting = [];
  object.ctx.waitUntil(flight.then(end, end));
}

/**
 * @param {StoredObject} object
 * @param {string} message
 */
export function add_waiting(object, message) {
  object.waiting?.push(message);
}

/** @param {StoredObject} object */
export function take_waiting(object) {
  return object.waiting?.shift();
}
