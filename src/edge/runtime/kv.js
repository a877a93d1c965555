// Workers KV.

/**
 * @param {{ put(key: string, text: string, options: object): Promise<void> }} namespace
 * @param {string} key
 * @param {string} text
 * @param {number} lifetime_secs
 */
export async function put(namespace, key, text, lifetime_secs) {
  await namespace.put(key, text, { expirationTtl: lifetime_secs });
}
