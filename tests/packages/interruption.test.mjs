// How those who run a gateway are asked to end: whatever the signal is, they take along what they have started.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';

const RUNNER = new URL('../../dev/runner.mjs', import.meta.url).href;
const PROGRAM = `
  import { interruption } from ${JSON.stringify(RUNNER)};
  const interrupted = interruption();
  const alive = setInterval(() => {}, 1000);
  console.log('waits');
  await interrupted;
  clearInterval(alive);
  console.log('ended well');
`;

test('each signal by which a terminal or a system ends a program is heeded', async () => {
  for (const signal of /** @type {NodeJS.Signals[]} */ (['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'])) {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', PROGRAM], { stdio: ['ignore', 'pipe', 2] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      if (text.startsWith('waits')) child.kill(signal);
    });
    const ended = await once(child, 'close');
    assert.deepEqual([output, ...ended], ['waits\nended well\n', 0, null], signal);
  }
});
