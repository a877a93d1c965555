// The config while isolates live: a change in KV comes into force behind the answers, a mistake never does, and neither takes
// what is under way or known along. The gateway's clock stands still unless a test moves it.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET, ask } from '../support/bearer.mjs';
import { Browser, until } from '../support/harness.mjs';
import {
  CALLBACK,
  CLIENT_ID,
  CLIENT_SECRET,
  LOGIN,
  REDIRECT_URI,
  REFRESH,
  assertPrivateJson,
  logIn,
  readAnswer,
  startLoginGateway,
} from '../support/login-flow.mjs';
import {
  FIRST_KEY,
  RECHECK_MS,
  SECOND_KEY,
  arrives,
  configOf,
  orderedEntry,
  prepare,
  start,
} from '../support/reload-flow.mjs';

const REFUSED_RECHECK_MS = 5_000;
const TOKEN_ENDPOINT = '/oauth/token';
const AT_ONCE = { concurrency: 8 };

describe('a changed config', AT_ONCE, () => {
  test('comes into force after a minute, and not before', async (t) => {
    const gateway = await start(t, configOf('first'));
    assert.equal(await gateway.source(), 'first');
    await gateway.put(configOf('second'));
    assert.equal(await gateway.source(), 'first');
    await gateway.later(RECHECK_MS - 1);
    assert.equal(await gateway.source(), 'first');
    assert.equal(await gateway.reads('CONFIG'), 1, 'within the minute nobody looks');
    await gateway.later(1);
    assert.equal(await gateway.source(), 'first', 'who finds that it is time does not wait');
    await until(async () => (await gateway.source()) === 'second');
    assert.equal(await gateway.reads('CONFIG'), 2, 'one request looks for all');
  });

  test('that has not changed is looked at once a minute', async (t) => {
    const gateway = await start(t, configOf('first'));
    for (const reads of [1, 2, 3]) {
      for (let request = 0; request < 5; request += 1) assert.equal(await gateway.source(), 'first');
      await until(async () => (await gateway.reads('CONFIG')) === reads);
      await gateway.later(RECHECK_MS);
    }
  });

  test('fails no request of a load that goes on', async (t) => {
    const gateway = await start(t, configOf('0'));
    const answered = {};
    let over = false;
    const worker = async () => {
      while (!over) {
        const answer = await readAnswer(await gateway.fetch('/source'));
        assert.equal(answer.status, 200, answer.text);
        answered[answer.body.value] = (answered[answer.body.value] ?? 0) + 1;
      }
    };
    const load = Promise.all(Array.from({ length: 30 }, worker));
    load.catch(() => {});
    await Promise.race([load, until(() => answered['0'] >= 100)]);
    for (const next of ['1', '2', '3']) {
      await gateway.put(configOf(next));
      await gateway.later(RECHECK_MS);
      await Promise.race([load, until(() => answered[next] >= 100)]);
    }
    over = true;
    await load;
    assert.equal(await gateway.source(), '3');
    assert.deepEqual(Object.keys(answered), ['0', '1', '2', '3'], 'nothing else was ever in force');
  });

  test('may be under the second key, which the first overrides', async (t) => {
    const gateway = await start(t);
    await gateway.put(configOf('second key'), SECOND_KEY);
    assert.equal(await gateway.source(), 'second key');
    await gateway.put(configOf('second key, changed'), SECOND_KEY);
    await arrives(gateway, 'second key, changed');
    await gateway.put(configOf('first key'));
    await arrives(gateway, 'first key');
    await gateway.remove(FIRST_KEY);
    await arrives(gateway, 'second key, changed');
  });
});

describe('an invalid config', AT_ONCE, () => {
  const unresolved = configOf('$env.NO_SUCH_VARIABLE');
  const table = [
    ['with two mistakes', { ...configOf('any'), colour: 1, title: 7 }, [/colour/, /title/]],
    ['with a reference to nothing', unresolved, [/NO_SUCH_VARIABLE/]],
    ['that is no JSON', '{"paths": [', [/./]],
    ['that is empty', '', [/./]],
  ];
  for (const [name, invalid, expected] of table) {
    test(`${name} is logged, and the last good one stays until it is corrected`, async (t) => {
      const gateway = await start(t, configOf('good'));
      assert.equal(await gateway.source(), 'good');
      await gateway.put(invalid);
      for (const reads of [2, 3, 4]) {
        await gateway.later(RECHECK_MS);
        assert.equal(await gateway.source(), 'good');
        await gateway.record(({ code, message }) => code === 'config_invalid' && expected[0].test(message));
        await until(async () => (await gateway.reads('CONFIG')) === reads);
        assert.equal(await gateway.source(), 'good');
      }
      const mistakes = gateway.mistakes();
      assert.equal(mistakes.length, expected.length, `each mistake once: ${mistakes.join('\n')}`);
      for (const pattern of expected)
        assert.ok(
          mistakes.some((mistake) => pattern.test(mistake)),
          `${pattern} is logged`,
        );
      await gateway.put(configOf('corrected'));
      await arrives(gateway, 'corrected');
    });

    test(`${name} at an isolate's start is 503, and over a minute after it is corrected`, async (t) => {
      const gateway = await start(t, invalid);
      await gateway.refused('at the start');
      const mistakes = gateway.mistakes();
      assert.equal(mistakes.length, expected.length, mistakes.join('\n'));
      for (const pattern of expected)
        assert.ok(
          mistakes.some((mistake) => pattern.test(mistake)),
          `${pattern} is logged`,
        );
      const reads = await gateway.reads('CONFIG');
      await gateway.put(configOf('corrected'));
      await gateway.later(RECHECK_MS - 1);
      assert.equal(await gateway.source(), 'config_invalid');
      assert.equal(await gateway.reads('CONFIG'), reads, 'within the minute nobody looks');
      await gateway.later(1);
      assert.equal(await gateway.source(), 'corrected', 'the first request after it waits for the config');
    });
  }

  test('that is taken back leaves the good one in force', async (t) => {
    const gateway = await start(t, configOf('good'));
    assert.equal(await gateway.source(), 'good');
    await gateway.put('no JSON');
    await gateway.later(RECHECK_MS);
    assert.equal(await gateway.source(), 'good');
    await gateway.record(({ code, message }) => code === 'config_invalid' && message);
    await gateway.put(configOf('good'));
    for (const reads of [3, 4]) {
      await gateway.later(RECHECK_MS);
      assert.equal(await gateway.source(), 'good');
      await until(async () => (await gateway.reads('CONFIG')) === reads);
    }
    assert.equal(gateway.mistakes().length, 1);
  });
});

describe('a KV store', AT_ONCE, () => {
  const unavailable = ({ code, message }) => code === 'kv_unavailable' && message.includes('CONFIG');

  const table = [
    ['rejects the read', ['rejects']],
    ['throws', ['throws']],
    // READ_TIMEOUT_MS of kv.rs: these seconds are real.
    ['hangs', ['hangs']],
    ['rejects the read of the second key', ['', 'rejects'], SECOND_KEY],
  ];
  for (const [name, kinds, key = FIRST_KEY] of table) {
    test(`that ${name} at an isolate's start is 503, and the next request tries again`, async (t) => {
      const gateway = await start(t);
      await gateway.put(configOf('stored'), key);
      await gateway.faulty('CONFIG', ...kinds);
      await gateway.refused('neither the built-in config nor another key takes its place');
      assert.ok(gateway.records().some(unavailable), 'the log names the store');
      assert.deepEqual(gateway.mistakes(), [], 'the config is not to blame');
      assert.equal(await gateway.source(), 'stored');
    });

    test(`that ${name} later leaves the config in force, and a minute on is read again`, async (t) => {
      const gateway = await start(t);
      await gateway.put(configOf('first'), key);
      assert.equal(await gateway.source(), 'first');
      await gateway.put(configOf('second'), key);
      await gateway.faulty('CONFIG', ...kinds);
      await gateway.later(RECHECK_MS);
      assert.equal(await gateway.source(), 'first', 'nobody waits for the store');
      await gateway.record(unavailable);
      assert.equal(await gateway.source(), 'first');
      await arrives(gateway, 'second');
    });
  }
});

describe('a Secrets Store that refuses', AT_ONCE, () => {
  const stored = { secretsStoreSecrets: { STORED: { store_id: 'store', secret_name: 'stored' } } };
  const withSecret = configOf('$secret.STORED');

  async function startWithStore(t, config, options = {}) {
    const gateway = await start(t, config, { ...stored, ...options });
    await (await gateway.miniflare.getSecretsStoreSecretAPI('STORED'))().create('from the store');
    return gateway;
  }

  const sources = [
    ['a config in KV', (t) => startWithStore(t, withSecret)],
    ['an inline config, which is not read again', (t) => startWithStore(t, undefined, { config: withSecret, kv: [] })],
  ];
  for (const [name, begin] of sources) {
    for (const kind of ['rejects', 'throws']) {
      test(`once (it ${kind}) is 503, and is asked again after five seconds: ${name}`, async (t) => {
        const gateway = await begin(t);
        await gateway.faulty('STORED', kind);
        await gateway.refused('the secret is missing');
        const [mistake, ...others] = gateway.mistakes();
        assert.match(mistake, /STORED/, 'the log has the name');
        assert.deepEqual(others, []);
        await gateway.later(REFUSED_RECHECK_MS - 1);
        assert.equal(await gateway.source(), 'config_invalid');
        assert.equal(await gateway.reads('STORED'), 1, 'not asked by each request');
        await gateway.later(1);
        assert.equal(await gateway.source(), 'from the store');
        await gateway.later(RECHECK_MS);
        assert.equal(await gateway.source(), 'from the store');
      });
    }
  }

  test('for long is asked every five seconds', async (t) => {
    const gateway = await startWithStore(t, withSecret);
    await gateway.faulty('STORED', 'rejects', 'rejects', 'rejects');
    for (const reads of [1, 2, 3]) {
      assert.equal(await gateway.source(), 'config_invalid');
      assert.equal(await gateway.reads('STORED'), reads);
      await gateway.later(REFUSED_RECHECK_MS);
    }
    assert.equal(await gateway.source(), 'from the store');
  });

  test('during a reload leaves the last good config in force, and the change comes later', async (t) => {
    const gateway = await startWithStore(t, configOf('good'));
    assert.equal(await gateway.source(), 'good');
    await gateway.put(withSecret);
    await gateway.faulty('STORED', 'rejects', 'rejects');
    await gateway.later(RECHECK_MS);
    for (const reads of [1, 2]) {
      assert.equal(await gateway.source(), 'good');
      await until(() => gateway.mistakes().length === reads);
      assert.equal(await gateway.source(), 'good');
      assert.equal(await gateway.reads('STORED'), reads);
      await gateway.later(REFUSED_RECHECK_MS);
    }
    assert.equal(await gateway.source(), 'good', 'nobody waits for the change');
    await until(async () => (await gateway.source()) === 'from the store');
    assert.match(gateway.mistakes()[0], /STORED/);
  });
});

describe('over a change', () => {
  let tenant;

  before(async () => {
    tenant = await startTenant();
  });

  after(() => tenant?.close());

  const loginConfig = (marker, authorizer) => ({
    authorizer: {
      type: 'auth0',
      domain: tenant.origin,
      client_id: CLIENT_ID,
      client_secret: '$secret.CLIENT_SECRET',
      audience: tenant.settings.audience,
      redirect_uri: REDIRECT_URI,
      scope: 'openid offline_access',
      ...authorizer,
    },
    paths: [
      ...configOf(marker).paths,
      { method: 'GET', path: '/health', response: {} },
      { method: 'GET', path: LOGIN, integration: { type: 'auth0_login' } },
      { method: 'GET', path: CALLBACK, integration: { type: 'auth0_callback' } },
      { method: 'GET', path: REFRESH, integration: { type: 'auth0_refresh' } },
      { method: 'ANY', path: '/private', auth: true, response: { ok: true } },
    ],
  });

  /** Starts a gateway that has no store of key sets to fall back on. */
  async function startLogin(t) {
    const options = { config: undefined, kv: ['CONFIG'], objects: [], entry: orderedEntry() };
    return prepare(t, await startLoginGateway(tenant, options), loginConfig('first'));
  }

  test('a refresh that is under way is not exchanged twice', async (t) => {
    const gateway = await startLogin(t);
    const { refresh_token: token } = await logIn(gateway, new Browser());
    const refresh = () => gateway.ask(REFRESH, { headers: { 'x-refresh-token': token } });
    tenant.resetCounts();
    await gateway.put(loginConfig('second'));
    await gateway.later(RECHECK_MS);
    const hold = tenant.hold(TOKEN_ENDPOINT);
    // Finds that it is time, and goes on under the first config.
    const begun = refresh();
    await hold.arrived();
    await until(async () => (await gateway.source()) === 'second');
    const joining = refresh();
    await gateway.drained();
    assert.equal(hold.waiting, 1, 'one is at the provider');
    hold.release();
    const answers = [await begun, await joining, await refresh()];
    for (const answer of answers) assertPrivateJson(answer, 'of either config');
    assert.equal(new Set(answers.map(({ text }) => text)).size, 1, 'one answer for all');
    assert.equal(tenant.counts[TOKEN_ENDPOINT], 1);
    const { rotations, revoked } = tenant.family(token);
    assert.deepEqual([rotations, revoked], [1, false]);
  });

  test('the keys are kept, and what they verified is judged by the rules in force', async (t) => {
    const gateway = await startLogin(t);
    // `ask` of bearer.mjs reads the log, which the login gateway's own leaves to its callers.
    const plain = { ask: async (path, init) => readAnswer(await gateway.fetch(path, init)) };
    const token = await tenant.mint({
      iat: Math.floor(Date.now() / 1000) - 60,
      exp: Math.floor(Date.now() / 1000) + 3600,
    });
    tenant.resetCounts();
    assert.equal((await ask(plain, token)).status, 200);
    assert.equal(tenant.counts[KEY_SET], 1);
    for (const marker of ['second', 'third']) {
      await gateway.put(loginConfig(marker));
      await arrives(gateway, marker);
      assert.equal((await ask(plain, token)).status, 200, marker);
    }
    await gateway.put(loginConfig('stricter', { audience: 'https://other.example/' }));
    await arrives(gateway, 'stricter');
    const refused = await ask(plain, token);
    assert.deepEqual([refused.status, refused.body.code], [401, 'token_invalid']);
    assert.equal(tenant.counts[KEY_SET], 1, 'none of the changes asks for the keys');
  });
});
