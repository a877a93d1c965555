// What a failure looks like to the client (RFC 9457), what the log says of each request, and that neither holds what a client
// or a secret put in: tokens, cookies, queries, bodies.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';

const CLIENT_SECRET = 'recognisable-client-secret';

let api;
let tenant;
let gateway;

before(async () => {
  api = await startApi();
  tenant = await startTenant();
  gateway = await startGateway({
    config: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'impatient', url: api.origin, timeout_ms: 50 },
        { alias: 'nobody', url: 'http://127.0.0.1:1' },
      ],
      authorizer: {
        type: 'auth0',
        domain: tenant.origin,
        client_id: 'bargate-local',
        client_secret: '$secret.CLIENT_SECRET',
        audience: tenant.settings.audience,
        redirect_uri: 'http://127.0.0.1:8787/api/auth0/callback',
      },
      paths: [
        { method: 'GET', path: '/fixed', response: { fixed: true } },
        proxied('/api/{.+}', 'api', { mapping: { headers: { 'x-secret': '$secret.UPSTREAM_SECRET' } } }),
        proxied('/private/{.+}', 'api', { auth: true }),
        proxied('/impatient/{.+}', 'impatient'),
        proxied('/nobody/{id}', 'nobody'),
        { method: 'POST', path: '/refresh', integration: { type: 'auth0_refresh' } },
        { method: 'GET', path: '/profile', integration: { type: 'auth0_userinfo' } },
        { method: 'GET', path: '/login', integration: { type: 'auth0_login' } },
        { method: 'GET', path: '/callback', integration: { type: 'auth0_callback' } },
      ],
    },
    bindings: { CLIENT_SECRET, UPSTREAM_SECRET: 'recognisable-upstream-secret' },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
  await tenant?.close();
});

const recordOf = (answer) =>
  gateway.record(({ request_id: id, status }) => status && id === answer.header('x-request-id'));

// Method, path, headers; status, code, title; the route that the log names; whether it gives a reason.
const FAILURES = [
  ['GET', '/nowhere', {}, 404, 'route_not_found', 'Not found', null, false],
  ['POST', '/fixed', {}, 405, 'method_not_allowed', 'Method not allowed', null, false],
  ['GET', '/api%2Fx', {}, 400, 'path_ambiguous', 'Ambiguous path', null, true],
  ['GET', '/private/x', {}, 401, 'token_missing', 'Token missing', '/private/{.+}', false],
  [
    'GET',
    '/private/x',
    { authorization: 'Bearer a.b.c' },
    401,
    'token_invalid',
    'Token invalid',
    '/private/{.+}',
    true,
  ],
  ['GET', '/nobody/x', {}, 502, 'upstream_unreachable', 'Upstream unreachable', '/nobody/{id}', true],
  ['GET', '/impatient/_sample/hang', {}, 504, 'upstream_timeout', 'Upstream time-out', '/impatient/{.+}', false],
  ['POST', '/refresh', {}, 400, 'missing_refresh_token', 'Missing refresh token', '/refresh', false],
  ['GET', '/profile', {}, 401, 'missing_access_token', 'Missing access token', '/profile', false],
  ['GET', '/callback', {}, 400, 'state_invalid', 'Login state invalid', '/callback', true],
];

describe('a failure', () => {
  for (const [method, path, headers, status, code, title, route, hasReason] of FAILURES) {
    test(`of ${method} ${path} is ${status} ${code}, as problem+json and in the log`, async () => {
      const answer = await sendRaw(gateway.origin, { method, path, headers });
      const body = answer.json();
      assert.equal(answer.status, status, answer.text);
      assert.deepEqual(Object.keys(body).sort(), ['code', 'detail', 'error', 'request_id', 'status', 'title', 'type']);
      assert.deepEqual([body.code, body.title], [code, title]);
      assert.equal(body.status, status);
      assert.equal(body.type, `urn:bargate:problem:${body.code}`);
      assert.equal(body.error, body.title);
      assert.ok(body.detail.length > 10);
      assert.equal(body.request_id, answer.header('x-request-id'));
      assert.equal(answer.header('content-type'), 'application/problem+json');
      assert.equal(answer.header('cache-control'), 'no-store');
      assert.equal(answer.header('x-content-type-options'), 'nosniff');
      assert.equal(answer.values('www-authenticate').length, status === 401 ? 1 : 0);

      const record = await recordOf(answer);
      const { level, method: logged, route: named, status: told, code: known, reason } = record;
      assert.deepEqual(
        [level, logged, named, told, known],
        [status >= 500 ? 'error' : 'info', method, route, status, code],
      );
      assert.equal(typeof reason, hasReason ? 'string' : 'undefined');
    });
  }
});

describe('the log', () => {
  test('has one line for each request, with the same members', async () => {
    const ids = [];
    for (const [method, path, headers] of [
      ['GET', '/fixed', {}],
      ['HEAD', '/fixed', {}],
      ['POST', '/api/x', {}],
      ['GET', '/api/_sample/status/500', {}],
      ['GET', '/api/_sample/redirect', {}],
      ...FAILURES,
    ]) {
      const answer = await sendRaw(gateway.origin, { method, path, headers });
      ids.push(answer.header('x-request-id'));
      await recordOf(answer);
    }
    assert.equal(new Set(ids).size, ids.length, 'each request has its own id');
    for (const id of ids) {
      const records = gateway.records().filter(({ request_id: own }) => own === id);
      assert.equal(records.length, 1, id);
      const { code, reason, trace_id: traceId, ...rest } = records[0];
      assert.ok(traceId === undefined || /^[0-9a-f]{32}$/.test(traceId), 'what is passed on has its place in a trace');
      assert.deepEqual(Object.keys(rest).sort(), ['duration_ms', 'level', 'method', 'request_id', 'route', 'status']);
      assert.ok(Number.isFinite(rest.duration_ms) && rest.duration_ms >= 0);
      assert.ok(code !== undefined || reason === undefined, 'a reason stands beside a code');
    }
    for (const { message } of gateway.lines) assert.doesNotThrow(() => JSON.parse(message), message);
  });

  test("has no code where the upstream's own answer was passed on", async () => {
    const answer = await sendRaw(gateway.origin, { path: '/api/_sample/status/503' });
    const { status, code, level, route } = await recordOf(answer);
    assert.deepEqual([status, code, level, route], [503, undefined, 'error', '/api/{.+}']);
  });

  test('and the answers never hold what a client or a secret put in', async () => {
    const token = await tenant.mint({ sub: 'recognisable-subject', jti: 'recognisable-id' });
    const expired = await tenant.mint({ exp: 1, sub: 'recognisable-subject' });
    const [head, payload, signature] = token.split('.');
    const forged = `${head}.${payload}.${signature.slice(0, -4)}AAAA`;
    const marks = [
      'recognisable',
      CLIENT_SECRET,
      'recognisable-upstream-secret',
      token,
      expired,
      payload,
      signature,
      expired.split('.')[1],
      expired.split('.')[2],
      Buffer.from('recognisable').toString('base64url'),
    ];
    const everywhere = {
      cookie: 'bargate-login=recognisable-binding-ab; session=recognisable-session',
      'x-refresh-token': 'recognisable-refresh',
      'x-access-token': 'recognisable-access',
      'x-own': 'recognisable-header',
      origin: 'https://recognisable.example',
      referer: 'https://recognisable.example/?recognisable',
      'user-agent': 'recognisable-agent',
      'x-request-id': 'recognisable request id',
    };
    // Not the `error` that a callback is called with: that is the provider's word to the operator.
    const query =
      'token=recognisable-query&code=recognisable-code&state=recognisable-state&return_to=https://recognisable.example/';
    const form = 'grant_type=refresh_token&refresh_token=recognisable-form';
    const before = gateway.lines.length;
    const answers = [];
    for (const [method, path, headers = {}, body] of [
      ['GET', '/fixed'],
      ['GET', '/nowhere/recognisable-path'],
      ['GET', '/api%2Frecognisable-path'],
      ['DELETE', '/fixed'],
      ['GET', '/private/recognisable-path'],
      ['GET', '/private/x', { authorization: 'Bearer recognisable-bearer' }],
      ['GET', '/private/x', { authorization: `Bearer ${forged}` }],
      ['GET', '/private/x', { authorization: `Bearer ${expired}` }],
      ['GET', '/private/x', { authorization: 'Basic recognisable' }],
      ['GET', '/private/x', { authorization: `Bearer ${token}x` }],
      ['GET', '/nobody/recognisable-path'],
      ['POST', '/nobody/x', {}, 'recognisable-body'],
      ['GET', '/impatient/_sample/hang'],
      ['POST', '/refresh', { 'content-type': 'application/x-www-form-urlencoded' }, form],
      [
        'POST',
        '/refresh',
        { 'content-type': 'application/json', 'x-refresh-token': '' },
        '{"refresh_token": "recognisable-json"',
      ],
      ['POST', '/refresh', { authorization: `Bearer ${token}` }],
      ['POST', '/refresh', { authorization: `Bearer ${expired}` }],
      ['GET', '/profile', { authorization: `Bearer ${token}` }],
      ['GET', '/login'],
      ['GET', '/callback'],
      ['GET', '/api/_sample/status/500', { authorization: `Bearer ${token}` }],
    ]) {
      const answer = await sendRaw(gateway.origin, {
        method,
        path: `${path}?${query}`,
        headers: { ...everywhere, ...headers },
        body,
      });
      await recordOf(answer);
      // The sample API tells what it was sent; that is no answer of the gateway's.
      if (!path.startsWith('/api/') && !path.startsWith('/impatient/'))
        answers.push(`${method} ${path}: ${answer.text}`);
    }
    const lines = gateway.lines.slice(before).map(({ message }) => message);
    assert.ok(lines.length >= 21);
    for (const mark of marks) {
      assert.deepEqual(
        lines.filter((line) => line.includes(mark)),
        [],
        'in the log',
      );
      assert.deepEqual(
        answers.filter((answer) => answer.split(': ').slice(1).join(': ').includes(mark)),
        [],
        'in an answer',
      );
    }
  });
});

describe('the request id', () => {
  for (const [message, id] of [
    ['of one character', '7'],
    ['of 128 characters', 'a'.repeat(128)],
    ['of every character that may be', 'AZaz09-_.AZaz09'],
    ['of a UUID', '7f1c2f3e-0c5e-4f7e-9a39-0123456789ab'],
  ]) {
    test(`${message} is taken from the client, answered, logged and sent upstream`, async () => {
      const answer = await sendRaw(gateway.origin, { path: '/api/x', headers: { 'x-request-id': id } });
      assert.equal(answer.header('x-request-id'), id);
      assert.equal(answer.json().headers['x-request-id'], id);
      await recordOf(answer);
      const failed = await sendRaw(gateway.origin, { path: '/nowhere', headers: { 'x-request-id': id } });
      assert.deepEqual([failed.header('x-request-id'), failed.json().request_id], [id, id]);
    });
  }

  for (const [message, id] of [
    ['that is absent', undefined],
    ['that is empty', ''],
    ['of 129 characters', 'a'.repeat(129)],
    ['with a space', 'abcd 1234'],
    ['with markup', '<b>abcdefgh</b>'],
    ['with quotes', '"abcdefgh"'],
    ['with a slash', 'abcd/efgh'],
    ['with a byte that is not ASCII', 'abcdefgh\u00e9'],
    ['that comes twice', ['abcdefgh', 'ijklmnop']],
  ]) {
    test(`${message} is replaced by one of the gateway's`, async () => {
      const answer = await sendRaw(gateway.origin, {
        path: '/api/x',
        headers: id === undefined ? {} : { 'x-request-id': id },
      });
      const made = answer.header('x-request-id');
      assert.match(made, /^[\w-]{8,}$/);
      assert.ok(![id].flat().includes(made));
      assert.equal(answer.json().headers['x-request-id'], made);
      await recordOf(answer);
    });
  }

  test('is made anew for each request', async () => {
    const answers = await Promise.all(Array.from({ length: 50 }, () => sendRaw(gateway.origin, { path: '/fixed' })));
    assert.equal(new Set(answers.map((answer) => answer.header('x-request-id'))).size, 50);
  });
});
