// Notes what an output was made of, for builds that make nothing twice.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, outputOf } from './toolchain.mjs';

/** Notes in a file which inputs an output was made of, and for what, so that the same are not built again. */
export function stampOf(name, inputs, purpose = []) {
  const file = join(ROOT, name);
  const before = hashOf(inputs, purpose);
  return {
    isFresh: () => existsSync(file) && readFileSync(file, 'utf8') === before,
    // Not written if something changed while the build ran: the next one starts over.
    write: () => hashOf(inputs, purpose) === before && writeFileSync(file, before),
  };
}

/** A digest of the files' names and contents, of the compiler, and of what it is for. */
function hashOf(inputs, purpose) {
  const hash = createHash('sha256')
    .update(JSON.stringify(purpose))
    .update(outputOf('rustc', ['--version']) ?? '');
  for (const file of inputs.flatMap(filesUnder)) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

/** Every file of a folder, by its path from the project's; a file is its own. */
export function filesUnder(path) {
  if (!existsSync(join(ROOT, path))) return [];
  try {
    return readdirSync(join(ROOT, path))
      .sort()
      .flatMap((name) => filesUnder(`${path}/${name}`));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}
