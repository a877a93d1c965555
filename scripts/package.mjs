// `make package`: builds the packages of npm into dist/. The same sources give the same bytes, wherever and whenever they are built with
// the same Rust and Node.js; `node scripts/package.mjs --twice` assembles them a second time elsewhere, and compares.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from './build.mjs';
import { buildCli } from './build-cli.mjs';
import { billOfMaterials, crates, licencesText, packagesOf, toolchainLibraries } from './components.mjs';
import { checkContents } from './package-contents.mjs';
import { assembleCli } from './package-cli.mjs';
import { assembleCreate, assembleDev } from './package-projects.mjs';
import { assembleWorker } from './package-worker.mjs';
import { buildStudio } from './studio.mjs';
import { Failure, ROOT, main, toolEnvironment } from './toolchain.mjs';
import { bundledPackages } from './bundled-packages.mjs';

export const DIST = join(ROOT, 'dist');
/** Where the packages are put together, which npm then packs. */
const FOLDERS = join(ROOT, 'build', 'packages');
const LICENCES = ['LICENSE-APACHE', 'LICENSE-MIT'];

/** How each package is put together. `assemble` returns what of others is inside. */
const PACKAGES = [
  { name: 'bargate', assemble: assembleBargate },
  { name: 'bargate-dev', assemble: assembleDev },
  { name: 'create-bargate', assemble: assembleCreate },
];

async function assembleBargate(folder) {
  const source = join(ROOT, 'packages', 'bargate');
  for (const name of ['package.json', 'README.md', 'index.d.ts', 'service.d.ts'])
    copyFileSync(join(source, name), join(folder, name));
  copyFileSync(join(ROOT, 'gateway.schema.json'), join(folder, 'gateway.schema.json'));
  await assembleWorker(folder);
  const bundled = await assembleCli(join(folder, 'cli'));
  const inputs = new Set();
  await buildStudio(join(folder, 'studio'), { inputs });
  const packages = new Map(
    [...bundled, ...bundledPackages(inputs)].map((found) => [`${found.name} ${found.version}`, found]),
  );
  return [...crates(), ...toolchainLibraries(), ...packagesOf([...packages.values()])];
}

/** Builds what the packages consist of, packs them into a folder, and returns the digests of the tarballs by their names. */
export async function makePackages(folder = DIST) {
  await build();
  await buildCli();
  return pack(FOLDERS, folder);
}

/** Puts the packages together below one folder, and packs them into another. */
async function pack(folders, output) {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  const digests = {};
  for (const { name, assemble } of PACKAGES) {
    const folder = join(folders, name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const components = (await assemble(folder)) ?? [];
    for (const licence of LICENCES) copyFileSync(join(ROOT, licence), join(folder, licence));
    const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (components.length) {
      writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), licencesText(components));
      writeFileSync(join(folder, 'sbom.cdx.json'), billOfMaterials(manifest, components));
    }
    setModes(folder, Object.values(manifest.bin ?? {}));
    const { filename, files } = npmPack(folder, output);
    checkContents(folder, manifest, files);
    await checkExports(folder, manifest);
    digests[filename] = digestOf(join(output, filename));
  }
  return digests;
}

/** Gives files the modes that they are to have, whatever the user's umask is. */
function setModes(folder, programs) {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    const isProgram = programs.some((name) => join(folder, name) === file);
    chmodSync(file, entry.isDirectory() || isProgram ? 0o755 : 0o644);
  }
}

/** Packs a folder as `npm publish` would: in an order, and with a time, of npm's own. */
function npmPack(folder, output) {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', output];
  const windows = process.platform === 'win32';
  const { status, stdout, stderr } = spawnSync('npm', args, {
    cwd: folder,
    encoding: 'utf8',
    env: toolEnvironment(),
    shell: windows,
  });
  if (status !== 0) throw new Failure(`"npm pack" failed: ${stderr.trim()}`);
  return JSON.parse(stdout)[0];
}

/** Checks that what package.json says of files is true, as those who resolve modules see it. */
async function checkExports(folder, manifest) {
  const { publint } = await import('publint');
  const { formatMessage } = await import('publint/utils');
  const { messages } = await publint({ pkgDir: folder, pack: false });
  if (messages.length)
    throw new Failure(
      `the package ${manifest.name}:\n${messages.map((one) => `  ${formatMessage(one, manifest)}`).join('\n')}`,
    );
}

const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');

/** Assembles once more in a folder elsewhere, from what is built, and compares. */
async function checkTwice(digests) {
  const elsewhere = mkdtempSync(join(tmpdir(), 'bargate-package-'));
  try {
    const again = await pack(join(elsewhere, 'a', 'longer', 'path'), join(elsewhere, 'dist'));
    const differing = Object.keys(digests).filter((name) => digests[name] !== again[name]);
    if (differing.length) throw new Failure(`a second assembly gives other bytes: ${differing.join(', ')}`);
  } finally {
    rmSync(elsewhere, { recursive: true });
  }
}

/** Makes the packages, and assembles them a second time elsewhere, which must give the same bytes. */
export async function makePackagesTwice() {
  const digests = await makePackages();
  await checkTwice(digests);
  return digests;
}

async function makeAndTell() {
  const digests = await (process.argv.includes('--twice') ? makePackagesTwice() : makePackages());
  for (const [name, digest] of Object.entries(digests)) console.log(`${digest}  dist/${name}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(makeAndTell);
