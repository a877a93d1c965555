// Between what cargo-fuzz keeps, a folder of files for each kind of text, and what the repository has of it, one file with a text a line.
// `node scripts/corpora.mjs unpack` makes the folders, with which fuzzing begins; `node scripts/corpora.mjs pack` adds to the files what is
// in the folders besides, the shortest texts first, as many as are kept of a kind. Names of kinds behind that select them.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, Failure, main } from './toolchain.mjs';

const FILES = join(ROOT, 'fuzz', 'corpora');
const FOLDERS = process.env.CORPUS ?? join(ROOT, 'fuzz', 'corpus');

/** How many texts are kept of a kind: all of them are replayed in seconds. */
const KEPT_MAX = 500;

/** How long all texts of a kind are at most, in bytes. */
const KEPT_MAX_BYTES = 64 * 1024;

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What JSON may hold as it is, but editors and git would not show. */
const HIDDEN = /[\u007f-\u00a0\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** Writes bytes as a line: a text as a string. @param {Buffer} bytes */
function lineOf(bytes) {
  try {
    const text = JSON.stringify(decoder.decode(bytes));
    return text.replace(HIDDEN, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`);
  } catch {
    return JSON.stringify({ base64: bytes.toString('base64') });
  }
}

/** @param {string} line */
function bytesOf(line) {
  const value = JSON.parse(line);
  return typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64');
}

/** @param {string} name */
const linesOf = (name) =>
  readFileSync(join(FILES, `${name}.jsonl`), 'utf8')
    .trimEnd()
    .split('\n');

/** @param {string} name */
function unpack(name) {
  const folder = join(FOLDERS, name);
  mkdirSync(folder, { recursive: true });
  for (const bytes of linesOf(name).map(bytesOf))
    writeFileSync(join(folder, createHash('sha1').update(bytes).digest('hex')), bytes);
}

/** What is there stays, since some of it once failed. @param {string} name */
function pack(name) {
  const folder = join(FOLDERS, name);
  const found = readdirSync(folder).map((file) => readFileSync(join(folder, file)));
  const kept = linesOf(name);
  const known = new Set(kept);
  let bytes = kept.reduce((sum, line) => sum + line.length, 0);
  for (const line of found.sort((one, other) => one.length - other.length || one.compare(other)).map(lineOf)) {
    bytes += known.has(line) ? 0 : line.length;
    if (known.size >= KEPT_MAX || bytes > KEPT_MAX_BYTES) break;
    known.add(line);
  }
  writeFileSync(join(FILES, `${name}.jsonl`), `${[...known].join('\n')}\n`);
}

await main(async () => {
  const [action, ...wanted] = process.argv.slice(2);
  const perform = { unpack, pack }[action ?? ''];
  if (!perform) throw new Failure('usage: node scripts/corpora.mjs unpack|pack [KIND]...');
  const names = readdirSync(FILES).map((file) => file.replace('.jsonl', ''));
  for (const name of names.filter((name) => !wanted.length || wanted.includes(name))) perform(name);
});
