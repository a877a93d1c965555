// The arguments of wrangler, when it runs a build: it hands over the name of its command and nothing else, and which bindings
// there will be hangs on the environment. So this looks up the processes that the build was started by.

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The build, a shell or two, and wrangler. */
const ANCESTORS_MAX = 6;
/** The program of wrangler's, as an argument of its own, and in what `ps` says of a process. */
const PROGRAM = /(?:^|[\\/])wrangler(?:-dist[\\/]cli\.js|\.js)?$/;
const WRANGLER = /\bwrangler(?:-dist\/cli\.js|\.js)?(?= |$)/;

/** Returns a process's parent, and a way to the words after wrangler's name in its command; `undefined` if that cannot be seen. */
const look = (pid) => (process.platform === 'linux' && lookAtProc(pid)) || lookByPs(pid);

/** Linux has each argument by itself. */
function lookAtProc(pid) {
  try {
    const [, parent] = /^.*\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').split('\0');
    const at = args.findIndex((arg) => PROGRAM.test(arg));
    return { parent: Number(parent), isWrangler: at >= 0, words: args.slice(at + 1) };
  } catch {
    return undefined;
  }
}

function lookByPs(pid) {
  const { status, stdout } = spawnSync('ps', ['-ww', '-o', 'ppid=', '-o', 'args=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  const [, parent, command] = /^(\d+) (.*)$/s.exec(status === 0 ? stdout.trim() : '') ?? [];
  if (command === undefined) return undefined;
  const found = WRANGLER.exec(command);
  return {
    parent: Number(parent),
    isWrangler: found !== null,
    words: found ? wordsOfText(command.slice(found.index + found[0].length + 1)) : undefined,
  };
}

/**
 * Returns the words of arguments that `ps` gives as one text; `undefined` if a space may be part of one: two words in a row after the
 * first flag are the value of it, or one and another.
 */
export function wordsOfText(text) {
  const words = text.split(' ');
  const first = words.findIndex(isFlag);
  const isAmbiguous = words.some((word, at) => first >= 0 && at > first && !isFlag(word) && isWhole(words[at - 1]));
  return isAmbiguous ? undefined : words;
}

const isFlag = (word) => word.startsWith('-');
/** Whether what comes after it is not its value. */
const isWhole = (word) => !isFlag(word) || word.includes('=');

/** Returns the words after wrangler's name in the command that it was called by; `undefined` if that cannot be seen. */
function wordsOfCall() {
  let pid = process.ppid;
  for (let step = 0; step < ANCESTORS_MAX && pid > 1; step += 1) {
    const seen = look(pid);
    if (!seen || seen.isWrangler) return seen?.words;
    pid = seen.parent;
  }
  return undefined;
}

/** Every value of an option, by whichever of its names it is given. */
function valuesOf(words, names) {
  return words.flatMap((word, index) => {
    if (names.includes(word)) return [words[index + 1] ?? ''];
    const [name, ...value] = word.split('=');
    return names.includes(name) ? [value.join('=')] : [];
  });
}

/**
 * What a call of wrangler says of a deployment: its configuration's file, the environment (empty for the top of the file),
 * files of variables, and whether variables come from elsewhere too. Without a call that can be seen, only what the surroundings
 * say is known.
 */
export function wranglerCall(command = process.env.WRANGLER_COMMAND) {
  const words = command && wordsOfCall();
  const environment = words && valuesOf(words, ['--env', '-e']).at(-1);
  return {
    command,
    config:
      words &&
      valuesOf(words, ['--config', '-c'])
        .map((file) => resolve(file))
        .at(-1),
    environment: environment ?? process.env.CLOUDFLARE_ENV ?? (words && ''),
    envFiles: words ? valuesOf(words, ['--env-file']).map((file) => resolve(file)) : [],
    hasOtherVariables: !words || words.some((word) => /^--(?:var|keep-vars)(?:=|$)/.test(word)),
  };
}
