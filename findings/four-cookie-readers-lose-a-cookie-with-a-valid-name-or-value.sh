#!/usr/bin/env bash
# four-cookie-readers-lose-a-cookie-with-a-valid-name-or-value
#
# Expected: a cookie has any name that is a token and any value of cookie-octets; the words `version`, `path` and `comment`
#   mean nothing in a Cookie field, `[` and `%` are ordinary characters, and one cookie never costs another.
# Seen: http.cookies of Python, and with it Bottle and CherryPy, give no cookie at all if the first one is named `version`,
#   `path`, `comment` or `secure`; later in the line such a cookie is lost alone. WebOb (Pyramid) loses cookies of some of
#   these names, and ends a value at `[` or `]`. @edge-runtime/cookies (Next.js) leaves out a cookie with a `%` that begins
#   no escape. Django, Werkzeug, Starlette, Tornado, Falcon, cookie and cookie-es read all of them.
# Versions: http.cookies of Python 3.11, bottle 0.13.4, CherryPy 18.10.0, WebOb 1.8.11, @edge-runtime/cookies 6.0.0,
#   Django 5.2.19, Werkzeug 3.1.9, starlette 1.10.0, tornado 6.6.1, falcon 4.4.0, cookie 1.1.1, cookie-es 3.1.1
# Why it matters: Cookies of one host are shared: a front end that keeps `version=2` signs its visitors out of
#   the Bottle service behind the same host, depending on which cookie is older. A gateway that hands on only the
#   cookies that a service has asked for keeps the others away from it.
# Source: RFC 6265 sections 4.1.1 and 4.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @edge-runtime/cookies@6.0.0 cookie@1.1.1 cookie-es@3.1.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet bottle==0.13.4 CherryPy==18.10.0 WebOb==1.8.11 Django==5.2.19 Werkzeug==3.1.9 starlette==1.10.0 tornado==6.6.1 falcon==4.4.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import io, json
from http.cookies import SimpleCookie
import bottle, cherrypy, falcon, webob
from django.http import parse_cookie as django
from starlette.requests import cookie_parser as starlette
from tornado.httputil import parse_cookie as tornado
from werkzeug.http import parse_cookie as werkzeug

lines = ["theme=dark; sid=abc", "version=2; sid=abc", "sid=abc; version=2", "path=x; sid=abc", "comment=x; sid=abc",
         "filter=[new]; sid=abc", "rate=50%; sid=abc"]
json.dump(lines, open("lines.json", "w"))
def through(application, line):
    environ = webob.Request.blank("/", headers={"Cookie": line}).environ
    return json.loads(b"".join(application(environ, lambda status, headers, exc_info=None: None)))

bottle_app = bottle.Bottle()
bottle_app.route("/")(lambda: json.dumps(dict(bottle.request.cookies)))
class Falcon:
    def on_get(self, request, response): response.text = json.dumps(request.cookies)
falcon_app = falcon.App()
falcon_app.add_route("/", Falcon())
class CherryPy:
    @cherrypy.expose
    def index(self): return json.dumps({name: morsel.value for name, morsel in cherrypy.request.cookie.items()}).encode()
cherrypy.config.update({"environment": "embedded", "log.screen": False})
cherrypy_app = cherrypy.Application(CherryPy(), "")
readers = {
    "http.cookies": lambda line: {name: morsel.value for name, morsel in SimpleCookie(line).items()},
    "Bottle": lambda line: through(bottle_app, line),
    "CherryPy": lambda line: through(cherrypy_app, line),
    "WebOb": lambda line: dict(webob.Request.blank("/", headers={"Cookie": line}).cookies),
    "Django": django, "Werkzeug": lambda line: werkzeug(line).to_dict(), "Starlette": starlette, "Tornado": tornado,
    "Falcon": lambda line: through(falcon_app, line),
}
for name, read in readers.items():
    for line in lines:
        seen = read(line)
        if "; ".join(f"{key}={value}" for key, value in seen.items()) != line:
            print(f"{name}: {line}: {seen}")
    print(f"{name}: {sum(read(line) == dict(one.split('=') for one in line.split('; ')) for line in lines)} of {len(lines)} in full")
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { parseCookie as edge } from '@edge-runtime/cookies';
import { parseCookie as cookie } from 'cookie';
import { parseCookie as cookieEs } from 'cookie-es';

const lines = JSON.parse(readFileSync('lines.json', 'utf8'));
for (const [name, read] of Object.entries({ '@edge-runtime/cookies': (line) => Object.fromEntries(edge(line)), 'cookie': cookie, 'cookie-es': cookieEs })) {
  let whole = 0;
  for (const line of lines) {
    const seen = Object.entries(read(line)).map((pair) => pair.join('=')).join('; ');
    if (seen === line) whole += 1; else console.log(`${name}: ${line}: ${seen}`);
  }
  console.log(`${name}: ${whole} of ${lines.length} in full`);
}
PROBE
cat >expected.txt <<'EXPECTED'
http.cookies: version=2; sid=abc: {}
http.cookies: sid=abc; version=2: {'sid': 'abc'}
http.cookies: path=x; sid=abc: {}
http.cookies: comment=x; sid=abc: {}
http.cookies: 3 of 7 in full
Bottle: version=2; sid=abc: {}
Bottle: sid=abc; version=2: {'sid': 'abc'}
Bottle: path=x; sid=abc: {}
Bottle: comment=x; sid=abc: {}
Bottle: 3 of 7 in full
CherryPy: version=2; sid=abc: {}
CherryPy: sid=abc; version=2: {'sid': 'abc'}
CherryPy: path=x; sid=abc: {}
CherryPy: comment=x; sid=abc: {}
CherryPy: 3 of 7 in full
WebOb: path=x; sid=abc: {'sid': 'abc'}
WebOb: comment=x; sid=abc: {'sid': 'abc'}
WebOb: filter=[new]; sid=abc: {'filter': '', 'sid': 'abc'}
WebOb: 4 of 7 in full
Django: 7 of 7 in full
Werkzeug: 7 of 7 in full
Starlette: 7 of 7 in full
Tornado: 7 of 7 in full
Falcon: 7 of 7 in full
@edge-runtime/cookies: rate=50%; sid=abc: sid=abc
@edge-runtime/cookies: 6 of 7 in full
cookie: 7 of 7 in full
cookie-es: 7 of 7 in full
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
