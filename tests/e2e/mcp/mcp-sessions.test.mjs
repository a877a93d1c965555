// A path with `mcp`: whose a session of the server is, which headers pass, what the server does not get, and when its streams end. The
// server names sessions and nothing more; real ones, with real clients, are in mcp-clients.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { elapse } from '../support/clock.mjs';
import { proxied, sendRaw, startGateway, startUpstream } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';
import { openStream } from '../support/wire.mjs';

const SESSION = 'mcp-session-id';
const SESSION_KEY = 'a key for sessions that nobody can guess';
const PAGE = 'https://inspector.example';
const LIFE_SECS = 600;
const EVENT = 'data: 1\n\n';
const NOT_FOUND = [404, 'mcp_session_not_found'];

/** Requests as the server got them, and the streams that it has open, by their paths. */
const seen = [];
const streams = new Map();
let name = 'server-session-1';
/** What the server answers instead, if that is set. */
let instead;
let server;
before(async () => {
  server = await startUpstream((request, response) => {
    seen.push({ method: request.method, path: request.url, headers: request.headers });
    if (instead) return void response.writeHead(...instead).end();
    const session = request.headers[SESSION] ?? name;
    if (request.method === 'GET') {
      streams.set(request.url, response);
      response.writeHead(200, { 'content-type': 'text/event-stream', [SESSION]: session }).write(EVENT);
    } else if (request.method === 'DELETE') response.writeHead(204).end();
    else response.writeHead(200, { 'content-type': 'application/json', [SESSION]: session }).end('{}');
  });
});
after(() => server?.close());

/** A server as a Worker, with a stream that does not end by itself. */
const STREAMING = `export default {
  fetch(request) {
    const { readable, writable } = new TransformStream();
    const writer = writable.getWriter();
    writer.write(new TextEncoder().encode(${JSON.stringify(EVENT)}));
    const session = request.headers.get('${SESSION}') ?? 'server-session-1';
    return new Response(readable, { headers: { 'content-type': 'text/event-stream', '${SESSION}': session } });
  },
};`;

/** A server as a Worker that leads clients to an authorization server of its own. */
const LEADING = `export default {
  fetch: () => new Response('', { status: 401, headers: { 'WWW-Authenticate': 'Bearer resource_metadata="https://evil.example"' } }),
};`;

const mcp = { session_key: '$secret.SESSION_KEY' };
const bindings = { SECRET, SESSION_KEY };
const authorizer = (more = {}) => ({
  type: 'jwt',
  issuer: ISSUER,
  audience: AUDIENCE,
  secret: '$secret.SECRET',
  clock_skew_seconds: 0,
  ...more,
});

const tokenOf = (claims) => signedWithSecret(SECRET, claimsFor(claims));
const as = (sub, more = {}) => ({ authorization: `Bearer ${tokenOf({ sub })}`, ...more });

/** Begins a session, and returns the client's name for it. */
async function begin(origin, headers, path = '/orders') {
  const answer = await fetch(origin + path, { method: 'POST', headers });
  assert.equal(answer.status, 200, await answer.text());
  return answer.headers.get(SESSION);
}

async function assertRefused(answer, [status, code], message) {
  assert.deepEqual([answer.status, answer.headers.get('x-problem-code')], [status, code], message);
  assert.equal((await answer.json()).code, code, message);
}

describe('a session', () => {
  let gateway;
  before(async () => {
    gateway = await startGateway({
      isolates: 2,
      bindings,
      config: {
        servers: [{ alias: 'server', url: server.origin }],
        authorizers: { staff: authorizer(), partners: authorizer({ issuer: 'https://partners.example/' }) },
        paths: [
          proxied('/orders', 'server', {
            auth: true,
            protected_resource: { resource: 'https://mcp.example/orders' },
            mcp,
          }),
          proxied('/orders/{.+}', 'server', { auth: true, mcp }),
          proxied('/files', 'server', { auth: true, mcp }),
          proxied('/partners', 'server', {
            auth: 'partners',
            protected_resource: { resource: 'https://mcp.example/partners' },
            mcp,
          }),
          proxied('/other-key', 'server', { auth: true, mcp: { session_key: `${SESSION_KEY}, another` } }),
          proxied('/plain', 'server', { auth: true }),
          proxied('/tenants/{tenant}', 'server', { auth: true, mcp }),
        ],
      },
    });
  });
  after(() => gateway?.close());

  test('goes on at every isolate, and the server knows it by its own name', async () => {
    const [here, there] = gateway.origins;
    const session = await begin(here, as('alice'));
    assert.match(session, /^server-session-1\.[\w-]{43}$/);
    for (const [origin, method] of [
      [here, 'POST'],
      [there, 'POST'],
      [here, 'DELETE'],
    ]) {
      seen.length = 0;
      const answer = await sendRaw(origin, {
        method,
        path: '/orders',
        headers: { ...as('alice'), [SESSION]: session },
      });
      assert.ok(answer.status < 300, `${method} ${answer.text}`);
      assert.deepEqual(
        seen.map(({ headers }) => headers[SESSION]),
        ['server-session-1'],
      );
      if (method === 'POST') assert.equal(answer.header(SESSION), session, 'it has one name');
    }
    const below = await fetch(`${here}/orders/below`, {
      method: 'POST',
      headers: { ...as('alice'), [SESSION]: session },
    });
    assert.equal(below.status, 200, 'what is below belongs to the resource');
    await below.arrayBuffer();
  });

  test('of another, an altered one and one that nobody began are not found, and the server hears of none', async () => {
    const { origin } = gateway;
    const session = await begin(origin, as('alice'));
    const [own, code] = session.split('.');
    const flipped = (code.startsWith('A') ? 'B' : 'A') + code.slice(1);
    const long = `${'a'.repeat(5000)}.${code}`;
    const [other, tenant] = [
      await begin(origin, as('alice'), '/other-key'),
      await begin(origin, as('alice'), '/tenants/a'),
    ];
    const of = { other, tenant };
    seen.length = 0;
    const rows = [
      ['another user', '/orders', as('bob'), session],
      ['a user whose name begins alike', '/orders', as('alice2'), session],
      [
        'a client of that name',
        '/orders',
        { authorization: `Bearer ${tokenOf({ sub: undefined, client_id: 'alice' })}` },
        session,
      ],
      ['the same user at another resource', '/files', as('alice'), session],
      ['at the path of another tenant', '/tenants/b', as('alice'), of.tenant],
      [
        'that name of another issuer',
        '/partners',
        { authorization: `Bearer ${tokenOf({ sub: 'alice', iss: 'https://partners.example/' })}` },
        session,
      ],
      ['under another key', '/orders', as('alice'), of.other],
      ['the name of the server', '/orders', as('alice'), own],
      ['a name nobody gave', '/orders', as('alice'), 'made-up'],
      ['another session with this code', '/orders', as('alice'), `server-session-2.${code}`],
      ['a longer name', '/orders', as('alice'), `x${session}`],
      ['another code', '/orders', as('alice'), `${own}.${flipped}`],
      ['half a code', '/orders', as('alice'), session.slice(0, -1)],
      ['a code with something behind it', '/orders', as('alice'), `${session}A`],
      ['the code alone', '/orders', as('alice'), code],
      ['a dot and the code', '/orders', as('alice'), `.${code}`],
      ['nothing', '/orders', as('alice'), ''],
      ['twice', '/orders', as('alice'), [session, session]],
      ['twice in a line', '/orders', as('alice'), `${session},${session}`],
      ['one beside another', '/orders', as('alice'), [session, own]],
      ['a space within', '/orders', as('alice'), session.replace('-', ' ')],
      ['beyond ASCII', '/orders', as('alice'), `\u00e9${session}`],
      ['beyond ASCII, as UTF-8', '/orders', as('alice'), Buffer.from(`é${session}`).toString('latin1')],
      ['too long', '/orders', as('alice'), long],
      ['letter case', '/orders', as('alice'), session.toUpperCase()],
    ];
    for (const [message, path, headers, sent] of /** @type {any[][]} */ (rows)) {
      for (const method of ['POST', 'GET', 'DELETE']) {
        const answer = await sendRaw(origin, { method, path, headers: { ...headers, [SESSION]: sent } });
        assert.deepEqual([answer.status, answer.header('x-problem-code')], NOT_FOUND, `${message}, ${method}`);
        assert.equal(answer.text.includes(code), false, `${message}: it is not reflected`);
      }
    }
    assert.deepEqual(seen, [], 'nothing came through');
  });

  test('is in no header of another spelling, and no event is asked for without one', async () => {
    const session = await begin(gateway.origin, as('alice'));
    for (const [message, headers, expected] of /** @type {any[][]} */ ([
      ['without a session', { 'last-event-id': 'e7' }, {}],
      ['another spelling', { Mcp_Session_Id: 'server-session-1', 'last-event-id': 'e7' }, {}],
      [
        'in one',
        { [SESSION]: session, 'last-event-id': 'e7' },
        { [SESSION]: 'server-session-1', 'last-event-id': 'e7' },
      ],
      [
        'in one, beside another spelling',
        { [SESSION]: session, 'MCP.Session.Id': 'x' },
        { [SESSION]: 'server-session-1' },
      ],
    ])) {
      seen.length = 0;
      await sendRaw(gateway.origin, { method: 'POST', path: '/orders', headers: { ...as('alice'), ...headers } });
      const got = Object.entries(seen[0].headers).filter(([key]) => /session|last-event/i.test(key));
      assert.deepEqual(Object.fromEntries(got), expected, message);
    }
  });

  test('that no client could name is the fault of the server, and one of nobody begins nowhere', async (t) => {
    t.after(() => {
      name = 'server-session-1';
    });
    for (const bad of ['two words', 'a'.repeat(4097), '\u00e9']) {
      name = bad;
      const answer = await fetch(`${gateway.origin}/orders`, { method: 'POST', headers: as('alice') });
      await assertRefused(answer, [502, 'upstream_unreachable'], bad.slice(0, 9));
      assert.equal(answer.headers.get(SESSION), null);
    }
    name = 'server-session-1';
    seen.length = 0;
    for (const claims of [{ sub: undefined }, { sub: '' }]) {
      const headers = { authorization: `Bearer ${tokenOf(claims)}` };
      const answer = await fetch(`${gateway.origin}/orders`, { method: 'POST', headers });
      await assertRefused(answer, [403, 'insufficient_scope'], 'neither sub nor client_id');
      assert.equal(answer.headers.get(SESSION), null);
    }
    assert.deepEqual(seen, [], 'and the server does nothing for them');
  });

  test('of a client without a user is that of the client', async () => {
    const headers = { authorization: `Bearer ${tokenOf({ sub: undefined, client_id: 'job' })}` };
    const session = await begin(gateway.origin, headers);
    const answer = await fetch(`${gateway.origin}/orders`, {
      method: 'POST',
      headers: { ...headers, [SESSION]: session },
    });
    assert.equal(answer.status, 200, await answer.text());
  });

  test('is nothing to a path without `mcp`', async () => {
    seen.length = 0;
    const answer = await fetch(`${gateway.origin}/plain`, {
      method: 'POST',
      headers: { ...as('alice'), [SESSION]: 'any' },
    });
    assert.deepEqual([answer.status, answer.headers.get(SESSION)], [200, 'any']);
    assert.ok(seen[0].headers.authorization, 'the token passes there');
    await answer.arrayBuffer();
  });
});

describe("the client's access token", () => {
  const OWN = 'a-token-for-the-server';
  let provider;
  let gateway;
  const exchanged = [];
  before(async () => {
    provider = await startUpstream(async (request, response) => {
      const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
      exchanged.push(form.get('subject_token'));
      response
        .writeHead(200, { 'content-type': 'application/json' })
        .end(JSON.stringify({ access_token: OWN, token_type: 'Bearer', expires_in: LIFE_SECS }));
    });
    const authorization = {
      grant: 'token_exchange',
      token_endpoint: `${provider.origin}/token`,
      client_id: 'gateway',
      client_secret: SESSION_KEY,
      audience: 'https://server.example',
    };
    const at = (path, of, more) => proxied(path, of, { auth: true, ...more });
    gateway = await startGateway({
      bindings,
      config: {
        servers: [
          { alias: 'server', url: server.origin },
          { alias: 'exchanging', url: server.origin, authorization },
        ],
        authorizer: authorizer(),
        paths: [
          at('/kept', 'server', { mcp }),
          at('/forwarded', 'server', { mcp: { ...mcp, forward_token: true } }),
          at('/exchanged', 'exchanging', { mcp }),
          at('/set', 'server', { mcp, request_headers: { set: { authorization: 'Basic eA==' } } }),
        ],
      },
    });
  });
  after(() => Promise.all([gateway?.close(), provider?.close()]));

  for (const [message, path, expected] of /** @type {any[][]} */ ([
    ['stays with the gateway', '/kept', () => undefined],
    ['is sent where the config says so', '/forwarded', (sent) => sent],
    ['is exchanged for one of the server', '/exchanged', () => `Bearer ${OWN}`],
    ['gives way to what the config sets', '/set', () => 'Basic eA=='],
  ]))
    test(message, async () => {
      [seen.length, exchanged.length] = [0, 0];
      const headers = as('alice');
      const session = await begin(gateway.origin, headers, path);
      const answer = await fetch(gateway.origin + path, {
        method: 'POST',
        headers: { ...headers, [SESSION]: session },
      });
      assert.equal(answer.status, 200, await answer.text());
      assert.deepEqual(
        seen.map(({ headers: got }) => [got.authorization, got[SESSION]]),
        [
          [expected(headers.authorization), undefined],
          [expected(headers.authorization), 'server-session-1'],
        ],
      );
      const shown = path === '/forwarded' ? 1 : 0;
      const whole = JSON.stringify(seen.map(({ path: at, headers: got }) => [at, got]));
      assert.equal(whole.includes(headers.authorization.slice(7)) ? 1 : 0, shown, 'it is in no other header');
      if (path === '/exchanged') assert.deepEqual(exchanged, [headers.authorization.slice(7)]);
    });
});

test('a server leads no client to an authorization server of its own', async (t) => {
  const resource = { protected_resource: true };
  const gateway = await startGateway({
    bindings,
    beside: [{ name: 'worker', script: LEADING }],
    serviceBindings: { MCP_WORKER: 'worker' },
    config: {
      servers: [{ alias: 'server', url: server.origin }],
      serviceBindings: [{ alias: 'worker', binding: 'MCP_WORKER' }],
      authorizer: authorizer(),
      paths: [
        proxied('/mcp', 'server', { auth: true, mcp }),
        proxied('/forwarded', 'server', { auth: true, mcp: { ...mcp, forward_token: true } }),
        proxied('/resource', 'server', { auth: true, ...resource }),
        proxied('/below/{.+}', 'server', { auth: true, protected_resource: { resource: 'https://gw.example/below' } }),
        proxied('/plain', 'server', { auth: true }),
        {
          method: 'ANY',
          path: '/worker',
          auth: true,
          mcp,
          integration: { type: 'service_binding', binding: 'worker' },
        },
      ],
    },
  });
  t.after(async () => {
    instead = undefined;
    await gateway.close();
  });
  const challenge = 'Bearer resource_metadata="https://evil.example"';
  for (const [path, expected] of /** @type {any[][]} */ ([
    ['/mcp', null],
    ['/forwarded', null],
    ['/resource', null],
    ['/below/x', null],
    ['/worker', null],
    ['/plain', challenge],
  ])) {
    for (const status of [401, 403, 200]) {
      instead = [status, ['Www-AUTHENTICATE', challenge, 'WWW-Authenticate', 'Basic']];
      const answer = await gateway.fetch(path, { headers: as('alice') });
      assert.equal(answer.status, path === '/worker' ? 401 : status, path);
      const said = answer.headers.get('www-authenticate');
      assert.equal(said?.split(', ')[0] ?? null, expected, `${path} ${status}`);
      await answer.arrayBuffer();
    }
  }
  for (const to of ['https://evil.example/mcp', '/plain']) {
    instead = [307, { location: to }];
    const answer = await gateway.fetch('/mcp', { headers: as('alice'), redirect: 'manual' });
    await assertRefused(answer, [502, 'upstream_unreachable'], to);
    assert.equal(answer.headers.get('location'), null);
  }
});

describe('a page', () => {
  let gateway;
  const allowed = { method: 'POST', headers: { origin: PAGE, 'access-control-request-method': 'POST' } };
  const asking = (names) => ({
    ...allowed,
    method: 'OPTIONS',
    headers: { ...allowed.headers, 'access-control-request-headers': names },
  });
  before(async () => {
    gateway = await startGateway({
      bindings,
      config: {
        servers: [{ alias: 'server', url: server.origin }],
        authorizer: authorizer(),
        cors: { allow_origins: [PAGE], allow_headers: ['authorization', 'content-type'] },
        paths: [
          proxied('/orders', 'server', { auth: true, mcp }),
          proxied('/plain', 'server', { auth: true }),
          proxied('/closed', 'server', { auth: true, mcp, cors: { allow_origins: [] } }),
        ],
      },
    });
  });
  after(() => gateway?.close());

  test('may send and read what the protocol has, and nothing more', async () => {
    const names = 'authorization,content-type,mcp-session-id,mcp-protocol-version,last-event-id';
    const preflight = await gateway.fetch('/orders', asking(names));
    assert.equal(preflight.headers.get('access-control-allow-headers'), names.replaceAll(',', ', '));
    for (const [path, more] of [
      ['/orders', `${names},x-own`],
      ['/plain', names],
      ['/closed', names],
    ]) {
      const refused = await gateway.fetch(path, asking(more));
      assert.equal(refused.headers.get('access-control-allow-headers'), null, path);
    }
    const answer = await gateway.fetch('/orders', { method: 'POST', headers: as('alice', { origin: PAGE }) });
    const exposed = answer.headers.get('access-control-expose-headers').split(', ');
    assert.ok(exposed.includes(SESSION), `${exposed}`);
    await answer.arrayBuffer();
    const challenge = await gateway.fetch('/orders', { method: 'POST', headers: { origin: PAGE } });
    assert.equal(challenge.status, 401);
    assert.ok(challenge.headers.get('access-control-expose-headers').includes('www-authenticate'));
    await challenge.arrayBuffer();
  });

  test('of another origin is refused, whatever token it has, and the server hears nothing', async () => {
    seen.length = 0;
    for (const [message, path, origin] of [
      ['another site', '/orders', 'https://evil.example'],
      ['a name that leads here', '/orders', `http://evil.example:${new URL(gateway.origin).port}`],
      ['no origin', '/orders', 'null'],
      ['one that the path does not list', '/closed', PAGE],
    ]) {
      const answer = await sendRaw(gateway.origin, { method: 'POST', path, headers: as('alice', { origin }) });
      assert.deepEqual([answer.status, answer.header('x-problem-code')], [403, 'origin_denied'], message);
    }
    assert.deepEqual(seen, []);
  });

  test('of the gateway itself, one that is listed, and a program are let in', async () => {
    for (const origin of [gateway.origin, PAGE, undefined]) {
      const headers = as('alice', origin ? { origin } : {});
      const answer = await sendRaw(gateway.origin, { method: 'POST', path: '/orders', headers });
      assert.equal(answer.status, 200, `${origin}`);
    }
  });
});

describe('a stream', () => {
  let gateway;
  before(async () => {
    const strict = authorizer();
    gateway = await startGateway({
      clock: true,
      bindings,
      beside: [{ name: 'worker', script: STREAMING }],
      serviceBindings: { MCP_WORKER: 'worker' },
      config: {
        servers: [{ alias: 'server', url: server.origin }],
        serviceBindings: [{ alias: 'worker', binding: 'MCP_WORKER' }],
        authorizer: strict,
        paths: [
          proxied('/orders', 'server', { auth: true, mcp }),
          {
            method: 'ANY',
            path: '/worker',
            auth: true,
            mcp,
            integration: { type: 'service_binding', binding: 'worker' },
          },
        ],
      },
    });
  });
  after(() => gateway?.close());

  const open = async (path, headers) => {
    const stream = await openStream(gateway.origin, path, headers);
    assert.equal(stream.first, EVENT);
    return stream;
  };

  for (const path of ['/orders', '/worker'])
    test(`ends with the token that opened it, and its session goes on with the next: ${path}`, async () => {
      const headers = as('alice', { accept: 'text/event-stream' });
      const { response, ended } = await open(path, headers);
      const session = response.headers[SESSION];
      assert.match(session, /^server-session-1\.[\w-]{43}$/);
      await elapse(LIFE_SECS - 1);
      assert.equal(response.complete, false);
      await elapse(1);
      assert.equal(await ended, false, 'it does not look whole');
      assertProblem(await gateway.ask(path, { headers }), [401, 'token_expired'], 'the same token');
      const again = await open(path, as('alice', { [SESSION]: session }));
      assert.equal(again.response.headers[SESSION], session);
      again.response.destroy();
    });

  test("of another user's session is not opened", async () => {
    const { response } = await open('/orders', as('alice'));
    const answer = await gateway.ask('/orders', { headers: as('bob', { [SESSION]: response.headers[SESSION] }) });
    assertProblem(answer, NOT_FOUND, 'bob');
    response.destroy();
  });
});
