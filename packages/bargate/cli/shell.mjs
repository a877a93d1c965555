// The shell of the command line on Node.js: files, standard streams, terminal, network and WebCrypto for the program, and the
// commands that are JavaScript alone.

import { writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

import { answerHere, run } from './run.mjs';
import { fetchDocument } from './fetch_document.mjs';
import { realFiles } from './real_files.mjs';
import { standardInput } from './standard_input.mjs';

/** The program, beside this file: 20 ms more at the start, and 1.3 MB less to install. */
const PROGRAM = new URL('./bargate.wasm.gz', import.meta.url);

/** The page of `bargate studio`, in the package. */
const PAGE = fileURLToPath(new URL('../studio/', import.meta.url));

/** What names the package's version. */
const PACKAGE = new URL('../package.json', import.meta.url);

/**
 * The commands of this shell alone: each takes the arguments behind its name, and returns the exit status. The program has their
 * words for `bargate help`; those that say more in a help of their own are in `HELPFUL`.
 *
 * @type {Record<string, (args: string[]) => Promise<number>>}
 */
export const COMMANDS = {
  build: async (args) => (await import('./commands/build.mjs')).build(args, await surroundings()),
  dev: async (args) => (await import('./commands/dev.mjs')).dev(args, await surroundings()),
  map: async (args) => (await import('./commands/map.mjs')).map(args, { bargate }),
  studio: async (args) => (await import('./commands/studio.mjs')).studio(args, { page: PAGE }),
  tail: async (args) => (await import('./commands/tail.mjs')).tail(args, { root: process.cwd() }),
};

const HELPFUL = ['dev', 'map', 'studio', 'tail'];
const HELP = ['--help', '-h'];

/** Where a project's commands work: in this folder, by this version. */
async function surroundings() {
  const { version } = JSON.parse(await readFile(PACKAGE, 'utf8'));
  return { root: process.cwd(), version, bargate };
}

/**
 * Does what the arguments say; the process ends with the status of that when all is written.
 *
 * @param {string[]} args
 */
export async function main(args) {
  for (const stream of [process.stdout, process.stderr]) stream.on('error', unwritten);
  const [name, ...rest] = args;
  const isHelp = name === 'help' && HELPFUL.includes(rest[0]);
  try {
    process.exitCode = await (isHelp ? COMMANDS[rest[0]](['--help']) : perform(name, rest));
  } catch (error) {
    process.stderr.write(`error: ${error.message}\n`);
    process.exitCode = 2;
  }
}

/** What becomes of output that cannot be written. @param {NodeJS.ErrnoException} error */
function unwritten({ code, message }) {
  // A reader that stops has read enough, and the command still has its status.
  if (code === 'EPIPE') return;
  try {
    writeSync(2, `error: the output cannot be written: ${message.replace(/^\w+: |, write$/g, '')}\n`);
  } catch {
    // Then nobody can be told.
  }
  process.exit(2);
}

/**
 * @param {string | undefined} name
 * @param {string[]} rest
 */
async function perform(name, rest) {
  if (name === undefined) return (await bargate([])).status;
  const isOwn = Object.hasOwn(COMMANDS, name) && (HELPFUL.includes(name) || !HELP.includes(rest[0]));
  return isOwn ? COMMANDS[name](rest) : (await bargate([name, ...rest])).status;
}

/**
 * Runs the program with this process's surroundings. Its output is shown; captured, it is only returned.
 *
 * @param {string[]} args
 */
export async function bargate(args, { captured = false } = {}) {
  const module = await WebAssembly.compile(gunzipSync(await readFile(PROGRAM)));
  const windows = process.platform === 'win32';
  const width = process.stdout.columns ?? process.stderr.columns;
  const isTerminal = (stream) => !captured && isatty(stream);
  const ended = await run(module, {
    args,
    files: realFiles(),
    stdin: standardInput(),
    // A terminal of Windows has colours, and no TERM that says so.
    env: { ...(windows ? { TERM: 'xterm' } : {}), ...process.env },
    columns: width,
    terminals: { stdin: isatty(0), stdout: isTerminal(1), stderr: isTerminal(2) },
    windows,
    answer: answerAtTerminal,
  });
  // One after the other, for both may be one file or terminal.
  if (!captured) for (const { stream, text } of ended.pieces) await written(process[stream], text);
  return ended;
}

/** @param {NodeJS.WriteStream} stream @param {string} text */
const written = (stream, text) => new Promise((resolve) => stream.write(text, resolve));

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
