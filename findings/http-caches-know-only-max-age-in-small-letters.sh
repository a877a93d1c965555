#!/usr/bin/env bash
# http-caches-know-only-max-age-in-small-letters
#
# Expected: cache directives are compared without regard to case, so `MAX-AGE=60` and `Max-Age=60` are `max-age=60`.
# Seen: http-cache-semantics and CacheControl take an answer with `Max-Age=60` for one without a lifetime and fetch it
#   again each time. The cache of undici and hishel reuse it.
# Versions: http-cache-semantics 4.3.0, CacheControl 0.14.4, undici 7.30.2 (8.13.1 does the same), hishel 2.0.0
# Why it matters: http-cache-semantics is the judge inside got, make-fetch-happen and npm. An upstream that writes
#   `Max-Age` is simply never cached there, and nobody is told. A gateway that writes or rewrites the field should
#   write it in small letters.
# Source: RFC 9111 section 5.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts http-cache-semantics@4.3.0 undici@7.30.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet CacheControl==0.14.4 hishel[httpx]==2.0.0 requests==2.34.2 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import CachePolicy from 'http-cache-semantics';
import { Agent, interceptors, request } from 'undici';
let field, hits;
const server = createServer((incoming, response) => { hits++; response.setHeader('cache-control', field); response.end('ok'); });
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
for (field of ['max-age=60', 'Max-Age=60', 'MAX-AGE=60']) {
  const asked = { method: 'GET', url: '/', headers: {} };
  const policy = new CachePolicy(asked, { status: 200, headers: { date: new Date().toUTCString(), 'cache-control': field } });
  console.log(`${field}: http-cache-semantics: ${policy.satisfiesWithoutRevalidation(asked) ? 'reused' : 'fetched again'}`);
  const dispatcher = new Agent().compose(interceptors.cache());
  hits = 0;
  for (let i = 0; i < 2; i++) {
    await (await request(`http://127.0.0.1:${server.address().port}/${field}`, { dispatcher })).body.text();
    await new Promise((later) => setTimeout(later, 50));
  }
  console.log(`${field}: undici: ${hits === 1 ? 'reused' : 'fetched again'}`);
}
process.exit(0);
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

import hishel, requests
from cachecontrol import CacheControl
from hishel.httpx import CacheClient
for field in ("max-age=60", "Max-Age=60", "MAX-AGE=60"):
    fields, hits = {"Cache-Control": field}, 0
    session = CacheControl(requests.Session())
    for _ in range(2): session.get(f"{origin}/{field}")
    print(f"{field}: CacheControl: {'reused' if hits == 1 else 'fetched again'}")
    hits = 0
    with CacheClient(storage=hishel.SqliteStorage(database_path=f"{field}.db"), rfc=True) as client:
        for _ in range(2): client.get(f"{origin}/{field}")
    print(f"{field}: hishel: {'reused' if hits == 1 else 'fetched again'}")
PROBE
cat >expected.txt <<'EXPECTED'
max-age=60: http-cache-semantics: reused
max-age=60: undici: reused
Max-Age=60: http-cache-semantics: fetched again
Max-Age=60: undici: reused
MAX-AGE=60: http-cache-semantics: fetched again
MAX-AGE=60: undici: reused
max-age=60: CacheControl: reused
max-age=60: hishel: reused
Max-Age=60: CacheControl: fetched again
Max-Age=60: hishel: reused
MAX-AGE=60: CacheControl: fetched again
MAX-AGE=60: hishel: reused
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
