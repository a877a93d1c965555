// What the local tenant and the sample API have to be for a config, and the values that its variables get for them. What a variable
// is for follows from its place in the config.
//
// It reads the config as it is written. Whether that is valid says `bargate check`.

const CLIENT_ID = 'bargate-local';
const CLIENT_SECRET = 'bargate-local-secret-not-for-production';
const SEALING_KEY = 'bargate-local-sealing-key-not-for-production';
const AUDIENCE = 'https://api.bargate.local/';
const SCOPE = 'openid profile email offline_access';
/** What the API wants, if the config leaves that to a variable. */
const API_SCOPE = 'read:messages';
/** What stands before its scopes at a provider that has them so. */
const SCOPE_PREFIX = 'api://bargate.local/';
const OIDC_SCOPES = new Set(SCOPE.split(' '));
const REFERENCE = /^\$(?:env|secret)\.(\w+)$/;
/** The types of authorizers at which people log in, each with its key for the tenant. */
const TENANT_KEYS = { auth0: 'domain', oidc: 'issuer' };

/** The paths of the tenant's endpoints beyond Auth0's, by their names. */
const INTROSPECTION = { introspection: '/oauth/introspect' };
/** A logout of OpenID Connect, which Auth0's own does without. */
const END_SESSION = { end_session: '/oidc/logout' };

/**
 * @typedef {object} Origins
 * @property {string} gateway
 * @property {string} tenant
 * @property {string} api
 */

/** The values of a config's variables, each given once: the first place in the config decides. */
class Values {
  /** @type {Record<string, string>} */
  given = {};

  /** Gives a value if the config has a reference there, and returns what the place then is. */
  at(place, value) {
    const name = typeof place === 'string' && REFERENCE.exec(place)?.[1];
    if (!name) return place;
    return (this.given[name] ??= value);
  }

  /** Gives a value to every reference in a part of the config. */
  everywhere(part, value) {
    if (typeof part === 'string') this.at(part, value);
    else if (part && typeof part === 'object') for (const one of Object.values(part)) this.everywhere(one, value);
  }
}

const isOf = (kind) => (path) => new RegExp(`^(?:auth0|oidc)_${kind}$`).test(path?.integration?.type);
const listOf = (value) => (value === undefined ? [] : [value].flat());

/** Returns the authorizers by the place in the config. */
function authorizersOf({ authorizer, authorizers }) {
  if (authorizer) return { authorizer };
  const named = Object.entries(authorizers ?? {});
  return Object.fromEntries(named.map(([name, one]) => [`authorizers.${name}`, one]));
}

/**
 * Returns what a config needs: `values` of its variables, `clients` and `logoutUrls` of the tenant, the tenant's `settings`, what it
 * is `started` with, and as sentences why it cannot stand in for the config's own provider.
 *
 * @param {any} config
 * @param {Origins} origins
 */
export function localTenant(config, origins) {
  const values = new Values();
  const authorizers = Object.entries(authorizersOf(config)).filter(([, one]) => one && typeof one === 'object');
  const paths = listOf(config.paths).filter((path) => path && typeof path === 'object');
  const problems = [];
  const clients = new Map();
  const logins = authorizers.filter(([, { type, client_id: id }]) => type in TENANT_KEYS && id !== undefined);

  for (const server of listOf(config.servers)) {
    values.at(server?.url, origins.api);
    values.everywhere(server?.urls, origins.api);
  }
  for (const [place, authorizer] of authorizers) {
    giveTenant(values, authorizer, origins);
    if (logins.some(([its]) => its === place)) {
      problems.push(...strangers(place, authorizer, origins));
      const client = clientOf(values, authorizer, { config, paths, origins });
      clients.set(client.client_id, client);
    }
  }
  for (const place of [config.cors?.allow_origins, ...paths.flatMap(originsOf)])
    values.everywhere(place, origins.gateway);
  for (const { mcp } of paths) values.at(mcp?.session_key, SEALING_KEY);
  values.at(config.authorization_server?.issuer, origins.gateway);
  for (const { auth } of paths)
    for (const needed of [auth?.scopes, auth?.any_scopes, auth?.permissions]) values.everywhere(needed, API_SCOPE);
  for (const place of [config.session?.after_login, config.session?.after_logout])
    values.at(place, `${origins.gateway}/`);

  // Without logins, there are tokens that the tenant mints on request.
  const [, login = {}] = logins[0] ?? authorizers[0] ?? [];
  const audience = values.at(login.audience ?? login.resource, AUDIENCE);
  const scopes = scopesOf(login, paths);
  const prefix = values.at(config.authorization_server?.scope_prefix, SCOPE_PREFIX);
  const hasApi = audience !== undefined && !login.introspection;
  return {
    values: values.given,
    problems,
    hasLogin: logins.length > 0,
    clients: [...clients.values()],
    logoutUrls: logoutUrlsOf(config, paths, origins),
    settings: {
      ...(hasApi ? { audience: listOf(audience)[0], defaultAudience: listOf(audience)[0] } : {}),
      accessTokenFormat: login.introspection ? 'opaque' : 'jwt',
      apiScopes: prefix ? [...scopes, ...scopes.map((name) => `${prefix}${name}`)] : scopes,
      permissions: [API_SCOPE, ...paths.flatMap(({ auth }) => listOf(auth?.permissions))],
      accessTokenClaims: claimsOf(login, listOf(audience)[0]),
      refreshWithoutOfflineAccess: !String(values.at(login.scope, SCOPE)).split(' ').includes('offline_access'),
    },
    started: {
      // Whoever shares a secret signs with it; the tenant has keys.
      signingAlg: listOf(login.algorithms).find((name) => !/^HS/.test(name)) ?? 'RS256',
      endpoints: {
        ...(login.type === 'oidc' ? END_SESSION : {}),
        ...(login.introspection ? INTROSPECTION : {}),
      },
    },
  };
}

/** Gives an authorizer's variables what is the tenant's. */
function giveTenant(values, authorizer, { tenant }) {
  values.at(authorizer.domain, tenant);
  values.at(authorizer.issuer, `${tenant}/`);
  values.at(authorizer.discovery_url, `${tenant}/.well-known/openid-configuration`);
  values.at(authorizer.jwks_uri, `${tenant}/.well-known/jwks.json`);
  values.at(authorizer.introspection_endpoint, `${tenant}${INTROSPECTION.introspection}`);
  values.at(authorizer.revocation_endpoint, `${tenant}/oauth/revoke`);
  values.at(authorizer.client_id, CLIENT_ID);
  values.at(authorizer.client_secret, CLIENT_SECRET);
  values.at(authorizer.sealing_key, SEALING_KEY);
  values.everywhere(authorizer.audience, AUDIENCE);
  values.everywhere(authorizer.resource, AUDIENCE);
  values.at(authorizer.scope, SCOPE);
}

/** Returns why logins of an authorizer would not come to the tenant, or not back from it. */
function strangers(place, authorizer, { tenant, gateway }) {
  const key = TENANT_KEYS[authorizer.type];
  const told = [];
  const isOwn = (value, own) => typeof value !== 'string' || REFERENCE.test(value) || value.startsWith(own);
  const tell = (name, value) => told.push(`${place}.${name} is ${JSON.stringify(value)} in the config itself`);
  if (!isOwn(authorizer[key], tenant)) tell(key, authorizer[key]);
  else if (!isOwn(authorizer.redirect_uri, gateway)) tell('redirect_uri', authorizer.redirect_uri);
  else if (authorizer.token_endpoint_auth_method === 'private_key_jwt')
    tell('token_endpoint_auth_method', authorizer.token_endpoint_auth_method);
  return told;
}

/** Returns the client that an authorizer is at the tenant. */
function clientOf(values, authorizer, { config, paths, origins }) {
  const callbacks = paths.filter(isOf('callback(?:_redirect)?'));
  const pathOf = (uri) => callbacks.find(({ integration }) => integration.redirect_uri === uri)?.path;
  // Without sessions, the provider redirects to the page, which calls the callback itself.
  const ownPath = config.session ? pathOf(undefined) : '/';
  const redirectUris = [values.at(authorizer.redirect_uri, `${origins.gateway}${ownPath ?? '/'}`)];
  for (const { integration } of paths.filter(isOf('(?:login|callback)(?:_redirect)?'))) {
    const uri = integration.redirect_uri;
    if (uri !== undefined)
      redirectUris.push(values.at(uri, `${origins.gateway}${servesPage(integration, pathOf, uri)}`));
  }
  // As an authorization server, the gateway sends people to the provider and back by an address of its own.
  if (config.authorization_server) redirectUris.push(`${origins.gateway}/callback`);
  const secret = authorizer.client_secret;
  return {
    client_id: values.at(authorizer.client_id, CLIENT_ID),
    ...(secret === undefined
      ? { token_endpoint_auth_method: 'none' }
      : { client_secret: values.at(secret, CLIENT_SECRET), token_endpoint_auth_method: 'client_secret_post' }),
    grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
    response_types: ['code'],
    redirect_uris: [...new Set(redirectUris.filter((uri) => typeof uri === 'string'))],
    post_logout_redirect_uris: logoutUrlsOf(config, paths, origins),
  };
}

/** Returns the path of an address that logins of a path return to: the callback's, or the page's if the callback answers with JSON. */
function servesPage(integration, pathOf, uri) {
  return integration.response === 'json' ? '/' : (pathOf(uri) ?? '/');
}

/** Returns the places of a path that have the origin of a page. */
const originsOf = ({ cors, integration }) => [cors?.allow_origins, integration?.return_to, integration?.target_origin];

/** Returns where a logout may lead. */
function logoutUrlsOf({ session }, paths, { gateway }) {
  const named = [session?.after_logout, ...paths.map(({ integration }) => integration?.return_to).flatMap(listOf)];
  const own = named.filter((place) => typeof place === 'string' && place.startsWith('/'));
  return [...new Set(['/', ...own])].map((path) => `${gateway}${path}`).concat(gateway);
}

/** Returns the scopes of the API: those that a login asks for, and those that a path requires. */
function scopesOf({ scope }, paths) {
  const required = paths.flatMap(({ auth }) => [...listOf(auth?.scopes), ...listOf(auth?.any_scopes)]);
  const asked = typeof scope !== 'string' || REFERENCE.test(scope) ? [] : scope.split(' ');
  const all = new Set([API_SCOPE, 'write:messages', ...asked, ...required]);
  return [...all].filter((name) => name && !OIDC_SCOPES.has(name) && !REFERENCE.test(name));
}

/** Returns the claims that access tokens must have, as far as the config has their values. */
function claimsOf({ claims = {}, audience_claim: standIn }, audience) {
  const all = { ...(standIn && standIn !== 'iss' ? { [standIn]: audience } : {}), ...claims };
  const first = Object.entries(all).map(([name, value]) => [name, listOf(value)[0]]);
  return Object.fromEntries(first.filter(([, value]) => typeof value !== 'string' || !REFERENCE.test(value)));
}
