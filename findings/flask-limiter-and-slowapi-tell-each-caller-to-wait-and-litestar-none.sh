#!/usr/bin/env bash
# flask-limiter-and-slowapi-tell-each-caller-to-wait-and-litestar-none
#
# Expected: Retry-After says how long a client ought to wait before its next request. A limiter sends it with 429, and not while calls are left.
# Seen: Flask-Limiter and slowapi, once their headers are turned on, send Retry-After with each answer: `200`, one of two calls left, and an hour
#   to wait. slowapi writes X-RateLimit-Reset with a fraction. Litestar sends no Retry-After at all, not even with 429.
# Versions: Flask-Limiter 4.1.1, Flask 3.1.3, slowapi 0.1.10, fastapi 0.165.0, litestar 2.25.0, httpx 0.28.1 (PyPI)
# Why it matters: a client or a gateway that obeys the field whatever the status makes one call an hour, and one that obeys it only at 429 learns
#   nothing from Litestar and tries again at once. A gateway in front of several upstreams reads the field together with the status. A cached 200
#   would tell everyone to wait.
# Source: RFC 9110 section 10.2.3; RFC 6585 section 4.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Flask-Limiter==4.1.1 Flask==3.1.3 slowapi==0.1.10 fastapi==0.165.0 litestar==2.25.0 httpx==0.28.1 limits==5.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, re
import flask, flask_limiter, httpx, slowapi, slowapi.errors
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from litestar import Litestar, get
from litestar.middleware.rate_limit import RateLimitConfig

CALLS = 3

def show(name, status, headers):
    remaining, reset = (next(headers[key] for key in [f"X-RateLimit-{part}", f"RateLimit-{part}"] if key in headers) for part in ["Remaining", "Reset"])
    wait = headers.get("Retry-After")
    # Seconds to wait and times are other ones each run.
    about = "none" if wait is None else "about an hour" if 3500 < int(wait) <= 3601 else wait
    kind = re.sub("[0-9]+", "n", reset)
    print(f"{name}: {status}, {remaining} left, reset {kind}, Retry-After {about}")

async def ask(name, app):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example") as client:
        for _ in range(CALLS):
            answer = await client.get("/")
            show(name, answer.status_code, answer.headers)

of_flask = flask.Flask("probe")
flask_limiter.Limiter(lambda: "all", app=of_flask, headers_enabled=True, default_limits=["2/hour"], storage_uri="memory://")
of_flask.add_url_rule("/", view_func=lambda: "in")
for _ in range(CALLS):
    answer = of_flask.test_client().get("/")
    show("Flask-Limiter", answer.status_code, answer.headers)

of_slowapi = FastAPI()
of_slowapi.state.limiter = slowapi.Limiter(key_func=lambda: "all", headers_enabled=True)
of_slowapi.add_exception_handler(slowapi.errors.RateLimitExceeded, slowapi._rate_limit_exceeded_handler)
@of_slowapi.get("/")
@of_slowapi.state.limiter.limit("2/hour")
async def read(request: Request):
    return PlainTextResponse("in")
asyncio.run(ask("slowapi", of_slowapi))

@get("/")
async def of_litestar() -> str:
    return "in"
asyncio.run(ask("Litestar", Litestar([of_litestar], middleware=[RateLimitConfig(rate_limit=("hour", 2)).middleware], logging_config=None)))
PROBE
cat >expected.txt <<'EXPECTED'
Flask-Limiter: 200, 1 left, reset n, Retry-After about an hour
Flask-Limiter: 200, 0 left, reset n, Retry-After about an hour
Flask-Limiter: 429, 0 left, reset n, Retry-After about an hour
slowapi: 200, 1 left, reset n.n, Retry-After about an hour
slowapi: 200, 0 left, reset n.n, Retry-After about an hour
slowapi: 429, 0 left, reset n.n, Retry-After about an hour
Litestar: 200, 1 left, reset n, Retry-After none
Litestar: 200, 0 left, reset n, Retry-After none
Litestar: 429, 0 left, reset n, Retry-After none
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
