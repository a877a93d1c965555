// Lines of curves: the same loads at each place, measured together in rounds.

import { measureInRounds } from '../rounds.mjs';
import { median } from '../statistics.mjs';

export const rounded = (value) => Number(value.toPrecision(4));

/**
 * Measures the CPU time of a request in microseconds, for each line at each place.
 *
 * @param {number} pid
 * @param {number[]} places
 * @param {Record<string, (place: number) => import('../load.mjs').Load>} lines by their titles
 * @param {number} rounds
 */
export async function measureLines(pid, places, lines, rounds) {
  const titles = Object.keys(lines);
  const loads = Object.fromEntries(
    places.flatMap((place) => titles.map((title) => [`${title} ${place}`, lines[title](place)])),
  );
  const results = await measureInRounds(pid, loads, rounds);
  return titles.map((title) => ({
    title,
    points: places.map((place) => [place, rounded(median(results[`${title} ${place}`]))]),
  }));
}
