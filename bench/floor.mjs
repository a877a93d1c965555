// `make bench-floor`: where the cost of a request and of a start goes, and what each part adds to the upload. Ladders of rungs, each of
// which does one thing more than the one before, in the same process and run. Linux only. The result goes to bench/floor.json and, as
// tables, into docs/performance.md, unless the machine was too noisy: then it says so, and ends with status 2. `--even-if-noisy` writes
// that too, and the page says it.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { RUNGS } from '../scripts/parts.mjs';
import { Failure, ROOT, main } from '../scripts/toolchain.mjs';
import { LADDERS, rungWorkers } from './floor/ladders.mjs';
import { asPage, climbed, printed } from './floor/report.mjs';
import { START_PAIRS, STARTS, measureLadder } from './floor/starts.mjs';
import { BUNDLE, checkBundle } from './gateway.mjs';
import { machine } from './machine.mjs';
import { TOO_NOISY, noiseOf, noiseText } from './report.mjs';
import { measureRequests } from './requests.mjs';
import { SLICE_MS } from './rounds.mjs';
import { PAIRS, ROWS, TARGETS } from './rows.mjs';
import { START_TARGETS } from './starts.mjs';
import { checkSystem } from './usage.mjs';

/** What is between these lines of the page is written here. */
const [BEGIN, END] = ['<!-- Written by `make bench-floor`. -->\n', '<!-- As far as here. -->\n'];

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '160' },
    starts: { type: 'string', default: '160' },
    'even-if-noisy': { type: 'boolean', default: false },
    dry: { type: 'boolean', default: false },
  },
});

await main(async () => {
  checkSystem();
  checkBundle(BUNDLE);
  const rounds = Number(options.rounds);
  const starts = Number(options.starts);
  const rows = LADDERS.flatMap(({ rungs }) => [...rungs.map(({ row }) => row), ...againOf(rungs[0].name)]);
  const measured = {
    ...(await measureRequests(rows, { rounds, othersOf: rungWorkers })),
    ...(await measureLadder(starts)),
  };
  const all = [...LADDERS, STARTS];
  const ladders = all.map((ladder) => climbed(ladder, measured, [...TARGETS, ...START_TARGETS]));
  const titleOf = (name) => all.flatMap(({ rungs }) => rungs).find((rung) => rung.name === name).title;
  const noise = noiseOf([...PAIRS, ...START_PAIRS], measured, titleOf);
  console.log(`${printed(ladders)}\n${noiseText(noise)}`);
  if (noise.isNoisy) process.exitCode = TOO_NOISY;
  if (!options.dry && (!noise.isNoisy || options['even-if-noisy']))
    write({
      ...machine(),
      rounds,
      slice_ms: SLICE_MS,
      starts,
      ladders,
      sizes: JSON.parse(readFileSync(RUNGS, 'utf8')),
      ...noise,
    });
});

/** A first rung once more, behind its ladder. */
function againOf(first) {
  return ROWS.filter(({ name }) => PAIRS.some(([one, other]) => one === first && other === name));
}

function write(results) {
  const file = join(ROOT, 'bench', 'floor.json');
  const page = join(ROOT, 'docs', 'performance.md');
  const [before, rest] = readFileSync(page, 'utf8').split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (after === undefined) throw new Failure(`${page} has no place for the tables`);
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(page, `${before}${BEGIN}\n${asPage(results)}\n\n${END}${after}`);
  console.log(`\nwritten: ${file} and the tables in docs/performance.md`);
}
