// `bargate dev`: hands over to the package `bargate-dev`, which a project has beside this one.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAME = 'bargate-dev';

/**
 * Runs a project's `bargate-dev` with these arguments; that ends the process.
 *
 * @param {string[]} args
 * @param {{ root: string, version: string, bargate: typeof import('../shell.mjs').bargate }} surroundings
 * @returns {Promise<number>} the exit status, if it cannot run
 */
export async function dev(args, { root, version, bargate }) {
  let file;
  try {
    file = createRequire(join(root, 'package.json')).resolve(`${NAME}/package.json`);
  } catch {
    // Its flags are its own to tell; what it is for, the program knows.
    if (['--help', '-h'].includes(args[0])) return (await bargate(['help', 'dev'])).status;
    console.error(`error: ${NAME} is not installed here: run npm install -D ${NAME}@${version}`);
    return 2;
  }
  const installed = JSON.parse(readFileSync(file, 'utf8'));
  if (installed.version !== version) {
    console.error(
      `error: this is bargate ${version}, and ${NAME} is ${installed.version}: run npm install bargate@latest, and npm install -D ${NAME}@latest`,
    );
    return 2;
  }
  // Its own command, which looks at the version of Node.js first.
  const bin = join(dirname(file), installed.bin[NAME]);
  process.argv.splice(2, process.argv.length, ...args);
  await import(pathToFileURL(bin).href);
  return 0;
}
