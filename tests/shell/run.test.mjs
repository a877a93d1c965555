// The program in memory, as a page runs it; and paths and line ends of other systems.

import assert from 'node:assert/strict';
import { win32, posix } from 'node:path';
import { describe, test } from 'node:test';
import { TOP, WORKING } from '../../packages/bargate/cli/files_in_memory.mjs';
import { addressOf } from '../../packages/bargate/cli/real_files.mjs';
import { run } from '../../packages/bargate/cli/run.mjs';
import { MODULE } from './support/shell.mjs';

const CONFIG = `{
  "paths": [
    { "method": "GET", "path": "/a", "response": { "status": 204 } },
    { "method": "GET", "path": "/b", "integration": { "type": "http", "server": "api" } }
  ],
  "servers": [{ "alias": "api", "url": "$env.API_URL" }]
}
`;

describe('the program in memory', () => {
  test('reads files by their names, and writes none of them', async () => {
    const files = { 'gateway.config.json': CONFIG, 'folder/other.json': '{' };
    for (const [args, status, expected] of [
      [['routes'], 0, /GET +\/a /],
      [['check', './folder/../gateway.config.json'], 0, /^$/],
      [['check', 'folder/other.json'], 1, /folder\/other\.json:1:2/],
      [['check', '/folder/other.json'], 2, /cannot be read: No such file or directory/],
      [['check', 'folder'], 2, /folder: cannot be read: Is a directory/],
      [['check', 'gateway.config.json/x'], 2, /cannot be read: No such file or directory/],
    ]) {
      const ended = await run(MODULE, { args, files });
      assert.equal(ended.status, status, `${args}: ${ended.stderr}`);
      assert.match(ended.stdout + ended.stderr, expected);
      assert.deepEqual(ended.written, {});
    }
  });

  test('writes files that are not there', async () => {
    const flags = [
      '--tenant',
      'a.eu.auth0.com',
      '--audience',
      'b',
      '--upstream',
      'https://c.example',
      '--mode',
      'session',
    ];
    const args = ['init', ...flags, '--dev-vars'];
    const { status, written } = await run(MODULE, { args });
    assert.equal(status, 0);
    assert.deepEqual(Object.keys(written), ['gateway.config.json', '.dev.vars']);
    assert.match(written['.dev.vars'], /^AUTH0_DOMAIN=a\.eu\.auth0\.com$/m);
    const again = await run(MODULE, { args, files: written });
    assert.equal(again.status, 2);
    assert.match(again.stderr, /gateway\.config\.json: exists already, and is not changed; --force overwrites it/);
    assert.deepEqual(again.written, {});
  });

  test('asks again with what was wrong until an answer will do', async () => {
    const asked = [];
    const answers = ['https://a.eu.auth0.com/', 'a.eu.auth0.com', 'b', 'https://c.example', '0', ''];
    const { status, stderr, written } = await run(MODULE, {
      args: ['init', '--mode', 'tokens', '-o', 'x.json'],
      terminals: { stdin: true, stderr: true },
      answer(question) {
        asked.push(question);
        return question.ask === 'choice' ? { index: 0 } : { text: answers.shift() || question.default };
      },
    });
    assert.equal(status, 0, stderr);
    assert.deepEqual(Object.keys(written), ['x.json']);
    assert.deepEqual(
      asked.map(({ question }) => question),
      [
        'Where do people log in?',
        ...Array(2).fill("The tenant's domain?"),
        "The API's identifier at the provider (audience)?",
        "The API's address (upstream)?",
        ...Array(2).fill('The port of the gateway in local runs?'),
      ],
    );
    assert.equal(asked[1].refused, null);
    assert.equal(asked[2].refused.answer, 'https://a.eu.auth0.com/');
    assert.deepEqual(asked.at(-1).refused, { answer: '0', reason: 'a port is a number from 1 to 65535' });
  });

  test('says so where nobody answers', async () => {
    const init = await run(MODULE, { args: ['init'], terminals: { stdin: true, stderr: true } });
    assert.deepEqual([init.status, init.written], [2, {}]);
    assert.match(init.stderr, /a question was not answered; nothing is written/);
    const jwks = ['--jwks', 'https://keys.example/jwks.json'];
    const token = await run(MODULE, { args: ['token', 'explain', '-', '--no-config', ...jwks], stdin: 'a.b.c' });
    assert.equal(token.stderr, 'error: https://keys.example/jwks.json: nothing is fetched here\n');
  });

  test('ends with one line if the program breaks off', async () => {
    const files = {
      stat: () => ({ type: 'file', size: 1 }),
      open: () => ({ read: () => new Uint8Array(1 << 20), write() {}, close() {} }),
    };
    const { status, stderr } = await run(MODULE, { args: ['check'], files });
    assert.equal(status, 101);
    assert.match(stderr, /^error: the program broke off: [^\n]+\n$/);
  });

  test('takes an answer only to the question that it asked', async () => {
    let reads = 0;
    const files = {
      stat: () => ({ type: 'file', size: 1 }),
      open() {
        const keys = [{ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(32, (reads += 1)).toString('base64url') }];
        let rest = new TextEncoder().encode(JSON.stringify({ keys }));
        return {
          read(length) {
            const bytes = rest.subarray(0, length);
            rest = rest.subarray(length);
            return bytes;
          },
          write() {},
          close() {},
        };
      },
    };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'EdDSA' })}.${part({})}.${'A'.repeat(86)}`;
    const args = ['token', 'explain', token, '--no-config', '--algorithm', 'EdDSA', '--jwks', 'keys.json'];
    const { stdout, stderr } = await run(MODULE, { args, files, answer: () => ({ verified: true }) });
    assert.match(stdout + stderr, /what this command reads has changed while it ran: run it again/);
  });
});

describe('line ends and paths of Windows', () => {
  const crlf = (text) => text.replaceAll('\n', '\r\n');

  test('a config and its variables with CRLF are read as those without', async () => {
    const vars = 'API_URL=https://a.example\nUNUSED="x"\n';
    const wrangler = 'name = "x"\n[vars]\nOTHER = "1"\n';
    const args = ['check', '--local', '--wrangler', 'wrangler.toml', '--format', 'json'];
    const reports = [];
    for (const by of [(text) => text, crlf]) {
      const files = { 'gateway.config.json': by(CONFIG), '.dev.vars': by(vars), 'wrangler.toml': by(wrangler) };
      const { status, stdout } = await run(MODULE, { args, files });
      const { diagnostics } = JSON.parse(stdout);
      reports.push([status, diagnostics.map(({ code, line, column, file }) => [code, line, column, file])]);
    }
    assert.deepEqual(reports[1], reports[0]);
    assert.ok(
      reports[0][1].some(([code]) => code === 'unused_binding'),
      'there is something to read',
    );
  });

  test('a backslash separates the parts of a path, and what lies beside a config is found', async () => {
    const files = { 'conf/gateway.config.json': CONFIG, 'conf/.dev.vars': 'API_URL=\r\n' };
    const args = (path) => ['check', path, '--format', 'json'];
    const beside = await run(MODULE, { args: args('conf/gateway.config.json'), files });
    assert.match(beside.stdout, /value_missing/);
    const windows = await run(MODULE, { args: args('conf\\gateway.config.json'), files, windows: true });
    assert.equal(windows.stdout, beside.stdout);
    const elsewhere = await run(MODULE, { args: args('conf\\gateway.config.json'), files });
    assert.equal(elsewhere.status, 2, 'there a backslash is a letter');
  });

  test('the path of a user leads where it leads without the program', () => {
    const folder = 'C:\\Users\\me\\project';
    for (const [base, name, expected] of [
      [WORKING, 'a.json', 'C:\\Users\\me\\project\\a.json'],
      [WORKING, '../a.json', 'C:\\Users\\me\\a.json'],
      [WORKING, 'D:/x/a.json', 'D:\\x\\a.json'],
      [WORKING, '\\\\server/share/a.json', '\\\\server\\share\\a.json'],
      [TOP, 'x/a.json', 'C:\\x\\a.json'],
    ])
      assert.equal(addressOf(base, name, folder, win32), expected, name);
    for (const [base, name, expected] of [
      [WORKING, 'a.json', '/home/me/a.json'],
      [WORKING, '../a.json', '/home/me/../a.json'],
      [TOP, 'x/a.json', '/x/a.json'],
    ])
      assert.equal(addressOf(base, name, '/home/me', posix), expected, name);
  });
});
