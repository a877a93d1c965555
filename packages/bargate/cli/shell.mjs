// The shell of the command line on Node.js: files, standard streams, terminal, network and WebCrypto for the program, and the
// commands that are JavaScript alone.

import { readFile } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';

import { answerHere, run } from './run.mjs';
import { fetchDocument } from './fetch_document.mjs';
import { realFiles } from './real_files.mjs';
import { standardInput } from './standard_input.mjs';

/** The program, beside this file. */
const PROGRAM = new URL('./bargate.wasm', import.meta.url);
/** The page of `bargate studio`, beside this folder. */
const PAGE = new URL('../studio/', import.meta.url);
const PACKAGE = new URL('../package.json', import.meta.url);

/**
 * What a command of this shell gets: `bargate` runs the program, `outputOf` returns what it prints, and `version` is that of the package.
 *
 * @typedef {object} Shell
 * @property {(args: string[]) => Promise<number>} bargate
 * @property {(args: string[]) => Promise<string>} outputOf
 * @property {string} version
 */

/**
 * The commands of this shell alone. Each takes the arguments behind its name, and returns the exit status; its module is loaded when it
 * is called. The program's help has their words: src/bin/bargate/package.rs.
 *
 * @type {Record<string, (args: string[], shell: Shell) => Promise<number>>}
 */
export const COMMANDS = {
  build: async (args, shell) => (await import('./commands/build.mjs')).build(args, shell),
  dev: async (args, shell) => (await import('./commands/dev.mjs')).dev(args, shell),
  studio: async (args) => (await import('./commands/studio.mjs')).studio(args, { page: fileURLToPath(PAGE) }),
};

const HELP = ['--help', '-h'];

/**
 * Does what the arguments say; the process ends with the status of that when all is written.
 *
 * @param {string[]} args
 */
export async function main(args) {
  // A reader that stops has read enough, and the command still has its status.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', (error) => {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EPIPE') throw error;
    });
  const [name, ...rest] = args;
  const command = Object.hasOwn(COMMANDS, name) && !HELP.includes(rest[0]) ? COMMANDS[name] : undefined;
  try {
    process.exitCode = await (command ? command(rest, await shell()) : bargate(args));
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 2;
  }
}

/** @returns {Promise<Shell>} */
async function shell() {
  const { version } = JSON.parse(await readFile(PACKAGE, 'utf8'));
  return { bargate, outputOf: async (args) => (await runProgram(args)).stdout, version };
}

/**
 * Runs the program with this process's streams, and returns its exit status.
 *
 * @param {string[]} args
 */
export async function bargate(args) {
  const { status, stdout, stderr } = await runProgram(args);
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return status;
}

/** @param {string[]} args */
async function runProgram(args) {
  const module = await WebAssembly.compile(await readFile(PROGRAM));
  const windows = process.platform === 'win32';
  const width = process.stdout.columns ?? process.stderr.columns;
  return run(module, {
    args,
    files: realFiles(),
    stdin: standardInput(),
    // A terminal of Windows has colours, and no TERM that says so.
    env: { ...(windows ? { TERM: 'xterm' } : {}), ...process.env },
    columns: width,
    terminals: { stdin: isatty(0), stdout: isatty(1), stderr: isatty(2) },
    windows,
    answer: answerAtTerminal,
  });
}

/** @param {import('./run.mjs').Question} question */
async function answerAtTerminal(question) {
  switch (question.ask) {
    case 'fetch':
      return fetchDocument(question);
    case 'choice':
      return (await import('./prompts.mjs')).choose(question);
    case 'text':
      return (await import('./prompts.mjs')).ask(question);
    default:
      return answerHere(question);
  }
}
