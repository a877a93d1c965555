// `make test`: every check, in order, with the time it took; goes on after a failure where that makes sense.
// Step names as arguments (`node scripts/test.mjs clippy e2e`) run only those whose name contains one of them.

import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { provideChromium } from './chromium.mjs';
import { checkCrates } from './crates.mjs';
import { setup } from './setup.mjs';
import { Failure, ROOT, TOOLS, main, run, toolEnvironment } from './toolchain.mjs';

const BUNDLE_GZIP_MAX_KIB = 215.5;
/** What waits for what never comes fails after this long. Some versions of Node.js count a whole file as one test. */
const TEST_TIMEOUT_MS = 600_000;
const WASM_TARGET = 'wasm32-unknown-unknown';

const cargo = (...args) => run('cargo', args, { failure: `"cargo ${args.join(' ')}" failed` });
const clippy = (...targets) => cargo('clippy', ...targets, '--workspace', '--locked', '--', '-D', 'warnings');

/** Bundles as a deployment would, uploads nothing, and returns what wrangler printed. */
async function dryRun(directory, entry = []) {
  const args = ['deploy', ...entry, '--dry-run', '--outdir', join(directory, 'bundle')];
  const child = spawn(TOOLS.wrangler, args, {
    cwd: ROOT,
    env: toolEnvironment({ CI: 'true' }),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
    process.stdout.write(chunk);
  });
  const status = await new Promise((resolve) => child.once('close', resolve));
  if (status !== 0) throw new Failure(`"wrangler ${args.join(' ')}" failed (${status})`);
  return output;
}

async function buildOrNote(options) {
  return (await build(options)) ? undefined : 'nothing had changed';
}

async function checkBundle() {
  const size = /gzip:\s*([\d.]+)\s*(KiB|MiB)/.exec(await dryRun('build'));
  if (!size) throw new Failure('wrangler did not print the size of the bundle');
  const kib = Number(size[1]) * (size[2] === 'MiB' ? 1024 : 1);
  if (kib > BUNDLE_GZIP_MAX_KIB)
    throw new Failure(`the bundle is ${kib} KiB gzip; the limit is ${BUNDLE_GZIP_MAX_KIB} KiB`);
  return `${kib} KiB gzip of ${BUNDLE_GZIP_MAX_KIB}`;
}

async function bundleFaultBuild() {
  await dryRun('build-fault', ['build-fault/worker.mjs']);
}

async function runEndToEnd() {
  const directory = 'tests/e2e';
  const files = readdirSync(join(ROOT, directory), { recursive: true })
    .filter((name) => name.endsWith('.test.mjs'))
    .sort();
  if (!files.length) throw new Failure(`${directory} holds no *.test.mjs`);
  const args = ['--test', `--test-timeout=${TEST_TIMEOUT_MS}`, ...files.map((name) => `${directory}/${name}`)];
  await run(TOOLS.node, args, { failure: 'end-to-end tests failed' });
}

// A step whose `needs` did not pass is skipped: its failure would say nothing new.
const STEPS = [
  { name: 'setup', body: setup },
  { name: 'format', needs: ['setup'], body: () => cargo('fmt', '--all', '--check') },
  { name: 'clippy host', needs: ['setup'], body: () => clippy('--all-targets') },
  { name: 'clippy wasm', needs: ['setup'], body: () => clippy('--lib', '--target', WASM_TARGET) },
  // What asks nobody; for advisories there is `make audit`.
  { name: 'crates', needs: ['setup'], body: () => checkCrates('bans', 'licenses', 'sources') },
  { name: 'host tests', needs: ['setup'], body: () => cargo('test', '--locked') },
  { name: 'build', needs: ['setup'], body: () => buildOrNote() },
  { name: 'bundle', needs: ['build'], body: checkBundle },
  { name: 'fault build', needs: ['build'], body: () => buildOrNote({ faultInjection: true }) },
  { name: 'fault bundle', needs: ['fault build'], body: bundleFaultBuild },
  { name: 'browser', needs: ['setup'], body: provideChromium },
  { name: 'e2e', needs: ['bundle', 'fault bundle'], body: runEndToEnd },
];

async function runStep(step, results) {
  const missing = step.needs?.find((need) => results.some(({ name, outcome }) => name === need && outcome !== 'PASS'));
  if (missing) return { name: step.name, outcome: 'SKIP', seconds: 0, note: `needs "${missing}"` };

  console.log(`\n── ${step.name}`);
  const startedAt = Date.now();
  let outcome = 'PASS';
  let note;
  try {
    note = await step.body();
  } catch (error) {
    outcome = 'FAIL';
    note = error instanceof Failure ? error.message : error.stack;
  }
  return { name: step.name, outcome, seconds: (Date.now() - startedAt) / 1000, note };
}

const line = ({ name, outcome, seconds, note = '' }) =>
  `${outcome}  ${name.padEnd(13)} ${seconds.toFixed(1).padStart(7)} s  ${note}`.trimEnd();

await main(async () => {
  const wanted = process.argv.slice(2);
  const steps = STEPS.filter(({ name }) => !wanted.length || wanted.some((part) => name.includes(part)));
  const results = [];
  for (const step of steps) {
    const result = await runStep(step, results);
    results.push(result);
    console.log(line(result));
  }
  console.log(`\n${results.map(line).join('\n')}`);
  const failed = results.filter(({ outcome }) => outcome !== 'PASS').map(({ name }) => name);
  if (!results.length) throw new Failure(`no step has a name like: ${wanted.join(', ')}`);
  if (failed.length) throw new Failure(`FAILED: ${failed.join(', ')}`);
  console.log('\nAll passed.');
});
