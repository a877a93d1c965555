// Assembles the command line as the package has it: the program as WebAssembly, and its shell in as few files as esbuild makes of it.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { buildCli } from './build-cli.mjs';
import { bundledPackages } from './bundled-packages.mjs';
import { ROOT } from './toolchain.mjs';

const SHELL = join(ROOT, 'packages', 'bargate', 'cli');

/**
 * Writes the command line to a folder, and returns the packages that are bundled into it: of each its name, version, licence, and
 * the text of that.
 *
 * @param {string} folder
 */
export async function assembleCli(folder) {
  const program = await buildCli();
  const { build: bundle } = await import('esbuild');
  mkdirSync(folder, { recursive: true });
  // The names of parts have digests, so those of another time would stay.
  for (const name of readdirSync(folder).filter((name) => name.endsWith('.mjs'))) rmSync(join(folder, name));
  const { metafile } = await bundle({
    // The questions are loaded when there are any.
    entryPoints: [join(SHELL, 'shell.mjs')],
    bundle: true,
    splitting: true,
    minify: true,
    charset: 'utf8',
    metafile: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    chunkNames: '[name]-[hash]',
    absWorkingDir: ROOT,
    logLevel: 'error',
  });
  cpSync(join(SHELL, 'bin.mjs'), join(folder, 'bin.mjs'));
  writeFileSync(join(folder, 'bargate.wasm.gz'), gzipSync(readFileSync(program), { level: 9 }));
  return bundledPackages(Object.keys(metafile.inputs));
}
