// Builds the command line as WebAssembly, for the package and the page: build/cli/bargate.wasm.

import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stampOf } from './stamp.mjs';
import { ROOT, TOOLS, main, run, timed, toolEnvironment } from './toolchain.mjs';

const FOLDER = join('build', 'cli');
const TARGET = 'wasm32-wasip1';
/** The program. */
const PROGRAM = join(ROOT, FOLDER, 'bargate.wasm');
/** What it is made of; examples and documents are built in. */
const INPUTS = [
  'src',
  'examples/providers',
  'Cargo.toml',
  'Cargo.lock',
  '.cargo',
  'rust-toolchain.toml',
  'scripts/build-cli.mjs',
];
/** What rustc 1.95 uses for WASI, and every Node.js from 20 on and every browser of this page has. */
const FEATURES = [
  'bulk-memory',
  'nontrapping-float-to-int',
  'sign-ext',
  'mutable-globals',
  'multivalue',
  'reference-types',
];

/** Builds the program if it is not built yet, and returns its file. */
export async function buildCli() {
  const stamp = stampOf(join(FOLDER, '.inputs'), INPUTS);
  if (existsSync(PROGRAM) && stamp.isFresh()) return PROGRAM;
  mkdirSync(join(ROOT, FOLDER), { recursive: true });
  await timed('build: the command line, as WebAssembly', 90, () =>
    run('cargo', ['build', '--quiet', '--locked', '--release', '--target', TARGET, '--bin', 'bargate'], {
      env: toolEnvironment({ CARGO_ENCODED_RUSTFLAGS: remappings().join('\x1f') }),
      failure: 'the command line could not be built as WebAssembly: the lines above say why',
    }),
  );
  const built = join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), TARGET, 'release', 'bargate.wasm');
  const next = `${PROGRAM}.next`;
  // Compressed, `-Oz` saves 0.03 % over this, and takes three times as long.
  await timed('build: the command line, made smaller', 15, () =>
    run(TOOLS.wasmOpt, ['-O1', ...FEATURES.map((name) => `--enable-${name}`), built, '-o', next], {
      env: toolEnvironment(),
      failure: 'wasm-opt failed: the lines above say why',
    }),
  );
  renameSync(next, PROGRAM);
  stamp.write();
  return PROGRAM;
}

/** Panics name the place in the source, which is not to tell where that was on the machine that built it. */
function remappings() {
  const home = process.env.CARGO_HOME || join(homedir(), '.cargo');
  return [`--remap-path-prefix=${home}=/cargo`, `--remap-path-prefix=${ROOT}=/bargate`];
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(buildCli);
