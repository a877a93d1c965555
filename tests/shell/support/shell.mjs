// The command line as the package has it, and as cargo built it for this machine.

import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, bargateProgram } from '../../../scripts/toolchain.mjs';

export const BIN = join(ROOT, 'build', 'cli', 'bin.mjs');
export const MODULE = new WebAssembly.Module(readFileSync(join(ROOT, 'build', 'cli', 'bargate.wasm')));

/** Variables by which the machine of a test would have a say in colours, widths and addresses. */
const OTHERS = /^(?:NO_COLOR|FORCE_COLOR|CLICOLOR.*|COLUMNS|TERM|CI|.*_proxy)$/i;
const CLEAN = Object.fromEntries(Object.entries(process.env).filter(([name]) => !OTHERS.test(name)));

/**
 * Runs a command to its end.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ cwd?: string, env?: Record<string, string>, input?: string }} how
 * @returns {Promise<{ status: number | null, stdout: string, stderr: string }>}
 */
export function call(program, args, { cwd = ROOT, env = {}, input = '' } = {}) {
  const child = spawn(program, args, { cwd, env: { ...CLEAN, ...env } });
  const ended = { status: null, stdout: '', stderr: '' };
  for (const name of ['stdout', 'stderr']) child[name].setEncoding('utf8').on('data', (text) => (ended[name] += text));
  // A command that does not read its input may end before it is written.
  child.stdin.on('error', () => {}).end(input);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ ...ended, status }));
  });
}

export const shell = (args, how) => call(process.execPath, [BIN, ...args], how);
export const native = (args, how) => call(process.env.BARGATE_PROGRAM ?? bargateProgram(), args, how);
