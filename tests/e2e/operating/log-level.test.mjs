// The variable `LOG_LEVEL`: which lines are written, and that a word it does not know silences nothing.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET } from '../support/bearer.mjs';
import { startGateway } from '../support/harness.mjs';
import { authorizerOf, bearer, entryWith } from '../support/rules.mjs';

// The gateway's own lines come before this one, which is written when its answers are done.
const MARKING = `
  if (!request.headers.has('x-mark')) return super.fetch(request);
  console.log(JSON.stringify({ mark: true }));
  return new Response();
`;

// Requests, and the lines that they write: the level and what else tells them apart.
const INFO = ['/fixed', 'info 200'];
const REFUSED = ['/nowhere', 'info 404 route_not_found'];
const FAILED = ['/nobody', 'error 502 upstream_unreachable'];
const WARNED = ['/private', 'warn jwks_unavailable', 'error 502 idp_error'];
const ALL = [INFO, REFUSED, FAILED, WARNED];

const ORDER = ['debug', 'info', 'warn', 'error', 'off'];
const atLeast = (level) => (line) => ORDER.indexOf(line.split(' ')[0]) >= ORDER.indexOf(level);

let tenant;

before(async () => {
  tenant = await startTenant();
  tenant.fault({ path: KEY_SET, kind: 'status' });
});

after(() => tenant?.close());

async function start(t, bindings, more = {}) {
  const gateway = await startGateway({
    config: {
      servers: [{ alias: 'nobody', url: 'http://127.0.0.1:1' }],
      authorizer: authorizerOf(tenant),
      paths: [
        { method: 'GET', path: '/fixed', response: {} },
        { method: 'GET', path: '/nobody', integration: { type: 'http_proxy', server: 'nobody' } },
        { method: 'GET', path: '/private', auth: true, response: {} },
      ],
    },
    kv: [],
    bindings,
    entry: entryWith({}, MARKING),
    ...more,
  });
  t.after(() => gateway.close());
  return gateway;
}

/** Makes every request, and gives what was logged of them, in order. */
async function linesOf(gateway) {
  const headers = await bearer(tenant);
  for (const [path] of ALL) await (await gateway.fetch(path, { headers })).text();
  await gateway.fetch('/', { headers: { 'x-mark': '1' } });
  await gateway.record(({ mark }) => mark);
  return gateway.records().filter(({ mark }) => !mark);
}

const inShort = (records) => records.map(({ level, status, code }) => [level, status, code].filter(Boolean).join(' '));

describe('the log', () => {
  for (const [level, bindings, message] of [
    ['info', {}, 'info and above by default'],
    ...ORDER.map((each) => [
      each,
      { LOG_LEVEL: each },
      each === 'off' ? 'no level where it is off' : `${each} and above where that is asked for`,
    ]),
  ]) {
    test(`has the lines of ${message}`, async (t) => {
      const gateway = await start(t, bindings);
      const lines = inShort(await linesOf(gateway)).filter((line) => !line.startsWith('debug'));
      assert.deepEqual(lines, ALL.flatMap(([, ...written]) => written).filter(atLeast(level)));
      if (level === 'off') assert.equal(gateway.lines.length, 1, 'the mark alone, nothing as text either');
    });
  }

  test('has each line by the method of the console that fits its level', async (t) => {
    const gateway = await start(t, { LOG_LEVEL: 'debug' });
    await linesOf(gateway);
    for (const { message, level } of gateway.lines) {
      const { level: told, mark } = JSON.parse(message);
      if (!mark && told === 'warn') assert.equal(level, 'warn', message);
    }
  });

  test('tells of an invalid config where errors are told', async (t) => {
    for (const [level, expected] of [
      ['error', 2],
      ['off', 0],
    ]) {
      const gateway = await start(t, { LOG_LEVEL: level }, { config: { paths: [], colour: 1 } });
      assert.equal((await gateway.fetch('/fixed')).status, 503);
      await gateway.fetch('/', { headers: { 'x-mark': '1' } });
      await gateway.record(({ mark }) => mark);
      const records = gateway.records().filter(({ mark }) => !mark);
      assert.deepEqual(
        records.map(({ code }) => code),
        Array(expected).fill('config_invalid'),
        level,
      );
    }
  });
});

describe('a level that is none', () => {
  for (const level of ['verbose', 'information', 'warning', '0', ' info', 'true']) {
    test(`("${level}") is told once, as a warning, and the level is info`, async (t) => {
      const gateway = await start(t, { LOG_LEVEL: level });
      const records = [...(await linesOf(gateway)), ...(await linesOf(gateway))];
      const [warning, ...others] = gateway.records().filter(({ message }) => /\bLOG_LEVEL\b/.test(message ?? ''));
      assert.deepEqual([warning?.level, others], ['warn', []]);
      assert.equal(gateway.records().indexOf(warning), 0, 'before all else');
      const lines = inShort(records.filter((record) => record !== warning));
      assert.deepEqual(
        lines.slice(0, 5),
        ALL.flatMap(([, ...written]) => written),
      );
    });
  }
});
