#!/usr/bin/env bash
# python-http-caches-do-not-count-the-age-field
#
# Expected: an answer that comes with `Age: 100` and `Cache-Control: max-age=60` was stale on arrival. A cache adds
#   the age it received to its own, and asks again.
# Seen: CacheControl and hishel (in its RFC 9111 mode) reuse it for another 60 seconds. hishel even replaces the field
#   by `age: 0`. http-cache-semantics in JavaScript asks again.
# Versions: CacheControl 0.14.4, hishel 2.0.0, requests 2.34.2, httpx 0.28.1, http-cache-semantics 4.3.0
# Why it matters: Behind a caching proxy or a CDN every answer has an Age. These clients keep it up to twice as long
#   as the origin allowed: key sets, discovery documents and permissions live on after they were changed.
# Source: RFC 9111 sections 4.2.3 and 5.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts http-cache-semantics@4.3.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet CacheControl==0.14.4 hishel[httpx]==2.0.0 requests==2.34.2 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import CachePolicy from 'http-cache-semantics';
const request = { method: 'GET', url: '/', headers: {} };
for (const age of [0, 50, 100]) {
  const headers = { date: new Date().toUTCString(), 'cache-control': 'max-age=60', age: String(age) };
  const policy = new CachePolicy(request, { status: 200, headers }, { shared: false });
  console.log(`max-age=60, age ${age}: http-cache-semantics: ${policy.satisfiesWithoutRevalidation(request) ? 'reused' : 'fetched again'}`);
}
PROBE
cat >probe.py <<'PROBE'
import http.server, threading

fields, hits = {}, 0
class Server(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        global hits
        hits += 1
        self.send_response_only(200)
        for name, value in {"Date": self.date_time_string(), "Content-Length": "2", **fields}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b"ok")
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_port}"

import hishel, httpx, requests
from cachecontrol import CacheControl
from hishel.httpx import CacheClient

def with_hishel(url):
    storage = hishel.SqliteStorage(database_path=f"{url.rsplit('/', 1)[1]}.db")
    with CacheClient(storage=storage, rfc=hishel.CacheOptions(shared=False)) as client:
        return [client.get(url) for _ in range(2)][1].headers.get("age")

def with_cachecontrol(url):
    session = CacheControl(requests.Session())
    return [session.get(url) for _ in range(2)][1].headers.get("age")

for age in (0, 50, 100):
    fields = {"Cache-Control": "max-age=60", "Age": str(age)}
    for name, get_twice in {"CacheControl": with_cachecontrol, "hishel": with_hishel}.items():
        hits = 0
        told = get_twice(f"{origin}/{name}-{age}")
        print(f"max-age=60, age {age}: {name}: {'reused' if hits == 1 else 'fetched again'}, tells age {told}")
PROBE
cat >expected.txt <<'EXPECTED'
max-age=60, age 0: http-cache-semantics: reused
max-age=60, age 50: http-cache-semantics: reused
max-age=60, age 100: http-cache-semantics: fetched again
max-age=60, age 0: CacheControl: reused, tells age 0
max-age=60, age 0: hishel: reused, tells age 0
max-age=60, age 50: CacheControl: reused, tells age 50
max-age=60, age 50: hishel: reused, tells age 0
max-age=60, age 100: CacheControl: reused, tells age 100
max-age=60, age 100: hishel: reused, tells age 0
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
