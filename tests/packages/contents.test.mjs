// What may be in a package: each finding by one change of a package that is as it should be.

import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { test } from 'node:test';
import { fileFindings, listFindings, manifestFindings, sizeFindings } from '../../scripts/package-contents.mjs';
import { ROOT, readProjectFile } from '../../scripts/toolchain.mjs';

const FILES = ['package.json', 'README.md', 'LICENSE-APACHE', 'LICENSE-MIT', 'bin.mjs', 'dev.mjs'];
const manifest = JSON.parse(readProjectFile('packages/bargate/package.json'));

test('a package has the files of its list, and no other', () => {
  assert.deepEqual(listFindings('bargate-dev', FILES), []);
  for (const [changed, finding] of [
    [[...FILES, 'dev.mjs.map'], 'dev.mjs.map is not in the list of scripts/package-contents.mjs'],
    [[...FILES, 'files/bin.mjs'], 'files/bin.mjs is not in the list of scripts/package-contents.mjs'],
    [[...FILES, 'binXmjs'], 'binXmjs is not in the list of scripts/package-contents.mjs'],
    [FILES.filter((name) => name !== 'LICENSE-MIT'), 'LICENSE-MIT is missing'],
  ])
    assert.deepEqual(listFindings('bargate-dev', changed), [finding]);
});

test('a package is no larger than it may be', () => {
  const files = [
    { path: 'worker/index.js', size: 1_000 },
    { path: 'worker/index_bg.wasm', size: 1_498_000 },
    { path: 'cli/bargate.wasm.gz', size: 3_400_000 },
  ];
  assert.deepEqual(sizeFindings('bargate', files), []);
  const grown = (path, by) => files.map((file) => (file.path === path ? { path, size: file.size + by } : file));
  assert.deepEqual(sizeFindings('bargate', grown('worker/index.js', 1_000)), [
    'the part for a Worker has 1500000 bytes unpacked; the limit is 1500000',
  ]);
  assert.deepEqual(sizeFindings('bargate', grown('cli/bargate.wasm.gz', 101_000)), [
    'the package has 5000000 bytes unpacked; the limit is 5000000',
  ]);
});

test('a package runs no program when it is installed, and bargate brings no other', () => {
  assert.deepEqual(manifestFindings(manifest), []);
  const { version } = manifest;
  /** @type {[object, string][]} */
  const changes = [
    [{ scripts: { postinstall: 'x' } }, 'it has the script postinstall, which npm runs when it is installed'],
    [{ scripts: { prepare: 'x' } }, 'it has the script prepare, which npm runs when it is installed'],
    [{ dependencies: { jose: '6.2.18' } }, 'it depends on jose'],
    [{ optionalDependencies: { jose: '6.2.18' } }, 'it depends on jose'],
    [{ private: true }, 'it is private'],
    [{ version: '9.9.9' }, `its version is 9.9.9, and that of Cargo.toml ${version}`],
    [{ peerDependencies: { 'bargate-dev': '9.9.9' } }, `it asks for bargate-dev 9.9.9, not ${version}`],
  ];
  for (const [change, finding] of changes) assert.deepEqual(manifestFindings({ ...manifest, ...change }), [finding]);
});

test('a file tells nothing about the machine that built it', () => {
  const clean = Buffer.from('panicked at /cargo/registry/src/a.rs, /rustc/59807616e1fa/library/core/src/b.rs');
  assert.deepEqual(fileFindings('a.wasm', clean), []);
  // The folder of a user may be told by a second rule as well.
  for (const [text, finding] of [
    [`\0${ROOT}/src/a.rs\0`, `a.wasm names ${ROOT}`],
    [`${homedir()}/x`, `a.wasm names ${homedir()}/`],
    ['\xff/builds/.cargo/registry', 'a.wasm names /.cargo/'],
    ['x\n//# sourceMappingURL=a.js.map', 'a.wasm is or names a source map'],
  ])
    assert.ok(fileFindings('a.wasm', Buffer.from(text, 'latin1')).includes(finding), finding);
});
