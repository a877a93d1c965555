#!/usr/bin/env bash
# workerd-glues-request-url-from-host-and-target
#
# Expected: `request.url` is a URL in its one written form, as everywhere in Fetch: `new URL(request.url).href` equals
#   it.
# Seen: workerd writes `http://`, the Host field and the request target one after the other. Capital letters and `:80`
#   stay. `OPTIONS *`, which is valid, gives `http://api.example*`, and with a port in Host a text that new URL()
#   refuses.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), as `workerd serve` and the local servers built on it
#   run
# Why it matters: A Worker that compares request.url with an address that it configured, signs it or uses it as a
#   cache key gets another text for the same resource. One that begins with new URL(request.url) answers 500 to
#   `OPTIONS *`. Parse first, allow for failure, and go on with what the parser wrote.
# Source: Fetch Standard, Request.url; RFC 9110 section 7.1; RFC 9112 section 3.2.4 (asterisk-form).
# Needs: node 20 or later with npm, on Linux or macOS
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts workerd@1.20261117.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >worker.mjs <<'PROBE'
export default {
  async fetch(request) {
    return new Response(`${request.url} | ${URL.parse(request.url)?.href ?? 'not a URL'}`);
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';

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
for (const [target, host] of [['GET /a', 'api.example'], ['GET /a', 'API.Example'], ['GET /a', 'api.example:80'], ['OPTIONS *', 'api.example'], ['OPTIONS *', 'api.example:8080']]) {
  const answer = await new Promise((done) => {
    let text = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(`${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`));
    socket.on('data', (part) => { text += part; }).on('close', () => done(text.split('\r\n\r\n')[1]));
  });
  const [url, href] = answer.split(' | ');
  console.log(`${target}, Host: ${host}: request.url ${url}, parsed ${href}, the same: ${url === href ? 'yes' : 'no'}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
GET /a, Host: api.example: request.url http://api.example/a, parsed http://api.example/a, the same: yes
GET /a, Host: API.Example: request.url http://API.Example/a, parsed http://api.example/a, the same: no
GET /a, Host: api.example:80: request.url http://api.example:80/a, parsed http://api.example/a, the same: no
OPTIONS *, Host: api.example: request.url http://api.example*, parsed http://api.example*/, the same: no
OPTIONS *, Host: api.example:8080: request.url http://api.example:8080*, parsed not a URL, the same: no
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
