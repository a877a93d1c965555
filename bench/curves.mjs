// `make bench-curves`: how costs grow with what there is more of. Linux only. The result goes to bench/curves.json and, as a chart, to
// docs/curves.svg; curves that are measured by themselves (`--only routes,bodies`) take the place of theirs in it.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Failure, ROOT, main } from '../scripts/toolchain.mjs';
import { measureAuthorizers } from './curves/authorizers.mjs';
import { measureBodies } from './curves/bodies.mjs';
import { measureConnections } from './curves/connections.mjs';
import { curvesChart } from './curves/chart.mjs';
import { measureHeaders } from './curves/headers.mjs';
import { measureRoutes } from './curves/routes.mjs';
import { measureSessions } from './curves/sessions.mjs';
import { measureTokens } from './curves/tokens.mjs';
import { machine } from './machine.mjs';
import { checkSystem } from './usage.mjs';

/**
 * @typedef {object} Curve what grows with what, measured at several places
 * @property {string} title
 * @property {string} unit of what is measured
 * @property {{ title: string, points: number[][] }[]} lines each point is a place and what was measured there
 */

/** @type {Record<string, (how: { rounds: number, requests: number, most: number }) => Promise<Curve[]>>} */
const CURVES = {
  routes: measureRoutes,
  sessions: measureSessions,
  bodies: measureBodies,
  headers: measureHeaders,
  tokens: measureTokens,
  authorizers: measureAuthorizers,
  connections: measureConnections,
};

const { values: options } = parseArgs({
  options: {
    only: { type: 'string', default: Object.keys(CURVES).join() },
    rounds: { type: 'string', default: '5' },
    requests: { type: 'string', default: '2000' },
    most: { type: 'string', default: 'Infinity' },
    dry: { type: 'boolean', default: false },
  },
});

await main(async () => {
  checkSystem();
  const file = join(ROOT, 'bench', 'curves.json');
  const { curves: before = {} } = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : {};
  const curves = { ...before };
  for (const name of options.only.split(',')) {
    if (!CURVES[name]) throw new Failure(`there is no curve ${name}, only ${Object.keys(CURVES).join(', ')}`);
    process.stderr.write(`${name} `);
    const how = { rounds: Number(options.rounds), requests: Number(options.requests), most: Number(options.most) };
    curves[name] = await CURVES[name](how);
    for (const curve of curves[name]) console.log(printed(curve));
  }
  if (options.dry) return;
  const results = { ...machine(), curves };
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
  writeFileSync(join(ROOT, 'docs', 'curves.svg'), curvesChart(results));
  console.log(`\nwritten: ${file} and docs/curves.svg`);
});

/** @param {Curve} curve */
function printed({ title, unit, lines }) {
  const places = lines[0].points.map(([place]) => place.toLocaleString('en').padStart(10));
  const rows = lines.map(
    (line) => `  ${line.title.padEnd(32)}${line.points.map(([, value]) => String(value).padStart(10)).join('')}`,
  );
  return [`\n${title} (${unit})`, `  ${''.padEnd(32)}${places.join('')}`, ...rows].join('\n');
}
