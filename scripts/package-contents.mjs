// What may be in a package that is published. Held against what npm has packed.

import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { Failure, ROOT, readProjectFile } from './toolchain.mjs';

const MB = 1_000_000;
/** The part that a Worker is made of, and all of it, unpacked. */
const WORKER_MAX_BYTES = 1.5 * MB;
const PACKAGE_MAX_BYTES = 5 * MB;

const ALWAYS = ['package.json', 'README.md', 'LICENSE-APACHE', 'LICENSE-MIT'];
/** Every file of each package; `*` is a digest of the content, or the name of a part that esbuild has split off. */
const CONTENTS = {
  bargate: [
    'THIRD-PARTY-LICENSES.txt',
    'sbom.cdx.json',
    'index.d.ts',
    'service.d.ts',
    'gateway.schema.json',
    'worker/index.js',
    'worker/index_bg.wasm',
    'cli/bin.mjs',
    'cli/shell.mjs',
    'cli/*.mjs',
    'cli/bargate.wasm.gz',
    'studio/index.html',
    'studio/_headers',
    'studio/icon-*.svg',
    'studio/page-*.js',
    'studio/program-*.js',
    'studio/style-*.css',
  ],
  'bargate-dev': ['bin.mjs', 'dev.mjs'],
  'create-bargate': [
    'bin.mjs',
    'create.mjs',
    'files/.github/workflows/review.yml',
    'files/__dot__gitignore',
    'files/public/*',
    'files/public/session/login.js',
    'files/public/tokens/login.js',
    'files/public/tokens/token-client.js',
    'files/src/index.js',
  ],
};

/** Programs that npm would run without being asked. */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepare', 'prepublish', 'preprepare', 'postprepare'];
/** Where sources are on the machine of whoever builds. */
const MACHINE_PATHS = [ROOT, `${homedir()}/`, '/home/', '/Users/', ':\\Users\\', '/.cargo/'].filter(
  (path) => path !== '//',
);

/**
 * Throws if a package holds what it should not.
 *
 * @param {string} folder what was packed
 * @param {Record<string, any>} manifest its package.json
 * @param {{ path: string, size: number }[]} files what npm has packed of it
 */
export function checkContents(folder, manifest, files) {
  const { name } = manifest;
  const findings = [
    ...listFindings(
      name,
      files.map(({ path }) => path),
    ),
    ...sizeFindings(name, files),
    ...manifestFindings(manifest),
    ...files.flatMap(({ path }) => fileFindings(path, readFileSync(join(folder, path)))),
  ];
  if (findings.length)
    throw new Failure(`the package ${name}:\n${findings.map((finding) => `  ${finding}`).join('\n')}`);
}

export function listFindings(name, paths) {
  const wanted = [...ALWAYS, ...CONTENTS[name]].map((pattern) => ({ pattern, matches: matcherOf(pattern) }));
  return [
    ...paths
      .filter((path) => !wanted.some(({ matches }) => matches.test(path)))
      .map((path) => `${path} is not in the list of scripts/package-contents.mjs`),
    ...wanted
      .filter(({ matches }) => !paths.some((path) => matches.test(path)))
      .map(({ pattern }) => `${pattern} is missing`),
  ];
}

function matcherOf(pattern) {
  const parts = pattern.split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('[\\w.-]+')}$`);
}

export function sizeFindings(name, files) {
  const sum = (of) => of.reduce((bytes, { size }) => bytes + size, 0);
  const limits = [
    {
      what: 'the part for a Worker',
      bytes: sum(files.filter(({ path }) => path.startsWith('worker/'))),
      max: WORKER_MAX_BYTES,
    },
    { what: 'the package', bytes: sum(files), max: PACKAGE_MAX_BYTES },
  ];
  return limits
    .filter(({ bytes, max }) => bytes >= max)
    .map(({ what, bytes, max }) => `${what} has ${bytes} bytes unpacked; the limit is ${max}`);
}

export function manifestFindings(manifest) {
  const { name, version, scripts = {}, dependencies = {}, optionalDependencies = {}, private: isPrivate } = manifest;
  const wanted = /^version = "(.+)"$/m.exec(readProjectFile('Cargo.toml'))?.[1];
  const findings = [];
  if (version !== wanted) findings.push(`its version is ${version}, and that of Cargo.toml ${wanted}`);
  if (isPrivate) findings.push('it is private');
  for (const script of INSTALL_SCRIPTS.filter((script) => script in scripts))
    findings.push(`it has the script ${script}, which npm runs when it is installed`);
  for (const other of Object.keys({ ...dependencies, ...optionalDependencies }))
    if (name === 'bargate') findings.push(`it depends on ${other}`);
  for (const kind of ['dependencies', 'peerDependencies'])
    for (const [other, asked] of Object.entries(manifest[kind] ?? {}))
      if (Object.hasOwn(CONTENTS, other) && asked !== wanted)
        findings.push(`it asks for ${other} ${asked}, not ${wanted}`);
  return findings;
}

export function fileFindings(path, bytes) {
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString('latin1');
  const findings = MACHINE_PATHS.filter((place) => text.includes(place)).map((place) => `${path} names ${place}`);
  if (path.endsWith('.map') || /\/[/*][#@] sourceMappingURL=/.test(text))
    findings.push(`${path} is or names a source map`);
  return findings;
}
