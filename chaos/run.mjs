// Runs one row in this process, which main.mjs has started for it, and tells what came of it. If the row fails, or does not end in its
// time, what happened is left as a text and as a picture.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { lanesSvg } from './lanes.mjs';
import { randomFrom } from './random.mjs';
import { claimsOf, doneText, loadRow, timeoutSecs } from './row.mjs';
import { Timeline, timelineText, withoutTokens } from './timeline.mjs';

/**
 * @typedef {object} Result
 * @property {string} name
 * @property {string} group
 * @property {number} [rank]
 * @property {string} done
 * @property {string} seed
 * @property {string} sizeName
 * @property {boolean} passed
 * @property {{ claim: string, checked: number, failed: number, first?: string }[]} holds
 * @property {import('./row.mjs').Seen} seen
 * @property {number} seconds
 * @property {string} [error] why the row did not come to its end
 * @property {string[]} [files] where its timeline is
 */

const [name, seed, sizeName, folder, failures, picture] = process.argv.slice(2);
const row = await loadRow(name);
const size = row.sizes[sizeName];
const timeline = new Timeline();
const claims = claimsOf(row, timeline);
const startedAt = performance.now();

/** @type {(error?: unknown) => void} */
let stop = () => {};
/** What ends the row from outside of it: its time, or an error that nobody caught. */
const stopped = new Promise((_, reject) => {
  stop = reject;
});
stopped.catch(() => {});
const limit = timeoutSecs(row, sizeName);
const timer = setTimeout(() => stop(new Error(`the row has not ended after ${limit} s`)), limit * 1000);
process.on('uncaughtException', (error) => stop(error));
process.on('unhandledRejection', (error) => stop(error));

let seen = {};
let error;
try {
  const running = row.run({ size, random: randomFrom(seed), timeline, hold: claims.hold, folder });
  seen = (await Promise.race([running, stopped])) ?? {};
} catch (caught) {
  error = withoutTokens(inspect(caught));
  timeline.fail('the row comes to its end', withoutTokens(String(caught)));
}
clearTimeout(timer);

if (picture) writeFileSync(picture, lanesSvg(timeline.lastChapter, { title: `${row.name}, seed ${seed}` }));
const passed = error === undefined && claims.isMet();
/** @type {Result} */
const result = {
  name: row.name,
  group: row.group,
  rank: row.rank,
  done: doneText(row, size),
  seed,
  sizeName,
  passed,
  holds: claims.all(),
  seen,
  seconds: Math.round((performance.now() - startedAt) / 100) / 10,
  error,
  files: passed ? undefined : leave(),
};
process.send?.(result, () => process.exit(0));

/** Writes the timeline, and returns where it is. */
function leave() {
  mkdirSync(failures, { recursive: true });
  const path = join(failures, `${row.name}-${seed}`);
  const heading = [
    `${row.name}: ${doneText(row, size)}`,
    `seed ${seed}, size ${sizeName}: node chaos/main.mjs ${name} --seed ${seed}${sizeName === 'card' ? '' : ` --size ${sizeName}`}`,
    ...claims.all().map(({ claim, checked, failed, first }) => {
      if (!checked) return `NOT CHECKED  ${claim}`;
      return failed ? `FAILED ${failed} of ${checked}  ${claim}: ${first}` : `held ${checked}  ${claim}`;
    }),
    ...(error ? [`ended by: ${error}`] : []),
  ];
  const { entries, left } = timeline.shown();
  writeFileSync(`${path}.txt`, timelineText(timeline, heading));
  writeFileSync(
    `${path}.svg`,
    lanesSvg(entries, { title: `${row.name}, seed ${seed}`, note: left, focus: timeline.firstFailure }),
  );
  return [`${path}.txt`, `${path}.svg`];
}
