// What came of the rows, as a text for the terminal, as chaos/results.json, and as the table of docs/reliability.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { machine } from '../bench/machine.mjs';
import { ROOT, spoken } from '../scripts/toolchain.mjs';
import { GROUPS, byPlace } from './row.mjs';

const RESULTS = join(ROOT, 'chaos', 'results.json');
const PAGE = join(ROOT, 'docs', 'reliability.md');
const [BEGIN, END] = ['<!-- the scorecard begins -->', '<!-- the scorecard ends -->'];

/** @typedef {import('./run.mjs').Result} Result */

const number = (value) => (typeof value === 'number' ? value.toLocaleString('en') : String(value));
const seenText = (seen) =>
  Object.entries(seen)
    .map(([what, value]) => `${what}: ${number(value)}`)
    .join('; ');

/** Returns what came of a row, as people read it. @param {Result} result */
export function resultText({ passed, holds, seen, seconds, error, files = [] }) {
  const claims = holds.map(({ claim, checked, failed, first }) => {
    if (!checked) return `  NOT CHECKED  ${claim}`;
    return failed
      ? `  FAILED  ${claim}: ${number(failed)} of ${number(checked)}, first ${first}`
      : `  held    ${claim} (${number(checked)})`;
  });
  return [
    ...claims,
    ...(Object.keys(seen).length ? [`  seen    ${seenText(seen)}`] : []),
    ...(error ? [`  ${error}`] : []),
    ...files.map((file) => `  timeline: ${relative(ROOT, file)}`),
    `${passed ? 'PASS' : 'FAIL'}  ${spoken(seconds)}`,
  ].join('\n');
}

/**
 * Writes the results of a whole card, or puts those of some rows in place of theirs, and the table of the page.
 *
 * @param {Result[]} results
 * @param {{ isWhole: boolean }} how
 */
export function writeResults(results, { isWhole }) {
  const { date, commit, machine: where, versions } = /** @type {any} */ (machine());
  const at = { date, commit, machine: where, versions: { node: versions.node, workerd: versions.workerd } };
  const known = !isWhole && existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { rows: [] };
  const others = known.rows.filter(({ name }) => !results.some((result) => result.name === name));
  const rows = [...others, ...results.map(({ files, ...result }) => ({ ...result, date, commit }))].sort(byPlace);
  const all = isWhole ? { ...at, rows } : { ...at, ...known, rows };
  writeFileSync(RESULTS, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), all));
  console.log(`written: ${relative(ROOT, RESULTS)} and ${relative(ROOT, PAGE)}`);
}

/** Returns a page with the table of these results in it. @param {string} page @param {any} results */
export function withTable(page, results) {
  const [before, rest] = page.split(BEGIN);
  const after = rest?.split(END)[1];
  if (after === undefined) throw new Error(`${PAGE} has no place for the table`);
  return `${before}${BEGIN}\n${tableText(results)}\n${END}${after}`;
}

function tableText({ date, commit, machine: { cpu, cores, memory_gib: memory }, versions, rows }) {
  const met = rows.filter(({ passed }) => passed).length;
  const sections = GROUPS.map((group) => [group, rows.filter((row) => row.group === group)]).filter(
    ([, own]) => own.length,
  );
  const tables = sections.map(([group, own]) =>
    [
      `### ${group}`,
      '',
      '| row | what is done | what must hold, and how often it was checked | what was seen | seed |',
      '| --- | --- | --- | --- | --- |',
      ...own.map(rowText),
    ].join('\n'),
  );
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  const where = `${date.slice(0, 10)}, commit ${commit}, workerd ${versions.workerd}, Node.js ${versions.node}; ${cores} cores (${cpu}), ${memory} GiB`;
  return `${met} of ${rows.length} rows hold, in ${spoken(seconds)}. ${where}.\n\n${tables.join('\n\n')}`;
}

/** @param {Result} result */
function rowText({ name, done, holds, seen, seed, passed, seconds, error }) {
  const claims = holds.map(({ claim, checked, failed }) => {
    const verdict =
      checked && !failed ? number(checked) : `**${failed ? `failed ${number(failed)} of ` : ''}${number(checked)}**`;
    return `${claim}: ${verdict}`;
  });
  if (!passed && error) claims.push('**did not come to its end**');
  return `| ${[`\`${name}\``, done, claims.join('<br>'), seenText({ ...seen, took: spoken(seconds) }), seed].map(cell).join(' | ')} |`;
}

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
