#!/usr/bin/env bash
# workerd-imports-no-rsa-key-with-exponent-35
#
# Expected: a public RSA key may have any odd exponent from 3 up. WebCrypto imports it; only generateKey is picky. 35
#   is not exotic: OpenSSH up to 5.3 gave it to every RSA key.
# Seen: workerd takes 3, 17 and 65537 and refuses 35 with OperationError. A modulus of 2056 or 3000 bits is fine. Node
#   imports all of them, and verifies.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17), the WebCrypto of Node
# Why it matters: A service that publishes an old SSH key as a JWK has tokens that every server library verifies and
#   no Worker does. The import throws, so a Worker that imports a whole key set should do it key by key.
# Source: RFC 8017 section 3.1; RFC 7518 section 6.3.1.2; Web Cryptography, RSASSA-PKCS1-v1_5 import key.
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
    if (request.method !== 'POST') return new Response();
    const { jwk, signature } = await request.json();
    const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
    try {
      const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
      const bytes = Uint8Array.from(atob(signature), (c) => c.charCodeAt(0));
      return new Response(`imported, verifies: ${await crypto.subtle.verify(algorithm, key, bytes, new TextEncoder().encode('x')) ? 'yes' : 'no'}`);
    } catch (error) { return new Response(`refused, ${error.name}`); }
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';

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
for (const [modulusLength, publicExponent] of [[2048, 65537], [2048, 3], [2048, 17], [2048, 35], [2056, 65537], [3000, 65537]]) {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  const jwk = publicKey.export({ format: 'jwk' });
  const signature = sign('sha256', Buffer.from('x'), privateKey);
  const body = JSON.stringify({ jwk, signature: signature.toString('base64') });
  console.log(`${modulusLength} bits, exponent ${publicExponent}: workerd: ${await (await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body })).text()}`);
  const algorithm = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const key = await webcrypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
  const verifies = await webcrypto.subtle.verify(algorithm, key, signature, Buffer.from('x'));
  console.log(`${modulusLength} bits, exponent ${publicExponent}: node: imported, verifies: ${verifies ? 'yes' : 'no'}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
2048 bits, exponent 65537: workerd: imported, verifies: yes
2048 bits, exponent 65537: node: imported, verifies: yes
2048 bits, exponent 3: workerd: imported, verifies: yes
2048 bits, exponent 3: node: imported, verifies: yes
2048 bits, exponent 17: workerd: imported, verifies: yes
2048 bits, exponent 17: node: imported, verifies: yes
2048 bits, exponent 35: workerd: refused, OperationError
2048 bits, exponent 35: node: imported, verifies: yes
2056 bits, exponent 65537: workerd: imported, verifies: yes
2056 bits, exponent 65537: node: imported, verifies: yes
3000 bits, exponent 65537: workerd: imported, verifies: yes
3000 bits, exponent 65537: node: imported, verifies: yes
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
