// What a row runs in: a provider, an upstream, KV, and a gateway in front of them, on the clock of the tests if it does not say otherwise.

import { join } from 'node:path';
import { startApi } from '../dev/api.mjs';
import { later } from '../tests/e2e/support/clock.mjs';
import { clientsOf } from './clients.mjs';
import { startChaosGateway } from './gateway.mjs';
import { startKv } from './kv.mjs';
import { REFRESH, chaosConfig, startProvider } from './provider.mjs';

/** How long access tokens live. */
export const LIFE_SECS = 600;
/** How many requests a row has under way at a time. */
export const AT_A_TIME = 256;

/**
 * @typedef {object} Bed
 * @property {any} tenant
 * @property {Awaited<ReturnType<typeof startApi>>} api
 * @property {Awaited<ReturnType<typeof startKv>>} kv
 * @property {Awaited<ReturnType<typeof startChaosGateway>>} gateway
 * @property {ReturnType<typeof clientsOf>} clients
 */

/**
 * Starts all of it, does something in it, and ends it.
 *
 * @template T
 * @param {Pick<import('./row.mjs').Run, 'timeline' | 'folder'>} run
 * @param {{ isolates: number, atATime?: number, settings?: object, config?: object, gateway?: Partial<import('./gateway.mjs').Options> }} how requests under way at a time, settings of the tenant, what `chaosConfig` takes,
 *   and further options of the gateway
 * @param {(bed: Bed) => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function inBed(
  { timeline, folder },
  { isolates, atATime = AT_A_TIME, settings, config, gateway: more },
  work,
) {
  const { clock = true } = more ?? {};
  // The clock stands before anything is issued by it.
  if (clock) await later(0);
  const [tenant, api, kv] = await Promise.all([
    startProvider({ accessTokenSeconds: LIFE_SECS, ...settings }, timeline),
    startApi(),
    startKv(),
  ]);
  let gateway;
  let clients;
  try {
    gateway = await startChaosGateway({
      folder: join(folder, 'workerd'),
      config: chaosConfig(tenant, api, config),
      isolates,
      clock,
      kv,
      timeline,
      ...more,
    });
    clients = clientsOf(gateway, { timeline, connections: atATime / isolates });
    return await work({ tenant, api, kv, gateway, clients });
  } finally {
    await Promise.all([clients?.close(), gateway?.close()]);
    await Promise.all([tenant.close(), api.close(), kv.close()]);
  }
}

/** Some address, since the gateway counts the grants that one has under way. @param {import('./random.mjs').Random} random */
export const someAddress = (random) => `198.51.${random.int(256)}.${random.int(256)}`;

/**
 * Asks for a refresh, as a page does that holds its tokens.
 *
 * @param {ReturnType<typeof clientsOf>} clients
 * @param {string} token
 * @param {{ isolate: number, address: string, signal?: AbortSignal, lane?: string, about?: string }} how
 */
export const refresh = (clients, token, { address, ...how }) =>
  clients.ask(REFRESH, { method: 'POST', headers: { 'x-refresh-token': token, 'cf-connecting-ip': address }, ...how });

/** How many families of refresh tokens were revoked. @param {any} tenant */
export const revokedOf = (tenant) => tenant.families().filter(({ revoked }) => revoked).length;
