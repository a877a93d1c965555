// CPU time of workerd per request, row by row, in rounds: what slows the machine down for a while slows all rows down.

import { makeCredentials, mintTokens } from './credentials.mjs';
import { benchConfig, configured } from './gateway.mjs';
import { CONNECTIONS, run, valuesFor } from './load.mjs';
import { NEW_TOKENS } from './rows.mjs';
import { peerWorkers, startTestbed } from './testbed.mjs';
import { cpuMicroseconds } from './usage.mjs';

const PEERS = ['pass-through', 'fixed-class', 'hono', 'jose', 'auth0-hono', 'kv'];

/** What an API's client sends with each request. */
const CLIENT_HEADERS = {
  'user-agent': 'bench/1.0',
  accept: 'application/json',
  'accept-language': 'en',
  'cf-connecting-ip': '192.0.2.1',
};

/**
 * Measures the rows, and returns for each by name the CPU time of a request in microseconds, round by round.
 *
 * @param {import('./rows.mjs').Row[]} rows
 * @param {{ rounds: number, requests: number, against?: string }} how `against` is the folder of another bundle
 */
export async function measureRequests(rows, { rounds, requests, against }) {
  const testbed = await startTestbed(async (place) => {
    const config = benchConfig(place);
    return [
      ...(await peerWorkers(place.folder, PEERS, place)),
      configured('bargate', config),
      ...(against ? [configured('bargate-before', config, against)] : []),
    ];
  });
  try {
    const credentials = await makeCredentials(testbed.tenant);
    const loads = [];
    for (const row of rows) loads.push({ row, load: await prepare(row, testbed.origins[row.worker], credentials) });
    const results = Object.fromEntries(rows.map(({ name }) => [name, /** @type {number[]} */ ([])]));
    for (let round = 0; round <= rounds; round += 1) {
      // Both see the same tokens, and nobody has seen them before.
      const values = (await mintTokens(testbed.tenant, needsTokens(rows) ? valuesFor(requests) : 0)).map(bearer);
      // Every other round runs backwards: what drifts does not favour those that come first.
      for (const { row, load } of round % 2 ? loads.toReversed() : loads) {
        const changing = row.credential === NEW_TOKENS ? { name: 'authorization', values } : undefined;
        const before = cpuMicroseconds(testbed.pid);
        const { answered } = await run({ ...load, requests, changing });
        // The first round warms up.
        if (round > 0) results[row.name].push((cpuMicroseconds(testbed.pid) - before) / answered);
      }
      process.stderr.write(round ? '.' : `${rows.length} rows at ${CONNECTIONS} connections `);
    }
    process.stderr.write('\n');
    return results;
  } finally {
    await testbed.close();
  }
}

const needsTokens = (rows) => rows.some(({ credential }) => credential === NEW_TOKENS);
const bearer = (token) => `Bearer ${token}`;

/** What the requests of a row are. */
async function prepare({ path, body, credential }, origin, credentials) {
  const own = credential === NEW_TOKENS ? {} : await credentials[credential](origin);
  return { url: origin + path, headers: { ...CLIENT_HEADERS, ...own }, body };
}
