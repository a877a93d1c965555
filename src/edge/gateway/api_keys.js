// The records of API keys in KV.

import { within } from '../runtime/limits.js';
import { encoded } from '../runtime/webcrypto.js';

/**
 * Returns what KV has under a name, as a call would be answered, within `ms`.
 *
 * @param {{ get(name: string): Promise<string | null> }} namespace
 * @param {string} name
 * @param {number} ms
 * @returns {Promise<import('../runtime/http_client.js').Reply>}
 */
export async function stored(namespace, name, ms) {
  const text = await within(ms, () => namespace.get(name));
  return [text === null ? 404 : 200, null, encoded(text ?? '')];
}
