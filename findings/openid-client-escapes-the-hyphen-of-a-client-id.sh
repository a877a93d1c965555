#!/usr/bin/env bash
# openid-client-escapes-the-hyphen-of-a-client-id
#
# Expected: with client_secret_basic, a client id such as `my-app_1.x` goes out as it is. RFC 6749 asks for the form
#   encoding, and the form encoding of the URL standard leaves letters, digits and `*-._` alone.
# Seen: openid-client and the oauth4webapi under it send `my%2Dapp%5F1%2Ex`. simple-oauth2 encodes too, but leaves
#   `-`, `_` and `.` alone; Authlib and requests-oauthlib encode nothing.
# Versions: openid-client 6.9.0, oauth4webapi 3.8.8, simple-oauth2 5.1.0
# Why it matters: A server that compares the Basic user name without decoding knows no client `my%2Dapp`. The ids that
#   every provider hands out have hyphens in them, so this meets everyone, not only those with odd secrets. It also
#   shows in logs and rate limits that are kept by user name.
# Source: RFC 6749 section 2.3.1 and appendix B; URL Standard, application/x-www-form-urlencoded percent-encode set.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openid-client@6.9.0 oauth4webapi@3.8.8 simple-oauth2@5.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';
import { ClientCredentials } from 'simple-oauth2';

const id = 'my-app_1.x';
let user;
const server = createServer((request, response) => {
  user = Buffer.from(request.headers.authorization.slice(6), 'base64').toString().split(':')[0];
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'token-1', token_type: 'Bearer' }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const as = { issuer: origin, token_endpoint: `${origin}/token` };
const clients = {
  'oauth4webapi': () => oauth.clientCredentialsGrantRequest(as, { client_id: id }, oauth.ClientSecretBasic('s'), new URLSearchParams(), { [oauth.allowInsecureRequests]: true }),
  'openid-client': async () => {
    const config = new openid.Configuration(as, id, 's', openid.ClientSecretBasic('s'));
    openid.allowInsecureRequests(config);
    await openid.clientCredentialsGrant(config);
  },
  'simple-oauth2': () => new ClientCredentials({ client: { id, secret: 's' }, auth: { tokenHost: origin, tokenPath: '/token' } }).getToken({}),
};
console.log(`URLSearchParams: ${new URLSearchParams({ x: id }).toString().slice(2)}`);
for (const [name, ask] of Object.entries(clients)) {
  await ask();
  console.log(`${name}: ${user}, unchanged: ${user === id ? 'yes' : 'no'}`);
}
server.close();
PROBE
cat >expected.txt <<'EXPECTED'
URLSearchParams: my-app_1.x
oauth4webapi: my%2Dapp%5F1%2Ex, unchanged: no
openid-client: my%2Dapp%5F1%2Ex, unchanged: no
simple-oauth2: my-app_1.x, unchanged: yes
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
