#!/usr/bin/env bash
# workerd-reads-header-bytes-as-utf-8
#
# Expected: a byte of a header field is a character: Fetch reads E9 as `é`, writes `é` as E9, and throws at a
#   character above FF.
# Seen: workerd reads the byte E9 as U+FFFD and the two bytes C3 A9 as `é`. It writes `é` as C3 A9, and takes and
#   writes a check mark. If a Worker copies a field as a string, the byte E9 leaves as EF BF BD; if it hands on the
#   Headers object, it leaves as E9.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), the fetch of Node
# Why it matters: Field values may hold such bytes (obs-text), file names in Content-Disposition do. A proxy that
#   copies fields one by one, as any that reads them from another language than JavaScript, destroys them for good. A
#   proxy that hands the object on does not.
# Source: RFC 9110 section 5.5; Fetch Standard, Headers and isomorphic decode.
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
const name = 'x-name';
export default {
  async fetch(request, env) {
    const { pathname } = new URL(request.url);
    if (pathname === '/ready') return new Response();
    const upstream = await fetch(env.UPSTREAM + pathname);
    const read = upstream.headers.get(name);
    const headers = new Headers();
    headers.set(name, read);
    if (request.headers.get('x-mode') === 'string') return new Response(null, { headers });
    if (request.headers.get('x-mode') === 'object') return new Response(null, { headers: upstream.headers });
    return new Response([...read].map((c) => c.codePointAt(0).toString(16)).join(' '));
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

const hex = (bytes) => bytes.toString('hex').match(/../g).join(' ');
const values = { '/latin-1': Buffer.from([0x63, 0xe9]), '/utf-8': Buffer.from('cé') };
const upstream = createServer((socket) => socket.once('data', (data) => {
  const value = values[data.toString().split(' ')[1]];
  socket.end(Buffer.concat([Buffer.from('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\nx-name: '), value, Buffer.from('\r\n\r\n')]));
})).listen(0, '127.0.0.1');
await once(upstream, 'listening');
const origin = `http://127.0.0.1:${upstream.address().port}`;
const port = await startWorkerd({ UPSTREAM: origin });
const sent = (path, mode) => new Promise((done) => {
  const parts = [];
  const socket = connect(port, '127.0.0.1', () => socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\nx-mode: ${mode}\r\nconnection: close\r\n\r\n`));
  socket.on('data', (part) => parts.push(part)).on('close', () => {
    const head = Buffer.concat(parts);
    const from = head.toString('latin1').toLowerCase().indexOf('x-name: ') + 8;
    done(hex(head.subarray(from, head.indexOf('\r\n', from))));
  });
});
for (const path of Object.keys(values)) {
  const node = (await fetch(origin + path)).headers.get('x-name');
  console.log(`bytes ${hex(values[path])}: node reads the characters: ${[...node].map((c) => c.codePointAt(0).toString(16)).join(' ')}`);
  console.log(`bytes ${hex(values[path])}: workerd reads the characters: ${await (await fetch(`http://127.0.0.1:${port}${path}`)).text()}`);
  for (const mode of ['string', 'object']) console.log(`bytes ${hex(values[path])}: copied as ${mode}, workerd writes: ${await sent(path, mode)}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
bytes 63 e9: node reads the characters: 63 e9
bytes 63 e9: workerd reads the characters: 63 fffd
bytes 63 e9: copied as string, workerd writes: 63 ef bf bd
bytes 63 e9: copied as object, workerd writes: 63 e9
bytes 63 c3 a9: node reads the characters: 63 c3 a9
bytes 63 c3 a9: workerd reads the characters: 63 e9
bytes 63 c3 a9: copied as string, workerd writes: 63 c3 a9
bytes 63 c3 a9: copied as object, workerd writes: 63 c3 a9
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
