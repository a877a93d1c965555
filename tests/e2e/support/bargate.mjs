// The command line, as `cargo build` makes it.

import { join } from 'node:path';
import { run } from '../../../scripts/toolchain.mjs';
import { ROOT } from './harness.mjs';

/** Builds the program where it is not built yet, and gives its path. */
export async function buildBargate() {
  await run('cargo', ['build', '--quiet', '--locked', '--bin', 'bargate']);
  return join(process.env.CARGO_TARGET_DIR ?? join(ROOT, 'target'), 'debug', 'bargate');
}
