// Holds the crates of the project against deny.toml: what licences they have, where they come from, and that none is asked for in any
// version. cargo's own record says it. cargo-deny, which knows of vulnerabilities besides, is made of 400 crates itself, and takes minutes to
// compile: for `make audit` alone.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { provideCargoDeny } from './setup.mjs';
import { Failure, ROOT, TOOLS, readProjectFile, run } from './toolchain.mjs';

/** The manifests with their own lock files. */
const MANIFESTS = ['Cargo.toml', 'tools/Cargo.toml', 'fuzz/Cargo.toml'];
const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

/** Fails for crates that are not what deny.toml allows. Returns how many there are. */
export async function checkCrates() {
  // Not at the top of the file: set-up installs them first.
  const [{ parse }, { default: satisfies }] = await Promise.all([import('smol-toml'), import('spdx-satisfies')]);
  const { licenses } = /** @type {any} */ (parse(readProjectFile('deny.toml')));
  const isAllowed = (license) => license && satisfies(spdxOf(license), licenses.allow);
  const all = MANIFESTS.map(cratesOf);
  const faults = all.flatMap(({ own, others }) => [
    ...others
      .filter(({ source }) => source !== CRATES_IO)
      .map(({ id }) => `${id}: it does not come from crates.io, as deny.toml wants it`),
    ...others
      .filter(({ license }) => !isAllowed(license))
      .map(({ id, license }) => `${id}: deny.toml does not allow its licence, ${license ?? 'of which it names none'}`),
    ...own.flatMap(({ name, dependencies }) =>
      dependencies
        .filter(({ req, path }) => req === '*' && !path)
        .map((wanted) => `${name}: it takes ${wanted.name} in any version, which deny.toml does not allow`),
    ),
  ]);
  if (faults.length) throw new Failure(faults.join('\n'));
  return `${all.reduce((sum, { others }) => sum + others.length, 0)} crates`;
}

/** Returns the packages behind a manifest: our own, and the others of its lock file. */
function cratesOf(manifest) {
  const record = askCargo('metadata', '--format-version', '1', '--all-features', '--manifest-path', manifest);
  /** @type {{ packages: any[] }} */
  const { packages } = JSON.parse(record);
  return {
    own: packages.filter(({ source }) => source === null),
    others: packages.filter(({ source }) => source !== null),
  };
}

/** The licence of a crate, as SPDX has it: an older way to say "or" is a slash. */
export const spdxOf = (license) => license.replaceAll('/', ' OR ');

/** Returns what a command of cargo prints. */
export function askCargo(command, ...args) {
  const { status, stdout, stderr } = spawnSync('cargo', [command, '--locked', ...args], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: Number.POSITIVE_INFINITY,
  });
  if (status !== 0) throw new Failure(`"cargo ${command}" failed: ${stderr.trim()}`);
  return stdout;
}

/** Asks for known vulnerabilities of the crates of every lock file, and holds them against all of deny.toml. */
export async function auditCrates() {
  await provideCargoDeny();
  for (const manifest of MANIFESTS) {
    const args = ['--manifest-path', manifest, '--config', join(ROOT, 'deny.toml'), '--locked', 'check'];
    await run(TOOLS.cargoDeny, args, { failure: `the crates of ${manifest} are not all what deny.toml allows` });
  }
}
