// Makes what compile.mjs gave small: a Worker is weighed in bytes, compressed. Leaves out what the SDK exports and the gateway
// has no use for, and optimises the WebAssembly for its compressed size.

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withoutFinishedFutures } from './finished-futures.mjs';
import { namedInOrder } from './function-order.mjs';
import { placesOf } from './panic-places.mjs';
import { noteParts, piecesOf } from './parts.mjs';
import { Failure, ROOT, TOOLS, outputOf, readProjectFile, run } from './toolchain.mjs';
import { withoutClosures } from './unused-closures.mjs';
import { SECTIONS, exportsOf, functionNamesOf, importsOf, leb, sectionOf, withSection } from './wasm-module.mjs';

const FEATURES = [
  'bulk-memory',
  'exception-handling',
  'multivalue',
  'mutable-globals',
  'nontrapping-float-to-int',
  'reference-types',
  'sign-ext',
].map((feature) => `--enable-${feature}`);

// Zeros between data compress better than what would tell where each piece between them stands.
const WHOLE_DATA = '--skip-pass=memory-packing';

// Inlined functions are fewer bytes and compress worse.
const OPTIMISATIONS = [
  WHOLE_DATA,
  '--always-inline-max-function-size=0',
  '--one-caller-inline-max-function-size=30',
  '--low-memory-unused',
  '--gufa-optimizing',
  '-O2',
  '--shrink-level=1',
  '--converge',
  // The names tell functions apart until they are ordered.
  '--debuginfo',
];

/** The SDK's streams, what would call closures of Rust and poll its tasks, and the global object, which these would ask for. */
const UNUSED = /\b(wasm_streams|js_sys::futures|js_sys::global|wasm_bindgen::convert::closures)::|^Closure\(/;
const CLOSURE_EXPORT = /^wasm_bindgen__convert__closures/;

// How a load or store is aligned is a hint that V8 does not use; left out, more of them are alike.
const ARRANGEMENT = [
  WHOLE_DATA,
  '--reorder-functions-by-name',
  '--dealign',
  '--optimize-level=2',
  '--shrink-level=1',
  '--generate-stack-ir',
  '--optimize-stack-ir',
  '--strip-debug',
  '--strip-producers',
  '--strip-target-features',
];

export async function shrink(directory) {
  const script = join(directory, 'index.js');
  const wasm = join(directory, 'index_bg.wasm');
  await dropUnusedClasses(script);
  await dropUnusedExports(wasm, readProjectFile(script));
  dropUnusedClosures(wasm);
  const whole = readFileSync(join(ROOT, wasm));
  const places = placesOf(whole);
  places.clearLibraries();
  writeFileSync(join(ROOT, wasm), withoutFinishedFutures(whole, places));
  await optimise(wasm, OPTIMISATIONS);
  const path = join(ROOT, wasm);
  const bytes = readFileSync(path);
  const used = [...functionNamesOf(bytes).values()].find((name) => UNUSED.test(name));
  if (used) throw new Failure(`${used} is in use: scripts/shrink.mjs must not leave out what calls it`);
  writeFileSync(path, namedInOrder(bytes));
  await optimise(wasm, ARRANGEMENT);
  shortenImports(wasm, script);
  // Once more, for what only those imports used.
  await dropUnusedClasses(script);
  await noteParts(piecesOf(bytes), readFileSync(path), readProjectFile(script));
}

async function optimise(wasm, options) {
  await run(TOOLS.wasmOpt, [...FEATURES, ...options, wasm, '-o', wasm], {
    failure: 'the WebAssembly file could not be made smaller',
  });
}

/**
 * Leaves out the classes that come with the SDK: marked as free of side effects, the unused ones are dropped by esbuild. Leaves
 * out, too, duplicates that would be warned of at every build.
 */
async function dropUnusedClasses(script) {
  const whole = script.replace(/\.js$/, '.whole.js');
  const marked = readProjectFile(script)
    .replace(/\bnew FinalizationRegistry\(/g, '/* @__PURE__ */ new FinalizationRegistry(')
    // wasm-bindgen names a module once more for each function that it imports without glue: the last entry, which counts, stays.
    .replace(/("\.\/snippets\/[^"]+":)[\w$]+,(?=(?:"[^"]+":[\w$]+,)*\1)/g, '')
    .replace(/\bSymbol\.dispose&&\(([\w$]+)\.prototype\[Symbol\.dispose\]=\1\.prototype\.free\)[;,]/g, '');
  writeFileSync(join(ROOT, whole), marked);
  const entry = script.replace(/\.js$/, '.entry.js');
  writeFileSync(join(ROOT, entry), `export { default } from './${whole.split(/[\\/]/).at(-1)}';\n`);
  const args = [
    entry,
    '--bundle',
    '--format=esm',
    '--minify',
    '--external:cloudflare:*',
    '--external:*.wasm',
    '--log-level=warning',
  ];
  await run(TOOLS.esbuild, [...args, `--outfile=${script}`, '--allow-overwrite'], {
    failure: 'the JavaScript could not be made smaller',
  });
  for (const file of [whole, entry]) rmSync(join(ROOT, file));
}

/** Leaves out what is exported and named nowhere in the script, with all that only it calls. */
async function dropUnusedExports(wasm, script) {
  const named = new Set(script.match(/[A-Za-z_$][\w$]*/g));
  const roots = exportsOf(readFileSync(join(ROOT, wasm))).filter(
    (name) => named.has(name) && !CLOSURE_EXPORT.test(name),
  );
  const graph = `${wasm}.roots.json`;
  writeFileSync(
    join(ROOT, graph),
    JSON.stringify(roots.map((name) => ({ name: `export ${name}`, export: name, root: true }))),
  );
  if (
    outputOf(TOOLS.wasmMetadce, [...FEATURES, '--debuginfo', `--graph-file=${graph}`, wasm, '-o', wasm]) === undefined
  ) {
    throw new Failure('what is not used of the WebAssembly could not be left out');
  }
  rmSync(join(ROOT, graph));
}

/** Leaves out the SDK's streams, of whose classes none was named, and what would call closures and tasks, which nothing makes. */
function dropUnusedClosures(wasm) {
  const bytes = readFileSync(join(ROOT, wasm));
  if (exportsOf(bytes).some((name) => name.startsWith('intounderlying')))
    throw new Failure(`${wasm} exports a stream: scripts/shrink.mjs must not leave out what it calls`);
  writeFileSync(join(ROOT, wasm), withoutClosures(bytes, UNUSED));
}

/**
 * Shortens the names of imports in both files: each of wasm-bindgen's ends in a digest. Leaves out of the script what it offers and
 * the WebAssembly does not import.
 */
function shortenImports(wasm, script) {
  const bytes = readFileSync(join(ROOT, wasm));
  let text = readProjectFile(script);
  const rename = (long, pattern, short) => {
    const named = text.split(pattern);
    if (named.length !== 2) throw new Failure(`${script} names ${long} ${named.length - 1} times, not once`);
    text = named.join(short);
    const written = short.replace(':', '');
    return Buffer.concat([leb(written.length), Buffer.from(written)]);
  };
  const modules = new Map();
  const imports = importsOf(bytes);
  const parts = [leb(imports.length)];
  for (const [index, { module, name, kind, described }] of imports.entries()) {
    if (!modules.has(module)) modules.set(module, rename(module, `"${module}":`, `$${modules.size}:`));
    const short = rename(name, new RegExp(`(?<![\\w$])${name}(?![\\w$])`), `$${index.toString(36)}`);
    parts.push(modules.get(module), short, leb(kind), ...described.map(leb));
  }
  text = text
    .replace(/\b__wb(?:g|indgen)_\w+:function\(.*?\},(?=[\w$]+:function\()/g, '')
    // What the modules export, which esbuild writes as getters.
    .replace(/\{(?:[\w$]+:\(\)=>[\w$]+,?){2,}\}/g, (exported) => exported.replace(/(?<=[{,])\w+:\(\)=>[\w$]+,?/g, ''));
  writeFileSync(join(ROOT, wasm), withSection(bytes, sectionOf(bytes, SECTIONS.import), SECTIONS.import, parts));
  writeFileSync(join(ROOT, script), text);
}
