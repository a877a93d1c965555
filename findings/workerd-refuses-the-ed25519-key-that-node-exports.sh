#!/usr/bin/env bash
# workerd-refuses-the-ed25519-key-that-node-exports
#
# Expected: WebCrypto imports an OKP key on Ed25519 whose `alg` is absent, `Ed25519` or `EdDSA`, and what one runtime exports
#   another imports.
# Seen: Node exports `"alg": "Ed25519"`, its name since RFC 9864, and workerd refuses that with a DataError that says that "Ed25519" does
#   not match the Ed25519 curve. workerd itself exports `"alg": "EdDSA"`, which Node takes, so that keys go one way only.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17); the WebCrypto of node 20.20 and 22.23
# Why it matters: A script makes a key pair with Node's WebCrypto and publishes the public half; every verification in a Worker
#   fails at the import, although algorithm and curve are right. Remove `alg` before the import, or publish such keys without it.
# Source: Web Cryptography, Ed25519, import key, step "jwk"; RFC 9864 section 2.2; RFC 8037 section 3.1.
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

cat >verdict.mjs <<'PROBE'
/** Imports a key, and returns the `alg` that it is exported with. */
export async function verdict(jwk) {
  try {
    const key = await crypto.subtle.importKey('jwk', jwk, { name: 'Ed25519' }, true, ['verify']);
    const { alg } = await crypto.subtle.exportKey('jwk', key);
    return `imported, exported with ${alg}`;
  } catch (error) { return `refused, ${error.name}: ${error.message}`; }
}
PROBE
cat >worker.mjs <<'PROBE'
import { verdict } from './verdict.mjs';

export default {
  async fetch(request) {
    return new Response(request.method === 'POST' ? await verdict(await request.json()) : '');
  },
};
PROBE
cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { webcrypto } from 'node:crypto';
import { verdict } from './verdict.mjs';

async function startWorkerd() {
  const spare = createServer().listen(0, '127.0.0.1');
  await once(spare, 'listening');
  const { port } = spare.address();
  await new Promise((closed) => spare.close(closed));
  writeFileSync('config.capnp', `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (services = [(name = "main", worker = (
  modules = [(name = "worker.mjs", esModule = embed "worker.mjs"), (name = "verdict.mjs", esModule = embed "verdict.mjs")],
  compatibilityDate = "2026-11-17"))], sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]);`);
  const folder = readdirSync('node_modules/@cloudflare').find((name) => name.startsWith('workerd-'));
  const child = spawn(`node_modules/@cloudflare/${folder}/bin/workerd`, ['serve', 'config.capnp'], { stdio: ['ignore', 'ignore', 'inherit'] });
  process.on('exit', () => child.kill());
  const ready = () => fetch(`http://127.0.0.1:${port}/ready`).then(() => true, () => false);
  for (let tries = 0; tries < 100; tries++) if (await ready()) return port; else await new Promise((later) => setTimeout(later, 100));
  console.error('workerd did not start');
  process.exit(2);
}

const { publicKey } = await webcrypto.subtle.generateKey({ name: 'Ed25519' }, true, ['sign', 'verify']);
const { kty, crv, x } = await webcrypto.subtle.exportKey('jwk', publicKey);
const port = await startWorkerd();
for (const alg of [undefined, 'EdDSA', 'Ed25519']) {
  const jwk = { kty, crv, x, alg };
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(jwk) });
  console.log(`alg ${alg}: node: ${await verdict(jwk)}`);
  console.log(`alg ${alg}: workerd: ${await answer.text()}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
alg undefined: node: imported, exported with Ed25519
alg undefined: workerd: imported, exported with EdDSA
alg EdDSA: node: imported, exported with Ed25519
alg EdDSA: workerd: imported, exported with EdDSA
alg Ed25519: node: imported, exported with Ed25519
alg Ed25519: workerd: refused, DataError: JSON Web Key Algorithm parameter "alg" ("Ed25519") does not match requested Ed25519 curve.
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
