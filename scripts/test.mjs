// `make test` and CI: every check there is. Steps that do not need each other run side by side, each in its own process; what
// a step prints is stored, and shown in full if it fails. A line says when a step begins and ends, and how far the long ones are.
// Step names as arguments (`node scripts/test.mjs clippy e2e`) run only those whose name contains one of them.

import { fork, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { build } from './build.mjs';
import { provideChromium } from './chromium.mjs';
import { checkCrates } from './crates.mjs';
import { runTestFiles } from './end-to-end.mjs';
import { assembleCli } from './package-cli.mjs';
import { makePackagesTwice } from './package.mjs';
import { overweight } from './parts.mjs';
import { setup } from './setup.mjs';
import {
  Failure,
  ROOT,
  TOOLS,
  bargateProgram,
  main,
  run,
  spoken,
  targetDirectory,
  toolEnvironment,
} from './toolchain.mjs';

const BUNDLE_GZIP_MAX_KIB = 258;
const WASM_TARGET = 'wasm32-unknown-unknown';
/** Each has a tsconfig.json: Node.js, workerd, the browser twice, and the tests, which are a little less strict. */
const TYPED = ['.', 'src', 'examples/spa', 'studio', 'tests/e2e'];
const STILL_AT_IT_SECS = 30;
/** Where Node.js leaves what it has compiled of wrangler and Miniflare, which dozens of processes load. */
const COMPILE_CACHE = join(ROOT, '.tools', 'compile-cache');
/** What cargo writes for those who compile the same again and again. If nobody has begun with that, it costs more than it saves. */
const INCREMENTAL = join(targetDirectory(), 'debug', 'incremental');
/** Cargo makes the folder in any case. */
const isIncremental = existsSync(INCREMENTAL) && readdirSync(INCREMENTAL).length > 0;
/** By its `nice`, a step that yields gets a third of what another one gets that wants as much. */
const YIELDING = 5;
/** The most that is shown of a line that a step prints, in characters. */
const LINE_MAX = 100;

/**
 * Cargo's environment on the host. What it compiles of our own is linted as well: clippy's compiler is rustc, and so each crate is read
 * once for both. Lints only warn there, and one that fails hides no test.
 */
const linting = () =>
  toolEnvironment({ RUSTC_WORKSPACE_WRAPPER: 'clippy-driver', CLIPPY_ARGS: '--cap-lints__CLIPPY_HACKERY__warn' });
const cargo = (...args) => run('cargo', args, { env: linting(), failure: `"cargo ${args.join(' ')}" failed` });
const biome = (...args) => run(TOOLS.biome, args, { failure: `"biome ${args.join(' ')}" failed` });

async function checkFormat() {
  await cargo('fmt', '--all', '--check');
  await biome('format', '.');
}

/** All that runs on the host, compiled once: the tests, the benchmarks, and the program `bargate` for the build and the end-to-end tests. */
const COMPILE = ['test', '--no-run', '--locked', '--workspace', '--all-targets'];

/** Fails for what clippy and rustc warned of in `compile`: cargo has it stored, and says it again. */
async function checkWarnings() {
  const messages = await printed('cargo', [...COMPILE, '--message-format', 'json'], linting());
  const warnings = messages.split('\n').filter((line) => line.includes('"reason":"compiler-message"'));
  for (const line of warnings) console.error(JSON.parse(line).message.rendered);
  if (warnings.length) throw new Failure(`${warnings.length} warnings`);
}

/** clippy for the WebAssembly: as the build compiles it, so that the macros, which are half of the work, are compiled already. */
const clippyWasm = () =>
  cargo('clippy', '--release', '--lib', '--target', WASM_TARGET, '--workspace', '--locked', '--', '-D', 'warnings');

async function checkTypes() {
  for (const project of TYPED)
    await run(TOOLS.tsc, ['--project', project], { failure: `the types of ${project} failed` });
}

/** Bundles as a deployment would, uploads nothing, and returns what wrangler printed. */
async function dryRun() {
  const args = ['deploy', '--dry-run', '--outdir', 'build/bundle'];
  const output = await printed(TOOLS.wrangler, args, toolEnvironment({ CI: 'true' }));
  process.stdout.write(output);
  return output;
}

/** Returns what a program prints; what it says of errors is passed through. */
async function printed(program, args, env) {
  const child = spawn(program, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const [output, status] = await Promise.all([
    text(child.stdout),
    new Promise((resolve) => child.once('close', resolve)),
  ]);
  if (status !== 0) throw new Failure(`"${[program, ...args].join(' ')}" failed (${status})\n${output}`);
  return output;
}

async function buildOrNote() {
  return (await build()) ? undefined : 'nothing had changed';
}

async function checkBundle() {
  const size = /gzip:\s*([\d.]+)\s*(KiB|MiB)/.exec(await dryRun());
  if (!size) throw new Failure('wrangler did not print the size of the bundle');
  const kib = Number(size[1]) * (size[2] === 'MiB' ? 1024 : 1);
  if (kib > BUNDLE_GZIP_MAX_KIB)
    throw new Failure(`the bundle is ${kib} KiB gzip; the limit is ${BUNDLE_GZIP_MAX_KIB} KiB`);
  const parts = overweight();
  if (parts.length) throw new Failure(`${parts.join('\n')}\n"node scripts/parts.mjs" grants what there is`);
  return `${kib} KiB gzip of ${BUNDLE_GZIP_MAX_KIB}`;
}

/** Runs the tests in a folder. */
const testsIn = (directory) => async (report) => {
  const files = readdirSync(join(ROOT, directory), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.mjs'))
    .sort();
  if (!files.length) throw new Failure(`${directory} holds no *.test.mjs`);
  return runTestFiles(
    files.map((name) => join(ROOT, directory, name)),
    report,
  );
};

/** Makes the command line as the package has it, and holds it against the transcripts, and what else is tested of the native one. */
async function checkCli(report) {
  report('WebAssembly');
  await assembleCli(join(ROOT, 'build', 'cli'));
  report('transcripts');
  await cargo('test', '--locked', '--test', 'cli', '--test', 'prompts', '--', '--ignored');
  return testsIn('tests/shell')(report);
}

/** Does an excerpt of the scorecard, and tests what its rows leave. */
async function checkChaos(report) {
  await run(TOOLS.node, ['chaos/main.mjs', '--excerpt'], { failure: 'the excerpt of the scorecard failed' });
  return testsIn('tests/chaos')(report);
}

/** Makes the packages, which must be the same a second time, and then a project of them, as someone without Rust would. */
async function checkPackages(report) {
  report('packages');
  await makePackagesTwice();
  return testsIn('tests/packages')(report);
}

/**
 * In the order in which they begin if they can: first those that others need, or that take longest. A step whose `needs` did not pass is
 * skipped: its failure would say nothing new. One that `waits` for most of its time runs beside the others. One that `yields` takes what they
 * leave of the machine: alone it fills all of it, and they do not, so it had better be the last to end.
 * Those that hold the same thing follow each other: cargo would make them wait for its lock on a folder in target/, where both releases have
 * what runs while they are compiled.
 */
const STEPS = [
  { name: 'setup', body: setup },
  { name: 'compile', needs: ['setup'], holds: 'target', body: () => cargo(...COMPILE) },
  { name: 'format', needs: ['setup'], body: checkFormat },
  { name: 'lint scripts', needs: ['setup'], body: () => biome('lint', '--error-on-warnings', '.') },
  // Asks nobody for advisories, as `make audit` does.
  { name: 'crates', needs: ['setup'], body: checkCrates },
  { name: 'browser', needs: ['setup'], body: provideChromium },
  { name: 'build', needs: ['compile'], holds: 'release', body: buildOrNote },
  { name: 'bundle', needs: ['build'], body: checkBundle },
  { name: 'e2e', needs: ['bundle', 'browser'], yields: true, body: testsIn('tests/e2e') },
  { name: 'chaos', needs: ['bundle'], waits: true, body: checkChaos },
  { name: 'host tests', needs: ['compile'], body: () => cargo('test', '--locked') },
  { name: 'cli wasm', needs: ['compile'], holds: 'release', body: checkCli },
  { name: 'package', needs: ['build', 'cli wasm', 'browser'], body: checkPackages },
  // The page has the command line in it.
  { name: 'studio', needs: ['cli wasm', 'browser'], body: testsIn('tests/studio') },
  { name: 'clippy host', needs: ['compile'], holds: 'target', body: checkWarnings },
  { name: 'clippy wasm', needs: ['build'], holds: 'release', body: clippyWasm },
  { name: 'types', needs: ['build'], body: checkTypes },
];

/**
 * Runs the body of a step in this process, and tells the one that started it how far it is and what came of it.
 * @param {{ body: (report: (progress: string) => void) => Promise<any>, yields?: boolean }} step
 */
async function perform({ body, yields }) {
  if (yields) setPriority(YIELDING);
  const tell = (message) =>
    new Promise((resolve) => (process.send ? process.send(message, resolve) : resolve(console.log(message))));
  try {
    const note = await body((progress) => tell({ progress }));
    await tell({ outcome: 'PASS', note });
  } catch (error) {
    if (!(error instanceof Failure)) console.error(error);
    await tell({ outcome: 'FAIL', note: error instanceof Failure ? error.message : String(error) });
  }
  process.disconnect?.();
}

/** Starts a step in its own process; `ended` resolves with the outcome. */
function start(step, results) {
  const isBuilt = results.some(({ name, outcome }) => name === 'compile' && outcome === 'PASS');
  const child = fork(fileURLToPath(import.meta.url), ['--step', step.name], {
    execPath: existsSync(TOOLS.node) ? TOOLS.node : process.execPath,
    env: toolEnvironment({
      NODE_COMPILE_CACHE: COMPILE_CACHE,
      ...(isBuilt ? { BARGATE_PROGRAM: bargateProgram() } : {}),
      ...(isIncremental ? {} : { CARGO_INCREMENTAL: '0' }),
    }),
    silent: true,
  });
  const running = { step, startedAt: Date.now(), progress: '', said: '' };
  const output = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk) => {
      output.push(chunk);
      running.said = lastLine(chunk) || running.said;
    });
  }
  let result = { outcome: 'FAIL', note: 'ended before it was done' };
  child.on('message', (/** @type {any} */ message) => {
    if ('progress' in message) running.progress = message.progress;
    else result = message;
  });
  running.ended = new Promise((resolve) => child.once('close', resolve)).then(() => {
    const seconds = (Date.now() - running.startedAt) / 1000;
    return { name: step.name, seconds, ...result, output: Buffer.concat(output).toString() };
  });
  return running;
}

const line = ({ name, outcome, seconds, note = '' }) =>
  `${outcome}  ${name.padEnd(13)} ${seconds.toFixed(1).padStart(7)} s  ${note}`.trimEnd();

const elapsed = ({ startedAt }) => (Date.now() - startedAt) / 1000;
const lastLine = (chunk) =>
  stripVTControlCharacters(String(chunk)).trim().split('\n').at(-1)?.slice(0, LINE_MAX).trim();
/** How far a step is: what it reports, or else the last that it said. */
const progressOf = (running) =>
  `      ${running.step.name}, ${spoken(elapsed(running))} so far  ${running.progress || running.said}`.trimEnd();

/** Runs steps as they become possible, as many at a time as there are cores, and at least two, besides those that wait. */
async function runSteps(steps) {
  const results = [];
  const waiting = [...steps];
  const running = new Set();
  const finish = (result) => {
    results.push(result);
    if (result.outcome === 'FAIL') console.log(`\n── ${result.name}\n${result.output.trimEnd()}\n`);
    console.log(line(result));
  };
  const isOpen = (name) => [...waiting, ...[...running].map(({ step }) => step)].some((step) => step.name === name);
  const canStart = ({ needs = [], holds }) =>
    !needs.some(isOpen) && !(holds && [...running].some(({ step }) => step.holds === holds));
  const ticks = setInterval(() => console.log([...running].map(progressOf).join('\n')), STILL_AT_IT_SECS * 1000);
  while (waiting.length || running.size) {
    for (const step of waiting.filter(canStart)) {
      const isFull = [...running].filter(({ step }) => !step.waits).length >= Math.max(2, availableParallelism());
      if ((isFull && !step.waits) || !canStart(step)) continue;
      waiting.splice(waiting.indexOf(step), 1);
      const missing = step.needs?.find((need) =>
        results.some(({ name, outcome }) => name === need && outcome !== 'PASS'),
      );
      if (missing) {
        finish({ name: step.name, outcome: 'SKIP', seconds: 0, note: `needs "${missing}"` });
        continue;
      }
      console.log(`begin ${step.name}`);
      const started = start(step, results);
      started.ended = started.ended.then((result) => {
        running.delete(started);
        finish(result);
      });
      running.add(started);
    }
    if (running.size) await Promise.race([...running].map(({ ended }) => ended));
  }
  clearInterval(ticks);
  return results;
}

async function runAll(wanted) {
  const startedAt = Date.now();
  const steps = STEPS.filter(({ name }) => !wanted.length || wanted.some((part) => name.includes(part)));
  if (!steps.length) throw new Failure(`no step has a name like: ${wanted.join(', ')}`);
  const results = await runSteps(steps);
  console.log(`\n${results.map(line).join('\n')}\n\n${spoken(elapsed({ startedAt }))} in all`);
  const failed = results.filter(({ outcome }) => outcome !== 'PASS').map(({ name }) => name);
  if (failed.length) throw new Failure(`FAILED: ${failed.join(', ')}`);
  console.log('\nAll passed.');
}

const [option, only] = process.argv.slice(2);
const step = option === '--step' && STEPS.find(({ name }) => name === only);
await (step ? perform(step) : main(() => runAll(process.argv.slice(2))));
