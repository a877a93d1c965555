// oidc-provider (npm), in ten set-ups. Its own login and consent pages are those that it comes with.

import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { SignJWT } from 'jose';
import Provider from 'oidc-provider';
import { freePort, originOf } from '../../e2e/support/harness.mjs';
import { ofTheProvider } from '../gaps.mjs';
import { ownVersion } from '../install.mjs';
import { Person } from '../person.mjs';

const RESOURCE = 'https://api.example.com/';
const CLIENT_ID = 'bargate-interop';
const SCOPES = 'openid profile email offline_access';
const clientKey = generateKeyPairSync('ec', { namedCurve: 'P-256' });

const resourceServer = {
  audience: RESOURCE,
  scope: SCOPES,
  accessTokenFormat: 'jwt',
  accessTokenTTL: 600,
  jwt: { sign: { alg: 'RS256' } },
};
/** Access tokens are JWTs for one API, whether a client asks for it or not. */
const defaultResource = {
  enabled: true,
  defaultResource: () => RESOURCE,
  getResourceServerInfo: () => resourceServer,
  useGrantedResource: () => true,
};
/** What every set-up but the first has: what it does not have as it comes. */
const COMMON = {
  issueRefreshToken: (ctx, client) => client.grantTypeAllowed('refresh_token'),
  features: {
    backchannelLogout: { enabled: true },
    introspection: { enabled: true },
    revocation: { enabled: true },
    resourceIndicators: defaultResource,
  },
};

const UNREADABLE = ofTheProvider(
  'its access tokens are opaque, and it has no introspection until it is switched on',
  /not three parts/,
);
const USERINFO = ofTheProvider(
  'its userinfo endpoint accepts no access token of an API, and a page that holds its tokens has the ID token',
  /^401 token_invalid$/,
)('profile');

/** @type {{ name: string, config?: string, client?: any, features?: any, more?: any, isPlain?: boolean, gaps: any[] }[]} */
const SET_UPS = [
  {
    name: 'as it comes',
    config: 'oidc-provider-id-token.json',
    isPlain: true,
    gaps: [UNREADABLE('bearer')],
  },
  { name: 'default resource, JWT', gaps: [USERINFO] },
  {
    name: 'strict RFC 8707',
    config: 'oidc-provider-resource.json',
    features: {
      resourceIndicators: { ...defaultResource, defaultResource: undefined, useGrantedResource: () => false },
    },
    gaps: [USERINFO],
  },
  { name: 'no rotation', more: { rotateRefreshToken: false }, gaps: [USERINFO] },
  { name: 'rotation at every use', more: { rotateRefreshToken: true }, gaps: [USERINFO] },
  { name: 'Basic alone', more: { clientAuthMethods: ['client_secret_basic'] }, gaps: [USERINFO] },
  {
    name: 'private_key_jwt',
    config: 'oidc-provider-private-key-jwt.json',
    client: {
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      jwks: { keys: [clientKey.publicKey.export({ format: 'jwk' })] },
    },
    gaps: [USERINFO],
  },
  {
    name: 'PAR required',
    features: { pushedAuthorizationRequests: { enabled: true, requirePushedAuthorizationRequests: true } },
    gaps: [USERINFO],
  },
  {
    name: 'form_post',
    config: 'oidc-provider-form-post.json',
    gaps: [USERINFO],
  },
  {
    name: 'JWT userinfo',
    config: 'oidc-provider-opaque.json',
    client: { userinfo_signed_response_alg: 'RS256' },
    features: { jwtUserinfo: { enabled: true }, resourceIndicators: { enabled: false } },
    gaps: [],
  },
];

export default SET_UPS.map(({ name, config = 'oidc-provider.json', gaps, ...setUp }) => ({
  name: `oidc-provider, ${name}`,
  config,
  gaps,
  version: () => ownVersion('oidc-provider'),
  start: (places) => start(setUp, places),
}));

async function start({ client = {}, features = {}, more = {}, isPlain = false }, { tokens, sessions }) {
  const server = createServer();
  await once(server.listen(await freePort(), '127.0.0.1'), 'listening');
  const issuer = originOf(server);
  const secret = randomBytes(32).toString('hex');
  const common = isPlain ? {} : COMMON;
  const provider = new Provider(issuer, {
    cookies: { keys: [randomBytes(32).toString('hex')] },
    jwks: { keys: [generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })] },
    // Where it sends logout tokens is on loopback, from which its own dispatcher keeps.
    fetch: (url, { dispatcher, ...options }) => fetch(url, options),
    ...common,
    ...more,
    features: { ...common.features, ...features },
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: secret,
        grant_types: ['authorization_code', 'refresh_token'],
        redirect_uris: [tokens.redirectUri, sessions.redirectUri],
        post_logout_redirect_uris: [tokens.afterLogout, sessions.afterLogout],
        ...(isPlain ? {} : { backchannel_logout_uri: sessions.backchannel, backchannel_logout_session_required: true }),
        ...client,
      },
    ],
  });
  server.on('request', provider.callback());
  return {
    discovery: `${issuer}/.well-known/openid-configuration`,
    bindings: {
      ISSUER: issuer,
      CLIENT_ID,
      CLIENT_SECRET: secret,
      SEALING_KEY: secret,
      PRIVATE_KEY: JSON.stringify(clientKey.privateKey.export({ format: 'jwk' })),
      AUDIENCE: RESOURCE,
    },
    assertion: () =>
      new SignJWT({ jti: randomBytes(16).toString('hex') })
        .setProtectedHeader({ alg: 'ES256' })
        .setIssuer(CLIENT_ID)
        .setSubject(CLIENT_ID)
        .setAudience(issuer)
        .setIssuedAt()
        .setExpirationTime('1m')
        .sign(clientKey.privateKey),
    person: () => new Person({ username: 'alice', password: 'any' }),
    /** The user logs out at the provider. */
    async endLogin(person, { document, idToken }) {
      await person.goTo(`${document.end_session_endpoint}?id_token_hint=${idToken}`, () => false);
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
