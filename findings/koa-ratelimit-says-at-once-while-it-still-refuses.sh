#!/usr/bin/env bash
# koa-ratelimit-says-at-once-while-it-still-refuses
#
# Expected: a 429 says in `Retry-After` after how many whole seconds the next request is let in, so a fraction is rounded up. So it
#   is in @fastify/rate-limit, express-rate-limit and hono-rate-limiter.
# Seen: koa-ratelimit rounds down: in the last second of a window it answers 429 with `Retry-After: 0`, and all who ask again then
#   are refused again. Its `X-RateLimit-Reset` has six digits behind the point.
# Versions: koa-ratelimit 6.0.0; @fastify/rate-limit 11.2.0, express-rate-limit 8.7.5, hono-rate-limiter 0.5.4
# Why it matters: a client that keeps to the field spends all its attempts within milliseconds and hands out the 429, although a
#   second's patience was enough; each of the attempts is load at the moment of the limit. Whoever repeats on `Retry-After` needs
#   a pause of its own beside it.
# Source: RFC 6585 section 4; RFC 9110 section 10.2.3; index.js of koa-ratelimit.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts koa@3.3.0 koa-ratelimit@6.0.0 fastify@5.12.8 @fastify/rate-limit@11.2.0 express@5.3.0 \
  express-rate-limit@8.7.5 hono@4.13.19 @hono/node-server@2.1.9 hono-rate-limiter@0.5.4 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import fastifyLimit from '@fastify/rate-limit';
import { getRequestListener } from '@hono/node-server';
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import fastify from 'fastify';
import { Hono } from 'hono';
import { rateLimiter } from 'hono-rate-limiter';
import Koa from 'koa';
import koaLimit from 'koa-ratelimit';

/** One request in less than a second: each refusal is in the last second of the window. */
const window = 950;

async function listening(server) {
  if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening');
  return `http://127.0.0.1:${server.address().port}`;
}

const koa = new Koa();
koa.use(koaLimit({ driver: 'memory', db: new Map(), duration: window, max: 1, id: () => 'one' }));
koa.use((context) => {
  context.body = 'let in';
});
const viaFastify = fastify();
await viaFastify.register(fastifyLimit, { max: 1, timeWindow: window });
viaFastify.get('/', async () => 'let in');
await viaFastify.listen({ port: 0, host: '127.0.0.1' });
const viaExpress = express().use(rateLimit({ windowMs: window, limit: 1 }));
viaExpress.get('/', (request, response) => response.end('let in'));
const hono = new Hono().use(rateLimiter({ windowMs: window, limit: 1, keyGenerator: () => 'one' }));
hono.get('/', (context) => context.text('let in'));

for (const [name, server] of [
  ['koa-ratelimit', createServer(koa.callback())],
  ['@fastify/rate-limit', viaFastify.server],
  ['express-rate-limit', createServer(viaExpress)],
  ['hono-rate-limiter', createServer(getRequestListener(hono.fetch))],
]) {
  const address = await listening(server);
  await fetch(address);
  const refused = await fetch(address);
  const seconds = refused.headers.get('retry-after');
  await setTimeout(Number(seconds) * 1000);
  const again = await fetch(address);
  console.log(`${name}: ${refused.status} with Retry-After: ${seconds}, and after as many seconds ${again.status}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
koa-ratelimit: 429 with Retry-After: 0, and after as many seconds 429
@fastify/rate-limit: 429 with Retry-After: 1, and after as many seconds 200
express-rate-limit: 429 with Retry-After: 1, and after as many seconds 200
hono-rate-limiter: 429 with Retry-After: 1, and after as many seconds 200
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
