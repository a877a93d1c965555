#!/usr/bin/env bash
# workerd-opens-a-websocket-although-no-subprotocol-was-agreed
#
# Expected: a client that asked for subprotocols and is answered with none fails the connection; that is in the
#   standard for the WebSocket object. `protocol` is always a string.
# Seen: workerd fires `open`, and `protocol` is null. If the server did choose, `protocol` is its choice, but it stays
#   the empty string on the socket that fetch() gave. undici and ws fail the connection.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), undici 7.30.2, ws 8.23.0
# Why it matters: A Worker that relays by opening its own socket first tells its client, whose library then fails for
#   want of a subprotocol, only later. It must compare what it asked for with what was chosen, and read the header of
#   the answer if it used fetch().
# Source: WHATWG WebSockets Standard, establish a WebSocket connection; RFC 6455 section 4.1.
# Needs: node 20 or later with npm, on Linux or macOS
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts workerd@1.20261117.1 undici@7.30.2 ws@8.23.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >worker.mjs <<'PROBE'
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/ready') return new Response();
    const socket = new WebSocket(env.UPSTREAM.replace('http', 'ws') + pathname, ['chat', 'echo']);
    const constructed = await new Promise((done) => {
      socket.addEventListener('open', () => done(`open, protocol ${JSON.stringify(socket.protocol)}`));
      socket.addEventListener('error', () => done('failed'));
    });
    const headers = { Upgrade: 'websocket', 'Sec-WebSocket-Protocol': 'chat, echo' };
    const answer = await fetch(env.UPSTREAM + pathname, { headers });
    const field = JSON.stringify(answer.headers.get('sec-websocket-protocol'));
    return Response.json({ constructed, fetched: `status ${answer.status}, field ${field}, protocol ${JSON.stringify(answer.webSocket?.protocol)}` });
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocket as UndiciSocket } from 'undici';
import { WebSocket as WsSocket, WebSocketServer } from 'ws';

async function startWorkerd(bindings = {}) {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address();
  await new Promise((closed) => spare.close(closed));
  const texts = Object.entries(bindings).map(([name, text]) => `(name = "${name}", text = "${text}")`).join(', ');
  writeFileSync('config.capnp', `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "net", network = (allow = ["private", "public"])), (name = "main", worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")], compatibilityDate = "2026-11-17", bindings = [${texts}],
  globalOutbound = "net"))], sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`);
  const folder = readdirSync('node_modules/@cloudflare').find((name) => name.startsWith('workerd-'));
  const child = spawn(`node_modules/@cloudflare/${folder}/bin/workerd`, ['serve', 'config.capnp'], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill());
  const ready = () => fetch(`http://127.0.0.1:${port}/ready`).then(() => true, () => false);
  for (let tries = 0; tries < 100; tries++) if (await ready()) return port; else await new Promise((later) => setTimeout(later, 100));
  console.error('workerd did not start');
  process.exit(2);
}

const upstream = createServer().listen(0, '127.0.0.1');
await once(upstream, 'listening');
const choices = { '/chooses-echo': () => 'echo', '/chooses-none': () => false };
for (const [path, handleProtocols] of Object.entries(choices)) choices[path] = new WebSocketServer({ noServer: true, handleProtocols });
upstream.on('upgrade', (request, socket, head) => choices[request.url].handleUpgrade(request, socket, head, () => {}));
const origin = `http://127.0.0.1:${upstream.address().port}`;
const port = await startWorkerd({ UPSTREAM: origin });
for (const path of Object.keys(choices)) {
  const { constructed, fetched } = await (await fetch(`http://127.0.0.1:${port}${path}`)).json();
  console.log(`${path}: workerd, new WebSocket: ${constructed}`);
  console.log(`${path}: workerd, fetch: ${fetched}`);
  for (const [name, Socket] of [['undici', UndiciSocket], ['ws', WsSocket]]) {
    const socket = new Socket(origin.replace('http', 'ws') + path, ['chat', 'echo']);
    console.log(`${path}: ${name}: ${await new Promise((done) => {
      socket.addEventListener('open', () => done(`open, protocol ${JSON.stringify(socket.protocol)}`));
      socket.addEventListener('error', () => done('failed'));
    })}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
/chooses-echo: workerd, new WebSocket: open, protocol "echo"
/chooses-echo: workerd, fetch: status 101, field "echo", protocol ""
/chooses-echo: undici: open, protocol "echo"
/chooses-echo: ws: open, protocol "echo"
/chooses-none: workerd, new WebSocket: open, protocol null
/chooses-none: workerd, fetch: status 101, field null, protocol ""
/chooses-none: undici: failed
/chooses-none: ws: failed
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
