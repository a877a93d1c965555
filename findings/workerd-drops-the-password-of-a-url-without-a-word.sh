#!/usr/bin/env bash
# workerd-drops-the-password-of-a-url-without-a-word
#
# Expected: fetch with a URL that carries a user name and password either throws a TypeError, which is the standard,
#   or sends them as Basic authentication, as curl does.
# Seen: workerd does neither: the request goes out without Authorization and without an error. The `url` of a Request
#   made from it still shows the password. The fetch of Node throws.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), the fetch of Node
# Why it matters: An upstream address with credentials, moved from another proxy into a Worker, answers 401 for no
#   visible reason. The password stays in `request.url`, which is what gets logged. Configuration is the place to
#   refuse such an address.
# Source: Fetch Standard, Request constructor (a URL that includes credentials); RFC 3986 section 3.2.1.
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
    if (new URL(request.url).pathname === '/ready') return new Response();
    const address = env.UPSTREAM.replace('//', '//app:secret@');
    try {
      const made = new Request(address);
      return Response.json({ kept: made.url === address, sent: await (await fetch(made)).text() });
    } catch (error) { return Response.json({ error: error.name }); }
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';

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

const upstream = createServer((request, response) => response.end(request.headers.authorization ?? 'no Authorization')).listen(0, '127.0.0.1');
await once(upstream, 'listening');
const origin = `http://127.0.0.1:${upstream.address().port}/`;
const port = await startWorkerd({ UPSTREAM: origin });
const { kept, sent, error } = await (await fetch(`http://127.0.0.1:${port}/`)).json();
console.log(`workerd: throws: ${error ? 'yes' : 'no'}, upstream saw: ${sent}, request.url keeps the password: ${kept ? 'yes' : 'no'}`);
const node = await fetch(origin.replace('//', '//app:secret@')).then(() => 'no', (e) => `yes, ${e.name}`);
console.log(`node: throws: ${node}`);
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
workerd: throws: no, upstream saw: no Authorization, request.url keeps the password: yes
node: throws: yes, TypeError
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
