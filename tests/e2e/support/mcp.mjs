// Servers and clients of MCP by its own SDK, and a provider with what the clients need: it registers them (RFC 7591), and issues each
// token for one resource (RFC 8707).

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { Person } from '../../interop/person.mjs';
import { freePort, originOf, startUpstream } from './harness.mjs';

export const SDK = '@modelcontextprotocol/sdk';
/** Where the provider leads a person back, and where nothing listens: the program takes the code from the address. */
const REDIRECT_URI = 'http://127.0.0.1:9/callback';

/** The life of the tokens of a login, the time at which they have expired, and the life of those of a refresh. */
export const LOGIN_SECS = 600;
export const PAST_LOGIN_SECS = 700;
const REFRESH_SECS = 3600;

/** Loads the parts of the SDK, by how its package is loaded. @param {(name: string) => Promise<any>} load */
export async function loadSdk(load) {
  const parts = [
    'client/index',
    'client/auth',
    'client/streamableHttp',
    'server/mcp',
    'server/streamableHttp',
    'types',
  ];
  return Object.assign({}, ...(await Promise.all(parts.map((part) => load(`${SDK}/${part}.js`)))));
}

/** A program with an MCP client, and what it keeps of its login, as the SDK asks for it (`OAuthClientProvider`). */
export class Program {
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

  #renew(sessionId) {
    this.client = new this.sdk.Client({ name: 'a program', version: '1' });
    this.transport = new this.sdk.StreamableHTTPClientTransport(this.address, { authProvider: this, sessionId });
  }

  /**
   * Connects; if it has to log in first, that fails, and `requested` is the address for its user. With the id of a session it goes on
   * with that.
   * @param {string} [sessionId]
   */
  async connect(sessionId) {
    this.#renew(sessionId);
    await this.client.connect(this.transport);
  }

  /** Its user logs in, and the code comes back. */
  async logIn(username = 'alice') {
    const person = new Person({ username, password: 'any' });
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

/** Starts an MCP server whose one tool returns its name. `sessions` are those that it has, by its ids, and `seen` the headers of requests. */
export async function startServer(sdk, name) {
  const sessions = new Map();
  const seen = [];
  const open = async () => {
    const transport = new sdk.StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, { transport, server }),
      onsessionclosed: (id) => void sessions.delete(id),
    });
    const server = new sdk.McpServer({ name, version: '1' });
    server.registerTool('name', { description: 'Returns the name.' }, () => ({
      content: [{ type: 'text', text: name }],
    }));
    await server.connect(transport);
    return transport;
  };
  const upstream = await startUpstream(async (request, response) => {
    seen.push(request.headers);
    const transport = sessions.get(request.headers['mcp-session-id'])?.transport ?? (await open());
    await transport.handleRequest(request, response);
  });
  return { ...upstream, sessions, seen };
}

/**
 * Starts the provider.
 * @param {string} scopes those that it knows
 */
export async function startProvider(scopes) {
  const server = createServer();
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening');
  const issuer = originOf(server);
  const provider = new Provider(issuer, {
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    scopes: ['openid', 'offline_access', ...scopes.split(' ')],
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
          scope: scopes,
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
