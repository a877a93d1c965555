// The one build: `make build` and wrangler's [build] command both run it. Checks gateway.config.json, then compiles the
// gateway to WebAssembly in build/. With --fault-injection: the variant that end-to-end tests can make panic, in
// build-fault/, with an entry of its own.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setup } from './setup.mjs';
import { shrink } from './shrink.mjs';
import { Failure, ROOT, TOOLS, main, outputOf, readProjectFile, run, toolEnvironment } from './toolchain.mjs';

const CONFIG = 'gateway.config.json';
const WORKER_CRATE = 'worker';
const ENTRY = 'src/edge/worker.mjs';
/** Where the modules are that paths may name: the user's own, and those of the tests. */
const SERVICES = 'services';
const TEST_SERVICES = 'tests/e2e/services';
/** What the gateway is made of. */
const INPUTS = [
  'src', WORKER_CRATE, 'Cargo.toml', 'Cargo.lock', 'build.rs', '.cargo', 'rust-toolchain.toml', 'scripts/build.mjs', 'scripts/shrink.mjs',
];

export async function build({ faultInjection = false } = {}) {
  await setup();
  const directory = faultInjection ? 'build-fault' : 'build';
  const output = join(ROOT, directory, 'index.js');
  const all = stampOf(directory, '.inputs', [CONFIG, SERVICES, TEST_SERVICES, ...INPUTS]);
  if (existsSync(output) && all.isFresh()) return;

  await run('cargo', ['run', '--quiet', '--bin', 'bargate', '--', 'check', CONFIG], {
    failure: `the build stopped: the lines above say what is wrong with ${CONFIG}, or with the code that checks it`,
  });
  // The gateway itself knows neither config nor services, so a change of these compiles nothing.
  const gateway = stampOf(directory, '.gateway', INPUTS);
  if (!existsSync(output) || !gateway.isFresh()) {
    const features = faultInjection ? ['--', '--features', 'fault-injection'] : [];
    await run(TOOLS.workerBuild, ['--release', '--out-dir', join('..', directory), WORKER_CRATE, ...features], {
      env: toolEnvironment({
        WASM_BINDGEN_BIN: TOOLS.wasmBindgen,
        ESBUILD_BIN: TOOLS.esbuild,
      }),
      failure: 'the WebAssembly build failed: the lines above say why',
    });
    await shrink(directory);
    gateway.write();
  }
  writeInputs(directory, faultInjection ? TEST_SERVICES : SERVICES);
  if (faultInjection) writeFaultEntry(directory);
  all.write();
}

/** Notes which inputs an output was made of, so that the same are not built again. */
function stampOf(directory, name, inputs) {
  const file = join(ROOT, directory, name);
  const before = hashOf(inputs);
  return {
    isFresh: () => existsSync(file) && readFileSync(file, 'utf8') === before,
    // Left out where something changed while the build ran: the next one starts over.
    write: () => hashOf(inputs) === before && writeFileSync(file, before),
  };
}

/** A digest of the files' names and contents, and of the compiler. */
function hashOf(inputs) {
  const hash = createHash('sha256').update(outputOf('rustc', ['--version']) ?? '');
  for (const file of inputs.flatMap(filesUnder)) hash.update(`\0${file}\0`).update(readFileSync(join(ROOT, file)));
  return hash.digest('hex');
}

function filesUnder(path) {
  if (!existsSync(join(ROOT, path))) return [];
  try {
    return readdirSync(join(ROOT, path)).sort().flatMap((name) => filesUnder(`${path}/${name}`));
  } catch (error) {
    if (error.code === 'ENOTDIR') return [path];
    throw error;
  }
}

/** Writes what the gateway is given: the config, and the modules in a folder, each loaded when it is first asked for. */
function writeInputs(directory, folder) {
  const files = filesUnder(folder).filter((file) => file.endsWith('.js'));
  const entries = files.map((file) => {
    const name = `${SERVICES}/${file.slice(folder.length + 1, -'.js'.length)}`;
    return `  ${JSON.stringify(name)}: () => import(${JSON.stringify(`../${file}`)}),\n`;
  });
  const config = `export const config = ${JSON.stringify(readProjectFile(CONFIG))};\n`;
  writeFileSync(join(ROOT, directory, 'inputs.mjs'), `${config}export const services = {\n${entries.join('')}};\n`);
}

/** Writes the Worker's entry anew beside the fault build, with its relative imports pointing from there. */
function writeFaultEntry(directory) {
  const source = readProjectFile(ENTRY);
  if (!source.includes('../../build/')) throw new Failure(`${ENTRY} imports nothing from ../../build/`);
  const entry = source.replace(/(['"])(\.\.?\/[^'"]*)\1/g, (_, quote, path) => {
    const target = path.startsWith('../../build/')
      ? path.replace('../../build/', './')
      : `..${new URL(path, `file:///${ENTRY}`).pathname}`;
    return `${quote}${target}${quote}`;
  });
  writeFileSync(join(ROOT, directory, 'worker.mjs'), entry);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(() => build({ faultInjection: process.argv.includes('--fault-injection') }));
}
