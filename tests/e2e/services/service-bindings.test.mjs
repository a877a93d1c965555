// `service_binding`: another Worker behind a path, a second real one. What it is passed by `fetch`, what a function of it is told,
// and what becomes of whatever it answers. Functions around an integration are in processes.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest } from 'node:http';
import { after, before, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { sendRaw } from '../support/harness.mjs';
import { CLIENT_SECRET, assertProblem, claimsOf } from '../support/login-flow.mjs';
import { ANSWERS, THROWN } from '../support/service-answers.mjs';
import { BOUND, SERVICE_BINDINGS, assertMistakes, bound, mistakesOf } from '../support/service-flow.mjs';
import { askWith, beginSession, startSessionGateway } from '../support/session-flow.mjs';

const MIB = 1024 * 1024;
const SERVICE_FAILED = [502, 'service_failed'];
const SECRET_OF_THE_GATEWAY = 'recognisable-value-of-the-gateway';

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  const mapping = {
    headers: { 'x-user-id': '$request.jwt.sub', 'x-constant': 'constant' },
    query: { user: '$request.jwt.sub', page: 'mapped' },
  };
  gateway = await startSessionGateway(tenant, api, {
    sections: { serviceBindings: SERVICE_BINDINGS },
    paths: [
      bound('/fetch/{.+}'),
      bound('/fetch-named/{.+}', undefined, {
        integration: { type: 'service_binding', binding: 'second', function: 'fetch' },
      }),
      bound('/mapped', undefined, { auth: true, mapping }),
      bound('/tell/mapped', 'tell', { auth: true, mapping }),
      { ...bound('/tell/here', 'tell'), method: 'GET' },
      { ...bound('/tell/{id}/of/{rest+}', 'tell'), method: 'GET' },
      { ...bound('/tell/one/{.+}', 'tell'), method: 'POST' },
      { ...bound('/tell/private/{id}', 'tell', { auth: true }), method: 'GET' },
      { ...bound('/tell/maybe', 'tell', { auth: { optional: true } }), method: 'GET' },
      bound('/tell', 'tell'),
      bound('/respond/{.+}', 'respond'),
      bound('/answer', 'answer'),
      bound('/fail', 'fail'),
      bound('/nowhere', 'nowhere'),
      bound('/constant', 'constant'),
    ],
    bindings: { CLIENT_SECRET, OTHER_SECRET: SECRET_OF_THE_GATEWAY },
    ...BOUND,
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

const asUser = async (sub, claims = {}) => ({ authorization: `Bearer ${await tenant.mint({ sub, ...claims })}` });

/** Sends a request as it is written and gives what the second Worker was told of it. */
async function toldBy(path, how = {}) {
  const answer = await sendRaw(gateway.origin, { path, ...how });
  assert.equal(answer.status, 200, answer.text);
  const told = answer.json();
  return told.request ?? told;
}

/** What both ways to reach a service promise of the request that it gets. */
function describeRequests(way, { plain, mapped }) {
  describe(`a request that a service gets by ${way}`, () => {
    test('has the address as the client called it', async () => {
      for (const suffix of ['', '?', '?b=2&&a=%41&flag&a=', '?to=https://other.example/%23x', '?q=a+b%20c']) {
        const { url } = await toldBy(`${plain}${suffix}`, { headers: { host: 'gateway.example:8443' } });
        assert.equal(url, `http://gateway.example:8443${plain}${suffix}`);
      }
    });

    test("has mapped headers, and mapped query parameters in the place of the client's own", async () => {
      const { url, headers } = await toldBy(`${mapped}?page=7&kept=1&user=eve`, { headers: await asUser('alice') });
      const { pathname, searchParams } = new URL(url);
      assert.equal(pathname, mapped);
      assert.deepEqual([...searchParams].sort(), [
        ['kept', '1'],
        ['page', 'mapped'],
        ['user', 'alice'],
      ]);
      assert.deepEqual([headers['x-user-id'], headers['x-constant']], ['alice', 'constant']);
    });

    test('has every method and its body', async () => {
      for (const [method, body] of [
        ['GET', ''],
        ['POST', 'posted'],
        ['PUT', 'püt'],
        ['PATCH', 'patched'],
        ['DELETE', ''],
        ['DELETE', 'deleted'],
        ['PROPFIND', ''],
      ]) {
        const headers = body ? { 'content-length': Buffer.byteLength(body), 'content-type': 'text/x-own' } : {};
        const told = await toldBy(plain, { method, headers, body });
        assert.deepEqual([told.method, told.body], [method, body], method);
        if (body) assert.equal(told.headers['content-type'], 'text/x-own', method);
      }
    });

    test('has the headers of the client, and what an upstream is told of it', async () => {
      const { headers } = await toldBy(plain, {
        headers: {
          host: 'gateway.example',
          accept: 'text/x-own',
          authorization: 'Basic b3duOm93bg==',
          'x-own': 'one two',
          cookie: 'a=1; b=2',
          'x-request-id': 'of-the-client',
        },
      });
      for (const [name, value] of [
        ['accept', 'text/x-own'],
        ['authorization', 'Basic b3duOm93bg=='],
        ['x-own', 'one two'],
        ['cookie', 'a=1; b=2'],
        ['x-request-id', 'of-the-client'],
        ['x-forwarded-host', 'gateway.example'],
        ['x-forwarded-proto', 'http'],
        ['x-forwarded-for', '127.0.0.1'],
      ]) {
        assert.equal(headers[name], value, name);
      }
    });

    test('has no header by which a client would speak for the gateway, in no spelling', async () => {
      const lie = 'lie.example';
      for (const name of [
        'X-User-Id',
        'x_user_id',
        'X_USER-ID',
        'X-Constant',
        'X-Forwarded-For',
        'X_Forwarded_Host',
        'Forwarded',
        'X-Real-IP',
        'X-Original-URL',
        'X-HTTP-Method-Override',
        'X-Access-Token',
        'X_Refresh_Token',
        'Proxy-Authorization',
        'Keep-Alive',
        'TE',
      ]) {
        const { headers } = await toldBy(plain, { headers: { [name]: lie, 'x-own': 'kept' } });
        const passed = Object.entries(headers).filter(([, value]) => value.includes(lie));
        assert.deepEqual([passed, headers['x-own']], [[], 'kept'], name);
        const told = await toldBy(mapped, { headers: { [name]: lie, ...(await asUser('alice')) } });
        assert.equal(told.headers['x-user-id'], 'alice', name);
      }
      const { headers } = await toldBy(plain, { headers: { connection: 'close, X-Per-Hop', 'x-per-hop': '1' } });
      assert.equal(headers['x-per-hop'], undefined, 'what Connection names');
    });

    test("has the access token of a session, and none of the gateway's cookies", async () => {
      const { cookie, value } = await beginSession(gateway, tenant);
      const sent = `a=1; ${cookie}; bargate-login=q; __Host-bargate-login=q; b=2`;
      const answer = await askWith(gateway, sent, mapped);
      const { headers } = answer.body.request ?? answer.body;
      assert.equal(headers.cookie, 'a=1; b=2');
      assert.match(headers.authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
      assert.equal(headers['x-user-id'], claimsOf(headers.authorization.slice('Bearer '.length)).sub);
      const unguarded = await toldBy(plain, { headers: { cookie: sent } });
      assert.deepEqual(
        [unguarded.headers.cookie, unguarded.headers.authorization],
        ['a=1; b=2', undefined],
        'at a public path',
      );
      for (const text of [answer.text, JSON.stringify(unguarded)])
        assert.ok(!text.includes(value), 'not in any header');
    });
  });
}

describeRequests('fetch', { plain: '/fetch/a/b%20c/', mapped: '/mapped' });
describeRequests('the name of a function', { plain: '/tell', mapped: '/tell/mapped' });

describe('the fetch of a service', () => {
  test('may be named as a function', async () => {
    const told = await toldBy('/fetch-named/x?a=1', { method: 'POST', body: 'x' });
    assert.deepEqual([told.method, new URL(told.url).pathname, told.body], ['POST', '/fetch-named/x', 'x']);
  });

  test('is not called where the path wants a token and there is none', async () => {
    assertProblem(await gateway.ask('/mapped'), [401, 'token_missing'], 'no token');
  });

  test('gets bodies and answers with bodies that stream: the first chunk is back before the last is sent', async () => {
    const request = httpRequest(new URL('/fetch/echo', gateway.origin), { method: 'POST', agent: false });
    request.write('first');
    const [response] = await once(request, 'response');
    const chunks = response.iterator({ destroyOnReturn: false });
    assert.equal(String((await chunks.next()).value), 'first');
    request.end('last');
    assert.equal(Buffer.concat(await response.toArray()).toString(), 'last');
  });

  test('gets bodies of several MiB whole', async () => {
    const body = Buffer.alloc(5 * MIB + 17, 'bargate ');
    for (const path of ['/fetch/echo', '/respond/echo']) {
      const answer = await sendRaw(gateway.origin, { method: 'POST', path, body });
      assert.equal(answer.status, 200, path);
      assert.ok(answer.body.equals(body), `${path}: ${answer.body.length} bytes came back of ${body.length}`);
    }
  });

  test('takes a WebSocket', async () => {
    const socket = new WebSocket(`${gateway.origin.replace('http', 'ws')}/fetch/socket`);
    await once(socket, 'open');
    socket.send('this');
    assert.equal(String((await once(socket, 'message'))[0]), 'heard this');
    socket.close(4000);
    await once(socket, 'close');
  });
});

describe('a Response of a service', () => {
  for (const at of ['/fetch', '/respond']) {
    test(`from ${at} is the answer: status, headers and body, without what is the gateway's alone to say`, async () => {
      const answer = await sendRaw(gateway.origin, {
        path: `${at}/answer`,
        headers: { 'x-request-id': 'of-the-client' },
      });
      assert.deepEqual([answer.status, answer.text], [418, 'own words']);
      assert.deepEqual(answer.values('set-cookie'), ['first=1; Path=/', 'last=4']);
      for (const [name, value] of [
        ['content-type', 'application/x-own'],
        ['etag', '"e"'],
        ['x-request-id', 'of-the-client'],
        ['x-hop', null],
        ['keep-alive', null],
      ]) {
        assert.equal(answer.header(name), value, name);
      }
    });

    test(`from ${at} may be a redirect, which is not followed`, async () => {
      const answer = await sendRaw(gateway.origin, { path: `${at}/elsewhere` });
      assert.deepEqual([answer.status, answer.header('location')], [302, 'https://elsewhere.example/x']);
    });

    test(`from ${at} may have no body, and to HEAD gives none`, async () => {
      const empty = await sendRaw(gateway.origin, { path: `${at}/empty` });
      assert.deepEqual([empty.status, empty.text], [204, '']);
      const head = await sendRaw(gateway.origin, { method: 'HEAD', path: `${at}/answer` });
      assert.deepEqual([head.status, head.header('etag'), head.text], [418, '"e"', '']);
    });
  }
});

describe('a function of a service', () => {
  /** Calls a function that tells its arguments: gives the second, and the third as what its text stands for. */
  async function argumentsAt(path, init) {
    const answer = await gateway.fetch(path, init);
    assert.equal(answer.status, 200);
    const { request, others } = await answer.json();
    assert.equal(others.length, 2, 'three arguments in all');
    assert.equal(typeof others[1], 'string', 'the context is a text');
    return { request, environment: others[0], context: JSON.parse(others[1]) };
  }

  test('is told the route, its parameters as the client sent them, and the address', async () => {
    const table = [
      ['GET', '/tell/here?a=1', { method: 'GET', path: '/tell/here' }, {}],
      [
        'GET',
        '/tell/a%20b;c/of/d/%C3%A9//f?x',
        { method: 'GET', path: '/tell/{id}/of/{rest+}' },
        { id: 'a%20b;c', rest: 'd/%C3%A9//f' },
      ],
      ['GET', '/tell/7/of', { method: 'GET', path: '/tell/{id}/of/{rest+}' }, { id: '7', rest: '' }],
      ['POST', '/tell/one/two/three', { method: 'POST', path: '/tell/one/{.+}' }, { '.+': 'two/three' }],
    ];
    for (const [method, path, route, params] of table) {
      const id = 'told-to-a-function';
      const { context } = await argumentsAt(path, { method, headers: { 'x-request-id': id } });
      const requestUrl = `${gateway.origin}${path}`;
      assert.deepEqual(context, { route, params, claims: null, jwtPayload: null, request_id: id, requestUrl }, path);
    }
  });

  test('is told the claims of the token, and of the session', async () => {
    const nested = { role: 'admin', app: { tenant: ['é', 1, null] } };
    const { context } = await argumentsAt('/tell/private/7', { headers: await asUser('alice', nested) });
    const { sub, role, app, iss } = context.claims;
    assert.deepEqual({ sub, role, app, iss }, { sub: 'alice', ...nested, iss: tenant.issuer });
    assert.deepEqual(context.jwtPayload, context.claims, 'under the older name too');

    const session = await beginSession(gateway, tenant);
    const ofSession = await argumentsAt('/tell/private/7', { headers: { cookie: session.cookie } });
    assert.equal(ofSession.context.claims.sub, session.sub);
    assert.deepEqual(ofSession.context.jwtPayload, ofSession.context.claims);
  });

  test('is told of no claims where none were asked for, whatever the client sends', async () => {
    const headers = await asUser('alice');
    assert.equal((await argumentsAt('/tell/here', { headers })).context.claims, null);
    assert.equal((await argumentsAt('/tell/maybe')).context.claims, null, 'where a token is optional');
    assert.equal((await argumentsAt('/tell/maybe', { headers })).context.claims.sub, 'alice', 'and there is one');
  });

  test("gets an environment without anything in it, and nothing of the gateway's own in any argument", async () => {
    const headers = { cookie: (await beginSession(gateway, tenant)).cookie };
    for (const path of ['/tell/here', '/tell/private/7']) {
      const { environment, ...others } = await argumentsAt(path, { headers });
      assert.equal(environment, '{}', path);
      const told = JSON.stringify(others);
      const own = [
        SECRET_OF_THE_GATEWAY,
        CLIENT_SECRET,
        'OTHER_SECRET',
        'BARGATE_CONFIG_JSON',
        'client_secret',
        headers.cookie,
      ];
      assert.deepEqual(
        own.filter((text) => told.includes(text)),
        [],
        path,
      );
    }
  });

  for (const { when, status, body, text } of ANSWERS) {
    test(`answers with ${when}: ${status ?? SERVICE_FAILED.join(' ')}`, async () => {
      const answer = await gateway.ask(`/answer?${new URLSearchParams({ when })}`);
      if (!status) return assertProblem(answer, SERVICE_FAILED, when);
      assert.equal(answer.status, status, answer.text);
      if (body) assert.deepEqual(answer.body, body);
      else assert.equal(answer.text, text);
      if (answer.text) assert.equal(answer.headers.get('content-type'), 'application/json');
      return undefined;
    });
  }

  test('answers HEAD with the status alone', async () => {
    const answer = await sendRaw(gateway.origin, { method: 'HEAD', path: '/answer?when=an+error+with+a+status' });
    assert.deepEqual([answer.status, answer.header('content-type'), answer.text], [409, 'application/json', '']);
  });
});

describe('a service that fails is 502, and the log says how', () => {
  const words = 'out of paper in tray 2';
  const rows = [
    ['where its fetch throws', '/fetch/throw', words],
    ['where its fetch answers nothing', '/fetch/nothing'],
    ...Object.keys(THROWN).map((when) => [
      `where a function throws ${when}`,
      `/fail?${new URLSearchParams({ when })}`,
      when.startsWith('an error') && words,
    ]),
    ['where there is no such function', '/nowhere', 'nowhere'],
    ['where what is called is no function', '/constant', 'constant'],
  ];
  for (const [message, path, reason] of rows) {
    test(message, async () => {
      for (const method of ['GET', 'POST']) {
        const answer = await gateway.ask(path, { method, ...(method === 'POST' ? { body: 'x' } : {}) });
        assertProblem(answer, SERVICE_FAILED, method);
        assert.ok(!answer.text.includes(words), 'the client is not told');
        const record = await gateway.recordOf(answer);
        assert.deepEqual([record.status, record.code, record.level], [...SERVICE_FAILED, 'error']);
        if (reason) assert.ok(record.reason.includes(reason), record.reason);
      }
    });
  }
});

describe('a config is invalid', () => {
  const sections = { serviceBindings: SERVICE_BINDINGS };
  const integration = (members) => ({ integration: { type: 'service_binding', binding: 'functions', ...members } });

  test('where the path does not say which function of which service', async () => {
    const at = (key) => `.integration${key}`;
    await assertMistakes(
      [
        ['an alias that is not in the list', integration({ binding: 'function' }), 'unknown_service', at('.binding')],
        [
          'the binding in the place of its alias',
          integration({ binding: 'FUNCTIONS' }),
          'unknown_service',
          at('.binding'),
        ],
        ['no alias', integration({ binding: undefined }), 'missing_key', at('')],
        ['an alias that is no text', integration({ binding: 7 }), 'wrong_type', at('.binding')],
        ['a function that is no text', integration({ function: true }), 'wrong_type', at('.function')],
        ['a function without a name', integration({ function: '' }), 'invalid_name', at('.function')],
        ['a function that is no name', integration({ function: 'a.b' }), 'invalid_name', at('.function')],
        ...[
          'constructor',
          'toString',
          'toLocaleString',
          'valueOf',
          'hasOwnProperty',
          'isPrototypeOf',
          'propertyIsEnumerable',
        ].map((name) => {
          return [
            `a function that every object has: ${name}`,
            integration({ function: name }),
            'invalid_name',
            at('.function'),
          ];
        }),
        [
          'a function that would make a promise of it',
          integration({ function: 'then' }),
          'invalid_name',
          at('.function'),
        ],
        ['another key', integration({ functions: 'tell' }), 'unknown_key', at('')],
      ],
      { sections, ...BOUND },
    );
  });

  test('where the list itself is wrong', async () => {
    const serviceBindings = [
      { alias: 'one', binding: 'SECOND' },
      { alias: 'one', binding: 'FUNCTIONS' },
      { alias: 'two' },
      { binding: 'SECOND' },
      { alias: 'three', binding: 'SECOND', function: 'tell' },
      { alias: '', binding: 'SECOND' },
      { alias: 'four', binding: '' },
    ];
    const mistakes = await mistakesOf({ config: { serviceBindings, paths: [] }, ...BOUND });
    for (const beginning of [
      'error[duplicate_alias]: serviceBindings[1].alias: ',
      'error[missing_key]: serviceBindings[2]: ',
      'error[missing_key]: serviceBindings[3]: ',
      'error[unknown_key]: serviceBindings[4]: ',
      'error[empty_value]: serviceBindings[5].alias: ',
      'error[empty_value]: serviceBindings[6].binding: ',
    ]) {
      assert.equal(
        mistakes.filter((mistake) => mistake.includes(beginning)).length,
        1,
        `${beginning}\nin\n${mistakes.join('\n')}`,
      );
    }
    assert.equal(mistakes.length, 6, mistakes.join('\n'));
  });

  test('where the Worker lacks a binding, or has something else under its name; the log names it', async () => {
    const config = {
      serviceBindings: [
        ...SERVICE_BINDINGS,
        { alias: 'absent', binding: 'NO_SUCH_SERVICE' },
        { alias: 'other', binding: 'A_VARIABLE' },
      ],
      paths: [
        bound('/bound', 'tell'),
        { method: 'GET', path: '/absent', integration: { type: 'service_binding', binding: 'absent' } },
        { method: 'GET', path: '/other', integration: { type: 'service_binding', binding: 'other', function: 'tell' } },
      ],
    };
    const mistakes = await mistakesOf({ config, bindings: { A_VARIABLE: 'text' }, ...BOUND });
    for (const name of ['NO_SUCH_SERVICE', 'A_VARIABLE']) {
      assert.equal(
        mistakes.filter((mistake) => mistake.includes(name)).length,
        1,
        `${name}\nin\n${mistakes.join('\n')}`,
      );
    }
    assert.equal(mistakes.length, 2, mistakes.join('\n'));
  });
});
