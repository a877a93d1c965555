// Glewlwyd (Debian), set up by its own API, with its OpenID Connect plugin. Its login page is made by scripts: who logs in calls what
// they call.

import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { gunzipSync } from 'node:zlib';
import { until } from '../../e2e/support/harness.mjs';
import { DEBIAN_ROOT, WORK, debianVersion, installDebian } from '../install.mjs';
import { Person } from '../person.mjs';
import { bindingsFor, settingsFor, startProgram } from '../process.mjs';

const SCOPES = ['openid', 'profile', 'email', 'offline_access'];
/** The plugin's parameters that have no default. */
const PLUGIN = {
  'jwt-type': 'rsa',
  'jwt-key-size': '256',
  'access-token-duration': 3600,
  'refresh-token-duration': 1209600,
  'code-duration': 600,
  'refresh-token-rolling': true,
  'refresh-token-one-use': 'always',
  'auth-type-code-enabled': true,
  'auth-type-refresh-enabled': true,
  'allow-non-oidc': false,
  'pkce-allowed': true,
  'introspection-revocation-allowed': true,
  'introspection-revocation-allow-target-client': true,
  'session-management-allowed': true,
  'session-cookie-name': 'GLEWLWYD2_OIDC_SESSION',
  'session-cookie-expiration': 2419200,
  'back-channel-logout-allowed': true,
  'front-channel-logout-allowed': false,
  'subject-type': 'public',
  'jwks-show': true,
};

/** @type {import('../providers.mjs').Provider[]} */
export default [
  {
    name: 'Glewlwyd',
    config: 'glewlwyd.json',
    gaps: [],
    install: installDebian,
    version: () => debianVersion('glewlwyd'),
    start,
  },
];

async function start(places) {
  const settings = await settingsFor(places);
  const origin = `http://127.0.0.1:${settings.port}`;
  const folder = join(WORK, `glewlwyd-${randomUUID()}`);
  mkdirSync(folder, { recursive: true });
  const shared = join(DEBIAN_ROOT, 'usr', 'share', 'doc', 'glewlwyd');
  const unpacked = (name) => gunzipSync(readFileSync(join(shared, name))).toString('utf8');
  const database = join(folder, 'glewlwyd.db');
  new DatabaseSync(database).exec(unpacked('database/init.sqlite3.sql.gz'));
  const config = join(folder, 'glewlwyd.conf');
  const text = unpacked('glewlwyd.conf.sample.gz')
    .replace(/^port=.*/m, `port=${settings.port}\nbind_address="127.0.0.1"`)
    .replace(/^external_url=.*/m, `external_url="${origin}"`)
    .replace(/^cookie_domain=.*/m, 'cookie_domain="127.0.0.1"')
    .replace(/^cookie_secure=.*/m, 'cookie_secure=0')
    .replace('/var/cache/glewlwyd/glewlwyd.db', database)
    .replaceAll('"/usr/', `"${DEBIAN_ROOT}/usr/`);
  writeFileSync(config, text);
  const server = await startProgram(join(DEBIAN_ROOT, 'usr', 'bin', 'glewlwyd'), ['--config-file', config], {
    env: { LD_LIBRARY_PATH: join(DEBIAN_ROOT, 'usr', 'lib', 'x86_64-linux-gnu') },
    ready: /Glewlwyd started/,
  });
  // It says so a moment before it is so.
  await until(() =>
    fetch(origin).then(
      () => true,
      () => false,
    ),
  );
  const issuer = `${origin}/api/oidc`;
  await setUp(origin, issuer, settings).catch(async (error) => {
    await server.close();
    throw error;
  });
  return {
    discovery: `${issuer}/.well-known/openid-configuration`,
    // Without a `resource` its access tokens are for the scopes, in one text.
    bindings: { ...bindingsFor(issuer, settings), AUDIENCE: SCOPES.join(' ') },
    person: () => new Person({ ...settings, answer: (person, page) => answerLogin(person, page, settings) }),
    endLogin: (person) => call(person, origin, 'DELETE', '/api/auth'),
    close: server.close,
  };
}

/** What its pages for administrators do. */
async function setUp(origin, issuer, settings) {
  const admin = new Person({ username: 'admin', password: 'password' });
  await call(admin, origin, 'POST', '/api/auth', { username: 'admin', password: 'password' });
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = { ...privateKey.export({ format: 'jwk' }), kid: 'first', alg: 'RS256', use: 'sig' };
  for (const name of SCOPES.slice(1)) {
    const scope = { name, display_name: name, password_required: false, scheme: {} };
    await call(admin, origin, 'POST', '/api/scope', scope);
  }
  await call(admin, origin, 'POST', '/api/mod/plugin/', {
    module: 'oidc',
    name: 'oidc',
    display_name: 'OpenID Connect',
    order_rank: 0,
    parameters: {
      ...PLUGIN,
      iss: issuer,
      'jwks-private': JSON.stringify({ keys: [key] }),
      'allowed-scope': SCOPES,
    },
  });
  const clients = await call(admin, origin, 'GET', '/api/mod/client/database');
  for (const name of ['post_logout_redirect_uris', 'resource', 'token_endpoint_auth_method'])
    clients.parameters['data-format'][name] = { multiple: true, read: true, write: true };
  await call(admin, origin, 'PUT', '/api/mod/client/database', clients);
  for (const act of ['disable', 'enable']) await call(admin, origin, 'PUT', `/api/mod/client/database/${act}`);
  const { username, password } = settings;
  await call(admin, origin, 'POST', '/api/user', { username, password, name: 'Alice', scope: SCOPES, enabled: true });
  await call(admin, origin, 'POST', '/api/client', {
    client_id: settings.client_id,
    client_secret: settings.client_secret,
    name: 'Bargate',
    confidential: true,
    enabled: true,
    redirect_uri: settings.redirect_uris,
    post_logout_redirect_uris: settings.post_logout_redirect_uris,
    backchannel_logout_uri: settings.backchannel_logout_uri,
    authorization_type: ['code', 'refresh_token'],
    token_endpoint_auth_method: ['client_secret_basic', 'client_secret_post'],
    resource: [settings.audience],
    scope: [],
  });
}

/** Does what the scripts of the login page do: logs in, grants the scopes, and goes on; or ends the session at a logout. */
async function answerLogin(person, { url }, { username, password }) {
  const { origin, pathname, searchParams } = new URL(url);
  if (!pathname.endsWith('/login.html')) return undefined;
  if (searchParams.get('prompt') === 'end_session') {
    await call(person, origin, 'DELETE', `/api/${searchParams.get('plugin')}/session/${searchParams.get('sid')}`);
    await call(person, origin, 'DELETE', '/api/auth/');
    return { url: searchParams.get('callback_url') };
  }
  await call(person, origin, 'POST', '/api/auth', { username, password });
  const grant = { scope: searchParams.get('scope') };
  await call(person, origin, 'PUT', `/api/auth/grant/${searchParams.get('client_id')}`, grant);
  return { url: `${searchParams.get('callback_url')}&g_continue` };
}

async function call(person, origin, method, path, body = undefined) {
  const headers = { 'content-type': 'application/json' };
  const response = await person.fetch(`${origin}${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text && JSON.parse(text);
}
