// `make bench`: what a request, a start and a deployment cost, beside what others cost in the same process and what the project
// allows itself. Linux only. The result goes to bench/results.json and, as a chart, to docs/performance.svg, unless the machine was
// too noisy: then it says so, and ends with status 2. `--even-if-noisy` writes that too, and the chart says it.

import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ROOT, main } from '../scripts/toolchain.mjs';
import { chart } from './chart.mjs';
import { BUNDLE, checkBundle } from './gateway.mjs';
import { machine } from './machine.mjs';
import { TOO_NOISY, judged, printed } from './report.mjs';
import { measureRequests } from './requests.mjs';
import { SLICE_MS } from './rounds.mjs';
import { PAIRS, ROWS, TARGETS, withBaseline } from './rows.mjs';
import { measureSizes } from './size.mjs';
import { START_PAIRS, START_ROWS, START_TARGETS, measureStarts } from './starts.mjs';
import { checkSystem } from './usage.mjs';

/** A commit may cost this much more than the one before, at most. */
const BASELINE_MOST = 1.03;

const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '400' },
    starts: { type: 'string', default: '240' },
    rows: { type: 'string' },
    against: { type: 'string' },
    'even-if-noisy': { type: 'boolean', default: false },
  },
});

await main(async () => {
  checkSystem();
  const against = options.against && resolve(options.against);
  [BUNDLE, against].filter(Boolean).forEach(checkBundle);
  const all = against ? withBaseline(BASELINE_MOST) : { rows: ROWS, targets: TARGETS };
  const { rows, targets } = chosen(all, options.rows);
  const starts = Number(options.starts);
  const rounds = Number(options.rounds);
  const measured = rows.length ? await measureRequests(rows, { rounds, against }) : {};
  const started = starts ? await measureStarts(starts) : {};
  const report = judged({
    rows: [...rows, ...(starts ? START_ROWS : [])],
    targets: [...targets, ...(starts ? START_TARGETS : [])],
    pairs: [...PAIRS, ...START_PAIRS],
    measured: { ...measured, ...started },
    sizes: measureSizes(BUNDLE),
  });
  console.log(printed(report));
  const isWhole = !options.rows && !against && starts > 0;
  if (report.isNoisy) process.exitCode = TOO_NOISY;
  if (isWhole && (!report.isNoisy || options['even-if-noisy']))
    write({ ...machine(), rounds, slice_ms: SLICE_MS, starts, ...report });
});

/** The rows whose name contains one of the words, with those that their targets and the noise of the machine are told by. */
function chosen({ rows, targets }, words) {
  if (words === undefined) return { rows, targets };
  const wanted = words.split(',').filter(Boolean);
  const named = rows.filter(({ name }) => wanted.some((word) => name.includes(word))).map(({ name }) => name);
  const kept = targets.filter(({ of }) => named.includes(of));
  const needed = new Set([...named, ...kept.map(({ to }) => to)]);
  for (const pair of PAIRS) if (pair.some((name) => needed.has(name))) for (const name of pair) needed.add(name);
  return { rows: rows.filter(({ name }) => needed.has(name)), targets: kept };
}

function write(results) {
  const file = join(ROOT, 'bench', 'results.json');
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(ROOT, 'docs', 'performance.svg'), chart(results));
  console.log(`\nwritten: ${file} and docs/performance.svg`);
}
