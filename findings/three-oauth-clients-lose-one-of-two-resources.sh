#!/usr/bin/env bash
# three-oauth-clients-lose-one-of-two-resources
#
# Expected: RFC 8707 names each resource by a `resource` parameter of its own. A client that lets its caller add
#   parameters sends two of them, or refuses two.
# Seen: requests-oauthlib and Authlib make a dict of a token request's form. Of two `resource` parameters in `body` they
#   send the last, and report nothing. Given as a list, requests-oauthlib sends one parameter, which is Python's text for
#   the list, and Authlib fails with a TypeError. simple-oauth2 sends both in a token request, and in an authorization
#   request one, with a comma between the two. openid-client sends both in both.
# Versions: requests-oauthlib 2.0.0, oauthlib 4.0.1, Authlib 1.9.10 (PyPI), openid-client 6.9.0, simple-oauth2 5.1.0 (npm)
# Why it matters: The token is for one of two APIs, which shows at the other one, as a 401 for its audience. Ask for one
#   resource in each token request, which RFC 8707 recommends anyway.
# Source: RFC 8707 sections 2 and 2.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openid-client@6.9.0 simple-oauth2@5.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Authlib==1.9.10 requests==2.34.2 requests-oauthlib==2.0.0 oauthlib==4.0.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import http.server, os, threading, urllib.parse
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

RESOURCES = ["https://a.example/", "https://b.example/"]
BODY = urllib.parse.urlencode({"resource": RESOURCES}, doseq=True)
sent = None
class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        global sent
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = urllib.parse.parse_qs(form)["resource"]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(b'{"access_token": "token-1", "token_type": "Bearer", "refresh_token": "refresh-1"}')
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/token"
held = {"access_token": "token-1", "token_type": "Bearer", "refresh_token": "refresh-1"}
oauthlib = lambda: OAuth2Session(client=BackendApplicationClient(client_id="app"))
authlib = lambda: AuthlibSession("app", "s", token=held)
calls = {
    "requests-oauthlib, client credentials": lambda **more: oauthlib().fetch_token(url, client_secret="s", **more),
    "requests-oauthlib, refresh": lambda **more: OAuth2Session("app", token=held).refresh_token(url, **more),
    "Authlib, client credentials": lambda **more: authlib().fetch_token(url, grant_type="client_credentials", **more),
    "Authlib, refresh": lambda **more: authlib().refresh_token(url, refresh_token="refresh-1", **more),
}
for name, call in calls.items():
    for how, more in (("body", {"body": BODY}), ("list", {"resource": RESOURCES})):
        sent = None
        try:
            call(**more)
            print(f"{name}, {how}: {sent}")
        except TypeError:
            print(f"{name}, {how}: TypeError")
for name, made in (
    ("requests-oauthlib", OAuth2Session("app", redirect_uri="https://app.example/").authorization_url("https://login.example/", resource=RESOURCES)),
    ("Authlib", AuthlibSession("app").create_authorization_url("https://login.example/", resource=RESOURCES)),
):
    print(f"{name}, authorization request, list: {urllib.parse.parse_qs(urllib.parse.urlsplit(made[0]).query)['resource']}")
PROBE
cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import * as openid from 'openid-client';
import { AuthorizationCode, ClientCredentials } from 'simple-oauth2';

const resources = ['https://a.example/', 'https://b.example/'];
let sent;
const server = createServer(async (request, response) => {
  sent = new URLSearchParams(Buffer.concat(await request.toArray()).toString()).getAll('resource');
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify({ access_token: 'token-1', token_type: 'Bearer' }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const config = new openid.Configuration({ issuer: origin, token_endpoint: `${origin}/token`, authorization_endpoint: `${origin}/auth` }, 'app', 's');
openid.allowInsecureRequests(config);
const two = new URLSearchParams(resources.map((resource) => ['resource', resource]));
const options = { client: { id: 'app', secret: 's' }, auth: { tokenHost: origin } };
const shown = (values) => JSON.stringify(values);
await openid.clientCredentialsGrant(config, two);
console.log(`openid-client, client credentials: ${shown(sent)}`);
console.log(`openid-client, authorization request: ${shown(openid.buildAuthorizationUrl(config, two).searchParams.getAll('resource'))}`);
await new ClientCredentials(options).getToken({ resource: resources });
console.log(`simple-oauth2, client credentials: ${shown(sent)}`);
console.log(`simple-oauth2, authorization request: ${shown(new URL(new AuthorizationCode(options).authorizeURL({ resource: resources })).searchParams.getAll('resource'))}`);
server.close();
PROBE
cat >expected.txt <<'EXPECTED'
requests-oauthlib, client credentials, body: ['https://b.example/']
requests-oauthlib, client credentials, list: ["['https://a.example/', 'https://b.example/']"]
requests-oauthlib, refresh, body: ['https://b.example/']
requests-oauthlib, refresh, list: ["['https://a.example/', 'https://b.example/']"]
Authlib, client credentials, body: ['https://b.example/']
Authlib, client credentials, list: TypeError
Authlib, refresh, body: ['https://b.example/']
Authlib, refresh, list: TypeError
requests-oauthlib, authorization request, list: ["['https://a.example/', 'https://b.example/']"]
Authlib, authorization request, list: ['https://a.example/', 'https://b.example/']
openid-client, client credentials: ["https://a.example/","https://b.example/"]
openid-client, authorization request: ["https://a.example/","https://b.example/"]
simple-oauth2, client credentials: ["https://a.example/","https://b.example/"]
simple-oauth2, authorization request: ["https://a.example/,https://b.example/"]
EXPECTED

{ venv/bin/python -W ignore probe.py && node probe.mjs; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
