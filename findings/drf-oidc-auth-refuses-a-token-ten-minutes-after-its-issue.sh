#!/usr/bin/env bash
# drf-oidc-auth-refuses-a-token-ten-minutes-after-its-issue
#
# Expected: a token is good until its `exp`. `iat` is optional and says when it was made. `Authorization: Bearer` carries it, and a `kid` that is
#   not in the key set of this morning makes the verifier look again.
# Seen: JSONWebTokenAuthentication of drf-oidc-auth refuses a token as too old 600 seconds after `iat`, whatever `exp` says, and one without `iat` at
#   once. It passes `Bearer` over without a word, unless it is told, since it waits for `JWT`, and keeps a key set for a day.
# Versions: drf-oidc-auth 4.0.0, djangorestframework 3.18.3, Django 5.2.19, joserfc 1.8.0 (PyPI)
# Why it matters: access tokens of an hour work in every test and end in a 401 after ten minutes. A client refreshes at the time of `expires_in`, so
#   it is locked out for fifty minutes of each hour; one that refreshes at a 401 does so six times as often. OIDC_LEEWAY, which would
#   mend that, is also how long after `exp` a token is taken. A gateway that signs tokens of its own for such a service makes them short.
# Source: RFC 7519 sections 4.1.4 and 4.1.6; RFC 6750 section 2.1; OpenID Connect Core 1.0 section 10.1.1; validate_claims in authentication.py
#   and settings.py of drf-oidc-auth.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet drf-oidc-auth==4.0.0 djangorestframework==3.18.3 Django==5.2.19 joserfc==1.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import http.server, json, logging, threading, time
import django
from django.conf import settings
from joserfc import jwk, jwt

class Provider(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"} if "openid-configuration" in self.path else {"keys": published}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
threading.Thread(target=server.serve_forever, daemon=True).start()
issuer = f"http://127.0.0.1:{server.server_port}"
options = {"OIDC_ENDPOINT": issuer, "OIDC_CLAIMS_OPTIONS": {"aud": {"essential": True, "value": "api"}}}
settings.configure(OIDC_AUTH={**options, "OIDC_RESOLVE_USER_FUNCTION": "probe_user.find"}, INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
django.setup()
from oidc_auth.authentication import JSONWebTokenAuthentication
from rest_framework.permissions import IsAuthenticated
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView
logging.disable(logging.CRITICAL)

class View(APIView):
    authentication_classes = [JSONWebTokenAuthentication]
    permission_classes = [IsAuthenticated]
    def get(self, request):
        return Response("in")

pairs = [jwk.RSAKey.generate_key(2048, {"kid": kid, "use": "sig", "alg": "RS256"}) for kid in ["one", "two"]]
published = [pairs[0].as_dict(private=False)]

def answer_to(scheme="JWT", pair=pairs[0], **claims):
    payload = {"iss": issuer, "sub": "ann", "aud": "api", "exp": int(time.time()) + 3600, **claims}
    token = jwt.encode({"alg": "RS256", "kid": pair.kid}, payload, pair)
    answer = View.as_view()(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f"{scheme} {token}"))
    said = answer.data if isinstance(answer.data, str) else answer.data["detail"]
    return f"{answer.status_code}, {said} {answer.headers.get('WWW-Authenticate', '')}".strip()

def ago(seconds):
    return int(time.time()) - seconds

print("made five minutes ago:", answer_to(iat=ago(300)))
print("made eleven minutes ago:", answer_to(iat=ago(660)))
print("without iat:", answer_to())
print("made five minutes ago, as Bearer:", answer_to("Bearer", iat=ago(300)))
published = [pair.as_dict(private=False) for pair in pairs]
now = time.time
for hours in [0, 23, 25]:
    time.time = lambda: now() + 3600 * hours
    print(f"by a key that was published after the first token, {hours} hours later:", answer_to(pair=pairs[1], iat=ago(0)))
PROBE
cat >probe_user.py <<'PROBE'
from django.contrib.auth.models import User
def find(request, claims):
    return User(username=claims["sub"])
PROBE
cat >expected.txt <<'EXPECTED'
made five minutes ago: 200, in
made eleven minutes ago: 401, Invalid Authorization header. JWT too old. JWT realm="api"
without iat: 401, Invalid Authorization header. JWT too old. JWT realm="api"
made five minutes ago, as Bearer: 401, Authentication credentials were not provided. JWT realm="api"
by a key that was published after the first token, 0 hours later: 401, Invalid Authorization header. JWT signature key not found. JWT realm="api"
by a key that was published after the first token, 23 hours later: 401, Invalid Authorization header. JWT signature key not found. JWT realm="api"
by a key that was published after the first token, 25 hours later: 200, in
EXPECTED

venv/bin/python -W ignore probe.py >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
