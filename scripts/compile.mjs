// Compiles the gateway to WebAssembly, with the script through which a Worker calls it: what `worker-build` does in general, for the one
// crate that is built here. After a panic the next call makes a fresh instance: that is in what wasm-bindgen writes.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, TOOLS, run, targetDirectory, toolEnvironment } from './toolchain.mjs';

const WASM_TARGET = 'wasm32-unknown-unknown';
const MODULE = 'bargate_worker.wasm';
const CARGO = ['build', '--release', '--locked', '--lib', '--package', 'bargate-worker', '--target', WASM_TARGET];
/**
 * What LLVM is told besides, for a file that is smaller once it is compressed. Functions with one caller become a part of it only up to 75
 * instructions, not 3,000: one instruction and one call cost 40 times what they do by default (5 and 25), which leaves all else in proportion.
 * A large function has more variables and a larger frame than one byte can name, and its code seldom repeats. Loops are not made cheaper by
 * variables of their own, nor values that are known on some ways only by code on the others.
 */
const LLVM = [
  '-inline-instr-cost=200',
  '-inline-call-penalty=1000',
  '-disable-lsr',
  '-enable-pre=false',
  '-enable-load-pre=false',
];
/** What wasm-bindgen exports for itself and for the SDK. */
const INTERNAL = /^__/;

/** Writes `index.js` and `index_bg.wasm`. */
export async function compileWorker(directory) {
  await run('cargo', CARGO, {
    env: toolEnvironment({
      // The SDK's futures are those of js-sys: wasm-bindgen's macro learns it so.
      WASM_BINDGEN_USE_JS_SYS: '1',
      // Comes before all other flags, of a shell or of a user's configuration: what is built is the same everywhere.
      CARGO_ENCODED_RUSTFLAGS: LLVM.map((argument) => `-Cllvm-args=${argument}`).join('\x1f'),
    }),
    failure: 'the WebAssembly build failed: the lines above say why',
  });
  rmSync(join(ROOT, directory), { recursive: true, force: true });
  mkdirSync(join(ROOT, directory), { recursive: true });
  await run(TOOLS.bindgen, [join(targetDirectory(), WASM_TARGET, 'release', MODULE), directory], {
    failure: 'wasm-bindgen could not make the JavaScript of the Worker',
  });
  await bundle(join(ROOT, directory));
}

/** Puts the script and the snippets that it imports into one file. */
async function bundle(directory) {
  // Not at the top of the file: set-up installs it first.
  const { build } = await import('esbuild');
  const script = join(directory, 'index.js');
  // A Worker imports a module of WebAssembly as such; the proposal's word for it is not esbuild's.
  const bindings = readFileSync(script, 'utf8').replace('import source wasmModule', 'import wasmModule');
  writeFileSync(script, bindings);
  const entry = join(directory, 'entry.js');
  writeFileSync(entry, entryText(bindings));
  await build({
    entryPoints: [entry],
    outfile: script,
    allowOverwrite: true,
    bundle: true,
    minify: true,
    format: 'esm',
    external: ['./index_bg.wasm', 'cloudflare:*'],
    logLevel: 'warning',
    // wasm-bindgen names a module once more for each function that it imports without glue; shrink.mjs leaves the last entry.
    logOverride: { 'duplicate-object-key': 'silent' },
  });
  rmSync(entry);
  rmSync(join(directory, 'snippets'), { recursive: true });
}

/** The class that index.d.ts describes: the functions that Rust exports, `fetch` with what is bound to a Worker. */
function entryText(bindings) {
  const names = [...bindings.matchAll(/^export function (\w+)/gm)].map(([, name]) => name);
  const methods = names
    .filter((name) => name !== 'fetch' && !INTERNAL.test(name))
    .map((name) => `Gateway.prototype.${name} = gateway.${name};\n`);
  return `import * as gateway from './index.js';

export default class Gateway {
  fetch(request) {
    return gateway.fetch(request, this.env, this.ctx);
  }
}
${methods.join('')}`;
}
