// The one build: `make build`, `make dev` and wrangler's [build] command run it. Checks gateway.config.json against what it will be
// deployed with, then compiles the gateway to WebAssembly in build/. A mistake stops it, and a deployment with it; only a gateway
// that runs under `wrangler dev` keeps its last build.

import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { builtinModules } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { GOES_ON } from '../dev/runner.mjs';
import { WRANGLER_FILES, deploymentFlags } from '../packages/bargate/cli/deployment.mjs';
import { compileWorker } from './compile.mjs';
import { setup } from './setup.mjs';
import { weights } from './parts.mjs';
import { shrink } from './shrink.mjs';
import { filesUnder, stampOf } from './stamp.mjs';
import { Failure, ROOT, main, readProjectFile, run, timed } from './toolchain.mjs';

const CONFIG = 'gateway.config.json';
const WORKER_CRATE = 'worker';
const BUILD = 'build';
/** The config in the form that the gateway starts from. */
const PREPARED = join(BUILD, 'prepared.txt');
/** From this length on a text takes longer to read over than to decompress. */
const LARGE_TEXT = 65_536;
/** Where the user's modules are, which paths may name. */
const SERVICES = 'services';
const SERVICE_FILE = /(?<!\.d)\.m?[jt]s$/;
/** Files of variables for local runs. */
const ENV_FILE = /^\.(?:env|dev\.vars)(?:\.|$)/;
/** What the gateway is made of. */
const INPUTS = [
  'src',
  WORKER_CRATE,
  'Cargo.toml',
  'Cargo.lock',
  'build.rs',
  '.cargo',
  'rust-toolchain.toml',
  'scripts/build.mjs',
  'scripts/compile.mjs',
  'scripts/finished-futures.mjs',
  'scripts/function-order.mjs',
  'scripts/panic-places.mjs',
  'scripts/parts.mjs',
  'scripts/shrink.mjs',
  'scripts/stamp.mjs',
  'scripts/unused-closures.mjs',
  'scripts/wasm-module.mjs',
];

/** The inputs of a build, for those who watch it. */
export const WATCHED = [CONFIG, SERVICES, ...INPUTS];

/**
 * Builds what is not built yet, and tells whether there was anything. `forDev` is for a gateway that runs on this machine: it tries
 * the services too, which wrangler does otherwise, and its answers may say what is wrong.
 */
export async function build({ forDev = false } = {}) {
  await setup();
  const output = join(ROOT, BUILD, 'index.js');
  const deployment = deploymentFlags(ROOT, forDev);
  const declared = [...WRANGLER_FILES, ...(forDev ? readdirSync(ROOT).filter((name) => ENV_FILE.test(name)) : [])];
  const inputs = [CONFIG, SERVICES, ...declared, ...INPUTS];
  const all = stampOf(join(BUILD, '.inputs'), inputs, [forDev, ...deployment]);
  if (existsSync(output) && all.isFresh()) return false;

  mkdirSync(join(ROOT, BUILD), { recursive: true });
  await timed(`build: checking ${CONFIG}`, 120, () =>
    runBargate(['check', CONFIG, '--prepare', PREPARED, ...deployment], {
      whole: true,
      failure: `the build stopped: the lines above say what is wrong with ${CONFIG}, its deployment, or the code that checks them`,
    }),
  );
  // The gateway itself knows neither config nor services, so a change of these compiles nothing.
  const gateway = stampOf(join(BUILD, '.gateway'), INPUTS);
  if (!existsSync(output) || !gateway.isFresh()) {
    await timed(`build: the gateway, as WebAssembly in ${BUILD}/`, 180, compile);
    gateway.write();
    console.log(`what the gateway weighs before compression:\n${weights().join('\n')}`);
  }
  await writeInputs({ forDev });
  all.write();
  return true;
}

/** Builds for a gateway that is running: if that fails, it says why, and the last output stays. Returns the outcome. */
export async function rebuild() {
  try {
    return (await build({ forDev: true })) ? 'built' : 'fresh';
  } catch (error) {
    if (!existsSync(join(ROOT, BUILD, 'inputs.mjs'))) throw error;
    const reason = error instanceof Failure ? error.message : error.stack;
    console.error(`\n${reason}\n${GOES_ON}`);
    return 'failed';
  }
}

/** Returns a config as a build with it would give it to the gateway. */
export async function prepare(file) {
  const output = `${file}.prepared`;
  await runBargate(['check', file, '--prepare', output]);
  return readFileSync(output, 'utf8');
}

/** Runs the command line: as `make test` has compiled it with its tests, or else as cargo makes it. */
function runBargate(args, options) {
  const program = process.env.BARGATE_PROGRAM;
  return program
    ? run(program, args, options)
    : run('cargo', ['run', '--quiet', '--bin', 'bargate', '--', ...args], options);
}

async function compile() {
  // Beside what is in use, and in its place only when all of it is there.
  const made = join(BUILD, 'made');
  await compileWorker(made);
  await shrink(made);
  const script = join(made, 'index.js');
  const [, version] = /^version = (".+")$/m.exec(readProjectFile('Cargo.toml')) ?? [];
  writeFileSync(join(ROOT, script), `${readProjectFile(script)}export const version=${version};\n`);
  for (const file of ['index_bg.wasm', 'index.js']) renameSync(join(ROOT, made, file), join(ROOT, BUILD, file));
  rmSync(join(ROOT, made), { recursive: true });
  copyFileSync(join(ROOT, WORKER_CRATE, 'index.d.ts'), join(ROOT, BUILD, 'index.d.ts'));
}

/** Writes what the gateway is given. */
async function writeInputs({ forDev }) {
  const next = join(ROOT, BUILD, 'inputs.next.mjs');
  const files = serviceFiles();
  writeFileSync(next, inputsText(readProjectFile(CONFIG), { prepared: readProjectFile(PREPARED), forDev, files }));
  if (forDev && Object.keys(files).length) await tryBundle(next);
  renameSync(next, join(ROOT, BUILD, 'inputs.mjs'));
}

/** The module of what the gateway is given: the config, the user's modules, each loaded when it is first asked for, and for what it is. */
export function inputsText(config, { prepared, forDev = false, files = {} }) {
  const entries = Object.entries(files).map(
    ([name, file]) => `  ${JSON.stringify(name)}: () => import(${JSON.stringify(`../${file}`)}),\n`,
  );
  return [
    // What `wrangler dev --define` says of a Worker whose build is wrangler's.
    ...(forDev ? ['globalThis.BARGATE_DEV = true;\n'] : []),
    `export const prepared = ${JSON.stringify(prepared)};\n`,
    `export const config = ${onRequest(config)};\n`,
    `export const services = {\n${entries.join('')}};\n`,
  ].join('');
}

/**
 * JavaScript that makes a text that hardly anybody asks for. A large one is compressed, for else each start would read over it; a
 * small one compresses better in the bundle as it is.
 */
function onRequest(text) {
  if (text.length < LARGE_TEXT) return `() => ${JSON.stringify(text)}`;
  const base64 = JSON.stringify(gzipSync(text, { level: 9 }).toString('base64'));
  return `() => {
  const bytes = Uint8Array.from(atob(${base64}), (letter) => letter.charCodeAt(0));
  return new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))).text();
}`;
}

/** The user's modules by the names that a config gives them, without their endings. */
function serviceFiles() {
  const found = {};
  for (const file of filesUnder(SERVICES).filter((name) => SERVICE_FILE.test(name))) {
    const name = file.replace(SERVICE_FILE, '');
    if (found[name]) throw new Failure(`${found[name]} and ${file} are both the service ${name}: rename one of them`);
    found[name] = file;
  }
  return found;
}

/** Bundles as wrangler will, to no file: there a mistake in a service would leave every request waiting. */
async function tryBundle(entry) {
  // Not at the top of the file: set-up installs it first.
  const { build: bundle } = await import('esbuild');
  const empty = ['.wasm', '.txt', '.html', '.sql', '.bin'].map((extension) => [extension, 'empty']);
  await bundle({
    entryPoints: [entry],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
    absWorkingDir: ROOT,
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', ...builtinModules],
    loader: Object.fromEntries(empty),
  }).catch(() => {
    throw new Failure(`the build stopped: the lines above say what is wrong with ${SERVICES}/`);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  // wrangler says for which of its commands it builds.
  const forDev = process.env.WRANGLER_COMMAND === 'dev';
  await main(() => (forDev ? rebuild() : build()));
}
