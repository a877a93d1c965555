// `pre_process` and `post_process`: functions of another Worker that are asked before an integration, and told of a login.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, proxied, sendRaw, startUpstream, until } from '../support/harness.mjs';
import { CLIENT_ID, assertPrivateJson, assertProblem, loginUntilCallback } from '../support/login-flow.mjs';
import { BOUND, SERVICE_BINDINGS, assertMistakes, bound, callsNoted } from '../support/service-flow.mjs';
import { COOKIE, askWith, beginSession, sessionOf, startSessionGateway } from '../support/session-flow.mjs';

const MIB = 1024 * 1024;
const SERVICE_FAILED = [502, 'service_failed'];
const KINDS = ['json', 'web_message', 'session'];
const TARGET = 'https://app.example';

const addressOf = (name) => `http://127.0.0.1:8787/${name}/callback`;
const pre_process = { binding: 'functions', function: 'judge' };
const postProcess = (name) => ({ type: 'service_binding', binding: 'functions', function: name });

/** A login and its callback, below a name of their own. */
const loginPaths = (name, kind, told) => [
  { method: 'GET', path: `/${name}/login`, integration: { type: 'auth0_login', redirect_uri: addressOf(name) } },
  {
    method: 'GET',
    path: `/${name}/callback`,
    integration: {
      type: 'auth0_callback',
      response: kind,
      redirect_uri: addressOf(name),
      post_process: postProcess(told),
      ...(kind === 'web_message' ? { target_origin: TARGET } : {}),
    },
  },
];

let tenant;
let api;
let supabase;
let atSupabase;
let gateway;

before(async () => {
  tenant = await startTenant({ redirectUris: [...KINDS, 'nowhere'].map(addressOf) });
  api = await startApi();
  supabase = await startUpstream(async (request, response) => {
    atSupabase.push(JSON.parse(Buffer.concat(await request.toArray())));
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  });
  gateway = await startSessionGateway(tenant, api, {
    sections: { serviceBindings: SERVICE_BINDINGS, cors: { allow_origins: ['https://app.example'] } },
    paths: [
      proxied('/proxied/{.+}', 'api', { pre_process }),
      proxied('/typed/{.+}', 'api', { pre_process: { type: 'service_binding', ...pre_process } }),
      proxied('/guarded/{id}', 'api', { auth: true, pre_process }),
      bound('/tell', 'tell', { pre_process }),
      { method: 'GET', path: '/fixed', response: { fixed: true }, pre_process },
      {
        method: 'POST',
        path: '/otp',
        pre_process,
        integration: { type: 'supabase_passwordless_auth', url: supabase.origin, key: 'any' },
      },
      proxied('/nowhere/{.+}', 'api', { pre_process: { binding: 'functions', function: 'nowhere' } }),
      ...KINDS.flatMap((kind) => loginPaths(kind, kind, 'arrived')),
      ...loginPaths('nowhere', 'json', 'nowhere'),
    ],
    ...BOUND,
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close(), supabase?.close()]);
});

beforeEach(async () => {
  tenant.clearFaults();
  api.requests.length = 0;
  atSupabase = [];
  await callsNoted(gateway);
});

const judged = (path, verdict, { headers, ...how } = {}) =>
  sendRaw(gateway.origin, { path, headers: { ...headers, 'x-verdict': verdict }, ...how });

describe('pre_process', () => {
  test('that answers true lets the request go on, to whatever answers it', async () => {
    for (const [path, expected] of [
      ['/proxied/x', '"path": "/x"'],
      ['/typed/x', '"path": "/x"'],
      ['/tell', '/tell'],
      ['/fixed', '{"fixed":true}'],
    ]) {
      const answer = await judged(path, 'true');
      assert.equal(answer.status, 200, `${path}: ${answer.text}`);
      assert.ok(answer.text.includes(expected), `${path}: ${answer.text}`);
      assert.deepEqual(
        (await callsNoted(gateway)).map(({ name }) => name),
        ['judge'],
        `${path}: once`,
      );
    }
  });

  test('that answers a Response has it sent instead', async () => {
    for (const path of ['/proxied/x', '/tell', '/fixed']) {
      const answer = await judged(path, 'stop', {
        headers: { 'x-request-id': 'of-the-client', origin: 'https://app.example' },
      });
      assert.deepEqual([answer.status, answer.text], [451, 'stopped'], path);
      for (const [name, value] of [
        ['x-judge', 'yes'],
        ['set-cookie', 'judged=1'],
        ['x-request-id', 'of-the-client'],
        ['access-control-allow-origin', 'https://app.example'],
      ]) {
        assert.equal(answer.header(name), value, `${path}: ${name}`);
      }
    }
    const head = await judged('/fixed', 'stop', { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [451, '']);
    const stopped = await judged('/otp', 'stop', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"email":"a@b.example"}',
    });
    assert.equal(stopped.status, 451);
    assert.deepEqual([api.requests, atSupabase], [[], []], 'nobody else was asked');
  });

  test('that answers anything else, throws or does not exist is 502, and nothing else is asked', async () => {
    const rows = [
      ...['false', 'one', 'text', 'object', 'null', 'error', 'failure', 'nothing', 'throw'].map((verdict) => [
        '/proxied/x',
        verdict,
      ]),
      ['/fixed', 'false'],
      ['/tell', 'throw'],
      ['/nowhere/x', 'true'],
    ];
    for (const [path, verdict] of rows) {
      const answer = await gateway.ask(path, { headers: { 'x-verdict': verdict } });
      assertProblem(answer, SERVICE_FAILED, `${path} ${verdict}`);
      const record = await gateway.recordOf(answer);
      assert.deepEqual([record.status, record.code], SERVICE_FAILED, `${path} ${verdict}`);
      if (verdict === 'throw') assert.ok(record.reason.includes('the judge is out'), record.reason);
    }
    assert.deepEqual(api.requests, []);
  });

  test('leaves the body whole for what answers, whether it reads it, leaves it or wants none of it', async () => {
    const body = Buffer.alloc(3 * MIB + 17, 'bargate ');
    for (const verdict of ['true', 'read', 'cancel']) {
      const echoed = await judged('/proxied/_sample/echo', verdict, { method: 'POST', body });
      assert.equal(echoed.status, 200, `${verdict}: ${echoed.text.slice(0, 200)}`);
      assert.ok(echoed.body.equals(body), `${verdict}: ${echoed.body.length} bytes came back of ${body.length}`);
      const told = await judged('/tell', verdict, { method: 'PUT', body: 'whole' });
      assert.equal(told.json().request.body, 'whole', verdict);
      const headers = { 'content-type': 'application/json' };
      const sent = await judged('/otp', verdict, { method: 'POST', headers, body: '{"email":"a@b.example"}' });
      assert.equal(sent.status, 200, `${verdict}: ${sent.text}`);
    }
    assert.deepEqual(
      atSupabase.map(({ email }) => email),
      ['a@b.example', 'a@b.example', 'a@b.example'],
    );
  });

  test('that reads no body does not wait for it: the request goes on before the last chunk is sent', async () => {
    const request = httpRequest(new URL('/proxied/_sample/echo', gateway.origin), { method: 'POST', agent: false });
    const answered = once(request, 'response');
    request.write('first');
    await until(() => api.requests.length === 1);
    request.end(' and last');
    const [response] = await answered;
    assert.equal(Buffer.concat(await response.toArray()).toString(), 'first and last');
  });

  test('lets a WebSocket through', async () => {
    const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/proxied/socket`);
    await once(socket, 'open');
    socket.send('this');
    assert.equal(String((await once(socket, 'message'))[0]), 'this');
    socket.close(4000);
    await once(socket, 'close');
  });

  test('is told what a function behind a path is told', async () => {
    const session = await beginSession(gateway, tenant);
    await askWith(gateway, `a=1; ${session.cookie}`, '/guarded/7?x=%41', { headers: { 'x-user-id': 'kept' } });
    const [{ name, method, url, headers, environment, context, more }] = await callsNoted(gateway);
    assert.deepEqual(
      [name, method, url, environment, more],
      ['judge', 'GET', `${gateway.origin}/guarded/7?x=%41`, '{}', []],
    );
    assert.equal(headers.cookie, 'a=1', "none of the gateway's cookies");
    const { claims, jwtPayload, request_id: id, ...rest } = context;
    assert.deepEqual(rest, { route: { method: 'ANY', path: '/guarded/{id}' }, params: { id: '7' }, requestUrl: url });
    assert.deepEqual([claims.sub, jwtPayload], [session.sub, claims]);
    assert.equal(id, api.requests.at(-1).headers['x-request-id']);
  });

  test('is not asked about a request that goes no further', async () => {
    assertProblem(await gateway.ask('/guarded/7'), [401, 'token_missing'], 'no token');
    assertProblem(await gateway.ask('/otp'), [405, 'method_not_allowed'], 'another method');
    assertProblem(await gateway.ask('/proxied/a%2Fb'), [400, 'path_ambiguous'], 'an ambiguous path');
    const preflight = await gateway.ask('/proxied/x', {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'GET' },
    });
    assert.equal(preflight.status, 204);
    assert.deepEqual(await callsNoted(gateway), []);
  });
});

describe('post_process', () => {
  const as = (name, kind, browser = new Browser()) =>
    loginUntilCallback(gateway, browser, { at: `/${kind}/login`, email: `${name}@example.com` }).then((callback) =>
      gateway.askAs(browser, callback),
    );

  /** Asserts that an answer logs in, as each kind does. */
  const assertLoggedIn = {
    json(answer) {
      assertPrivateJson(answer, 'json');
      assert.ok(answer.body.access_token);
    },
    web_message(answer) {
      assert.equal(answer.status, 200);
      assert.match(answer.text, /"access_token"/);
    },
    session: (answer) => sessionOf(answer, tenant),
  };

  const assertRefused = {
    json: (answer) => assertProblem(answer, SERVICE_FAILED, 'json'),
    web_message(answer) {
      assert.equal(answer.status, 200);
      assert.match(answer.text, /"code":\s*"service_failed"/);
    },
    session: (answer) => assertProblem(answer, SERVICE_FAILED, 'session'),
  };

  for (const kind of KINDS) {
    test(`is told once who has logged in, and what it answers is dropped: ${kind}`, async () => {
      const answer = await as('alice', kind);
      assertLoggedIn[kind](answer);
      assert.ok(
        !answer.text.includes('dropped') && !answer.headers.getSetCookie().some((line) => line.includes('dropped')),
      );
      const calls = await callsNoted(gateway);
      assert.equal(calls.length, 1);
      const [{ name, environment, context, more, url }] = calls;
      assert.deepEqual([name, environment, more], ['arrived', '{}', []]);
      assert.equal(new URL(url).pathname, `/${kind}/callback`);
      const { claims, jwtPayload, route, params, request_id: id } = context;
      assert.deepEqual(
        [claims.email, [claims.aud].flat(), claims.iss],
        ['alice@example.com', [CLIENT_ID], tenant.issuer],
        'the claims of the ID token',
      );
      assert.ok(claims.nonce, 'and not those of the access token');
      assert.deepEqual([jwtPayload, route, params], [claims, { method: 'GET', path: `/${kind}/callback` }, {}]);
      assert.equal(id, answer.headers.get('x-request-id'));
    });

    test(`that throws ends the login, and nobody is logged in: ${kind}`, async () => {
      const sessions = await gateway.calls('Session');
      const answer = await as('refused', kind);
      const { grantId } = tenant.families().at(-1);
      assertRefused[kind](answer);
      assert.deepEqual(
        answer.headers.getSetCookie().filter((line) => line.startsWith(`${COOKIE}=`)),
        [],
      );
      assert.ok(!/eyJ|access_token|not in our books/.test(answer.text), answer.text);
      assert.equal(await gateway.calls('Session'), sessions, 'no session was made');
      await until(() => tenant.families().find((family) => family.grantId === grantId).revoked);
      const record = await gateway.recordOf(answer);
      assert.equal(record.code, 'service_failed');
      assert.ok(record.reason.includes('not in our books'), record.reason);
      assertLoggedIn[kind](await as('alice', kind));
    });
  }

  test('that does not exist ends the login', async () => {
    assertProblem(await as('alice', 'nowhere'), SERVICE_FAILED, 'no such function');
  });

  test('is not told of a login that fails, nor of HEAD', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(gateway, browser, { at: '/json/login' });
    assert.ok((await gateway.askAs(browser, callback, { method: 'HEAD' })).status < 500);
    assertProblem(await gateway.askAs(new Browser(), callback), [400, 'state_invalid'], 'another browser');
    tenant.fault({ path: '/oauth/token', times: 1, status: 400, body: { error: 'invalid_grant' } });
    assertProblem(await gateway.askAs(browser, callback), [400, 'code_invalid'], 'a code that is not taken');
    const unsigned = await loginUntilCallback(gateway, browser, { at: '/json/login' });
    const edit = ({ headers, body }) => ({ status: 200, headers, body: { ...JSON.parse(body), id_token: 'no token' } });
    tenant.fault({ path: '/oauth/token', kind: 'edit', times: 1, edit });
    assertProblem(await gateway.askAs(browser, unsigned), [400, 'id_token_invalid'], 'an ID token that is none');
    assert.deepEqual(await callsNoted(gateway), []);
  });
});

test('a config is invalid where it does not say which function is called, or where none is', async () => {
  const guarded = (value) => ({ response: {}, pre_process: value });
  const behind = (value, more = {}) => ({
    integration: { type: 'auth0_callback', redirect_uri: addressOf('json'), post_process: value, ...more },
  });
  const call = { type: 'service_binding', binding: 'functions', function: 'arrived' };
  const [pre, post] = ['.pre_process', '.integration.post_process'];
  await assertMistakes(
    [
      ['pre_process: no function', guarded({ binding: 'functions' }), 'missing_key', pre],
      ['pre_process: no alias', guarded({ function: 'judge' }), 'missing_key', pre],
      [
        'pre_process: an alias that is not in the list',
        guarded({ binding: 'others', function: 'judge' }),
        'unknown_service',
        `${pre}.binding`,
      ],
      [
        'pre_process: a function without a name',
        guarded({ binding: 'functions', function: '' }),
        'invalid_name',
        `${pre}.function`,
      ],
      ['pre_process: true', guarded(true), 'wrong_type', pre],
      ['pre_process: another key', guarded({ ...pre_process, functions: 1 }), 'unknown_key', pre],
      ['pre_process: another type', guarded({ ...pre_process, type: 'service' }), 'unknown_value', `${pre}.type`],
      ['post_process: no function', behind({ ...call, function: undefined }), 'missing_key', post],
      ['post_process: another type', behind({ ...call, type: 'service' }), 'unknown_value', `${post}.type`],
      [
        'post_process: an alias that is not in the list',
        behind({ ...call, binding: 'others' }),
        'unknown_service',
        `${post}.binding`,
      ],
      [
        'post_process: a function that is no name',
        behind({ ...call, function: 'a b' }),
        'invalid_name',
        `${post}.function`,
      ],
      ['post_process: of a login', behind(call, { type: 'auth0_login' }), 'unknown_key', '.integration'],
    ],
    {
      sections: {
        serviceBindings: SERVICE_BINDINGS,
        authorizer: { type: 'auth0', domain: tenant.origin, client_id: CLIENT_ID, client_secret: 'x'.repeat(32) },
      },
      ...BOUND,
    },
  );
});
