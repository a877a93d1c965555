#!/usr/bin/env bash
# three-node-proxies-answer-500-to-expect-100-continue
#
# Expected: a proxy that cannot do anything with `Expect: 100-continue` leaves it out, or passes it on. The request itself
#   is answered as it would be without that field.
# Seen: express-http-proxy, @fastify/http-proxy and hono/proxy (on Node) answer 500. The first two have sent 100 (Continue)
#   by then, so the client sends its whole body for nothing. http-proxy-3 forwards the request.
# Versions: express-http-proxy 2.1.2, @fastify/http-proxy 11.6.3, hono 4.13.19 with @hono/node-server 2.1.9, http-proxy-3 1.23.3
# Why it matters: curl sends this field with every body of more than 1 MiB, and so do the HTTP clients of .NET and of PHP when told to.
#   Behind such a proxy small uploads work and large ones fail, as an error of the server that nobody can find there.
# Source: RFC 9110 section 10.1.1; Node's fetch, undici: "expect header not supported".
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express@5.3.0 express-http-proxy@2.1.2 fastify@5.12.8 @fastify/http-proxy@11.6.3 hono@4.13.19 @hono/node-server@2.1.9 http-proxy-3@1.23.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import { once } from 'node:events';
import express from 'express';
import expressProxy from 'express-http-proxy';
import Fastify from 'fastify';
import fastifyProxy from '@fastify/http-proxy';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';
import { serve } from '@hono/node-server';
import { createProxyServer } from 'http-proxy-3';

console.error = () => {};
const upstream = http.createServer((request, response) => request.resume().on('end', () => response.end('stored')));
upstream.listen(0, '127.0.0.1');
await once(upstream, 'listening');
const target = `http://127.0.0.1:${upstream.address().port}`;

const listen = async (server) => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server.address().port;
};
const fastify = Fastify();
fastify.register(fastifyProxy, { upstream: target });
await fastify.listen({ port: 0, host: '127.0.0.1' });
const hono = new Hono().all('*', (c) => proxy(target, { ...c.req, raw: c.req.raw }));
const plain = createProxyServer({ target });
const ports = {
  'no proxy': upstream.address().port,
  'http-proxy-3': await listen(http.createServer((request, response) => plain.web(request, response))),
  'express-http-proxy': await listen(http.createServer(express().use(expressProxy(target)))),
  '@fastify/http-proxy': fastify.server.address().port,
  'hono/proxy': await new Promise((resolve) => serve({ fetch: hono.fetch, port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))),
};

async function upload(port, headers) {
  const request = http.request({ host: '127.0.0.1', port, method: 'PUT', path: '/file', headers: { 'content-length': 3, connection: 'close', ...headers } });
  const answered = once(request, 'response');
  if (headers.expect) {
    request.flushHeaders();
    await Promise.race([once(request, 'continue'), answered]);
  }
  request.end('abc');
  const [response] = await answered;
  response.resume();
  return response.statusCode;
}
for (const [name, port] of Object.entries(ports)) {
  console.log(`${name}: ${await upload(port, {})} without the field, ${await upload(port, { expect: '100-continue' })} with it`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
no proxy: 200 without the field, 200 with it
http-proxy-3: 200 without the field, 200 with it
express-http-proxy: 200 without the field, 500 with it
@fastify/http-proxy: 200 without the field, 500 with it
hono/proxy: 200 without the field, 500 with it
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
