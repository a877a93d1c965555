// How soon all is well again: a clock that was wrong leaves nothing behind that lasts, and what is overloaded or hangs costs no more
// than it must.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET, ask, protectedGateway } from '../support/bearer.mjs';
import { elapse, later } from '../support/clock.mjs';
import { Browser, startGateway, until } from '../support/harness.mjs';
import { REFRESH, assertProblem, logIn, startLoginGateway } from '../support/login-flow.mjs';
import { configOf, start } from '../support/reload-flow.mjs';
import { STORE_UNAVAILABLE, authorizerOf, bearer, entryWith } from '../support/rules.mjs';
import { askWith, assertAlive, assertFamily, beginSession, startSessionGateway } from '../support/session-flow.mjs';

const HOUR_SECS = 3600;

/** Something that is closed when a test is over. */
const closed = async (t, starting) => {
  const started = await starting;
  t.after(() => started.close());
  return started;
};

describe('a clock that was an hour ahead', () => {
  test('refuses no client whose grants were good', async (t) => {
    const tenant = await closed(t, startTenant());
    const gateway = await closed(t, startLoginGateway(tenant));
    const tokens = await logIn(gateway, new Browser());
    const refresh = async (message) => {
      const headers = { 'x-refresh-token': tokens.refresh_token };
      const { status, body, text } = await gateway.ask(REFRESH, { method: 'POST', headers });
      assert.equal(status, 200, `${message}: ${text}`);
      Object.assign(tokens, body);
    };
    await gateway.later(HOUR_SECS);
    await refresh('ahead');
    await gateway.later(-HOUR_SECS);
    await refresh('and back');
  });

  test('lets a key that is not known be asked for', async (t) => {
    const tenant = await closed(t, startTenant());
    const gateway = await closed(t, protectedGateway(tenant));
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    await gateway.later(HOUR_SECS);
    const exp = Math.floor(Date.now() / 1000) + 2 * HOUR_SECS;
    await tenant.rotateKeys({ forgetOld: true });
    assert.equal((await ask(gateway, await tenant.mint({ exp }))).status, 200, 'ahead');
    await gateway.later(-HOUR_SECS);
    await tenant.rotateKeys({ forgetOld: true });
    assert.equal((await ask(gateway, await tenant.mint())).status, 200, 'and back');
  });

  test('uses the keys that it has, and renews them, while the provider is away and afterwards', async (t) => {
    const tenant = await closed(t, startTenant());
    const gateway = await closed(t, protectedGateway(tenant, {}, { kv: [] }));
    await gateway.later(HOUR_SECS);
    const exp = Math.floor(Date.now() / 1000) + 2 * HOUR_SECS;
    assert.equal((await ask(gateway, await tenant.mint({ exp }))).status, 200, 'ahead');
    await gateway.later(-HOUR_SECS);
    tenant.fault({ path: KEY_SET, kind: 'reset' });
    assert.equal((await ask(gateway, await tenant.mint())).status, 200, 'the provider is away');
    await until(() => tenant.counts[KEY_SET] >= 2);
    tenant.clearFaults();
    const before = tenant.counts[KEY_SET];
    await until(async () => {
      await gateway.later(10);
      assert.equal((await ask(gateway, await tenant.mint())).status, 200, 'it is back');
      return tenant.counts[KEY_SET] > before;
    });
  });

  test('reads the config again in its time', async (t) => {
    const gateway = await start(t, configOf('first'));
    assert.equal(await gateway.source(), 'first');
    await gateway.later(HOUR_SECS);
    assert.equal(await gateway.source(), 'first');
    await until(async () => (await gateway.reads('CONFIG')) === 2);
    await gateway.later(-HOUR_SECS);
    await gateway.put(configOf('second'));
    await until(async () => (await gateway.source()) === 'second');
  });

  test('holds nobody to a limit for longer than its period', async (t) => {
    const gateway = await closed(
      t,
      startGateway({
        clock: true,
        config: {
          paths: [
            {
              method: 'GET',
              path: '/x',
              response: {},
              rate_limit: { limit: 1, period_seconds: 60, key: 'header:x-key' },
            },
          ],
        },
      }),
    );
    const status = async () => (await gateway.ask('/x', { headers: { 'x-key': 'a' } })).status;
    await gateway.later(HOUR_SECS);
    assert.deepEqual([await status(), await status()], [200, 429], 'ahead');
    await gateway.later(-HOUR_SECS);
    assert.equal(await status(), 429, 'who has used it up does not get another by that');
    await gateway.later(62);
    assert.equal(await status(), 200, 'a period later');
  });
});

test('a session whose token came before all clocks were set back is renewed, and goes on', async (t) => {
  const [tenant, api] = await Promise.all([startTenant(), startApi()]);
  t.after(() => Promise.all([tenant.close(), api.close()]));
  const gateway = await closed(t, startSessionGateway(tenant, api));
  const session = await beginSession(gateway, tenant);
  await assertAlive(gateway, session, 'before');
  await later(-HOUR_SECS);
  await assertAlive(gateway, session, 'an hour before that');
  assertFamily(session, { rotations: 1, revoked: false });
  await later(HOUR_SECS);
  await assertAlive(gateway, session, 'and on');
});

test('an object that is overloaded is asked once', async (t) => {
  const [tenant, api] = await Promise.all([startTenant(), startApi()]);
  t.after(() => Promise.all([tenant.close(), api.close()]));
  // What Cloudflare's runtime throws (Durable Objects: error handling).
  const entry = `
    import Gateway from './worker.js';
    let [overloaded, calls] = [false, 0];
    export default class extends Gateway {
      constructor(context, env) {
        const SESSIONS = {
          getByName: (name) => ({
            async call(message) {
              calls += 1;
              if (!overloaded) return env.SESSIONS.getByName(name).call(message);
              throw Object.assign(new Error('Durable Object is overloaded.'), { overloaded: true, retryable: true });
            },
          }),
        };
        super(context, Object.create(env, { SESSIONS: { value: SESSIONS } }));
      }
      fetch(request) {
        const order = request.headers.get('x-overloaded');
        if (order === null) return super.fetch(request);
        overloaded = order === 'yes';
        return Response.json(calls);
      }
    }
  `;
  const gateway = await closed(t, startSessionGateway(tenant, api, { entry }));
  const overload = async (order) => {
    const answer = await fetch(gateway.origin, { headers: { 'x-overloaded': order } });
    return answer.json();
  };
  const session = await beginSession(gateway, tenant);
  const before = await overload('yes');
  assertProblem(await askWith(gateway, session.cookie), STORE_UNAVAILABLE, 'it is overloaded');
  assert.equal((await overload('no')) - before, 1);
  await assertAlive(gateway, session, 'it is not any longer');
});

test('a rate limiter that hangs lets nobody through, and keeps nobody waiting', async (t) => {
  const tenant = await closed(t, startTenant());
  const limiter = '{ limit: () => new Promise(() => {}) }';
  const gateway = await closed(
    t,
    startGateway({
      clock: true,
      entry: entryWith({ LIMITER: limiter }),
      config: {
        authorizer: authorizerOf(tenant),
        paths: [{ method: 'GET', path: '/x', auth: true, response: {}, rate_limit: { binding: 'LIMITER', key: 'ip' } }],
      },
    }),
  );
  const asked = gateway.ask('/x', { headers: await bearer(tenant) });
  const answered = asked.then(() => true);
  await until(async () => {
    await elapse(3);
    return Promise.race([answered, new Promise((resolve) => setImmediate(resolve, false))]);
  });
  assertProblem(await asked, STORE_UNAVAILABLE, 'after three seconds');
});

test('a config that is valid again is so for all who come at that moment', async (t) => {
  const gateway = await start(t, '{ no config');
  assert.equal((await gateway.ask('/source')).status, 503);
  await gateway.put(configOf('valid'));
  await gateway.later(60);
  const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.ask('/source')));
  assert.deepEqual(
    answers.map(({ status }) => status),
    Array(10).fill(200),
  );
});
