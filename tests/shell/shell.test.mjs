// The shell of the command line, as the package has it: streams, statuses, colours, widths, and an old Node.js.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { COMMANDS } from '../../packages/bargate/cli/shell.mjs';
import { BIN, call, native, shell } from './support/shell.mjs';

describe('the shell', () => {
  test('ends with the status of the command, and prints what the program for this machine prints', async () => {
    const table = [
      [[], {}, 2],
      [['--version'], {}, 0],
      [['help', 'check'], { env: { COLUMNS: '60' } }, 0],
      [['help', 'init'], { env: { COLUMNS: '200' } }, 0],
      [['build', '--help'], {}, 0],
      [['nothing'], {}, 2],
      [['routes'], { env: { CLICOLOR_FORCE: '1' } }, 0],
      [['routes'], { env: { CLICOLOR_FORCE: '1', NO_COLOR: '1' } }, 0],
      [['check', '-'], { input: '{' }, 1],
      [['check', '-'], { input: '{', env: { CLICOLOR_FORCE: '1' } }, 1],
      [['check', '-'], { input: 'é'.repeat(100_000) }, 1],
      // As deep as descriptions may be nested, and deeper.
      [['import', 'openapi', '-'], { input: `${'['.repeat(127)}${']'.repeat(127)}` }, 1],
      [['import', 'openapi', '-'], { input: `${'{"a":'.repeat(127)}1${'}'.repeat(127)}` }, 1],
      [['import', 'openapi', '-'], { input: `${'['.repeat(100_000)}` }, 2],
      [['check', '/dev/null'], {}, 1],
      [['check', '/nowhere/at/all.json'], {}, 2],
      [['schema', '--output', '/nowhere/at/all.json'], {}, 2],
      [['check', 'gateway.config.json/x'], {}, 2],
      [['routes', 'gateway.config.json'], { cwd: '/' }, 2],
      [['routes', '../gateway.config.json'], { cwd: join(BIN, '..', '..') }, 0],
    ];
    for (const [args, how, status] of table) {
      const [here, there] = await Promise.all([native(args, how), shell(args, how)]);
      assert.deepEqual(there, here, args.join(' '));
      assert.equal(there.status, status, `${args.join(' ')}: ${there.stderr}`);
    }
  });

  test('follows links as the system does', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bargate-links-'));
    symlinkSync(join(BIN, '..'), join(folder, 'link'));
    writeFileSync(join(folder, 'x.json'), '{"paths":[{"method":"GET","path":"/here","response":{}}]}');
    // `link/..` is the folder above the one that the link leads to.
    for (const path of ['link/../../gateway.config.json', 'x.json', join(folder, 'x.json')]) {
      const how = { cwd: folder };
      assert.deepEqual(await shell(['routes', path], how), await native(['routes', path], how), path);
    }
    rmSync(folder, { recursive: true });
  });

  test('is content with a reader that stops', async () => {
    const child = spawn(process.execPath, [BIN, 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdout.destroy();
    const status = await new Promise((resolve) => child.once('close', resolve));
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('says in one line that its output cannot be written', { skip: !existsSync('/dev/full') }, async () => {
    for (const args of ['routes', 'schema', 'help', 'map']) {
      const ended = await call('sh', ['-c', `exec "$0" "$1" ${args} > /dev/full`, process.execPath, BIN]);
      const stderr = 'error: the output cannot be written: no space left on device\n';
      assert.deepEqual(ended, { status: 2, stdout: '', stderr }, args);
    }
    const ended = await call('sh', ['-c', 'exec "$0" "$1" nothing 2> /dev/full', process.execPath, BIN]);
    assert.deepEqual(ended, { status: 2, stdout: '', stderr: '' });
  });

  test('says which Node.js is needed before it reads a word of later years', async () => {
    for (const [version, status] of [
      ['18.1.0', 2],
      ['4.9.1', 2],
      ['20.0.0', 0],
    ]) {
      const code = `Object.defineProperty(process.versions, 'node', { value: '${version}' })`;
      const args = ['--import', `data:text/javascript,${encodeURIComponent(code)}`, BIN, '--version'];
      const ended = await call(process.execPath, args);
      assert.equal(ended.status, status, version);
      const [major, minor] = version.split('.');
      const expected = `Node.js ${major}.${minor} is too old: version 20 or later is needed\n`;
      assert.equal(ended.stderr, status ? expected : '');
    }
  });

  test('gets a key set as the program for this machine does, and tells why not', async () => {
    const server = createServer(({ url }, response) => {
      if (url === '/moved') response.writeHead(302, { location: '/keys' }).end();
      else if (url === '/large') response.end('x'.repeat(70_000));
      else if (url === '/page') response.end('<html>');
      else response.writeHead(404).end();
    });
    const port = await new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));
    const flags = ['token', 'explain', 'a.b.c', '--no-config', '--jwks'];
    for (const path of ['/moved', '/large', '/page', '/none']) {
      const args = [...flags, `http://127.0.0.1:${port}${path}`];
      assert.deepEqual(await shell(args), await native(args), path);
    }
    await new Promise((resolve) => server.close(resolve));
    const refused = await shell([...flags, `http://127.0.0.1:${port}/`]);
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, /^error: http:\/\/127\.0\.0\.1:\d+\/: connect ECONNREFUSED [^\n]*\n$/);
  });

  test('has the commands that the help says are in the package only', async () => {
    const { stdout } = await shell(['help'], { env: { COLUMNS: '200' } });
    const listed = stdout.split('\n').filter((line) => line.includes('(npm package)'));
    assert.deepEqual(listed.map((line) => line.trim().split(' ')[0]).sort(), Object.keys(COMMANDS).sort());
    for (const name of ['map', 'studio', 'tail']) {
      assert.deepEqual(await shell(['help', name]), await shell([name, '--help']));
      assert.match((await shell([name, '--help'])).stdout, new RegExp(`Usage: bargate ${name}`));
    }
    const ended = await native(['dev', '--own-tenant']);
    assert.deepEqual(ended, {
      status: 2,
      stdout: '',
      stderr: 'error: `bargate dev` is a command of the npm package: run `npx bargate dev` where that is installed\n',
    });
  });
});
