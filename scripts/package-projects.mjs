// The packages `bargate-dev` and `create-bargate`: their sources, bundled with what this repository shares with them.

import { copyFileSync, mkdirSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { ROOT } from './toolchain.mjs';

/**
 * Writes a package's files into a folder: modules as one, and the rest as it is.
 *
 * @param {string} name
 * @param {{ entry: string, copied: string[] }} what `entry` is bundled, with its packages left out
 * @param {string} folder
 */
async function assemble(name, { entry, copied }, folder) {
  // Not at the top of the file: set-up installs it first.
  const { build } = await import('esbuild');
  const source = join(ROOT, 'packages', name);
  await build({
    entryPoints: [join(source, entry)],
    outfile: join(folder, entry),
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    packages: 'external',
    logLevel: 'warning',
  });
  for (const file of copied.flatMap((name) => filesUnder(source, name))) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    // What a link leads to is copied, and not the link.
    copyFileSync(join(source, file), join(folder, file));
  }
}

function filesUnder(source, name) {
  if (!statSync(join(source, name)).isDirectory()) return [name];
  return readdirSync(join(source, name))
    .sort()
    .flatMap((entry) => filesUnder(source, join(name, entry)));
}

/** Writes the package `bargate-dev` into a folder. */
export const assembleDev = (folder) =>
  assemble('bargate-dev', { entry: 'dev.mjs', copied: ['package.json', 'README.md', 'bin.mjs'] }, folder);

/** Writes the package `create-bargate` into a folder. */
export const assembleCreate = (folder) =>
  assemble(
    'create-bargate',
    { entry: 'create.mjs', copied: ['package.json', 'README.md', 'bin.mjs', 'files'] },
    folder,
  );
