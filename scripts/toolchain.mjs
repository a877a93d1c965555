// Where the project's tools are, and how they are run. Used by every other script; needs Node.js 20 and no package.

import { spawn, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');

const PACKAGES_BIN = join(ROOT, 'node_modules', '.bin');
const TOOLS_BIN = join(ROOT, '.tools', 'bin');

/** Programs that set-up puts into the project's own folders. */
export const TOOLS = {
  node: join(PACKAGES_BIN, 'node'),
  wrangler: join(PACKAGES_BIN, 'wrangler'),
  esbuild: join(PACKAGES_BIN, 'esbuild'),
  wasmOpt: join(PACKAGES_BIN, 'wasm-opt'),
  wasmMetadce: join(PACKAGES_BIN, 'wasm-metadce'),
  workerBuild: join(TOOLS_BIN, 'worker-build'),
  cargoDeny: join(TOOLS_BIN, 'cargo-deny'),
  wasmBindgen: join(TOOLS_BIN, 'wasm-bindgen'),
};

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

/** A failure whose message is all there is to say: it is printed as one line, without a stack. */
export class Failure extends Error {}

/** Runs a program with its output passed through, and throws a `Failure` if it does not succeed. */
export async function run(program, args, { env = toolEnvironment(), failure } = {}) {
  const status = await new Promise((resolve) => {
    const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(code ?? signal));
  });
  if (status !== 0) throw new Failure(failure ?? `${[program, ...args].join(' ')} failed (${status})`);
}

/** What a program prints, trimmed, or `undefined` where it cannot be run. */
export function outputOf(program, args) {
  const { status, stdout } = spawnSync(program, args, { cwd: ROOT, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
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
