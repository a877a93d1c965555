#!/usr/bin/env bash
# httpx-auth-takes-a-token-without-expires-in-for-a-jwt
#
# Expected: `expires_in` is only recommended (RFC 6749 section 5.1), and an access token is opaque to the client (section 1.4): an
#   answer that has no lifetime gives a token of which the client finds out by a 401 that it has ended. So it is with
#   requests-oauthlib, Authlib and simple-oauth2.
# Seen: httpx-auth and requests_auth split the access token at its dots to find an `exp` in it, and end with "not enough values
#   to unpack" at a token that is not a JWT.
# Versions: httpx-auth 0.23.1, requests_auth 8.0.0; requests-oauthlib 2.0.0, Authlib 1.9.10
# Why it matters: a token endpoint that leaves `expires_in` out of the answer to client credentials has clients that never send a
#   request, and whose error names neither OAuth nor the field. Whoever issues or passes on tokens should always send it.
# Source: RFC 6749 sections 1.4 and 5.1; decode_base64 and add_bearer_token in _oauth2/tokens.py of both.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >/dev/null 2>&1 || unready "python3 has no venv"
venv/bin/pip install -q httpx==0.28.1 httpx-auth==0.23.1 requests==2.34.2 requests_auth==8.0.0 requests-oauthlib==2.0.0 oauthlib==4.0.1 Authlib==1.9.10 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 1 pip.log)"

cat >probe.py <<'PROBE'
import json
import os
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import httpx_auth
import requests
import requests_auth
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from oauthlib.oauth2 import BackendApplicationClient
from requests_oauthlib import OAuth2Session

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # the server below has no certificate
lifetime = {}


class Server(BaseHTTPRequestHandler):
    def answer(self, text):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(json.dumps({"access_token": "opaque", "token_type": "Bearer", **lifetime}))

    def do_GET(self):
        self.answer(self.headers["Authorization"] or "nothing")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
address = f"http://127.0.0.1:{server.server_port}"
token = f"{address}/token"


def with_httpx_auth():
    return httpx.get(address, auth=httpx_auth.OAuth2ClientCredentials(token, client_id="c", client_secret="s")).text


def with_requests_auth():
    return requests.get(address, auth=requests_auth.OAuth2ClientCredentials(token, client_id="c", client_secret="s")).text


def with_requests_oauthlib():
    session = OAuth2Session(client=BackendApplicationClient(client_id="c"))
    session.fetch_token(token, client_id="c", client_secret="s")
    return session.get(address).text


def with_authlib():
    session = AuthlibSession("c", "s", token_endpoint=token, grant_type="client_credentials")
    session.fetch_token()
    return session.get(address).text


for lifetime in ({"expires_in": 600}, {}):
    print("with expires_in" if lifetime else "without expires_in")
    for name, send in [
        ("httpx-auth", with_httpx_auth),
        ("requests_auth", with_requests_auth),
        ("requests-oauthlib", with_requests_oauthlib),
        ("Authlib", with_authlib),
    ]:
        httpx_auth.OAuth2.token_cache.clear()
        requests_auth.OAuth2.token_cache.clear()
        try:
            seen = send()
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
        print(f"  {name}: {seen}")
PROBE
cat >expected.txt <<'EXPECTED'
with expires_in
  httpx-auth: Bearer opaque
  requests_auth: Bearer opaque
  requests-oauthlib: Bearer opaque
  Authlib: Bearer opaque
without expires_in
  httpx-auth: ValueError: not enough values to unpack (expected 3, got 1)
  requests_auth: ValueError: not enough values to unpack (expected 3, got 1)
  requests-oauthlib: Bearer opaque
  Authlib: Bearer opaque
EXPECTED

venv/bin/python probe.py >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
