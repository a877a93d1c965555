// Assembles the command line as the package has it: the program as WebAssembly, and its shell in as few files as esbuild makes of it.

import { cpSync, mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { buildCli } from './build-cli.mjs';
import { Failure, ROOT } from './toolchain.mjs';

const SHELL = join(ROOT, 'packages', 'bargate', 'cli');
/** Licences that ask for no more than to be passed on. */
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'];
const LICENCE_FILE = /^licen[cs]e/i;

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
  cpSync(program, join(folder, 'bargate.wasm'));
  return bundledPackages(Object.keys(metafile.inputs));
}

/** @param {string[]} inputs */
function bundledPackages(inputs) {
  const folders = inputs.flatMap((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.slice(1) ?? []);
  return [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
    if (!LICENCES.includes(license))
      throw new Failure(`${name} ${version} has the licence ${license}, which is not known here`);
    const file = readdirSync(join(ROOT, folder)).find((entry) => LICENCE_FILE.test(entry));
    if (!file) throw new Failure(`${name} ${version} has no file with its licence`);
    return { name, version, license, text: readFileSync(join(ROOT, folder, file), 'utf8') };
  });
}
