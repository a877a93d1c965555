// Requests of every kind that wait for upstreams at the same time: a plain one, for which the gateway does the least, and one for each
// rule that it must not do less for. Each goes on by the rules of its own path and gets its own answer, whichever upstream is first.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startUpstream, until } from '../support/harness.mjs';
import { APP, bearer } from '../support/rules.mjs';
import { beginSession, startSessionGateway } from '../support/session-flow.mjs';

const LIMIT = 1000;
const ROUNDS = 4;
const FORGED = { 'x-user-id': 'forged' };
const HIT = '/kept/hit';

let tenant;
let api;
let upstream;
let gateway;
let cookie;
/** What the upstream was asked, by path, in the order in which it was. @type {Map<string, any[]>} */
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
    const answer = () => {
      response.writeHead(200, { 'content-type': 'text/plain', 'x-said': url });
      response.end(url);
    };
    if (url === HIT) answer();
    else if (url.startsWith('/again') && calls.length === 0) response.writeHead(503).end();
    else owed.push(answer);
  });
  gateway = await startSessionGateway(tenant, api, {
    sections: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'own', url: upstream.origin },
        { alias: 'unsteady', url: upstream.origin, retries: 1 },
      ],
      cors: { allow_origins: [APP] },
    },
    paths: [
      whole('/plain/{n}', 'own'),
      whole('/removing/{n}', 'own', { request_headers: { remove: ['x-own'] } }),
      whole('/claim/{n}', 'own', { auth: true, mapping: { headers: { 'x-user-id': '$request.jwt.sub' } } }),
      whole('/limited/{n}', 'own', { max_body_bytes: LIMIT }),
      whole('/session/{n}', 'own', { auth: true }),
      whole('/again/{n}', 'unsteady'),
      whole('/kept/{n}', 'own', { cache: { ttl_seconds: 600 } }),
    ],
  });
  ({ cookie } = await beginSession(gateway, tenant));
  assert.equal((await gateway.ask(HIT)).text, HIT);
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
const chunked = (bytes) => ({
  method: 'POST',
  headers: { 'transfer-encoding': 'chunked' },
  body: Buffer.alloc(bytes, 'x'),
});

/**
 * Every kind of request: where it goes, what is sent, and what must be so of its answer and of what the upstream was asked. One that
 * no upstream answers says so.
 * @type {Record<string, { path: (n: number) => string, send?: (n: number) => any, unasked?: boolean, expect: (answer: any, calls: any[], n: number) => void }>}
 */
const KINDS = {
  'a plain one': {
    path: (n) => `/plain/a${n}`,
    send: (n) => ({ headers: { 'x-own': `${n}` } }),
    expect(answer, [call], n) {
      plain(answer);
      assert.deepEqual([answer.header('access-control-allow-origin'), call.headers['x-own']], [null, `${n}`]);
    },
  },
  'one that forges what another path says of users': {
    path: (n) => `/plain/b${n}`,
    send: () => ({ headers: FORGED }),
    expect: (_, [call]) => assert.equal(call.headers['x-user-id'], undefined),
  },
  'one whose path removes a header': {
    path: (n) => `/removing/${n}`,
    send: () => ({ headers: { 'x-own': 'removed', x_own: 'too' } }),
    expect: (_, [call]) => assert.deepEqual([call.headers['x-own'], call.headers.x_own], [undefined, undefined]),
  },
  'one with a claim of its user': {
    path: (n) => `/claim/${n}`,
    send: async (n) => ({ headers: { ...FORGED, ...(await bearer(tenant, { sub: `user-${n}` })) } }),
    expect: (_, [call], n) => assert.equal(call.headers['x-user-id'], `user-${n}`),
  },
  'one of a page that may read the answer': {
    path: (n) => `/plain/c${n}`,
    send: () => ({ headers: { origin: APP } }),
    expect: (answer) => assert.equal(answer.header('access-control-allow-origin'), APP),
  },
  'one of a page that may not': {
    path: (n) => `/plain/d${n}`,
    send: () => ({ headers: { origin: 'https://elsewhere.example' } }),
    expect: (answer) => assert.equal(answer.header('access-control-allow-origin'), null),
  },
  'one with a body to the byte': {
    path: (n) => `/limited/a${n}`,
    send: () => chunked(LIMIT),
    expect: (_, [call]) => assert.equal(call.bytes, LIMIT),
  },
  'one with a byte too many': {
    path: (n) => `/limited/b${n}`,
    send: () => chunked(LIMIT + 1),
    unasked: true,
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
  'one whose upstream is asked again': {
    path: (n) => `/again/${n}`,
    expect: (_, calls) => assert.equal(calls.length, 2),
  },
  'one that the cache answers': {
    path: () => HIT,
    unasked: true,
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
};

test('each request that waits beside others goes on by its own rules and gets its own answer', async () => {
  const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/open/socket`);
  await once(socket, 'open');
  const asked = [];
  for (let n = 0; n < ROUNDS; n += 1) {
    for (const [message, kind] of Object.entries(KINDS)) {
      const path = kind.path(n);
      const { headers, ...sent } = (await kind.send?.(n)) ?? {};
      const id = `side-by-side-${asked.length}`;
      const answer = sendRaw(gateway.origin, { path, headers: { ...headers, 'x-request-id': id }, ...sent });
      asked.push({ message, kind, path, n, id, answer });
    }
  }
  await until(() => owed.length === asked.filter(({ kind }) => !kind.unasked).length);
  for (const answer of owed.splice(0).reverse()) answer();
  for (const { message, kind, path, n, id, answer: coming } of asked) {
    const answer = await coming;
    assert.equal(answer.header('x-request-id'), id, message);
    if (answer.status !== 413) assert.deepEqual([answer.status, answer.header('x-said')], [200, path], message);
    try {
      kind.expect(answer, seen.get(path) ?? [], n);
    } catch (error) {
      error.message = `${message}: ${error.message}`;
      throw error;
    }
  }
  socket.send('still there');
  const [data] = await once(socket, 'message');
  assert.equal(String(data), 'still there');
  socket.close();
});
