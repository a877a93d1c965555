// The gateway's own tokens: from KV, where they are sealed under the client's secret, or from the provider. A sealed one opens only as
// the token that it was stored as.

import { call } from '../runtime/http_client.js';
import { within } from '../runtime/limits.js';
import { open, seal } from '../runtime/sealing.js';
import { digest_text, encoded } from '../runtime/webcrypto.js';

/** @typedef {{ get(name: string): Promise<string | null>, put(name: string, text: string, options: object): Promise<void> }} Kv */

/** What the key that seals them is for. */
const PURPOSE = 'upstream token';

/** Returns the name of a token in KV, which says nothing of it. @param {string} key */
const nameOf = async (key) => `upstream-token:${await digest_text(key)}`;

/**
 * Returns the token of a key as the provider answered it, with what is left of its life; nothing if KV has none that opens and is used.
 *
 * @param {Kv} kv
 * @param {string} key
 * @param {string} secret
 * @param {number} ms
 * @returns {Promise<import('../runtime/http_client.js').Reply | undefined>}
 */
async function stored(kv, key, secret, ms) {
  const name = await nameOf(key);
  const sealed = await within(ms, () => kv.get(name));
  const plain = sealed && (await open(encoded(secret), PURPOSE, encoded(key), sealed));
  if (!plain) return undefined;
  const { until, token } = JSON.parse(new TextDecoder().decode(plain));
  const left = until - Math.floor(Date.now() / 1000);
  return left > 0 ? [200, null, encoded(JSON.stringify({ access_token: token, expires_in: left }))] : undefined;
}

/**
 * @param {Kv | undefined} kv
 * @param {string} key
 * @param {string} secret
 * @param {number} storeMs
 * @param {Parameters<typeof call>} request
 */
export async function issue(kv, key, secret, storeMs, ...request) {
  // A store that fails is as good as none.
  const known = kv && (await stored(kv, key, secret, storeMs).catch(() => undefined));
  return known ?? call(...request);
}

/**
 * Stores a token for so long. Nobody waits for that, and if it fails the next isolate requests one of its own.
 *
 * @param {Kv} kv
 * @param {string} key
 * @param {string} secret
 * @param {string} text
 * @param {number} secs
 */
export async function store(kv, key, secret, text, secs) {
  const sealed = await seal(encoded(secret), PURPOSE, encoded(key), encoded(text));
  await kv.put(await nameOf(key), sealed, { expirationTtl: secs }).catch(() => {});
}
