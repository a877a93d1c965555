#!/usr/bin/env bash
# two-users-get-one-jwt-from-oauthlib-within-one-second
#
# Expected: an access token stands for one grant. Two users who get theirs one after the other have different ones.
# Seen: signed_token_generator of oauthlib, the generator of JWTs that goes into ACCESS_TOKEN_GENERATOR of
#   django-oauth-toolkit, signs `scope`, `exp` and the constants that it was given: no `sub`, no `jti`, no `iat`. Two
#   users who are served within one second get the same token from it. In django-oauth-toolkit the second request of such
#   a second ends in an IntegrityError, which is a 500 of the token endpoint.
# Versions: oauthlib 4.0.1, django-oauth-toolkit 3.4.1, Django 5.2.19, PyJWT 2.15.1
# Why it matters: The token says nobody's name, so an API behind it cannot tell users apart. And a login or a refresh
#   fails now and then, more often the more people use it, with an answer that says nothing: a client must try a
#   refresh again after a 500 and not end the session over it.
# Source: RFC 9068 section 2.2; RFC 6749 section 5.2.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet oauthlib==4.0.1 django-oauth-toolkit==3.4.1 django==5.2.19 pyjwt[crypto]==2.15.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import logging, time
import django, jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from oauthlib.oauth2.rfc6749.tokens import signed_token_generator

pem = rsa.generate_private_key(65537, 2048).private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()
settings.configure(
    SECRET_KEY="not a secret", ROOT_URLCONF=__name__, USE_TZ=True, ALLOWED_HOSTS=["testserver"], LOGGING_CONFIG=None,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    PASSWORD_HASHERS=["django.contrib.auth.hashers.MD5PasswordHasher"],
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
    OAUTH2_PROVIDER={"ACCESS_TOKEN_GENERATOR": signed_token_generator(pem, iss="https://id.example", aud="api")},
)
django.setup()
logging.disable(logging.CRITICAL)
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client
from django.urls import include, path
from oauth2_provider.models import get_application_model

urlpatterns = [path("o/", include("oauth2_provider.urls"))]
call_command("migrate", verbosity=0)
for name in ("alice", "bob"):
    User.objects.create_user(name, password="not a secret")
get_application_model().objects.create(client_id="probe", client_type="public", authorization_grant_type="password")

def token_for(name):
    form = {"grant_type": "password", "client_id": "probe", "username": name, "password": "not a secret", "scope": "read"}
    return Client(raise_request_exception=False).post("/o/token/", form)

for attempt in range(20):
    time.sleep(1.05 - time.time() % 1)  # both within one second
    begun = int(time.time())
    first = token_for("alice")
    second = token_for("bob")
    if int(time.time()) == begun:
        break
else:
    raise SystemExit(2)
print("alice:", first.status_code, sorted(jwt.decode(first.json()["access_token"], options={"verify_signature": False})))
print("bob, within the same second:", second.status_code)
time.sleep(1.05 - time.time() % 1)
third = token_for("bob")
print("bob, a second later:", third.status_code)

class Request:
    scope, expires_in = "read", 3600
def made(user):
    request = Request()
    request.user = user
    return signed_token_generator(pem, iss="https://id.example", aud="api")(request)
time.sleep(1.05 - time.time() % 1)
print("oauthlib alone: one token for both:", made("alice") == made("bob"))
PROBE
cat >expected.txt <<'EXPECTED'
alice: 200 ['aud', 'exp', 'iss', 'scope']
bob, within the same second: 500
bob, a second later: 200
oauthlib alone: one token for both: True
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
