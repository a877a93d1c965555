#!/usr/bin/env bash
# compressed-answers-without-vary-or-under-the-same-strong-etag
#
# Expected: an answer that is compressed for some clients says `Vary: Accept-Encoding` to all of them, and the two
#   forms do not share a strong ETag: a middleware makes it weak or changes it.
# Seen: aiohttp sends no Vary at all. @fastify/compress sends it with the compressed form only. Both, and Starlette
#   and koa-compress, keep `"v1"` as the strong ETag of both forms. Django and hono make it weak, Flask-Compress
#   changes it.
# Versions: aiohttp 3.14.5, @fastify/compress 9.2.0, koa-compress 5.2.2, starlette 1.10.0, Django 5.2.19,
#   Flask-Compress 1.25, hono 4.13.19
# Why it matters: A cache in front of such a service keeps one form and gives it to every client, also to one that
#   cannot read it; a range request that is resumed with If-Range joins bytes of two forms. A gateway that caches
#   these upstreams has to vary by Accept-Encoding on its own, or ask for one form only.
# Source: RFC 9110 sections 8.8.3.3, 12.5.5 and 13.1.5; RFC 9111 section 4.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 fastify@5.12.8 @fastify/compress@9.2.0 koa@3.3.0 koa-compress@5.2.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
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

for app in apps:
    for field in ("gzip", "identity"):
        print(f"{app}: {field}: Vary {get(app, field, 'vary')}, ETag {get(app, field, 'etag')}")
PROBE
cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import compress from '@fastify/compress';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { compress as honoCompress } from 'hono/compress';
import Koa from 'koa';
import koaCompress from 'koa-compress';
const body = 'x'.repeat(5000);
const fastify = Fastify();
await fastify.register(compress);
fastify.get('/', async (request, reply) => { reply.type('text/plain').header('etag', '"v1"'); return body; });
const hono = new Hono().use(honoCompress()).get('/', (context) => context.text(body, 200, { ETag: '"v1"' }));
const koa = new Koa();
koa.use(koaCompress()).use((context) => { context.set('etag', '"v1"'); context.body = body; });
const server = createServer(koa.callback()).listen(0, '127.0.0.1');
await new Promise((ready) => server.on('listening', ready));
const apps = {
  '@fastify/compress': async (headers) => new Headers((await fastify.inject({ url: '/', headers })).headers),
  'koa-compress': async (headers) => (await fetch(`http://127.0.0.1:${server.address().port}/`, { headers })).headers,
  'hono/compress': async (headers) => (await hono.request('/', { headers })).headers,
};
for (const [name, get] of Object.entries(apps)) {
  for (const field of ['gzip', 'identity']) {
    const headers = await get({ 'accept-encoding': field });
    console.log(`${name}: ${field}: Vary ${headers.get('vary')}, ETag ${headers.get('etag')}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
Starlette: gzip: Vary Accept-Encoding, ETag "v1"
Starlette: identity: Vary Accept-Encoding, ETag "v1"
Flask-Compress: gzip: Vary Accept-Encoding, ETag "v1:gzip"
Flask-Compress: identity: Vary Accept-Encoding, ETag "v1"
Django: gzip: Vary Accept-Encoding, ETag W/"v1"
Django: identity: Vary Accept-Encoding, ETag "v1"
aiohttp: gzip: Vary None, ETag "v1"
aiohttp: identity: Vary None, ETag "v1"
@fastify/compress: gzip: Vary accept-encoding, ETag "v1"
@fastify/compress: identity: Vary null, ETag "v1"
koa-compress: gzip: Vary Accept-Encoding, ETag "v1"
koa-compress: identity: Vary Accept-Encoding, ETag "v1"
hono/compress: gzip: Vary Accept-Encoding, ETag W/"v1"
hono/compress: identity: Vary Accept-Encoding, ETag "v1"
EXPECTED

{ venv/bin/python -W ignore probe.py && node probe.mjs; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
