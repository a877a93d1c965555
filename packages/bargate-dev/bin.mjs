#!/usr/bin/env node
// The command: an old Node.js gets one line before anything is parsed that it does not know.

const NEEDED = [22, 12];
const [major, minor] = process.versions.node.split('.').map(Number);
if (major > NEEDED[0] || (major === NEEDED[0] && minor >= NEEDED[1])) {
  const { main } = await import('./dev.mjs');
  await main(process.argv.slice(2));
} else {
  console.error(
    `Node.js ${process.versions.node} is too old for wrangler, which runs the gateway: version ${NEEDED.join('.')} or later is needed`,
  );
  process.exit(1);
}
