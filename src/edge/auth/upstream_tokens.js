// The gateway's own tokens: from KV, where they are sealed under the client's secret, or from the provider. A sealed one opens only as
// the token that it was stored as.

import { call } from '../runtime/http_client.js';
import { put } from '../runtime/kv.js';
import { within } from '../runtime/limits.js';
import { open, seal } from '../runtime/sealing.js';
import { digest_text, encoded } from '../runtime/webcrypto.js';

/** @typedef {{ get(name: string): Promise<string | null>, put(name: string, text: string, options: object): Promise<void> }} Kv */

/** What the key that seals them is for. */
const PURPOSE = 'upstream token';

/** Returns what a token is called in KV, which says nothing of it. @param {string} name */
const keyOf = async (name) => `upstream-token:${await digest_text(name)}`;

/**
 * Returns the token of a name as the provider would answer it, with what is left of its life.
 *
 * @param {Kv} kv
 * @param {string} name
 * @param {string} secret
 * @returns {Promise<import('../runtime/http_client.js').Reply>}
 */
async function stored(kv, name, secret) {
  const sealed = (await kv.get(await keyOf(name))) ?? '';
  const plain = await open(encoded(secret), PURPOSE, encoded(name), sealed);
  const [until, access_token] = new TextDecoder().decode(plain).split(' ');
  const expires_in = Math.floor(Number(until) - Date.now() / 1000);
  if (!(expires_in > 0)) throw new Error('there is none');
  return [203, null, encoded(JSON.stringify({ access_token, expires_in }))];
}

/**
 * Returns what KV has under a name, within `storeMs`, or else what the provider answers.
 *
 * @param {Kv | undefined} kv
 * @param {string} name
 * @param {string} secret
 * @param {number} storeMs
 * @param {Parameters<typeof call>} request
 */
export async function issue(kv, name, secret, storeMs, ...request) {
  // A store that fails is as good as none.
  const known = kv && (await within(storeMs, () => stored(kv, name, secret)).catch(() => undefined));
  return known ?? call(...request);
}

/**
 * Stores a token for so long. Nobody waits for that, and if it fails the next isolate requests one of its own.
 *
 * @param {Kv} kv
 * @param {string} name
 * @param {string} secret
 * @param {string} token
 * @param {number} secs
 */
export async function store(kv, name, secret, token, secs) {
  const text = `${Date.now() / 1000 + secs} ${token}`;
  const sealed = await seal(encoded(secret), PURPOSE, encoded(name), encoded(text));
  await put(kv, await keyOf(name), sealed, secs).catch(() => {});
}
