#!/usr/bin/env bash
# four-node-proxies-promise-the-keep-alive-of-their-upstream
#
# Expected: `Connection` and `Keep-Alive` are for one connection; a proxy takes them out of what it forwards (RFC 9110 section
#   7.6.1), and speaks for its own connection to the client. So it is in hono/proxy, h3 and http-proxy-3.
# Seen: @fastify/http-proxy, koa-better-http-proxy, fast-proxy and httpxy hand on `Keep-Alive: timeout=77` of an upstream that
#   keeps connections for 77 seconds, while their own server closes after 5, that of fastify after 72. The first two hand on
#   `Connection: keep-alive` to a client that said `close` as well, and leave the connection open.
# Versions: @fastify/http-proxy 11.6.3 (fastify 5.12.8), koa-better-http-proxy 0.2.10, fast-proxy 2.2.0, httpxy 0.5.6;
#   hono 4.13.19 with @hono/node-server 2.1.9, h3 2.0.8, http-proxy-3 1.23.3; node 20 and 22
# Why it matters: clients that believe the hint (undici, and with it Node's fetch) use a connection for 76 seconds that is gone after
#   5, and get "other side closed" for a request that nothing was wrong with; a client that reads until the end waits.
# Source: RFC 9110 section 7.6.1; RFC 9112 section 9.6; server.keepAliveTimeout of node; keepAliveTimeoutThreshold of undici.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts fastify@5.12.8 @fastify/http-proxy@11.6.3 koa@3.3.0 koa-better-http-proxy@0.2.10 \
  fast-proxy@2.2.0 httpxy@0.5.6 hono@4.13.19 @hono/node-server@2.1.9 h3@2.0.8 http-proxy-3@1.23.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import httpProxy from '@fastify/http-proxy';
import { getRequestListener } from '@hono/node-server';
import fastProxy from 'fast-proxy';
import fastify from 'fastify';
import { H3, proxyRequest, toNodeHandler } from 'h3';
import { Hono } from 'hono';
import { proxy as honoProxy } from 'hono/proxy';
import { createProxyServer as createHttpProxy3 } from 'http-proxy-3';
import { createProxyServer as createHttpxy } from 'httpxy';
import Koa from 'koa';

const koaProxy = createRequire(import.meta.url)('koa-better-http-proxy');

async function listening(server) {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
}
const upstream = createServer((request, response) => response.end('ok'));
upstream.keepAliveTimeout = 77_000;
const target = `http://127.0.0.1:${await listening(upstream)}`;

const viaFastify = fastify();
viaFastify.register(httpProxy, { upstream: target });
await viaFastify.listen({ port: 0, host: '127.0.0.1' });
const { proxy: viaFastProxy } = fastProxy({ base: target });
const [http3, httpxy] = [createHttpProxy3({ target }), createHttpxy({ target })];

const proxies = {
  '@fastify/http-proxy': viaFastify.server,
  'koa-better-http-proxy': createServer(new Koa().use(koaProxy(target, {})).callback()),
  'fast-proxy': createServer((request, response) => viaFastProxy(request, response, request.url, {})),
  httpxy: createServer((request, response) => httpxy.web(request, response)),
  'hono/proxy': createServer(getRequestListener(new Hono().all('*', (c) => honoProxy(target, c.req)).fetch)),
  h3: createServer(toNodeHandler(new H3().all('/**', (event) => proxyRequest(event, target)))),
  'http-proxy-3': createServer((request, response) => http3.web(request, response)),
};

/** The fields of an answer that are about the connection. */
async function answerTo(port, connection) {
  const socket = connect(port, '127.0.0.1');
  socket.write(`GET / HTTP/1.1\r\nHost: api.example\r\nConnection: ${connection}\r\n\r\n`);
  let head = '';
  for await (const chunk of socket) {
    head += chunk;
    if (head.includes('\r\n\r\n')) break;
  }
  const fields = head.toLowerCase().match(/^(?:connection|keep-alive): .*$/gm) ?? [];
  return fields.map((field) => field.trim()).join(', ') || 'nothing';
}

for (const [name, server] of Object.entries(proxies)) {
  const port = await listening(server);
  console.log(`${name}, which keeps connections for ${server.keepAliveTimeout / 1000} s`);
  for (const connection of ['keep-alive', 'close']) console.log(`  to ${connection}: ${await answerTo(port, connection)}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
@fastify/http-proxy, which keeps connections for 72 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=77
  to close: connection: keep-alive, keep-alive: timeout=77
koa-better-http-proxy, which keeps connections for 5 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=77
  to close: connection: keep-alive, keep-alive: timeout=77
fast-proxy, which keeps connections for 5 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=77
  to close: connection: close
httpxy, which keeps connections for 5 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=77
  to close: connection: close
hono/proxy, which keeps connections for 5 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=5
  to close: connection: close
h3, which keeps connections for 5 s
  to keep-alive: connection: keep-alive, keep-alive: timeout=5
  to close: connection: close
http-proxy-3, which keeps connections for 5 s
  to keep-alive: connection: close
  to close: connection: close
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
