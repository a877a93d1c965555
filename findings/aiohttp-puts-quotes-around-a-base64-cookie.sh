#!/usr/bin/env bash
# aiohttp-puts-quotes-around-a-base64-cookie
#
# Expected: a cookie goes back as it came. Base64 is made of `+`, `/` and `=`, and all of them are allowed in a cookie
#   value.
# Seen: aiohttp sends a value with `/` or `=` back inside quotation marks, and turns a comma into `\054`. requests and
#   httpx send it unchanged. `quote_cookie=False` on the jar stops it.
# Versions: aiohttp 3.14.5, requests 2.34.2, httpx 0.28.1
# Why it matters: RFC 6265 counts the quotation marks to the value. A server that looks its session up by the bare
#   value finds none, so the client of an API with a base64 session cookie is logged out at its second request.
#   Base64url without padding is safe.
# Source: RFC 6265 sections 4.1.1 and 5.4; aiohttp.CookieJar(quote_cookie=...).
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet aiohttp==3.14.5 requests==2.34.2 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, http.server, threading
import aiohttp, httpx, requests

VALUES = {"base64url": "q-7_Zz09", "base64 with /": "q/7Zz09", "base64 with +": "q+7Zz09", "base64 with =": "q7Zz0w=="}

class Server(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        if self.path.startswith("/set/"):
            self.send_header("Set-Cookie", f"sid={list(VALUES.values())[int(self.path[5:])]}; Path=/")
        self.end_headers()
        self.wfile.write((self.headers["Cookie"] or "").encode())
    def log_message(self, *_): pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server)
threading.Thread(target=server.serve_forever, daemon=True).start()
origin = f"http://127.0.0.1:{server.server_port}"

async def with_aiohttp(path, **options):
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True, **options)) as session:
        await (await session.get(origin + path)).text()
        return await (await session.get(origin + "/")).text()

def with_client(client, path):
    client.get(origin + path)
    return client.get(origin + "/").text

for index, (label, value) in enumerate(VALUES.items()):
    path = f"/set/{index}"
    for name, sent in {
        "requests": with_client(requests.Session(), path),
        "httpx": with_client(httpx.Client(), path),
        "aiohttp": asyncio.run(with_aiohttp(path)),
        "aiohttp, quote_cookie off": asyncio.run(with_aiohttp(path, quote_cookie=False)),
    }.items():
        print(f"{label}: {name}: {sent}, as it came: {'yes' if sent == 'sid=' + value else 'no'}")
PROBE
cat >expected.txt <<'EXPECTED'
base64url: requests: sid=q-7_Zz09, as it came: yes
base64url: httpx: sid=q-7_Zz09, as it came: yes
base64url: aiohttp: sid=q-7_Zz09, as it came: yes
base64url: aiohttp, quote_cookie off: sid=q-7_Zz09, as it came: yes
base64 with /: requests: sid=q/7Zz09, as it came: yes
base64 with /: httpx: sid=q/7Zz09, as it came: yes
base64 with /: aiohttp: sid="q/7Zz09", as it came: no
base64 with /: aiohttp, quote_cookie off: sid=q/7Zz09, as it came: yes
base64 with +: requests: sid=q+7Zz09, as it came: yes
base64 with +: httpx: sid=q+7Zz09, as it came: yes
base64 with +: aiohttp: sid=q+7Zz09, as it came: yes
base64 with +: aiohttp, quote_cookie off: sid=q+7Zz09, as it came: yes
base64 with =: requests: sid=q7Zz0w==, as it came: yes
base64 with =: httpx: sid=q7Zz0w==, as it came: yes
base64 with =: aiohttp: sid="q7Zz0w==", as it came: no
base64 with =: aiohttp, quote_cookie off: sid=q7Zz0w==, as it came: yes
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
