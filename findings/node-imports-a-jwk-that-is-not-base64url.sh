#!/usr/bin/env bash
# node-imports-a-jwk-that-is-not-base64url
#
# Expected: the numbers of a JWK are base64url without padding, line breaks or spaces, without leading zero octets in RSA and with
#   exactly as many octets as the curve has; anything else is a DataError, in every runtime.
# Seen:
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17); the WebCrypto of node 20.20 and 22.23
# Why it matters:
# Source: RFC 7515 section 2 (base64url), RFC 7518 sections 2, 6.2.1.2, 6.3.1.1 and 6.4.1; Web Cryptography, import key.
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
const ALGORITHMS = {
  RSA: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  EC: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  OKP: { name: 'Ed25519' },
  oct: { name: 'HMAC', hash: 'SHA-256' },
};

/** Imports a key, and verifies a signature with it. */
export async function verdict({ jwk, signature }) {
  const algorithm = ALGORITHMS[jwk.kty];
  try {
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify']);
    const bytes = Uint8Array.from(atob(signature), (c) => c.charCodeAt(0));
    const verifies = await crypto.subtle.verify(algorithm, key, bytes, new TextEncoder().encode('x'));
    return verifies ? 'imported, verifies' : 'imported, does not verify';
  } catch (error) { return `refused, ${error.name}`; }
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

const { subtle } = webcrypto;
const bytes = (text) => Buffer.from(text, 'base64url');
const behindZero = (text) => Buffer.concat([Buffer.from([0]), bytes(text)]).toString('base64url');
const standard = (text) => bytes(text).toString('base64').replaceAll('=', '');
const padded = (text) => bytes(text).toString('base64').replaceAll('+', '-').replaceAll('/', '_');
const broken = (text) => text.replace(/.{4}/, '$&\n');

/** Makes a key whose parts have letters that the two alphabets write differently. */
async function make(algorithm, part) {
  for (;;) {
    const { publicKey, privateKey } = await subtle.generateKey(algorithm, true, ['sign', 'verify']);
    const jwk = await subtle.exportKey('jwk', publicKey);
    if (!/[-_]/.test(jwk[part])) continue;
    const signature = await subtle.sign({ ...algorithm, hash: 'SHA-256' }, privateKey, Buffer.from('x'));
    return { jwk, signature: Buffer.from(signature).toString('base64') };
  }
}

const rsa = await make({ name: 'RSASSA-PKCS1-v1_5', modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]), hash: 'SHA-256' }, 'n');
const ec = await make({ name: 'ECDSA', namedCurve: 'P-256' }, 'x');
const ed = await make({ name: 'Ed25519' }, 'x');
const secret = Buffer.alloc(32, 0xfb);
const mac = await subtle.sign('HMAC', await subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign']), Buffer.from('x'));
const oct = { jwk: { kty: 'oct', k: secret.toString('base64url') }, signature: Buffer.from(mac).toString('base64') };
const cases = [
  ['RSA as it is', rsa, {}],
  ['RSA, n with padding', rsa, { n: padded(rsa.jwk.n) }],
  ['RSA, n with + and /', rsa, { n: standard(rsa.jwk.n) }],
  ['RSA, n with a line break', rsa, { n: broken(rsa.jwk.n) }],
  ['RSA, n behind a zero octet', rsa, { n: behindZero(rsa.jwk.n) }],
  ['EC as it is', ec, {}],
  ['EC, x with padding', ec, { x: padded(ec.jwk.x) }],
  ['EC, x with + and /', ec, { x: standard(ec.jwk.x) }],
  ['EC, x of 33 octets', ec, { x: behindZero(ec.jwk.x) }],
  ['Ed25519 as it is', ed, {}],
  ['Ed25519, x with padding', ed, { x: padded(ed.jwk.x) }],
  ['Ed25519, x with + and /', ed, { x: standard(ed.jwk.x) }],
  ['HMAC as it is', oct, {}],
  ['HMAC, k with padding', oct, { k: padded(oct.jwk.k) }],
  ['HMAC, k with + and /', oct, { k: standard(oct.jwk.k) }],
];
const port = await startWorkerd();
for (const [name, { jwk, signature }, changes] of cases) {
  const probe = { jwk: { ...jwk, ...changes }, signature };
  console.log(`${name}: node: ${await verdict(probe)}`);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(probe) });
  console.log(`${name}: workerd: ${await answer.text()}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
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
