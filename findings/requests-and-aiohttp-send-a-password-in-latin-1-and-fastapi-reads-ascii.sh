#!/usr/bin/env bash
# requests-and-aiohttp-send-a-password-in-latin-1-and-fastapi-reads-ascii
#
# Expected: a challenge `Basic realm="api", charset="UTF-8"` tells a client to encode `pässword` in UTF-8, and a server that gets it so reads it.
# Seen: Requests and aiohttp encode it in Latin-1 whatever the challenge says, and raise UnicodeEncodeError at `€`. HTTPX, urllib, httplib2, niquests
#   and Tornado use UTF-8. FastAPI answers 401 to both encodings, since it reads ASCII alone, and aiohttp reads UTF-8 as `pÃ¤ssword`. Werkzeug,
#   Bottle and hono read UTF-8 alone, Django REST framework both.
# Versions: requests 2.34.2, aiohttp 3.14.5, httpx 0.28.1, httplib2 0.32.1, niquests 3.21.2, tornado 6.6.1, fastapi 0.165.0, Werkzeug 3.1.9,
#   bottle 0.13.4, djangorestframework 3.18.3, Django 5.2.19, the http modules of Python (PyPI); hono 4.13.19 (npm)
# Why it matters: the first password with an umlaut gets a 401 that says nothing, and is right in the browser. A script moved from HTTPX to
#   Requests, or a service moved from Werkzeug to FastAPI, loses the users who have one. A gateway that hands `Authorization: Basic` on as it came
#   neither causes nor mends that; passwords made for machines are best of ASCII letters and digits.
# Source: RFC 7617 sections 2 and 2.1.
# Needs: python3 with venv, node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts hono@4.13.19 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet requests==2.34.2 aiohttp==3.14.5 httpx==0.28.1 httplib2==0.32.1 niquests==3.21.2 tornado==6.6.1 fastapi==0.165.0 \
  Werkzeug==3.1.9 bottle==0.13.4 djangorestframework==3.18.3 Django==5.2.19 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, base64, http.server, threading, urllib.request
import aiohttp, bottle, django, httplib2, httpx, niquests, requests
from django.conf import settings
from fastapi import Depends, FastAPI
from fastapi.security import HTTPBasic
from tornado.httpclient import AsyncHTTPClient
from werkzeug.datastructures import Authorization

class Service(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        global sent
        sent = self.headers["Authorization"]
        self.send_response(200 if sent else 401)
        if not sent:
            self.send_header("WWW-Authenticate", 'Basic realm="api", charset="UTF-8"')
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/"

def of_urllib(password):
    passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
    passwords.add_password(None, url, "ann", password)
    urllib.request.build_opener(urllib.request.HTTPBasicAuthHandler(passwords)).open(url).read()

def of_httplib2(password):
    client = httplib2.Http()
    client.add_credentials("ann", password)
    client.request(url)

async def of_aiohttp(password):
    async with aiohttp.ClientSession() as session:
        async with session.get(url, auth=aiohttp.BasicAuth("ann", password)) as answer:
            await answer.read()

async def of_tornado(password):
    await AsyncHTTPClient().fetch(url, auth_username="ann", auth_password=password)

def after_challenge(get):
    def send(password):
        assert get(url).headers["WWW-Authenticate"]
        get(url, auth=("ann", password))
    return send

writers = {
    "Requests": after_challenge(requests.get), "aiohttp": lambda password: asyncio.run(of_aiohttp(password)), "HTTPX": after_challenge(httpx.get),
    "urllib": of_urllib, "httplib2": of_httplib2, "niquests": after_challenge(niquests.get), "Tornado": lambda password: asyncio.run(of_tornado(password)),
}
for password in ["pässword", "€"]:
    for name, send in writers.items():
        try:
            send(password)
            print(f"{name} sends {password} as", ascii(base64.b64decode(sent[6:])))
        except UnicodeEncodeError:
            print(f"{name} sends {password} as UnicodeEncodeError")

settings.configure(INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"])
django.setup()
from rest_framework.authentication import BasicAuthentication
from rest_framework.test import APIRequestFactory

class Reader(BasicAuthentication):
    def authenticate_credentials(self, userid, password, request=None):
        return userid, password

app = FastAPI()
@app.get("/")
async def read(credentials=Depends(HTTPBasic())):
    return credentials.password

async def to_fastapi(field):
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://api.example") as client:
        answer = await client.get("/", headers={"Authorization": field})
        return answer.json() if answer.status_code == 200 else f"{answer.status_code}, WWW-Authenticate: {answer.headers['WWW-Authenticate']}"

def to_werkzeug(field):
    read = Authorization.from_header(field)
    return read and read.password

readers = {
    "FastAPI": lambda field: asyncio.run(to_fastapi(field)), "aiohttp": lambda field: aiohttp.BasicAuth.decode(field).password, "Werkzeug": to_werkzeug,
    "Bottle": lambda field: (bottle.parse_auth(field) or [None, None])[1],
    "Django REST framework": lambda field: Reader().authenticate(APIRequestFactory().get("/", HTTP_AUTHORIZATION=field))[1],
}
for encoding in ["UTF-8", "Latin-1"]:
    for name, read in readers.items():
        print(f"{name} reads {encoding} as", read("Basic " + base64.b64encode("ann:pässword".encode(encoding)).decode()))
PROBE
cat >probe.mjs <<'PROBE'
import { Hono } from 'hono';
import { auth } from 'hono/utils/basic-auth';

const app = new Hono();
app.get('/', (context) => context.text(auth(context.req.raw)?.password ?? 'nothing'));
for (const [name, encoding] of [['UTF-8', 'utf8'], ['Latin-1', 'latin1']]) {
  const answer = await app.request('/', { headers: { Authorization: `Basic ${Buffer.from('ann:pässword', encoding).toString('base64')}` } });
  console.log(`hono reads ${name} as`, await answer.text());
}
PROBE
cat >expected.txt <<'EXPECTED'
Requests sends pässword as b'ann:p\xe4ssword'
aiohttp sends pässword as b'ann:p\xe4ssword'
HTTPX sends pässword as b'ann:p\xc3\xa4ssword'
urllib sends pässword as b'ann:p\xc3\xa4ssword'
httplib2 sends pässword as b'ann:p\xc3\xa4ssword'
niquests sends pässword as b'ann:p\xc3\xa4ssword'
Tornado sends pässword as b'ann:p\xc3\xa4ssword'
Requests sends € as UnicodeEncodeError
aiohttp sends € as UnicodeEncodeError
HTTPX sends € as b'ann:\xe2\x82\xac'
urllib sends € as b'ann:\xe2\x82\xac'
httplib2 sends € as b'ann:\xe2\x82\xac'
niquests sends € as b'ann:\xe2\x82\xac'
Tornado sends € as b'ann:\xe2\x82\xac'
FastAPI reads UTF-8 as 401, WWW-Authenticate: Basic
aiohttp reads UTF-8 as pÃ¤ssword
Werkzeug reads UTF-8 as pässword
Bottle reads UTF-8 as pässword
Django REST framework reads UTF-8 as pässword
FastAPI reads Latin-1 as 401, WWW-Authenticate: Basic
aiohttp reads Latin-1 as pässword
Werkzeug reads Latin-1 as None
Bottle reads Latin-1 as None
Django REST framework reads Latin-1 as pässword
hono reads UTF-8 as pässword
hono reads Latin-1 as p�ssword
EXPECTED

{ PYTHONUTF8=1 venv/bin/python -W ignore probe.py; node probe.mjs; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
