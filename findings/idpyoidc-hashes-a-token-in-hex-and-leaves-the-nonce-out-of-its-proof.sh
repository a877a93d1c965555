#!/usr/bin/env bash
# idpyoidc-hashes-a-token-in-hex-and-leaves-the-nonce-out-of-its-proof
#
# Expected: `ath` of a DPoP proof is the SHA-256 of the access token in base64url, and `nonce` is a claim of the proof if the server gave
#   one. For the token of the example in RFC 9449 section 7.1, `ath` is `fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo`.
# Seen: the client of idpyoidc writes the hash in hex, 64 characters, and drops the nonce that it is given, because the claim is not in the list of
#   those that it signs. Its provider expects hex too: it refuses the proof of RFC 9449 at userinfo, and takes its own.
# Versions: idpyoidc 5.0.0 (PyPI); requests_oauth2client 1.8.0 for comparison
# Why it matters: two ends of one library understand each other, so tests pass, and every other resource server answers
#   401. Whoever runs such a server sees proofs with a right signature and an `ath` of another form, and must refuse them.
# Source: RFC 9449 sections 4.2, 7.1 and 9; dpop_header and body_params in idpyoidc/client/oauth2/add_on/dpop.py.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet idpyoidc==5.0.0 requests_oauth2client==1.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import base64, hashlib, json
from types import SimpleNamespace
from idpyoidc.client.oauth2.add_on.dpop import dpop_header
from idpyoidc.server.oauth2.add_on.dpop import userinfo_post_parse_request
from requests_oauth2client import DPoPKey

# RFC 9449 section 7.1.
TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ADDRESS = "https://resource.example.org/protectedresource"
ATH = base64.urlsafe_b64encode(hashlib.sha256(TOKEN.encode()).digest()).rstrip(b"=").decode()
assert ATH == "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"

context = SimpleNamespace(add_on={"dpop": {"algs_supported": ["ES256"]}}, provider_info={})
proofs = {
    "idpyoidc": dpop_header(context, "userinfo", "GET", token=TOKEN, nonce="n1", endpoint_url=ADDRESS)["dpop"],
    "requests_oauth2client": str(DPoPKey.generate("ES256").proof(htm="GET", htu=ADDRESS, ath=ATH, nonce="n1")),
}
for client, proof in proofs.items():
    part = proof.split(".")[1]
    claims = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    form = "in base64url" if claims["ath"] == ATH else "in hex" if claims["ath"] == hashlib.sha256(TOKEN.encode()).hexdigest() else "other"
    print(f"proof of {client}: ath {form}, nonce {claims.get('nonce')}")
    request = {"headers": {"dpop": proof}, "url": ADDRESS, "method": "GET"}
    try:
        userinfo_post_parse_request({}, "c", None, {"token": TOKEN}, http_info=request)
        outcome = "taken"
    except ValueError as error:
        outcome = f"refused, {error}"
    print(f"proof of {client} at the provider of idpyoidc: {outcome}")
PROBE
cat >expected.txt <<'EXPECTED'
proof of idpyoidc: ath in hex, nonce None
proof of idpyoidc at the provider of idpyoidc: taken
proof of requests_oauth2client: ath in base64url, nonce n1
proof of requests_oauth2client at the provider of idpyoidc: refused, 'ath' in DPoP does not match the token hash
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
