#!/usr/bin/env bash
# python-frameworks-gzip-for-a-client-that-refuses-gzip
#
# Expected: `Accept-Encoding: gzip;q=0` says that the client does not take gzip, so the answer comes without it.
# Seen: the gzip middleware of Starlette and Django, Flask-Compress and enable_compression() of aiohttp look for the
#   word `gzip` and compress.
# Versions: starlette 1.10.0, Django 5.2.19, Flask-Compress 1.25, aiohttp 3.14.5
# Why it matters: A gateway or a tool that must read bodies and says so in this form gets compressed bytes all the
#   same. `Accept-Encoding: identity`, or br alone, is understood by all of them.
# Source: RFC 9110 section 12.5.3.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet starlette==1.10.0 httpx==0.28.1 Flask==3.1.3 Flask-Compress==1.25 Django==5.2.19 aiohttp==3.14.5 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, sys
import django
from aiohttp import web
from django.conf import settings
from django.http import HttpResponse
from django.middleware.gzip import GZipMiddleware as DjangoGZip
from django.test import RequestFactory
from flask import Flask, Response
from flask_compress import Compress
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

BODY, ETAG = "x" * 5000, {"ETag": '"v1"'}
settings.configure(SECRET_KEY="probe")
django.setup()
starlette_app = Starlette(routes=[Route("/", lambda request: PlainTextResponse(BODY, headers=ETAG))], middleware=[Middleware(GZipMiddleware)])
flask_app = Flask("probe")
Compress(flask_app)
flask_app.get("/")(lambda: Response(BODY, headers=ETAG, mimetype="text/html"))

async def with_aiohttp(field):
    async def handler(request):
        response = web.Response(text=BODY, headers=ETAG)
        response.enable_compression()
        return response
    app = web.Application()
    app.router.add_get("/", handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    reader, writer = await asyncio.open_connection("127.0.0.1", runner.addresses[0][1])
    writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAccept-Encoding: {field}\r\n\r\n".encode())
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    writer.close()
    await runner.cleanup()
    return dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if line)

apps = {
    "Starlette": lambda field: TestClient(starlette_app).get("/", headers={"Accept-Encoding": field}).headers,
    "Flask-Compress": lambda field: flask_app.test_client().get("/", headers={"Accept-Encoding": field}).headers,
    "Django": lambda field: DjangoGZip(lambda request: HttpResponse(BODY, headers=ETAG))(RequestFactory().get("/", HTTP_ACCEPT_ENCODING=field)).headers,
    "aiohttp": lambda field: asyncio.run(with_aiohttp(field)),
}
def get(app, field, name):
    return next((value for key, value in apps[app](field).items() if key.lower() == name), None)

for field in ("gzip", "gzip;q=0", "identity"):
    for app in apps:
        print(f"Accept-Encoding: {field}: {app}: compressed: {'yes' if get(app, field, 'content-encoding') == 'gzip' else 'no'}")
PROBE
cat >expected.txt <<'EXPECTED'
Accept-Encoding: gzip: Starlette: compressed: yes
Accept-Encoding: gzip: Flask-Compress: compressed: yes
Accept-Encoding: gzip: Django: compressed: yes
Accept-Encoding: gzip: aiohttp: compressed: yes
Accept-Encoding: gzip;q=0: Starlette: compressed: yes
Accept-Encoding: gzip;q=0: Flask-Compress: compressed: yes
Accept-Encoding: gzip;q=0: Django: compressed: yes
Accept-Encoding: gzip;q=0: aiohttp: compressed: yes
Accept-Encoding: identity: Starlette: compressed: no
Accept-Encoding: identity: Flask-Compress: compressed: no
Accept-Encoding: identity: Django: compressed: no
Accept-Encoding: identity: aiohttp: compressed: no
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
