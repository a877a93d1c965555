// Asks what counts requests: Cloudflare's binding, or the object of the key.

import { within } from '../runtime/limits.js';
import { ask } from '../runtime/object_client.js';

/** How long a count may take. */
const COUNTED_MAX_MS = 3_000;

/**
 * @param {any} binding
 * @param {string} key
 * @param {number} periodSecs
 * @param {number} [max]
 */
export async function wait_secs(binding, key, periodSecs, max) {
  if (max !== undefined) return await ask(binding, key, `${max} ${periodSecs}`, COUNTED_MAX_MS);
  const { success } = await within(COUNTED_MAX_MS, () => binding.limit({ key }), new Error('it took too long'));
  return success === true ? 0 : periodSecs;
}
