// `make audit`: asks for known vulnerabilities of what the project is made of and built with. Not part of `make test`: it needs the
// databases of others, and what they hold changes while nothing here does.

import { auditCrates } from './crates.mjs';
import { setup } from './setup.mjs';
import { Failure, main, run } from './toolchain.mjs';

await main(async () => {
  await setup();
  const failures = [];
  for (const audit of [auditCrates, () => run('npm', ['audit'])]) {
    await audit().catch((failure) => failures.push(failure.message));
  }
  if (failures.length) throw new Failure(failures.join('\n'));
});
