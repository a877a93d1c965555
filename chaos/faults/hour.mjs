// An hour of the tests' clock, in steps.

import { later } from '../../tests/e2e/support/clock.mjs';

const HOUR_SECS = 3600;

/**
 * Lets an hour pass, and does `work` after each step.
 *
 * @param {number} steps
 * @param {(step: number) => Promise<unknown>} work
 */
export async function forAnHour(steps, work) {
  for (let step = 0; step < steps; step += 1) {
    await later(HOUR_SECS / steps);
    await work(step);
  }
}
