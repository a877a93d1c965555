// The packages of npm that esbuild has put into a file, with their licences: what is passed on has to be named.

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, ROOT } from './toolchain.mjs';

/** Licences that ask for no more than to be passed on. */
const LICENCES = ['MIT', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause', 'Apache-2.0'];
export const LICENCE_FILE = /^(?:licen[cs]e|copying|copyright|notice|unlicense)/i;

/**
 * Returns the packages among the inputs of a bundle, each with its name, version, licence, and the texts of that.
 *
 * @param {Iterable<string>} inputs paths from the root of the project, as esbuild's metafile has them
 */
export function bundledPackages(inputs) {
  const folders = [...inputs].map((input) => /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input)?.[1]);
  return [...new Set(folders)]
    .filter((folder) => folder !== undefined)
    .sort()
    .map((folder) => {
      const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, 'package.json'), 'utf8'));
      if (!LICENCES.includes(license))
        throw new Failure(`${name} ${version} has the licence ${license}, which is not known here`);
      return { name, version, license, texts: licenceTexts(join(ROOT, folder), `${name} ${version}`) };
    });
}

/** Returns the texts of all files with licences in a folder: at least one. */
export function licenceTexts(folder, what) {
  const files = readdirSync(folder).filter((name) => LICENCE_FILE.test(name));
  if (!files.length) throw new Failure(`${what} has no file with its licence`);
  return files.sort().map((name) => readFileSync(join(folder, name), 'utf8'));
}
