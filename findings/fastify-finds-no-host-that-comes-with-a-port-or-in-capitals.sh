#!/usr/bin/env bash
# fastify-finds-no-host-that-comes-with-a-port-or-in-capitals
#
# Expected: a route for the host `api.example.com` is found by whoever calls that host. The letters of a host have no case (RFC
#   9110 section 4.2.3), and `Host` has the port in it unless it is the usual one (section 7.2). So it is with vhost, aiohttp,
#   Starlette and Tornado.
# Seen: the constraint `host` of Fastify and find-my-way is compared with the whole field, letter by letter: 404 for
#   `api.example.com:8080` and for `API.example.com`. Werkzeug's `host_matching` knows no other port either.
# Versions: fastify 5.12.8, find-my-way 9.10.2 (which it uses), vhost 3.0.2; aiohttp 3.14.5, Starlette 1.10.0, Tornado 6.6.1,
#   Flask 3.1.3 with Werkzeug 3.1.9
# Why it matters: a gateway that serves several hosts, or forwards `Host` as the client wrote it, finds the route in production
#   and not on a port of a developer's machine; a client that sends the name as a user typed it gets a 404.
# Source: RFC 9110 sections 4.2.3 and 7.2; lib/strategies/accept-host.js of find-my-way; werkzeug/routing/map.py.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts fastify@5.12.8 find-my-way@9.10.2 express@5.3.0 vhost@3.0.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >/dev/null 2>&1 || unready "python3 has no venv"
venv/bin/pip install -q aiohttp==3.14.5 starlette==1.10.0 uvicorn==0.54.0 tornado==6.6.1 flask==3.1.3 werkzeug==3.1.9 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 1 pip.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { connect } from 'node:net';
import express from 'express';
import fastify from 'fastify';
import vhost from 'vhost';

const hosts = ['api.example.com', 'api.example.com:8080', 'API.example.com'];

async function report(name, port) {
  const seen = [];
  for (const host of hosts) {
    const socket = connect(port, '127.0.0.1');
    socket.write(`GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    let text = '';
    for await (const chunk of socket) text += chunk;
    seen.push(`${host} ${text.slice(9, 12)}`);
  }
  console.log(`${name}: ${seen.join(', ')}`);
}

const one = fastify();
one.get('/', { constraints: { host: 'api.example.com' } }, async () => 'found');
await one.listen({ port: 0, host: '127.0.0.1' });
await report('fastify', one.server.address().port);

const app = express();
app.use(vhost('api.example.com', (request, response) => response.end('found')));
const other = app.listen(0, '127.0.0.1');
await once(other, 'listening');
await report('vhost', other.address().port);
process.exit();
PROBE

cat >probe.py <<'PROBE'
import asyncio
import logging
import socket
import threading

import tornado.httpserver
import tornado.netutil
import tornado.web
import uvicorn
from aiohttp import web
from flask import Flask
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Route
from werkzeug.serving import make_server

logging.disable(logging.CRITICAL)
HOSTS = ["api.example.com", "api.example.com:8080", "API.example.com"]


def report(name, port):
    seen = []
    for host in HOSTS:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            text = b""
            while chunk := connection.recv(65536):
                text += chunk
        seen.append(f"{host} {text[9:12].decode()}")
    print(f"{name}: {', '.join(seen)}")


def listening():
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    made.listen()
    made.setblocking(False)
    return made, made.getsockname()[1]


def served(start):
    """Runs a server of an event loop in a thread, and returns when it has begun."""
    begun = threading.Event()

    async def run():
        kept = await start()
        begun.set()
        await asyncio.Event().wait()
        return kept

    threading.Thread(target=lambda: asyncio.run(run()), daemon=True).start()
    begun.wait()


async def found(_):
    return web.Response(text="found")


async def with_aiohttp():
    inner, outer = web.Application(), web.Application()
    inner.router.add_get("/", found)
    outer.add_domain("api.example.com", inner)
    runner = web.AppRunner(outer)
    await runner.setup()
    await web.SockSite(runner, aiohttp_socket).start()
    return runner


class Found(tornado.web.RequestHandler):
    def get(self):
        self.write("found")


async def with_tornado():
    app = tornado.web.Application()
    app.add_handlers(r"api\.example\.com", [(r"/", Found)])
    server = tornado.httpserver.HTTPServer(app)
    server.add_socket(tornado_socket)
    return server


aiohttp_socket, port = listening()
served(with_aiohttp)
report("aiohttp", port)

tornado_socket, port = listening()
served(with_tornado)
report("tornado", port)

answer = Route("/", lambda request: PlainTextResponse("found"))
server = uvicorn.Server(uvicorn.Config(Starlette(routes=[Host("api.example.com", Starlette(routes=[answer]))]), lifespan="off", log_level="critical"))
starlette_socket, port = listening()
threading.Thread(target=lambda: server.run([starlette_socket]), daemon=True).start()
report("starlette", port)

app = Flask("probe", host_matching=True, static_host="static.example.com")
app.add_url_rule("/", "found", lambda: "found", host="api.example.com")
flask_server = make_server("127.0.0.1", 0, app)
threading.Thread(target=flask_server.serve_forever, daemon=True).start()
report("flask", flask_server.server_port)
PROBE
cat >expected.txt <<'EXPECTED'
fastify: api.example.com 200, api.example.com:8080 404, API.example.com 404
vhost: api.example.com 200, api.example.com:8080 200, API.example.com 200
aiohttp: api.example.com 200, api.example.com:8080 200, API.example.com 200
tornado: api.example.com 200, api.example.com:8080 200, API.example.com 200
starlette: api.example.com 200, api.example.com:8080 200, API.example.com 200
flask: api.example.com 200, api.example.com:8080 404, API.example.com 200
EXPECTED

{ node probe.mjs && venv/bin/python probe.py; } >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
