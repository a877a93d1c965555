// Floats on workerd, whose runtime reads and writes them for the gateway: the same bits as on the host, where tests/json.rs reads the
// same table.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ROOT, startGateway } from '../support/harness.mjs';

/** @type {{ text: string, bits: string, written: string }[]} */
const FLOATS = JSON.parse(readFileSync(join(ROOT, 'tests/fixtures/floats.json'), 'utf8'));
const WHOLE = ['0', '-1', '9223372036854775807', '-9223372036854775808', '9223372036854775808', '18446744073709551615'];

/** @type {{ close(): Promise<void> }[]} */
const started = [];

/** Starts a gateway that answers with a value, which is written into its config as it is. */
async function startWith(value) {
  const gateway = await startGateway({ config: `{"paths":[{"method":"GET","path":"/value","response":${value}}]}` });
  started.push(gateway);
  return gateway;
}

after(async () => {
  for (const gateway of started) await gateway.close();
});

/** @param {number} float */
function bitsOf(float) {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, float);
  return view.getBigUint64(0).toString(16).padStart(16, '0');
}

test('a float has the bits that it has on the host, and stays a float when it is written', async () => {
  const gateway = await startWith(`[${FLOATS.map(({ text }) => text)}]`);
  const written = (await (await gateway.fetch('/value')).text()).slice(1, -1).split(',');
  assert.deepEqual(
    written.map((text, index) => ({ text: FLOATS[index]?.text, bits: bitsOf(Number(text)), written: text })),
    FLOATS,
  );
  for (const text of written) assert.match(text, /[.e]/);
});

test('a whole number keeps every digit for which there is room', async () => {
  const gateway = await startWith(`[${WHOLE}]`);
  assert.equal(await (await gateway.fetch('/value')).text(), `[${WHOLE}]`);
});

test('what is escaped in a text is written again as JSON has it', async () => {
  const gateway = await startWith('["\\u0000\\u001f\\u007f\\/\\"\\\\\\b\\f\\n\\r\\t\\u00e9\\ud83c\\udf89"]');
  assert.equal(
    await (await gateway.fetch('/value')).text(),
    '["\\u0000\\u001f\u007f/\\"\\\\\\b\\f\\n\\r\\t\u00e9\u{1f389}"]',
  );
});

for (const [value, message] of [
  ['1e400', 'a number without room'],
  ['-1e400', 'a negative one'],
  ['[01]', 'a zero before a number'],
  ['"\\ud83c"', 'half a pair'],
  ['"\\udf89\\ud83c"', 'a pair the wrong way round'],
  ['"\u0001"', 'a control character'],
  ['NaN', 'a word of JavaScript'],
])
  test(`a config with ${message} is not JSON`, async () => {
    const gateway = await startWith(value);
    assert.equal((await gateway.fetch('/value')).status, 503);
    await gateway.record(({ code, message }) => code === 'config_invalid' && message?.includes('invalid_json'));
  });
