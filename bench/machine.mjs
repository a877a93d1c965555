// Where and when something was measured, and with what.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem } from 'node:os';
import { outputOf } from '../scripts/toolchain.mjs';
import { LOAD_TOOL } from './load.mjs';

/** Packages whose version a figure depends on. */
const PACKAGES = ['workerd', 'hono', 'jose', '@auth0/auth0-hono', 'autocannon'];

const require = createRequire(import.meta.url);

/** Returns the date, the commit, the machine and the versions. */
export function machine() {
  return {
    date: new Date().toISOString(),
    commit: outputOf('git', ['describe', '--always', '--dirty', '--abbrev=12']) ?? 'unknown',
    machine: {
      cpu: cpus()[0].model.trim(),
      cores: cpus().length,
      memory_gib: Math.round(totalmem() / 2 ** 30),
      kernel: release(),
    },
    versions: {
      node: process.versions.node,
      ...Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)])),
      load: LOAD_TOOL === 'wrk' ? wrkVersion() : LOAD_TOOL,
    },
  };
}

function versionOf(name) {
  const entry = require.resolve(name);
  const folder = entry.slice(0, entry.lastIndexOf(`node_modules/${name}/`) + `node_modules/${name}/`.length);
  return JSON.parse(readFileSync(`${folder}package.json`, 'utf8')).version;
}

/** wrk tells its version in its first line, with status 1. */
const wrkVersion = () => outputOf('sh', ['-c', 'wrk -v | head -n 1']) ?? 'wrk';
