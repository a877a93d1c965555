// The commands that the documents begin with, as a reader would type them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../../../scripts/toolchain.mjs';

/** What a reader sees first: a command of its own. */
export function firstBlockOf(file) {
  return /^```\w+\n(.*?)^```$/ms.exec(readFileSync(join(ROOT, file), 'utf8'))?.[1].trimEnd();
}

/** The commands of the first block with a console below a heading. */
export function commandsOf(file, heading) {
  const text = readFileSync(join(ROOT, file), 'utf8');
  const section = text.split(/^## /m).find((part) => part.startsWith(`${heading}\n`));
  const block = /^```console\n(.*?)^```$/ms.exec(section ?? '')?.[1];
  if (block === undefined) throw new Error(`${file} has no commands below "${heading}"`);
  return block.split('\n').flatMap((line) => (line.startsWith('$ ') ? [line.slice(2)] : []));
}
