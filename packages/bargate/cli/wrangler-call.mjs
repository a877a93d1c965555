// The arguments of wrangler, when it runs a build: it hands over the name of its command and nothing else, and which bindings
// there will be hangs on the environment. So this looks up the processes that the build was started by.

import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';

/** The build, a shell or two, and wrangler. */
const ANCESTORS_MAX = 6;
/** The program of wrangler's, in what `ps` says of a process. */
const WRANGLER = /\bwrangler(?:-dist\/cli\.js|\.js)?(?= |$)/;

/** Returns what `ps` says of a process; `undefined` where there is no `ps`. */
function describe(pid) {
  const { status, stdout } = spawnSync('ps', ['-ww', '-o', 'ppid=', '-o', 'args=', '-p', String(pid)], {
    encoding: 'utf8',
  });
  return status === 0 ? stdout.trim() : undefined;
}

/** Returns the words after wrangler's name in the command that it was called by; `undefined` if that cannot be seen. */
function wordsOfCall() {
  let pid = process.ppid;
  for (let step = 0; step < ANCESTORS_MAX && pid > 1; step += 1) {
    const [, parent, command] = /^(\d+) (.*)$/s.exec(describe(pid) ?? '') ?? [];
    if (command === undefined) return undefined;
    const found = WRANGLER.exec(command);
    if (found) return command.slice(found.index + found[0].length + 1).split(' ');
    pid = Number(parent);
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
