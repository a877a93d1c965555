// @modelcontextprotocol/sdk (npm): the servers of two resources behind one gateway, and a client of each, which knows only its
// address. The provider is oidc-provider with what MCP clients need: it registers them (RFC 7591), and issues each token for one
// resource (RFC 8707).

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { freePort, originOf, proxied, startGateway, startUpstream } from '../../e2e/support/harness.mjs';
import { installNpm, load, npmVersion } from '../install.mjs';
import { Person } from '../person.mjs';

const SDK = '@modelcontextprotocol/sdk';
const ORDERS = { path: '/orders', name: 'orders', scope: 'read:orders' };
const FILES = { path: '/files/mcp', name: 'files', scope: 'read:files' };
/** Below the orders, and with a scope of its own. */
const ADMIN = { path: '/orders/admin', name: 'admin', scope: 'read:orders write:orders' };
const SCOPES = 'read:orders write:orders read:files';
/** Where the provider leads a person back, and where nothing listens: the program takes the code from the address. */
const REDIRECT_URI = 'http://127.0.0.1:9/callback';

/** The life of the tokens of a login, the time at which they have expired, and the life of those of a refresh. */
const LOGIN_SECS = 600;
const PAST_LOGIN_SECS = 700;
const REFRESH_SECS = 3600;

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
  const sdk = await loadSdk();
  const provider = await startProvider();
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

async function loadSdk() {
  const parts = ['client/index', 'client/auth', 'client/streamableHttp', 'server/mcp', 'server/streamableHttp'];
  return Object.assign({}, ...(await Promise.all(parts.map((part) => load(`${SDK}/${part}.js`)))));
}

/** A program with an MCP client, and what it keeps of its login, as the SDK asks for it (`OAuthClientProvider`). */
class Program {
  redirectUrl = REDIRECT_URI;
  clientMetadata = {
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
  };

  /**
   * @param {any} sdk
   * @param {URL} address
   * @param {Program} [like] another, whose login it begins with
   */
  constructor(sdk, address, like) {
    this.sdk = sdk;
    this.address = address;
    this.registration = like?.registration;
    this.held = like?.held;
    this.#renew();
  }

  #renew() {
    this.client = new this.sdk.Client({ name: 'a program', version: '1' });
    this.transport = new this.sdk.StreamableHTTPClientTransport(this.address, { authProvider: this });
  }

  /** Connects; if it has to log in first, that fails, and `requested` is the address for its user. */
  async connect() {
    this.#renew();
    await this.client.connect(this.transport);
  }

  /** Its user logs in, and the code comes back. */
  async logIn() {
    const person = new Person({ username: 'alice', password: 'any' });
    const { page, next } = await person.goTo(this.requested.href, (url) => url.startsWith(REDIRECT_URI));
    const code = next && new URL(next).searchParams.get('code');
    assert.ok(code, next ?? page.words());
    await this.transport.finishAuth(code);
  }

  /** Asks the server for its name. */
  async ask() {
    const { content } = await this.client.callTool({ name: 'name' });
    return content[0].text;
  }

  get session() {
    return this.transport.sessionId;
  }

  close() {
    return this.client.close();
  }

  clientInformation() {
    return this.registration;
  }

  saveClientInformation(registration) {
    this.registration = registration;
  }

  tokens() {
    return this.held;
  }

  saveTokens(tokens) {
    this.held = tokens;
  }

  redirectToAuthorization(url) {
    this.requested = url;
  }

  codeVerifier() {
    return this.verifier;
  }

  saveCodeVerifier(verifier) {
    this.verifier = verifier;
  }
}

/** Starts an MCP server whose one tool returns its name. */
function startServer(sdk, name) {
  const sessions = new Map();
  const open = async () => {
    const transport = new sdk.StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    const server = new sdk.McpServer({ name, version: '1' });
    server.registerTool('name', { description: 'Returns the name.' }, () => ({
      content: [{ type: 'text', text: name }],
    }));
    await server.connect(transport);
    return transport;
  };
  return startUpstream(async (request, response) => {
    const transport = sessions.get(request.headers['mcp-session-id']) ?? (await open());
    await transport.handleRequest(request, response);
  });
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

async function startProvider() {
  const server = createServer();
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening');
  const issuer = originOf(server);
  const provider = new Provider(issuer, {
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
    // MCP clients ask only for the scopes of the challenge.
    issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
    ttl: {
      AccessToken: (ctx) => (ctx.oidc.params.grant_type === 'refresh_token' ? REFRESH_SECS : LOGIN_SECS),
    },
    features: {
      registration: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (ctx, resource) => ({
          audience: resource,
          scope: SCOPES,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  server.on('request', provider.callback());
  return {
    issuer,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
