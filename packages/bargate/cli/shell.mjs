// The shell of the command line on Node.js: files, standard streams, terminal, network and WebCrypto for the program, and the
// commands that are JavaScript alone.

import { readFile } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { gunzipSync } from 'node:zlib';

import { answerHere, run } from './run.mjs';
import { fetchDocument } from './fetch_document.mjs';
import { realFiles } from './real_files.mjs';
import { standardInput } from './standard_input.mjs';

/** The program, beside this file: 20 ms more at the start, and 1.3 MB less to install. */
const PROGRAM = new URL('./bargate.wasm.gz', import.meta.url);

/**
 * The commands of this shell alone. Each is a module in commands/ that exports a function of its name: it takes the arguments behind
 * the name, and `bargate` to run the program, and returns the exit status. The program's help has their words: src/bin/bargate/package.rs.
 *
 * @type {Record<string, (args: string[], shell: { bargate: typeof bargate }) => Promise<number>>}
 */
export const COMMANDS = {};

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
    process.exitCode = await (command ? command(rest, { bargate }) : bargate(args));
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 2;
  }
}

/**
 * Runs the program with this process's streams, and returns its exit status.
 *
 * @param {string[]} args
 */
export async function bargate(args) {
  const module = await WebAssembly.compile(gunzipSync(await readFile(PROGRAM)));
  const windows = process.platform === 'win32';
  const width = process.stdout.columns ?? process.stderr.columns;
  const { status, stdout, stderr } = await run(module, {
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
  process.stdout.write(stdout);
  process.stderr.write(stderr);
  return status;
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
