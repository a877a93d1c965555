#!/usr/bin/env bash
# authlib-takes-a-429-problem-for-a-token
#
# Expected: a token request that is answered 429 or 403 fails, whatever the body is. Only a 200 carries a token.
# Seen: Authlib raises only for a status of 500 and above or for a body with a member `error`. A 429 or 403 whose body
#   is an RFC 9457 problem without `error` becomes the token: fetch_token returns it, without an access_token, and
#   reports nothing.
# Versions: Authlib 1.9.10, requests 2.34.2; oauthlib 4.0.1 with requests-oauthlib 2.0.0 for comparison
# Why it matters: A gateway in front of a token endpoint that limits a client answers 429 with a problem. The client
#   stores it as its token, and fails later, elsewhere, with MissingTokenError. A member `error` beside the members of
#   RFC 9457 makes Authlib raise at once.
# Source: RFC 6749 sections 5.1 and 5.2; RFC 9457 section 3.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Authlib==1.9.10 requests==2.34.2 requests-oauthlib==2.0.0 oauthlib==4.0.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import http.server, json, os, threading
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

answer = (0, {})
class Server(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(answer[0])
        self.send_header("Content-Type", "application/problem+json")
        self.send_header("Retry-After", "30")
        self.end_headers()
        self.wfile.write(json.dumps(answer[1]).encode())
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/token"
clients = {
    "Authlib": lambda: AuthlibSession("app", "s").fetch_token(url, grant_type="client_credentials"),
    "requests-oauthlib": lambda: OAuth2Session(client=BackendApplicationClient(client_id="app")).fetch_token(url, client_secret="s"),
}
for status, title in ((429, "Too Many Requests"), (403, "Forbidden"), (503, "Service Unavailable")):
    for error in (None, "slow_down"):
        problem = {"type": "about:blank", "title": title, "status": status}
        answer = (status, {**problem, "error": error} if error else problem)
        for name, fetch in clients.items():
            try:
                print(f"{status}, error {error}: {name}: accepted, keys {sorted(fetch())}")
            except Exception as failure:
                print(f"{status}, error {error}: {name}: refused, {type(failure).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
429, error None: Authlib: accepted, keys ['status', 'title', 'type']
429, error None: requests-oauthlib: refused, MissingTokenError
429, error slow_down: Authlib: refused, OAuthError
429, error slow_down: requests-oauthlib: refused, CustomOAuth2Error
403, error None: Authlib: accepted, keys ['status', 'title', 'type']
403, error None: requests-oauthlib: refused, MissingTokenError
403, error slow_down: Authlib: refused, OAuthError
403, error slow_down: requests-oauthlib: refused, CustomOAuth2Error
503, error None: Authlib: refused, HTTPError
503, error None: requests-oauthlib: refused, MissingTokenError
503, error slow_down: Authlib: refused, HTTPError
503, error slow_down: requests-oauthlib: refused, CustomOAuth2Error
EXPECTED

venv/bin/python -W ignore probe.py >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
