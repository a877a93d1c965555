// What each part of the gateway weighs: Rust by crate, the gateway's own by module, JavaScript by file. The build writes it down and
// prints it beside the budget of scripts/parts.json, which `make test` holds it to. Bytes are counted before compression, which only
// the whole has: two parts that are alike compress each other. `node scripts/parts.mjs` makes what was built last the budget.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, main } from './toolchain.mjs';
import { SECTIONS, functionNamesOf, importsOf, sectionOf, segmentsOf } from './wasm-module.mjs';

/** What of the gateway is JavaScript, beside the entry. */
const EDGE = join(ROOT, 'src', 'edge');
const BUILT = join(ROOT, 'build', 'parts.json');
const BUDGET = join(ROOT, 'scripts', 'parts.json');
const KIB = 1024;
/** A part may grow by so much before somebody decides that it may: a change elsewhere moves what is inlined where. */
const ALLOWANCE_KIB = 0.5;

/** Modules of the gateway: of the edge, which is half of it, those one level below. */
const OWN = /\bbargate(?:_worker)?::((?:edge::)?[a-z_]\w*)/;
const CRATE = /(?<![\w:])([a-z_]\w*)::/;
const STANDARD = ['alloc', 'core', 'std'];

/** Returns the bytes of code and data of a WebAssembly module that has the names of its functions. */
export function partsOfCode(bytes) {
  const names = functionNamesOf(bytes);
  const first = importsOf(bytes).filter(({ kind }) => kind === 0).length;
  const { reader } = sectionOf(bytes, SECTIONS.code);
  const parts = {};
  const count = reader.number();
  for (let index = 0; index < count; index += 1) {
    const { length } = reader.take(reader.number());
    const part = partOf(names.get(first + index) ?? '');
    parts[part] = (parts[part] ?? 0) + length;
  }
  parts['constants and texts'] = [...segmentsOf(bytes)].reduce((sum, { content }) => sum + content.length, 0);
  return parts;
}

/** Whose a function is. What the gateway makes of another's generic code is the gateway's. */
function partOf(name) {
  // A name may have a digest of its crate: `core[c5930c85a12de822]::fmt::write`.
  const path = name.replace(/\[[0-9a-f]+\]/g, '');
  const own = OWN.exec(path)?.[1];
  if (own) return `bargate::${own}`;
  const crate = CRATE.exec(path)?.[1];
  if (!crate) return 'entry points';
  return STANDARD.includes(crate) ? 'the standard library' : crate;
}

/** Returns the bytes of the gateway's own files in the script around it, and those of the rest. */
export async function partsOfScript(script) {
  // Not at the top of the file: set-up installs it first.
  const { transform } = await import('esbuild');
  const parts = {};
  for (const file of readdirSync(EDGE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))) {
    const { code } = await transform(readFileSync(join(EDGE, file), 'utf8'), { minify: true, format: 'esm' });
    parts[relative(ROOT, join(EDGE, file))] = code.length;
  }
  const own = Object.values(parts).reduce((sum, bytes) => sum + bytes, 0);
  return { ...parts, 'glue of wasm-bindgen': script.length - own };
}

/** Writes down what was built. */
export function noteParts(parts) {
  writeFileSync(BUILT, `${JSON.stringify(parts, null, 2)}\n`);
}

/** Returns what was built last beside its budget, in KiB, heaviest first. */
function weighed() {
  const [built, budget] = [BUILT, BUDGET].map((file) => JSON.parse(readFileSync(file, 'utf8')));
  return Object.entries(built)
    .map(([part, bytes]) => ({ part, kib: bytes / KIB, most: budget[part] ?? 0 }))
    .sort((one, other) => other.kib - one.kib);
}

/** Returns, as lines, what each part weighs. */
export const weights = () =>
  weighed().map(
    ({ part, kib, most }) => `${kib.toFixed(1).padStart(7)} of ${most.toFixed(1).padStart(6)} KiB  ${part}`,
  );

/** Returns, as lines, which parts weigh more than they may. */
export const overweight = () =>
  weighed()
    .filter(({ kib, most }) => kib > most)
    .map(({ part, kib, most }) => `${part} is ${kib.toFixed(1)} KiB before compression; its limit is ${most} KiB`);

/** Makes what was built last the budget. */
function writeBudget() {
  const built = JSON.parse(readFileSync(BUILT, 'utf8'));
  const budget = Object.entries(built)
    .sort()
    .map(([part, bytes]) => [part, Math.ceil(10 * (bytes / KIB + ALLOWANCE_KIB)) / 10]);
  writeFileSync(BUDGET, `${JSON.stringify(Object.fromEntries(budget), null, 2)}\n`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(async () => writeBudget());
