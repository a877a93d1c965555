// What a benchmark runs in: a tenant, an upstream in a process of its own, and one workerd with everything that is compared.

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { DEFAULT_AUDIENCE, startTenant } from '../dev/tenant.mjs';
import { ROOT, TOOLS } from '../scripts/toolchain.mjs';
import { REDIRECT_URI } from './gateway.mjs';
import { startWorkerd, writeConfig } from './workerd.mjs';

/**
 * Young generations of at most 1 MiB, so that each row pays for its own garbage. V8 would let them grow until one collection, which frees
 * what the runtime has of thousands of requests, falls into every other row: a handler took 32 µs in one and 60 in the next.
 */
const V8_FLAGS = ['--max-semi-space-size=1'];

/** Long enough for every token and session of a run. */
export const TOKEN_SECONDS = 6 * 60 * 60;
/** What @auth0/auth0-hono seals its cookies with. */
export const SESSION_SECRET = 'the-secret-of-a-benchmark-and-of-nothing-else';

/**
 * Starts all of it.
 *
 * @param {(place: { folder: string, tenant: any, upstream: string }) => Promise<import('./workerd.mjs').Worker[]>} workersOf
 */
export async function startTestbed(workersOf) {
  const folder = mkdtempSync(join(tmpdir(), 'bargate-bench-'));
  const tenant = await startTenant({ accessTokenSeconds: TOKEN_SECONDS, redirectUris: [REDIRECT_URI] });
  const upstream = await startUpstream();
  const close = async () => {
    upstream.close();
    await tenant.close();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const workers = await workersOf({ folder, tenant, upstream: upstream.origin });
    const workerd = await startWorkerd(writeConfig(folder, workers, V8_FLAGS), workers.length);
    return {
      tenant,
      upstream: upstream.origin,
      pid: workerd.pid,
      origins: workerd.origins,
      async close() {
        await workerd.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function startUpstream() {
  const child = fork(join(ROOT, 'bench', 'upstream.mjs'), { execPath: TOOLS.node });
  const [port] = await once(child, 'message');
  return { origin: `http://127.0.0.1:${port}`, close: () => child.disconnect() };
}

/** Bundles modules of bench/peers/ as Workers. */
export const peerWorkers = (folder, names, place) =>
  bundledWorkers(
    folder,
    names.map((name) => ({ name, file: join('peers', `${name}.mjs`) })),
    place,
  );

/**
 * Bundles modules of bench/ as Workers, which are told where the tenant and the upstream are.
 *
 * @param {string} folder
 * @param {{ name: string, file: string, define?: Record<string, string>, beside?: import('./workerd.mjs').Module[] }[]} sources
 *   `define` are texts that stand for others in the source, and `beside` the modules that it imports as they are
 * @param {{ tenant: any, upstream: string }} place
 * @returns {Promise<import('./workerd.mjs').Worker[]>}
 */
export function bundledWorkers(folder, sources, { tenant, upstream }) {
  const texts = {
    UPSTREAM: upstream,
    JWKS: `${tenant.origin}/.well-known/jwks.json`,
    ISSUER: tenant.issuer,
    AUDIENCE: DEFAULT_AUDIENCE,
    SESSION_SECRET,
  };
  const workers = sources.map(async ({ name, file, define, beside = [] }) => {
    const path = join(folder, `${name}.mjs`);
    await build({
      entryPoints: [join(ROOT, 'bench', file)],
      outfile: path,
      bundle: true,
      minify: true,
      format: 'esm',
      target: 'es2024',
      conditions: ['workerd', 'worker', 'browser'],
      external: ['cloudflare:*', 'node:*', 'async_hooks', ...beside.map((module) => `./${module.name}`)],
      define,
      logLevel: 'error',
    });
    return { name, modules: [{ name: 'worker.mjs', path }, ...beside], texts };
  });
  return Promise.all(workers);
}
