// What the toolchain of Rust puts into a package: named with its licences, for people and in the bill of materials.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { billOfMaterials, licencesText, toolchainLibraries } from '../../scripts/components.mjs';

const libraries = toolchainLibraries();

test('the standard library and the C library below it are named with their versions', () => {
  const manifest = { name: 'bargate', version: '1.0.0', license: 'MIT' };
  const { components } = JSON.parse(billOfMaterials(manifest, libraries));
  assert.deepEqual(
    components.map(({ name }) => name),
    ["Rust's standard library", 'wasi-libc'],
  );
  assert.match(components[1].purl, /^pkg:github\/webassembly\/wasi-libc@wasi-sdk-\d+$/);
  assert.match(components[1].licenses[0].expression, /LLVM-exception.* AND MIT AND BSD-2-Clause AND CC0-1\.0$/);
});

for (const [part, notice] of /** @type {[string, RegExp][]} */ ([
  ['wasi-libc', /LLVM Exceptions to the Apache 2\.0 License/],
  ['wasi-libc as a choice', /^Permission is hereby granted, free of charge, to any/m],
  ['musl', /Copyright © 2005-2020 Rich Felker, et al\./],
  ['cloudlibc', /Copyright \(c\) 2015-2017 Nuxi/],
  ['dlmalloc', /Doug Lea and released to the public domain/],
])) {
  test(`the licence of ${part} is passed on`, () => assert.match(licencesText(libraries), notice));
}
