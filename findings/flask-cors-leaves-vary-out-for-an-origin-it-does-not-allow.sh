#!/usr/bin/env bash
# flask-cors-leaves-vary-out-for-an-origin-it-does-not-allow
#
# Expected: a resource whose CORS fields depend on the origin says `Vary: Origin` in every answer, also if it
#   allows nothing, or a cache gives one origin what was meant for another. Without an Origin in the request there is
#   no origin to allow.
# Seen: Flask-CORS with two allowed origins sends `Vary` to those and not to others, and answers a request without
#   Origin with Access-Control-Allow-Origin for the first of the two. Starlette sends `Vary` always and allows nothing
#   unasked.
# Versions: Flask-Cors 6.0.5, Flask 3.1.3, starlette 1.10.0
# Why it matters: A cache in front, a gateway or a CDN, stores the answer to an origin that is not allowed and gives
#   it to one that is: the browser then refuses it until it expires. A gateway that caches such an upstream has to add
#   `Vary: Origin` or keep the origin in its key.
# Source: Fetch Standard, CORS protocol and HTTP caches.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Flask-Cors==6.0.5 Flask==3.1.3 starlette==1.10.0 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
from flask import Flask
from flask_cors import CORS
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

ORIGINS = ["https://one.example", "https://two.example"]
flask_app = Flask("probe")
flask_app.get("/")(lambda: "ok")
CORS(flask_app, origins=ORIGINS)
starlette_app = Starlette(
    routes=[Route("/", lambda request: PlainTextResponse("ok"))],
    middleware=[Middleware(CORSMiddleware, allow_origins=ORIGINS)],
)
clients = {"Flask-CORS": flask_app.test_client(), "Starlette": TestClient(starlette_app)}
for origin in ("https://two.example", "https://other.example", None):
    for name, client in clients.items():
        fields = client.get("/", headers={"Origin": origin} if origin else {}).headers
        allowed, vary = fields.get("Access-Control-Allow-Origin"), fields.get("Vary")
        print(f"Origin {origin}: {name}: allows {allowed}, Vary {vary}")
PROBE
cat >expected.txt <<'EXPECTED'
Origin https://two.example: Flask-CORS: allows https://two.example, Vary Origin
Origin https://two.example: Starlette: allows https://two.example, Vary Origin
Origin https://other.example: Flask-CORS: allows None, Vary None
Origin https://other.example: Starlette: allows None, Vary Origin
Origin None: Flask-CORS: allows https://one.example, Vary Origin
Origin None: Starlette: allows None, Vary Origin
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
