// Where the config comes from, the older gateway's variable among it, and that no request is lost while KV gives one after the
// other, good ones and bad, to several isolates under load. How soon a change is seen, and what each mistake does, is in
// reload.test.mjs; references and the newer variable are in config.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { proxied, sendRaw, startGateway, until } from '../support/harness.mjs';
import { JWT, bearer, older } from '../support/older.mjs';
import { FIRST_KEY, RECHECK_SECS, SECOND_KEY, configOf, start } from '../support/reload-flow.mjs';

const OLDER_VARIABLE = 'SAG_API_CONFIG_JSON';
const VARIABLE = 'BARGATE_CONFIG_JSON';

const valid = (value) => JSON.stringify(configOf(value));

/** Starts a gateway with variables, and with texts in KV by their keys. */
async function startWith(t, { bindings = {}, stored = {} }) {
  const gateway = await startGateway({ clock: true, kv: ['JWKS', 'CONFIG'], bindings });
  t.after(() => gateway.close());
  const namespace = await gateway.kv('CONFIG');
  for (const [key, text] of Object.entries(stored)) await namespace.put(key, text);
  return gateway;
}

const sourceOf = async (gateway) => (await (await gateway.fetch('/source')).json()).value;

describe("the older gateway's variable", { concurrency: 4 }, () => {
  const kv = { [FIRST_KEY]: valid('first key'), [SECOND_KEY]: valid('second key') };
  for (const [message, bindings, stored, expected] of /** @type {any[][]} */ ([
    ['gives the config', { [OLDER_VARIABLE]: valid('older') }, {}, 'older'],
    ['gives the config as a JSON variable, too', { [OLDER_VARIABLE]: configOf('older object') }, {}, 'older object'],
    ['gives the config behind a byte order mark', { [OLDER_VARIABLE]: `\ufeff${valid('older')}` }, {}, 'older'],
    [
      'gives a config whose references are resolved',
      { [OLDER_VARIABLE]: valid('$env.NAMED'), NAMED: 'by name' },
      {},
      'by name',
    ],
    ['overrides KV', { [OLDER_VARIABLE]: valid('older') }, kv, 'older'],
    ["gives way to the gateway's own", { [OLDER_VARIABLE]: valid('older'), [VARIABLE]: valid('own') }, kv, 'own'],
    ["counts where the gateway's own is empty", { [OLDER_VARIABLE]: valid('older'), [VARIABLE]: ' ' }, kv, 'older'],
    ['does not count where it is empty', { [OLDER_VARIABLE]: '' }, kv, 'first key'],
    [
      'does not count where it is blank',
      { [OLDER_VARIABLE]: ' \n', [VARIABLE]: '' },
      { [SECOND_KEY]: valid('second key') },
      'second key',
    ],
  ])) {
    test(message, async (t) => assert.equal(await sourceOf(await startWith(t, { bindings, stored })), expected));
  }

  test('that holds no valid config is 503: neither KV nor the built-in config takes its place', async (t) => {
    for (const text of ['no JSON', JSON.stringify({ ...configOf('any'), colour: 1 }), valid('$env.NO_SUCH_VARIABLE')]) {
      const gateway = await startWith(t, { bindings: { [OLDER_VARIABLE]: text }, stored: kv });
      const { status, body } = await gateway.ask('/source');
      assert.deepEqual([status, body.code], [503, 'config_invalid'], text);
      assert.equal(
        gateway.records().filter(({ code, message }) => code === 'config_invalid' && message).length,
        1,
        text,
      );
    }
  });
});

describe("the older gateway's file in KV", { concurrency: 2 }, () => {
  for (const key of [SECOND_KEY, FIRST_KEY]) {
    test(`is in force under the key ${key}, as it stands`, async (t) => {
      const gateway = await startWith(t, {
        bindings: { STAGE: 'test', SHOWN: 'shown' },
        stored: { [key]: older('responses') },
      });
      const answer = await sendRaw(gateway.origin, { method: 'POST', path: '/references' });
      assert.deepEqual([answer.status, answer.json().stage, answer.json().secret], [200, 'test', 'shown']);
    });
  }
});

describe('the health path', () => {
  test('says where the config came from, and whether it is an older one than is there', async (t) => {
    const healthy = { paths: [{ method: 'GET', path: '/health', integration: { type: 'health' } }] };
    const health = async (gateway) => (await (await gateway.fetch('/health')).json()).config;
    for (const name of [VARIABLE, OLDER_VARIABLE]) {
      const gateway = await startWith(t, { bindings: { [name]: JSON.stringify(healthy) } });
      const { source, last_good: lastGood } = await health(gateway);
      assert.deepEqual([source, lastGood], ['variable', false], name);
    }
    const gateway = await start(t, healthy);
    const { source, last_good: lastGood } = await health(gateway);
    assert.deepEqual([source, lastGood], ['kv', false]);
    for (const [text, expected] of [
      ['no JSON', true],
      [{ ...healthy, title: 'corrected' }, false],
    ]) {
      await gateway.put(text);
      await gateway.later(RECHECK_SECS);
      await until(async () => (await health(gateway)).last_good === expected);
    }
  });
});

describe('changes in KV under a load that goes on', () => {
  const ISOLATES = 2;
  const WORKERS_EACH = 12;
  const ANSWERS_EACH = 60;
  const BODY = 'x'.repeat(100_000);

  let api;

  before(async () => {
    api = await startApi();
  });

  after(() => api?.close());

  /** A config in which everything says its version; `more` is what is wrong with it. */
  const version = (name, more = {}) => ({
    servers: [{ alias: 'api', url: api.origin }],
    authorizer: { type: 'jwt', secret: JWT.secret, algorithm: 'HS256', audience: JWT.audience, issuer: JWT.issuer },
    variables: { version: name },
    paths: [
      { method: 'GET', path: '/fixed', response: { version: name } },
      { method: 'GET', path: '/private', auth: true, response: { version: name } },
      proxied('/api/{.+}', 'api', {
        mapping: { headers: { 'x-version': '$config.version' }, query: { version: '$config.version' } },
      }),
    ],
    ...more,
  });

  /** The kinds of requests, each of which gives the version that answered it. */
  const KINDS = [
    async (origin) => read(await fetch(`${origin}/fixed`), ({ version: name }) => name),
    async (origin) =>
      read(await fetch(`${origin}/private`, { headers: bearer({ exp: 4e9 }) }), ({ version: name }) => name),
    async (origin) =>
      read(
        await fetch(`${origin}/api/x`, { method: 'POST', body: BODY }),
        ({ headers, query, body_length: length }) => {
          assert.equal(length, BODY.length, 'the whole body arrives');
          assert.equal(query, `version=${headers['x-version']}`, 'no request is handled by two configs');
          return headers['x-version'];
        },
      ),
  ];

  async function read(response, versionOf) {
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return versionOf(JSON.parse(text));
  }

  /** Asks each isolate for all kinds at once, and again, until `stop`; counts the answers of each by version. */
  function load(origins) {
    const counts = origins.map(() => ({}));
    let [over, sent] = [false, 0];
    const worker = async (index, turn) => {
      for (let round = turn; !over; round += 1) {
        sent += 1;
        const name = await KINDS[round % KINDS.length](origins[index]);
        counts[index][name] = (counts[index][name] ?? 0) + 1;
      }
    };
    const running = Promise.all(
      origins.flatMap((_, index) => Array.from({ length: WORKERS_EACH }, (__, turn) => worker(index, turn))),
    );
    running.catch(() => {});
    return {
      counts,
      /** Resolves once every isolate has answered by this version some times more than it had; fails as soon as a request does. */
      answeredBy(name) {
        const enough = counts.map((count) => (count[name] ?? 0) + ANSWERS_EACH);
        return Promise.race([
          running,
          until(() => counts.every((count, index) => (count[name] ?? 0) >= enough[index])),
        ]);
      },
      async stop() {
        over = true;
        await running;
        return sent;
      },
    };
  }

  test('lose no request, in no isolate, and what is under way ends as it began', async (t) => {
    const gateway = await start(t, version('0'), { isolates: ISOLATES });
    const { counts, answeredBy, stop } = load(gateway.origins);
    await answeredBy('0');

    const held = gateway.origins.map(async (origin) =>
      read(await fetch(`${origin}/api/_sample/hang`), ({ headers }) => headers['x-version']),
    );
    await until(() => api.hanging === ISOLATES);
    const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/api/socket`);
    await once(socket, 'open');

    const good = (name) => [`the version ${name}`, () => gateway.put(version(name)), name];
    const steps = [
      good('1'),
      ['a key that nobody knows', () => gateway.put(version('bad', { colour: 1 })), '1', /unknown_key/],
      ['a reference to nothing', () => gateway.put(version('$env.NO_SUCH_VARIABLE')), '1', /missing_binding/],
      good('2'),
      ['a text cut off', () => gateway.put(JSON.stringify(version('bad')).slice(0, -1)), '2', /invalid_json/],
      ['a store that is away', () => gateway.faulty('CONFIG', 'rejects'), '2', 'kv_unavailable'],
      [
        'the second key, where the first is gone',
        async () => {
          await gateway.put(version('3'), SECOND_KEY);
          await gateway.remove(FIRST_KEY);
        },
        '3',
      ],
      good('4'),
    ];
    for (const [message, change, name, logged] of steps) {
      const isLogged = ({ code, message: text }) =>
        code === logged || (code === 'config_invalid' && logged?.test?.(text));
      const before = gateway.records().filter(isLogged).length;
      await change();
      await gateway.later(RECHECK_SECS);
      if (logged) await until(() => gateway.records().filter(isLogged).length >= before + ISOLATES);
      await answeredBy(name).catch((error) => assert.fail(`${message}: ${error.message}`));
    }

    api.release();
    assert.deepEqual(
      await Promise.all(held),
      gateway.origins.map(() => '0'),
      'requests that waited all the while',
    );
    socket.send('still there');
    const [echo] = await once(socket, 'message');
    assert.equal(String(echo), 'still there');
    socket.terminate();

    const sent = await stop();
    const answered = counts.flatMap((count) => Object.values(count)).reduce((sum, count) => sum + count, 0);
    assert.equal(answered, sent, 'each request that was sent was answered by some version');
    for (const count of counts)
      assert.deepEqual(Object.keys(count), ['0', '1', '2', '3', '4'], 'and by none that was never valid');
  });
});
