// Numbers that look random and follow from a seed: sfc32 of PractRand, begun with a digest of the seed.

import { createHash } from 'node:crypto';

/** How many numbers are drawn before the first that is given, as sfc32 asks for. */
const WARM_UP = 12;

/**
 * A generator of random numbers.
 *
 * @typedef {object} Random
 * @property {string} seed
 * @property {(below: number) => number} int a whole number from 0, less than `below`
 * @property {(probability: number) => boolean} chance
 * @property {<T>(list: readonly T[]) => T} pick
 * @property {<T>(list: readonly T[]) => T[]} shuffle a copy in another order
 * @property {(name: string | number) => Random} fork another generator, whose numbers depend on the seed and on the name only
 */

/**
 * Makes the generator of a seed.
 *
 * @param {string | number} seed
 * @returns {Random}
 */
export function randomFrom(seed) {
  const digest = createHash('sha256').update(String(seed)).digest();
  let [a, b, c, counter] = [0, 4, 8, 12].map((offset) => digest.readUInt32LE(offset));
  const next = () => {
    const sum = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + sum;
    return sum >>> 0;
  };
  for (let drawn = 0; drawn < WARM_UP; drawn += 1) next();
  const int = (below) => Math.floor((next() / 2 ** 32) * below);
  return {
    seed: String(seed),
    int,
    chance: (probability) => next() / 2 ** 32 < probability,
    pick: (list) => list[int(list.length)],
    shuffle(list) {
      const copy = [...list];
      for (let last = copy.length - 1; last > 0; last -= 1) {
        const other = int(last + 1);
        [copy[last], copy[other]] = [copy[other], copy[last]];
      }
      return copy;
    },
    fork: (name) => randomFrom(`${seed}/${name}`),
  };
}
