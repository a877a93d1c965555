// `rate_limit`: whose requests are counted together, what is answered to those over the limit, and that nobody passes
// uncounted if the limiter is missing or fails.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { flipSignatureBit } from '../support/bearer.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { APP, STORE_UNAVAILABLE, authorizerOf, bearer, entryWith, fresh, from, mistakesOf } from '../support/rules.mjs';

const LIMITED = (seconds) => [429, 'rate_limited', String(seconds)];

// One request of each count passes, and none after it until the test says so.
const COUNTING = `{
  counted: new Set(),
  async limit({ key }) {
    const success = !this.counted.has(key);
    this.counted.add(key);
    return { success };
  },
}`;
const FORGETTING = `
  if (!request.headers.has('x-forget')) return super.fetch(request);
  made.LIMITER.value.counted.clear();
  return new Response();
`;

let api;
let tenant;
let gateway;

const limited = (path, key, more = {}) => proxied(path, 'api', { rate_limit: { binding: 'LIMITER', key }, ...more });

before(async () => {
  [api, tenant] = await Promise.all([startApi(), startTenant()]);
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      cors: { allow_origins: [APP] },
      authorizer: authorizerOf(tenant),
      paths: [
        limited('/address', 'ip'),
        limited('/address/{id}', 'ip'),
        limited('/address-too', 'ip'),
        limited('/subject', 'sub', { auth: true }),
        limited('/subject-too', 'sub', { auth: true }),
        limited('/key', 'header:X-Api-Key'),
        limited('/key-too', 'header:X-Api-Key'),
        limited('/guessed', 'ip', { auth: true }),
        limited('/read', 'ip', { method: 'GET' }),
        limited('/optional', 'sub', { auth: { optional: true } }),
        { method: 'GET', path: '/fixed', response: { fixed: true }, rate_limit: { binding: 'LIMITER', key: 'ip' } },
        { method: 'GET', path: '/free', response: { free: true } },
      ],
    },
    entry: entryWith({ LIMITER: COUNTING }, FORGETTING),
  });
});

after(async () => {
  for (const started of [gateway, api, tenant]) await started?.close();
});

beforeEach(async () => {
  await gateway.fetch('/', { headers: { 'x-forget': '1' } });
  api.requests.length = 0;
});

const HERE = '192.0.2.1';
const THERE = '192.0.2.2';
const as = (sub) => bearer(tenant, { sub });

describe('two requests come under one count', () => {
  for (const [message, first, second] of /** @type {any[][]} */ ([
    ['from one address', ['/address', from(HERE)], ['/address', from(HERE)]],
    ['from one network of IPv6', ['/address', from('2001:db8::1')], ['/address', from('2001:db8::ffff:0:0:2')]],
    ['from one address with different queries', ['/address?a=1', from(HERE)], ['/address?a=2', from(HERE)]],
    ['from one address to one path with different parameters', ['/address/1', from(HERE)], ['/address/2', from(HERE)]],
    [
      'from one address that claims to be others',
      ['/address', { ...from(HERE), 'x-forwarded-for': THERE }],
      ['/address', { ...from(HERE), 'x-real-ip': '192.0.2.3' }],
    ],
    [
      'of one user with two tokens, from two addresses',
      ['/subject', async () => ({ ...(await bearer(tenant, { sub: 'a', jti: '1' })), ...from(HERE) })],
      ['/subject', async () => ({ ...(await bearer(tenant, { sub: 'a', jti: '2' })), ...from(THERE) })],
    ],
    [
      'with one value of the header, from two addresses',
      ['/key', { 'X-API-KEY': 'k', ...from(HERE) }],
      ['/key', { 'x-api-key': 'k', ...from(THERE) }],
    ],
    ['without the header', ['/key', from(HERE)], ['/key', from(HERE)]],
    ['without a credential, where it is optional', ['/optional', from(HERE)], ['/optional', from(HERE)]],
    ['to a fixed answer', ['/fixed', from(HERE)], ['/fixed', from(HERE)]],
  ])) {
    test(message, async () => assert.deepEqual(await statusesOf(first, second), [200, 429]));
  }
});

describe('two requests come under counts of their own', () => {
  for (const [message, first, second] of /** @type {any[][]} */ ([
    ['from two addresses', ['/address', from(HERE)], ['/address', from(THERE)]],
    ['from two networks of IPv6', ['/address', from('2001:db8::1')], ['/address', from('2001:db8:0:1::1')]],
    ['to two paths', ['/address', from(HERE)], ['/address-too', from(HERE)]],
    ['to two paths, of one user', ['/subject', () => as('a')], ['/subject-too', () => as('a')]],
    ['to two paths, with one value of the header', ['/key', { 'x-api-key': 'k' }], ['/key-too', { 'x-api-key': 'k' }]],
    ['of two users, from one address', ['/subject', () => as('a')], ['/subject', () => as('b')]],
    ['of two users whose names differ in case', ['/subject', () => as('a')], ['/subject', () => as('A')]],
    ['with two values of the header', ['/key', { 'x-api-key': 'k' }], ['/key', { 'x-api-key': 'l' }]],
    ['with and without the header', ['/key', { 'x-api-key': 'k' }], ['/key', {}]],
    ['with and without a credential, where it is optional', ['/optional', {}], ['/optional', () => as('a')]],
  ])) {
    test(message, async () => assert.deepEqual(await statusesOf(first, second), [200, 200]));
  }
});

/** Sends the requests one after the other and gives the statuses of their answers. */
async function statusesOf(...requests) {
  const statuses = [];
  for (const [path, headers] of requests) {
    const answer = await gateway.ask(path, { headers: typeof headers === 'function' ? await headers() : headers });
    statuses.push(answer.status);
  }
  return statuses;
}

describe('a request over the limit', () => {
  test('is told when to come again, may read so from a listed origin, and does not reach the upstream', async () => {
    const headers = { ...from(HERE), origin: APP };
    await gateway.ask('/address', { headers });
    api.requests.length = 0;
    const answer = await gateway.ask('/address', { headers });
    assertProblem(answer, LIMITED(60), 'over the limit');
    assert.equal(answer.headers.get('access-control-allow-origin'), APP);
    assert.match(answer.headers.get('vary') ?? '', /\borigin\b/i);
    assert.equal(answer.headers.get('www-authenticate'), null);
    assert.deepEqual(api.requests, []);
    const { level, status, code, route } = answer.record;
    assert.deepEqual([level, status, code, route], ['info', 429, 'rate_limited', '/address']);
  });

  test('does not keep another path, or one without a limit, from being asked', async () => {
    const requests = ['/address', '/address', '/free', '/free', '/address-too'].map((path) => [path, from(HERE)]);
    assert.deepEqual(await statusesOf(...requests), [200, 429, 200, 200, 200]);
  });

  test('by address is refused before its token is looked at, so that guesses are counted too', async () => {
    const guess = { ...from(HERE), authorization: 'Bearer a.b.c' };
    assert.deepEqual(await statusesOf(['/guessed', guess], ['/guessed', guess]), [401, 429]);
  });

  test('by user is one whose token is genuine: what others send as theirs counts for nobody', async () => {
    const forged = { authorization: `Bearer ${flipSignatureBit(await tenant.mint({ sub: 'a' }))}` };
    assert.deepEqual(
      await statusesOf(['/subject', forged], ['/subject', forged], ['/subject', () => as('a')]),
      [401, 401, 200],
    );
  });
});

test('a preflight is neither counted nor limited', async () => {
  const preflight = () =>
    sendRaw(gateway.origin, {
      method: 'OPTIONS',
      path: '/read',
      headers: { ...from(HERE), origin: APP, 'access-control-request-method': 'GET' },
    });
  assert.equal((await preflight()).status, 204);
  assert.deepEqual(await statusesOf(['/read', from(HERE)], ['/read', from(HERE)]), [200, 429]);
  assert.equal((await preflight()).status, 204);
});

describe("the runtime's own limiter", () => {
  const LIMIT = 3;

  test('is asked for as many as it allows in either period', async (t) => {
    const paths = [
      [10, '/seconds', 'SHORT'],
      [60, '/minute', 'LONG'],
    ];
    const own = await startGateway({
      config: {
        paths: paths.map(([period, path, binding]) => ({
          method: 'GET',
          path,
          response: {},
          rate_limit: { binding, key: 'header:x-key', period_seconds: period },
        })),
      },
      ratelimits: Object.fromEntries(
        paths.map(([period, , binding]) => [
          binding,
          { namespace_id: String(period), simple: { limit: LIMIT, period } },
        ]),
      ),
    });
    t.after(() => own.close());
    for (const [period, path] of paths) {
      const answers = await withinOnePeriod(period, async () => {
        const headers = { 'x-key': fresh('key') };
        const answers = [];
        for (let request = 0; request < LIMIT + 2; request += 1) answers.push(await own.ask(path, { headers }));
        return answers;
      });
      assert.deepEqual(
        answers.map(({ status }) => status),
        [...Array(LIMIT).fill(200), 429, 429],
        `${period} seconds`,
      );
      assertProblem(answers.at(-1), LIMITED(period), `${period} seconds`);
    }
  });

  /** Runs what must fall into one period of the limiter, whose periods follow the clock: again, if it did not. */
  async function withinOnePeriod(seconds, run) {
    for (;;) {
      const period = () => Math.floor(Date.now() / (seconds * 1000));
      const begun = period();
      const outcome = await run();
      if (period() === begun) return outcome;
    }
  }
});

describe('nobody passes uncounted', () => {
  const FAILING = {
    REJECTS: '{ limit: () => Promise.reject(new Error("the limiter is away")) }',
    THROWS: '{ limit() { throw new Error("the limiter is away"); } }',
    SAYS_NOTHING: '{ limit: async () => undefined }',
    LACKS_THE_METHOD: '{}',
  };

  test('where the limiter fails', async (t) => {
    const failing = await startGateway({
      config: {
        servers: [{ alias: 'api', url: api.origin }],
        cors: { allow_origins: [APP] },
        paths: Object.keys(FAILING).map((binding) =>
          proxied(`/${binding}`, 'api', { rate_limit: { binding, key: 'ip' } }),
        ),
      },
      entry: entryWith(FAILING),
    });
    t.after(() => failing.close());
    for (const name of Object.keys(FAILING)) {
      const answer = await failing.ask(`/${name}`, { headers: { origin: APP } });
      assertProblem(answer, STORE_UNAVAILABLE, name);
      assert.equal(answer.headers.get('access-control-allow-origin'), APP, name);
      assert.deepEqual([answer.record.level, answer.record.code], ['error', 'store_unavailable'], name);
    }
    assert.deepEqual(api.requests, []);
  });

  for (const [message, options] of /** @type {any[][]} */ ([
    ['that is not there', {}],
    ['that is a variable', { bindings: { LIMITER: 'text' } }],
  ])) {
    test(`where the config names a limiter ${message}: no path is answered, and the log names it`, async (t) => {
      const lacking = await startGateway({
        config: {
          paths: [{ method: 'GET', path: '/fixed', response: {}, rate_limit: { binding: 'LIMITER', key: 'ip' } }],
        },
        ...options,
      });
      t.after(() => lacking.close());
      const mistakes = await mistakesOf(lacking);
      assert.equal(mistakes.filter((mistake) => /\bLIMITER\b/.test(mistake)).length, 1, mistakes.join('\n'));
    });
  }

  test('where the key is a user whom the path does not ask for', async (t) => {
    const unknown = await startGateway({
      config: {
        paths: [{ method: 'GET', path: '/fixed', response: {}, rate_limit: { binding: 'LIMITER', key: 'sub' } }],
      },
      entry: entryWith({ LIMITER: COUNTING }),
    });
    t.after(() => unknown.close());
    const mistakes = await mistakesOf(unknown);
    assert.ok(
      mistakes.some((mistake) => /error\[claim_without_auth\]: paths\[0\]\.rate_limit\b/.test(mistake)),
      mistakes.join('\n'),
    );
  });

  test('where no address is known', async (t) => {
    const nameless = await startGateway({
      config: {
        paths: [{ method: 'GET', path: '/fixed', response: {}, rate_limit: { binding: 'LIMITER', key: 'ip' } }],
      },
      entry: entryWith(
        { LIMITER: COUNTING },
        `
        const anonymous = new Request(request);
        anonymous.headers.delete('cf-connecting-ip');
        return super.fetch(anonymous);
      `,
      ),
    });
    t.after(() => nameless.close());
    assert.deepEqual([(await nameless.ask('/fixed')).status, (await nameless.ask('/fixed')).status], [200, 429]);
  });
});
