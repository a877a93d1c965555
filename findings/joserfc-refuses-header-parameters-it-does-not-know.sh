#!/usr/bin/env bash
# joserfc-refuses-header-parameters-it-does-not-know
#
# Expected: a header parameter that is not understood and not listed in `crit` is ignored. RFC 7515 says MUST.
# Seen: joserfc refuses the token with UnsupportedHeaderError. Its predecessor authlib.jose, PyJWT and jwcrypto accept
#   it.
# Versions: joserfc 1.8.0, Authlib 1.9.10, PyJWT 2.15.1, jwcrypto 1.6.1
# Why it matters: Some providers add parameters of their own to the header, a `nonce` or an environment name, say.
#   Such tokens pass a gateway and stop at a Python service that moved from authlib.jose, now deprecated, to joserfc.
# Source: RFC 7515 section 4; joserfc, JWSRegistry(strict_check_header=False).
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet joserfc==1.8.0 Authlib==1.9.10 PyJWT==2.15.1 jwcrypto==1.6.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import base64, hashlib, hmac, json
import authlib.jose, joserfc.jws, joserfc.jwt, jwcrypto.jwk, jwcrypto.jwt, jwt
from joserfc.jwk import OctKey

KEY = b"a-secret-for-this-probe-only-0123456789"
part = lambda raw: base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

def token(**extra):
    head = {"alg": "HS256", "typ": "JWT", **extra}
    signed = part(json.dumps(head).encode()) + "." + part(b'{"sub":"user-1","exp":4000000000}')
    return signed + "." + part(hmac.new(KEY, signed.encode(), hashlib.sha256).digest())

relaxed = joserfc.jws.JWSRegistry(algorithms=["HS256"], strict_check_header=False)
verifiers = {
    "joserfc": lambda t: joserfc.jwt.decode(t, OctKey.import_key(KEY), algorithms=["HS256"]),
    "joserfc, not strict": lambda t: joserfc.jwt.decode(t, OctKey.import_key(KEY), registry=relaxed),
    "authlib.jose": lambda t: authlib.jose.jwt.decode(t, KEY),
    "PyJWT": lambda t: jwt.decode(t, KEY, algorithms=["HS256"]),
    "jwcrypto": lambda t: jwcrypto.jwt.JWT(jwt=t, key=jwcrypto.jwk.JWK(kty="oct", k=part(KEY)), algs=["HS256"]),
}
for label, extra in (("no extra parameter", {}), ("nonce", {"nonce": "n-1"}), ("env", {"env": "eu"})):
    for name, verify in verifiers.items():
        try:
            verify(token(**extra))
            print(f"{label}: {name}: accepted")
        except Exception as error:
            print(f"{label}: {name}: refused, {type(error).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
no extra parameter: joserfc: accepted
no extra parameter: joserfc, not strict: accepted
no extra parameter: authlib.jose: accepted
no extra parameter: PyJWT: accepted
no extra parameter: jwcrypto: accepted
nonce: joserfc: refused, UnsupportedHeaderError
nonce: joserfc, not strict: accepted
nonce: authlib.jose: accepted
nonce: PyJWT: accepted
nonce: jwcrypto: accepted
env: joserfc: refused, UnsupportedHeaderError
env: joserfc, not strict: accepted
env: authlib.jose: accepted
env: PyJWT: accepted
env: jwcrypto: accepted
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
