// Work that ends with the request that began it, as when the runtime cancels that: whoever finds it lost begins anew, once for
// all, and nothing freezes. The gateway's clock stands still unless a test moves it, so that nothing is lost before its time.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import {
  KEY_SET,
  ask,
  assertRefused,
  assertTellsNothing,
  base64url,
  protectedGateway,
  seconds,
} from '../support/bearer.mjs';
import { Browser, startGateway, until } from '../support/harness.mjs';
import {
  REFRESH,
  assertPrivateJson,
  assertProblem,
  logIn,
  loginUntilCallback,
  startLoginGateway,
} from '../support/login-flow.mjs';

const TOKEN_ENDPOINT = '/oauth/token';
const TIMEOUT_MS = 5_000;
// The time-out and LOST_AFTER_SECS of timing.rs.
const LOST_AFTER_MS = TIMEOUT_MS + 2_000;
const FRESH_MS = 10 * 60_000;
const COOLDOWN_MS = 30_000;
const RECHECK_MS = 60_000;
const WAITERS = 8;
// PAUSE_MAX_MS of timing.rs: how long those who wait leave between two looks, at the longest.
const PAUSE_MAX_MS = 128;

// Obeys orders in a header, and is otherwise the bundle: moves the clock, counts looks at what another request is getting or
// lets only so many more of them pass, and loses the next call to a path (or read of the config): it never settles, and its time
// limit, which is the timer started right before it (or right after it), never ends.
const losingEntry = () => `
  import Gateway from './worker.js';

  let time = ${Date.now()};
  Date.now = () => time;

  let [losing, lost, looks, allowed] = [undefined, 0, 0, Infinity];
  let [lastTimer, dropsNextTimer] = [undefined, false];
  const lose = () => {
    [losing, lost] = [undefined, lost + 1];
    return new Promise(() => {});
  };

  const startTimer = globalThis.setTimeout;
  globalThis.setTimeout = (callback, ms, ...values) => {
    if (dropsNextTimer) {
      dropsNextTimer = false;
      return 0;
    }
    const isLook = ms <= ${PAUSE_MAX_MS};
    const fire = () => {
      if (isLook && allowed <= 0) return startTimer(fire, 1);
      if (isLook) [looks, allowed] = [looks + 1, allowed - 1];
      callback(...values);
    };
    lastTimer = startTimer(fire, ms);
    return lastTimer;
  };

  const send = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    if (new URL(input.url ?? input).pathname !== losing) return send(input, init);
    clearTimeout(lastTimer);
    return lose();
  };

  export default class extends Gateway {
    constructor(context, env) {
      const read = (...key) => {
        if (losing !== 'CONFIG') return env.CONFIG.get(...key);
        dropsNextTimer = true;
        return lose();
      };
      super(context, env.CONFIG ? Object.create(env, { CONFIG: { value: { get: read } } }) : env);
    }

    fetch(request) {
      const order = request.headers.get('x-order');
      if (order === null) return super.fetch(request);
      const { ms = 0, lose, allow } = JSON.parse(order);
      time += ms;
      losing = lose ?? losing;
      if (allow !== undefined) allowed = allow ?? Infinity;
      return Response.json({ lost, looks });
    }
  }
`;

/** Asserts that the runtime ended a request that waited for nothing any more: the gateway itself gave no answer. */
async function assertCancelled(first) {
  const { status, headers } = await first;
  assert.equal(status, 500);
  assert.notEqual(headers.get('content-type'), 'application/problem+json');
}

function obeying(gateway) {
  const order = async (what) => (await gateway.fetch('/', { headers: { 'x-order': JSON.stringify(what) } })).json();
  return {
    ...gateway,
    /** Moves the gateway's clock. */
    later: (ms) => order({ ms }),
    /** Loses the next call to `path`, or the next read of `CONFIG`. */
    lose: (path) => order({ lose: path }),
    /** Resolves once so many calls are lost. */
    lost: (count) => until(async () => (await order({})).lost === count),
    /** Moves the gateway's clock, and lets one more of those who wait look then, and no other until all may again. */
    letOneLookLater: (ms) => order({ ms, allow: 1 }),
    letAllLook: () => order({ allow: null }),
    /** Resolves once each of those who wait has looked again, and as seldom as they do at last. */
    async looked() {
      const { looks } = await order({});
      await until(async () => (await order({})).looks >= looks + 3 * WAITERS);
    },
  };
}

describe('a refresh', () => {
  let tenant;

  before(async () => {
    tenant = await startTenant();
  });

  after(() => tenant?.close());

  async function start(t, authorizer = {}) {
    const gateway = await startLoginGateway(tenant, {
      clock: false,
      authorizer: { timeout_ms: TIMEOUT_MS, ...authorizer },
      entry: losingEntry(),
      kv: [],
      objects: [],
    });
    t.after(() => gateway.close());
    return obeying(gateway);
  }

  /** Sends a refresh whose exchange is lost, and `WAITERS` more that wait for it. */
  async function beginAndLose(gateway) {
    const { refresh_token: token } = await logIn(gateway, new Browser());
    const refresh = () => gateway.ask(REFRESH, { headers: { 'x-refresh-token': token } });
    tenant.resetCounts();
    await gateway.lose(TOKEN_ENDPOINT);
    const first = refresh();
    await gateway.lost(1);
    const waiting = Array.from({ length: WAITERS }, refresh);
    for (const each of waiting) each.catch(() => {});
    await gateway.drained();
    await gateway.looked();
    assert.equal(tenant.counts[TOKEN_ENDPOINT], undefined, 'nobody begins anew before its time');
    return { token, refresh, first, waiting };
  }

  for (const [name, grace] of [
    ['with a grace', undefined],
    ['without a grace', 0],
  ]) {
    test(`that is lost is begun anew by one of those who wait, and answers all: ${name}`, async (t) => {
      const gateway = await start(t, { rotation_grace_seconds: grace });
      const { token, first, waiting } = await beginAndLose(gateway);
      const hold = tenant.hold(TOKEN_ENDPOINT);
      await gateway.later(LOST_AFTER_MS);
      await hold.arrived();
      await gateway.looked();
      assert.equal(hold.waiting, 1, 'the others wait for that one');
      hold.release();
      const answers = await Promise.all(waiting);
      for (const answer of answers) assertPrivateJson(answer, 'each');
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer for all');
      assert.equal(tenant.counts[TOKEN_ENDPOINT], 1);
      const { rotations, revoked } = tenant.family(token);
      assert.deepEqual([rotations, revoked], [1, false]);
      await assertCancelled(first);
    });

    test(`that is lost and begun anew may be over before the others look: ${name}`, async (t) => {
      const gateway = await start(t, { rotation_grace_seconds: grace });
      const { token, first, waiting } = await beginAndLose(gateway);
      await gateway.letOneLookLater(LOST_AFTER_MS);
      const early = await Promise.race(waiting);
      assertPrivateJson(early, 'who looked first');
      await gateway.letAllLook();
      const answers = await Promise.all(waiting);
      for (const answer of answers) assertPrivateJson(answer, 'who looked later');
      assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer for all');
      assert.equal(tenant.counts[TOKEN_ENDPOINT], 1);
      const { rotations, revoked } = tenant.family(token);
      assert.deepEqual([rotations, revoked], [1, false]);
      await assertCancelled(first);
    });
  }

  test('that is lost twice is begun anew twice', async (t) => {
    const gateway = await start(t);
    const { token, first, waiting } = await beginAndLose(gateway);
    await gateway.lose(TOKEN_ENDPOINT);
    await gateway.later(LOST_AFTER_MS);
    await gateway.lost(2);
    await gateway.later(LOST_AFTER_MS);
    const answers = await Promise.all(waiting.map((each) => each.catch(() => undefined)));
    const given = answers.filter((answer) => answer?.status === 200).map(({ text }) => text);
    assert.equal(given.length, WAITERS - 1, 'all but the one whose own work was lost');
    assert.equal(new Set(given).size, 1, 'one answer for all');
    assert.equal(tenant.counts[TOKEN_ENDPOINT], 1);
    assert.equal(tenant.family(token).revoked, false);
    await assertCancelled(first);
  });

  test('that is lost all alone does not keep the next one from the provider', async (t) => {
    const gateway = await start(t);
    const { refresh_token: token } = await logIn(gateway, new Browser());
    const refresh = () => gateway.ask(REFRESH, { headers: { 'x-refresh-token': token } });
    await gateway.lose(TOKEN_ENDPOINT);
    const first = refresh();
    await gateway.lost(1);
    await gateway.later(LOST_AFTER_MS);
    assertPrivateJson(await refresh(), 'the next one');
    assert.equal(tenant.family(token).revoked, false);
    await assertCancelled(first);
  });

  for (const [kind, expected] of /** @type {any[][]} */ ([
    ['reset', [503, 'idp_unavailable', '5']],
    ['status', [502, 'idp_error']],
  ])) {
    test(`a callback while the key set is down (${kind}) does not spend the code`, async (t) => {
      const gateway = await start(t);
      const browser = new Browser();
      const callback = await loginUntilCallback(gateway, browser);
      tenant.resetCounts();
      tenant.fault({ path: KEY_SET, kind });
      assertProblem(await gateway.askAs(browser, callback), expected, 'while it is down');
      assert.equal(tenant.counts[TOKEN_ENDPOINT], undefined, 'the code is not spent');
      tenant.clearFaults();
      // JWKS_LOAD_RETRY_SECS of jwks.rs.
      await gateway.later(2_000);
      assertPrivateJson(await gateway.askAs(browser, callback), 'the same callback, later');
      assert.equal(tenant.counts[TOKEN_ENDPOINT], 1);
    });
  }
});

describe('a key set', { concurrency: 4 }, () => {
  async function start(t) {
    const tenant = await startTenant();
    t.after(() => tenant.close());
    const gateway = obeying(
      await protectedGateway(tenant, { timeout_ms: TIMEOUT_MS }, { entry: losingEntry(), clock: false, kv: [] }),
    );
    t.after(() => gateway.close());
    const calls = () => tenant.counts[KEY_SET] ?? 0;
    const mint = (how) => tenant.mint({ jti: randomUUID(), iat: seconds() - 60, exp: seconds() + 24 * 60 * 60 }, how);
    return { tenant, gateway, calls, mint };
  }

  const assertLetIn = async (gateway, token, message) => assert.equal((await ask(gateway, token)).status, 200, message);

  function withKid(token, kid) {
    const [, payload, signature] = token.split('.');
    return `${base64url({ alg: 'RS256', kid })}.${payload}.${signature}`;
  }

  test('that is stale, and whose renewal is lost, is renewed by a later request', async (t) => {
    const { tenant, gateway, calls, mint } = await start(t);
    const old = await mint();
    await assertLetIn(gateway, old, 'at first');
    assert.equal(calls(), 1);
    await tenant.rotateKeys({ forgetOld: true });
    await gateway.later(FRESH_MS);
    await gateway.lose(KEY_SET);
    await assertLetIn(gateway, old, 'by the stale set');
    await gateway.lost(1);
    await gateway.later(LOST_AFTER_MS - 1_000);
    await assertLetIn(gateway, old, 'while the renewal may still end');
    assert.equal(calls(), 1);
    await gateway.later(1_000);
    await assertLetIn(gateway, old, 'by the stale set still, which is renewed behind this answer');
    await until(async () => (await ask(gateway, old)).status !== 200);
    await assertRefused(
      gateway,
      old,
      'token_invalid',
      /^no key ".+" of the algorithm's type$/,
      'the key was withdrawn',
    );
    await assertLetIn(gateway, await mint(), 'the key that took its place');
  });

  test('whose first load is lost is loaded by one of those who wait', async (t) => {
    const { tenant, gateway, calls, mint } = await start(t);
    const token = await mint();
    await gateway.lose(KEY_SET);
    const first = gateway.fetch('/private', { headers: { authorization: `Bearer ${token}` } });
    await gateway.lost(1);
    const waiting = Array.from({ length: WAITERS }, () => ask(gateway, token));
    for (const each of waiting) each.catch(() => {});
    await gateway.looked();
    assert.equal(calls(), 0, 'nobody begins anew before its time');
    const hold = tenant.hold(KEY_SET);
    await gateway.later(LOST_AFTER_MS);
    await hold.arrived();
    await gateway.looked();
    hold.release();
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
    assert.equal(calls(), 1);
    await assertCancelled(first);
  });

  test('is renewed for unknown keys once in thirty seconds, and again after them', async (t) => {
    const { tenant, gateway, calls, mint } = await start(t);
    const genuine = await mint();
    await assertLetIn(gateway, genuine, 'at first');
    const unknown = async (message) => {
      const answers = await Promise.all(Array.from({ length: 20 }, () => ask(gateway, withKid(genuine, randomUUID()))));
      for (const answer of answers) assertTellsNothing(answer, 'token_invalid', message);
    };
    for (const renewals of [1, 2, 3]) {
      await unknown('once');
      await unknown('at once again');
      await gateway.later(COOLDOWN_MS - 1_000);
      await unknown('a second before it is over');
      assert.equal(calls(), 1 + renewals);
      await gateway.later(1_000);
    }
    await tenant.rotateKeys();
    await assertLetIn(gateway, await mint(), 'the key of a rotation');
    assert.equal(calls(), 5);
  });

  test('whose renewal for an unknown key is lost blames no token, and is renewed after thirty seconds', async (t) => {
    const { tenant, gateway, calls, mint } = await start(t);
    const [oldKey] = tenant.keys;
    await assertLetIn(gateway, await mint(), 'at first');
    await tenant.rotateKeys();
    const young = await mint();
    await gateway.lose(KEY_SET);
    const first = gateway.fetch('/private', { headers: { authorization: `Bearer ${young}` } });
    await gateway.lost(1);
    await assertLetIn(gateway, await mint({ key: oldKey }), 'a known key waits for nothing');
    const waiting = ask(gateway, young);
    await gateway.later(LOST_AFTER_MS);
    const answer = await waiting;
    assert.deepEqual([answer.status, answer.body.code], [503, 'idp_unavailable'], 'the key may well exist');
    await gateway.later(COOLDOWN_MS - LOST_AFTER_MS);
    await assertLetIn(gateway, young, 'after the cooldown');
    assert.equal(calls(), 2);
    await assertCancelled(first);
  });
});

test('a look at the config that is lost is taken again a minute later', async (t) => {
  const gateway = obeying(await startGateway({ kv: ['CONFIG'], objects: [], entry: losingEntry() }));
  t.after(() => gateway.close());
  const namespace = await gateway.kv('CONFIG');
  const configOf = (value) => JSON.stringify({ paths: [{ method: 'GET', path: '/source', response: { value } }] });
  const put = (value) => namespace.put('gateway.config.json', configOf(value));
  const source = async () => (await (await gateway.fetch('/source')).json()).value;

  await put('first');
  await gateway.lose('CONFIG');
  const first = gateway.fetch('/source');
  await gateway.lost(1);
  assert.equal(await source(), 'first', 'the next request loads it for itself');

  await put('second');
  await gateway.lose('CONFIG');
  await gateway.later(RECHECK_MS);
  assert.equal(await source(), 'first');
  await gateway.lost(2);
  assert.equal(await source(), 'first');
  await gateway.later(RECHECK_MS);
  await until(async () => (await source()) === 'second');
  await assertCancelled(first);
});
