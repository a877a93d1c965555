#!/usr/bin/env bash
# oauth-clients-take-expires-in-zero-for-never
#
# Expected: `expires_in: 0` says that the access token is at its end now. A client calls it expired, and asks for
#   another before it is used.
# Seen: requests-oauthlib throws the member away, Authlib keeps it without an expiry, and the badgateway client stores
#   `expiresAt: null`. All three then treat the token as one that never expires. openid-client reports 0 seconds left.
# Versions: requests-oauthlib 2.0.0 with oauthlib 4.0.1, Authlib 1.9.10, @badgateway/oauth2-client 3.3.1,
#   openid-client 6.9.0
# Why it matters: A server that counts the seconds that a shared or replayed token has left comes to 0 in its last
#   second. These clients then never refresh by themselves and send a dead token until a 401. A server that hands out
#   remaining lifetimes does better not to go below 1.
# Source: RFC 6749 section 5.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @badgateway/oauth2-client@3.3.1 openid-client@6.9.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet requests-oauthlib==2.0.0 oauthlib==4.0.1 Authlib==1.9.10 requests==2.34.2 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >server.mjs <<'PROBE'
import { createServer } from 'node:http';
import { spawnSync, spawn } from 'node:child_process';
import { OAuth2Client } from '@badgateway/oauth2-client';
import * as openid from 'openid-client';
let seconds;
const server = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'token-1', token_type: 'Bearer', expires_in: seconds }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
for (seconds of [3600, 0]) {
  const badgateway = await new OAuth2Client({ server: origin, clientId: 'app', clientSecret: 's', tokenEndpoint: '/' }).clientCredentials();
  console.log(`expires_in ${seconds}: badgateway: has an expiry: ${badgateway.expiresAt === null ? 'no' : 'yes'}`);
  const config = new openid.Configuration({ issuer: origin, token_endpoint: `${origin}/` }, 'app', 's');
  openid.allowInsecureRequests(config);
  const left = (await openid.clientCredentialsGrant(config)).expiresIn();
  console.log(`expires_in ${seconds}: openid-client: has an expiry: ${left === undefined ? 'no' : 'yes'}`);
  await new Promise((done) => spawn('venv/bin/python', ['-W', 'ignore', 'clients.py', origin, String(seconds)], { stdio: 'inherit' }).on('close', done));
}
server.close();
PROBE
cat >clients.py <<'PROBE'
import os, sys
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session
origin, seconds = sys.argv[1:]
session = OAuth2Session(client=BackendApplicationClient(client_id="app"))
token = session.fetch_token(origin + "/", client_id="app", client_secret="s")
print(f"expires_in {seconds}: requests-oauthlib: has an expiry: {'yes' if token.get('expires_at') else 'no'}")
token = AuthlibSession("app", "s").fetch_token(origin + "/", grant_type="client_credentials")
print(f"expires_in {seconds}: Authlib: has an expiry: {'no' if token.is_expired() is None else 'yes'}")
PROBE
cat >expected.txt <<'EXPECTED'
expires_in 3600: badgateway: has an expiry: yes
expires_in 3600: openid-client: has an expiry: yes
expires_in 3600: requests-oauthlib: has an expiry: yes
expires_in 3600: Authlib: has an expiry: yes
expires_in 0: badgateway: has an expiry: no
expires_in 0: openid-client: has an expiry: yes
expires_in 0: requests-oauthlib: has an expiry: no
expires_in 0: Authlib: has an expiry: no
EXPECTED

node server.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
