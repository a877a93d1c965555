#!/usr/bin/env bash
# python-jose-fails-when-a-key-of-another-type-comes-first
#
# Expected: given a whole key set, a verifier takes the key that the token names by `kid`, or at least goes on when a
#   key does not fit. The order of a set means nothing.
# Seen: python-jose ignores `kid`, tries the keys in order and stops at the first one of another type with JWKError.
#   The same two keys in the other order verify the same token.
# Versions: python-jose 3.5.0
# Why it matters: A provider that adds an EC or Ed25519 key, or only changes the order, breaks every service that
#   hands the whole set to python-jose. The token and its key are unchanged.
# Source: RFC 7517 section 5, on the order of keys; RFC 7515 section 4.1.4, on `kid`.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet python-jose[cryptography]==3.5.0 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import jose.jwk, jose.jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

def public(private, alg, kid):
    pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return {**jose.jwk.construct(pem, alg).to_dict(), "kid": kid, "use": "sig"}

rsa_private = rsa.generate_private_key(65537, 2048)
rsa_pem = rsa_private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
rsa_key = public(rsa_private, "RS256", "rsa")
other_rsa_key = public(rsa.generate_private_key(65537, 2048), "RS256", "other-rsa")
ec_key = public(ec.generate_private_key(ec.SECP256R1()), "ES256", "ec")
token = jose.jwt.encode({"sub": "user-1", "exp": 4000000000}, rsa_pem.decode(), "RS256", headers={"kid": "rsa"})
for label, keys in {
    "the RSA key alone": [rsa_key],
    "RSA, then EC": [rsa_key, ec_key],
    "another RSA key, then the right one": [other_rsa_key, rsa_key],
    "EC, then RSA": [ec_key, rsa_key],
}.items():
    try:
        jose.jwt.decode(token, {"keys": keys}, algorithms=["RS256"])
        print(f"{label}: accepted")
    except Exception as error:
        print(f"{label}: refused, {type(error).__name__}: {error}")
PROBE
cat >expected.txt <<'EXPECTED'
the RSA key alone: accepted
RSA, then EC: accepted
another RSA key, then the right one: accepted
EC, then RSA: refused, JWKError: Incorrect key type. Expected: 'RSA', Received: EC
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
