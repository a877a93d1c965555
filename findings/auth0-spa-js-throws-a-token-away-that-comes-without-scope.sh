#!/usr/bin/env bash
# auth0-spa-js-throws-a-token-away-that-comes-without-scope
#
# Expected: an answer without `scope` grants what was asked for: RFC 6749 section 5.1 makes the field optional in that case. So
#   it is in auth0-spa-js for the audience of the login.
# Seen: with `useMrrt` and a second audience, auth0-spa-js reads an answer without `scope` as one that grants nothing. It throws
#   `missing_scopes`, drops the token that it got, and spends the refresh token again at each call.
# Versions: @auth0/auth0-spa-js 2.28.3
# Why it matters: whoever stands between this client and a provider (a proxy, a gateway, a test tenant) and leaves `scope` out of
#   the answers, as providers other than Auth0 do, has pages that never get their token and an exchange for each of their calls.
# Source: RFC 6749 section 5.1; _getTokenUsingRefreshToken and getMissingScopes of auth0-spa-js.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @auth0/auth0-spa-js@2.28.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';

const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const [first, second, scope] = ['https://first.example', 'https://second.example', 'openid offline_access read'];
let withScope;
let exchanges;

const server = createServer(async (request, response) => {
  for await (const chunk of request) void chunk;
  exchanges += 1;
  const iat = Math.floor(Date.now() / 1000);
  const claims = { iss: 'https://login.example/', aud: 'page', sub: 'u', iat, exp: iat + 600 };
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({
      access_token: `token ${exchanges}`,
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: `refresh ${exchanges}`,
      id_token: `${encode({ alg: 'RS256' })}.${encode(claims)}.AA`,
      ...(withScope && { scope }),
    }),
  );
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const tenant = `http://127.0.0.1:${server.address().port}`;

// The part of a page that the client asks for: its tenant, and a window with stored items.
const { fetch } = globalThis;
globalThis.fetch = (address, options) => fetch(String(address).replace('https://login.example', tenant), options);
const items = new Map();
const storage = {
  getItem: (key) => items.get(key) ?? null,
  setItem: (key, value) => items.set(key, value),
  removeItem: (key) => items.delete(key),
  key: (index) => [...items.keys()][index] ?? null,
  get length() {
    return items.size;
  },
};
for (const name of ['localStorage', 'sessionStorage']) Object.defineProperty(globalThis, name, { value: storage, configurable: true });
Object.assign(globalThis, { window: globalThis, location: new URL('https://page.example/'), document: { cookie: '' } });
Object.assign(globalThis, { addEventListener() {}, removeEventListener() {} });
const { Auth0Client } = await import('@auth0/auth0-spa-js');

for (withScope of [true, false]) {
  exchanges = 0;
  const client = new Auth0Client({
    domain: 'login.example',
    clientId: 'page',
    useRefreshTokens: true,
    useMrrt: true,
    authorizationParams: { audience: first, scope },
  });
  await client.exchangeToken({ subject_token: 's', subject_token_type: 'urn:example:token', audience: first, scope });
  console.log(withScope ? 'answers with scope' : 'answers without scope');
  for (const [name, audience, cacheMode] of [
    ['the first audience, renewed', first, 'off'],
    ['the second audience', second, 'on'],
    ['the second audience again', second, 'on'],
  ]) {
    const seen = await client
      .getTokenSilently({ cacheMode, authorizationParams: { audience, scope: 'openid offline_access read' } })
      .catch((error) => error.error ?? error.message);
    console.log(`  ${name}: ${seen}`);
  }
  console.log(`  exchanges: ${exchanges}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
answers with scope
  the first audience, renewed: token 2
  the second audience: token 3
  the second audience again: token 3
  exchanges: 3
answers without scope
  the first audience, renewed: token 2
  the second audience: missing_scopes
  the second audience again: missing_scopes
  exchanges: 4
EXPECTED

node probe.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
