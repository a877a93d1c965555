// How long workerd takes from its start to the first answer, and how much memory it then has: with Bargate as it is deployed, with
// 10,000 routes in its built-in config, and with Hono.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWith } from './bundle.mjs';
import { gatewayWorker, resources } from './gateway.mjs';
import { peerWorkers } from './testbed.mjs';
import { memoryMib } from './usage.mjs';
import { startWorkerd, writeConfig } from './workerd.mjs';

const MANY_ROUTES = 10_000;

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

/** Measures starts, and returns the times in milliseconds and the memory in MiB, round by round. */
export async function measureStarts(rounds) {
  const folder = mkdtempSync(join(tmpdir(), 'bargate-starts-'));
  try {
    const place = { tenant: { origin: '', issuer: '' }, upstream: '' };
    const [hono, kv] = await peerWorkers(folder, ['hono', 'kv'], place);
    const many = await bundleWith(join(folder, 'many'), {
      paths: [{ method: 'GET', path: '/health', response: { status: 'ok' } }, ...resources(MANY_ROUTES - 1)],
    });
    const cases = [
      { name: 'start-hono', path: '/fixed/open', worker: hono },
      { name: 'start', path: '/health', worker: gatewayWorker('bargate', REFERENCES) },
      { name: 'start-routes', path: '/health', worker: gatewayWorker('many', {}, many) },
      { name: 'start-hono-again', path: '/fixed/open', worker: hono },
    ];
    const measured = await measureStartsOf(folder, cases, kv, rounds);
    const times = Object.entries(measured).map(([name, starts]) => [name, starts.map(({ ms }) => ms)]);
    const memories = Object.entries(MEMORY_OF).map(([name, of]) => [name, measured[of].map(({ mib }) => mib)]);
    return Object.fromEntries([...times, ...memories]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Starts a workerd for each case, in rounds, and returns for each by name the milliseconds to its first answer and the MiB of memory
 * that it then had.
 *
 * @param {string} folder
 * @param {{ name: string, path: string, worker: import('./workerd.mjs').Worker }[]} cases
 * @param {import('./workerd.mjs').Worker} kv what answers for their namespaces
 * @param {number} rounds
 */
export async function measureStartsOf(folder, cases, kv, rounds) {
  const ready = cases.map((one) => ({ ...one, file: writeOwn(folder, one.name, [one.worker, kv]) }));
  const results = Object.fromEntries(
    cases.map(({ name }) => [name, /** @type {{ ms: number, mib: number }[]} */ ([])]),
  );
  for (let round = 0; round <= rounds; round += 1) {
    for (const { name, path, worker, file } of round % 2 ? ready.toReversed() : ready) {
      const start = await measureStart(file, worker.name, path);
      // The first round fills the system's cache of files.
      if (round > 0) results[name].push(start);
    }
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return results;
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
