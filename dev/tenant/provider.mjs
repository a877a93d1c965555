// oidc-provider, configured to look and behave like an Auth0 tenant: its paths, its `audience`, its tokens.

import Provider, { errors, interactionPolicy } from 'oidc-provider';
import { CLAIMS_OF_SCOPE } from './accounts.mjs';
import { CONTENT_SECURITY_POLICY, errorPage } from './login-page.mjs';
import { addTokenExchange } from './token-exchange.mjs';

const DAY_SECS = 24 * 60 * 60;
const OIDC_SCOPES = ['openid', 'profile', 'email', 'offline_access'];

/** The one API that the tenant does not know; any other is one of its own. */
export const UNKNOWN_RESOURCE = 'urn:example:unknown';

/** What `acr` says of a login with a second factor: at Auth0, this. */
export const SECOND_FACTOR = 'http://schemas.openid.net/pape/policies/2007/06/multi-factor';

/** Auth0's endpoints, by the names that oidc-provider has for them. Its logout is not OpenID Connect's. */
export const AUTH0_ENDPOINTS = {
  authorization: '/authorize',
  token: '/oauth/token',
  revocation: '/oauth/revoke',
  userinfo: '/userinfo',
  jwks: '/.well-known/jwks.json',
};

/** An API may have any identifier at Auth0; a resource is a URI. */
const OTHER_IDENTIFIER = 'urn:bargate:api:';
const resourceOf = (audience) =>
  audience === undefined || URL.canParse(audience) ? audience : OTHER_IDENTIFIER + encodeURIComponent(audience);
const audienceOf = (resource) =>
  resource.startsWith(OTHER_IDENTIFIER) ? decodeURIComponent(resource.slice(OTHER_IDENTIFIER.length)) : resource;

/**
 * Makes a Provider over the tenant's storage. A change of the signing key makes another one; the storage stays, and with it sessions
 * and refresh tokens. A strict one does only what the specifications say, and nothing that Auth0 does beyond them.
 */
export function createProvider({
  issuer,
  basePath,
  paths,
  clients,
  clientAuthMethods,
  webOrigins,
  cookieKey,
  storage,
  accounts,
  signingKey,
  keySet,
  settings,
  isStrict,
  requirePushed,
  dpop,
}) {
  const accountOf = (sub) => ({ accountId: sub, claims: async () => accounts.claimsOf(sub) });
  const resourceServerOf = (audience) => ({
    audience,
    scope: [...OIDC_SCOPES, ...settings.apiScopes, ...settings.policies.flatMap(({ scope }) => scope)].join(' '),
    accessTokenTTL: settings.accessTokenSeconds,
    accessTokenFormat: settings.accessTokenFormat,
    jwt: { sign: { alg: signingKey.alg, kid: signingKey.kid } },
  });

  const apiOf = (resource) => {
    if (resource === UNKNOWN_RESOURCE) throw new errors.InvalidTarget();
    return resourceServerOf(audienceOf(resource));
  };

  const asAuth0 = {
    // Profile and e-mail address are in the ID token, although userinfo has them.
    conformIdTokenClaims: false,
    // Auth0 names the API by `audience`. The check of this parameter runs after that of `scope`, which has dropped
    // offline_access because no consent was prompted for; Auth0 grants it without.
    extraParams: { audience: restoreOfflineAccess },
    formats: { customizers: { jwt: (ctx, token, jwt) => shapeAccessToken(jwt, issuer, settings) } },
    // Every login opens its own grant, so a reused refresh token ends its own family and no other.
    loadExistingGrant: async ({ oidc }) => {
      const { account, client, params, resourceServers, requestParamClaims } = oidc;
      return grantAll(provider, {
        accountId: account.accountId,
        clientId: client.clientId,
        scope: params.scope,
        claims: [...requestParamClaims],
        resources: Object.keys(resourceServers),
      });
    },
  };
  /**
   * A refresh for an audience without a policy brings a token for that of the login, and nobody says so.
   * @param {any} form
   */
  const byPolicy = ({ grant_type: grant, audience } = {}) =>
    settings.policies.some((policy) => grant === 'refresh_token' && policy.audience === audience)
      ? audience
      : undefined;
  const resourcesAsAuth0 = {
    // Of several that a request names, a token is for the first.
    defaultResource: ({ oidc: { params, body } }, client, named) =>
      byPolicy(body) ?? [named].flat()[0] ?? resourceOf(params?.audience ?? body?.audience ?? settings.defaultAudience),
    useGrantedResource: () => true,
  };

  const provider = new Provider(issuer, {
    ...(isStrict ? {} : asAuth0),
    adapter: storage.adapter,
    clients: clients.map((client) => ({
      id_token_signed_response_alg: signingKey.alg,
      ...(paths.introspection ? { introspection_signed_response_alg: signingKey.alg } : {}),
      // Auth0 names its session in every ID token; oidc-provider only for clients that ask for logout tokens. None is sent
      // by itself: the tenant mints them on request.
      backchannel_logout_uri: `${issuer}never-called`,
      backchannel_logout_session_required: true,
      ...client,
    })),
    jwks: { keys: [signingKey] },
    routes: paths,
    cookies: {
      keys: [cookieKey],
      names: { session: 'tenant_session', interaction: 'tenant_login', resume: 'tenant_resume' },
      short: { httpOnly: true, sameSite: 'lax', signed: true },
      long: { httpOnly: true, sameSite: 'lax', signed: true },
    },
    scopes: OIDC_SCOPES,
    claims: CLAIMS_OF_SCOPE,
    acrValues: [SECOND_FACTOR],
    responseTypes: ['code'],
    clientAuthMethods,
    enabledJWA: { idTokenSigningAlgValues: [signingKey.alg], introspectionSigningAlgValues: [signingKey.alg] },
    pkce: { required: () => settings.requirePkce },
    clientBasedCORS: (ctx, origin) => webOrigins.includes(origin),
    // It sends logout tokens to loopback addresses, which its own dispatcher refuses.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    findAccount: async (ctx, sub) => accountOf(sub),

    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      rpInitiatedLogout: { enabled: paths.end_session !== undefined },
      pushedAuthorizationRequests: {
        enabled: paths.pushed_authorization_request !== undefined,
        requirePushedAuthorizationRequests: requirePushed,
      },
      dPoP: { enabled: dpop !== undefined, ...dpop },
      introspection: { enabled: paths.introspection !== undefined },
      // A client that asks for JSON gets JSON.
      jwtIntrospection: { enabled: paths.introspection !== undefined },
      revocation: { enabled: true, allowedPolicy: (ctx, client, token) => token.clientId === client.clientId },
      resourceIndicators: {
        enabled: true,
        ...(isStrict ? {} : resourcesAsAuth0),
        getResourceServerInfo: (ctx, audience) => apiOf(audience),
      },
    },
    extraTokenClaims: ({ oidc: { entities } }) => {
      const { acr, authTime } = entities.AuthorizationCode ?? entities.RefreshToken ?? {};
      return settings.authenticationClaims && authTime ? { acr, auth_time: authTime } : undefined;
    },
    interactions: {
      policy: askingForSecondFactor(),
      url: (ctx, interaction) => `${basePath}/u/login/${interaction.uid}`,
    },
    issueRefreshToken: (ctx, client, code) =>
      client.grantTypeAllowed('refresh_token') &&
      (settings.refreshWithoutOfflineAccess || code.scopes.has('offline_access')),
    rotateRefreshToken: () => settings.rotateRefreshTokens,
    expiresWithSession: () => false,
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      AuthorizationCode: () => settings.codeSeconds,
      ClientCredentials: () => settings.accessTokenSeconds,
      IdToken: () => settings.idTokenSeconds,
      RefreshToken: () => settings.refreshTokenSeconds,
      Grant: 30 * DAY_SECS,
      Interaction: 60 * 60,
      Session: 3 * DAY_SECS,
    },
    renderError: (ctx, { error, error_description: description }) => {
      ctx.type = 'html';
      ctx.set('content-security-policy', CONTENT_SECURITY_POLICY);
      ctx.body = errorPage(error, description);
    },
  });
  addTokenExchange(provider, { issuer, keySet, apiOf });
  if (isStrict) takeSecretsOnlyAsRegistered(provider);
  provider.proxy = true;
  provider.on('server_error', (ctx, error) => console.error('tenant:', ctx.method, ctx.path, error));
  return provider;
}

/** Checks whether a login asks for a second factor, among what else would do. */
export const asksForSecondFactor = ({ acr_values: asked = '' }) => asked.split(' ').includes(SECOND_FACTOR);

// To oidc-provider, `acr_values` is a wish that it leaves to others. Whoever logs in anew, without a second factor, gets in all the same.
function askingForSecondFactor() {
  const { Check, base } = interactionPolicy;
  const policy = base();
  const isDue = ({ oidc: { params, session, result } }) =>
    asksForSecondFactor(params) && session.acr !== SECOND_FACTOR && !result?.login;
  policy.get('login').checks.add(new Check('second_factor', 'a second factor is asked for', isDue));
  return policy;
}

function restoreOfflineAccess(ctx) {
  const { params, client } = ctx.oidc;
  const asked = (ctx.method === 'POST' ? ctx.oidc.body : ctx.query)?.scope?.split(' ') ?? [];
  if (!asked.includes('offline_access') || !client.grantTypeAllowed('refresh_token')) return;
  const granted = new Set(params.scope?.split(' ')).add('offline_access');
  params.scope = asked.filter((scope) => granted.has(scope)).join(' ');
}

/**
 * Opens a grant of everything that a login asks for, and returns it.
 * @param {any} provider
 * @param {{ accountId: string, clientId: string, scope?: string, claims?: string[], resources: string[] }} what
 */
export async function grantAll(provider, { accountId, clientId, scope = '', claims = [], resources }) {
  const grant = new provider.Grant({ accountId, clientId });
  if (scope) grant.addOIDCScope(scope);
  if (claims.length) grant.addOIDCClaims(claims);
  for (const resource of resources) grant.addResourceScope(resource, scope);
  await grant.save();
  return grant;
}

// oidc-provider takes a secret either way, whichever the client is registered for.
function takeSecretsOnlyAsRegistered({ Client }) {
  const { compareClientSecret } = Client.prototype;
  Client.prototype.compareClientSecret = function compare(secret) {
    const used = Provider.ctx.headers.authorization ? 'client_secret_basic' : 'client_secret_post';
    return used === this.clientAuthMethod && compareClientSecret.call(this, secret);
  };
}

function shapeAccessToken(jwt, issuer, settings) {
  const { client_id: azp, jti, aud, scope = '', ...claims } = jwt.payload;
  const forUserinfo = scope.split(' ').includes('openid');
  jwt.header = { typ: settings.accessTokenType };
  jwt.payload = {
    ...claims,
    aud: forUserinfo ? [aud, `${issuer}userinfo`] : aud,
    scope,
    azp,
    permissions: settings.permissions,
    ...settings.accessTokenClaims,
  };
}
