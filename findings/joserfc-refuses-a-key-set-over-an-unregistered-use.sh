#!/usr/bin/env bash
# joserfc-refuses-a-key-set-over-an-unregistered-use
#
# Expected: RFC 7517 names values for `use` and `key_ops` and says of both that other values may be used. One such key
#   in a set is passed over; the other keys work.
# Seen: joserfc refuses to import the whole set with KeyParameterError, so no token verifies. PyJWT and jwcrypto
#   import it.
# Versions: joserfc 1.8.0, PyJWT 2.15.1, jwcrypto 1.6.1
# Why it matters: A provider that publishes one key for something else, TLS or attestation, say, stops every Python
#   service that reads its key set with joserfc, although the key that signs has not changed.
# Source: RFC 7517 sections 4.2 and 4.3.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet joserfc==1.8.0 PyJWT==2.15.1 jwcrypto==1.6.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
import jwt, jwcrypto.jwk
from joserfc.jwk import KeySet

signing = json.loads(jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="signing", use="sig").export_public())
other = json.loads(jwcrypto.jwk.JWK.generate(kty="RSA", size=2048, kid="other").export_public())
readers = {
    "joserfc": lambda s: KeySet.import_key_set(s).keys,
    "PyJWT": lambda s: jwt.PyJWKSet.from_dict(s).keys,
    "jwcrypto": lambda s: list(jwcrypto.jwk.JWKSet.from_json(json.dumps(s))["keys"]),
}
sets = {
    "use sig twice": {"keys": [signing, {**other, "use": "sig"}]},
    "one use tls": {"keys": [signing, {**other, "use": "tls"}]},
    "one key_ops attest": {"keys": [signing, {**other, "key_ops": ["attest"]}]},
}
for label, key_set in sets.items():
    for name, read in readers.items():
        try:
            print(f"{label}: {name}: accepted, {len(read(key_set))} keys")
        except Exception as error:
            print(f"{label}: {name}: refused, {type(error).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
use sig twice: joserfc: accepted, 2 keys
use sig twice: PyJWT: accepted, 2 keys
use sig twice: jwcrypto: accepted, 2 keys
one use tls: joserfc: refused, KeyParameterError
one use tls: PyJWT: accepted, 2 keys
one use tls: jwcrypto: accepted, 2 keys
one key_ops attest: joserfc: refused, KeyParameterError
one key_ops attest: PyJWT: accepted, 2 keys
one key_ops attest: jwcrypto: accepted, 2 keys
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
