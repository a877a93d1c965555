#!/usr/bin/env bash
# one-key-without-kid-stops-four-python-verifiers
#
# Expected: `kid` of a JWK is optional. A verifier that looks for the key of a token passes over a key that has none.
# Seen: mozilla-django-oidc, pyjwt-key-fetcher and fastapi-cloudauth raise KeyError if one key of the set has no `kid`, and flask-jwt-oidc if
#   that key comes first. Tokens that name another key of the set, and have always been good, are not verified. PyJWT and joserfc do.
# Versions: mozilla-django-oidc 5.0.2, Django 5.2.19, pyjwt-key-fetcher 0.8.0, fastapi-cloudauth 0.4.3, flask-jwt-oidc 0.9.0, PyJWT 2.15.1,
#   joserfc 1.8.0 (PyPI)
# Why it matters: a provider adds a key for encryption, or a second one by hand, and leaves `kid` out. KeyError is none of the errors that these
#   libraries turn into a 401, so each login and each call is a 500, and the provider did nothing that a standard forbids. Whoever
#   publishes keys for others gives each a `kid`.
# Source: RFC 7517 sections 4.5 and 5; retrieve_matching_jwk in auth.py of mozilla-django-oidc; provider.py of pyjwt-key-fetcher; auth0.py of
#   fastapi-cloudauth; get_rsa_key in jwt_manager.py of flask-jwt-oidc.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet mozilla-django-oidc==5.0.2 Django==5.2.19 pyjwt-key-fetcher==0.8.0 aiohttp==3.14.5 fastapi-cloudauth==0.4.3 fastapi==0.165.0 \
  python-jose==3.5.0 flask-jwt-oidc==0.9.0 Flask==3.1.3 PyJWT==2.15.1 cryptography==50.0.2 joserfc==1.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, http.server, json, threading
import django, flask, joserfc.jwk, joserfc.jwt, jwt, pyjwt_key_fetcher
from cryptography.hazmat.primitives.asymmetric import rsa
from django.conf import settings
from fastapi.security import HTTPAuthorizationCredentials
from fastapi_cloudauth import auth0, verification
from flask_jwt_oidc import JwtManager

class KeySet(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = {"issuer": issuer, "jwks_uri": f"{issuer}/jwks"} if "openid-configuration" in self.path else {"keys": keys}
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), KeySet)
threading.Thread(target=server.serve_forever, daemon=True).start()
base = f"http://127.0.0.1:{server.server_port}"
settings.configure(
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    OIDC_OP_TOKEN_ENDPOINT=f"{base}/token", OIDC_OP_USER_ENDPOINT=f"{base}/user", OIDC_OP_JWKS_ENDPOINT=f"{base}/jwks",
    OIDC_RP_CLIENT_ID="api", OIDC_RP_CLIENT_SECRET="s", OIDC_RP_SIGN_ALGO="RS256", OIDC_USE_NONCE=False,
)
django.setup()
from mozilla_django_oidc.auth import OIDCAuthenticationBackend

pairs = [rsa.generate_private_key(65537, 2048) for _ in range(2)]
named, other = ({**json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(pair.public_key())), "use": "sig", "alg": "RS256"} for pair in pairs)
named["kid"] = "one"
named.pop("key_ops", None), other.pop("key_ops", None)
claims = {"sub": "ann", "aud": "api", "iat": 1700000000, "exp": 4000000000}

def mozilla_django_oidc():
    OIDCAuthenticationBackend().verify_token(token)

def key_fetcher():
    async def verify():
        key = await pyjwt_key_fetcher.AsyncKeyFetcher().get_key(token)
        jwt.decode(token, audience="api", **key)
    asyncio.run(verify())

def fastapi_cloudauth():
    verifier = verification.JWKsVerifier(auth0.JWKS(url=f"{issuer}/jwks"), audience="api")
    asyncio.run(verifier.verify_token(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)))

def flask_jwt_oidc():
    app = flask.Flask("probe")
    app.config.update(JWT_OIDC_ALGORITHMS="RS256", JWT_OIDC_JWKS_URI=f"{issuer}/jwks", JWT_OIDC_ISSUER=issuer, JWT_OIDC_AUDIENCE="api")
    manager = JwtManager(app)
    app.add_url_rule("/", view_func=manager.requires_auth(lambda: "in"))
    app.testing = True
    answer = app.test_client().get("/", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 200, answer.text

def pyjwt():
    jwt.decode(token, jwt.PyJWKClient(f"{issuer}/jwks").get_signing_key_from_jwt(token).key, algorithms=["RS256"], audience="api")

def joserfc_():
    joserfc.jwt.decode(token, joserfc.jwk.KeySet.import_key_set({"keys": keys}))

libraries = {
    "mozilla-django-oidc": mozilla_django_oidc, "pyjwt-key-fetcher": key_fetcher, "fastapi-cloudauth": fastapi_cloudauth,
    "flask-jwt-oidc": flask_jwt_oidc, "PyJWT": pyjwt, "joserfc": joserfc_,
}
sets = {"only the key of the token": [named], "a key without kid after it": [named, other], "a key without kid before it": [other, named]}
for name, verify in libraries.items():
    for label, keys in sets.items():
        # An issuer for each, so that nothing is cached.
        issuer = f"{base}/{len(label)}"
        token = jwt.encode({"iss": issuer, **claims}, pairs[0], algorithm="RS256", headers={"kid": "one"})
        try:
            verify()
            print(f"{name}, {label}: taken")
        except Exception as error:
            print(f"{name}, {label}: {error!r}")
PROBE
cat >expected.txt <<'EXPECTED'
mozilla-django-oidc, only the key of the token: taken
mozilla-django-oidc, a key without kid after it: KeyError('kid')
mozilla-django-oidc, a key without kid before it: KeyError('kid')
pyjwt-key-fetcher, only the key of the token: taken
pyjwt-key-fetcher, a key without kid after it: KeyError('kid')
pyjwt-key-fetcher, a key without kid before it: KeyError('kid')
fastapi-cloudauth, only the key of the token: taken
fastapi-cloudauth, a key without kid after it: KeyError('kid')
fastapi-cloudauth, a key without kid before it: KeyError('kid')
flask-jwt-oidc, only the key of the token: taken
flask-jwt-oidc, a key without kid after it: taken
flask-jwt-oidc, a key without kid before it: KeyError('kid')
PyJWT, only the key of the token: taken
PyJWT, a key without kid after it: taken
PyJWT, a key without kid before it: taken
joserfc, only the key of the token: taken
joserfc, a key without kid after it: taken
joserfc, a key without kid before it: taken
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
