// Fixed answers, of which the gateway keeps what each request gets alike: whoever asked before, each gets the answer that is its own.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { APP, bearer } from '../support/rules.mjs';
import { beginSession, startSessionGateway } from '../support/session-flow.mjs';

const HSTS = 'max-age=63072000';
/** More than one piece of a body. */
const UPLOAD = 'x'.repeat(100_000);

const fixed = (path, more = {}) => ({ method: 'ANY', path, response: { path }, ...more });
const removing = (name) => ({ response_headers: { remove: [name] } });

let tenant;
let api;
let gateway;
let timed;
/** What each asks, by whatever it does not share with the first; and what its answer has in these headers. @type {any[][]} */
let table;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  const paths = [
    fixed('/open'),
    fixed('/other'),
    fixed('/guarded', { auth: true }),
    fixed('/optional', { auth: { optional: true } }),
    fixed('/untyped', removing('content-type')),
    fixed('/unnamed', removing('x-request-id')),
    fixed('/named', { response_headers: { set: { 'x-request-id': 'of the path' } } }),
    { ...fixed('/empty'), response: undefined, integration: { type: 'static', status: 204 } },
  ];
  [gateway, timed] = await Promise.all([
    startSessionGateway(tenant, api, { sections: { cors: { allow_origins: [APP] } }, paths }),
    startSessionGateway(tenant, api, { sections: { server_timing: true }, paths }),
  ]);
  const { cookie } = await beginSession(gateway, tenant);
  const token = await bearer(tenant);
  table = [
    ['a request', '/open', {}, {}],
    ['another path', '/other', {}, {}],
    ['HEAD', '/open', { method: 'HEAD' }, {}],
    ['a page of another origin', '/open', { headers: { origin: APP } }, { 'access-control-allow-origin': APP }],
    ['one of an origin that is not listed', '/open', { headers: { origin: 'https://evil.example' } }, {}],
    ['an upload', '/open', { method: 'POST', body: UPLOAD }, {}],
    ['https', '/open', { https: true }, { 'strict-transport-security': HSTS }],
    ['a token', '/guarded', { headers: token }, {}],
    ['a session', '/guarded', { headers: { cookie } }, { 'cache-control': 'private', vary: 'Origin, Cookie' }],
    ['nobody, where nobody need be', '/optional', {}, { vary: 'Origin, Cookie' }],
    ['a token there', '/optional', { headers: token }, { vary: 'Origin, Cookie' }],
    ['a session there', '/optional', { headers: { cookie } }, { 'cache-control': 'private', vary: 'Origin, Cookie' }],
    ['a path that takes the type away', '/untyped', {}, { 'content-type': null }],
    ['one that takes the id away', '/unnamed', {}, { 'x-request-id': null }],
    ['one that sets it', '/named', {}, { 'x-request-id': 'of the path' }],
    ['one without a body', '/empty', {}, { 'content-type': null }],
  ];
});

after(async () => {
  await Promise.all([gateway, timed].map((started) => started?.close()));
  await api?.close();
  await tenant?.close();
});

/** Asks for a path, perhaps under an id of its own, and gives what a client sees. */
async function seen(path, { https = false, headers = {}, ...init }, id) {
  const asked = { ...init, headers: { ...headers, ...(id && { 'x-request-id': id }) } };
  const answer = https
    ? await gateway.miniflare.dispatchFetch(`https://gateway.example${path}`, asked)
    : await gateway.fetch(path, asked);
  const text = await answer.text();
  return { status: answer.status, text, header: (name) => answer.headers.get(name) };
}

test('each request gets its own answer, whichever came before it', async () => {
  const rows = [...table, ...table.toReversed()];
  // What is kept is the answer to a request without an id, and others of both kinds get it.
  const rounds = [false, true, false].flatMap((brings) => rows.map((row) => ({ brings, row })));
  const ids = new Set();
  for (const [round, { brings, row }] of rounds.entries()) {
    const [message, path, init, expected] = row;
    const sent = brings ? `request-${round}` : undefined;
    const { status, text, header } = await seen(path, init, sent);
    const isEmpty = path === '/empty';
    assert.equal(status, isEmpty ? 204 : 200, message);
    assert.equal(text, isEmpty || init.method === 'HEAD' ? '' : JSON.stringify({ path }), message);
    const id = 'x-request-id' in expected ? undefined : header('x-request-id');
    const headers = {
      'content-type': 'application/json',
      'x-content-type-options': 'nosniff',
      'x-request-id': sent ?? id,
      vary: 'Origin',
      ...Object.fromEntries(
        ['access-control-allow-origin', 'strict-transport-security', 'cache-control', 'set-cookie'].map((name) => [
          name,
          null,
        ]),
      ),
      ...expected,
    };
    for (const [name, value] of Object.entries(headers)) assert.equal(header(name), value, `${message}: ${name}`);
    if (id === undefined) continue;
    assert.match(id, /^[\w-]{8,}$/, message);
    assert.ok(!ids.has(id), `${message}: another's id`);
    ids.add(id);
    const { route, method } = await gateway.record(({ request_id }) => request_id === id);
    assert.deepEqual([route, method], [path, init.method ?? 'GET'], `${message}: its line of the log`);
  }
});

test('an answer that tells how long its request took is never an earlier one', async () => {
  const headers = await bearer(tenant);
  for (const round of [1, 2, 3]) {
    const answer = await timed.fetch('/guarded', { headers });
    assert.equal(await answer.text(), JSON.stringify({ path: '/guarded' }), `request ${round}`);
    assert.match(answer.headers.get('server-timing') ?? '', /^auth;dur=\d+$/, `request ${round}`);
  }
});
