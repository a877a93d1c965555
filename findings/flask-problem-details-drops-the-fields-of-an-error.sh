#!/usr/bin/env bash
# flask-problem-details-drops-the-fields-of-an-error
#
# Expected: a package that turns errors into problems changes the content; the fields that belong to the status stay: 405
#   says Allow, 401 WWW-Authenticate, 429 Retry-After.
# Seen: flask-problem-details loses all three, which Flask without it sends. fastapi-problem, fastapi-problem-details and
#   Litestar's ProblemDetailsPlugin keep them. The plugin puts the sentence about the one occurrence into `title`, and what
#   the error carries as `extra` over members of the problem itself, `status` too.
# Versions: flask-problem-details 3.0.1, Flask 3.1.3, Werkzeug 3.1.9, fastapi-problem 0.12.1, fastapi-problem-details 0.1.5,
#   fastapi 0.165.0, litestar 2.25.0
# Why it matters: A client of such a service gets 401 without a challenge and 429 without a time; what a client does then
#   is up to the client. A gateway that reads the Retry-After of its upstream has nothing to read. One that turns a 401 of
#   the service into a login must not depend on the challenge.
# Source: RFC 9457 section 3; RFC 9110 sections 10.2.1, 11.6.1 and 15.5.6; RFC 6585 section 4.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Flask==3.1.3 Werkzeug==3.1.9 flask-problem-details==3.0.1 fastapi==0.165.0 httpx==0.28.1 fastapi-problem==0.12.1 fastapi-problem-details==0.1.5 litestar==2.25.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import logging
import fastapi_problem_details, flask, flask_problem_details
from fastapi import FastAPI, HTTPException
from fastapi.testclient import TestClient
from fastapi_problem.handler import add_exception_handler, new_exception_handler
from litestar import Litestar, get, post
from litestar.exceptions import HTTPException as LitestarException
from litestar.plugins.problem_details import ProblemDetailsConfig, ProblemDetailsPlugin
from litestar.testing import TestClient as LitestarClient
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import TooManyRequests, Unauthorized

logging.disable(logging.CRITICAL)
def report(name, get_path):
    for path, field in {"/write-only": "allow", "/private": "www-authenticate", "/busy": "retry-after"}.items():
        response = get_path(path)
        fields = {key.lower(): value for key, value in dict(response.headers).items()}
        value = ", ".join(sorted(fields[field].split(", "))) if field in fields else "missing"
        print(f"{name}: {response.status_code}, {field}: {value}")

def flask_app():
    app = flask.Flask("probe")
    app.post("/write-only")(lambda: "ok")
    @app.get("/private")
    def private(): raise Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": "api"}))
    @app.get("/busy")
    def busy(): raise TooManyRequests(retry_after=60)
    return app
report("Flask alone", flask_app().test_client().get)
with_problems = flask_app()
flask_problem_details.configure_app(with_problems)
report("flask-problem-details", with_problems.test_client().get)

for name, install in {
    "fastapi-problem": lambda app: add_exception_handler(app, new_exception_handler()),
    "fastapi-problem-details": fastapi_problem_details.init_app,
}.items():
    app = FastAPI()
    install(app)
    app.post("/write-only")(lambda: "ok")
    @app.get("/private")
    def private(): raise HTTPException(401, headers={"WWW-Authenticate": 'Bearer realm="api"'})
    @app.get("/busy")
    def busy(): raise HTTPException(429, headers={"Retry-After": "60"})
    report(name, TestClient(app).get)

@post("/write-only")
async def write_only() -> None: ...
@get("/private")
async def private_in_litestar() -> None: raise LitestarException(status_code=401, headers={"WWW-Authenticate": 'Bearer realm="api"'})
@get("/busy")
async def busy_in_litestar() -> None: raise LitestarException("This token has had its 60 calls", status_code=429, headers={"Retry-After": "60"}, extra={"status": "over quota"})
plugin = ProblemDetailsPlugin(ProblemDetailsConfig(enable_for_all_http_exceptions=True))
with LitestarClient(Litestar([write_only, private_in_litestar, busy_in_litestar], plugins=[plugin])) as client:
    report("Litestar", client.get)
    problem = client.get("/busy").json()
    print(f"Litestar: title {problem['title']}, status {problem['status']}")
PROBE
cat >expected.txt <<'EXPECTED'
Flask alone: 405, allow: OPTIONS, POST
Flask alone: 401, www-authenticate: Bearer realm=api
Flask alone: 429, retry-after: 60
flask-problem-details: 405, allow: missing
flask-problem-details: 401, www-authenticate: missing
flask-problem-details: 429, retry-after: missing
fastapi-problem: 405, allow: POST
fastapi-problem: 401, www-authenticate: Bearer realm="api"
fastapi-problem: 429, retry-after: 60
fastapi-problem-details: 405, allow: POST
fastapi-problem-details: 401, www-authenticate: Bearer realm="api"
fastapi-problem-details: 429, retry-after: 60
Litestar: 405, allow: OPTIONS, POST
Litestar: 401, www-authenticate: Bearer realm="api"
Litestar: 429, retry-after: 60
Litestar: title This token has had its 60 calls, status over quota
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
