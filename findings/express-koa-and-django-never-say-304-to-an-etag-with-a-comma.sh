#!/usr/bin/env bash
# express-koa-and-django-never-say-304-to-an-etag-with-a-comma
#
# Expected: a comma within the quotation marks of an ETag is part of it; a client that sends the ETag back in If-None-Match
#   gets 304. Tabs and empty elements between the members of the list mean nothing.
# Seen: Express and Koa (fresh) and Django compare the pieces between the commas, so `"2026-11,v2"` never matches. fresh
#   also misses a member after a tab, aiohttp one after an empty element. Werkzeug, Falcon and WebOb match all of them.
# Versions: express 5.3.0, koa 3.3.0, fresh 2.0.0, Django 5.2.19, Werkzeug 3.1.9, falcon 4.4.0, aiohttp 3.14.5, WebOb 1.8.11
# Why it matters: A service that makes its ETags of several parts with a comma never answers 304 on these frameworks, and
#   nobody sees why the cache in front of it never revalidates. A gateway or cache that joins several If-None-Match lines
#   must not leave an empty element. Use base64url or hex in an ETag.
# Source: RFC 9110 sections 5.6.1, 8.8.3 and 13.1.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express@5.3.0 koa@3.3.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Django==5.2.19 Werkzeug==3.1.9 falcon==4.4.0 aiohttp==3.14.5 WebOb==1.8.11 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json, logging
import django, falcon, webob
from aiohttp.test_utils import make_mocked_request
from django.conf import settings
from django.http import HttpResponse
from django.test import RequestFactory
from django.utils.cache import get_conditional_response
from falcon import testing
from werkzeug.http import parse_etags

logging.disable(logging.CRITICAL)
settings.configure(SECRET_KEY="probe")
django.setup()
cases = [
    ("one plain", '"v2"', '"v2"'),
    ("one with a comma", '"2026-11,v2"', '"2026-11,v2"'),
    ("with a comma, second of two", '"2026-11,v2"', '"v1", "2026-11,v2"'),
    ("second of two, after a tab", '"v2"', '"v1",\t"v2"'),
    ("second of two, after an empty element", '"v2"', '"v1", , "v2"'),
]
json.dump(cases, open("cases.json", "w"))
def with_django(etag, field):
    request = RequestFactory().get("/", HTTP_IF_NONE_MATCH=field)
    return get_conditional_response(request, etag=etag, response=HttpResponse("content")).status_code == 304
matches = {
    "Django": with_django,
    "Werkzeug": lambda etag, field: parse_etags(field).contains_weak(etag.strip('"')),
    "Falcon": lambda etag, field: etag.strip('"') in (falcon.Request(testing.create_environ(headers={"If-None-Match": field})).if_none_match or []),
    "aiohttp": lambda etag, field: any(one.value == etag.strip('"') for one in make_mocked_request("GET", "/", headers={"If-None-Match": field}).if_none_match or ()),
    "WebOb": lambda etag, field: etag.strip('"') in webob.Request.blank("/", headers={"If-None-Match": field}).if_none_match,
}
for name, match in matches.items():
    for what, etag, field in cases:
        print(f"{name}: {what}: {'304' if match(etag, field) else '200'}")
PROBE
cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import express from 'express';
import Koa from 'koa';

const cases = JSON.parse(readFileSync('cases.json', 'utf8'));
let etag;
const expressApp = express();
expressApp.get('/', (request, response) => response.set('ETag', etag).send('content'));
const koa = new Koa();
koa.use((context) => {
  context.set('ETag', etag);
  context.body = 'content';
  if (context.fresh) context.status = 304;
});
for (const [name, handler] of Object.entries({ Express: expressApp, Koa: koa.callback() })) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await new Promise((ready) => server.on('listening', ready));
  for (const [what, current, field] of cases) {
    etag = current;
    const answer = await new Promise((resolve) => {
      let text = '';
      connect(server.address().port, '127.0.0.1').on('data', (chunk) => { text += chunk; }).on('close', () => resolve(text))
        .end(`GET / HTTP/1.1\r\nHost: probe\r\nConnection: close\r\nIf-None-Match: ${field}\r\n\r\n`);
    });
    console.log(`${name}: ${what}: ${answer.split(' ')[1]}`);
  }
  server.close();
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
Django: one plain: 304
Django: one with a comma: 200
Django: with a comma, second of two: 200
Django: second of two, after a tab: 304
Django: second of two, after an empty element: 304
Werkzeug: one plain: 304
Werkzeug: one with a comma: 304
Werkzeug: with a comma, second of two: 304
Werkzeug: second of two, after a tab: 304
Werkzeug: second of two, after an empty element: 304
Falcon: one plain: 304
Falcon: one with a comma: 304
Falcon: with a comma, second of two: 304
Falcon: second of two, after a tab: 304
Falcon: second of two, after an empty element: 304
aiohttp: one plain: 304
aiohttp: one with a comma: 304
aiohttp: with a comma, second of two: 304
aiohttp: second of two, after a tab: 304
aiohttp: second of two, after an empty element: 200
WebOb: one plain: 304
WebOb: one with a comma: 304
WebOb: with a comma, second of two: 304
WebOb: second of two, after a tab: 304
WebOb: second of two, after an empty element: 304
Express: one plain: 304
Express: one with a comma: 200
Express: with a comma, second of two: 200
Express: second of two, after a tab: 200
Express: second of two, after an empty element: 304
Koa: one plain: 304
Koa: one with a comma: 200
Koa: with a comma, second of two: 200
Koa: second of two, after a tab: 200
Koa: second of two, after an empty element: 304
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
