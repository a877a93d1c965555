#!/usr/bin/env node
// The command: an old Node.js gets one line before anything is parsed that it does not know.

const NEEDED = 20;
if (Number(process.versions.node.split('.')[0]) >= NEEDED) {
  const { main } = await import('./create.mjs');
  await main(process.argv.slice(2));
} else {
  console.error(`Node.js ${process.versions.node} is too old: version ${NEEDED} or later is needed`);
  process.exit(1);
}
