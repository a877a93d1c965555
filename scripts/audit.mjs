// `make audit`: asks for known vulnerabilities of what the project is built of and with. Not part of `make test`: it needs the
// databases, and what it finds changes while nothing here does.

import { join } from 'node:path';
import { provideCargoDeny, setup } from './setup.mjs';
import { Failure, MANIFESTS, ROOT, TOOLS, main, run } from './toolchain.mjs';

await main(async () => {
  await setup();
  await provideCargoDeny();
  const failed = [];
  const attempt = (what, ...call) => run(...call, { failure: what }).catch((failure) => failed.push(failure.message));
  for (const manifest of MANIFESTS) {
    await attempt(manifest, TOOLS.cargoDeny, ['--manifest-path', manifest, 'check', '--config', join(ROOT, 'deny.toml'), 'advisories']);
  }
  await attempt('package-lock.json', 'npm', ['audit']);
  if (failed.length) throw new Failure(`the lines above say what is wrong with: ${failed.join(', ')}`);
});
