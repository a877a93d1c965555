#!/usr/bin/env bash
# koa-better-http-proxy-and-h3-lose-the-length-of-a-head
#
# Expected: the answer to HEAD passes a proxy with its Content-Length, which says how large the answer to GET would be.
# Seen: koa-better-http-proxy says `Content-Length: 0`, which is false; h3's proxyRequest leaves the field out. httpxy passes it on.
# Versions: koa-better-http-proxy 0.2.10 (koa 3.3.0), h3 2.0.8, httpxy 0.5.6
# Why it matters: a client that asks by HEAD how large a download is, whether it can be resumed, or whether a copy is complete, takes the file
#   for an empty one, or finds nothing to compare with.
# Source: RFC 9110 sections 8.6 and 9.3.2: a server must not send Content-Length in a response to HEAD unless it equals that of GET.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts koa@3.3.0 koa-better-http-proxy@0.2.10 h3@2.0.8 httpxy@0.5.6 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import { once } from 'node:events';
import { H3, proxyRequest, toNodeHandler } from 'h3';
import { createProxyServer } from 'httpxy';
import Koa from 'koa';
import koaProxy from 'koa-better-http-proxy';

const listen = async (handler) => {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};
const upstream = await listen((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', 'content-length': 1234 });
  response.end(request.method === 'HEAD' ? undefined : 'x'.repeat(1234));
});
const target = `http://127.0.0.1:${upstream}`;
const plain = createProxyServer({});
const koa = new Koa();
koa.use(koaProxy(target));
const ports = {
  'no proxy': upstream,
  httpxy: await listen((request, response) => plain.web(request, response, { target })),
  'koa-better-http-proxy': await listen(koa.callback()),
  h3: await listen(toNodeHandler(new H3().all('/**', (event) => proxyRequest(event, target)))),
};
for (const [name, port] of Object.entries(ports)) {
  const [response] = await once(http.request({ host: '127.0.0.1', port, method: 'HEAD', headers: { connection: 'close' } }).end(), 'response');
  console.log(`${name}: ${response.statusCode}, content-length ${response.headers['content-length']}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
no proxy: 200, content-length 1234
httpxy: 200, content-length 1234
koa-better-http-proxy: 200, content-length 0
h3: 200, content-length undefined
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
