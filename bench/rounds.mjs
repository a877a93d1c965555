// CPU time of workerd per request, in rounds: what slows the machine down for a while slows everything down that is compared.

import { run } from './load.mjs';
import { cpuMicroseconds } from './usage.mjs';

/** So many rounds warm up: what the engine compiles meanwhile, in threads of its own, counts as time of the process. */
const WARM_UP_ROUNDS = 3;

/**
 * Makes all loads in each round, and returns for each by name the CPU time of a request in microseconds, round by round. A load may
 * be another one in each round, after `begin` was told of it.
 *
 * @param {number} pid
 * @param {Record<string, import('./load.mjs').Load | (() => import('./load.mjs').Load)>} loads
 * @param {number} rounds
 * @param {(round: number) => unknown} [begin]
 */
export async function measureInRounds(pid, loads, rounds, begin) {
  const names = Object.keys(loads);
  const results = Object.fromEntries(names.map((name) => [name, /** @type {number[]} */ ([])]));
  for (let round = 0; round < WARM_UP_ROUNDS + rounds; round += 1) {
    await begin?.(round);
    // Every other round runs backwards: what drifts does not favour those that come first.
    for (const name of round % 2 ? names.toReversed() : names) {
      const load = loads[name];
      const before = cpuMicroseconds(pid);
      const { answered } = await run(typeof load === 'function' ? load() : load);
      if (round >= WARM_UP_ROUNDS) results[name].push((cpuMicroseconds(pid) - before) / answered);
    }
    process.stderr.write('.');
  }
  process.stderr.write('\n');
  return results;
}
