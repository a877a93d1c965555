// The integration `health`: what it tells of the config in force and of the keys that tokens are checked with, when it says that
// the gateway is not available, and what it keeps to itself.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET } from '../support/bearer.mjs';
import { Browser, freePort, sendRaw, startGateway, until } from '../support/harness.mjs';
import { logIn, loginUntilCallback, startLoginGateway } from '../support/login-flow.mjs';
import { authorizerOf } from '../support/rules.mjs';
import { startSessionGateway } from '../support/session-flow.mjs';

const FIRST_KEY = 'gateway.config.json';
const RECHECK_SECS = 60;
const STALE_SECS = 20 * 60;
const TOO_OLD_SECS = 25 * 60 * 60;
const RETRY_SECS = 11;
const SECRETS = {
  CLIENT_SECRET: 'recognisable-client-secret-of-32-bytes',
  SHARED_SECRET: 'recognisable-shared-secret-of-32-bytes',
};
const ISO_8601 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;

let tenant;

before(async () => {
  tenant = await startTenant();
});

after(() => tenant?.close());

beforeEach(() => {
  tenant.clearFaults();
  tenant.resetCounts();
});

const HEALTH = { method: 'GET', path: '/health', integration: { type: 'health' } };
const configOf = (sections = {}) => ({ paths: [HEALTH], ...sections });

/**
 * Starts a gateway whose KV namespace CONFIG holds `stored`, if that is given.
 * @param {any} t
 * @param {Record<string, any>} options
 */
async function start(t, { stored, ...options }) {
  const gateway = await startGateway({
    kv: stored === undefined ? ['JWKS'] : ['JWKS', 'CONFIG'],
    objects: [],
    bindings: SECRETS,
    clock: true,
    ...options,
  });
  t.after(() => gateway.close());
  const put = async (config) => {
    const text = typeof config === 'string' ? config : JSON.stringify(config);
    await (await gateway.kv('CONFIG')).put(FIRST_KEY, text);
  };
  if (stored !== undefined) await put(stored);
  return {
    ...gateway,
    put,
    /** Asks for the state, and checks what is the same in each. */
    async state(message) {
      const answer = await gateway.ask('/health');
      const told = [answer.headers.get('content-type'), answer.headers.get('cache-control')];
      assert.deepEqual(told, ['application/json', 'no-store'], message);
      const known = ['authorizers', 'config', 'last_provider_failure', 'objects', 'status'];
      const members = Object.keys(answer.body).sort();
      assert.deepEqual(
        members.filter((name) => !known.includes(name)),
        [],
        message,
      );
      assert.equal(answer.body.status, answer.status === 200 ? 'ok' : 'unavailable', message);
      return answer;
    },
  };
}

/** What a config's text is told by. */
const idOf = (text) => createHash('sha256').update(text).digest('hex').slice(0, 16);

const agesOf = ({ body }) => body.authorizers.map(({ keys }) => keys.age_seconds);

describe('the config in force', () => {
  test('is the variable, under either name', async (t) => {
    for (const options of [{ config: configOf() }, { bindings: { SAG_API_CONFIG_JSON: JSON.stringify(configOf()) } }]) {
      const { status, body } = await (await start(t, options)).state();
      const { loaded_at: loadedAt, id, ...config } = body.config;
      const expected = { source: 'variable', last_good: false, age_seconds: 0 };
      assert.deepEqual([status, config, body.authorizers], [200, expected, []]);
      assert.equal(id, idOf(JSON.stringify(configOf())));
      assert.match(loadedAt, ISO_8601);
    }
  });

  test('is that of KV, with the time at which it was loaded', async (t) => {
    const gateway = await start(t, { stored: configOf() });
    const { status, body } = await gateway.state();
    assert.deepEqual([status, body.config.source, body.config.last_good], [200, 'kv', false]);
    assert.match(body.config.loaded_at, ISO_8601);
    assert.equal(Date.parse(body.config.loaded_at), Date.now());
    await gateway.later(90);
    const later = await gateway.state();
    assert.deepEqual([later.body.config.age_seconds, later.body.config.id], [90, idOf(JSON.stringify(configOf()))]);
  });

  test('is the last good one while KV holds an invalid one, and that is still good health', async (t) => {
    const gateway = await start(t, { stored: configOf() });
    const first = await gateway.state();
    await gateway.put({ ...configOf(), colour: 1 });
    await gateway.later(RECHECK_SECS);
    await until(async () => (await gateway.state()).body.config.last_good);
    const second = await gateway.state();
    assert.deepEqual([second.status, second.body.config.source], [200, 'kv']);
    assert.equal(second.body.config.loaded_at, first.body.config.loaded_at, 'the same is in force');
    assert.equal(second.body.config.id, first.body.config.id);
    assert.doesNotMatch(second.text, /colour/, 'what is wrong is for the log');

    await gateway.put(configOf({ title: 'corrected' }));
    await gateway.later(RECHECK_SECS);
    await until(async () => !(await gateway.state()).body.config.last_good);
    const third = await gateway.state();
    assert.ok(Date.parse(third.body.config.loaded_at) > Date.parse(first.body.config.loaded_at));
    assert.equal(third.body.config.id, idOf(JSON.stringify(configOf({ title: 'corrected' }))));
  });

  test('has an id that its layout has no part in', async (t) => {
    const laidOut = [0, 2, '\t'].map((space) => JSON.stringify(configOf(), null, space));
    for (const text of [...laidOut, `\uFEFF${laidOut[0]}`]) {
      for (const options of [{ stored: text }, { config: text }]) {
        const { status, body } = await (await start(t, options)).state();
        assert.deepEqual([status, body.config.id], [200, idOf(JSON.stringify(configOf()))], JSON.stringify(options));
      }
    }
  });

  test('is not the last good one where KV holds the same again', async (t) => {
    const gateway = await start(t, { stored: configOf() });
    await gateway.state();
    await gateway.put('no JSON');
    await gateway.later(RECHECK_SECS);
    await until(async () => (await gateway.state()).body.config.last_good);
    await gateway.put(configOf());
    await gateway.later(RECHECK_SECS);
    await until(async () => !(await gateway.state()).body.config.last_good);
  });

  test('is none: the answer is the problem that every path has', async (t) => {
    const gateway = await start(t, { config: { ...configOf(), colour: 1 } });
    const { status, body } = await gateway.ask('/health');
    assert.deepEqual([status, body.code], [503, 'config_invalid']);
  });
});

describe('the keys', () => {
  test('are fetched where there are none yet, once for all who ask, and grow older', async (t) => {
    const gateway = await start(t, { config: configOf({ authorizer: authorizerOf(tenant) }) });
    const answers = await Promise.all(Array.from({ length: 10 }, () => gateway.state()));
    for (const answer of answers) {
      assert.deepEqual([answer.status, agesOf(answer)], [200, [0]], answer.text);
      assert.equal(typeof answer.body.authorizers[0].name, 'string');
    }
    assert.equal(tenant.counts[KEY_SET], 1);
    await gateway.later(100);
    assert.deepEqual(agesOf(await gateway.state()), [100]);
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('that cannot be had are 503, without many questions, until they can', async (t) => {
    const gateway = await start(t, { config: configOf({ authorizer: authorizerOf(tenant) }) });
    tenant.fault({ path: KEY_SET, kind: 'status' });
    for (let round = 0; round < 5; round += 1) {
      const answer = await gateway.state(`round ${round}`);
      assert.deepEqual([answer.status, agesOf(answer), answer.record.level], [503, [null], 'error'], answer.text);
    }
    assert.equal(tenant.counts[KEY_SET], 1);
    tenant.clearFaults();
    await gateway.later(RETRY_SECS);
    const answer = await gateway.state();
    assert.deepEqual([answer.status, agesOf(answer)], [200, [0]], answer.text);
  });

  test('that are old are good while they can be used, though the provider is away', async (t) => {
    const gateway = await start(t, { config: configOf({ authorizer: authorizerOf(tenant) }) });
    await gateway.state();
    tenant.fault({ path: KEY_SET, kind: 'reset' });
    await gateway.later(STALE_SECS);
    const stale = await gateway.state();
    assert.deepEqual([stale.status, agesOf(stale)], [200, [STALE_SECS]], stale.text);
    await gateway.later(TOO_OLD_SECS - STALE_SECS);
    assert.equal((await gateway.state()).status, 503, 'a day later they cannot');
  });

  test('are renewed behind an answer that tells their age, once they are stale', async (t) => {
    const gateway = await start(t, { config: configOf({ authorizer: authorizerOf(tenant) }) });
    await gateway.state();
    await gateway.later(STALE_SECS);
    assert.equal((await gateway.state()).status, 200);
    await until(async () => agesOf(await gateway.state())[0] === 0);
    assert.equal(tenant.counts[KEY_SET], 2);
  });

  test('of each authorizer are told by its name, and one without is enough to be unavailable', async (t) => {
    const nobody = `http://127.0.0.1:${await freePort()}`;
    const authorizers = {
      staff: authorizerOf(tenant),
      partners: { type: 'jwt', issuer: 'https://partners.example/', audience: 'api', secret: '$secret.SHARED_SECRET' },
      fixed: { type: 'jwt', issuer: 'https://fixed.example/', audience: 'api', jwks: JSON.stringify(tenant.keySet()) },
    };
    const well = await (await start(t, { config: configOf({ authorizers }) })).state();
    const { body } = well;
    assert.equal(well.status, 200, well.text);
    assert.deepEqual(
      body.authorizers.map(({ name }) => name),
      ['staff', 'partners', 'fixed'],
    );
    assert.deepEqual(agesOf(well), [0, null, null], 'keys of the config have no age');

    const away = { type: 'jwt', issuer: 'https://away.example/', audience: 'api', jwks_uri: `${nobody}/keys` };
    const ill = await (await start(t, { config: configOf({ authorizers: { ...authorizers, away } }) })).state();
    assert.deepEqual([ill.status, agesOf(ill)], [503, [0, null, null, null]], ill.text);
  });

  test('of a discovered provider are told too', async (t) => {
    const authorizer = { type: 'oidc', issuer: tenant.issuer, client_id: 'bargate-local' };
    const answer = await (await start(t, { config: configOf({ authorizer }) })).state();
    assert.deepEqual([answer.status, agesOf(answer)], [200, [0]], answer.text);
  });
});

test('a provider that gives no refresh token, though logins ask for one, is told in good health until it does', async (t) => {
  const path = '/state';
  const gateway = await startLoginGateway(tenant, { paths: [{ ...HEALTH, path }] });
  t.after(() => gateway.close());
  const state = async () => {
    const { status, body } = await gateway.ask(path);
    return [status, body.authorizers.map(({ refresh_tokens: told }) => told)];
  };
  assert.deepEqual(await state(), [200, [undefined]], 'before the first login');
  for (const [change, expected] of /** @type {[Record<string, any>, string | undefined][]} */ ([
    [{ refresh_token: undefined }, 'not_given'],
    [{}, undefined],
  ])) {
    const edit = ({ headers, body }) => ({ status: 200, headers, body: { ...JSON.parse(body), ...change } });
    tenant.fault({ path: '/oauth/token', times: 1, edit });
    await logIn(gateway, new Browser());
    assert.deepEqual(await state(), [200, [expected]]);
  }
});

describe('the last failure of a provider', () => {
  test('is told by its code and its age, and not what the provider said', async (t) => {
    const gateway = await start(t, { config: configOf({ authorizer: authorizerOf(tenant) }) });
    assert.equal((await gateway.state()).body.last_provider_failure, undefined, 'there was none');
    for (const [fault, code] of /** @type {[Record<string, any>, string][]} */ ([
      [{ kind: 'status', status: 503, body: '{"error":"recognisable"}' }, 'idp_error'],
      [{ kind: 'reset' }, 'idp_unavailable'],
      [{ kind: 'malformed' }, 'idp_error'],
    ])) {
      tenant.fault({ path: KEY_SET, ...fault });
      await gateway.later(STALE_SECS);
      await gateway.state();
      let answer;
      // It is renewed behind the answer.
      await until(async () => {
        answer = await gateway.state();
        return answer.body.last_provider_failure?.age_seconds === 0;
      });
      const { at, ...failure } = answer.body.last_provider_failure;
      assert.deepEqual([answer.status, failure], [200, { code, age_seconds: 0 }]);
      assert.match(at, ISO_8601);
      assert.ok(!answer.text.includes('recognisable'), answer.text);
      tenant.clearFaults();
      await gateway.later(RETRY_SECS);
      assert.equal((await gateway.state()).body.last_provider_failure.age_seconds, RETRY_SECS);
      // One that is still on its way would be the answer to the next fault.
      await until(async () => agesOf(await gateway.state())[0] === 0);
    }
  });

  test('is also that of a login, which ends in it', async (t) => {
    const path = '/state';
    const gateway = await startLoginGateway(tenant, { paths: [{ ...HEALTH, path }] });
    t.after(() => gateway.close());
    tenant.fault({ path: '/oauth/token', times: 1, kind: 'status', status: 401, body: '{"error":"invalid_client"}' });
    const browser = new Browser();
    const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser));
    const { body } = await gateway.ask(path);
    assert.deepEqual([answer.body.code, body.last_provider_failure.code], ['idp_rejected', 'idp_rejected']);
  });

  test('is none that a request speaks of', async (t) => {
    const path = '/state';
    const gateway = await startLoginGateway(tenant, { paths: [{ ...HEALTH, path }] });
    t.after(() => gateway.close());
    const browser = new Browser();
    const callback = new URL(await loginUntilCallback(gateway, browser));
    callback.searchParams.delete('code');
    callback.searchParams.set('error', 'server_error');
    const answer = await gateway.askAs(browser, callback.href);
    const { body } = await gateway.ask(path);
    assert.deepEqual([answer.body.code, body.last_provider_failure], ['idp_error', undefined]);
  });
});

describe('objects', () => {
  const plain = { ...HEALTH, path: '/state' };
  const checked = { ...plain, integration: { type: 'health', check_objects: true } };
  const BINDINGS = ['DPOP_PROOFS', 'LOGOUT_INDEX', 'RATE_LIMITS', 'REFRESH_EXCHANGES', 'SESSIONS'];

  /** A gateway with sessions whose objects count their calls, fail if a header says so, and store nothing. */
  const startWith = async (t, path = /** @type {any} */ (checked)) => {
    const gateway = await startSessionGateway(tenant, { origin: 'http://127.0.0.1:1' }, { paths: [path] });
    t.after(() => gateway.close());
    return gateway;
  };
  const state = async (gateway) => {
    const { status, body } = await gateway.ask('/state');
    return [status, body.status, body.objects];
  };
  const all = (value, others = {}) => ({ ...Object.fromEntries(BINDINGS.map((name) => [name, value])), ...others });

  test('are not asked unless the config says so', async (t) => {
    const gateway = await startWith(t, plain);
    assert.deepEqual(await state(gateway), [200, 'ok', undefined]);
    for (const name of ['Session', 'RefreshExchange', 'LogoutIndex']) assert.equal(await gateway.calls(name), 0, name);
  });

  test('are told by their bindings, and those that do not answer are 503', async (t) => {
    const gateway = await startWith(t);
    assert.deepEqual(await state(gateway), [200, 'ok', all('ok')]);
    for (const [name, binding] of [
      ['Session', 'SESSIONS'],
      ['RefreshExchange', 'REFRESH_EXCHANGES'],
      ['LogoutIndex', 'LOGOUT_INDEX'],
    ]) {
      await gateway.keepAway(name);
      await gateway.later(RETRY_SECS);
      const away = all('ok', { [binding]: 'store_unavailable' });
      assert.deepEqual(await state(gateway), [503, 'unavailable', away], name);
      await gateway.keepAway(null);
    }
    await gateway.later(RETRY_SECS);
    assert.deepEqual(await state(gateway), [200, 'ok', all('ok')]);
  });

  test('are asked once in ten seconds, however often the path is called, and store nothing', async (t) => {
    const gateway = await startWith(t);
    const answers = await Promise.all(Array.from({ length: 50 }, () => state(gateway)));
    for (const [status, , objects] of answers) assert.deepEqual([status, objects ?? all('ok')], [200, all('ok')]);
    for (const name of ['Session', 'RefreshExchange', 'LogoutIndex']) assert.equal(await gateway.calls(name), 1, name);
    await gateway.later(RETRY_SECS);
    await state(gateway);
    for (const [name, binding] of [
      ['Session', 'SESSIONS'],
      ['RefreshExchange', 'REFRESH_EXCHANGES'],
      ['LogoutIndex', 'LOGOUT_INDEX'],
    ]) {
      assert.equal(await gateway.calls(name), 2, name);
      assert.equal(await gateway.held(binding, 'health'), 0, name);
    }
  });

  test('that hang are given up after three seconds', async (t) => {
    const gateway = await startWith(t);
    const hold = await gateway.holdCall('Session', 'access');
    const asking = state(gateway);
    await hold.arrived();
    await gateway.elapse(4);
    assert.deepEqual(await asking, [503, 'unavailable', all('ok', { SESSIONS: 'store_unavailable' })]);
    hold.release();
  });

  test('are asked to the end, though whoever asked hangs up', async (t) => {
    const gateway = await startWith(t);
    /** Calls the path, and hangs up while a session's object is asked. */
    const hangUp = async () => {
      const hold = await gateway.holdCall('Session', 'access');
      const leaving = new AbortController();
      const left = gateway.fetch('/state', { signal: leaving.signal });
      await hold.arrived();
      leaving.abort();
      await assert.rejects(left, { name: 'AbortError' });
      return hold;
    };
    const first = await hangUp();
    assert.deepEqual(await state(gateway), [200, 'ok', null], 'nothing is known yet');
    first.release();
    await until(async () => (await state(gateway))[2] !== null);
    assert.deepEqual(await state(gateway), [200, 'ok', all('ok')]);

    await gateway.later(RETRY_SECS);
    const second = await hangUp();
    assert.deepEqual(await state(gateway), [200, 'ok', all('ok')], 'what was known');
    await gateway.later(4);
    const away = all('ok', { SESSIONS: 'store_unavailable' });
    assert.deepEqual(await state(gateway), [503, 'unavailable', away], 'without an answer in time');
    second.release();
    assert.equal(await gateway.calls('Session'), 2, 'and none was asked again');
  });

  test('of sessions are not asked where there are none', async (t) => {
    const gateway = await startGateway({ clock: true, config: { paths: [checked] } });
    t.after(() => gateway.close());
    const { status, body } = await gateway.ask('/state');
    const others = Object.fromEntries(BINDINGS.filter((name) => name !== 'SESSIONS').map((name) => [name, 'ok']));
    assert.deepEqual([status, body.objects], [200, others]);
  });
});

test('the answer names no secret, no key and no address, in good health and in bad', async (t) => {
  const authorizers = {
    staff: { ...authorizerOf(tenant), client_secret: '$secret.CLIENT_SECRET' },
    partners: {
      type: 'jwt',
      issuer: 'https://partners.example/',
      audience: 'recognisable-audience',
      secret: '$secret.SHARED_SECRET',
    },
  };
  for (const kind of ['good', 'bad']) {
    const gateway = await start(t, { config: configOf({ authorizers }) });
    if (kind === 'bad') tenant.fault({ path: KEY_SET, kind: 'status', body: '{"error":"recognisable"}' });
    const { status, text } = await gateway.state();
    assert.equal(status, kind === 'good' ? 200 : 503);
    const [key] = tenant.keySet().keys;
    const hidden = [
      ...Object.keys(SECRETS),
      ...Object.values(SECRETS),
      'recognisable',
      key.kid,
      key.n,
      'http',
      '127.0.0.1',
      'bargate-local',
    ];
    for (const secret of hidden) {
      assert.ok(!text.includes(secret), `${kind}: ${secret} in ${text}`);
    }
  }
});

test('the path answers GET and HEAD alone', async (t) => {
  const gateway = await start(t, { config: configOf() });
  const head = await sendRaw(gateway.origin, { method: 'HEAD', path: '/health' });
  assert.deepEqual([head.status, head.text, head.header('content-type')], [200, '', 'application/json']);
  for (const method of ['POST', 'PUT', 'DELETE']) {
    const answer = await sendRaw(gateway.origin, { method, path: '/health' });
    assert.deepEqual([answer.status, answer.header('allow')], [405, 'GET, HEAD'], method);
  }
});
