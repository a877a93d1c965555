#!/usr/bin/env bash
# workerd-throws-at-a-send-after-the-peer-has-closed
#
# Expected: send() on a WebSocket that is closing or closed does nothing but count the bytes. Only one that is still
#   connecting throws.
# Seen: workerd throws a TypeError, also when it was the peer that closed and the message crossed on the way. The
#   WebSocket of undici, which follows the standard, says nothing.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), undici 7.30.2, ws 8.23.0
# Why it matters: A Worker that relays between two sockets sends from the message handler of one to the other. Each
#   close that crosses a message is then an uncaught error in the log. Every send needs a look at readyState or a try.
# Source: WHATWG WebSockets Standard, the send() method.
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
const attempt = (act) => { try { act(); return 'silent'; } catch (error) { return `throws ${error.name}`; } };
export default {
  async fetch(request) {
    if (new URL(request.url).pathname === '/ready') return new Response();
    const [near, far] = Object.values(new WebSocketPair());
    near.accept();
    far.accept();
    const closed = new Promise((done) => far.addEventListener('close', done));
    near.close(1000, 'done');
    const own = attempt(() => near.send('late'));
    await closed;
    return Response.json({ own, ownState: near.readyState, peers: attempt(() => far.send('late')), peersState: far.readyState, again: attempt(() => far.close(1000)) });
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocket } from 'undici';
import { WebSocketServer } from 'ws';

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

const port = await startWorkerd();
const seen = await (await fetch(`http://127.0.0.1:${port}/`)).json();
console.log(`workerd: send after an own close, readyState ${seen.ownState}: ${seen.own}`);
console.log(`workerd: send after the peer's close, readyState ${seen.peersState}: ${seen.peers}`);
console.log(`workerd: a second close: ${seen.again}`);
const attempt = (act) => { try { act(); return 'silent'; } catch (error) { return `throws ${error.name}`; } };
for (const who of ['own', 'peer']) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${server.address().port}/`);
  const [accepted] = await once(server, 'connection');
  if (client.readyState === 0) await new Promise((done) => client.addEventListener('open', done));
  const closed = new Promise((done) => client.addEventListener('close', done));
  if (who === 'own') client.close(1000); else { accepted.close(1000); await closed; }
  console.log(`undici: send after ${who === 'own' ? 'an own' : "the peer's"} close, readyState ${client.readyState}: ${attempt(() => client.send('late'))}`);
  await closed;
  server.close();
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
workerd: send after an own close, readyState 2: throws TypeError
workerd: send after the peer's close, readyState 3: throws TypeError
workerd: a second close: silent
undici: send after an own close, readyState 2: silent
undici: send after the peer's close, readyState 3: silent
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
