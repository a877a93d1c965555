// The ids of sessions in a list.

import { digest_text } from '../runtime/webcrypto.js';

/** @param {string} names */
export async function identified(names) {
  const line = async (/** @type {string} */ name) => `${await digest_text(name)} ${name}`;
  return (await Promise.all(names.split(' ').map(line))).sort().join('\n');
}
