// Requests of every kind that wait for upstreams at the same time: a plain one, for which the gateway does the least, and one for each
// rule that it must not do less for. Each goes on by the rules of its own path and gets its own answer, whichever upstream is first.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { freePort, proxied, sendRaw, startUpstream, until } from '../support/harness.mjs';
import { APP, bearer } from '../support/rules.mjs';
import { beginSession, startSessionGateway } from '../support/session-flow.mjs';

const LIMIT = 1000;
const TIMEOUT_SECS = 5;
const ROUNDS = 4;
const FORGED = { 'x-user-id': 'forged' };
const TRACE = '0af7651916cd43dd8448eb211c80319c';
/** What the cache and the token are known by. */
const HIT = '/kept/hit';
const FIRST = '/claim/first';
const FIXED = { from: 'the gateway' };

let tenant;
let api;
let upstream;
let gateway;
let cookie;
/** A token that the gateway has verified before. */
let known;
/** What the upstream was asked, by URL, in the order in which it was. @type {Map<string, any[]>} */
const seen = new Map();
/** Answers the upstream still owes. @type {(() => void)[]} */
const owed = [];

before(async () => {
  tenant = await startTenant();
  api = await startApi();
  upstream = await startUpstream(async (request, response) => {
    request.on('error', () => {});
    const body = await request.toArray().catch(() => undefined);
    if (!body) return;
    const { url, headers } = request;
    const calls = seen.get(url) ?? [];
    seen.set(url, [...calls, { headers, bytes: Buffer.concat(body).length }]);
    const isMoved = url.startsWith('/moved');
    const answer = () => {
      response.writeHead(isMoved ? 302 : 200, {
        'content-type': 'text/plain',
        'x-said': url,
        'access-control-allow-origin': '*',
        ...(isMoved && { location: `${upstream.origin}/elsewhere` }),
      });
      response.end(url);
    };
    if ([HIT, FIRST].includes(url)) answer();
    else if (url.startsWith('/again') && calls.length === 0) response.writeHead(503).end();
    else if (!url.startsWith('/late')) owed.push(answer);
  });
  const nobody = `http://127.0.0.1:${await freePort()}`;
  gateway = await startSessionGateway(tenant, api, {
    sections: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'own', url: upstream.origin },
        { alias: 'unsteady', url: upstream.origin, retries: 1 },
        { alias: 'second', urls: [nobody, upstream.origin] },
        { alias: 'slow', url: upstream.origin, timeout_ms: TIMEOUT_SECS * 1000 },
      ],
      cors: { allow_origins: [APP] },
    },
    paths: [
      whole('/plain/{n}', 'own'),
      whole('/removing/{n}', 'own', { request_headers: { remove: ['x-own'] } }),
      whole('/claim/{n}', 'own', { auth: true, mapping: { headers: { 'x-user-id': '$request.jwt.sub' } } }),
      whole('/asking/{n}', 'own', { auth: true, mapping: { query: { user: '$request.jwt.sub' } } }),
      whole('/dressed/{n}', 'own', { response_headers: { set: { 'x-set': 'yes' }, remove: ['x-said'] } }),
      whole('/limited/{n}', 'own', { max_body_bytes: LIMIT }),
      whole('/session/{n}', 'own', { auth: true }),
      whole('/moved/{n}', 'own'),
      whole('/late/{n}', 'slow'),
      whole('/second/{n}', 'second'),
      whole('/again/{n}', 'unsteady'),
      whole('/kept/{n}', 'own', { cache: { ttl_seconds: 600 } }),
      { method: 'ANY', path: '/fixed/{n}', response: FIXED },
      { method: 'GET', path: '/own/{n}', auth: true, response: FIXED },
    ],
  });
  ({ cookie } = await beginSession(gateway, tenant));
  known = await bearer(tenant, { sub: 'known' });
  for (const path of [HIT, FIRST]) assert.equal((await gateway.ask(path, { headers: known })).text, path);
});

after(async () => {
  await gateway?.close();
  await upstream?.close();
  await api?.close();
  await tenant?.close();
});

/** A path whose upstream gets all of it. */
const whole = (path, server, more = {}) => ({
  ...proxied(path, server, more),
  integration: { type: 'http_proxy', server, strip_prefix: '' },
});

const plain = (answer) => assert.equal(answer.header('cache-control'), null);
const fixed = (answer) => {
  plain(answer);
  assert.deepEqual(answer.json(), FIXED);
};
const chunked = (bytes) => ({
  method: 'POST',
  headers: { 'transfer-encoding': 'chunked' },
  body: Buffer.alloc(bytes, 'x'),
});

/**
 * A kind of request: where it goes, what is sent, what the upstream is asked by it if that is another URL, and what must be so of the
 * answer and of what the upstream was asked. If no upstream answers it, `by` says who does.
 *
 * @typedef {object} Kind
 * @property {(n: number) => string} path
 * @property {(n: number) => any} [send]
 * @property {(n: number) => string} [url]
 * @property {'the gateway' | 'the cache'} [by]
 * @property {number} [status] 200 if it is left out
 * @property {boolean} [isReadable] whether the page at `APP` may read the answer, and no other page
 * @property {boolean} [isTraced] whether it is a part of `TRACE`
 * @property {(n: number) => string} [host] by which the gateway is called, if that is another
 * @property {(answer: any, calls: any[], n: number) => void} [expect]
 */

/** @type {Record<string, Kind>} */
const KINDS = {
  'a plain one': {
    path: (n) => `/plain/a${n}`,
    send: (n) => ({ headers: { 'x-own': `${n}` } }),
    expect(answer, [call], n) {
      plain(answer);
      assert.deepEqual([answer.header('x-set'), call.headers['x-own']], [null, `${n}`]);
    },
  },
  'one that forges what another path says of users': {
    path: (n) => `/plain/b${n}`,
    send: () => ({ headers: FORGED }),
    expect: (_, [call]) => assert.equal(call.headers['x-user-id'], undefined),
  },
  'one of a page that may read the answer': {
    path: (n) => `/plain/c${n}`,
    send: () => ({ headers: { origin: APP } }),
    isReadable: true,
  },
  'one of a page that may not': {
    path: (n) => `/plain/d${n}`,
    send: () => ({ headers: { origin: 'https://elsewhere.example' } }),
  },
  'one by another name of the gateway': {
    path: (n) => `/plain/e${n}`,
    send: (n) => ({ headers: { host: `gateway${n}.example` } }),
    host: (n) => `gateway${n}.example`,
  },
  'one of a trace': {
    path: (n) => `/plain/f${n}`,
    send: () => ({ headers: { traceparent: `00-${TRACE}-b7ad6b7169203331-01` } }),
    isTraced: true,
  },
  'one with escapes in its URL': { path: (n) => `/plain/g%C3%A9${n}?a=%20` },
  'one that asks whether a page may send it': {
    path: (n) => `/plain/h${n}`,
    send: () => ({ method: 'OPTIONS', headers: { origin: APP, 'access-control-request-method': 'PUT' } }),
    by: 'the gateway',
    status: 204,
    isReadable: true,
    expect(answer, calls) {
      assert.match(answer.header('access-control-allow-methods'), /\bPUT\b/);
      assert.deepEqual(calls, []);
    },
  },
  'one whose path removes a header': {
    path: (n) => `/removing/${n}`,
    send: () => ({ headers: { 'x-own': 'removed', x_own: 'too' } }),
    expect: (_, [call]) => assert.deepEqual([call.headers['x-own'], call.headers.x_own], [undefined, undefined]),
  },
  'one whose path dresses the answer': {
    path: (n) => `/dressed/${n}`,
    expect: (answer) => assert.deepEqual([answer.header('x-set'), answer.header('x-said')], ['yes', null]),
  },
  'one whose upstream sends the client elsewhere': {
    path: (n) => `/moved/${n}`,
    status: 302,
    expect: (answer) => assert.equal(answer.header('location'), `${gateway.origin}/elsewhere`),
  },
  'one with a claim of its user': {
    path: (n) => `/claim/a${n}`,
    send: async (n) => ({ headers: { ...FORGED, ...(await bearer(tenant, { sub: `user-${n}` })) } }),
    expect: (_, [call], n) => assert.equal(call.headers['x-user-id'], `user-${n}`),
  },
  'one with a token that is known': {
    path: (n) => `/claim/b${n}`,
    send: () => ({ headers: { ...FORGED, ...known } }),
    expect: (_, [call]) => assert.equal(call.headers['x-user-id'], 'known'),
  },
  'one without the token that it needs': {
    path: (n) => `/claim/c${n}`,
    send: () => ({ headers: FORGED }),
    by: 'the gateway',
    status: 401,
    expect: (_, calls) => assert.deepEqual(calls, []),
  },
  'one whose path adds a claim to the query': {
    path: (n) => `/asking/${n}?user=forged`,
    send: () => ({ headers: known }),
    url: (n) => `/asking/${n}?user=known`,
  },
  'one with a body to the byte': {
    path: (n) => `/limited/a${n}`,
    send: () => chunked(LIMIT),
    expect: (_, [call]) => assert.equal(call.bytes, LIMIT),
  },
  'one with a byte too many': {
    path: (n) => `/limited/b${n}`,
    send: () => chunked(LIMIT + 1),
    by: 'the gateway',
    status: 413,
    expect: (answer) => assert.equal(answer.json().code, 'body_too_large'),
  },
  'one of a session': {
    path: (n) => `/session/${n}`,
    send: () => ({ headers: { cookie: `own=1; ${cookie}` } }),
    expect(answer, [call]) {
      assert.match(call.headers.authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
      assert.deepEqual([call.headers.cookie, answer.header('cache-control')], ['own=1', 'private']);
    },
  },
  'one with the cookie of a session on a path that needs none': {
    path: (n) => `/plain/i${n}`,
    send: () => ({ headers: { cookie } }),
    expect(answer, [call]) {
      plain(answer);
      assert.deepEqual([call.headers.authorization, call.headers.cookie], [undefined, undefined]);
    },
  },
  'one whose upstream is asked again': {
    path: (n) => `/again/${n}`,
    expect: (_, calls) => assert.equal(calls.length, 2),
  },
  'one whose first upstream is nobody': { path: (n) => `/second/${n}` },
  'one whose upstream takes too long': {
    path: (n) => `/late/${n}`,
    by: 'the gateway',
    status: 504,
    expect: (answer) => assert.equal(answer.json().code, 'upstream_timeout'),
  },
  'one that the cache answers': {
    path: () => HIT,
    by: 'the cache',
    expect: (answer) => assert.equal(answer.header('cache-status'), 'bargate; hit'),
  },
  'one that the cache has no answer to': {
    path: (n) => `/kept/${n}`,
    send: async () => ({ headers: { ...(await bearer(tenant)), cookie } }),
    expect(answer, [call]) {
      assert.equal(answer.header('cache-status'), 'bargate; fwd=miss');
      assert.deepEqual([call.headers.authorization, call.headers.cookie], [undefined, undefined]);
    },
  },
  'one that the gateway answers itself': { path: (n) => `/fixed/a${n}`, by: 'the gateway', expect: fixed },
  'one that the gateway answers for a page': {
    path: (n) => `/fixed/b${n}`,
    send: () => ({ headers: { origin: APP } }),
    by: 'the gateway',
    isReadable: true,
    expect: fixed,
  },
  'one that the gateway answers without its body': {
    path: (n) => `/fixed/c${n}`,
    send: () => chunked(LIMIT),
    by: 'the gateway',
    expect: fixed,
  },
  'one that the gateway answers to a token': {
    path: (n) => `/own/a${n}`,
    send: () => ({ headers: known }),
    by: 'the gateway',
    expect: fixed,
  },
  'one that the gateway answers to a session': {
    path: (n) => `/own/b${n}`,
    send: () => ({ headers: { cookie } }),
    by: 'the gateway',
    expect(answer) {
      assert.equal(answer.header('cache-control'), 'private');
      assert.deepEqual(answer.json(), FIXED);
    },
  },
};

test('each request that waits beside others goes on by its own rules and gets its own answer', async () => {
  const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/open/socket`);
  await once(socket, 'open');
  const asked = [];
  let answered = 0;
  const count = () => (answered += 1);
  for (let n = 0; n < ROUNDS; n += 1) {
    for (const [message, kind] of Object.entries(KINDS)) {
      const path = kind.path(n);
      const { headers, ...sent } = (await kind.send?.(n)) ?? {};
      const id = `side-by-side-${asked.length}`;
      const answer = sendRaw(gateway.origin, { path, headers: { ...headers, 'x-request-id': id }, ...sent });
      answer.then(count, count);
      asked.push({ message, kind, url: kind.url?.(n) ?? path, n, id, answer });
    }
  }
  const late = asked.filter(({ url }) => url.startsWith('/late'));
  // Whatever waits for its upstream does so until all do.
  await until(() => owed.length + answered === asked.length - late.length && late.every(({ url }) => seen.has(url)));
  // The others have longer.
  await gateway.elapse(TIMEOUT_SECS);
  await Promise.all(late.map(({ answer }) => answer));
  for (const answer of owed.splice(0).reverse()) answer();
  for (const one of asked) {
    try {
      assertOwn(one, await one.answer);
    } catch (error) {
      error.message = `${one.message}: ${error.message}`;
      throw error;
    }
  }
  const parents = asked.filter(({ kind }) => !kind.by).map(({ url }) => seen.get(url)[0].headers.traceparent);
  assert.equal(new Set(parents).size, parents.length, 'each is a part of a trace by itself');
  socket.send('still there');
  const [data] = await once(socket, 'message');
  assert.equal(String(data), 'still there');
  socket.close();
});

/** Asserts what is so of every request, and what is so of its kind. */
function assertOwn({ kind, url, n, id }, answer) {
  const { by, status = 200, isReadable = false, isTraced = false, host, expect } = kind;
  const calls = seen.get(url) ?? [];
  assert.deepEqual([answer.status, answer.header('x-request-id')], [status, id]);
  assert.deepEqual(answer.values('access-control-allow-origin'), isReadable ? [APP] : []);
  if (by !== 'the gateway' && !url.startsWith('/dressed')) assert.equal(answer.header('x-said'), url);
  if (!by) {
    const { 'x-request-id': told, 'x-forwarded-host': called, traceparent } = calls[0].headers;
    assert.deepEqual([told, called], [id, host?.(n) ?? new URL(gateway.origin).host]);
    assert.equal(traceparent.includes(TRACE), isTraced);
  }
  expect?.(answer, calls, n);
}
