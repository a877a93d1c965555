// What `make dev` and `bargate dev` share: programs that run until they are interrupted, and a gateway that goes on by its last good
// files while these change.

import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { Failure } from './failure.mjs';

export const HOST = '127.0.0.1';
/** One can watch a token of such a life expire, and still use it before. */
export const ACCESS_TOKEN_SECS = 60;
/** What is said after the reason, if what a gateway is made of has a mistake. */
export const GOES_ON = 'Until that is mended, the gateway goes on with what was built last.';
/** What is said once it goes by its files again. */
export const GOES_BY_FILES = 'The gateway goes by the files as they are.';
/** What is said after the reason, if no gateway runs. */
export const STARTS_AGAIN = 'The gateway starts again with the next change of a file.';
const START_MS = 60_000;
const STOP_MS = 5_000;
/** Lines of wrangler's that say what is said already: the gateway logs each request, and the build what it does. */
export const SAID_ALREADY =
  /^\[wrangler:info\] [A-Z]+ \S+ \d{3} .*\(\d+ms\)$|^\[custom build\]|^The file .* changed, restarting build/;

/**
 * A program that is run: `health` is an address that it answers once it is up, well if `isUp` says so of the response; lines that
 * match `unsaid` are not shown.
 *
 * @typedef {object} Service
 * @property {string} name
 * @property {string} health
 * @property {[string, ...(string | number)[]]} command
 * @property {RegExp} [unsaid]
 * @property {(response: Response) => boolean} [isUp]
 */

/** Throws if something listens on the port already; `remedy` says how to choose another. */
export async function checkPort(port, remedy) {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, () => server.close(resolve));
  }).catch(({ code }) => {
    throw new Failure(`port ${port} is in use (${code}): end what listens there, or choose another, as in: ${remedy}`);
  });
}

/** Resolves when somebody asks this process to end. */
export function interruption() {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT']) process.once(signal, resolve);
  });
}

/**
 * Starts a service. Each leads its own process group, so that ending the group ends what it has started itself.
 *
 * @param {Service} service
 * @param {{ cwd: string, env: NodeJS.ProcessEnv }} where
 */
export function start({ name, command: [program, ...args], unsaid }, { cwd, env }) {
  const stream = unsaid ? 'pipe' : 'inherit';
  // Through a pipe it would leave the colours out.
  const coloured = unsaid && process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
  const child = spawn(program, args.map(String), {
    cwd,
    env: { ...env, ...coloured },
    detached: process.platform !== 'win32',
    stdio: ['ignore', stream, stream],
  });
  for (const name of unsaid ? ['stdout', 'stderr'] : []) {
    createInterface({ input: child[name] }).on('line', (line) => {
      if (!unsaid?.test(stripVTControlCharacters(line))) process[name].write(`${line}\n`);
    });
  }
  /** @type {Promise<string>} */
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  return { name, pid: child.pid, ended };
}

function signalGroup({ pid }, signal) {
  if (pid === undefined) return;
  if (process.platform === 'win32') {
    // There are no groups; this ends what a process has started, too.
    spawnSync('taskkill', ['/pid', String(pid), '/t', '/f'], { stdio: 'ignore' });
    return;
  }
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

/** Ends services and what they have started. */
export async function stop(services) {
  for (const service of services) signalGroup(service, 'SIGTERM');
  await Promise.race([Promise.all(services.map(({ ended }) => ended)), sleep(STOP_MS)]);
  for (const service of services) signalGroup(service, 'SIGKILL');
}

/**
 * Resolves once a service answers.
 *
 * @param {Service} service
 */
export async function answers({ name, health, isUp = ({ ok }) => ok }) {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(100)) {
    const response = await fetch(health, { redirect: 'manual' }).catch(() => undefined);
    if (response && isUp(response)) return;
    if (response) {
      const text = (await response.text()).slice(0, 500);
      throw new Failure(`the ${name} answers ${response.status} at ${health}: ${text}`);
    }
  }
  throw new Failure(`the ${name} did not answer at ${health} within ${START_MS / 1000} s`);
}

/** Rejects when a service ends by itself. */
export async function end({ name, ended }) {
  throw new Failure(`the ${name} ended by itself (${await ended}); the others were ended too`);
}
