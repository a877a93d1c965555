// `request_headers` and `response_headers` of a path: what they set and remove, where from, and what stays out of their reach.
// Headers that pass without any rule are in proxy-headers.test.mjs, mapped ones in mapping.test.mjs.

import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { freePort, proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { beginSession, startSessionGateway } from '../support/session-flow.mjs';
import { startBareGateway, startWireUpstream } from '../support/wire.mjs';

let upstream;
let trap;
let tenant;
let gateway;
let unused;

const request = (set, remove = []) => ({ request_headers: { set, remove } });
const response = (set, remove = []) => ({ response_headers: { set, remove } });

before(async () => {
  [upstream, trap, tenant] = await Promise.all([startWireUpstream(), startWireUpstream(), startTenant()]);
  unused = `http://127.0.0.1:${await freePort()}`;
  gateway = await startBareGateway({
    config: {
      servers: [
        { alias: 'own', url: upstream.origin },
        { alias: 'nobody', url: unused },
      ],
      authorizer: { type: 'auth0', domain: tenant.origin, client_id: 'any', audience: tenant.settings.audience },
      variables: { region: 'eu-1' },
      paths: [
        proxied('/plain', 'own'),
        proxied(
          '/set',
          'own',
          request({
            'X-Constant': 'constant',
            'x-number': 7,
            'x-agent': '$request.header.User-Agent',
            'x-page': '$request.query.page',
            'x-region': '$config.region',
            'x-secret': '$secret.UPSTREAM_KEY',
            'x-own-variable': '$env.PLAIN',
            'user-agent': 'bargate',
            authorization: 'Basic a2V5',
            cookie: 'key=1',
          }),
        ),
        proxied('/claims', 'own', {
          auth: true,
          ...request({ 'X-User-Id': '$request.jwt.sub', 'x-absent': '$request.jwt.absent' }, ['Authorization']),
        }),
        proxied('/both', 'own', {
          mapping: { headers: { 'x-mapped': 'mapped' } },
          ...request({ 'x-set': 'set' }, ['x-removed']),
        }),
        proxied(
          '/remove',
          'own',
          request({}, [
            'X-Removed',
            'user-agent',
            'Cookie',
            'accept',
            'origin',
            'referer',
            'x-forwarded-for',
            'X-Forwarded-Host',
            'traceparent',
            'authorization',
          ]),
        ),
        proxied(
          '/answer/{.+}',
          'own',
          response(
            {
              'X-Set': 'set',
              'cache-control': 'no-store',
              'X-Replaced': 'by the gateway',
              'x-secret': '$secret.UPSTREAM_KEY',
            },
            ['Server', 'x-powered-by', 'SET-COOKIE', 'server-timing', 'x-absent'],
          ),
        ),
        proxied('/answer-nobody', 'nobody', response({ 'x-set': 'set' })),
        proxied('/answer-private', 'own', { auth: true, ...response({ 'x-set': 'set' }) }),
      ],
    },
    bindings: { UPSTREAM_KEY: 'from-a-secret', PLAIN: 'from-a-variable' },
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all([upstream, trap, tenant].map((started) => started?.close()));
});

beforeEach(() => {
  upstream.taken();
});

/** Sends a request and gives the headers that the upstream got, by name in lower case, each with all of its values. */
async function seenBehind(path, headers = {}) {
  const answer = await sendRaw(gateway.bare, { path, headers: { host: 'gateway.example', ...headers } });
  const { requests, broken } = upstream.taken();
  assert.deepEqual([answer.status, requests.length, broken], [200, 1, []], answer.text);
  const seen = {};
  for (const [field, value] of requests[0].fields) {
    const name = field.toLowerCase();
    seen[name] = [...(seen[name] ?? []), value];
  }
  return seen;
}

describe('request_headers', () => {
  test('set headers from constants, from the request, from variables and from bindings', async () => {
    const seen = await seenBehind('/set?page=3', { 'user-agent': 'own/1' });
    for (const [name, value] of [
      ['x-constant', 'constant'],
      ['x-number', '7'],
      ['x-agent', 'own/1'],
      ['x-page', '3'],
      ['x-region', 'eu-1'],
      ['x-secret', 'from-a-secret'],
      ['x-own-variable', 'from-a-variable'],
    ]) {
      assert.deepEqual(seen[name], [value], name);
    }
  });

  test("set headers in the place of the client's own", async () => {
    const seen = await seenBehind('/set', {
      'user-agent': 'own/1',
      authorization: 'Bearer own',
      cookie: 'own=1',
      'x-constant': ['a', 'b'],
    });
    for (const [name, value] of [
      ['user-agent', 'bargate'],
      ['authorization', 'Basic a2V5'],
      ['cookie', 'key=1'],
      ['x-constant', 'constant'],
    ]) {
      assert.deepEqual(seen[name], [value], name);
    }
  });

  test('set headers that no client sends itself, in no spelling, and on no other path either', async () => {
    for (const name of [
      'X-Constant',
      'x_constant',
      'X_CONSTANT',
      'X-Region',
      'x_secret',
      'X-User-Id',
      'X_User-Id',
      'X-Page',
    ]) {
      for (const path of ['/set', '/plain', '/both', '/remove']) {
        const seen = await seenBehind(path, { [name]: 'forged' });
        assert.ok(!Object.values(seen).flat().includes('forged'), `${name} on ${path}`);
      }
    }
  });

  // These every client sends, and each upstream is told of its own.
  test('set headers on their own path alone', async () => {
    const sent = { 'user-agent': 'own/1', authorization: 'Basic own', cookie: 'own=1' };
    const seen = await seenBehind('/plain', sent);
    assert.deepEqual([seen['x-constant'], seen['x-region'], seen['x-secret']], [undefined, undefined, undefined]);
    for (const [name, value] of Object.entries(sent)) assert.deepEqual(seen[name], [value], name);
  });

  test('set what the token says, keep what it does not say from the upstream, and the token itself', async () => {
    const authorization = `Bearer ${await tenant.mint({ sub: 'Zoë\r\nX-Evil: 1' })}`;
    const seen = await seenBehind('/claims', { authorization, 'x-absent': 'forged' });
    assert.deepEqual(seen['x-user-id'], ['Zo%C3%AB%0D%0AX-Evil: 1']);
    for (const name of ['x-absent', 'authorization', 'x-evil']) assert.equal(seen[name], undefined, name);
  });

  test('stand beside a mapping', async () => {
    const seen = await seenBehind('/both', { 'x-removed': 'yes', 'x-kept': 'yes' });
    assert.deepEqual(
      [seen['x-mapped'], seen['x-set'], seen['x-removed'], seen['x-kept']],
      [['mapped'], ['set'], undefined, ['yes']],
    );
  });

  test('remove headers of the client in each spelling, and those that the gateway would set', async () => {
    const sent = {
      'X-Removed': '1',
      x_removed: '2',
      X_REMOVED: '3',
      'x-removed-not': 'kept',
      'user-agent': 'own/1',
      cookie: 'a=1',
      accept: '*/*',
      origin: 'https://own.example',
      referer: 'https://own.example/',
      authorization: 'Basic own',
      'cf-connecting-ip': '192.0.2.1',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    };
    const seen = await seenBehind('/remove', sent);
    for (const name of [
      'x-removed',
      'x_removed',
      'user-agent',
      'cookie',
      'accept',
      'origin',
      'referer',
      'authorization',
      'traceparent',
      'x-forwarded-for',
      'x-forwarded-host',
    ]) {
      assert.equal(seen[name], undefined, name);
    }
    assert.deepEqual(
      [seen['x-removed-not'], seen['x-forwarded-proto'], seen.host],
      [['kept'], ['http'], [upstream.host]],
    );
    const elsewhere = await seenBehind('/plain', sent);
    assert.ok(elsewhere['x-removed'].join().includes('1'), 'what this path removes passes on another');
    assert.deepEqual([elsewhere['user-agent'], elsewhere['x-forwarded-for']], [['own/1'], ['192.0.2.1']]);
  });

  test('keep the token of a session from the upstream where they remove it', async (t) => {
    const [own, provider] = await Promise.all([startWireUpstream(), startTenant()]);
    const session = await startSessionGateway(provider, own, {
      paths: [
        proxied('/removing/{.+}', 'api', {
          auth: true,
          ...request({ 'x-user-id': '$request.jwt.sub' }, ['authorization']),
        }),
      ],
    });
    t.after(() => Promise.all([session.close(), own.close(), provider.close()]));
    const { cookie, sub } = await beginSession(session, provider);
    for (const [path, sent, users] of /** @type {any[][]} */ ([
      ['/app/x', 1, []],
      ['/removing/x', 0, [sub]],
    ])) {
      assert.equal((await session.ask(path, { headers: { cookie } })).status, 200);
      const [{ values }] = own.taken().requests;
      assert.deepEqual([values('authorization').length, values('x-user-id')], [sent, users], path);
    }
  });
});

describe('response_headers', () => {
  const LINES = [
    'Content-Length: 2',
    'Content-Type: text/x-own',
    'Server: own/1',
    'X-Powered-By: own',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Server-Timing: db;dur=5',
    'Cache-Control: public, max-age=60',
    'X-Replaced: by the upstream',
    'X-Replaced: twice',
    'X-Kept: yes',
  ];
  const answerOf = (status) =>
    ['HTTP/1.1', status, 'Own\r\n'].join(' ') + [...LINES, '', ''].join('\r\n') + (status === 304 ? '' : 'ok');

  let usual;
  before(() => {
    usual = upstream.answer;
  });
  after(() => {
    upstream.answer = usual;
  });

  test('set and remove headers of what the upstream answers, whatever its status', async () => {
    for (const status of [200, 201, 302, 304, 404, 500, 503]) {
      upstream.answer = answerOf(status);
      const answer = await sendRaw(gateway.bare, { path: '/answer/x' });
      assert.equal(answer.status, status);
      for (const [name, values] of [
        ['x-set', ['set']],
        ['cache-control', ['no-store']],
        ['x-replaced', ['by the gateway']],
        ['x-secret', ['from-a-secret']],
        ['server', []],
        ['x-powered-by', []],
        ['set-cookie', []],
        ['server-timing', []],
        ['x-absent', []],
        ['x-kept', ['yes']],
        ['content-type', ['text/x-own']],
      ]) {
        assert.deepEqual(answer.values(name), values, `${name} of ${status}`);
      }
      assert.equal(answer.text, status === 304 ? '' : 'ok');
      assert.match(answer.header('x-request-id'), /^[\w-]{8,}$/);
    }
  });

  test('do so for HEAD', async () => {
    upstream.answer = answerOf(200).replace(/ok$/, '');
    const answer = await sendRaw(gateway.bare, { method: 'HEAD', path: '/answer/x' });
    assert.deepEqual(
      [answer.header('x-set'), answer.header('server'), answer.header('content-length')],
      ['set', null, '2'],
    );
  });

  test('leave other paths alone', async () => {
    upstream.answer = answerOf(200);
    const answer = await sendRaw(gateway.bare, { path: '/plain' });
    assert.deepEqual(
      [answer.header('x-set'), answer.header('server'), answer.values('set-cookie')],
      [null, 'own/1', ['a=1', 'b=2']],
    );
  });

  test('leave the errors of the gateway alone', async () => {
    for (const [path, status] of /** @type {any[][]} */ ([
      ['/answer-nobody', 502],
      ['/answer-private', 401],
      ['/answer/a%2Fb', 400],
    ])) {
      const answer = await sendRaw(gateway.bare, { path });
      assert.deepEqual(
        [answer.status, answer.header('x-set'), answer.header('content-type')],
        [status, null, 'application/problem+json'],
        path,
      );
    }
  });
});

describe('the host that the upstream is told', () => {
  test('is its own, whatever the client calls the gateway by', async () => {
    const port = trap.host.split(':')[1];
    for (const [host, forwarded] of [
      ['gateway.example', 'gateway.example'],
      ['gateway.example:8443', 'gateway.example:8443'],
      [trap.host, trap.host],
      [`localhost:${port}`, `localhost:${port}`],
      [`user@${trap.host}`, trap.host],
    ]) {
      for (const path of ['/plain', '/both', '/set']) {
        const seen = await seenBehind(path, { host, 'x-forwarded-host': 'forged.example' });
        assert.deepEqual([seen.host, seen['x-forwarded-host']], [[upstream.host], [forwarded]], `${path} of ${host}`);
      }
    }
    assert.equal(trap.seen.connections, 0);
  });
});

test('rules that could change the framing or the address, or split a header, are no config', async () => {
  for (const [message, rules] of /** @type {any[][]} */ ([
    ...[
      'Connection',
      'Keep-Alive',
      'Transfer-Encoding',
      'Content-Length',
      'Host',
      'Upgrade',
      'TE',
      'Trailer',
      'a b',
      'a:b',
      '',
      'ü',
    ].flatMap((name) => [
      [`a request with ${name} set`, request({ [name]: 'x' })],
      [`a request with ${name} removed`, request({}, [name])],
      [`an answer with ${name} set`, response({ [name]: 'x' })],
    ]),
    ['an answer with a line break', response({ 'x-a': 'a\r\nX-Evil: 1' })],
    ['an answer with a NUL', response({ 'x-a': 'a\0b' })],
    ['a claim without auth', request({ 'x-a': '$request.jwt.sub' })],
    ['an unknown rule', { request_headers: { add: { 'x-a': '1' } } }],
    ['a rule that is a list', { response_headers: ['x-a'] }],
  ])) {
    const servers = [{ alias: 'own', url: upstream.origin }];
    const own = await startGateway({ config: { servers, paths: [proxied('/x', 'own', rules)] } });
    try {
      const answer = await sendRaw(own.origin, { path: '/x' });
      assert.deepEqual([answer.status, answer.json().code], [503, 'config_invalid'], message);
    } finally {
      await own.close();
    }
  }
  assert.equal(upstream.taken().requests.length, 0);
});

// A Worker cannot set it. Whoever asks for it is told, and does not find out by the answers of the wrong virtual host.
test('a Host that is to be preserved is no config', async () => {
  const servers = [{ alias: 'own', url: upstream.origin, preserve_host: true }];
  const own = await startGateway({ config: { servers, paths: [proxied('/x', 'own')] } });
  try {
    assert.deepEqual((await sendRaw(own.origin, { path: '/x' })).json().code, 'config_invalid');
    const { message } = await own.record(({ code }) => code === 'config_invalid');
    assert.match(message, /preserve_host/);
  } finally {
    await own.close();
  }
});
