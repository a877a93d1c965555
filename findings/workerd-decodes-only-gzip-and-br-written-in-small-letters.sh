#!/usr/bin/env bash
# workerd-decodes-only-gzip-and-br-written-in-small-letters
#
# Expected: fetch takes the content coding off an answer. Codings are compared without regard to case, `x-gzip` is
#   gzip, and `deflate` has been there from the start.
# Seen: workerd decodes `gzip` and `br`. At `GZIP`, `x-gzip` and `deflate` the Worker gets the compressed bytes from
#   text() or json(). The fetch of Node decodes all of them.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), the fetch of Node
# Why it matters: A Worker that passes on the `Accept-Encoding` of its client, as a proxy does, and then reads a body
#   meets an upstream that chose deflate, or an old one that writes x-gzip. Whatever reads bodies must look at
#   Content-Encoding first, or ask with an Accept-Encoding of its own.
# Source: RFC 9110 sections 8.4.1 and 8.4.1.3; Fetch Standard, handle content codings.
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
    return new Response(await (await fetch(env.UPSTREAM + pathname)).text());
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib';

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

const text = 'the body as it was written';
const bodies = { 'gzip': gzipSync, 'br': brotliCompressSync, 'GZIP': gzipSync, 'x-gzip': gzipSync, 'deflate': deflateSync };
const upstream = createServer((request, response) => {
  const coding = request.url.slice(1);
  response.writeHead(200, { 'content-encoding': coding }).end(bodies[coding](text));
}).listen(0, '127.0.0.1');
await once(upstream, 'listening');
const origin = `http://127.0.0.1:${upstream.address().port}`;
const port = await startWorkerd({ UPSTREAM: origin });
for (const coding of Object.keys(bodies)) {
  for (const [name, at] of [['workerd', `http://127.0.0.1:${port}`], ['node', origin]]) {
    const seen = await (await fetch(`${at}/${coding}`)).text();
    console.log(`Content-Encoding: ${coding}: ${name}: decoded: ${seen === text ? 'yes' : 'no'}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
Content-Encoding: gzip: workerd: decoded: yes
Content-Encoding: gzip: node: decoded: yes
Content-Encoding: br: workerd: decoded: yes
Content-Encoding: br: node: decoded: yes
Content-Encoding: GZIP: workerd: decoded: no
Content-Encoding: GZIP: node: decoded: yes
Content-Encoding: x-gzip: workerd: decoded: no
Content-Encoding: x-gzip: node: decoded: yes
Content-Encoding: deflate: workerd: decoded: no
Content-Encoding: deflate: node: decoded: yes
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
