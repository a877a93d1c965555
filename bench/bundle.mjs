// A bundle with another built-in config than gateway.config.json, as `wrangler deploy` would make it.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build } from 'esbuild';
import { inputsText, prepare } from '../scripts/build.mjs';
import { ROOT } from '../scripts/toolchain.mjs';

/**
 * Bundles the gateway that was built last, with `config` built in, and returns the folder.
 *
 * @param {string} folder
 * @param {object} config
 */
export async function bundleWith(folder, config) {
  const text = JSON.stringify(config);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'gateway.config.json');
  writeFileSync(file, text);
  const contents = inputsText(text, { prepared: await prepare(file) });
  const inputs = {
    name: 'inputs',
    setup(builder) {
      builder.onResolve({ filter: /\/inputs\.mjs$/ }, () => ({ path: 'inputs', namespace: 'inputs' }));
      builder.onLoad({ filter: /.*/, namespace: 'inputs' }, () => ({ contents }));
    },
  };
  await build({
    entryPoints: { worker: join(ROOT, 'src', 'edge', 'worker.mjs') },
    outdir: folder,
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2024',
    external: ['cloudflare:*', 'node:*'],
    loader: { '.wasm': 'copy' },
    plugins: [inputs],
    logLevel: 'error',
  });
  return folder;
}
