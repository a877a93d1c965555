// What is inside a package that is published: the crates that are compiled into its WebAssembly, Rust's standard library, the C library
// that comes with it for WASI, and the packages of npm that are bundled. Each has the text of its licence, or there is no package. Written as a text for people, and as a
// bill of materials (CycloneDX).

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { licenceTexts } from './bundled-packages.mjs';
import { askCargo, spdxOf } from './crates.mjs';
import { Failure, ROOT, outputOf } from './toolchain.mjs';

/**
 * @typedef {object} Component
 * @property {string} name
 * @property {string} version
 * @property {string} license SPDX
 * @property {string[]} texts of its licences
 * @property {string} purl
 * @property {string} [digest] SHA-256, as the lock file has it
 */

/** What is compiled to WebAssembly, and for what. */
const PROGRAMS = [
  { crate: 'bargate-worker', target: 'wasm32-unknown-unknown' },
  { crate: 'bargate', target: 'wasm32-wasip1' },
];
const RUST_MISSING = 'Rust is missing: install it with rustup, see https://rustup.rs/';
const OWN = /^bargate(?:-worker)?$/;
const STANDARD_LICENCES = ['MIT', 'Apache-2.0'];
/** Of wasi-libc as a whole, of its parts from musl and cloudlibc, and of dlmalloc. */
const WASI_LIBC_LICENCE = '(Apache-2.0 WITH LLVM-exception OR Apache-2.0 OR MIT) AND MIT AND BSD-2-Clause AND CC0-1.0';
/** Rust's toolchain brings the library without its licences: these are those of its sources, github.com/WebAssembly/wasi-libc. */
const WASI_LIBC_TEXTS = join(ROOT, 'scripts', 'licences', 'wasi-libc');

/**
 * Returns the crates that are in the WebAssembly of the package: not those that run while it is compiled.
 *
 * @returns {Component[]}
 */
export function crates() {
  const metadata = JSON.parse(askCargo('metadata', '--format-version', '1'));
  const checksums = new Map(
    [
      ...readFileSync(join(ROOT, 'Cargo.lock'), 'utf8').matchAll(
        /name = "(.+)"\nversion = "(.+)"\nsource.*\nchecksum = "(.+)"/g,
      ),
    ].map(([, name, version, checksum]) => [`${name} v${version}`, checksum]),
  );
  const names = PROGRAMS.flatMap(({ crate, target }) =>
    askCargo('tree', '--edges', 'normal,no-proc-macro', '--target', target, '--package', crate, '--prefix', 'none')
      .split('\n')
      .map((line) => line.split(' ').slice(0, 2).join(' ')),
  );
  return [...new Set(names)]
    .filter((name) => name && !OWN.test(name.split(' ')[0]))
    .sort()
    .map((wanted) => {
      const found = metadata.packages.find(({ name, version }) => `${name} v${version}` === wanted);
      if (!found?.license) throw new Failure(`the crate ${wanted} names no licence`);
      const { name, version, license, manifest_path } = found;
      const texts = licenceTexts(dirname(manifest_path), `the crate ${wanted}`);
      return {
        name,
        version,
        license: spdxOf(license),
        texts,
        purl: `pkg:cargo/${name}@${version}`,
        digest: checksums.get(wanted),
      };
    });
}

/** Returns what Rust's toolchain puts into the WebAssembly. @returns {Component[]} */
export const toolchainLibraries = () => [standardLibrary(), wasiLibc()];

/** Rust's standard library, whose licences come with the toolchain. */
function standardLibrary() {
  const sysroot = sysrootOf();
  const version = /^rustc (\S+)/.exec(outputOf('rustc', ['--version']) ?? '')?.[1];
  if (!version) throw new Failure(RUST_MISSING);
  const texts = STANDARD_LICENCES.map((name) => {
    const file = join(sysroot, 'share', 'doc', 'rust', 'licenses', `${name}.txt`);
    if (!existsSync(file)) throw new Failure(`${file} is missing: install Rust with rustup, which brings its licences`);
    return readFileSync(file, 'utf8');
  });
  return {
    name: "Rust's standard library",
    version,
    license: STANDARD_LICENCES.join(' OR '),
    texts: ['Copyright (c) The Rust Project Contributors', ...texts],
    purl: `pkg:generic/rust-std@${version}`,
  };
}

/** The C library, which the standard library for WASI calls. It says only of which release of wasi-sdk it is. */
function wasiLibc() {
  const file = join(sysrootOf(), 'lib', 'rustlib', 'wasm32-wasip1', 'lib', 'self-contained', 'libc.a');
  if (!existsSync(file)) throw new Failure(`${file} is missing: run rustup target add wasm32-wasip1`);
  const version = /wasisdk:\/\/v(\d+)\.\d+\//.exec(readFileSync(file, 'latin1'))?.[1];
  if (!version) throw new Failure(`${file} does not say of which wasi-sdk it is`);
  const tag = `wasi-sdk-${version}`;
  return {
    name: 'wasi-libc',
    version: tag,
    license: WASI_LIBC_LICENCE,
    texts: licenceTexts(WASI_LIBC_TEXTS, 'wasi-libc'),
    purl: `pkg:github/webassembly/wasi-libc@${tag}`,
  };
}

function sysrootOf() {
  const sysroot = outputOf('rustc', ['--print', 'sysroot']);
  if (!sysroot) throw new Failure(RUST_MISSING);
  return sysroot;
}

/** The components of npm packages that were bundled. */
export const packagesOf = (bundled) =>
  bundled.map((found) => ({ ...found, purl: `pkg:npm/${found.name.replace('@', '%40')}@${found.version}` }));

/** The licences of everything that is inside. A text that several have, however it is broken into lines, is there once. */
export function licencesText(components) {
  const texts = components.flatMap((component) => component.texts.map((text) => ({ component, text: text.trim() })));
  const sections = [...Map.groupBy(texts, ({ text }) => text.replace(/\s+/g, ' ')).values()].map((of) => {
    const names = of.map(({ component: { name, version, license } }) => `${name} ${version} (${license})`);
    return `${names.join('\n')}\n\n${of[0].text.replaceAll('\r\n', '\n')}\n`;
  });
  return ['What others have written and is inside this package, with their licences.\n', ...sections].join(
    `\n${'-'.repeat(80)}\n\n`,
  );
}

/** A bill of materials in CycloneDX 1.6, the same for the same components. */
export function billOfMaterials({ name, version, license }, components) {
  const of = `pkg:npm/${name}@${version}`;
  return `${JSON.stringify(
    {
      $schema: 'http://cyclonedx.org/schema/bom-1.6.schema.json',
      bomFormat: 'CycloneDX',
      specVersion: '1.6',
      serialNumber: `urn:uuid:${uuidOf(JSON.stringify([of, components.map(({ purl, digest }) => [purl, digest])]))}`,
      version: 1,
      metadata: {
        component: {
          type: 'library',
          'bom-ref': of,
          name,
          version,
          purl: of,
          licenses: [{ expression: license.replace(/^\((.*)\)$/, '$1') }],
        },
      },
      components: components.map((component) => ({
        type: 'library',
        'bom-ref': component.purl,
        name: component.name,
        version: component.version,
        ...(component.digest && { hashes: [{ alg: 'SHA-256', content: component.digest }] }),
        licenses: [{ expression: component.license }],
        purl: component.purl,
      })),
      dependencies: [{ ref: of, dependsOn: components.map(({ purl }) => purl) }],
    },
    null,
    2,
  )}\n`;
}

/** A UUID (version 8, RFC 9562) that follows from a text. */
function uuidOf(text) {
  const hex = createHash('sha256').update(text).digest('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`, `8${hex.slice(17, 20)}`, hex.slice(20, 32)].join(
    '-',
  );
}
