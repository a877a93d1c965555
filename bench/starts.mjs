// How long workerd takes from its start to the first answer, and how much memory it then has: with Bargate as it is deployed, with
// 10,000 routes in its built-in config, and with Hono.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomFrom } from '../chaos/random.mjs';
import { bundleWith } from './bundle.mjs';
import { gatewayWorker, resources } from './gateway.mjs';
import { peerWorkers } from './testbed.mjs';
import { memoryMib } from './usage.mjs';
import { startWorkerd, writeConfig } from './workerd.mjs';

const MANY_ROUTES = 10_000;

const random = randomFrom('starts');

/** The variables and secrets that gateway.config.json refers to. Nothing is at these addresses, and a start asks none. */
const REFERENCES = {
  API_URL: 'https://upstream.example.com',
  SPA_ORIGIN: 'https://app.example.com',
  AUTH0_DOMAIN: 'tenant.eu.auth0.com',
  AUTH0_CLIENT_ID: 'client',
  AUTH0_CLIENT_SECRET: 'a-secret-of-a-benchmark-and-of-nothing-else',
  AUTH0_AUDIENCE: 'https://api.example.com/',
  AUTH0_REDIRECT_URI: 'https://api.example.com/api/auth0/callback',
  SPA_REDIRECT_URI: 'https://app.example.com/',
  SILENT_REDIRECT_URI: 'https://api.example.com/api/auth0/silent/callback',
};

const start = (name, title) => ({ name, title: `start, ${title}`, unit: 'ms', base: 'start-hono' });
const memory = (name, title) => ({ name, title: `memory, ${title}`, unit: 'MiB', base: 'memory-hono' });

export const START_ROWS = [
  start('start-hono', 'Hono'),
  start('start', 'Bargate'),
  start('start-routes', 'Bargate with 10,000 routes'),
  start('start-hono-again', 'Hono, again'),
  memory('memory-hono', 'Hono'),
  memory('memory', 'Bargate'),
  memory('memory-routes', 'Bargate with 10,000 routes'),
];

export const START_PAIRS = [['start-hono', 'start-hono-again']];

export const START_TARGETS = [
  { of: 'start', to: 'start-hono', most: 1.05 },
  { of: 'start-routes', to: 'start', most: 1.25 },
  { of: 'memory-routes', to: 'memory', most: 10, isDifference: true },
];

/** Which start the memory of a row is of. */
const MEMORY_OF = { 'memory-hono': 'start-hono', memory: 'start', 'memory-routes': 'start-routes' };

/** Bargate as it is deployed. */
export const deployed = () => ({ path: '/health', worker: gatewayWorker('bargate', REFERENCES) });

/** Measures starts, and returns the times in milliseconds and the memory in MiB, round by round. */
export async function measureStarts(rounds) {
  const measured = await measureStartsOf(rounds, async (folder, place) => {
    const [worker] = await peerWorkers(folder, ['hono'], place);
    const hono = { path: '/fixed/open', worker };
    const many = await bundleWith(join(folder, 'many'), {
      paths: [{ method: 'GET', path: '/health', response: { status: 'ok' } }, ...resources(MANY_ROUTES - 1)],
    });
    return {
      'start-hono': hono,
      start: deployed(),
      'start-routes': { path: '/health', worker: gatewayWorker('many', {}, many) },
      'start-hono-again': hono,
    };
  });
  const times = Object.entries(measured).map(([name, starts]) => [name, starts.map(({ ms }) => ms)]);
  const memories = Object.entries(MEMORY_OF).map(([name, of]) => [name, measured[of].map(({ mib }) => mib)]);
  return Object.fromEntries([...times, ...memories]);
}

/** A start reaches none of these. */
const NOWHERE = { tenant: { origin: '', issuer: '' }, upstream: '' };

/** @typedef {{ path: string, worker: import('./workerd.mjs').Worker }} Case a Worker, and a path that it answers with `{"status":"ok"}` */

/**
 * Starts a workerd for each case, in rounds, and returns for each by name the milliseconds to its first answer and the MiB of memory
 * that it then had.
 *
 * @param {number} rounds
 * @param {(folder: string, place: typeof NOWHERE) => Promise<Record<string, Case>>} casesOf is told of a folder for what the cases need
 */
export async function measureStartsOf(rounds, casesOf) {
  const folder = mkdtempSync(join(tmpdir(), 'bargate-starts-'));
  try {
    const [kv] = await peerWorkers(folder, ['kv'], NOWHERE);
    const cases = Object.entries(await casesOf(folder, NOWHERE));
    const ready = cases.map(([name, one]) => ({ ...one, name, file: writeOwn(folder, name, [one.worker, kv]) }));
    const results = Object.fromEntries(
      ready.map(({ name }) => [name, /** @type {{ ms: number, mib: number }[]} */ ([])]),
    );
    for (let round = 0; round <= rounds; round += 1) {
      for (const { name, path, worker, file } of random.shuffle(ready)) {
        const start = await measureStart(file, worker.name, path);
        // The first round fills the system's cache of files.
        if (round > 0) results[name].push(start);
      }
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    return results;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function writeOwn(folder, name, workers) {
  const own = join(folder, name);
  mkdirSync(own);
  return writeConfig(own, workers);
}

async function measureStart(file, worker, path) {
  const began = performance.now();
  const workerd = await startWorkerd(file, 2);
  try {
    const response = await fetch(workerd.origins[worker] + path);
    const text = await response.text();
    const ms = performance.now() - began;
    if (response.status !== 200 || text !== '{"status":"ok"}') throw new Error(`${worker}: ${response.status} ${text}`);
    return { ms, mib: memoryMib(workerd.pid) };
  } finally {
    await workerd.close();
  }
}
