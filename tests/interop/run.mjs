// `make interop`: walks every step at each provider and with each client, prints the tables, and writes docs/providers.md. Names as
// arguments walk only those whose name contains one of them, and write nothing.

import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, ROOT, main, run } from '../../scripts/toolchain.mjs';
import { buildBargate } from '../e2e/support/bargate.mjs';
import { CLIENTS, walkClient } from './clients.mjs';
import { WORK } from './install.mjs';
import { PROVIDERS } from './providers.mjs';
import { asPage, asText } from './table.mjs';
import { judge } from './verdict.mjs';
import { walk } from './walk.mjs';

async function runAll(names) {
  const wanted = (all) => all.filter(({ name }) => !names.length || names.some((part) => name.includes(part)));
  const [providers, clients] = [wanted(PROVIDERS), wanted(CLIENTS)];
  if (!providers.length && !clients.length)
    throw new Failure(`no provider and no client has a name like: ${names.join(', ')}`);
  const bargate = await buildBargate();
  for (const file of new Set(providers.map(({ config }) => config)))
    await run(bargate, ['check', '--deny-warnings', join('examples', 'providers', file)]);
  rmSync(WORK, { recursive: true, force: true });
  const ofProviders = await walkAll(providers, walk);
  const ofClients = await walkAll(clients, walkClient);
  const all = [ofProviders, ofClients];
  if (!names.length) {
    const absent = all.flatMap((each) => each.absent);
    writeFileSync(join(ROOT, 'docs', 'providers.md'), asPage(ofProviders.walks, ofClients.walks, absent));
  }
  const wrong = all.flatMap((each) => each.wrong);
  if (wrong.length) throw new Failure(`not as expected:\n${wrong.join('\n')}`);
  const [walked, called] = all.map(({ walks }) => walks.length);
  console.log(`\n${walked} providers and ${called} clients, each step as expected`);
}

/** Walks those that can be installed one after the other, and prints each; `wrong` is what was not as expected. */
async function walkAll(contenders, walkOne) {
  const [walks, absent, wrong] = [[], [], []];
  for (const contender of contenders) {
    const missing = await contender.install?.();
    if (missing) {
      console.log(`${contender.name} | not installed: ${missing}`);
      absent.push({ name: contender.name, reason: missing });
      continue;
    }
    const walked = await walkOne(contender).catch((error) => void wrong.push(`${contender.name}: ${error.stack}`));
    if (!walked) continue;
    wrong.push(...judge(walked, contender.gaps));
    walks.push(walked);
    console.log(asText([walked]).join('\n'));
  }
  return { walks, absent, wrong };
}

await main(() => runAll(process.argv.slice(2)));
// One that failed to start may have left work behind, which must not keep this process.
process.exit();
