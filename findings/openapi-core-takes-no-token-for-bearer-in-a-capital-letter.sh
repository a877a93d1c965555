#!/usr/bin/env bash
# openapi-core-takes-no-token-for-bearer-in-a-capital-letter
#
# Expected: `scheme` of an OpenAPI security scheme is the name of an HTTP authentication scheme. Such names have no case, and the registry
#   writes them `Bearer`, `Basic` and `DPoP`. Among alternatives one that a validator does not know is no reason to fail at the others.
# Seen: openapi-core compares the scheme of the request, in small letters, with that of the document as it is written: with
#   `scheme: Bearer` every token is refused, with `bearer` none. If an alternative of type mutualTLS (OpenAPI 3.1) comes first, it raises
#   KeyError before it looks at the token. Connexion takes both spellings.
# Versions: openapi-core 0.23.1, connexion 3.3.0 (PyPI)
# Why it matters: the document is valid, viewers show it, clients made from it send the right token, and the service answers 401 to
#   each, whoever signed it. A gateway that publishes or checks such documents writes schemes in small letters, and reads them in any.
# Source: OpenAPI 3.1.1 section 4.8.27.1 (scheme, mutualTLS); RFC 9110 section 11.1; HttpProvider and SecurityProviderFactory of openapi-core.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet openapi-core==0.23.1 "connexion[flask]==3.3.0" httpx >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import logging
from connexion import AsyncApp
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest

logging.disable(logging.CRITICAL)

def orders():
    return {}

def read(token):
    return {"sub": "ann"}

def document(version, security, schemes):
    operation = {"operationId": "__main__.orders", "security": security, "responses": {"200": {"description": "The orders"}}}
    about = {"openapi": version, "info": {"title": "Orders", "version": "1"}, "servers": [{"url": "http://localhost"}]}
    return {**about, "components": {"securitySchemes": schemes}, "paths": {"/orders": {"get": operation}}}

def with_openapi_core(given, token):
    request = MockRequest("http://localhost", "get", "/orders", headers={"Authorization": token})
    try:
        return "refused" if OpenAPI.from_dict(given).unmarshal_request(request).errors else "taken"
    except Exception as error:
        return f"{type(error).__name__} {error}"

def with_connexion(given, token):
    app = AsyncApp("probe")
    app.add_api(given)
    return "taken" if app.test_client().get("/orders", headers={"Authorization": token}).status_code == 200 else "refused"

for scheme in ["bearer", "Bearer"]:
    given = document("3.0.3", [{"token": []}], {"token": {"type": "http", "scheme": scheme, "x-bearerInfoFunc": "__main__.read"}})
    for token in ["Bearer t", "bearer t"]:
        print(f"scheme: {scheme}, {token!r}: openapi-core {with_openapi_core(given, token)}, connexion {with_connexion(given, token)}")
token = {"type": "http", "scheme": "bearer"}
for alternatives in [[{"token": []}, {"certificate": []}], [{"certificate": []}, {"token": []}]]:
    given = document("3.1.0", alternatives, {"token": token, "certificate": {"type": "mutualTLS"}})
    print(f"{' or '.join(name for each in alternatives for name in each)}, 'Bearer t': openapi-core {with_openapi_core(given, 'Bearer t')}")
PROBE
cat >expected.txt <<'EXPECTED'
scheme: bearer, 'Bearer t': openapi-core taken, connexion taken
scheme: bearer, 'bearer t': openapi-core taken, connexion taken
scheme: Bearer, 'Bearer t': openapi-core refused, connexion taken
scheme: Bearer, 'bearer t': openapi-core refused, connexion taken
token or certificate, 'Bearer t': openapi-core taken
certificate or token, 'Bearer t': openapi-core KeyError 'mutualTLS'
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
