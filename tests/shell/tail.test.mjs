// `bargate tail`: what it makes of the output of `wrangler tail --format json`, whatever comes in it, and how it ends.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { Counts } from '../../packages/bargate/cli/tail/counts.mjs';
import { entriesOf } from '../../packages/bargate/cli/tail/entries.mjs';
import { JsonTexts } from '../../packages/bargate/cli/tail/json_texts.mjs';
import { ROOT } from '../../scripts/toolchain.mjs';
import { BIN, shell } from './support/shell.mjs';

const FIXTURES = join(ROOT, 'tests', 'fixtures', 'tail');
/** Nine events as wrangler prints them: the gateway's, of all kinds, and one of another Worker. */
const EVENTS = readFileSync(join(FIXTURES, 'events.json'), 'utf8');
const AT = Date.UTC(2026, 10, 29, 14, 30);

const tail = (input, ...args) => shell(['tail', ...args], { input });

/** An event of a request that the gateway logged as `members`. */
const eventOf = (members, more = {}) => ({
  outcome: 'ok',
  eventTimestamp: AT,
  exceptions: [],
  event: { request: { method: 'GET', url: 'https://gateway.example/a?code=secret' }, response: { status: 200 } },
  logs: [
    {
      level: 'log',
      message: [
        JSON.stringify({ level: 'info', method: 'GET', request_id: 'id-1', route: '/a', status: 200, ...members }),
      ],
    },
  ],
  ...more,
});
const textOf = (...events) => events.map((event) => JSON.stringify(event, null, 4)).join('\n');

/** The pieces of a stream that comes in chunks of so many characters. */
function piecesOf(text, size = text.length || 1) {
  const texts = new JsonTexts();
  const pieces = [];
  for (let at = 0; at < text.length; at += size) pieces.push(...texts.read(text.slice(at, at + size)));
  return [...pieces, ...texts.end()];
}

describe('the stream', () => {
  test('is taken apart the same, however it is cut and laid out', () => {
    const values = [{ a: '}{"\\\n' }, { b: [{ c: {} }] }, {}, { d: 1 }];
    for (const text of [
      values.map((value) => JSON.stringify(value, null, 4)).join('\n'),
      values.map((value) => JSON.stringify(value)).join('\n'),
      values.map((value) => JSON.stringify(value)).join(''),
      values.map((value) => JSON.stringify(value, null, '\t')).join('\r\n\r\n'),
    ]) {
      for (const size of [1, 2, 7, text.length])
        assert.deepEqual(
          piecesOf(text, size),
          values.map((value) => ({ value })),
          `${size}: ${text}`,
        );
    }
  });

  test('loses nothing of what is no JSON, and finds what is behind it', () => {
    const good = { value: { a: 1 } };
    /** @type {[string, any[]][]} */
    const table = [
      ['', []],
      [' \n\n', []],
      ['a banner\n{"a":1}', [{ line: 'a banner' }, good]],
      ['a banner { of one line }\n{"a":1}\n', [{ line: 'a banner { of one line }' }, good]],
      ['{"a":1} behind it\n{"a":1}', [good, { line: ' behind it' }, good]],
      ['{ not JSON }\n{"a":1}', [{ line: '{ not JSON }' }, good]],
      ['{"a":\n{"a":1}', [{ line: '{"a":' }, good]],
      ['{"a":"cut\n{"a":1}', [{ line: '{"a":"cut' }, good]],
      ['{"a":[1,2\n', [{ line: '{"a":[1,2' }]],
      ['{"a":1]{"a":1}', [{ line: '{"a":1]' }, good]],
      ['[1]\n"text"\n7', [{ line: '[1]' }, { line: '"text"' }, { line: '7' }]],
    ];
    for (const [text, expected] of table) {
      for (const size of [1, 3, text.length || 1]) assert.deepEqual(piecesOf(text, size), expected, `${size}: ${text}`);
    }
  });

  test('is not kept when it never ends', () => {
    const texts = new JsonTexts();
    const chunk = 'x'.repeat(1024 * 1024);
    let lines = 0;
    texts.read('{"a":"');
    for (let count = 0; count < 6; count += 1) lines += texts.read(chunk).length;
    assert.ok(lines > 0 && lines < 6, `${lines}`);
    assert.deepEqual(texts.read('\n{"a":1}').at(-1), { value: { a: 1 } });
  });
});

describe('an event', () => {
  test('says what the gateway logged, in its order', () => {
    const entries = entriesOf(eventOf({ code: 'token_expired', reason: 'exp', status: 401, duration_ms: 1.5 }));
    assert.deepEqual(entries, [
      {
        kind: 'request',
        time: AT,
        level: 'info',
        method: 'GET',
        status: 401,
        route: '/a',
        code: 'token_expired',
        text: 'exp',
        request_id: 'id-1',
        duration_ms: 1.5,
      },
    ]);
  });

  test('of any form is no error, and of an address only the path is said', () => {
    const strange = [null, 7, 'text', [], {}, [null], [{}], { message: 7 }, [[]], [{ message: [null] }]];
    for (const value of strange) {
      for (const name of ['logs', 'exceptions', 'event', 'outcome', 'eventTimestamp']) {
        for (const entry of entriesOf(eventOf({}, { [name]: value }))) assert.ok(entry.kind, `${name}: ${value}`);
      }
    }
    const [entry] = entriesOf(eventOf({}, { logs: [] }));
    assert.deepEqual([entry.path, JSON.stringify(entry).includes('secret')], ['/a', false]);
  });

  test('counts an exception that ended it once, as a request or a call, with what it says', () => {
    const exceptions = [{ name: 'Error', message: 'first', timestamp: AT }];
    for (const [more, kind, text] of /** @type {[object, string, string][]} */ ([
      [{}, 'request', 'Error: first'],
      [{ event: { scheduledTime: AT }, entrypoint: 'Session' }, 'line', 'Session.alarm: Error: first'],
    ])) {
      const entries = entriesOf(eventOf({}, { outcome: 'exception', logs: [], exceptions, ...more }));
      assert.deepEqual(
        entries.map((entry) => [entry.kind, entry.code, entry.text]),
        [[kind, 'exception', text]],
      );
    }
  });

  test('counts by its code, or else its status, and in bounded memory', () => {
    const counts = new Counts();
    const request = { kind: /** @type {const} */ ('request'), level: /** @type {const} */ ('info') };
    for (let at = 1; at <= 100; at += 1) counts.add({ ...request, time: AT + at, status: 200, duration_ms: at });
    counts.add({ ...request, time: AT, status: 302, code: 'token_missing' });
    counts.add({ ...request, time: AT, status: 503 });
    for (let at = 0; at < 500; at += 1) counts.add({ ...request, time: AT, status: 400, code: `made_up_${at}` });
    const { errors, p50_ms: p50, p95_ms: p95, ...rest } = counts.summary();
    assert.deepEqual([p50, p95], [50, 95]);
    assert.deepEqual(rest, { from: AT, to: AT + 100, requests: 602, cancelled: 0, lines: {} });
    assert.equal(errors.token_missing, undefined, 'a redirect to the login is no failure');
    assert.deepEqual([errors['status 503'], Object.keys(errors).length, errors.others], [1, 101, 401]);
  });
});

describe('the command', () => {
  test('prints a line a request, the other lines, and the counts of each minute and of all', async () => {
    const { status, stdout, stderr } = await tail(`a banner of wrangler\n${EVENTS}`);
    assert.deepEqual([status, stderr], [0, '']);
    assert.equal(stdout, readFileSync(join(FIXTURES, 'events.txt'), 'utf8'));
  });

  test('prints the same as JSON, a line each', async () => {
    const { status, stdout } = await tail(EVENTS, '--format', 'json');
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(status, 0);
    const kinds = ['request', 'request', 'line', 'request', 'line', 'request', 'minute'];
    assert.deepEqual(
      lines.slice(0, 7).map(({ kind }) => kind),
      kinds,
    );
    assert.deepEqual(lines.at(-1), {
      kind: 'total',
      from: '2026-11-29T14:30:05.123Z',
      to: '2026-11-29T14:31:12.123Z',
      requests: 7,
      cancelled: 1,
      errors: { token_expired: 1, idp_error: 1, internal_error: 1, exceededCpu: 1 },
      lines: { jwks_unavailable: 1, session_not_renewed: 1, panic: 1, exception: 1 },
      p50_ms: 12,
      p95_ms: 5210,
    });
  });

  test('prints what all filters let through, and counts only that', async () => {
    for (const [filters, codes] of /** @type {[string[], (string | undefined)[]][]} */ ([
      [
        ['--status', '5xx'],
        ['idp_error', 'internal_error', 'exceededCpu'],
      ],
      [
        ['--status', '401,502'],
        ['token_expired', 'idp_error'],
      ],
      [
        ['--status', '401', '--status', '500'],
        ['token_expired', 'internal_error'],
      ],
      [
        ['--code', 'token_expired,jwks_unavailable'],
        ['token_expired', 'jwks_unavailable'],
      ],
      [['--route', '/auth'], ['idp_error']],
      [['--request-id', 'v61d_IbiSPo-00000010'], ['token_expired']],
      [['--request-id', 'v61d_Ibi…010'], ['token_expired']],
      [
        ['--level', 'error'],
        ['idp_error', 'panic', 'internal_error', 'exception', 'exceededCpu'],
      ],
      [['--level', 'error', '--route', '/api'], ['internal_error']],
      [['--code', 'nothing'], []],
    ])) {
      const { status, stdout } = await tail(EVENTS, '--format', 'json', ...filters);
      const lines = stdout
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line));
      const shown = lines.filter(({ kind }) => !['minute', 'total'].includes(kind));
      assert.deepEqual([status, shown.map(({ code }) => code)], [0, codes], filters.join(' '));
      const counted = shown.filter(({ kind }) => kind === 'request').length;
      assert.equal(lines.at(-1)?.requests ?? 0, counted, filters.join(' '));
    }
  });

  test('ends a minute when an event of a later one comes, and counts what is late in the minute that is counted', async () => {
    const at = (seconds, id) => eventOf({ request_id: id }, { eventTimestamp: AT + seconds * 1000 });
    const { stdout } = await tail(textOf(at(59, 'a'), at(61, 'b'), at(58, 'c'), at(7200, 'd')));
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => line.replace(/;.*/, ''));
    assert.deepEqual(
      lines.filter((line) => line.startsWith('==')),
      ['== 14:30: 1 request', '== 14:30: 2 requests', '== 16:30: 1 request', '== in all: 4 requests'],
    );
  });

  test('prints nothing that acts on a terminal or a log, in either form', async () => {
    const hostile = '\u001b[2J\u202e##[error]\u0007\r\n\u009b31m';
    const event = eventOf(
      { request_id: hostile, route: hostile, reason: hostile, code: hostile, method: hostile },
      { exceptions: [{ name: hostile, message: hostile }], eventTimestamp: AT },
    );
    event.logs.push({ level: 'log', message: [hostile] });
    const input = `${hostile}\n${textOf(event)}\n${textOf({ [hostile]: hostile })}\n`;
    for (const format of ['text', 'json']) {
      const { status, stdout } = await tail(input, '--format', format);
      assert.equal(status, 0);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
      assert.doesNotMatch(stdout, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]|##\[/, format);
      assert.match(stdout, /\\u001b\[2J/, 'it is there all the same');
      if (format === 'json') for (const line of stdout.trimEnd().split('\n')) JSON.parse(line);
    }
  });

  test('has no time if what it says is not one, and goes on', async () => {
    const events = [1e300, -1e300, AT].map((eventTimestamp) => eventOf({}, { eventTimestamp }));
    const { status, stdout, stderr } = await tail(textOf(...events), '--format', 'json');
    assert.deepEqual([status, stderr], [0, '']);
    const shown = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    const times = shown.filter(({ kind }) => kind === 'request').map(({ time }) => time);
    assert.deepEqual(times, [null, null, '2026-11-29T14:30:00.000Z']);
  });

  test('has colours only where they are wanted', async () => {
    for (const [env, expected] of /** @type {[Record<string, string>, boolean][]} */ ([
      [{}, false],
      [{ CLICOLOR_FORCE: '1' }, true],
      [{ CLICOLOR_FORCE: '1', NO_COLOR: '1' }, false],
    ])) {
      const { stdout } = await shell(['tail'], { input: EVENTS, env });
      assert.equal(stdout.includes('\u001b['), expected, JSON.stringify(env));
    }
  });

  test('says by its status and in one line what is wrong about the input or the arguments', async () => {
    for (const [input, args, status, stderr] of /** @type {[string, string[], number, RegExp][]} */ ([
      ['', [], 1, /^warning: no event came/],
      [EVENTS.slice(0, -9), [], 1, /^warning: the input ends within an event\n$/],
      ['no event\n', [], 1, /^warning: no event came; this reads what `wrangler tail --format json` prints\n$/],
      ['{"an": "object"}', [], 1, /^warning: no event came/],
      [EVENTS, ['-'], 0, /^$/],
      ['', ['-', 'worker'], 2, /^error: with -, nothing is handed to wrangler[^\n]*\n$/],
      ['', ['--status', '6xx'], 2, /^error: --status "6xx": it is like 404 or 5xx\n$/],
      ['', ['--level', 'loud'], 2, /^error: --level "loud": it is one of debug, info, warn, error\n$/],
      ['', ['--format', 'svg'], 2, /^error: --format "svg": it is text or json\n$/],
      ['', ['--env', 'x'], 2, /^error: Unknown option '--env'[^\n]*flags of wrangler come behind --\n$/],
      ['', ['--', '--format', 'pretty'], 2, /^error: wrangler is always asked for --format json[^\n]*\n$/],
    ])) {
      const ended = await tail(input, ...args);
      assert.equal(ended.status, status, `${args.join(' ')}: ${ended.stderr}`);
      assert.match(ended.stderr, stderr, args.join(' '));
    }
  });

  test('ends well when nobody reads its output any more, though the input goes on', async () => {
    const child = spawn(process.execPath, [BIN, 'tail'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (text) => (stderr += text));
    child.stdin.on('error', () => {});
    child.stdin.write(EVENTS);
    await once(child.stdout, 'data');
    child.stdout.destroy();
    const more = setInterval(() => child.stdin.write(EVENTS), 20);
    const [status] = await once(child, 'close');
    clearInterval(more);
    assert.deepEqual([status, stderr], [0, '']);
  });

  test('ends with the counts when it is interrupted', async () => {
    for (const signal of /** @type {const} */ (['SIGINT', 'SIGTERM'])) {
      const child = spawn(process.execPath, [BIN, 'tail'], { stdio: ['pipe', 'pipe', 'inherit'] });
      let stdout = '';
      child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
      child.stdin.on('error', () => {});
      child.stdin.write(EVENTS);
      while (!stdout.includes('/other')) await once(child.stdout, 'data');
      child.kill(signal);
      const [status] = await once(child, 'close');
      assert.equal(status, 0, signal);
      assert.match(stdout, /\n== in all: 7 requests; [^\n]*\n$/);
    }
  });
});

describe("the project's wrangler", () => {
  /** A project whose wrangler is a program of the test's. */
  function projectWith(t, program) {
    const root = mkdtempSync(join(tmpdir(), 'bargate-tail-'));
    t.after(() => rmSync(root, { recursive: true }));
    const folder = join(root, 'node_modules', 'wrangler');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(root, 'package.json'), '{}');
    writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'wrangler', bin: { wrangler: './w.mjs' } }));
    writeFileSync(join(folder, 'w.mjs'), program);
    return root;
  }

  test('is run with what stands behind the options', async (t) => {
    const program = 'console.log(JSON.stringify({ logs: [{ message: [process.argv.slice(2).join(" ")] }] }));';
    const cwd = projectWith(t, program);
    const ended = await shell(['tail', '--level', 'info', 'my-worker', '--', '--env', 'production'], { cwd });
    assert.deepEqual([ended.status, ended.stderr], [0, '']);
    assert.equal(ended.stdout, '--:--:--  tail my-worker --env production --format json\n');
  });

  test('fails with its own words, and the command with status 2', async (t) => {
    const cwd = projectWith(t, 'console.error("not logged in"); process.exit(1);');
    const ended = await shell(['tail', 'my-worker'], { cwd });
    const stderr = 'not logged in\nerror: wrangler ended with status 1\n';
    assert.deepEqual([ended.status, ended.stdout, ended.stderr], [2, '', stderr]);
  });

  test('is interrupted with the command, once, and has its time to end', {
    skip: process.platform === 'win32',
  }, async (t) => {
    const cwd = projectWith(
      t,
      `let interrupts = 0;
      setInterval(() => {}, 1000);
      process.on('SIGINT', () => {
        interrupts += 1;
        setTimeout(() => {
          console.log(JSON.stringify({ logs: [{ message: ['interrupts: ' + interrupts] }] }));
          process.exit(0);
        }, 50);
      });
      // Whoever reads it may interrupt.
      console.log(${JSON.stringify(JSON.stringify(eventOf({})))});`,
    );
    const child = spawn(process.execPath, [BIN, 'tail', 'my-worker'], { cwd, stdio: ['ignore', 'pipe', 'inherit'] });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
    while (!stdout.includes('id-1')) await once(child.stdout, 'data');
    child.kill('SIGINT');
    const [status] = await once(child, 'close');
    assert.equal(status, 0);
    assert.match(stdout, /interrupts: 1\n/);
    assert.match(stdout, /== in all: 1 request/);
  });

  test('that is not installed is asked for', async (t) => {
    const cwd = mkdtempSync(join(tmpdir(), 'bargate-tail-'));
    t.after(() => rmSync(cwd, { recursive: true }));
    const ended = await shell(['tail', 'my-worker'], { cwd });
    assert.equal(ended.status, 2);
    assert.match(ended.stderr, /^error: wrangler is not installed here: run npm install -D wrangler[^\n]*\n$/);
  });
});
