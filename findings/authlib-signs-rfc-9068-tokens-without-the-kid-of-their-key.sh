#!/usr/bin/env bash
# authlib-signs-rfc-9068-tokens-without-the-kid-of-their-key
#
# Expected: a server that publishes its one key with a `kid` names it in the header of what it signs, as Authlib does in
#   the same tokens once it is handed a key set.
# Seen: JWTBearerTokenGenerator of Authlib signs with the key that get_jwks() returns and leaves `kid` out if that is a
#   single key; if it is a set with this one key in it, `kid` is there. PyJWKClient of PyJWT, which looks keys up by
#   `kid`, finds none for the first kind of token, although the key set has a single key.
# Versions: Authlib 1.9.6, joserfc 1.8.0, PyJWT 2.15.1
# Why it matters: A verifier must not need `kid`: it has to try the keys that fit the algorithm. One that does works
#   with the server's second key and not with its first, and nobody changed a line of it.
# Source: RFC 9068 section 4; RFC 7515 section 4.1.4 and appendix D; RFC 7517 section 4.5.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet authlib==1.9.6 joserfc==1.8.0 pyjwt[crypto]==2.15.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
import jwt
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc.jwk import KeySet, RSAKey

key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "first"})
key_set = KeySet([key])

class Published(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("content-type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(key_set.as_dict(private=False)).encode())
    def log_message(self, *args):
        pass

server = HTTPServer(("127.0.0.1", 0), Published)
threading.Thread(target=server.serve_forever, daemon=True).start()

class Client:
    def get_client_id(self):
        return "client"
    def get_allowed_scope(self, scope):
        return scope

class User:
    def get_user_id(self):
        return "alice"

print("published:", [each["kid"] for each in key_set.as_dict(private=False)["keys"]])
for name, keys in {"one key": key, "a set of one": key_set}.items():
    class Generator(JWTBearerTokenGenerator):
        def get_jwks(self):
            return keys
    token = Generator("https://id.example").generate("authorization_code", Client(), User(), "openid")["access_token"]
    header = jwt.get_unverified_header(token)
    print(f"{name}: typ {header['typ']}, kid {header.get('kid')}")
    try:
        found = jwt.PyJWKClient(f"http://127.0.0.1:{server.server_port}/").get_signing_key_from_jwt(token)
        claims = jwt.decode(token, found, algorithms=["RS256"], audience="client")
        print(f"{name}: PyJWT: good for {claims['sub']}")
    except jwt.PyJWTError as error:
        print(f"{name}: PyJWT: {type(error).__name__}: {error}")
PROBE
cat >expected.txt <<'EXPECTED'
published: ['first']
one key: typ at+jwt, kid None
one key: PyJWT: PyJWKClientError: Unable to find a signing key that matches: "None"
a set of one: typ at+jwt, kid first
a set of one: PyJWT: good for alice
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
