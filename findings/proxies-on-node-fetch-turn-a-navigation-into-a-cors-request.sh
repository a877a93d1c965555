#!/usr/bin/env bash
# proxies-on-node-fetch-turn-a-navigation-into-a-cors-request
#
# Expected: a reverse proxy passes `Sec-Fetch-Mode: navigate` on as the browser sent it; at the least it leaves the four Sec-Fetch
#   fields in agreement.
# Seen: hono/proxy and h3's proxyRequest, which call Node's fetch, say `Sec-Fetch-Mode: cors` in its place. `Sec-Fetch-Dest:
#   document` stays, so the upstream gets a pair that no browser sends. httpxy, on node:http, passes both on.
# Versions: hono 4.13.19 with @hono/node-server 2.1.9, h3 2.0.8 (behind `routeRules.proxy` of Nitro and Nuxt), httpxy 0.5.6
# Why it matters: a service that tells a person from a script by Sec-Fetch-Mode (a page or JSON, a redirect to the login or a 401,
#   a resource isolation policy) takes every navigation through such a proxy for a script's call. Look at Sec-Fetch-Dest as well.
# Source: Fetch Metadata Request Headers, section 2; Fetch standard, main fetch: the mode of fetch() is "cors".
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 @hono/node-server@2.1.9 h3@2.0.8 httpxy@0.5.6 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import { once } from 'node:events';
import { serve } from '@hono/node-server';
import { H3, proxyRequest, toNodeHandler } from 'h3';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import { createProxyServer } from 'httpxy';

const NAMES = ['sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest'];
const listen = async (handler) => {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};
const upstream = await listen((request, response) => response.end(NAMES.map((name) => `${name}: ${request.headers[name]}`).join(', ')));
const target = `http://127.0.0.1:${upstream}`;
const plain = createProxyServer({});
const hono = new Hono().all('*', (c) => proxy(target, { ...c.req, raw: c.req.raw }));
const h3 = new H3().all('/**', (event) => proxyRequest(event, target));
const ports = {
  'no proxy': upstream,
  httpxy: await listen((request, response) => plain.web(request, response, { target })),
  'hono/proxy': await new Promise((resolve) => serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))),
  h3: await listen(toNodeHandler(h3)),
};
for (const [name, port] of Object.entries(ports)) {
  const headers = { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', connection: 'close' };
  const [response] = await once(http.get({ host: '127.0.0.1', port, headers }), 'response');
  console.log(`${name}: ${(await response.setEncoding('utf8').toArray()).join('')}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
no proxy: sec-fetch-site: same-origin, sec-fetch-mode: navigate, sec-fetch-dest: document
httpxy: sec-fetch-site: same-origin, sec-fetch-mode: navigate, sec-fetch-dest: document
hono/proxy: sec-fetch-site: same-origin, sec-fetch-mode: cors, sec-fetch-dest: document
h3: sec-fetch-site: same-origin, sec-fetch-mode: cors, sec-fetch-dest: document
EXPECTED

node probe.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
