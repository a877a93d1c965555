// Where the project's tools are, and how they are run. Used by every other script; needs Node.js 20 and no package.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure } from '../dev/failure.mjs';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

const PACKAGES_BIN = join(ROOT, 'node_modules', '.bin');
const TOOLS_BIN = join(ROOT, '.tools', 'bin');

/** Programs that set-up puts into the project's own folders. */
export const TOOLS = {
  node: join(PACKAGES_BIN, 'node'),
  wrangler: join(PACKAGES_BIN, 'wrangler'),
  biome: join(PACKAGES_BIN, 'biome'),
  tsc: join(PACKAGES_BIN, 'tsc'),
  esbuild: join(PACKAGES_BIN, 'esbuild'),
  wasmOpt: join(PACKAGES_BIN, 'wasm-opt'),
  wasmMetadce: join(PACKAGES_BIN, 'wasm-metadce'),
  bindgen: join(TOOLS_BIN, 'bargate-bindgen'),
  cargoDeny: join(TOOLS_BIN, 'cargo-deny'),
  mdbook: join(TOOLS_BIN, 'mdbook'),
};

/** Where cargo puts what it compiles. */
export const targetDirectory = () => process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target');

/** The command line, as `cargo build` makes it. */
export const bargateProgram = () => join(targetDirectory(), 'debug', 'bargate');

/** The environment tools run in: the project's Node.js comes first, and wrangler reports to no one. */
export function toolEnvironment(extra = {}) {
  return {
    ...process.env,
    PATH: [PACKAGES_BIN, process.env.PATH].join(delimiter),
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
    ...extra,
  };
}

export { Failure };

/**
 * Runs a program with its output passed through, and throws a `Failure` if it does not succeed. What it says of errors comes in
 * one piece if `whole` says so and the output is not a terminal: wrangler takes every piece for a line.
 *
 * @param {string} program
 * @param {string[]} args
 * @param {{ env?: NodeJS.ProcessEnv, failure?: string, whole?: boolean }} options
 */
export async function run(program, args, { env = toolEnvironment(), failure, whole = false } = {}) {
  const isHeld = whole && !process.stderr.isTTY;
  let held = '';
  const status = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', isHeld ? 'pipe' : 'inherit'] });
    child.stderr?.setEncoding('utf8').on('data', (text) => (held += text));
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code ?? signal));
  });
  if (held) process.stderr.write(held);
  if (status !== 0) throw new Failure(failure ?? `${[program, ...args].join(' ')} failed (${status})`);
}

/** Returns what a program prints, trimmed, or `undefined` if it cannot be run. */
export function outputOf(program, args) {
  const { status, stdout } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** The file with the last duration of each step. */
const DURATIONS = join(ROOT, '.tools', 'durations.json');
/** What takes less than this is done without a word. */
const WORTH_TELLING_SECS = 5;
const STILL_AT_IT_SECS = 30;

/**
 * Does a step that may take long, and tells so: what it is, how long it took the last time (`usualSecs` without one), how long it
 * has taken so far, and in the end.
 */
export async function timed(what, usualSecs, body) {
  const last = durations()[what];
  const expected = last === undefined ? `about ${spoken(usualSecs)} the first time` : `${spoken(last)} the last time`;
  const startedAt = Date.now();
  const seconds = () => (Date.now() - startedAt) / 1000;
  let isTold = false;
  const begin = () => {
    if (!isTold) console.log(`${what} … (${expected})`);
    isTold = true;
  };
  if ((last ?? usualSecs) >= WORTH_TELLING_SECS) begin();
  const soon = setTimeout(begin, WORTH_TELLING_SECS * 1000);
  const ticks = setInterval(
    () => console.log(`${what} … ${spoken(seconds())} so far (${expected})`),
    STILL_AT_IT_SECS * 1000,
  );
  try {
    await body();
  } finally {
    clearTimeout(soon);
    clearInterval(ticks);
  }
  if (isTold) console.log(`${what}: done in ${spoken(seconds())}`);
  mkdirSync(join(ROOT, '.tools'), { recursive: true });
  writeFileSync(DURATIONS, `${JSON.stringify({ ...durations(), [what]: seconds() }, null, 2)}\n`);
}

function durations() {
  try {
    return JSON.parse(readFileSync(DURATIONS, 'utf8'));
  } catch {
    return {};
  }
}

/** Says a duration as people do: `0.4 s`, `42 s`, `3 min 5 s`. */
export function spoken(seconds) {
  if (seconds < 10) return `${Number(seconds.toFixed(1))} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  return whole % 60 ? `${Math.floor(whole / 60)} min ${whole % 60} s` : `${whole / 60} min`;
}

export function readProjectFile(name) {
  return readFileSync(join(ROOT, name), 'utf8');
}

/** Runs a script's main function; a `Failure` becomes one line and status 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? `\n${error.message}` : error);
    process.exitCode = 1;
  }
}
