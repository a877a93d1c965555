// What each part of the gateway weighs: Rust by crate, the gateway's own by module, JavaScript by file. The build writes it down and
// prints it beside the budget of scripts/parts.json, which `make test` holds it to. Bytes are counted before compression, which only
// the whole has: two parts that are alike compress each other. `node scripts/parts.mjs` makes what was built last the budget.

import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { ROOT, main } from './toolchain.mjs';
import { SECTIONS, functionNamesOf, importsOf, sectionOf, segmentsOf } from './wasm-module.mjs';

/** What of the gateway is JavaScript, beside the entry. */
const EDGE = join(ROOT, 'src', 'edge');
const BUILT = join(ROOT, 'build', 'parts.json');
/** What each thing adds to the upload. */
export const RUNGS = join(ROOT, 'build', 'ladder.json');
const BUDGET = join(ROOT, 'scripts', 'parts.json');
const KIB = 1024;
/** A part may grow by so much before somebody decides that it may: a change elsewhere moves what is inlined where. */
const ALLOWANCE_KIB = 0.5;

/** Modules of the gateway: of the edge, which is half of it, those one level below. */
const OWN = /\bbargate(?:_worker)?::((?:edge::)?[a-z_]\w*)/;
const CRATE = /(?<![\w:])([a-z_]\w*)::/;
const STANDARD = ['alloc', 'core', 'std'];
const TEXTS = 'constants and texts';

/** Returns the pieces of a WebAssembly module that has the names of its functions, by the part that each is of. */
export function piecesOf(bytes) {
  const pieces = {};
  const add = (part, piece) => (pieces[part] ??= []).push(piece);
  const names = functionNamesOf(bytes);
  const first = importsOf(bytes).filter(({ kind }) => kind === 0).length;
  const { reader } = sectionOf(bytes, SECTIONS.code);
  const count = reader.number();
  for (let index = 0; index < count; index += 1)
    add(partOf(names.get(first + index) ?? ''), reader.take(reader.number()));
  for (const { content } of segmentsOf(bytes)) add(TEXTS, content);
  return pieces;
}

/** Returns the bytes of each part. */
const bytesOf = (pieces) =>
  Object.fromEntries(Object.entries(pieces).map(([part, of]) => [part, Buffer.concat(of).length]));

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
async function partsOfScript(script) {
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

/**
 * What the gateway consists of, one thing after the other: first what any Worker of Rust has, then what others wrote for purposes such as
 * these. A function is of the part that made it, and in it is what of the standard library was made for it.
 */
const LADDER = [
  { title: "Rust's standard library and the allocator", takes: /^(?:the standard library|talc|__rustc)$/ },
  { title: 'calls between Rust and JavaScript', takes: /^(?:wasm_bindgen|(?:js|web|worker)_sys|worker|entry points)$/ },
  { title: 'crates for JSON, numbers, dates and base64', takes: /^[a-z]\w*$/ },
  { title: 'Bargate: configs', takes: /^bargate::(?:config|excerpt|json|places)$/ },
  { title: 'Bargate: keys and tokens', takes: /^bargate::(?:algorithm|edge::(?:auth|gateway)|jwks|recent|token)$/ },
  { title: 'Bargate: logins, sessions and their objects', takes: /^bargate::(?:edge::)?(?:oauth|objects|session)$/ },
  { title: 'Bargate: integrations', takes: /^bargate::edge::integrations$/ },
  { title: 'Bargate: routes, requests and answers', takes: /^bargate::/ },
  { title: TEXTS, takes: new RegExp(`^${TEXTS}$`) },
];

const compressedKib = (bytes) => Number((gzipSync(bytes).length / KIB).toFixed(1));

/** Returns what each of that adds to what is before it, compressed in KiB; last the script, and what the order of all saves. */
function ladderOf(pieces, wasm, script) {
  const left = new Set(Object.keys(pieces));
  let taken = Buffer.alloc(0);
  const rungs = LADDER.map(({ title, takes }) => {
    const parts = [...left].filter((part) => takes.test(part));
    for (const part of parts) left.delete(part);
    taken = Buffer.concat([taken, ...parts.flatMap((part) => pieces[part])]);
    return { title, kib: compressedKib(taken) };
  });
  if (left.size) throw new Error(`no rung of scripts/parts.mjs takes ${[...left].join(', ')}`);
  return [
    ...rungs,
    { title: 'its JavaScript', kib: compressedKib(Buffer.concat([taken, Buffer.from(script)])) },
    { title: 'in an order that compresses', kib: compressedKib(Buffer.concat([wasm, Buffer.from(script)])) },
  ];
}

/** Writes down what was built: what each part weighs, by its pieces before they were put in order and by the script, and what it adds. */
export async function noteParts(pieces, wasm, script) {
  const parts = { ...bytesOf(pieces), ...(await partsOfScript(script)) };
  writeFileSync(BUILT, `${JSON.stringify(parts, null, 2)}\n`);
  writeFileSync(RUNGS, `${JSON.stringify(ladderOf(pieces, wasm, script), null, 2)}\n`);
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
