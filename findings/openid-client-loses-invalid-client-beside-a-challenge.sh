#!/usr/bin/env bash
# openid-client-loses-invalid-client-beside-a-challenge
#
# Expected: a token endpoint that refuses the client answers `{"error": "invalid_client"}`, and a library reports that
#   code, whether or not the answer has the `WWW-Authenticate: Basic` that RFC 6749 asks for with a 401.
# Seen: at a 401 with the challenge, openid-client and the oauth4webapi under it throw WWWAuthenticateChallengeError,
#   whose `error` is undefined; the body is not read. At a 400, or a 401 without the challenge, they throw
#   ResponseBodyError with `error`. requests-oauthlib and Authlib report `invalid_client` each time.
# Versions: openid-client 6.9.0, oauth4webapi 3.8.8 (npm), requests-oauthlib 2.0.0, oauthlib 4.0.1, Authlib 1.9.10 (PyPI)
# Why it matters: A program that looks for `error.error === 'invalid_client'`, to say that a secret was changed, finds it
#   at providers that leave the challenge out, and not at those that do as the standard says. The code is in
#   `await error.response.json()`.
# Source: RFC 6749 section 5.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openid-client@6.9.0 oauth4webapi@3.8.8 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Authlib==1.9.10 requests==2.34.2 requests-oauthlib==2.0.0 oauthlib==4.0.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import http.server, os, threading
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        _, status, challenge = self.path.split("/")
        self.send_response(int(status))
        self.send_header("Content-Type", "application/json")
        if challenge == "challenge":
            self.send_header("WWW-Authenticate", 'Basic realm="login"')
        self.end_headers()
        self.wfile.write(b'{"error": "invalid_client"}')
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
clients = {
    "requests-oauthlib": lambda url: OAuth2Session(client=BackendApplicationClient(client_id="app")).fetch_token(url, client_secret="s"),
    "Authlib": lambda url: AuthlibSession("app", "s").fetch_token(url, grant_type="client_credentials"),
}
for name, fetch in clients.items():
    for path in ("400/none", "401/none", "401/challenge"):
        try:
            fetch(f"http://127.0.0.1:{server.server_port}/{path}")
        except Exception as failure:
            print(f"{name}, {path}: {type(failure).__name__}, error {failure.error}")
PROBE
cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const server = createServer((request, response) => {
  const [, status, challenge] = request.url.split('/');
  if (challenge === 'challenge') response.setHeader('www-authenticate', 'Basic realm="login"');
  response.writeHead(Number(status), { 'content-type': 'application/json' }).end(JSON.stringify({ error: 'invalid_client' }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const issuer = `http://127.0.0.1:${server.address().port}`;
const insecure = { [oauth.allowInsecureRequests]: true };
const clients = {
  'openid-client': (as) => {
    const config = new openid.Configuration(as, 'app', 's', openid.ClientSecretBasic('s'));
    openid.allowInsecureRequests(config);
    return openid.clientCredentialsGrant(config);
  },
  'oauth4webapi': async (as) => {
    const client = { client_id: 'app' };
    const answer = await oauth.clientCredentialsGrantRequest(as, client, oauth.ClientSecretBasic('s'), {}, insecure);
    return oauth.processClientCredentialsResponse(as, client, answer);
  },
};
for (const [name, ask] of Object.entries(clients)) {
  for (const path of ['400/none', '401/none', '401/challenge']) {
    const { name: kind, error } = await ask({ issuer, token_endpoint: `${issuer}/${path}` }).catch((failure) => failure);
    console.log(`${name}, ${path}: ${kind}, error ${error}`);
  }
}
server.close();
PROBE
cat >expected.txt <<'EXPECTED'
openid-client, 400/none: ResponseBodyError, error invalid_client
openid-client, 401/none: ResponseBodyError, error invalid_client
openid-client, 401/challenge: WWWAuthenticateChallengeError, error undefined
oauth4webapi, 400/none: ResponseBodyError, error invalid_client
oauth4webapi, 401/none: ResponseBodyError, error invalid_client
oauth4webapi, 401/challenge: WWWAuthenticateChallengeError, error undefined
requests-oauthlib, 400/none: InvalidClientError, error invalid_client
requests-oauthlib, 401/none: InvalidClientError, error invalid_client
requests-oauthlib, 401/challenge: InvalidClientError, error invalid_client
Authlib, 400/none: OAuthError, error invalid_client
Authlib, 401/none: OAuthError, error invalid_client
Authlib, 401/challenge: OAuthError, error invalid_client
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
