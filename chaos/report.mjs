// What came of the rows, as a text for the terminal, as chaos/results.json, and as the table of docs/reliability.md.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { machine } from '../bench/machine.mjs';
import { Failure, ROOT, readProjectFile, spoken } from '../scripts/toolchain.mjs';
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
  const at = whereAndWhen();
  const { date, commit } = at;
  const known = isWhole ? { rows: [] } : knownResults();
  const others = known.rows.filter(({ name }) => !results.some((result) => result.name === name));
  const rows = [...others, ...results.map(({ files, ...result }) => ({ ...result, date, commit }))].sort(byPlace);
  const all = { ...at, ...known, versions: at.versions, rows };
  writeFileSync(RESULTS, `${JSON.stringify(all, null, 2)}\n`);
  writeFileSync(PAGE, withTable(readFileSync(PAGE, 'utf8'), all));
  console.log(`written: ${relative(ROOT, RESULTS)} and ${relative(ROOT, PAGE)}`);
}

/** Fails if the results that there are cannot have rows of this machine and these versions among them. */
export function checkSameMachine() {
  const { machine: where, versions } = whereAndWhen();
  const known = knownResults();
  const differs = (one, other) => Object.keys(one ?? {}).filter((name) => one[name] !== other[name]);
  const differing = [...differs(known.machine, where), ...differs(known.versions, versions)];
  if (differing.length)
    throw new Failure(
      `chaos/results.json is of another ${differing.join(', ')}: write the whole card, without the name of a row`,
    );
}

function whereAndWhen() {
  const { date, commit, machine: where, versions } = /** @type {any} */ (machine());
  const provider = JSON.parse(readProjectFile('node_modules/oidc-provider/package.json')).version;
  const { node, workerd } = versions;
  return { date, commit, machine: where, versions: { node, workerd, 'oidc-provider': provider } };
}

const knownResults = () => (existsSync(RESULTS) ? JSON.parse(readFileSync(RESULTS, 'utf8')) : { rows: [] });

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
      ...own.map((row) => rowText(row, { date, commit })),
    ].join('\n'),
  );
  const seconds = rows.reduce((sum, row) => sum + row.seconds, 0);
  const provider = versions['oidc-provider'] ? `, oidc-provider ${versions['oidc-provider']}` : '';
  const where = `${whenText({ date, commit })}, workerd ${versions.workerd}, Node.js ${versions.node}${provider}; ${cores} cores (${cpu}), ${memory} GiB`;
  return `${met} of ${rows.length} rows hold, in ${spoken(seconds)}. ${where}.\n\n${tables.join('\n\n')}`;
}

const whenText = ({ date, commit }) => `${date.slice(0, 10)}, commit ${commit}`;

/** A row that was run apart from the others says when, and of which commit. @param {Result & { date?: string, commit?: string }} result */
function rowText({ name, done, holds, seen, seed, passed, seconds, error, date, commit }, heading) {
  const claims = holds.map(({ claim, checked, failed }) => {
    const verdict =
      checked && !failed ? number(checked) : `**${failed ? `failed ${number(failed)} of ` : ''}${number(checked)}**`;
    return `${claim}: ${verdict}`;
  });
  if (!passed && error) claims.push('**did not come to its end**');
  const own = date && commit ? whenText({ date, commit }) : undefined;
  const apart = own && own !== whenText(heading) ? { 'run by itself': own } : {};
  return `| ${[`\`${name}\``, done, claims.join('<br>'), seenText({ ...seen, took: spoken(seconds), ...apart }), seed].map(cell).join(' | ')} |`;
}

const cell = (text) => String(text).replaceAll('|', '\\|').replaceAll('\n', ' ');
