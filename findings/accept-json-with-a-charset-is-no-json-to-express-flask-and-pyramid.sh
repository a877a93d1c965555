#!/usr/bin/env bash
# accept-json-with-a-charset-is-no-json-to-express-flask-and-pyramid
#
# Expected: a client that says `Accept: application/json; charset=utf-8` gets JSON: the parameter means nothing for JSON,
#   and what the service offers is JSON in UTF-8.
# Seen: Express, Koa, Flask and WebOb (Pyramid) find nothing to offer and answer 406 or their fallback. @hapi/accept finds
#   JSON and hands back the client's own spelling as the type to answer with. Hono, Falcon, Litestar and Django REST
#   framework find JSON.
# Versions: express 5.3.0, koa 3.3.0, @hapi/accept 6.0.3, hono 4.13.19, Flask 3.1.3, Werkzeug 3.1.9, WebOb 1.8.11,
#   falcon 4.4.0, litestar 2.25.0, djangorestframework 3.18.3, Django 5.2.19
# Why it matters: Clients that set Accept and Content-Type from one constant send this. A gateway in front that hands
#   Accept on sees a 406 of the service for a request that asked for JSON. For its own choice, as between a problem and a
#   page, a gateway should leave parameters other than q out of account.
# Source: RFC 9110 sections 8.3.1 and 12.5.1; RFC 8259 section 11.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 @hapi/accept@6.0.3 hono@4.13.19 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Flask==3.1.3 Werkzeug==3.1.9 WebOb==1.8.11 falcon==4.4.0 litestar==2.25.0 djangorestframework==3.18.3 Django==5.2.19 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import logging
import django, falcon, flask, webob
from django.conf import settings
from falcon import testing
from litestar.datastructures.headers import Accept

logging.disable(logging.CRITICAL)
settings.configure(SECRET_KEY="probe", ALLOWED_HOSTS=["*"], INSTALLED_APPS=["rest_framework"], REST_FRAMEWORK={
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"], "DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None})
django.setup()
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

flask_app = flask.Flask("probe")
@flask_app.get("/")
def answer():
    return ({}, 200) if flask.request.accept_mimetypes.best_match(["application/json"]) else ("", 406)
class Falcon:
    def on_get(self, request, response):
        if not request.client_accepts_json: raise falcon.HTTPNotAcceptable()
falcon_app = falcon.App()
falcon_app.add_route("/", Falcon())
class View(APIView):
    def get(self, request): return Response({})
def drf(accept):
    response = View.as_view()(APIRequestFactory().get("/", HTTP_ACCEPT=accept))
    response.render()
    return f"{response.status_code} {response['Content-Type']}"
for accept in ("application/json", "application/json; charset=utf-8"):
    for name, seen in {
        "Flask": flask_app.test_client().get("/", headers={"Accept": accept}).status_code,
        "WebOb": webob.acceptparse.create_accept_header(accept).acceptable_offers(["application/json"]) or "nothing",
        "Falcon": testing.TestClient(falcon_app).simulate_get("/", headers={"Accept": accept}).status_code,
        "Litestar": Accept(accept).best_match(["application/json"]) or "nothing",
        "Django REST framework": drf(accept),
    }.items():
        print(f"{accept}: {name}: {seen}")
PROBE
cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import Hapi from '@hapi/accept';
import express from 'express';
import { Hono } from 'hono';
import { accepts } from 'hono/accepts';
import Koa from 'koa';

const expressApp = express();
expressApp.get('/', (request, response) => response.format({ 'application/json': () => response.send('{}') }));
const koa = new Koa();
koa.silent = true;
koa.use((context) => {
  if (!context.accepts('application/json')) context.throw(406);
  context.type = 'application/json';
  context.body = '{}';
});
const hono = new Hono().get('/', (context) => accepts(context, { header: 'Accept', supports: ['application/json'], default: '' }) ? context.json({}) : context.text('', 406));
const served = async (handler, accept) => {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((ready) => server.on('listening', ready));
  const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { headers: { accept } });
  server.close();
  return response;
};
process.env.NODE_ENV = 'test';
for (const accept of ['application/json', 'application/json; charset=utf-8']) {
  for (const [name, answer] of Object.entries({
    'Express': async () => (await served(expressApp, accept)).status,
    'Koa': async () => (await served(koa.callback(), accept)).status,
    'Hono': async () => (await hono.request('/', { headers: { accept } })).status,
    '@hapi/accept': async () => Hapi.mediaType(accept, ['application/json']) || 'nothing',
  })) console.log(`${accept}: ${name}: ${await answer()}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
application/json: Flask: 200
application/json: WebOb: [('application/json', 1.0)]
application/json: Falcon: 200
application/json: Litestar: application/json
application/json: Django REST framework: 200 application/json
application/json; charset=utf-8: Flask: 406
application/json; charset=utf-8: WebOb: nothing
application/json; charset=utf-8: Falcon: 200
application/json; charset=utf-8: Litestar: application/json
application/json; charset=utf-8: Django REST framework: 200 application/json
application/json: Express: 200
application/json: Koa: 200
application/json: Hono: 200
application/json: @hapi/accept: application/json
application/json; charset=utf-8: Express: 406
application/json; charset=utf-8: Koa: 406
application/json; charset=utf-8: Hono: 200
application/json; charset=utf-8: @hapi/accept: application/json;charset=utf-8
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
