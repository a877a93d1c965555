#!/usr/bin/env bash
# workerd-joins-challenges-that-came-in-two-lines
#
# Expected: A Worker that returns the answer of fetch() untouched passes its header lines on as they came. Two lines of
#   a header stay two, whatever the header is called.
# Seen: Two lines of X-Own stay two. Two lines of WWW-Authenticate leave as one, joined by a comma; so do two of Link. A
#   Worker that appends the second challenge by itself gets one line as well.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17)
# Why it matters: Joined challenges mean the same by the standard, but readers of one challenge a line lose the second:
#   Chromium is one. No code in the Worker can keep them apart, so an upstream that offers two schemes is to put the
#   one that browsers know first.
# Source: RFC 9110 sections 5.3 and 11.6.1.
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
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/ready') return new Response();
    if (pathname === '/relayed') return fetch(env.UPSTREAM);
    const answer = new Response(null, { status: 401 });
    for (const challenge of ['Bearer realm="a"', 'Basic realm="b"']) answer.headers.append('WWW-Authenticate', challenge);
    return answer;
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';

const lines = [
  ['WWW-Authenticate', 'Bearer realm="a"'], ['WWW-Authenticate', 'Basic realm="b"'],
  ['Link', '</a>; rel="next"'], ['Link', '</b>; rel="prev"'], ['X-Own', 'a'], ['X-Own', 'b'],
];
const upstream = createServer((_, response) => response.writeHead(401, lines.flat()).end()).listen(0, '127.0.0.1');
await once(upstream, 'listening');

const spare = createServer().listen(0, '127.0.0.1');
await once(spare, 'listening');
const { port } = spare.address();
await new Promise((closed) => spare.close(closed));
writeFileSync('config.capnp', `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "net", network = (allow = ["private", "public"])), (name = "main", worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs")], compatibilityDate = "2026-11-17", globalOutbound = "net",
  bindings = [(name = "UPSTREAM", text = "http://127.0.0.1:${upstream.address().port}/")]))],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`);
const folder = readdirSync('node_modules/@cloudflare').find((name) => name.startsWith('workerd-'));
const child = spawn(`node_modules/@cloudflare/${folder}/bin/workerd`, ['serve', 'config.capnp'], { stdio: ['ignore', 'ignore', 'inherit'] });
process.on('exit', () => child.kill());
const ready = () => fetch(`http://127.0.0.1:${port}/ready`).then(() => true, () => false);
let started = false;
for (let tries = 0; tries < 100 && !started; tries++) started = (await ready()) || (await new Promise((later) => setTimeout(later, 100, false)));
if (!started) {
  console.error('workerd did not start');
  process.exit(2);
}

for (const path of ['/relayed', '/made']) {
  const [response] = await once(get(`http://127.0.0.1:${port}${path}`), 'response');
  const names = ['www-authenticate', 'link', 'x-own'];
  const counts = names.map((name) => response.rawHeaders.filter((text, index) => index % 2 === 0 && text.toLowerCase() === name).length);
  console.log(`${path}: ${names.map((name, index) => `${name} ${counts[index]}`).join(', ')}; ${response.headers['www-authenticate']}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
/relayed: www-authenticate 1, link 1, x-own 2; Bearer realm="a", Basic realm="b"
/made: www-authenticate 1, link 0, x-own 0; Bearer realm="a", Basic realm="b"
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
