// `bargate map`, with the command line that it asks for routes.

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { link, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { map } from '../../packages/bargate/cli/commands/map.mjs';
import { ROOT, bargateProgram } from '../../scripts/toolchain.mjs';

const BEFORE = 'tests/cli/diff.in/before.json';
const AFTER = 'tests/cli/diff.in/gateway.config.json';

let directory;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bargate-map-'));
});

after(() => rm(directory, { recursive: true, force: true }));

async function bargate(args) {
  return spawnSync(bargateProgram(), args, { cwd: ROOT, encoding: 'utf8' });
}

/** Runs the command, and returns its exit status and what it printed. */
async function runMap(...args) {
  const said = { out: '', err: '' };
  const status = await map(args, {
    bargate,
    print: (text) => (said.out += text),
    fail: (text) => (said.err += text),
  });
  return { status, ...said };
}

test('the picture in the documents is that of the config that they show', async () => {
  const { status, out, err } = await runMap();
  assert.deepEqual([status, err], [0, '']);
  const shown = await readFile(join(ROOT, 'docs/images/routes.svg'), 'utf8');
  assert.equal(shown, out, 'run: bargate map -o docs/images/routes.svg');
});

test('a config is drawn as Mermaid, and a change as both', async () => {
  assert.match((await runMap(AFTER, '--format', 'mermaid')).out, /^flowchart LR\n/);
  const change = await runMap('--old', BEFORE, AFTER);
  assert.match(change.out, /<title id="title">Changes of tests\/cli\/diff\.in\/gateway\.config\.json<\/title>/);
  assert.match(change.out, />▲ exposes: a public path appears</);
  assert.match((await runMap('--old', BEFORE, AFTER, '--format', 'mermaid')).out, /exposes: a public path appears/);
});

test('a file is written, and replaced', async () => {
  const path = join(directory, 'routes.svg');
  for (const file of [BEFORE, AFTER]) {
    assert.deepEqual(await runMap(file, '-o', path), { status: 0, out: '', err: '' });
    assert.match(await readFile(path, 'utf8'), new RegExp(`The routes of ${file}`));
  }
});

test('what cannot be done is said in one line', async () => {
  /** @type {[string[], RegExp][]} */
  const table = [
    [['nowhere.json'], /^error: nowhere\.json: cannot be read: .*\n$/],
    [['--format', 'png'], /^error: --format "png": it is svg or mermaid\n$/],
    [['--colour'], /^error: Unknown option '--colour'; "bargate map --help" lists the options\n$/],
    [['a.json', 'b.json'], /^error: unexpected argument "b\.json"; .*\n$/],
    [['-o', join('nowhere', 'x.svg')], /^error: nowhere.x\.svg: cannot be written: its folder does not exist\n$/],
  ];
  for (const [args, expected] of table) {
    const { status, out, err } = await runMap(...args);
    assert.deepEqual([status, out], [2, ''], args.join(' '));
    assert.match(err, expected);
  }
});

test('no picture takes the place of a config, by whatever path', async () => {
  const config = join(directory, 'config.json');
  const text = await readFile(join(ROOT, AFTER), 'utf8');
  await writeFile(config, text);
  await symlink(config, join(directory, 'symbolic.json'));
  await link(config, join(directory, 'hard.json'));
  await mkdir(join(directory, 'x'));
  for (const output of ['config.json', './x/../config.json', 'symbolic.json', 'hard.json'])
    for (const inputs of [[config], ['--old', config, AFTER]]) {
      const path = `${directory}/${output}`;
      const expected = `error: -o ${path}: that is the config ${config}; name another file\n`;
      assert.deepEqual(await runMap(...inputs, '-o', path), { status: 2, out: '', err: expected }, output);
      assert.equal(await readFile(config, 'utf8'), text);
    }
});

test('of a config with errors the readable routes are drawn, and that is said', async () => {
  const { status, out, err } = await runMap('tests/cli/routes.in/wrong.json');
  assert.equal(status, 1);
  assert.match(err, /has errors, so routes may be missing/);
  assert.match(out, />GET \/health</);
});
