// `make interop`: walks every step at each provider, prints the table, and writes docs/providers.md. Names as arguments walk only
// those providers whose name contains one of them, and write nothing.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, ROOT, main, run } from '../../scripts/toolchain.mjs';
import { buildBargate } from '../e2e/support/bargate.mjs';
import { WORK } from './install.mjs';
import { PROVIDERS } from './providers.mjs';
import { asPage, asText } from './table.mjs';
import { judge } from './verdict.mjs';
import { walk } from './walk.mjs';

async function runAll(names) {
  const wanted = PROVIDERS.filter(({ name }) => !names.length || names.some((part) => name.includes(part)));
  if (!wanted.length) throw new Failure(`no provider has a name like: ${names.join(', ')}`);
  const bargate = await buildBargate();
  for (const file of new Set(wanted.map(({ config }) => config)))
    await run(bargate, ['check', '--deny-warnings', join('examples', 'providers', file)]);
  rmSync(WORK, { recursive: true, force: true });
  const [walks, absent, wrong] = [[], [], []];
  for (const provider of wanted) {
    const missing = await provider.install?.();
    if (missing) {
      console.log(`${provider.name} | not installed: ${missing}`);
      absent.push({ name: provider.name, reason: missing });
      continue;
    }
    const walked = await walk(provider).catch((error) => void wrong.push(`${provider.name}: ${error.stack}`));
    if (!walked) continue;
    wrong.push(...judge(walked, provider.gaps));
    walks.push(walked);
    console.log(asText([walked]).join('\n'));
  }
  if (!names.length) writeFileSync(join(ROOT, 'docs', 'providers.md'), asPage(walks, absent));
  if (wrong.length) throw new Failure(`not as expected:\n${wrong.join('\n')}`);
  console.log(`\n${walks.length} providers, each step as expected`);
}

await main(() => runAll(process.argv.slice(2)));
// A provider that failed to start may have left work behind, which must not keep this process.
process.exit();
