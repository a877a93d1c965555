// The rows of the table: what workerd does for a request.

import { bindToken, makeCredentials, mintTokens } from './credentials.mjs';
import { benchConfig, besideConfig, configured } from './gateway.mjs';
import { CLIENT_HEADERS, valuesFor } from './load.mjs';
import { measureInRounds } from './rounds.mjs';
import { NEW_TOKENS, PROOFS } from './rows.mjs';
import { peerWorkers, startTestbed } from './testbed.mjs';

const PEERS = ['pass-through', 'fixed-class', 'hono', 'jose', 'auth0-hono', 'kv'];

/**
 * So many rounds are measured in one process, and others in the next. What the engine compiles, and where it comes to lie, stays with a
 * process: of the same two rows, one was 0 to 5 % dearer in one process after another.
 */
const ROUNDS_OF_PROCESS = 20;

/**
 * @typedef {object} How
 * @property {number} rounds
 * @property {string} [against] the folder of another bundle
 * @property {(place: any) => Promise<import('./workerd.mjs').Worker[]>} [othersOf] makes Workers that rows are of besides
 */

/**
 * Measures the rows, and returns for each by name the CPU time of a request in microseconds, round by round.
 *
 * @param {import('./rows.mjs').Row[]} rows
 * @param {How} how
 */
export async function measureRequests(rows, { rounds, ...how }) {
  const measured = [];
  for (let left = rounds; left > 0; left -= ROUNDS_OF_PROCESS)
    measured.push(await measureInProcess(rows, { ...how, rounds: Math.min(left, ROUNDS_OF_PROCESS) }));
  return Object.fromEntries(rows.map(({ name }) => [name, measured.flatMap((one) => one[name])]));
}

/**
 * @param {import('./rows.mjs').Row[]} rows
 * @param {How} how
 */
async function measureInProcess(rows, { rounds, against, othersOf }) {
  const testbed = await startTestbed(async (place) => {
    const config = benchConfig(place);
    return [
      ...(await peerWorkers(place.folder, PEERS, place)),
      configured('bargate', config),
      configured('bargate-beside', besideConfig(place)),
      ...(against ? [configured('bargate-before', config, against)] : []),
      ...((await othersOf?.(place)) ?? []),
    ];
  });
  try {
    const credentials = await makeCredentials(testbed.tenant);
    let values = [];
    let bound;
    let proofs = [];
    const loads = {};
    for (const { name, worker, path, body, credential } of rows) {
      const origin = testbed.origins[worker];
      const load = { url: origin + path, headers: CLIENT_HEADERS, body };
      if (credential === NEW_TOKENS) {
        loads[name] = () => ({ ...load, changing: { name: 'authorization', values } });
      } else if (credential === PROOFS) {
        bound = await bindToken(testbed.tenant, load.url);
        const { headers } = bound;
        loads[name] = () => ({
          ...load,
          headers: { ...CLIENT_HEADERS, ...headers },
          changing: { name: 'dpop', values: proofs },
        });
      } else {
        loads[name] = { ...load, headers: { ...CLIENT_HEADERS, ...(await credentials[credential](origin)) } };
      }
    }
    // Everybody sees the same tokens in a round, and nobody has seen them before.
    const begin = async (_, requests) => {
      const needed = (kind) => {
        const numbers = rows.filter(({ credential }) => credential === kind).map(({ name }) => requests[name]);
        return numbers.length ? valuesFor(Math.max(...numbers)) : 0;
      };
      values = (await mintTokens(testbed.tenant, needed(NEW_TOKENS))).map((token) => `Bearer ${token}`);
      proofs = bound ? await bound.prove(needed(PROOFS)) : [];
    };
    return await measureInRounds(testbed.pid, loads, rounds, begin);
  } finally {
    await testbed.close();
  }
}
