// CPU time of workerd per request, in rounds: what slows the machine down for a while slows everything down that is compared.

import { randomFrom } from '../chaos/random.mjs';
import { run } from './load.mjs';
import { median } from './statistics.mjs';
import { cpuMicroseconds } from './usage.mjs';

/** So many rounds warm up: what the engine compiles meanwhile, in threads of its own, counts as time of the process. */
const WARM_UP_ROUNDS = 3;
/** So many requests a load makes in these, if it has no number of its own. */
const WARM_UP_REQUESTS = 1000;

const random = randomFrom('rounds');

/**
 * What a load without a number of requests takes in a round, in milliseconds. Each takes as long as the others, so that the figures of
 * cheap requests are as sure as those of dear ones, and what opening the connections costs is the same part of each. As short a
 * time brings what is compared close together; in a shorter one, some rows would have a collection of garbage, and others none.
 */
export const SLICE_MS = 75;

/**
 * Makes all loads in each round, each time in another order, and returns for each by name the CPU time of a request in microseconds,
 * round by round. A load may be another one in each round, after `begin` was told of it, and of how many requests each makes that has no
 * number of its own.
 *
 * @param {number} pid
 * @param {Record<string, Load | (() => Load)>} loads
 * @param {number} rounds
 * @param {(round: number, requests: Record<string, number>) => unknown} [begin]
 * @typedef {import('./load.mjs').Load} Load
 */
export async function measureInRounds(pid, loads, rounds, begin) {
  const names = Object.keys(loads);
  /** @type {Record<string, number>} */
  const requests = Object.fromEntries(names.map((name) => [name, WARM_UP_REQUESTS]));
  const measure = async (round) => {
    const costs = {};
    await begin?.(round, requests);
    for (const name of random.shuffle(names)) {
      const load = loads[name];
      const before = cpuMicroseconds(pid);
      const { answered } = await run({ requests: requests[name], ...(typeof load === 'function' ? load() : load) });
      costs[name] = (cpuMicroseconds(pid) - before) / answered;
    }
    process.stderr.write('.');
    return costs;
  };
  const of = (name, measured) => measured.map((costs) => costs[name]);
  const known = [];
  while (known.length < WARM_UP_ROUNDS) known.push(await measure(known.length));
  for (const name of names) requests[name] = Math.max(1, Math.round((SLICE_MS * 1000) / median(of(name, known))));
  const measured = [];
  while (measured.length < rounds) measured.push(await measure(WARM_UP_ROUNDS + measured.length));
  process.stderr.write('\n');
  return Object.fromEntries(names.map((name) => [name, of(name, measured)]));
}
