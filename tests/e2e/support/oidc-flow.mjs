// What the tests of `oidc` share: a provider below a path, with endpoints where Auth0 has none, found by discovery alone; and
// gateways in front of it, with every integration under its `oidc_*` name.

import assert from 'node:assert/strict';
import { CLIENT_ID, CLIENT_SECRET, REDIRECT_URI, loginConfig, startTenant } from './login-flow.mjs';
import { sessionConfig, startObeyingGateway } from './session-flow.mjs';
import { mode } from './tenant-mode.mjs';

const BASE_PATH = '/realms/demo';
/** The paths of its endpoints below its own. */
export const ENDPOINTS = {
  authorization: '/protocol/auth',
  token: '/protocol/token',
  revocation: '/protocol/revoke',
  introspection: '/protocol/introspect',
  userinfo: '/protocol/me',
  jwks: '/protocol/certs',
  end_session: '/protocol/logout',
};

/** The provider's paths, as it counts them and takes faults for them. */
export const AT = Object.fromEntries(Object.entries(ENDPOINTS).map(([name, path]) => [name, BASE_PATH + path]));
export const DISCOVERY = `${BASE_PATH}/.well-known/openid-configuration`;
/** Where logouts may lead, at the provider and at the gateway. */
export const AFTER_LOGOUT = 'https://spa.example/bye';

/**
 * Starts the provider. `client` replaces members of its client; other options are those of `startTenant`.
 * @param {Record<string, any>} [options]
 * @returns {Promise<any>}
 */
export async function startRealm({ client, ...options } = {}) {
  const registered = {
    client_id: CLIENT_ID,
    client_secret: CLIENT_SECRET,
    // The gateway takes Basic by itself, and a tenant that is not strict takes a secret either way.
    token_endpoint_auth_method: mode.isStrict ? 'client_secret_basic' : 'client_secret_post',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [REDIRECT_URI],
    post_logout_redirect_uris: [AFTER_LOGOUT],
    ...client,
  };
  const realm = await startTenant({ basePath: BASE_PATH, endpoints: ENDPOINTS, clients: [registered], ...options });
  return Object.assign(realm, {
    /** How often the provider was asked at this path. */
    callsOf: (path) => realm.counts[path] ?? 0,
    /** Changes the discovery document from now on: `change` gives the members to replace, `undefined` for those to drop. */
    rewrite(change) {
      realm.fault({
        path: DISCOVERY,
        edit: ({ headers, body }) => ({ status: 200, headers, body: { ...JSON.parse(body), ...change } }),
      });
    },
  });
}

/** Returns the `authorizer` of a config for the provider, with members replaced. */
export const oidcAuthorizer = (realm, more = {}) => ({
  type: 'oidc',
  domain: undefined,
  issuer: realm.issuer,
  ...more,
});

/** Renames the integrations of a config. */
export function underTheirOidcNames({ paths, ...config }) {
  const renamed = (path) => {
    if (!path.integration) return path;
    return { ...path, integration: { ...path.integration, type: path.integration.type.replace(/^auth0_/, 'oidc_') } };
  };
  return { ...config, paths: paths.map(renamed) };
}

/**
 * Starts a gateway whose logins end in tokens.
 * @param {any} realm
 * @param {Record<string, any>} [options]
 */
export function startTokenGateway(realm, { authorizer, paths, sections, ...options } = {}) {
  const config = loginConfig(realm, { authorizer: oidcAuthorizer(realm, authorizer), paths, sections });
  return startObeyingGateway(realm, { config: underTheirOidcNames(config), ...options });
}

/**
 * Starts a gateway whose logins end in sessions.
 * @param {any} realm
 * @param {any} api
 * @param {Record<string, any>} [options]
 */
export function startSessionGateway(realm, api, { authorizer, session, paths, ...options } = {}) {
  const how = {
    session: { after_logout: AFTER_LOGOUT, ...session },
    paths,
    authorizer: oidcAuthorizer(realm, authorizer),
  };
  return startObeyingGateway(realm, { config: underTheirOidcNames(sessionConfig(realm, api, how)), ...options });
}

/**
 * Returns an `outbound` that carries each request to where it goes, and records those for a path of the provider, with their forms.
 * @param {string} path
 * @param {{ headers: Headers, form: URLSearchParams }[]} calls
 */
export const recording = (path, calls) => async (request) => {
  const { url, method, headers } = request;
  const body = method === 'POST' ? await request.text() : undefined;
  if (new URL(url).pathname === path) calls.push({ headers, form: new URLSearchParams(body) });
  return fetch(url, { method, headers: Object.fromEntries(headers), body, redirect: 'manual' });
};

/** Asserts that the provider was asked where its document says, and at none of Auth0's addresses. */
export function assertNoGuesses(realm) {
  const known = new Set([DISCOVERY, ...Object.values(AT)]);
  const guessed = Object.keys(realm.counts).filter((path) => !known.has(path) && !path.startsWith(`${BASE_PATH}/`));
  assert.deepEqual(guessed, []);
}
