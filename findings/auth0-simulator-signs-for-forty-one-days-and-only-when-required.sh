#!/usr/bin/env bash
# auth0-simulator-signs-for-forty-one-days-and-only-when-required
#
# Expected: the two entries of a package (import and require) do the same, and a token lives about as long as `expires_in`
#   of the token response says.
# Seen: loaded with import, as its README shows, @simulacrum/auth0-simulator answers every token request with 500
#   "jwt.sign is not a function". Loaded with require it gives tokens with `expires_in` 86400, one day, whose `exp` is
#   3600000 seconds after `iat`: 41 days and 16 hours, the milliseconds of an hour taken for seconds. The scopes asked for
#   are not looked at: every client gets the configured ones, and the response does not say so.
# Versions: @simulacrum/auth0-simulator 0.11.4
# Why it matters: Tests of a gateway against the simulator never see a refresh by `exp`, and a gateway that caps how far
#   ahead a token may expire refuses every token. A test of "401 after the hour" passes in production only.
# Source: RFC 6749 sections 3.3 and 5.1; RFC 9068 section 2.2; the package's README, "Code".
# Needs: node 20 or later with npm, openssl
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @simulacrum/auth0-simulator@0.11.4 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
command -v openssl >/dev/null || unready "openssl is missing"
mkdir -p home/.simulacrum/certs
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout home/.simulacrum/certs/localhost-key.pem -out home/.simulacrum/certs/localhost.pem 2>openssl.log || unready "openssl failed"

cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { createRequire } from 'node:module';

process.env.HOME = `${process.cwd()}/home`;
const ca = readFileSync('home/.simulacrum/certs/localhost.pem');
console.error = () => {};
const post = (port, body) => new Promise((resolve, reject) => {
  const options = { host: '127.0.0.1', port, path: '/oauth/token', method: 'POST', servername: 'localhost', ca, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } };
  request(options, async (response) => {
    let text = '';
    for await (const chunk of response) text += chunk;
    resolve({ status: response.statusCode, body: JSON.parse(text) });
  }).on('error', reject).end(new URLSearchParams(body).toString());
});
for (const [how, load] of Object.entries({
  'import': () => import('@simulacrum/auth0-simulator'),
  'require': () => createRequire(import.meta.url)('@simulacrum/auth0-simulator'),
})) {
  const { simulation } = await load();
  const { port } = await simulation().listen(0, '127.0.0.1');
  const { status, body } = await post(port, { grant_type: 'client_credentials', client_id: 'probe', client_secret: 'not a secret', scope: 'read:things' });
  if (status !== 200) { console.log(`${how}: ${status} ${body.error.message}`); continue; }
  const claims = JSON.parse(Buffer.from(body.access_token.split('.')[1], 'base64url'));
  console.log(`${how}: ${status}, expires_in ${body.expires_in}, exp - iat ${claims.exp - claims.iat}`);
  console.log(`${how}: asked for read:things, response says ${body.scope}, token holds ${claims.scope}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
import: 500 jwt.sign is not a function
require: 200, expires_in 86400, exp - iat 3600000
require: asked for read:things, response says undefined, token holds openid profile email offline_access
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
