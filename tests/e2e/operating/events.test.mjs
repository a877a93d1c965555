// The events of `analytics`: that each is counted when it happens, and only if the config says so; and that docs/operating.md names each,
// and asks for none that there is not.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET } from '../support/bearer.mjs';
import { later } from '../support/clock.mjs';
import { Browser, ROOT, freePort, proxied, startGateway, startUpstream, until } from '../support/harness.mjs';
import { REFRESH, logIn } from '../support/login-flow.mjs';
import { authorizerOf, bearer, entryWith } from '../support/rules.mjs';
import {
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  TOKEN_ENDPOINT,
  askWith,
  beginSession,
  startObeyingGateway,
  startSessionGateway,
  untilExpired,
} from '../support/session-flow.mjs';

const STALE_SECS = 11 * 60;
const RECHECK_SECS = 60;
const IDLE_SECS = 86_400;
const ANALYTICS = { binding: 'POINTS', events: true };
const POINTS = '{ writeDataPoint: (point) => console.log(JSON.stringify({ point })) }';

/** Collects what the gateway would hear of from the garbage collector: all that it still waits for. */
const REGISTRY = `
  const works = [];
  const Real = globalThis.FinalizationRegistry;
  globalThis.FinalizationRegistry = class extends Real {
    constructor(callback) {
      super(callback);
      this.callback = callback;
    }

    register(target, held, token) {
      if (held?.deferred) works.push(() => this.callback(held));
      else super.register(target, held, token);
    }
  };
  export function collect() {
    for (const forget of works.splice(0)) forget();
    return new Response();
  }
`;

let tenant;
let api;
let nobody;

before(async () => {
  [tenant, api, nobody] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi(), freePort()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));
afterEach(() => tenant.clearFaults());

/** The events that a gateway has counted: what happened, by event, in their order. */
function eventsOf(gateway) {
  const events = {};
  for (const { point } of gateway.records()) {
    if (!point?.blobs[3]) continue;
    const [method, route, what, event, ...rest] = point.blobs;
    assert.deepEqual([method, route, rest, point.indexes, point.doubles], ['', '', [], [event], undefined]);
    events[event] = [...(events[event] ?? []), what];
  }
  return events;
}

/** Resolves once so many of an event are counted, and returns all. */
async function counted(gateway, event, count) {
  await until(() => (eventsOf(gateway)[event] ?? []).length >= count);
  return eventsOf(gateway)[event];
}

describe('renewals', () => {
  let gateway;

  before(async () => {
    gateway = await startObeyingGateway(tenant, { points: 'POINTS', sections: { analytics: ANALYTICS } });
  });
  after(() => gateway?.close());

  const by = (token) => ({ headers: { 'x-refresh-token': token } });
  const freshToken = async () => (await logIn(gateway, new Browser())).refresh_token;
  /** What came of it in events, while `act` ran. */
  async function during(act, count) {
    const before = (eventsOf(gateway).renewal ?? []).length;
    await act();
    return (await counted(gateway, 'renewal', before + count)).slice(before);
  }

  test('are counted as made, shared and replayed', async () => {
    const token = await freshToken();
    const together = async () => {
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const first = gateway.ask(REFRESH, by(token));
      await hold.arrived();
      const calls = await gateway.calls('RefreshExchange');
      const second = gateway.ask(REFRESH, by(token));
      await until(async () => (await gateway.calls('RefreshExchange')) > calls);
      hold.release();
      for (const answer of await Promise.all([first, second])) assert.equal(answer.status, 200, answer.text);
    };
    assert.deepEqual((await during(together, 2)).sort(), ['made', 'shared']);
    assert.deepEqual(await during(() => gateway.ask(REFRESH, by(token)), 1), ['replayed']);
  });

  test('that the provider does not grant are counted by code', async () => {
    const token = await freshToken();
    for (const [fault, code] of /** @type {[Record<string, any>, string][]} */ ([
      [{ kind: 'status', status: 503 }, 'idp_error'],
      [{ kind: 'status', status: 429 }, 'idp_rate_limited'],
      [{ kind: 'reset' }, 'idp_unavailable'],
      [{ kind: 'status', status: 401, body: '{"error":"invalid_client"}' }, 'idp_rejected'],
    ])) {
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, ...fault });
      assert.deepEqual(await during(() => gateway.ask(REFRESH, by(token)), 1), [code]);
    }
    assert.deepEqual(await during(() => gateway.ask(REFRESH, by('made-up')), 1), ['refresh_token_invalid']);
  });

  test('whose answers are lost are counted as retried, and rested when that was lost too', async () => {
    tenant.settings.rotationOverlapSeconds = 60;
    const token = await freshToken();
    await gateway.loseAnswers(1);
    const once = await during(() => gateway.ask(REFRESH, by(token)), 2);
    assert.deepEqual(once, ['retried', 'made']);
    const other = await freshToken();
    await gateway.loseAnswers(2);
    await gateway.ask(REFRESH, by(other));
    const twice = await during(() => gateway.ask(REFRESH, by(other)), 1);
    assert.ok(twice.includes('rested'), `${twice}`);
    tenant.settings.rotationOverlapSeconds = 0;
  });
});

test('sessions are counted when they begin, and by the reason for their end', async (t) => {
  const gateway = await startSessionGateway(tenant, api, { points: 'POINTS', sections: { analytics: ANALYTICS } });
  t.after(() => gateway.close());
  const all = [];
  /** Begins a session and lets `act` end it, which is counted as `reason`. */
  const ends = async (reason, act) => {
    const browser = new Browser();
    const session = await beginSession(gateway, tenant, { browser });
    await act(session, browser);
    all.push('begun', reason);
    assert.deepEqual(await counted(gateway, 'session', all.length), all, reason);
  };
  await ends('logout', ({ cookie }) => askWith(gateway, cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE }));
  await ends('erased', async ({ name }) => gateway.tell('SESSIONS', name, { do: 'erase' }));
  await ends('refused', async ({ cookie }) => {
    tenant.fault({ path: TOKEN_ENDPOINT, times: 1, kind: 'status', status: 400, body: '{"error":"invalid_grant"}' });
    await untilExpired();
    await askWith(gateway, cookie);
  });
  await ends('time', async ({ cookie }) => {
    await later(IDLE_SECS * 30);
    await askWith(gateway, cookie);
  });
  // The login that replaces a session begins one.
  const browser = new Browser();
  await beginSession(gateway, tenant, { browser });
  await beginSession(gateway, tenant, { browser });
  all.push('begun', 'begun', 'replaced');
  assert.deepEqual([...(await counted(gateway, 'session', all.length))].sort(), [...all].sort());
});

test('what fails behind a request is counted: objects, lines of the log, upstreams that another stands in for', async (t) => {
  const gateway = await startSessionGateway(tenant, api, {
    points: 'POINTS',
    sections: {
      analytics: ANALYTICS,
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'pair', urls: [`http://127.0.0.1:${nobody}`, api.origin] },
      ],
    },
    paths: [proxied('/pair/{.+}', 'pair')],
  });
  t.after(() => gateway.close());
  const { cookie } = await beginSession(gateway, tenant);

  await gateway.keepAway('Session');
  await later(60);
  assert.equal((await askWith(gateway, cookie)).status, 503);
  await gateway.keepAway(null);
  assert.deepEqual(await counted(gateway, 'object_failed', 1), ['SESSIONS']);

  tenant.fault({ path: TOKEN_ENDPOINT, times: 1, kind: 'status' });
  await later(LIFE_SECS - 90);
  await askWith(gateway, cookie);
  assert.ok((await counted(gateway, 'log', 1)).includes('session_not_renewed'));

  assert.equal((await gateway.ask('/pair/x')).status, 200);
  assert.deepEqual(await counted(gateway, 'upstream_failed', 1), [`http://127.0.0.1:${nobody}`]);
});

test('key sets are counted when they are fetched, cannot be, and are used though they are old', async (t) => {
  const gateway = await startGateway({
    clock: true,
    config: {
      authorizer: authorizerOf(tenant),
      analytics: ANALYTICS,
      paths: [{ method: 'GET', path: '/private', auth: true, response: {} }],
    },
    entry: entryWith({ POINTS }),
  });
  t.after(() => gateway.close());
  const ask = async () => gateway.ask('/private', { headers: await bearer(tenant) });
  await ask();
  assert.deepEqual(await counted(gateway, 'jwks', 1), ['renewed']);
  tenant.fault({ path: KEY_SET, kind: 'status' });
  await gateway.later(STALE_SECS);
  await ask();
  assert.deepEqual(await counted(gateway, 'jwks', 3), ['renewed', 'stale', 'idp_error']);
  assert.deepEqual(eventsOf(gateway).log, ['jwks_unavailable'], 'and the line');
});

test('configs are counted when they are loaded, and when one that is invalid is left aside', async (t) => {
  const config = { analytics: ANALYTICS, paths: [{ method: 'GET', path: '/a', response: {} }] };
  const gateway = await startGateway({ kv: ['CONFIG'], objects: [], clock: true, entry: entryWith({ POINTS }) });
  t.after(() => gateway.close());
  const put = async (value) => (await gateway.kv('CONFIG')).put('gateway.config.json', JSON.stringify(value));
  const change = async (value) => {
    await put(value);
    await gateway.later(RECHECK_SECS);
    await gateway.ask('/a');
  };
  await put(config);
  await gateway.ask('/a');
  assert.deepEqual(await counted(gateway, 'config', 1), ['kv']);
  await change({ ...config, colour: 1 });
  assert.deepEqual(await counted(gateway, 'config', 2), ['kv', 'last_good']);
  assert.deepEqual(eventsOf(gateway).log, ['config_invalid']);
  await change({ ...config, title: 'corrected' });
  assert.deepEqual(await counted(gateway, 'config', 3), ['kv', 'last_good', 'kv']);
});

test('requests whose clients have hung up are counted at the next request, once their work is let go', async (t) => {
  let arrived = 0;
  const silent = await startUpstream(() => {
    arrived += 1;
  });
  t.after(() => silent.close());
  const gateway = await startGateway({
    config: {
      analytics: ANALYTICS,
      servers: [{ alias: 'silent', url: silent.origin, retries: 1 }],
      paths: [proxied('/silent/{.+}', 'silent'), { method: 'GET', path: '/a', response: {} }],
    },
    entry: `import { collect } from './registry.js';
      ${entryWith({ POINTS }, "if (request.headers.has('x-collect')) return collect(); return super.fetch(request);")}`,
    modules: { 'registry.js': REGISTRY },
  });
  t.after(() => gateway.close());
  for (let count = 0; count < 3; count += 1) {
    const aborter = new AbortController();
    const asking = gateway.fetch('/silent/x', { signal: aborter.signal });
    await until(() => arrived > count);
    aborter.abort();
    await assert.rejects(asking);
  }
  await gateway.fetch('/a', { headers: { 'x-collect': '' } });
  for (let count = 0; count < 4; count += 1) await gateway.fetch('/a');
  assert.deepEqual(await counted(gateway, 'request', 3), Array(3).fill('cancelled'));
});

test('no event is counted unless the config says so', async (t) => {
  for (const events of [undefined, false]) {
    const config = {
      authorizer: authorizerOf(tenant),
      analytics: { binding: 'POINTS', events },
      paths: [{ method: 'GET', path: '/private', auth: true, response: {} }],
    };
    const gateway = await startGateway({ clock: true, config, entry: entryWith({ POINTS }) });
    t.after(() => gateway.close());
    await gateway.ask('/private', { headers: await bearer(tenant) });
    const { point } = await gateway.record((record) => record.point);
    assert.deepEqual([point.blobs, eventsOf(gateway)], [['GET', '/private', ''], {}]);
  }
});

describe('docs/operating.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'operating.md'), 'utf8');
  const section = (title) => page.split(`\n### ${title}\n`)[1].split(/\n##+ /)[0];
  const rowsOf = (text) =>
    text
      .split('\n')
      .filter((line) => /^\| (?!---)/.test(line))
      .slice(1);
  const cellsOf = (row) => row.split(' | ').map((cell) => cell.replace(/^\| | \|$/g, ''));
  const quoted = (text) => [...text.matchAll(/`([^`]+)`/g)].map(([, word]) => word);

  /** The events that the page names, each with what may happen. */
  const documented = (() => {
    const events = {};
    let event = '';
    for (const row of rowsOf(section('Events'))) {
      const [name, what] = cellsOf(row);
      event = quoted(name)[0] ?? event;
      events[event] = [...(events[event] ?? []), ...quoted(what)];
    }
    return events;
  })();

  /** Codes that an event may have: those of answers and of log lines. */
  const codes = new Set(
    [page, readFileSync(join(ROOT, 'docs', 'errors.md'), 'utf8')].flatMap((text) =>
      [...text.matchAll(/`(\w+)`|^### (\w+)$/gm)].map(([, word, heading]) => word ?? heading),
    ),
  );

  test('names each event that the source counts, and none besides', () => {
    const source = readdirSync(join(ROOT, 'src', 'edge'), { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:rs|js)$/.test(name))
      .map((name) => readFileSync(join(ROOT, 'src', 'edge', name), 'utf8'))
      .join('\n');
    const calls = [...source.matchAll(/\bcount\(\s*["'](\w+)["'],\s*(["'](\w+)["'])?/g)];
    assert.ok(calls.length > 10, 'the calls are found');
    assert.deepEqual([...new Set(calls.map(([, event]) => event))].sort(), Object.keys(documented).sort());
    for (const [, event, , what] of calls)
      assert.ok(what === undefined || documented[event].includes(what), `${event}: ${what}`);
    const reasons = [...source.matchAll(/(?:leave|expire)\([^;]*?"(\w+)"|const (?:BY_TIME|ERASED): &str = "(\w+)"/g)];
    for (const [, one, other] of reasons) assert.ok(documented.session.includes(one ?? other), one ?? other);
  });

  test('asks only for columns that data points have', () => {
    const columns = section('Counting').match(/\b(?:index|blob|double)\d+\b/g);
    const queries = [...page.matchAll(/```sql\n([^`]*)```/g)].map(([, query]) => query);
    assert.ok(queries.length >= 2);
    for (const query of queries) {
      const named = query.match(/\b(?:index|blob|double)\d+\b/g);
      for (const column of named) assert.ok(columns.includes(column), `${column} in ${query}`);
      assert.match(query, /\bsum\(_sample_interval\)/, 'what is sampled is weighed');
      assert.match(query, /\bFROM bargate_requests\b/);
      assert.doesNotMatch(
        query.split('HAVING')[1] ?? '',
        /\b(?:event|what|blob\d)\b/,
        'rows are chosen before they are counted',
      );
    }
  });

  test('has alarms on events and codes that there are', () => {
    const rows = rowsOf(section('Alarms'));
    assert.ok(rows.length > 10);
    const cells = rows.map(cellsOf);
    const isOutage = (condition) => condition.includes('returns no row');
    assert.equal(cells.filter(([, condition]) => isOutage(condition)).length, 1, 'an outage raises one');
    for (const [alarm, condition, times] of cells) {
      const conditions = quoted(condition).filter((text) => text !== '/health');
      assert.ok(conditions.length, alarm);
      assert.match(times, isOutage(condition) ? /^–$/ : /^\d+$/, alarm);
      for (const condition of conditions) {
        const form = /^blob4 = '(\w*)'(?: AND blob3 (=|LIKE) '([\w%]+)')?$/;
        const [, event, how, what] = form.exec(condition) ?? assert.fail(condition);
        assert.ok(event === '' || documented[event], condition);
        const known = event === '' ? codes : new Set([...documented[event], ...codes]);
        const isKnown =
          how === 'LIKE' ? [...known].some((code) => code.startsWith(what.replace('%', ''))) : known.has(what);
        assert.ok(what === undefined || isKnown, condition);
      }
    }
  });
});
