// What the tests of `authorization_server` share: oidc-provider that registers nobody, a gateway in front of it with two resources, and
// the steps of a client and its user, each by itself.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';
import { Person } from '../../interop/person.mjs';
import { freePort, originOf, startGateway } from './harness.mjs';

export const CLIENT_ID = 'the-gateway';
const CLIENT_SECRET = randomBytes(32).toString('hex');
/** Where clients get their codes: of a site, and of a program, which listens at a port of its own. */
export const SITE = 'https://client.example/callback';
export const PROGRAM = 'http://127.0.0.1:9/callback';
const LISTED = [SITE, 'http://127.0.0.1/callback', 'http://[::1]/callback', 'http://localhost/callback?x=1'];
const SCOPES = 'read:orders write:orders read:files';
export const METADATA = '/.well-known/oauth-authorization-server';
export const RESOURCE_METADATA = '/.well-known/oauth-protected-resource';

/**
 * Starts the provider, with one client and no registration. By itself it does not rotate the refresh tokens of a client with a secret.
 * @param {string} callback
 * @param {Record<string, any>} [client]
 * @param {{ rotates?: boolean }} [how]
 */
export async function startProvider(callback, client = {}, { rotates } = {}) {
  const server = createServer();
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening');
  const issuer = originOf(server);
  const forms = [];
  const provider = new Provider(issuer, {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: [callback],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...client,
      },
    ],
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    scopes: ['openid', 'offline_access', ...SCOPES.split(' ')],
    issueRefreshToken: (_ctx, of) => of.grantTypeAllowed('refresh_token'),
    ...(rotates && { rotateRefreshToken: true }),
    features: {
      revocation: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, resource) => ({
          audience: resource,
          scope: SCOPES,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  });
  let denies = false;
  provider.use(async (ctx, next) => {
    if (denies && ctx.path === '/token') {
      ctx.status = 403;
      ctx.body = { error: 'access_denied', error_description: '<b>' };
      return;
    }
    await next();
    if (ctx.oidc?.route === 'token') forms.push({ ...ctx.oidc.body });
  });
  server.on('request', provider.callback());
  return {
    issuer,
    /** The forms that its token endpoint got. */
    forms,
    /** From now on its token endpoint denies tokens to everyone. */
    deny() {
      denies = true;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/**
 * Starts a provider and a gateway in front of it. `server` replaces members of the section, `sections` those of the config, and
 * `pathsBeside` are paths besides; `secret` is what the gateway takes for the secret of its client, `path` where its endpoints are, and
 * `rotates` whether the provider rotates refresh tokens.
 * @param {Record<string, any>} [options]
 * @returns {Promise<any>}
 */
export async function startFront({
  server = {},
  sections = {},
  pathsBeside = [],
  path = '',
  secret = CLIENT_SECRET,
  rotates = false,
  ...options
} = {}) {
  const port = await freePort();
  const origin = `http://127.0.0.1:${port}`;
  const issuer = origin + path;
  const provider = await startProvider(`${issuer}/callback`, {}, { rotates });
  const at = { issuer: provider.issuer };
  const trusting = (audience) => ({
    type: 'jwt',
    ...at,
    jwks_uri: `${provider.issuer}/jwks`,
    audience: origin + audience,
  });
  const config = {
    authorizers: {
      people: { type: 'oidc', ...at, client_id: CLIENT_ID, client_secret: secret },
      orders: trusting('/orders'),
      files: trusting('/files'),
    },
    authorization_server: { issuer, redirect_uris: LISTED, scopes: ['offline_access'], ...server },
    paths: [
      {
        method: 'GET',
        path: '/orders',
        auth: { authorizer: 'orders', scopes: ['read:orders'] },
        protected_resource: true,
        response: { orders: [] },
      },
      {
        method: 'POST',
        path: '/orders',
        auth: { authorizer: 'orders', scopes: ['write:orders'] },
        response: { id: 1 },
      },
      {
        method: 'GET',
        path: '/files',
        auth: { authorizer: 'files', scopes: ['read:files'] },
        protected_resource: true,
        response: { files: [] },
      },
      ...pathsBeside,
    ],
    ...sections,
  };
  const gateway = await startGateway({ port, config, ...options });
  return {
    provider,
    gateway,
    origin,
    issuer,
    async close() {
      await gateway.close();
      await provider.close();
    },
  };
}

/** A verifier, and its challenge. */
export function proofKey() {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/**
 * Returns the address of a client's authorization request: a valid one, with members replaced, and those that are `undefined` left out.
 * @param {any} front
 * @param {Record<string, any>} [change]
 */
export function requestOf(front, change = {}) {
  const parameters = {
    response_type: 'code',
    client_id: CLIENT_ID,
    redirect_uri: PROGRAM,
    code_challenge: proofKey().challenge,
    code_challenge_method: 'S256',
    resource: `${front.origin}/orders`,
    scope: 'read:orders',
    state: 'the state',
    ...change,
  };
  const pairs = Object.entries(parameters).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().map((one) => [name, one]),
  );
  return `${front.issuer}/authorize?${new URLSearchParams(pairs)}`;
}

/** Returns a new user with a browser of their own. */
export const newPerson = () => new Person({ username: 'alice', password: 'any' });

/**
 * Lets a user follow a client's request, allow it and log in; returns the address that the client gets.
 * @param {Person} person
 * @param {string} address
 */
export async function allow(person, address) {
  const { redirect_uri } = Object.fromEntries(new URL(address).searchParams);
  const { page, next } = await person.goTo(address, (url) => url.startsWith(redirect_uri));
  assert.ok(next, page.words());
  return new URL(next);
}

/**
 * Sends a client's form, and returns status and JSON.
 * @param {any} front
 * @param {string} endpoint
 * @param {Record<string, any> | URLSearchParams} form
 */
export async function post(front, endpoint, form) {
  const body = form instanceof URLSearchParams ? form : new URLSearchParams(form);
  const answer = await fetch(`${front.issuer}${endpoint}`, { method: 'POST', body });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text ? JSON.parse(text) : {} };
}

/**
 * Logs a user in for a client, and returns the tokens and what it took.
 * @param {any} front
 * @param {Record<string, any>} [change]
 */
export async function tokensOf(front, change = {}) {
  const { verifier, challenge } = proofKey();
  const redirect_uri = change.redirect_uri ?? PROGRAM;
  const arrived = await allow(newPerson(), requestOf(front, { code_challenge: challenge, ...change }));
  const code = arrived.searchParams.get('code');
  assert.ok(code, arrived.href);
  const form = {
    grant_type: 'authorization_code',
    client_id: CLIENT_ID,
    code,
    redirect_uri,
    code_verifier: verifier,
  };
  const answer = await post(front, '/token', form);
  return { form, arrived, ...answer };
}
