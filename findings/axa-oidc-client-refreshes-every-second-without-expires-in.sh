#!/usr/bin/env bash
# axa-oidc-client-refreshes-every-second-without-expires-in
#
# Expected: `expires_in` may be missing from a token response. A client then does not know the end of an opaque access token, and uses it
#   until it is refused.
# Seen: @axa-fr/oidc-client computes NaN as the end. The token is never valid to it, even if there is an ID token that has an `exp`, and its
#   timer refreshes about once a second as long as the page is open. getValidTokenAsync says isTokensValid: false after each.
# Versions: @axa-fr/oidc-client 7.29.1 (npm)
# Why it matters: one open page makes thousands of token requests an hour. A rotating refresh token changes each second, and a limit
#   of the provider or of a gateway hits everybody behind that address. Whoever answers token requests always sends `expires_in`; the
#   page can ask for `token_renew_mode: 'id_token_invalid'`.
# Source: RFC 6749 section 5.1; setTokens in parseTokens.ts and autoRenewTokens in renewTokens.ts of @axa-fr/oidc-client.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @axa-fr/oidc-client@7.29.1 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { setTimeout } from 'node:timers/promises';

// What the library asks a browser for.
const page = { navigator: { onLine: true }, location: new URL('https://app.example/'), sessionStorage: {}, localStorage: {}, document: {} };
for (const [name, value] of Object.entries({ ...page, window: globalThis, isSecureContext: true, addEventListener() {} }))
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
const { OidcClient } = await import('./node_modules/@axa-fr/oidc-client/dist/index.js');

const ISSUER = 'https://login.example';
const ID_TOKEN = ['e30', Buffer.from(`{"iss":"${ISSUER}","sub":"ann","exp":4000000000}`).toString('base64url'), 'c2ln'].join('.');
const [lifetime, mode] = process.argv.slice(2);
const expires_in = lifetime === 'none' ? undefined : Number(lifetime);
let requests = 0;
async function answer() {
  requests += 1;
  const tokens = { access_token: `opaque${requests}`, token_type: 'Bearer', refresh_token: `r${requests}`, id_token: ID_TOKEN, expires_in };
  return Response.json(tokens);
}
const tokens = { accessToken: 'opaque', tokenType: 'Bearer', refreshToken: 'r', idToken: ID_TOKEN, expiresIn: expires_in, issuedAt: Date.now() / 1000 };
Object.assign(page.sessionStorage, { 'oidc.default': JSON.stringify({ tokens }), 'oidc.nonce.default': 'n', 'oidc.login.default': '{}' });
const endpoints = { authorization_endpoint: `${ISSUER}/authorize`, token_endpoint: `${ISSUER}/token`, end_session_endpoint: `${ISSUER}/logout` };
const settings = { client_id: 'c', redirect_uri: 'https://app.example/cb', scope: 'openid', authority: ISSUER, monitor_session: false };
const renewal = mode ? { token_renew_mode: mode } : {};
const client = OidcClient.getOrCreate(() => answer)({ ...settings, ...renewal, authority_configuration: { issuer: ISSUER, ...endpoints } });
await client.tryKeepExistingSessionAsync();
for (let tick = 0; tick < 600 && requests < 3; tick += 1) {
  await setTimeout(100);
  if (tick === 50 && requests === 0) break;
}
const refreshes = requests < 3 ? `${requests} refreshes` : 'refreshed again and again';
const { isTokensValid } = await client.getValidTokenAsync(1, 1);
console.log(`expires_in ${lifetime}${mode ? `, ${mode}` : ''}: ${refreshes}, valid: ${isTokensValid}`);
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
expires_in 300: 0 refreshes, valid: true
expires_in none: refreshed again and again, valid: false
expires_in none, id_token_invalid: 0 refreshes, valid: true
EXPECTED

{ node probe.mjs 300 && node probe.mjs none && node probe.mjs none id_token_invalid; } >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
