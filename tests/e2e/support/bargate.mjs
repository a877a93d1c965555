// The command line, as `make test` has compiled it, or else as `cargo build` makes it.

import { bargateProgram, run } from '../../../scripts/toolchain.mjs';

/** Builds the program if it is not built yet, and returns its path. */
export async function buildBargate() {
  if (process.env.BARGATE_PROGRAM) return process.env.BARGATE_PROGRAM;
  await run('cargo', ['build', '--quiet', '--locked', '--bin', 'bargate']);
  return bargateProgram();
}
