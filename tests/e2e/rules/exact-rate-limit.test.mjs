// Rate limits that an object counts: exactly as many requests pass as the limit says, wherever and however they come.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { admit } from '../../../src/edge/objects/rate_limit.js';
import { later } from '../support/clock.mjs';
import { startGateway, until, workerName } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { STORE_UNAVAILABLE, authorizerOf, bearer, entryWith, fresh, from, mistakesOf } from '../support/rules.mjs';

const LIMIT = 20;
const PERIOD_SECS = 100;
/** A request counts for up to a hundredth of the period longer. */
const PART_SECS = PERIOD_SECS / 100;

const limited = (path, key, more = {}) => ({
  method: 'GET',
  path,
  response: { passed: true },
  rate_limit: { limit: LIMIT, period_seconds: PERIOD_SECS, key },
  ...more,
});

let tenant;
let gateway;

before(async () => {
  tenant = await startTenant();
  gateway = await startGateway({
    clock: true,
    isolates: 2,
    config: {
      authorizer: authorizerOf(tenant),
      paths: [
        limited('/key', 'header:x-key'),
        limited('/key-too', 'header:x-key'),
        limited('/subject', 'sub', { auth: true }),
        limited('/address', 'ip'),
      ],
    },
  });
});

after(() => Promise.all([gateway?.close(), tenant?.close()]));

/** Sends requests to the isolates in turn, all at once, and returns how many had each status. */
async function statusesOf(count, path, headers) {
  const sent = Array.from({ length: count }, async (_, index) => {
    const response = await fetch(new URL(path, gateway.origins[index % 2]), { headers });
    await response.text();
    return response.status;
  });
  const statuses = await Promise.all(sent);
  return Object.fromEntries([200, 429].map((status) => [status, statuses.filter((one) => one === status).length]));
}

const EXACTLY = (sent) => ({ 200: LIMIT, 429: sent - LIMIT });

describe('exactly as many pass as the limit says', () => {
  let headers;
  beforeEach(() => {
    headers = { 'x-key': fresh('key') };
  });

  test('of 200 requests that two isolates get at the same time', async () => {
    assert.deepEqual(await statusesOf(200, '/key', headers), EXACTLY(200));
  });

  test('from an object that was evicted in between', async () => {
    assert.deepEqual(await statusesOf(LIMIT / 2, '/key', headers), { 200: LIMIT / 2, 429: 0 });
    const name = createHash('sha256').update(`GET\n/key\n${headers['x-key']}`).digest('base64url');
    await gateway.miniflare.unsafeEvictDurableObject(workerName(0), 'RateLimit', { name });
    assert.deepEqual(await statusesOf(LIMIT, '/key', headers), { 200: LIMIT / 2, 429: LIMIT / 2 });
  });

  test('within any period, and not only within those that follow each other', async () => {
    assert.deepEqual(await statusesOf(LIMIT / 2, '/key', headers), { 200: LIMIT / 2, 429: 0 });
    await later(PERIOD_SECS - 10);
    assert.deepEqual(await statusesOf(LIMIT, '/key', headers), { 200: LIMIT / 2, 429: LIMIT / 2 });
    await later(10 + PART_SECS);
    assert.deepEqual(
      await statusesOf(LIMIT, '/key', headers),
      { 200: LIMIT / 2, 429: LIMIT / 2 },
      'the first half is over',
    );
  });
});

test('one request too many is told how long it must wait, and passes after that', async () => {
  const headers = { 'x-key': fresh('key') };
  await statusesOf(LIMIT, '/key', headers);
  await later(30);
  const answer = await gateway.ask('/key', { headers });
  const wait = Number(answer.headers.get('retry-after'));
  assertProblem(answer, [429, 'rate_limited', String(wait)], 'one too many');
  assert.ok(wait >= PERIOD_SECS - 30 && wait <= PERIOD_SECS - 30 + PART_SECS, `${wait} s`);
  assert.equal(answer.headers.get('ratelimit-policy'), `"path";q=${LIMIT};w=${PERIOD_SECS}`);
  assert.equal(answer.headers.get('ratelimit'), `"path";r=0;t=${wait}`);
  await later(wait - PART_SECS);
  assert.equal((await gateway.ask('/key', { headers })).status, 429, 'too early');
  await later(PART_SECS);
  assert.equal((await gateway.ask('/key', { headers })).status, 200, 'in time');
});

test('each path and each key has a count of its own, whatever the key is', async () => {
  const hostile = [
    '__proto__',
    'constructor',
    '0 0',
    `${LIMIT + 1} 1`,
    '%0a',
    "'; drop table",
    '[]',
    'k'.repeat(8000),
    'é',
  ];
  const counts = [
    ...hostile.map((key) => ['/key', { 'x-key': key }]),
    ['/key', { 'x-key': hostile[0].toUpperCase() }],
    ['/key', {}],
    ['/key-too', { 'x-key': hostile[0] }],
    ['/address', from('192.0.2.1')],
    ['/address', from('192.0.2.2')],
    ['/subject', await bearer(tenant, { sub: 'a' })],
    ['/subject', await bearer(tenant, { sub: 'a\nb' })],
    ['/subject', await bearer(tenant, { sub: 'a\0b' })],
    ['/subject', await bearer(tenant, { sub: '\ud83d\ude00'.repeat(500) })],
  ];
  for (const [path, headers] of counts) {
    const shown = `${path} ${JSON.stringify(headers).slice(0, 80)}`;
    assert.deepEqual(await statusesOf(LIMIT + 1, path, headers), EXACTLY(LIMIT + 1), shown);
  }
});

describe('nobody passes uncounted', () => {
  const objectThat = (call) => `{ calls: 0, getByName() { return { call: (message) => { ${call} } }; } }`;
  const start = async (t, call) => {
    const failing = await startGateway({
      config: { paths: [limited('/fixed', 'ip')] },
      entry: entryWith({ RATE_LIMITS: objectThat(call) }),
    });
    t.after(() => failing.close());
    return failing;
  };

  for (const [message, call] of [
    ['fails', 'return Promise.reject(new Error("moved"));'],
    ['throws', 'throw new Error("moved");'],
    ['does not answer', 'return new Promise(() => {});'],
  ]) {
    test(`if the object ${message}`, async (t) => {
      const answer = await (await start(t, call)).ask('/fixed');
      assertProblem(answer, STORE_UNAVAILABLE, message);
      assert.match(answer.record.reason, /^the rate limiter: /);
    });
  }

  for (const said of ['undefined', 'null', '""', '"0"', 'NaN', '-1', '{}']) {
    test(`if the object answers ${said}`, async (t) => {
      const { status } = await (await start(t, `return Promise.resolve(${said});`)).ask('/fixed');
      assert.ok([429, 503].includes(status), String(status));
    });
  }

  test('and an object that is moved is asked once more', async (t) => {
    const moved = await start(
      t,
      'made.called = !made.called; return made.called ? Promise.reject(new Error("moved")) : Promise.resolve(0);',
    );
    assert.equal((await moved.ask('/fixed')).status, 200);
  });

  test('if the objects are not bound: no path is answered, and the log names them', async (t) => {
    const lacking = await startGateway({ config: { paths: [limited('/fixed', 'ip')] }, objects: ['SESSIONS'] });
    t.after(() => lacking.close());
    const mistakes = await mistakesOf(lacking);
    assert.equal(mistakes.filter((mistake) => /\bRATE_LIMITS\b/.test(mistake)).length, 1, mistakes.join('\n'));
  });
});

test('what is kept is erased once it no longer counts', async (t) => {
  const own = await startGateway({
    config: {
      paths: [
        limited('/key', 'header:x-key', { rate_limit: { limit: LIMIT, period_seconds: 3, key: 'header:x-key' } }),
      ],
    },
    entry: `
      import Gateway, { RateLimit as Counting } from './worker.js';

      export class RateLimit extends Counting {
        held() {
          return [...this.ctx.storage.kv.list()].length;
        }
      }

      export default class extends Gateway {
        async fetch(request) {
          const name = request.headers.get('x-held');
          return name ? new Response(await this.env.RATE_LIMITS.getByName(name).held()) : super.fetch(request);
        }
      }
    `,
  });
  t.after(() => own.close());
  const name = createHash('sha256').update('GET\n/key\nk').digest('base64url');
  const held = async () => Number(await (await own.fetch('/', { headers: { 'x-held': name } })).text());
  await own.ask('/key', { headers: { 'x-key': 'k' } });
  assert.equal(await held(), 1, 'at first');
  await until(async () => (await held()) === 0);
});

describe('for any schedule', () => {
  const PERIOD_MS = 60_000;

  /** Random numbers that a failure can repeat: mulberry32. */
  function randomOf(seed) {
    let state = seed;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
      mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
    };
  }

  /** Runs requests at random times, in bursts and with pauses, and returns what came of each. */
  function run(seed) {
    const random = randomOf(seed);
    const max = 1 + Math.floor(random() * 12);
    const pauses = [0, 1, PERIOD_MS / 100, PERIOD_MS / max, PERIOD_MS, 3 * PERIOD_MS];
    const requests = [];
    let now = Math.floor(random() * 1e12);
    let counts = [];
    for (let index = 0; index < 300; index += 1) {
      if (random() < 0.5) now += Math.floor(random() * pauses[Math.floor(random() * pauses.length)]);
      const { waitMs, ...after } = admit(counts, now, max, PERIOD_MS);
      counts = after.counts;
      requests.push({ now, waitMs, kept: counts.length });
    }
    return { max, requests, passed: requests.filter(({ waitMs }) => waitMs === 0).map(({ now }) => now) };
  }

  const SEEDS = Array.from({ length: 300 }, (_, seed) => seed);

  test('never do more than the limit pass within a period, whenever it begins', () => {
    for (const seed of SEEDS) {
      const { max, passed } = run(seed);
      for (let index = max; index < passed.length; index += 1) {
        assert.ok(passed[index] - passed[index - max] >= PERIOD_MS, `seed ${seed}, request ${index}`);
      }
    }
  });

  test('a request is refused only if the limit was reached within the period and a hundredth of it', () => {
    for (const seed of SEEDS) {
      const { max, requests, passed } = run(seed);
      for (const { now } of requests.filter(({ waitMs }) => waitMs > 0)) {
        const counted = passed.filter((at) => at <= now && at > now - PERIOD_MS * 1.01);
        assert.ok(counted.length >= max, `seed ${seed}, at ${now}`);
      }
    }
  });

  test('a request passes after the time that it was told to wait, and what is kept stays small', () => {
    for (const seed of SEEDS) {
      const { max, requests } = run(seed);
      for (const { waitMs, kept } of requests) assert.ok(waitMs <= PERIOD_MS * 1.01 && kept <= Math.min(max, 102));
      let { counts } = admit([], 0, 1, PERIOD_MS);
      const { waitMs } = admit(counts, seed * 7, 1, PERIOD_MS);
      ({ counts } = admit(counts, seed * 7 + waitMs - 1, 1, PERIOD_MS));
      assert.ok(admit(counts, seed * 7 + waitMs - 1, 1, PERIOD_MS).waitMs > 0, 'not before');
      assert.equal(admit(counts, seed * 7 + waitMs, 1, PERIOD_MS).waitMs, 0, 'then');
    }
  });

  test('a clock that goes back lets nobody through who would not have passed, and keeps nobody out for longer than a period', () => {
    const { counts } = admit([], 100 * PERIOD_MS, 1, PERIOD_MS);
    const back = admit(counts, 0, 1, PERIOD_MS);
    assert.deepEqual([back.waitMs, back.isSetBack], [PERIOD_MS * 1.01, true]);
    assert.deepEqual(admit(back.counts, PERIOD_MS, 1, PERIOD_MS), {
      ...back,
      waitMs: PERIOD_MS * 0.01,
      isSetBack: false,
    });
    assert.equal(admit(back.counts, PERIOD_MS * 1.01, 1, PERIOD_MS).waitMs, 0);
  });
});
