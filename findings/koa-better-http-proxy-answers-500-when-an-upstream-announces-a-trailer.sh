#!/usr/bin/env bash
# koa-better-http-proxy-answers-500-when-an-upstream-announces-a-trailer
#
# Expected: a proxy that does not forward trailer fields drops them, with the field `Trailer` that announces them. The answer passes.
# Seen: koa-better-http-proxy copies `Trailer` to an answer that it sends with Content-Length, which Node refuses: the client gets 500 for a
#   200 of the upstream. httpxy passes the answer, with the announcement and without the trailers.
# Versions: koa-better-http-proxy 0.2.10 (koa 3.3.0), httpxy 0.5.6, Node.js 20 to 22
# Why it matters: gRPC-Web, Server-Timing and digests in trailers are why services announce some; each such answer becomes an error at
#   this proxy, while the log of the service says 200.
# Source: RFC 9110 sections 6.5.1 and 6.6.2; Node.js http, ERR_HTTP_TRAILER_INVALID.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts koa@3.3.0 koa-better-http-proxy@0.2.10 httpxy@0.5.6 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import { once } from 'node:events';
import { createProxyServer } from 'httpxy';
import Koa from 'koa';
import koaProxy from 'koa-better-http-proxy';

const listen = async (handler) => {
  const server = http.createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};
const upstream = await listen((request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain', trailer: 'server-timing' });
  response.write('report');
  response.addTrailers({ 'server-timing': 'db;dur=5' });
  response.end();
});
const target = `http://127.0.0.1:${upstream}`;
const plain = createProxyServer({});
const koa = new Koa();
koa.silent = true;
koa.use(koaProxy(target));
const ports = {
  'no proxy': upstream,
  httpxy: await listen((request, response) => plain.web(request, response, { target })),
  'koa-better-http-proxy': await listen(koa.callback()),
};
for (const [name, port] of Object.entries(ports)) {
  const [response] = await once(http.get({ host: '127.0.0.1', port, headers: { te: 'trailers', connection: 'close, te' } }), 'response');
  const body = (await response.setEncoding('utf8').toArray()).join('');
  console.log(`${name}: ${response.statusCode} ${JSON.stringify(body)}, announced ${response.headers.trailer}, trailers ${JSON.stringify(response.trailers)}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
no proxy: 200 "report", announced server-timing, trailers {"server-timing":"db;dur=5"}
httpxy: 200 "report", announced server-timing, trailers {}
koa-better-http-proxy: 500 "Internal Server Error", announced undefined, trailers {}
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
