// Holds the crates of the project against deny.toml.

import { join } from 'node:path';
import { provideCargoDeny } from './setup.mjs';
import { ROOT, TOOLS, run } from './toolchain.mjs';

/** The manifests with their own lock files. */
const MANIFESTS = ['Cargo.toml', 'tools/Cargo.toml', 'fuzz/Cargo.toml'];

/** Runs checks of cargo-deny, by its names for them, on the crates of every lock file. */
export async function checkCrates(...checks) {
  await provideCargoDeny();
  for (const manifest of MANIFESTS) {
    const args = ['--manifest-path', manifest, '--config', join(ROOT, 'deny.toml'), '--locked', 'check', ...checks];
    await run(TOOLS.cargoDeny, args, { failure: `the crates of ${manifest} are not all what deny.toml allows` });
  }
}
