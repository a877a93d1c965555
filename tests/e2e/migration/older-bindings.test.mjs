// The older gateway's config with other Workers beside it, real ones on workerd: bound by fetch and by function, asked before a
// request goes on, and a JavaScript module of the gateway's own.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { sendRaw, startGateway } from '../support/harness.mjs';
import { JWT, answers, assertCode, bearer, besides, json, startOlder } from '../support/older.mjs';

const UNUSED_SECRET = 'a secret that no config refers to';
const SUCCESS = 'Operation completed successfully.';

let api;
let gateway;

before(async () => {
  api = await startApi();
  gateway = await startOlder('bindings', {
    // The build that has the modules of the tests.
    directory: 'build-fault',
    bindings: { ORDERS_URL: api.origin, JWT_SECRET: JWT.secret, UNUSED_SECRET, A_VARIABLE: 'of the Worker' },
    beside: besides('users', 'reports', 'guard'),
    serviceBindings: { USERS: 'users', REPORTS: 'reports', GUARD: 'guard' },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
});

beforeEach(() => {
  api.requests.length = 0;
});

const at = (path, more = {}) => sendRaw(gateway.origin, { path, ...more });

// There, the runtime refused the further arguments that the call by fetch had; what was meant is what happens here.
describe('a bound Worker', () => {
  answers(
    () => gateway,
    [
      [
        'answers by fetch what it was asked',
        { method: 'PUT', path: '/users/7/mail?x=%20y', ...json({ a: 1 }) },
        202,
        { worker: 'users', method: 'PUT', path: '/users/7/mail?x=%20y', body: '{"a":1}' },
        (answer) => assert.equal(answer.header('x-own'), 'users'),
      ],
      ['may stand in the section of the other name', '/reports', 200, { worker: 'reports' }],
      ['of either section is that of the first one, where both have the alias', '/users/1', 202, { worker: 'users' }],
    ],
  );
});

describe('a function of a bound Worker', () => {
  answers(
    () => gateway,
    [
      [
        'gets the request',
        { method: 'POST', path: '/calls/echo?x=1', ...json([1]) },
        200,
        { status: 'success', data: { method: 'POST', path: '/calls/echo?x=1', body: '[1]' } },
      ],
      [
        'that gives an object is successful',
        '/calls/plain',
        200,
        { status: 'success', message: SUCCESS, data: { id: 7, tags: ['a', 'b'] } },
      ],
      [
        'may give the status and the message',
        '/calls/created',
        201,
        { status: 'success', message: 'Created.', data: { id: 7 } },
      ],
      ['may have data in its data', '/calls/nested', 200, { status: 'success', data: { data: { id: 7 }, more: true } }],
      [
        'that gives an error is 500, and gives nothing else',
        '/calls/failed',
        500,
        { status: 'error', message: 'An error occurred.', error: 'no such user', data: undefined },
      ],
      [
        'that gives an error may give the status and the message',
        '/calls/refused',
        422,
        { status: 'error', message: 'Not taken.', error: { field: 'mail' } },
      ],
      [
        'that gives a list is successful',
        '/calls/list',
        200,
        { status: 'success', message: SUCCESS, data: [1, 'two'] },
      ],
      ['that gives null is an empty answer', '/calls/nothing', 200, undefined],
      ['that gives a number is 400', '/calls/number', 400, undefined],
    ],
  );

  test('may give a text, which is the body as it stands', async () => {
    const answer = await at('/calls/text');
    assert.deepEqual([answer.status, answer.text, answer.header('content-type')], [200, 'plain', 'application/json']);
  });

  test('may give an answer of its own', async () => {
    const answer = await at('/calls/response');
    assert.deepEqual([answer.status, answer.text, answer.header('x-own')], [418, 'of its own', 'response']);
    assert.equal(answer.header('content-type'), 'text/plain');
  });

  test('that throws, or gives nothing at all, is an error that shows nothing of it', async () => {
    for (const path of ['/calls/thrown', '/calls/undefined']) {
      const answer = await at(path);
      assertCode(answer, 502, 'service_failed', path);
      assert.ok(!answer.text.includes('a failure that only the log may show'), path);
    }
  });

  test('is told the address and the claims under the names that they had', async () => {
    const answer = await at('/context/42?x=1', { headers: bearer({ role: 'editor' }) });
    assert.equal(answer.status, 200, answer.text);
    const { context } = answer.json().data;
    assert.equal(context.requestUrl, `${gateway.origin}/context/42?x=1`);
    assert.deepEqual([context.jwtPayload.sub, context.jwtPayload.role], ['alice', 'editor']);
    assert.deepEqual(context.params, { id: '42' });
    const open = (await at('/open-context', { headers: bearer() })).json().data.context;
    assert.equal(open.jwtPayload, null, 'where no token was looked at');
  });

  test('is told no variable, no secret and nothing of the config, all of which it was told there', async () => {
    const answer = await at('/context/42', { headers: bearer() });
    const { environment, context } = answer.json().data;
    assert.deepEqual(environment, {});
    assert.deepEqual(
      Object.keys(context).filter((name) => ['apiConfig', 'matchedPath'].includes(name)),
      [],
    );
    for (const secret of [JWT.secret, UNUSED_SECRET, api.origin]) assert.ok(!answer.text.includes(secret), secret);
  });
});

describe('a guard', () => {
  answers(
    () => gateway,
    [
      [
        'lets a request go on to an upstream',
        { method: 'POST', path: '/guarded/orders', headers: { 'x-pass': 'yes' } },
        200,
        { method: 'POST', path: '/guarded/orders' },
      ],
      [
        'stops a request with an answer of its own',
        { method: 'POST', path: '/guarded/orders' },
        429,
        { blocked: true },
        (answer) => {
          assert.equal(answer.header('x-own'), 'guard');
          assert.deepEqual(api.requests, [], 'and the upstream never hears of it');
        },
      ],
      [
        'reads the body, and what it guards reads it too',
        { method: 'POST', path: '/guarded/users', ...json({ stop: false }) },
        200,
        { status: 'success', data: { body: '{"stop":false}' } },
      ],
      [
        'stops a request for its body',
        { method: 'POST', path: '/guarded/users', ...json({ stop: true }) },
        409,
        { stopped: true },
      ],
    ],
  );

  test('comes after the token, and is told whose it is', async () => {
    const by = (headers) => at('/guarded/private', { headers });
    assertCode(await by({}), 401, 'token_missing', 'without a token');
    assert.equal((await by(bearer())).status, 200);
    assert.equal((await by(bearer({ sub: 'bob' }))).status, 403);
  });

  test('that answers neither true nor an answer was 200 and empty there, and lets nothing through', async () => {
    assertCode(await at('/guarded/unsure'), 502, 'service_failed', 'false');
  });

  test('of a fixed answer was not asked there, and is', async (t) => {
    const config = {
      serviceBindings: [{ alias: 'guard', binding: 'GUARD' }],
      paths: [
        { method: 'GET', path: '/fixed', response: 'fixed', pre_process: { binding: 'guard', function: 'check' } },
      ],
    };
    const other = await startGateway({
      bindings: { SAG_API_CONFIG_JSON: JSON.stringify(config) },
      beside: besides('guard'),
      serviceBindings: { GUARD: 'guard' },
    });
    t.after(() => other.close());
    const by = (headers) => sendRaw(other.origin, { path: '/fixed', headers });
    assert.deepEqual([(await by({})).status, (await by({ 'x-pass': 'yes' })).json()], [429, 'fixed']);
  });
});

test('a module beside the gateway answers by its class, and what it gives becomes what that of a function becomes', async () => {
  const answer = await at('/module');
  assert.deepEqual(
    [answer.status, answer.json()],
    [
      200,
      {
        status: 'success',
        message: SUCCESS,
        data: { self: 'class made with 0 arguments', variable: 'of the Worker', body: '' },
      },
    ],
  );
});
