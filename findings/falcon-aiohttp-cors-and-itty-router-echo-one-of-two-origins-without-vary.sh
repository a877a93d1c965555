#!/usr/bin/env bash
# falcon-aiohttp-cors-and-itty-router-echo-one-of-two-origins-without-vary
#
# Expected: a middleware that allows two origins and names the one that asked says `Vary: Origin`, on the answer and on a
#   refusal, so that no cache gives the answer for one origin to the other.
# Seen: falcon.CORSMiddleware, aiohttp-cors and cors of itty-router say no Vary at all, for an allowed origin, another one or
#   none. Starlette, Quart-CORS, Litestar, django-cors-headers and hono/cors say it wherever they name an origin.
# Versions: falcon 4.4.0, aiohttp-cors 0.8.1, starlette 1.10.0, Quart-CORS 0.8.0, litestar 2.25.0, django-cors-headers 4.9.0
#   (PyPI); itty-router 5.0.24, hono 4.13.19 (npm)
# Why it matters: A cache in front of such a service keeps the answer with the first origin's name, and the browser of the
#   second refuses it for as long as it is fresh. A gateway that answers CORS for these services adds the Vary itself,
#   or takes their Access-Control fields off and writes its own.
# Source: Fetch Standard, "CORS protocol and HTTP caches"; RFC 9110 section 12.5.5.
# Needs: python3 with venv, node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts itty-router@5.0.24 hono@4.13.19 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet falcon==4.4.0 aiohttp==3.14.5 aiohttp-cors==0.8.1 starlette==1.10.0 httpx==0.28.1 quart==0.22.0 quart-cors==0.8.0 litestar==2.25.0 Django==5.2.19 django-cors-headers==4.9.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, logging
import aiohttp_cors, django, falcon
from aiohttp import web
from aiohttp.test_utils import TestClient as AiohttpClient, TestServer
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from falcon import testing
from litestar import Litestar, get
from litestar.config.cors import CORSConfig
from litestar.testing import TestClient as LitestarClient
from quart import Quart
from quart_cors import cors as quart_cors
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient as StarletteClient

logging.disable(logging.CRITICAL)
ORIGINS = ["https://one.example", "https://two.example"]
settings.configure(SECRET_KEY="probe", ALLOWED_HOSTS=["*"], CORS_ALLOWED_ORIGINS=ORIGINS)
django.setup()
from corsheaders.middleware import CorsMiddleware

class Falcon:
    def on_get(self, request, response): response.text = "ok"
falcon_app = falcon.App(middleware=falcon.CORSMiddleware(allow_origins=ORIGINS))
falcon_app.add_route("/", Falcon())
starlette_app = Starlette(routes=[Route("/", lambda request: PlainTextResponse("ok"))], middleware=[Middleware(CORSMiddleware, allow_origins=ORIGINS)])
quart_app = quart_cors(Quart("probe"), allow_origin=ORIGINS)
@quart_app.get("/")
async def answer(): return "ok"
@get("/", media_type="text/plain")
async def litestar_answer() -> str: return "ok"
litestar_app = Litestar([litestar_answer], cors_config=CORSConfig(allow_origins=ORIGINS))

async def with_quart(headers):
    return (await quart_app.test_client().get("/", headers=headers)).headers
async def with_aiohttp(headers):
    app = web.Application()
    async def handler(request): return web.Response(text="ok")
    rules = aiohttp_cors.setup(app, defaults={origin: aiohttp_cors.ResourceOptions() for origin in ORIGINS})
    rules.add(rules.add(app.router.add_resource("/")).add_route("GET", handler))
    async with AiohttpClient(TestServer(app, host="127.0.0.1")) as client:
        return (await client.get("/", headers=headers)).headers
def with_litestar(headers):
    with LitestarClient(litestar_app) as client:
        return client.get("/", headers=headers).headers
apps = {
    "Falcon": lambda headers: testing.TestClient(falcon_app).simulate_get("/", headers=headers).headers,
    "aiohttp-cors": lambda headers: asyncio.run(with_aiohttp(headers)),
    "Starlette": lambda headers: StarletteClient(starlette_app).get("/", headers=headers).headers,
    "Quart-CORS": lambda headers: asyncio.run(with_quart(headers)),
    "Litestar": with_litestar,
    "django-cors-headers": lambda headers: CorsMiddleware(lambda request: HttpResponse("ok"))(RequestFactory().get("/", headers=headers)).headers,
}
for name, get_headers in apps.items():
    for origin in [*ORIGINS, "https://other.example", None]:
        seen = {key.lower(): value for key, value in dict(get_headers({"Origin": origin} if origin else {})).items()}
        print(f"{name}: {origin or 'no origin'}: allows {seen.get('access-control-allow-origin')}, Vary {seen.get('vary')}")
PROBE
cat >probe.mjs <<'PROBE'
import { Hono } from 'hono';
import { cors as honoCors } from 'hono/cors';
import { AutoRouter, cors } from 'itty-router';

const origin = ['https://one.example', 'https://two.example'];
const { preflight, corsify } = cors({ origin });
const apps = {
  'itty-router': AutoRouter({ before: [preflight], finally: [corsify] }).get('/', () => 'ok'),
  'hono/cors': new Hono().use(honoCors({ origin })).get('/', (context) => context.text('ok')),
};
for (const [name, app] of Object.entries(apps)) {
  for (const asks of [...origin, 'https://other.example', undefined]) {
    const { headers } = await app.fetch(new Request('http://api.example/', { headers: asks ? { Origin: asks } : {} }));
    const [allowed, vary] = ['Access-Control-Allow-Origin', 'Vary'].map((field) => headers.get(field) ?? 'None');
    console.log(`${name}: ${asks ?? 'no origin'}: allows ${allowed}, Vary ${vary}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
Falcon: https://one.example: allows https://one.example, Vary None
Falcon: https://two.example: allows https://two.example, Vary None
Falcon: https://other.example: allows None, Vary None
Falcon: no origin: allows None, Vary None
aiohttp-cors: https://one.example: allows https://one.example, Vary None
aiohttp-cors: https://two.example: allows https://two.example, Vary None
aiohttp-cors: https://other.example: allows None, Vary None
aiohttp-cors: no origin: allows None, Vary None
Starlette: https://one.example: allows https://one.example, Vary Origin
Starlette: https://two.example: allows https://two.example, Vary Origin
Starlette: https://other.example: allows None, Vary Origin
Starlette: no origin: allows None, Vary Origin
Quart-CORS: https://one.example: allows https://one.example, Vary Origin
Quart-CORS: https://two.example: allows https://two.example, Vary Origin
Quart-CORS: https://other.example: allows None, Vary Origin
Quart-CORS: no origin: allows None, Vary Origin
Litestar: https://one.example: allows https://one.example, Vary Origin
Litestar: https://two.example: allows https://two.example, Vary Origin
Litestar: https://other.example: allows None, Vary None
Litestar: no origin: allows None, Vary None
django-cors-headers: https://one.example: allows https://one.example, Vary origin
django-cors-headers: https://two.example: allows https://two.example, Vary origin
django-cors-headers: https://other.example: allows None, Vary origin
django-cors-headers: no origin: allows None, Vary origin
itty-router: https://one.example: allows https://one.example, Vary None
itty-router: https://two.example: allows https://two.example, Vary None
itty-router: https://other.example: allows None, Vary None
itty-router: no origin: allows None, Vary None
hono/cors: https://one.example: allows https://one.example, Vary Origin
hono/cors: https://two.example: allows https://two.example, Vary Origin
hono/cors: https://other.example: allows None, Vary Origin
hono/cors: no origin: allows None, Vary Origin
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
