// The bundle of the version before, which tests run beside this one: over the same objects and the same KV, one reads what the other
// stores. `node tests/e2e/support/kept-bundle.mjs` keeps the one that is built, in place of that of the release before.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const KEPT = join(ROOT, 'tests', 'fixtures', 'bundles');
const BUILT = join(ROOT, 'build', 'bundle');
const MANIFEST = 'manifest.json';

/** @typedef {{ version: string, commit: string, files: Record<string, string> }} Manifest the SHA-256 of each file, before it was compressed */

const digest = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** What is said of the kept bundle. @returns {Manifest} */
export const keptManifest = () => JSON.parse(readFileSync(join(KEPT, MANIFEST), 'utf8'));

/**
 * Unpacks the kept bundle into a folder of its own, and returns that, the version and the commit; `remove` takes the folder away.
 */
export function unpackKept() {
  const { version, commit, files } = keptManifest();
  const folder = mkdtempSync(join(tmpdir(), 'bargate-kept-'));
  for (const [name, sha256] of Object.entries(files)) {
    const bytes = brotliDecompressSync(readFileSync(join(KEPT, `${name}.br`)));
    assert.equal(digest(bytes), sha256, `${name} is as it was kept`);
    writeFileSync(join(folder, name), bytes);
  }
  return { folder, version, commit, remove: () => rmSync(folder, { recursive: true, force: true }) };
}

/** Keeps the bundle in a folder, which was built from the commit that is checked out. */
function keep(folder) {
  const version = /^version = "(.+)"$/m.exec(readFileSync(join(ROOT, 'Cargo.toml'), 'utf8'))[1];
  const commit = execFileSync('git', ['rev-parse', 'HEAD'], { cwd: ROOT, encoding: 'utf8' }).trim();
  rmSync(KEPT, { recursive: true, force: true });
  mkdirSync(KEPT, { recursive: true });
  /** @type {Manifest} */
  const manifest = { version, commit, files: {} };
  for (const name of readdirSync(folder).filter((name) => name === 'worker.js' || name.endsWith('.wasm'))) {
    const bytes = readFileSync(join(folder, name));
    manifest.files[name] = digest(bytes);
    writeFileSync(join(KEPT, `${name}.br`), brotliCompressSync(bytes));
  }
  writeFileSync(join(KEPT, MANIFEST), `${JSON.stringify(manifest, null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) keep(process.argv[2] ?? BUILT);
