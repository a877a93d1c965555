#!/usr/bin/env node
// The command `bargate`. An old Node.js must be able to read this file, to say what is wrong: it has no import and no word of later
// years, and everything else is in shell.mjs.

const LEAST = 20;
const [major, minor] = process.versions.node.split('.');
if (Number(major) < LEAST) {
  console.error(`Node.js ${major}.${minor} is too old: version ${LEAST} or later is needed`);
  process.exitCode = 2;
} else {
  import('./shell.mjs').then((shell) => shell.main(process.argv.slice(2)));
}
