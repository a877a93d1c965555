// The URL of the runtime, by which the gateway reads every address in a Worker, gives what the tables in tests/fixtures/addresses say.
// tests/addresses.rs holds the parser of the command line against the same tables. With UPDATE_GOLDEN=1 they are written anew.

import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { corpusOf } from '../support/corpora.mjs';
import { ROOT, compatibilityDate } from '../support/harness.mjs';
import { Miniflare, convertV4MiniflareOptions } from '../support/miniflare.mjs';

const SCHEMES = ['https:', 'http:', 'HTTPS:', 'ftp:', 'ws:', 'javascript:', 'data:', 'file:', 'x:', '', 'https', ':'];
const SLASHES = ['//', '//', '//', '/', '', '///', '\\\\', '/\\', '//user@', '//user:pw@', '//a@b@', '//%40@'];
const HOSTS = [
  'a.example',
  'A.Example',
  'a.example.',
  'localhost',
  '127.0.0.1',
  '127.1',
  '0x7f.1',
  '2130706433',
  '1.2.3.4.5',
  '256.1.1.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[1::2::3]',
  'bücher.example',
  'xn--bcher-kva.example',
  'xn--a.example',
  'xn--.example',
  'a_b.example',
  'a b.example',
  'a%20b.example',
  'a%2eexample',
  '*.example',
  'ａ.example',
  'ß.example',
  'a\u00adb.example',
  'a..example',
  '-a.example',
  'a<b.example',
  'a^b.example',
  'a|b.example',
  'xn--zzzzzz-.example',
  'XN--BCHER-KVA.example',
  '.example',
  '%00.example',
  '',
];
const PORTS = ['', '', '', ':443', ':80', ':8443', ':', ':0', ':65536', ':08', ':a'];
const PATHS = [
  '',
  '/',
  '/a/b',
  '/a/../b',
  '/a/./b/',
  '/%2e%2e/a',
  '/a/%2E',
  '/a//b',
  '//a',
  '/a\\b',
  '/a^b',
  '/a|b',
  '/{a}',
  '/`a`',
  '/"a"',
  '/<a>',
  '/a b',
  '/é',
  '/%e9',
  '/%',
  '/%zz',
  '/a%2fb',
  '/a;b',
  '/..;/a',
  '/\ta',
  '/a\n',
  '/.../a',
  '/\u0000a',
  '/a%00',
  "/'a'",
  '/[a]',
  '/~a',
];
const ENDS = ['', '', '', '?', '?a=b', '?a^b', "?'a'", '?é', '?a b', '#', '#a', '#a b', '?#', '?a?b#c#d', '?%', '#`^'];

/** Numbers that are the same at each run (Park and Miller's generator). */
function* numbers(seed) {
  for (let state = seed; ; yield state) state = (state * 48271) % 2147483647;
}

/** Every piece once, with all else plain; and as many mixes of them. */
function texts() {
  const lists = [SCHEMES, SLASHES, HOSTS, PORTS, PATHS, ENDS];
  const plain = ['https:', '//', 'a.example', '', '/', ''];
  const single = lists.flatMap((list, index) => list.map((piece) => plain.with(index, piece).join('')));
  const random = numbers(20);
  const mixed = Array.from({ length: 600 }, () =>
    lists.map((list) => list[random.next().value % list.length]).join(''),
  );
  return [...new Set([...single, ...mixed])];
}

/** Each table, with the addresses that it has: those that are made here, and what fuzzing kept. */
const TABLES = [
  { file: 'table.json', addresses: texts() },
  { file: 'corpus.json', addresses: [...new Set(['address', 'return_to'].flatMap(corpusOf))] },
].map(({ file, addresses }) => ({ file: join(ROOT, 'tests/fixtures/addresses', file), addresses }));

/** Returns what workerd's URL makes of each text. */
async function readByRuntime(addresses) {
  const script =
    'export default { async fetch(request) { return Response.json((await request.json()).map((text) => URL.parse(text)?.href ?? null)); } };';
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({ modules: true, script, compatibilityDate, host: '127.0.0.1', port: 0 }),
  );
  try {
    return await (await fetch(await miniflare.ready, { method: 'POST', body: JSON.stringify(addresses) })).json();
  } finally {
    await miniflare.dispose();
  }
}

if (process.env.UPDATE_GOLDEN) {
  for (const { file, addresses } of TABLES) {
    const read = await readByRuntime(addresses);
    const rows = addresses.map((text, index) => JSON.stringify({ text, runtime: read[index] }));
    writeFileSync(file, `[\n${rows.join(',\n')}\n]\n`);
  }
}

for (const { file, addresses } of TABLES) {
  const table = () => JSON.parse(readFileSync(file, 'utf8'));

  test(`${basename(file)} has every address of its kind, and no other`, () => {
    assert.deepEqual(
      table().map(({ text }) => text),
      addresses,
    );
  });

  test(`the runtime reads each address as ${basename(file)} says`, async () => {
    const rows = table();
    const read = await readByRuntime(rows.map(({ text }) => text));
    for (const [index, { text, runtime }] of rows.entries()) assert.equal(read[index], runtime, JSON.stringify(text));
  });
}
