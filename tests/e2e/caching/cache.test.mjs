// `cache`: what a kept answer looks like, for how long it is one, and which requests it answers. Which answers are not kept, and
// who is not answered by one, is in cache-limits.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { until } from '../support/harness.mjs';
import { HIT, MISS, OTHER_APP, startCachingGateway, statusOf } from '../support/cache-flow.mjs';
import { APP, fresh } from '../support/rules.mjs';

let gateway;

before(async () => {
  gateway = await startCachingGateway();
});

after(() => gateway?.close());

beforeEach(() => gateway.forget());

describe('a kept answer', () => {
  test('is given again without asking the upstream, and says so', async () => {
    const path = fresh('/kept/');
    const first = await gateway.get(path);
    assert.deepEqual([first.status, statusOf(first)], [200, MISS]);
    const hit = await gateway.kept(path);
    const before = gateway.times(path);
    for (let round = 0; round < 3; round += 1) {
      const again = await gateway.get(path);
      assert.deepEqual([again.status, again.text, statusOf(again)], [200, hit.text, HIT]);
    }
    assert.equal(gateway.times(path), before);
  });

  test('has the headers of the one that was put away, and an id of its own', async () => {
    const path = fresh('/kept/');
    const own = {
      'content-type': 'text/x-own; charset=utf-8',
      'cache-control': 'public, max-age=77',
      etag: '"e"',
      'x-own': 'one two',
      'last-modified': 'Thu, 01 Jan 2026 00:00:00 GMT',
      link: '<a>; rel=a',
      'content-language': 'de',
    };
    gateway.answerBy((_, response) => response.writeHead(200, own).end('body'));
    const miss = await gateway.get(path);
    const hit = await gateway.kept(path);
    for (const [name, value] of Object.entries(own)) {
      assert.deepEqual([miss.headers.get(name), hit.headers.get(name)], [value, value], name);
    }
    assert.equal(hit.headers.get('x-request-id'), hit.id);
    assert.deepEqual([hit.record.route, hit.record.status, hit.record.code], ['/kept/{.+}', 200, undefined]);
    // What the runtime's cache tells of itself, and how a body is framed; nothing else is added.
    const ofTransport = [
      'age',
      'date',
      'cf-cache-status',
      'content-length',
      'transfer-encoding',
      'connection',
      'keep-alive',
    ];
    const added = [...hit.headers.keys()].filter((name) => !miss.headers.has(name) && !ofTransport.includes(name));
    assert.deepEqual(added, []);
  });

  test('is without Cache-Control where the upstream gave none', async () => {
    const path = fresh('/kept/');
    assert.equal((await gateway.get(path)).headers.get('cache-control'), null);
    assert.equal((await gateway.kept(path)).headers.get('cache-control'), null);
  });

  test('is used until its time is over', async () => {
    const path = fresh('/short/');
    await gateway.kept(path);
    await until(async () => statusOf(await gateway.get(path)) === MISS);
  });

  test('is used no longer where the upstream says so: the config decides', async () => {
    const path = fresh('/short/');
    const long = { 'cache-control': 'max-age=600', expires: 'Fri, 01 Jan 2100 00:00:00 GMT' };
    gateway.answerBy((_, response) => response.writeHead(200, long).end());
    await gateway.kept(path);
    await until(async () => statusOf(await gateway.get(path)) === MISS);
  });

  test('reaches the first client while the upstream still sends it', async () => {
    const path = fresh('/kept/');
    let sending;
    gateway.answerBy((_, response) => {
      sending = response;
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).write('first');
    });
    const response = await gateway.fetch(path);
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    assert.equal((await reader.read()).value, 'first');
    sending.end(' and last');
    assert.equal((await reader.read()).value, ' and last');
    assert.ok((await reader.read()).done);
    gateway.answerBy((_, other) => other.end('of another request'));
    const before = gateway.times(path);
    const hit = await gateway.kept(path);
    if (gateway.times(path) === before) assert.equal(hit.text, 'first and last');
  });

  test('of a MiB comes whole', async () => {
    const path = fresh('/kept/');
    const body = 'bargate '.repeat(128 * 1024);
    gateway.answerBy((_, response) => response.end(body));
    assert.ok((await gateway.kept(path)).text === body);
  });

  test('is that of one address: scheme, host, path and query are all part of it', async () => {
    const path = fresh('/kept/');
    gateway.answerBy(({ headers, url }, response) => {
      response.end(`${headers['x-forwarded-proto']}://${headers['x-forwarded-host']}/kept${url}`);
    });
    const addresses = [
      `http://a.example${path}`,
      `http://a.example${path}?x=1`,
      `http://a.example${path}?x=2`,
      `http://a.example${path}?x=1&y=2`,
      `http://a.example${path}?y=2&x=1`,
      `http://a.example${path}/`,
      `http://a.example${path}/%3Fx=1`,
      `http://b.example${path}`,
      `https://a.example${path}`,
      `http://a.example:8080${path}`,
    ];
    const statusAt = async (address) => {
      const answer = await gateway.miniflare.dispatchFetch(address);
      assert.equal(await answer.text(), address);
      return statusOf(answer);
    };
    for (const address of addresses) await until(async () => (await statusAt(address)) === HIT);
    for (const address of addresses) assert.equal(await statusAt(address), HIT, address);
  });

  test('is readable for the origin that asks, and not for the one for which it was put away', async () => {
    const path = fresh('/kept/');
    await gateway.kept(path, { origin: APP });
    for (const [origin, allowed] of [
      [OTHER_APP, OTHER_APP],
      [APP, APP],
      ['https://evil.example', null],
      [undefined, null],
    ]) {
      const answer = await gateway.get(path, origin && { origin });
      assert.deepEqual([statusOf(answer), answer.headers.get('access-control-allow-origin')], [HIT, allowed], origin);
      assert.match(answer.headers.get('vary') ?? '', /\borigin\b/i, origin);
    }
  });
});

describe('a public path that is cached', () => {
  test('sends the upstream neither cookies nor credentials, so that what is kept is for all', async () => {
    const path = fresh('/kept/');
    const secrets = { cookie: 'session=of-alice', authorization: 'Bearer of-alice', 'x-own': 'passes' };
    const hit = await gateway.kept(path, secrets);
    for (const cookie of [
      'session=of-alice; bargate-login=q',
      'bargate-login=q',
      '__Host-bargate-login=q; session=of-alice; a="b"',
    ]) {
      await gateway.get(fresh('/kept/'), { ...secrets, cookie });
    }
    for (const { headers } of gateway.asked) {
      assert.deepEqual([headers.cookie, headers.authorization, headers['x-own']], [undefined, undefined, 'passes']);
    }
    for (const [message, headers] of [
      ['who sends none', {}],
      ['who sends others', { cookie: 'session=of-bob', authorization: 'Basic b3duOm93bg==' }],
    ]) {
      const answer = await gateway.get(path, headers);
      assert.deepEqual([answer.text, statusOf(answer)], [hit.text, HIT], message);
    }
  });

  test('sends them neither with a request that the cache is not asked for', async () => {
    const secrets = { cookie: 'session=of-alice', authorization: 'Bearer of-alice' };
    for (const init of [{ method: 'POST', body: 'x' }, { method: 'HEAD' }, { headers: { range: 'bytes=0-1' } }]) {
      await gateway.ask(fresh('/any/'), { ...init, headers: { ...init.headers, ...secrets } });
      const { headers } = gateway.asked.at(-1);
      assert.deepEqual([headers.cookie, headers.authorization], [undefined, undefined], JSON.stringify(init));
    }
  });

  test('is alone in that: another path sends them, and says nothing of a cache', async () => {
    const secrets = { cookie: 'session=of-alice', authorization: 'Bearer of-alice' };
    const answer = await gateway.get(fresh('/plain/'), secrets);
    assert.deepEqual([answer.status, statusOf(answer)], [200, null]);
    const { headers } = gateway.asked.at(-1);
    assert.deepEqual([headers.cookie, headers.authorization], [secrets.cookie, secrets.authorization]);
  });
});

describe('vary', () => {
  for (const [message, vary] of [
    ['that the upstream names', 'Accept-Language'],
    ['that the upstream names among others', 'x-kind, ACCEPT-LANGUAGE'],
    ['that the upstream does not name', undefined],
  ]) {
    test(`keeps one answer for each value of a header ${message}`, async () => {
      const path = fresh('/vary/');
      gateway.answerBy(({ headers }, response) => {
        response.writeHead(200, vary ? { vary } : {}).end(`${headers['accept-language']} ${headers['x-kind']}`);
      });
      const table = [
        [{ 'accept-language': 'de' }, 'de undefined'],
        [{ 'accept-language': 'en' }, 'en undefined'],
        [{ 'accept-language': 'de', 'x-kind': 'a' }, 'de a'],
        [{ 'accept-language': 'de', 'x-kind': 'b' }, 'de b'],
        // Joined without care, these two would look alike.
        [{ 'accept-language': 'a', 'x-kind': 'b,c' }, 'a b,c'],
        [{ 'accept-language': 'a,b', 'x-kind': 'c' }, 'a,b c'],
      ];
      for (const [headers, expected] of table) assert.equal((await gateway.kept(path, headers)).text, expected);
      for (const [headers, expected] of table) {
        const answer = await gateway.get(path, headers);
        assert.deepEqual([answer.text, statusOf(answer)], [expected, HIT]);
      }
    });
  }

  test('is about no other header', async () => {
    const path = fresh('/vary/');
    const hit = await gateway.kept(path, { 'accept-language': 'de', 'x-other': '1' });
    const answer = await gateway.get(path, { 'accept-language': 'de', 'x-other': '2' });
    assert.deepEqual([answer.text, statusOf(answer)], [hit.text, HIT]);
  });
});
