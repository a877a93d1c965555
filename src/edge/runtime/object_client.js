// Asks Durable Objects.

import { within } from './limits.js';
import { digest_text } from './webcrypto.js';

/** @typedef {{ getByName(name: string): { call(message: string): Promise<any> } }} Namespace */

/**
 * A name of several lines stands for its digest, which reveals nothing.
 *
 * @param {Namespace} namespace
 * @param {string} name
 * @param {string} message
 * @param {number} ms
 */
export function ask(namespace, name, message, ms) {
  // Each call makes its own stub, because one that has failed once fails for ever.
  const attempt = async () => namespace.getByName(name.includes('\n') ? await digest_text(name) : name).call(message);
  // An object that is overloaded is not asked once more, as Cloudflare says: that would be more load.
  const again = (/** @type {{ overloaded?: boolean }} */ error) =>
    error.overloaded ? Promise.reject(error) : attempt();
  return within(ms, () => attempt().catch(again), new Error('it took too long'));
}

/** @param {Promise<unknown>} promise */
export function settled(promise) {
  return promise.then(
    () => {},
    () => {},
  );
}
