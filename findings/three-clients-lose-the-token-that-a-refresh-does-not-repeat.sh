#!/usr/bin/env bash
# three-clients-lose-the-token-that-a-refresh-does-not-repeat
#
# Expected: a refresh may be answered with an access token only. The refresh token and the ID token that the client has stay as they are.
# Seen: simple-oauth2 and keycloak-js have no refresh token afterwards, so the second refresh is sent without it, or not at all. keycloak-js
#   and @axa-fr/oidc-client have no ID token either, although a comment of the latter says that it is used again: it asks whether the
#   answer has the member, after it wrote the member itself, as undefined. client-oauth2 keeps what it has.
# Versions: simple-oauth2 5.1.0, keycloak-js 26.2.4, @axa-fr/oidc-client 7.29.1, client-oauth2 4.3.3 (npm)
# Why it matters: with a provider that does not rotate refresh tokens, the login ends at the second refresh, an hour after it was tested.
#   Without the ID token the logout has no `id_token_hint`, and the provider asks the user first. Whoever answers refreshes for such
#   clients puts the refresh token that is valid into every answer.
# Source: RFC 6749 sections 5.1 and 6; OpenID Connect Core 1.0 section 12.2; refresh in lib/access-token.js of simple-oauth2; #setToken of
#   keycloak-js; setTokens and parseOriginalTokens in parseTokens.ts of @axa-fr/oidc-client.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts simple-oauth2@5.1.0 keycloak-js@26.2.4 @axa-fr/oidc-client@7.29.1 client-oauth2@4.3.3 \
  >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';
import ClientOAuth2 from 'client-oauth2';
import { AuthorizationCode } from 'simple-oauth2';

Promise.withResolvers ??= () => {
  const made = {};
  made.promise = new Promise((resolve, reject) => Object.assign(made, { resolve, reject }));
  return made;
};
let requests = [];
const answer = JSON.stringify({ access_token: 'e30.e30.c2ln', token_type: 'Bearer', expires_in: 300 });
const server = createServer(async (request, response) => {
  // A parameter without a value counts as omitted (RFC 6749 section 3.2).
  const sent = Boolean(new URLSearchParams((await request.toArray()).join('')).get('refresh_token'));
  requests.push(sent ? 'sent with it' : 'sent without it');
  const head = { 'content-type': 'application/json', 'cache-control': 'no-store' };
  response.writeHead(sent ? 200 : 400, head).end(sent ? answer : '{"error":"invalid_request"}');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const base = `http://127.0.0.1:${server.address().port}`;

// What the page libraries ask a browser for.
const page = { navigator: { onLine: true }, location: new URL('https://app.example/'), history: { replaceState() {} }, sessionStorage: {}, localStorage: {} };
const document = { createElement: () => ({ setAttribute() {} }), getElementsByTagName: () => [], addEventListener() {}, cookie: '' };
for (const [name, value] of Object.entries({ ...page, document, window: globalThis, isSecureContext: true, addEventListener() {} }))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const { default: Keycloak } = await import('keycloak-js');
const { OidcClient } = await import('./node_modules/@axa-fr/oidc-client/dist/index.js');

const ID_TOKEN = ['e30', Buffer.from('{"iss":"https://login.example","sub":"ann","exp":4000000000}').toString('base64url'), 'c2ln'].join('.');
const first = { access_token: 'e30.e30.c2ln', token_type: 'Bearer', expires_in: 300, refresh_token: 'e30.e30.c2ln', id_token: ID_TOKEN };
const clients = {
  'simple-oauth2': async () => {
    let token = new AuthorizationCode({ client: { id: 'c', secret: 's' }, auth: { tokenHost: base } }).createToken(first);
    return { refresh: async () => (token = await token.refresh()), kept: () => ({ refresh: token.token.refresh_token }) };
  },
  'client-oauth2': async () => {
    let token = new ClientOAuth2({ clientId: 'c', clientSecret: 's', accessTokenUri: `${base}/token` }).createToken(first);
    return { refresh: async () => (token = await token.refresh()), kept: () => ({ refresh: token.refreshToken, id: token.data.id_token }) };
  },
  'keycloak-js': async () => {
    const keycloak = new Keycloak({ url: base, realm: 'r', clientId: 'c' });
    const start = { checkLoginIframe: false, token: first.access_token, refreshToken: first.refresh_token, idToken: ID_TOKEN };
    let begun;
    const refresh = () => (begun ? keycloak.updateToken(-1) : (begun = keycloak.init(start)));
    return { refresh, kept: () => ({ refresh: keycloak.refreshToken, id: keycloak.idToken }) };
  },
  '@axa-fr/oidc-client': async () => {
    const tokens = { accessToken: 'a', expiresIn: 300, issuedAt: Date.now() / 1000, idToken: ID_TOKEN, refreshToken: first.refresh_token };
    Object.assign(page.sessionStorage, { 'oidc.default': JSON.stringify({ tokens }), 'oidc.nonce.default': 'n', 'oidc.login.default': '{}' });
    const endpoints = { authorization_endpoint: `${base}/authorize`, token_endpoint: `${base}/token`, end_session_endpoint: `${base}/logout` };
    const settings = { client_id: 'c', redirect_uri: 'https://app.example/cb', scope: 'openid', authority: base, monitor_session: false };
    const client = OidcClient.getOrCreate(() => fetch)({ ...settings, authority_configuration: { issuer: 'https://login.example', ...endpoints } });
    await client.tryKeepExistingSessionAsync();
    return { refresh: () => client.renewTokensAsync(), kept: () => ({ refresh: client.tokens.refreshToken, id: client.tokens.idToken }) };
  },
};
for (const [name, make] of Object.entries(clients)) {
  const { refresh, kept } = await make();
  await refresh();
  const { refresh: refreshToken, ...more } = kept();
  const id = 'id' in more ? `, the ID token ${more.id ? 'kept' : 'lost'}` : '';
  requests = [];
  const again = await refresh().then(() => 'done', () => 'failed');
  console.log(`${name}: the refresh token ${refreshToken ? 'kept' : 'lost'}${id}; the second refresh ${again}, ${requests.at(0) ?? 'not sent'}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
simple-oauth2: the refresh token lost; the second refresh failed, sent without it
client-oauth2: the refresh token kept, the ID token kept; the second refresh done, sent with it
keycloak-js: the refresh token lost, the ID token lost; the second refresh failed, not sent
@axa-fr/oidc-client: the refresh token kept, the ID token lost; the second refresh done, sent with it
EXPECTED

node probe.mjs >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
