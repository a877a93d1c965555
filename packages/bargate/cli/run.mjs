// Runs the command line, a WebAssembly program for WASI, wherever JavaScript runs: the shell for Node.js and the page use this.
//
// What the program has no means for it asks the shell, and each answer is followed by another run, which is told all answers so far:
// so it works without a second thread, and the answers may take their time. ARCHITECTURE.md has the form.

import { filesInMemory } from './files_in_memory.mjs';
import { verify } from './signatures.mjs';
import { Exit, wasi } from './wasi.mjs';

/** The exit status of a program that has a question. */
const ASKED = 82;
/** What a program that broke ends with, as Rust's do. */
const BROKEN = 101;
/** The variable with the answers, for the program. */
const REPLAY = 'BARGATE_REPLAY';

/**
 * A question of the program's: `ask` says of which kind it is.
 *
 * @typedef {{ ask: string, [member: string]: any }} Question
 */

/**
 * @typedef {object} Options
 * @property {string[]} args The arguments, without the program's name.
 * @property {Record<string, string> | import('./files_in_memory.mjs').Files} [files] Texts by name, or a file system.
 * @property {string | { read: (length: number) => Uint8Array }} [stdin] Standard input; without it, it is empty.
 * @property {Record<string, string | undefined>} [env] The variables of the environment.
 * @property {number} [columns] The width for text.
 * @property {{ stdin?: boolean, stdout?: boolean, stderr?: boolean }} [terminals] Which streams are a terminal.
 * @property {boolean} [windows] Whether paths may have backslashes.
 * @property {(question: Question) => unknown} [answer] Answers what the program asks; `answerHere` without it.
 */

/**
 * Runs the program, as often as it has questions. `written` has the files that it wrote, if they are in memory.
 *
 * @param {WebAssembly.Module} module
 * @param {Options} options
 */
export async function run(module, { args, files = {}, stdin = '', env = {}, columns, answer = answerHere, ...shell }) {
  const system = isSystem(files) ? files : filesInMemory(files);
  const input = replayable(stdin);
  const now = Date.now();
  const answered = [];
  const variables = { ...env, ...(columns ? { COLUMNS: String(columns) } : {}) };
  for (;;) {
    variables[REPLAY] = JSON.stringify({ windows: shell.windows ?? false, answered });
    const ended = await runOnce(module, {
      args: ['bargate', ...args],
      env: variables,
      files: system,
      stdin: input(),
      terminals: shell.terminals ?? {},
      now,
    });
    if (ended.status !== ASKED) return { ...ended, written: system.written ?? {} };
    const question = JSON.parse(ended.stdout.slice(ended.stdout.lastIndexOf('\n', ended.stdout.length - 2) + 1));
    answered.push({ question, answer: await answer(question) });
  }
}

/**
 * Answers what can be answered anywhere: whether a signature is by a key.
 *
 * @param {Question} question
 */
export async function answerHere(question) {
  if (question.ask === 'verify') return verify(question);
  return { error: question.ask === 'fetch' ? 'nothing is fetched here' : 'nobody can be asked here' };
}

/**
 * @param {Record<string, string> | import('./files_in_memory.mjs').Files} files
 * @returns {files is import('./files_in_memory.mjs').Files}
 */
function isSystem(files) {
  return typeof files.open === 'function';
}

async function runOnce(module, surroundings) {
  const output = new Output();
  const { imports, begin } = wasi({ ...surroundings, output });
  // What the program may import and does not need for its work says that it is not there.
  for (const { module: from, name } of WebAssembly.Module.imports(module)) imports[from][name] ??= () => NOT_SUPPORTED;
  const instance = /** @type {any} */ (await WebAssembly.instantiate(module, imports));
  begin(instance.exports.memory);
  const status = statusOf(instance.exports._start, (line) => output.write('stderr', new TextEncoder().encode(line)));
  return { status, ...output.end() };
}

const NOT_SUPPORTED = 52;

function statusOf(start, say) {
  try {
    start();
    return 0;
  } catch (error) {
    if (error instanceof Exit) return error.status;
    // Such as for want of memory. The program has no word in that, so it is said here.
    say(`error: the program broke off: ${error.message}\n`);
    return BROKEN;
  }
}

/** What is written to both streams: each as one text, and the pieces of both in their order. */
class Output {
  #decoders = { stdout: new TextDecoder('utf-8', OF_TEXT), stderr: new TextDecoder('utf-8', OF_TEXT) };
  /** @type {{ stream: 'stdout' | 'stderr', text: string }[]} */
  #pieces = [];

  /** @param {'stdout' | 'stderr'} stream @param {Uint8Array} bytes */
  write(stream, bytes) {
    this.#pieces.push({ stream, text: this.#decoders[stream].decode(bytes, { stream: true }) });
  }

  end() {
    const of = (name) => this.#pieces.reduce((all, { stream, text }) => (stream === name ? all + text : all), '');
    return { stdout: of('stdout'), stderr: of('stderr'), pieces: this.#pieces };
  }
}

/** A mark of the byte order is a part of the text. */
const OF_TEXT = { ignoreBOM: true };

/** Standard input that each run reads from its beginning. */
function replayable(stdin) {
  const source = typeof stdin === 'string' ? undefined : stdin;
  const chunks = source ? [] : [new TextEncoder().encode(/** @type {string} */ (stdin))];
  return () => {
    let [index, at] = [0, 0];
    return {
      read(length) {
        while (index < chunks.length && at === chunks[index].length) [index, at] = [index + 1, 0];
        if (index === chunks.length) {
          const more = source?.read(length) ?? new Uint8Array();
          if (!more.length) return more;
          chunks.push(more);
        }
        const bytes = chunks[index].subarray(at, at + length);
        at += bytes.length;
        return bytes;
      },
    };
  };
}
