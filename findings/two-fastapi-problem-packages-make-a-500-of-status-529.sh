#!/usr/bin/env bash
# two-fastapi-problem-packages-make-a-500-of-status-529
#
# Expected: a package that turns HTTP errors into problems keeps the status, also one that is in no list: any code from 100
#   to 599 is valid, and one that is not recognised counts as the x00 of its class.
# Seen: fastapi-problem and fastapi-problem-details answer an HTTPException of 419, 460, 499, 520 or 529 with 500 and the
#   detail "529 is not a valid HTTPStatus": they look the title up in Python's enumeration. Retry-After of the exception is
#   lost with it. FastAPI by itself and fastapi-rfc9457 keep status and field.
# Versions: fastapi-problem 0.12.1, fastapi-problem-details 0.1.5, fastapi-rfc9457 0.2.4, fastapi 0.165.0, Python 3.11
# Why it matters: Services hand on what they got from elsewhere: 499 of nginx, 520 to 530 of Cloudflare, 529 of an API that
#   is overloaded. A client error becomes a server error, which a gateway counts against the service and a client repeats
#   at once, since "wait 30 seconds" has gone.
# Source: RFC 9110 section 15; RFC 9457 section 3.1.2; HTTP status code registry.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet fastapi==0.165.0 httpx==0.28.1 fastapi-problem==0.12.1 fastapi-problem-details==0.1.5 fastapi-rfc9457==0.2.4 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import logging
import fastapi_problem_details
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from fastapi_problem.handler import add_exception_handler, new_exception_handler
from fastapi_rfc9457.integration import add_problem_handlers

logging.disable(logging.CRITICAL)
packages = {
    "FastAPI alone": lambda app: None,
    "fastapi-problem": lambda app: add_exception_handler(app, new_exception_handler()),
    "fastapi-problem-details": fastapi_problem_details.init_app,
    "fastapi-rfc9457": add_problem_handlers,
}
for name, install in packages.items():
    app = FastAPI()
    install(app)
    @app.get("/{status}")
    def fail(status: int):
        raise HTTPException(status, "from elsewhere", headers={"Retry-After": "30"})
    client = TestClient(app, raise_server_exceptions=False)
    for status in (404, 429, 419, 460, 499, 520, 529):
        response = client.get(f"/{status}")
        print(f"{name}: {status}: {response.status_code}, Retry-After {response.headers.get('retry-after')}, detail {response.json().get('detail')}")
PROBE
cat >expected.txt <<'EXPECTED'
FastAPI alone: 404: 404, Retry-After 30, detail from elsewhere
FastAPI alone: 429: 429, Retry-After 30, detail from elsewhere
FastAPI alone: 419: 419, Retry-After 30, detail from elsewhere
FastAPI alone: 460: 460, Retry-After 30, detail from elsewhere
FastAPI alone: 499: 499, Retry-After 30, detail from elsewhere
FastAPI alone: 520: 520, Retry-After 30, detail from elsewhere
FastAPI alone: 529: 529, Retry-After 30, detail from elsewhere
fastapi-problem: 404: 404, Retry-After 30, detail from elsewhere
fastapi-problem: 429: 429, Retry-After 30, detail from elsewhere
fastapi-problem: 419: 500, Retry-After None, detail 419 is not a valid HTTPStatus
fastapi-problem: 460: 500, Retry-After None, detail 460 is not a valid HTTPStatus
fastapi-problem: 499: 500, Retry-After None, detail 499 is not a valid HTTPStatus
fastapi-problem: 520: 500, Retry-After None, detail 520 is not a valid HTTPStatus
fastapi-problem: 529: 500, Retry-After None, detail 529 is not a valid HTTPStatus
fastapi-problem-details: 404: 404, Retry-After 30, detail from elsewhere
fastapi-problem-details: 429: 429, Retry-After 30, detail from elsewhere
fastapi-problem-details: 419: 500, Retry-After None, detail 419 is not a valid HTTPStatus
fastapi-problem-details: 460: 500, Retry-After None, detail 460 is not a valid HTTPStatus
fastapi-problem-details: 499: 500, Retry-After None, detail 499 is not a valid HTTPStatus
fastapi-problem-details: 520: 500, Retry-After None, detail 520 is not a valid HTTPStatus
fastapi-problem-details: 529: 500, Retry-After None, detail 529 is not a valid HTTPStatus
fastapi-rfc9457: 404: 404, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 429: 429, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 419: 419, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 460: 460, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 499: 499, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 520: 520, Retry-After 30, detail from elsewhere
fastapi-rfc9457: 529: 529, Retry-After 30, detail from elsewhere
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
