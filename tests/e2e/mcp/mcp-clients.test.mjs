// Two MCP servers behind one gateway, and the SDK's client, which knows only an address of each: it is registered and logs in at the
// provider, for the resource and the scopes that the gateway names. Servers, clients and provider are those of others.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startFront } from '../support/front-flow.mjs';
import { ROOT, freePort, proxied, startGateway, until } from '../support/harness.mjs';
import { PAST_LOGIN_SECS, Program, loadSdk, startProvider, startServer } from '../support/mcp.mjs';

const SESSION = 'mcp-session-id';
const SCOPES = 'read:orders write:orders read:files';
const bindings = { SESSION_KEY: 'a key for sessions that nobody can guess' };

let sdk;
let provider;
let servers;
before(async () => {
  sdk = await loadSdk((name) => import(name));
  provider = await startProvider(SCOPES);
  servers = await Promise.all(['orders', 'files', 'admin'].map((name) => startServer(sdk, name)));
});
after(() => Promise.all([provider, ...(servers ?? [])].map((each) => each?.close())));

const trusting = (audience) => ({ type: 'oidc', issuer: provider.issuer, client_id: 'none', audience });
const mcp = { session_key: '$secret.SESSION_KEY' };

function start(port, authorizers, paths) {
  const [orders, files, admin] = servers.map(({ origin }) => origin);
  return startGateway({
    port,
    isolates: 2,
    clock: 'runs',
    bindings,
    config: {
      servers: [
        { alias: 'orders', url: orders },
        { alias: 'files', url: files },
        { alias: 'admin', url: admin },
      ],
      authorizers,
      paths,
    },
  });
}

/** A program of a user who has logged in. */
async function loggedIn(address, username = 'alice') {
  const program = new Program(sdk, address);
  await assert.rejects(program.connect(), sdk.UnauthorizedError);
  await program.logIn(username);
  await program.connect();
  return program;
}

/** Calls the tool without the SDK, as whoever has a token and the id of a session. */
const callTool = (address, token, session) =>
  fetch(address, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${token}`,
      accept: 'application/json, text/event-stream',
      'content-type': 'application/json',
      [SESSION]: session,
    },
    body: JSON.stringify({ jsonrpc: '2.0', id: 7, method: 'tools/call', params: { name: 'name', arguments: {} } }),
  });

test('the config of init --mcp serves a client that knows only an address', async (t) => {
  const port = await freePort();
  const gateway = await startGateway({
    port,
    config: readFileSync(join(ROOT, 'examples', 'providers', 'oidc-mcp.json'), 'utf8'),
    bindings: {
      ORDERS_URL: servers[0].origin,
      FILES_URL: servers[1].origin,
      OIDC_ISSUER: provider.issuer,
      ORDERS_RESOURCE: `http://127.0.0.1:${port}/orders`,
      FILES_RESOURCE: `http://127.0.0.1:${port}/files`,
      MCP_SESSION_KEY: bindings.SESSION_KEY,
    },
  });
  t.after(() => gateway.close());
  servers[1].seen.length = 0;
  for (const name of ['orders', 'files']) {
    const program = await loggedIn(new URL(`/${name}/mcp`, gateway.origin), 'carol');
    assert.equal(await program.ask(), name);
    await program.close();
  }
  assert.deepEqual(new Set(servers[1].seen.map((headers) => headers['x-user-id'])), new Set(['carol']));
});

describe('two servers at two paths', () => {
  let gateway;
  let addressOf;
  const programs = [];
  const open = async (...how) => {
    const program = await loggedIn(...how);
    programs.push(program);
    return program;
  };
  before(async () => {
    const port = await freePort();
    const resource = (path) => `http://127.0.0.1:${port}${path}`;
    const asking = (authorizer, ...scopes) => ({ authorizer, scopes });
    gateway = await start(port, { orders: trusting(resource('/orders')), files: trusting(resource('/files')) }, [
      proxied('/orders', 'orders', {
        auth: asking('orders', 'read:orders'),
        protected_resource: { resource: resource('/orders') },
        mcp,
      }),
      proxied('/orders/admin', 'admin', { auth: asking('orders', 'read:orders', 'write:orders'), mcp }),
      proxied('/files/{.+}', 'files', {
        auth: asking('files', 'read:files'),
        protected_resource: { resource: resource('/files') },
        mcp,
      }),
    ]);
    addressOf = (path) => new URL(path, gateway.origin);
  });
  after(async () => {
    await Promise.all(programs.map((program) => program.close()));
    await gateway?.close();
  });

  test('are each a resource of its own, and get neither tokens nor ids of clients', async () => {
    const [orders, files] = [await open(addressOf('/orders')), await open(addressOf('/files/mcp'))];
    for (const [program, path, scope] of /** @type {any[][]} */ ([
      [orders, '/orders', 'read:orders'],
      [files, '/files', 'read:files'],
    ])) {
      const { searchParams: asked } = program.requested;
      assert.deepEqual([asked.get('scope'), asked.get('resource')], [scope, addressOf(path).href]);
    }
    assert.deepEqual([await orders.ask(), await files.ask()], ['orders', 'files']);
    for (const { seen, sessions } of servers.slice(0, 2)) {
      assert.ok(seen.length > 0);
      for (const headers of seen) {
        assert.equal(headers.authorization, undefined);
        const session = headers[SESSION];
        assert.ok(session === undefined || sessions.has(session), session);
      }
    }
    assert.equal((await callTool(files.address, orders.held.access_token, files.session)).status, 401);
  });

  test('go on with a session after a renewal, at whichever isolate', async () => {
    const program = await open(addressOf('/orders'));
    const [session, before] = [program.session, program.held.access_token];
    await gateway.later(PAST_LOGIN_SECS);
    try {
      assert.equal(await program.ask(), 'orders');
      assert.notEqual(program.held.access_token, before);
      assert.equal(program.session, session);
      for (const origin of gateway.origins) {
        const answer = await callTool(`${origin}/orders`, program.held.access_token, session);
        assert.deepEqual([answer.status, answer.headers.get(SESSION)], [200, session], origin);
        assert.match(await answer.text(), /"orders"/);
      }
    } finally {
      await gateway.later(-PAST_LOGIN_SECS);
    }
  });

  test('take no session of another user, who may begin one of their own', async () => {
    const alice = await open(addressOf('/orders'));
    const bob = await open(addressOf('/orders'), 'bob');
    const { seen, sessions } = servers[0];
    const own = [...sessions.keys()].at(-2);
    for (const session of [alice.session, own, `${own}.${bob.session.split('.').at(-1)}`]) {
      seen.length = 0;
      const thief = new Program(sdk, bob.address, bob);
      await thief.connect(session);
      await assert.rejects(thief.ask(), { code: 404 });
      await thief.close();
      // Streams of the others may still open.
      const calls = seen.filter(({ accept }) => accept !== 'text/event-stream');
      assert.deepEqual(calls, [], 'the server hears nothing');
    }
    assert.deepEqual([await alice.ask(), await bob.ask()], ['orders', 'orders']);
  });

  test('ask for more scopes at a path that needs them', async () => {
    const orders = await open(addressOf('/orders'));
    const admin = new Program(sdk, addressOf('/orders/admin'), orders);
    programs.push(admin);
    // A client that can refresh does that, which widens nothing, and gives up at the second refusal.
    await assert.rejects(admin.connect(), { code: 403 });
    admin.held = { ...admin.held, refresh_token: undefined };
    await assert.rejects(admin.connect(), sdk.UnauthorizedError);
    assert.equal(admin.requested.searchParams.get('scope'), 'read:orders write:orders');
    // It was registered with the scopes of the first challenge alone, and the provider gives it no others.
    admin.registration = undefined;
    await assert.rejects(admin.connect(), sdk.UnauthorizedError);
    await admin.logIn();
    await admin.connect();
    assert.equal(await admin.ask(), 'admin');
  });

  test('end a session when its client says so', async () => {
    const program = await open(addressOf('/orders'));
    const [session, { sessions }] = [program.session, servers[0]];
    const count = sessions.size;
    await program.transport.terminateSession();
    assert.equal(sessions.size, count - 1);
    const answer = await callTool(program.address, program.held.access_token, session);
    assert.equal(answer.headers.get('x-problem-code'), null, 'the server itself refuses it');
    assert.ok(answer.status >= 400, `${answer.status}`);
    await answer.arrayBuffer();
  });

  test('end streams with the login, and the client opens them again with the next token', async () => {
    const program = await open(addressOf('/orders'));
    const { seen, sessions } = servers[0];
    const mine = [...sessions.values()].at(-1);
    const listening = () => seen.filter(({ accept }) => accept === 'text/event-stream').length;
    await until(() => listening() > 0);
    const changes = [];
    program.client.setNotificationHandler(sdk.ToolListChangedNotificationSchema, () => void changes.push(1));
    await until(() => {
      mine.server.sendToolListChanged();
      return changes.length > 0;
    });
    const before = listening();
    const broken = new Promise((resolve) => {
      program.client.onerror = resolve;
    });
    await gateway.elapse(PAST_LOGIN_SECS);
    try {
      assert.match((await broken).message, /disconnected/);
      await until(() => listening() > before);
      changes.length = 0;
      await until(() => {
        mine.server.sendToolListChanged();
        return changes.length > 0;
      });
    } finally {
      await gateway.later(-PAST_LOGIN_SECS);
    }
  });
});

describe('two servers at two hosts', () => {
  test('are two resources, though their paths are one', async (t) => {
    const port = await freePort();
    const [orders, files] = ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${port}/mcp`);
    const at = (server, resource, more) =>
      proxied('/mcp', server, {
        auth: { authorizer: server, scopes: [`read:${server}`] },
        protected_resource: { resource },
        mcp,
        ...more,
      });
    const gateway = await start(port, { orders: trusting(orders), files: trusting(files) }, [
      at('orders', orders),
      at('files', files, { host: 'localhost' }),
    ]);
    t.after(() => gateway.close());
    const programs = [];
    for (const [address, name] of [
      [orders, 'orders'],
      [files, 'files'],
    ]) {
      const program = await loggedIn(new URL(address));
      t.after(() => program.close());
      const { searchParams: asked } = program.requested;
      assert.deepEqual([asked.get('scope'), asked.get('resource')], [`read:${name}`, address]);
      assert.equal(await program.ask(), name);
      programs.push(program);
    }
    const [one, other] = programs;
    assert.equal((await callTool(files, one.held.access_token, one.session)).status, 401, 'a token of the other');
    const answer = await callTool(files, other.held.access_token, one.session);
    assert.deepEqual([answer.status, answer.headers.get('x-problem-code')], [404, 'mcp_session_not_found']);
  });
});

test('clients that the provider does not know log in through the gateway, for both servers', async (t) => {
  const [orders, files] = servers;
  const at = (name) =>
    proxied(`/${name}`, name, {
      auth: { authorizer: name, scopes: [`read:${name}`] },
      protected_resource: true,
      // The client at the provider has a secret.
      mcp: true,
    });
  const front = await startFront({
    sections: {
      servers: [
        { alias: 'orders', url: orders.origin },
        { alias: 'files', url: files.origin },
      ],
      paths: [at('orders'), at('files')],
    },
  });
  t.after(() => front.close());
  const programs = [];
  for (const name of ['orders', 'files']) {
    const program = await loggedIn(new URL(`/${name}`, front.origin));
    t.after(() => program.close());
    assert.equal(program.requested.origin, front.origin, 'it never meets the provider by itself');
    assert.equal(await program.ask(), name);
    programs.push(program);
  }
  const [one, other] = programs;
  const answer = await callTool(other.address, other.held.access_token, one.session);
  assert.deepEqual([answer.status, answer.headers.get('x-problem-code')], [404, 'mcp_session_not_found']);
});
