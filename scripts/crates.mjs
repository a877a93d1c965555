// Holds the crates of the project against deny.toml: what licences they have, where they come from, and that none is asked for in any
// version. cargo's own record says it. cargo-deny, which knows of vulnerabilities besides, is made of 400 crates itself, and takes minutes to
// compile: only `make audit` uses it.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { provideCargoDeny } from './setup.mjs';
import { Failure, ROOT, TOOLS, readProjectFile, run } from './toolchain.mjs';

/** The manifests with their own lock files. */
const MANIFESTS = ['Cargo.toml', 'tools/Cargo.toml', 'fuzz/Cargo.toml'];
/** What deny.toml says besides the licences, as it is checked here; for advisories there is `make audit`. */
const RULES = {
  graph: { 'all-features': true },
  licenses: { 'unused-allowed-license': 'allow', private: { ignore: true } },
  bans: { 'multiple-versions': 'allow', wildcards: 'deny', 'allow-wildcard-paths': true },
  sources: { 'unknown-registry': 'deny', 'unknown-git': 'deny' },
};
const CRATES_IO = 'registry+https://github.com/rust-lang/crates.io-index';

/** Fails for crates that are not what deny.toml allows. Returns how many there are. */
export async function checkCrates() {
  // Not at the top of the file: set-up installs them first.
  const [{ parse }, { default: satisfies }] = await Promise.all([import('smol-toml'), import('spdx-satisfies')]);
  // Its tables have no prototype.
  const { advisories, ...rules } = structuredClone(/** @type {any} */ (parse(readProjectFile('deny.toml'))));
  const { allow, ...ofLicences } = rules.licenses;
  if (!isDeepStrictEqual({ ...rules, licenses: ofLicences }, RULES))
    throw new Failure('deny.toml has rules that scripts/crates.mjs does not know: name them there, and check them');
  const isAllowed = (license) => {
    try {
      return satisfies(spdxOf(license), allow);
    } catch {
      // There is none, or it is no expression of SPDX.
      return false;
    }
  };
  const crates = MANIFESTS.flatMap(cratesOf);
  const faults = crates.flatMap(({ id, source, license, publish, dependencies }) => {
    const isPrivate = publish?.length === 0;
    const wild = dependencies.filter(({ req, path }) => req === '*' && !(path && isPrivate));
    return [
      ...(source === null || source === CRATES_IO ? [] : ['it does not come from crates.io, as deny.toml wants it']),
      ...(isPrivate || isAllowed(license) ? [] : [`deny.toml does not allow its licence, ${license}`]),
      ...(source === null ? wild.map(({ name }) => `deny.toml does not allow it to take ${name} in any version`) : []),
    ].map((fault) => `${id}: ${fault}`);
  });
  if (faults.length) throw new Failure(faults.join('\n'));
  return `${crates.length} crates`;
}

/** Returns the crates behind a manifest: our own, and those of its lock file. @returns {any[]} */
const cratesOf = (manifest) =>
  JSON.parse(askCargo('metadata', '--format-version', '1', '--all-features', '--manifest-path', manifest)).packages;

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
