// A copy of the project whose config a test may change. What was built is in it, so nothing is compiled: the check is the one
// of the project itself.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, mkdir, symlink, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { toolEnvironment } from '../../../scripts/toolchain.mjs';
import { buildBargate } from './bargate.mjs';
import { ROOT } from './harness.mjs';

const HEAVY = ['.git', '.wrangler', '.tools', 'fuzz', 'node_modules', 'target', 'wrangler.dev.toml', '.env.local'];

/** Stands in for cargo: runs what it has built, and has cargo itself say what it is. */
const CARGO = (cargo, program) => `#!/bin/sh
case "$1" in
  run) while [ "$1" != -- ]; do shift; done; shift; exec '${program}' "$@";;
  *) exec '${cargo}' "$@";;
esac
`;

/** Copies the project into a folder; returns its place and the environment in which its programs run. */
export async function copyProject(directory) {
  const bargate = await buildBargate();
  const cargo = spawnSync('sh', ['-c', 'command -v cargo'], { encoding: 'utf8' }).stdout.trim();
  const copy = join(directory, 'copy');
  await cp(ROOT, copy, { recursive: true, filter: (name) => !HEAVY.some((heavy) => name === join(ROOT, heavy)) });
  await mkdir(join(copy, '.tools'));
  for (const shared of ['node_modules', '.tools/bin']) await symlink(join(ROOT, shared), join(copy, shared));
  const programs = join(directory, 'programs');
  await mkdir(programs);
  await writeFile(join(programs, 'cargo'), CARGO(cargo, bargate));
  await chmod(join(programs, 'cargo'), 0o755);
  const env = toolEnvironment({ CI: 'true' });
  return { copy, env: { ...env, PATH: [programs, env.PATH].join(delimiter) } };
}

/**
 * Starts a program in a process group of its own, and gives what it prints as it comes.
 * @param {string} program
 * @param {string[]} args
 * @param {Record<string, any>} how
 */
export function startProgram(program, args, { cwd, env }) {
  const child = spawn(program, args.map(String), { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  let output = '';
  let wake = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text) => {
      output += text;
      wake();
    });
  }
  return {
    get output() {
      return output;
    },
    /** Resolves once a text is printed behind the first `from` characters, with the number of characters up to its end. */
    async prints(text, from = 0) {
      for (;;) {
        const at = output.indexOf(text, from);
        if (at >= 0) return at + text.length;
        const more = new Promise((resolve) => (wake = () => resolve(true)));
        if (!(await Promise.race([more, ended.then(() => false)])))
          throw new Error(`ended without printing ${text}:\n${output}`);
      }
    },
    /** Asks it to end, waits until it has, and gives its exit status. */
    async end() {
      if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid, 'SIGTERM');
      await ended;
      return child.exitCode;
    },
    ended,
  };
}
