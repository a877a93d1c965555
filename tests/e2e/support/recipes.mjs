// The recipes of the documents, as the tests run them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './harness.mjs';

/**
 * The text of the first block of a recipe with a label, such as `json config`.
 * @param {string} name
 * @param {string} label
 */
export function blockOf(name, label) {
  const recipe = readFileSync(join(ROOT, 'docs', 'recipes', `${name}.md`), 'utf8');
  return new RegExp(`^\`\`\`${label}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(recipe)[1];
}
