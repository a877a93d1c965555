// `server_timing` and `analytics`: what a client and an operator are told of where the time went, and that measuring never costs
// an answer.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET } from '../support/bearer.mjs';
import { freePort, proxied, startGateway, startUpstream, until } from '../support/harness.mjs';
import { HIT } from '../support/cache-flow.mjs';
import { authorizerOf, bearer, entryWithClock, fresh, later, mistakesOf } from '../support/rules.mjs';

/** AnalyticsEngineDataset.writeDataPoint throws on a longer index. */
const INDEX_MAX_BYTES = 96;
const LONG = `/${'long'.repeat(60)}`;
const AUTH_TOOK_MS = 300;
const UPSTREAM_TOOK_MS = 50;

let api;
let tenant;
let upstream;
let answerUpstream;
let nobody;
let timed;

before(async () => {
  [api, tenant, nobody] = await Promise.all([startApi(), startTenant(), freePort()]);
  upstream = await startUpstream((request, response) => answerUpstream(request, response));
  timed = await startGateway({ config: configOf({ server_timing: true }) });
});

after(async () => {
  for (const started of [timed, api, upstream, tenant]) await started?.close();
});

beforeEach(() => {
  answerUpstream = (_, response) => response.end(fresh('answer '));
});

const configOf = (sections) => ({
  servers: [
    { alias: 'api', url: api.origin },
    { alias: 'own', url: upstream.origin },
    { alias: 'nobody', url: `http://127.0.0.1:${nobody}` },
  ],
  authorizer: authorizerOf(tenant),
  paths: [
    { method: 'GET', path: '/fixed', response: {} },
    { method: 'GET', path: '/private', auth: true, response: {} },
    proxied('/api/{.+}', 'api'),
    proxied('/own/{.+}', 'own'),
    proxied('/private/{.+}', 'api', { auth: true }),
    proxied('/private/own/{.+}', 'own', { auth: true }),
    proxied('/nobody/{id}', 'nobody'),
    proxied('/kept/{.+}', 'own', { cache: { ttl_seconds: 600 } }),
    { method: 'GET', path: LONG, response: {} },
  ],
  ...sections,
});

/** The entries of Server-Timing by name, each with its parameters. */
const entriesOf = ({ headers }) =>
  Object.fromEntries(
    (headers.get('server-timing') ?? '')
      .split(',')
      .filter(Boolean)
      .map((entry) => {
        const [name, ...parameters] = entry.trim().split(/\s*;\s*/);
        return [name, parameters.join(';')];
      }),
  );

/** Makes a request to a gateway that has no keys yet, during which its clock is moved: at the provider, and at the upstream. */
async function askSlowly(gateway) {
  const hold = tenant.hold(KEY_SET);
  answerUpstream = async (_, response) => {
    await later(gateway, UPSTREAM_TOOK_MS);
    response.end();
  };
  const asking = gateway.ask('/private/own/x', { headers: await bearer(tenant) });
  await hold.arrived();
  await later(gateway, AUTH_TOOK_MS);
  hold.release();
  return asking;
}

describe('Server-Timing', () => {
  for (const [message, path, token, status, names] of [
    ['nothing where the gateway answers by itself', '/fixed', false, 200, []],
    ['the check of a token', '/private', true, 200, ['auth']],
    ['the upstream', '/api/x', false, 200, ['upstream']],
    ['both, in the order in which they came', '/private/x', true, 200, ['auth', 'upstream']],
    ['nothing where there is no such path', '/nowhere', false, 404, []],
  ]) {
    test(`tells ${message}`, async () => {
      const answer = await timed.ask(path, { headers: token ? await bearer(tenant, { jti: fresh() }) : {} });
      assert.equal(answer.status, status);
      assert.deepEqual(Object.keys(entriesOf(answer)), names);
      for (const parameters of Object.values(entriesOf(answer))) assert.match(parameters, /^dur=\d+(\.\d+)?$/);
      if (!names.length) assert.equal(answer.headers.get('server-timing'), null);
    });
  }

  test('tells of no upstream where none was asked', async () => {
    const { status, ...answer } = await timed.ask('/private/x', { headers: { authorization: 'Bearer a.b.c' } });
    assert.deepEqual([status, 'upstream' in entriesOf(answer)], [401, false]);
    let kept;
    await until(async () => {
      kept = await timed.ask('/kept/x');
      return kept.headers.get('cache-status') === HIT;
    });
    assert.deepEqual(entriesOf(kept), {});
  });

  test("stands beside the upstream's own", async () => {
    answerUpstream = (_, response) =>
      response.writeHead(200, { 'server-timing': 'db;dur=53, app;desc="the app"' }).end();
    const entries = entriesOf(await timed.ask('/own/x'));
    assert.deepEqual([entries.db, entries.app, Object.keys(entries).length], ['dur=53', 'desc="the app"', 3]);
    assert.match(entries.upstream, /^dur=\d/);
  });

  test('tells for how long, in milliseconds', async (t) => {
    const gateway = await startGateway({ config: configOf({ server_timing: true }), entry: entryWithClock() });
    t.after(() => gateway.close());
    const answer = await askSlowly(gateway);
    assert.deepEqual(entriesOf(answer), { auth: `dur=${AUTH_TOOK_MS}`, upstream: `dur=${UPSTREAM_TOOK_MS}` });
  });

  test('is not told unless the config says so', async (t) => {
    for (const sections of [{}, { server_timing: false }]) {
      const gateway = await startGateway({ config: configOf(sections) });
      t.after(() => gateway.close());
      for (const path of ['/fixed', '/private/x', '/api/x']) {
        const { status, headers } = await gateway.ask(path, { headers: await bearer(tenant) });
        assert.deepEqual([status, headers.get('server-timing')], [200, null], path);
      }
      answerUpstream = (_, response) => response.writeHead(200, { 'server-timing': 'db;dur=53' }).end();
      assert.equal(
        (await gateway.ask('/own/x')).headers.get('server-timing'),
        'db;dur=53',
        "the upstream's own passes",
      );
    }
  });
});

describe('analytics', () => {
  const POINTS = `{
    writeDataPoint(point) {
      if (this !== made.POINTS.value) throw new TypeError('Illegal invocation');
      console.log(JSON.stringify({ point }));
    },
  }`;
  const analytics = { analytics: { binding: 'POINTS' } };

  async function start(t, binding = POINTS) {
    const gateway = await startGateway({ config: configOf(analytics), entry: entryWithClock({ POINTS: binding }) });
    t.after(() => gateway.close());
    const known = new Set();
    return {
      ...gateway,
      /** Makes a request and gives its answer and its point. */
      async measured(path, init) {
        const answer = await gateway.ask(path, init);
        const { point } = await gateway.record((record) => record.point && !known.has(record));
        for (const record of gateway.records()) if (record.point) known.add(record);
        return { ...answer, point };
      },
    };
  }

  test('get one point for each request: route, method, code, status and times', async (t) => {
    const gateway = await start(t);
    const headers = await bearer(tenant);
    const requests = [
      ['GET', '/fixed', {}, '/fixed', '', 200],
      ['HEAD', '/fixed', {}, '/fixed', '', 200],
      ['GET', '/private', headers, '/private', '', 200],
      ['POST', '/api/x?a=secret', {}, '/api/{.+}', '', 200],
      ['GET', '/api/_sample/status/503', {}, '/api/{.+}', '', 503],
      ['PUT', '/private/x', headers, '/private/{.+}', '', 200],
      ['GET', '/private', {}, '/private', 'token_missing', 401],
      ['GET', '/private/x', { authorization: 'Bearer a.b.c' }, '/private/{.+}', 'token_invalid', 401],
      ['GET', '/nobody/7', {}, '/nobody/{id}', 'upstream_unreachable', 502],
      ['GET', '/nowhere', {}, '', 'route_not_found', 404],
      ['DELETE', '/fixed', {}, '', 'method_not_allowed', 405],
    ];
    for (const [method, path, sent, route, code, status] of requests) {
      const { point, ...answer } = await gateway.measured(path, { method, headers: sent });
      const message = `${method} ${path}`;
      assert.equal(answer.status, status, message);
      assert.deepEqual(Object.keys(point).sort(), ['blobs', 'doubles', 'indexes'], message);
      assert.deepEqual([point.indexes, point.blobs], [[route], [method, route, code]], message);
      assert.equal(point.doubles.length, 4, message);
      assert.equal(point.doubles[0], status, message);
      for (const double of point.doubles)
        assert.ok(Number.isFinite(double) && double >= 0, `${message}: ${point.doubles}`);
      const [, total, auth, toUpstream] = point.doubles;
      assert.ok(total >= auth && total >= toUpstream, `${message}: ${point.doubles}`);
      if (!path.startsWith('/private')) assert.equal(auth, 0, message);
      if (!/^\/(api|nobody|private\/)/.test(path)) assert.equal(toUpstream, 0, message);
    }
    assert.equal(gateway.records().filter(({ point }) => point).length, requests.length, 'one each');
  });

  test('know how long it took, all in all, for the token, and for the upstream', async (t) => {
    const gateway = await start(t);
    await askSlowly(gateway);
    const { point } = await gateway.record((record) => record.point);
    assert.deepEqual(point.doubles, [200, AUTH_TOOK_MS + UPSTREAM_TOOK_MS, AUTH_TOOK_MS, UPSTREAM_TOOK_MS]);
  });

  test('get an index that is short enough to be taken', async (t) => {
    const { point } = await (await start(t)).measured(LONG);
    assert.ok(Buffer.byteLength(point.indexes[0]) <= INDEX_MAX_BYTES, `${point.indexes[0].length} characters`);
    assert.ok(LONG.startsWith(point.indexes[0]) && point.indexes[0].length > 1);
    assert.equal(point.blobs[1], LONG, 'the whole route is there too');
  });

  test('cost no answer where they fail', async (t) => {
    const gateway = await start(t, '{ writeDataPoint() { throw new TypeError("the dataset is away"); } }');
    for (const [path, status] of [
      ['/fixed', 200],
      ['/api/x', 200],
      ['/nowhere', 404],
    ]) {
      assert.equal((await gateway.ask(path)).status, status, path);
    }
  });

  test("go to the runtime's own dataset", async (t) => {
    const gateway = await startGateway({
      config: configOf(analytics),
      analyticsEngineDatasets: { POINTS: { dataset: 'requests' } },
    });
    t.after(() => gateway.close());
    for (const [path, status] of [
      ['/fixed', 200],
      [LONG, 200],
      ['/api/x', 200],
      ['/nowhere', 404],
    ]) {
      assert.equal((await gateway.ask(path)).status, status, path);
    }
    assert.deepEqual(
      gateway.records().filter(({ level, status }) => level !== 'info' || !status),
      [],
    );
  });

  test('need the dataset that the config names: where it is not there, the log names it', async (t) => {
    const gateway = await startGateway({ config: configOf(analytics) });
    t.after(() => gateway.close());
    const mistakes = await mistakesOf(gateway);
    assert.equal(mistakes.filter((mistake) => /\bPOINTS\b/.test(mistake)).length, 1, mistakes.join('\n'));
  });
});
