// What fuzzing kept, for those tests that ask a second reader about it.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';

/**
 * Returns the texts that were kept of a kind; what is not UTF-8 has no text.
 * @param {string} name
 * @returns {string[]}
 */
export function corpusOf(name) {
  const lines = readFileSync(join(ROOT, 'fuzz/corpora', `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');
  return lines.map((line) => JSON.parse(line)).filter((text) => typeof text === 'string');
}
