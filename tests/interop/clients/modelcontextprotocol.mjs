// @modelcontextprotocol/sdk (npm): the servers of two resources behind one gateway, and a client of each, which knows only its
// address. The provider is oidc-provider with what MCP clients need: it registers them (RFC 7591), and issues each token for one
// resource (RFC 8707).

import assert from 'node:assert/strict';
import { freePort, proxied, startGateway } from '../../e2e/support/harness.mjs';
import { PAST_LOGIN_SECS, Program, SDK, loadSdk, startProvider, startServer } from '../../e2e/support/mcp.mjs';
import { installNpm, load, npmVersion } from '../install.mjs';

const ORDERS = { path: '/orders', name: 'orders', scope: 'read:orders' };
const FILES = { path: '/files/mcp', name: 'files', scope: 'read:files' };
/** Below the orders, and with a scope of its own. */
const ADMIN = { path: '/orders/admin', name: 'admin', scope: 'read:orders write:orders' };
const SCOPES = 'read:orders write:orders read:files';

/** @type {import('../clients.mjs').Client} */
export default {
  name: SDK,
  way: "the provider's, for the resource and the scopes that the gateway names",
  gaps: [],
  install: installNpm,
  version: () => npmVersion(SDK),
  start,
};

async function start() {
  const sdk = await loadSdk(load);
  const provider = await startProvider(SCOPES);
  const upstreams = await Promise.all([ORDERS, FILES, ADMIN].map(({ name }) => startServer(sdk, name)));
  const gateway = await startFront(provider.issuer, upstreams);
  const addressOf = ({ path }) => new URL(path, gateway.origin);
  const [orders, files] = [ORDERS, FILES].map((server) => new Program(sdk, addressOf(server)));
  const steps = {
    async 'asked scopes'() {
      for (const [program, { name, scope }] of /** @type {[Program, any][]} */ ([
        [orders, ORDERS],
        [files, FILES],
      ])) {
        await assert.rejects(program.connect(), sdk.UnauthorizedError);
        const { searchParams: asked } = program.requested;
        assert.deepEqual([asked.get('scope'), asked.get('resource')], [scope, `${gateway.origin}/${name}`]);
      }
    },
    async tokens() {
      for (const program of [orders, files]) {
        await program.logIn();
        await program.connect();
      }
    },
    async call() {
      assert.deepEqual([await orders.ask(), await files.ask()], ['orders', 'files']);
      const headers = { authorization: `Bearer ${orders.held.access_token}` };
      assert.equal((await fetch(files.address, { method: 'POST', headers })).status, 401, 'the token of the other');
    },
    async renewal() {
      const [session, before] = [orders.session, orders.held.access_token];
      await gateway.later(PAST_LOGIN_SECS);
      try {
        assert.equal(await orders.ask(), 'orders');
      } finally {
        await gateway.later(-PAST_LOGIN_SECS);
      }
      assert.notEqual(orders.held.access_token, before);
      assert.equal(orders.session, session, 'it goes on');
    },
    async 'missing scope'() {
      const admin = new Program(sdk, addressOf(ADMIN), orders);
      // A client that can refresh does that, which widens nothing, and gives up at the second refusal.
      await assert.rejects(admin.connect(), { code: 403 });
      admin.held = { ...admin.held, refresh_token: undefined };
      await assert.rejects(admin.connect(), sdk.UnauthorizedError);
      assert.equal(admin.requested.searchParams.get('scope'), ADMIN.scope);
    },
  };
  return {
    steps,
    async close() {
      await Promise.all([orders, files].map((program) => program.close()));
      await gateway.close();
      await Promise.all([provider, ...upstreams].map((each) => each.close()));
    },
  };
}

/**
 * Starts the gateway in front of the servers.
 * @param {string} issuer
 * @param {{ origin: string }[]} upstreams
 */
async function startFront(issuer, [orders, files, admin]) {
  const port = await freePort();
  const resource = (path) => `http://127.0.0.1:${port}${path}`;
  const trusting = (audience) => ({ type: 'oidc', issuer, client_id: 'none', audience });
  const asking = (authorizer, scope) => ({ authorizer, scopes: scope.split(' ') });
  return startGateway({
    port,
    clock: 'runs',
    config: {
      servers: [
        { alias: 'orders', url: orders.origin },
        { alias: 'files', url: files.origin },
        { alias: 'admin', url: admin.origin },
      ],
      authorizers: { orders: trusting(resource('/orders')), files: trusting(resource('/files')) },
      paths: [
        proxied(ORDERS.path, 'orders', { auth: asking('orders', ORDERS.scope), protected_resource: true }),
        proxied(ADMIN.path, 'admin', { auth: asking('orders', ADMIN.scope) }),
        proxied('/files/{.+}', 'files', {
          auth: asking('files', FILES.scope),
          protected_resource: { resource: resource('/files') },
        }),
      ],
    },
  });
}
