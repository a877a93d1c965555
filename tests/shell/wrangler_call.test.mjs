// What a build sees of the call of wrangler that it was started by.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { wordsOfText } from '../../packages/bargate/cli/wrangler-call.mjs';
import { call } from './support/shell.mjs';

const folder = mkdtempSync(join(tmpdir(), 'bargate wrangler-'));
after(() => rmSync(folder, { recursive: true }));

const MODULE = new URL('../../packages/bargate/cli/wrangler-call.mjs', import.meta.url);
/** Stands in for wrangler: a shell runs the build, which prints what it sees. */
const WRANGLER = `import { spawnSync } from 'node:child_process';
const env = { ...process.env, WRANGLER_COMMAND: 'deploy' };
spawnSync('"$NODE" "$BUILD"', { shell: true, cwd: import.meta.dirname, stdio: 'inherit', env: { ...env, NODE: process.execPath, BUILD: import.meta.dirname + '/build.mjs' } });
`;
writeFileSync(join(folder, 'wrangler.js'), WRANGLER);
writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
writeFileSync(
  join(folder, 'build.mjs'),
  `import { wranglerCall } from ${JSON.stringify(MODULE.href)};\nconsole.log(JSON.stringify(wranglerCall()));\n`,
);

test('a space in an argument is part of it', { skip: process.platform !== 'linux' }, async () => {
  const table = [
    [['deploy'], { environment: '', envFiles: [], hasOtherVariables: false }],
    [['deploy', '--config', 'my dir/wrangler.toml'], { config: join(folder, 'my dir/wrangler.toml') }],
    [['deploy', '--config=my dir/wrangler.toml'], { config: join(folder, 'my dir/wrangler.toml') }],
    [
      ['deploy', '-c', 'a  b.toml', '--env', 'two words'],
      { config: join(folder, 'a  b.toml'), environment: 'two words' },
    ],
    [['deploy', '--env-file', 'my dir/.env'], { envFiles: [join(folder, 'my dir/.env')] }],
    [['deploy', '--message', 'the --var of a text'], { hasOtherVariables: false }],
  ];
  for (const [args, expected] of /** @type {[string[], object][]} */ (table)) {
    // Otherwise Node.js itself looks for what --env-file names.
    const { stdout, stderr } = await call(process.execPath, ['--', join(folder, 'wrangler.js'), ...args]);
    assert.equal(stderr, '');
    const seen = JSON.parse(stdout);
    assert.deepEqual({ ...seen, ...expected }, seen, args.join(' '));
  }
});

test('what ps says is taken for words only where no space can be part of one', () => {
  const table = [
    ['deploy', true],
    ['deploy src/index.js', true],
    ['deploy --config wrangler.toml --env staging', true],
    ['deploy src/index.js --config=a.toml --dry-run', true],
    ['deploy --config my dir/wrangler.toml', false],
    ['deploy --config=my dir/wrangler.toml', false],
    ['deploy --env staging --message two words --dry-run', false],
  ];
  for (const [text, isClear] of /** @type {[string, boolean][]} */ (table))
    assert.deepEqual(wordsOfText(text), isClear ? text.split(' ') : undefined, text);
});
