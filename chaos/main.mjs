// `make chaos`: what becomes of logins under load, faults and restarts, row by row. The result of the whole card goes to
// chaos/results.json and, as a table, to docs/reliability.md. `node chaos/main.mjs ROW… --seed N` runs rows by themselves and writes
// nothing, unless `--write` puts them in place of theirs. `--picture FILE` draws the last part of what happened in a row. `--excerpt` is what `make test` runs; `--list` names the rows.

import { fork } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { BUNDLE, checkBundle } from '../bench/gateway.mjs';
import { Failure, ROOT, TOOLS, main, spoken, toolEnvironment } from '../scripts/toolchain.mjs';
import { checkSameMachine, resultText, writeResults } from './report.mjs';
import { byPlace, doneText, loadRow, rowNames, timeoutSecs } from './row.mjs';

/** How much longer than its time a row gets to leave its timeline. */
const GRACE_SECS = 30;
const SEEDS = 1_000_000;
/** That of the excerpt, which is the same every time. */
const EXCERPT_SEED = '1';

const { values: options, positionals } = parsed();
const sizeName = options.size ?? (options.excerpt ? 'excerpt' : 'card');

await main(async () => {
  const names = positionals.length ? positionals : rowNames();
  const all = await Promise.all(names.map(async (name) => ({ name, row: await loadRow(name) })));
  const rows = all.filter(({ row }) => row.sizes[sizeName]).sort((a, b) => byPlace(a.row, b.row));
  if (options.list) {
    for (const { name, row } of rows) console.log(`${name.padEnd(22)} ${doneText(row, row.sizes[sizeName])}`);
    return;
  }
  if (!rows.length) throw new Failure(`no row has a size "${sizeName}"`);
  const isWritten = sizeName === 'card' && (options.write || !positionals.length);
  if (isWritten && positionals.length) checkSameMachine();
  checkBundle(BUNDLE);
  const startedAt = performance.now();
  const results = [];
  for (const { name, row } of rows) {
    const seed = options.seed ?? (options.excerpt ? EXCERPT_SEED : String(randomInt(SEEDS)));
    console.log(`\n${row.name}  seed ${seed}\n  ${doneText(row, row.sizes[sizeName])}`);
    const result = await runRow(name, row, seed);
    console.log(resultText(result));
    results.push(result);
  }
  const failed = results.filter(({ passed }) => !passed).map(({ name }) => name);
  console.log(
    `\n${results.length} ${results.length === 1 ? 'row' : 'rows'} in ${spoken((performance.now() - startedAt) / 1000)}`,
  );
  if (isWritten) writeResults(results, { isWhole: !positionals.length });
  if (failed.length) throw new Failure(`FAILED: ${failed.join(', ')}`);
});

/** The arguments; ones that there are not end it with one line. */
function parsed() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seed: { type: 'string' },
        size: { type: 'string' },
        excerpt: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        picture: { type: 'string' },
        failures: { type: 'string', default: join(ROOT, 'chaos', 'failures') },
      },
    });
  } catch (error) {
    console.error(`${error.message.split('. ')[0]}; chaos/main.mjs lists the options in its first lines`);
    return process.exit(2);
  }
}

/**
 * Runs a row in a process group of its own, so that nothing that it has started outlives it.
 *
 * @param {string} name
 * @param {import('./row.mjs').Row} row
 * @param {string} seed
 * @returns {Promise<import('./run.mjs').Result>}
 */
async function runRow(name, row, seed) {
  const folder = mkdtempSync(join(tmpdir(), `bargate-chaos-${row.name}-`));
  const args = [name, seed, sizeName, folder, options.failures, options.picture ?? ''];
  const child = fork(join(ROOT, 'chaos', 'run.mjs'), args, {
    execPath: TOOLS.node,
    // disk.mjs uses node:sqlite.
    execArgv: ['--disable-warning=ExperimentalWarning'],
    env: toolEnvironment(),
    detached: true,
  });
  const end = () => {
    try {
      process.kill(-(/** @type {number} */ (child.pid)), 'SIGKILL');
    } catch (error) {
      if (error.code !== 'ESRCH') throw error;
    }
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  };
  const interrupt = () => {
    end();
    process.exit(1);
  };
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt);
  const seconds = timeoutSecs(row, sizeName) + GRACE_SECS;
  const timer = setTimeout(end, seconds * 1000);
  const common = {
    name: row.name,
    group: row.group,
    rank: row.rank,
    done: doneText(row, row.sizes[sizeName]),
    seed,
    sizeName,
  };
  /** @type {import('./run.mjs').Result} */
  let result = {
    ...common,
    passed: false,
    holds: [],
    seen: {},
    seconds,
    error: 'the process of the row ended before the row',
  };
  child.on('message', (message) => (result = /** @type {import('./run.mjs').Result} */ (message)));
  await new Promise((resolve) => child.once('close', resolve));
  clearTimeout(timer);
  process.off('SIGINT', interrupt).off('SIGTERM', interrupt);
  end();
  return result;
}
