// WebAssembly that does nothing, to measure what calls into it, and its start, cost.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import binaryen from 'binaryen';

/** Where the answers stand: behind what is written into the memory, which is never as long. */
const ANSWERS_AT = 64 * 1024;
const PAGES = 2;

const ID = '5b_lbgeV69Q-00000001';
const sets = (headers) =>
  Object.entries(headers)
    .map(([name, value]) => `=${name}\n${value}\n`)
    .join('');

/** As many and as long as those of Bargate to the same requests. */
const ANSWERS = {
  ofRequest: sets({
    'x-request-id': ID,
    'x-forwarded-proto': 'http',
    'x-forwarded-host': '127.0.0.1:8787',
    'x-forwarded-for': '192.0.2.1',
    traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00',
  }),
  ofRelayed: sets({ 'x-request-id': ID, vary: 'Origin' }),
  ofMade: sets({
    'content-type': 'application/json',
    'x-content-type-options': 'nosniff',
    'x-request-id': ID,
    vary: 'Origin',
  }),
};

/** Makes the module of rungs/boundary.mjs in a folder. */
export function boundaryModule(folder) {
  let at = ANSWERS_AT;
  const parts = Object.entries(ANSWERS).map(([name, text]) => {
    const start = at;
    at += text.length + 1;
    return `(data (i32.const ${start}) "${text.replaceAll('\n', '\\0a')}\\00")
      (func (export "${name}") (param $length i32) (result i32) (i32.const ${start}))`;
  });
  return moduleOf(
    folder,
    'boundary.wasm',
    `(memory (export "memory") ${PAGES}) (func (export "nothing")) ${parts.join('\n')}`,
  );
}

/** What stands in a module for an export of each kind. */
const STUBS = {
  function: (name) => `(func (export "${name}"))`,
  global: (name) => `(global (export "${name}") i32 (i32.const 0))`,
  memory: (name) => `(memory (export "${name}") 1)`,
  table: (name) => `(table (export "${name}") 1 funcref)`,
};

/** Makes a module with the exports of another in a folder, none of which does anything. */
export function hollowModule(folder, bytes, name) {
  const exports = WebAssembly.Module.exports(new WebAssembly.Module(bytes));
  return moduleOf(folder, name, exports.map(({ name: exported, kind }) => STUBS[kind](exported)).join('\n'));
}

/** @returns {import('../workerd.mjs').Module} */
function moduleOf(folder, name, text) {
  const path = join(folder, name);
  const module = binaryen.parseText(`(module ${text})`);
  module.setFeatures(binaryen.Features.All);
  writeFileSync(path, module.emitBinary());
  module.dispose();
  return { name, path, kind: 'wasm' };
}
