// The Worker's part of the package `bargate`: the library and the gateway that was built last, as two files that wrangler bundles into
// a Worker.

import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './toolchain.mjs';

/** The name of the WebAssembly beside the script, which imports it. */
const WASM = 'index_bg.wasm';

/**
 * Writes `worker/index.js` and the WebAssembly beside it into a folder.
 *
 * @param {string} folder
 */
export async function assembleWorker(folder) {
  // Not at the top of the file: set-up installs it first.
  const { build } = await import('esbuild');
  const worker = join(folder, 'worker');
  mkdirSync(worker, { recursive: true });
  await build({
    entryPoints: [join(ROOT, 'src', 'edge', 'library.mjs')],
    outfile: join(worker, 'index.js'),
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*', `*/${WASM}`],
    logLevel: 'warning',
  });
  copyFileSync(join(ROOT, 'build', WASM), join(worker, WASM));
}
