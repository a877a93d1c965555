#!/usr/bin/env bash
# node-workerd-and-pyjwt-take-a-jwk-that-is-not-base64url
#
# Expected: the numbers of a JWK are base64url without padding, line breaks or spaces, without leading zero octets in RSA and with
#   exactly as many octets as the curve has; anything else is a DataError, in every runtime.
# Seen: Node and workerd take padding, the other alphabet, line breaks, a zero octet before n and a coordinate of 33 octets, and verify.
#   PyJWT and jwcrypto take padding and the other alphabet, and refuse the line break; joserfc refuses all three, and takes the zero
#   octet.
# Versions: workerd 1.20261117.1 (compatibility date 2026-11-17); the WebCrypto of node 20.20 and 22.23;
#   PyJWT 2.15.1, jwcrypto 1.6.1, joserfc 1.8.0
# Why it matters: A key set that was written by hand or by another program's base64 works with the server that it was tried with, and fails
#   with the next, whose message speaks of the key as a whole. Publish what a library exports.
# Source: RFC 7515 section 2 (base64url), RFC 7518 sections 2, 6.2.1.2, 6.3.1.1 and 6.4.1; Web Cryptography, import key.
# Needs: node 20 or later with npm, python3 with venv, on Linux or macOS
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts workerd@1.20261117.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet PyJWT==2.15.1 cryptography jwcrypto==1.6.1 joserfc==1.8.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

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
    const { alg: _, key_ops: __, ext: ___, ...jwk } = await subtle.exportKey('jwk', publicKey);
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
writeFileSync('cases.json', JSON.stringify(cases.map(([name, { jwk }, changes]) => [name, { ...jwk, ...changes }])));
const port = await startWorkerd();
for (const [name, { jwk, signature }, changes] of cases) {
  const probe = { jwk: { ...jwk, ...changes }, signature };
  console.log(`${name}: node: ${await verdict(probe)}`);
  const answer = await fetch(`http://127.0.0.1:${port}/`, { method: 'POST', body: JSON.stringify(probe) });
  console.log(`${name}: workerd: ${await answer.text()}`);
}
process.exit(0);
PROBE
cat >probe.py <<'PROBE'
import json
import jwcrypto.jwk, jwt, joserfc.jwk

libraries = {
    "PyJWT": lambda jwk: jwt.PyJWK.from_dict(jwk, algorithm="HS256" if jwk["kty"] == "oct" else None),
    "jwcrypto": lambda jwk: jwcrypto.jwk.JWK(**jwk),
    "joserfc": joserfc.jwk.import_key,
}
for library, read in libraries.items():
    for name, jwk in json.load(open("cases.json")):
        try:
            read(jwk)
            print(f"{name}: {library}: imported")
        except Exception as error:
            print(f"{name}: {library}: refused, {type(error).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
RSA as it is: node: imported, verifies
RSA as it is: workerd: imported, verifies
RSA, n with padding: node: imported, verifies
RSA, n with padding: workerd: imported, verifies
RSA, n with + and /: node: imported, verifies
RSA, n with + and /: workerd: imported, verifies
RSA, n with a line break: node: imported, verifies
RSA, n with a line break: workerd: imported, verifies
RSA, n behind a zero octet: node: imported, verifies
RSA, n behind a zero octet: workerd: imported, verifies
EC as it is: node: imported, verifies
EC as it is: workerd: imported, verifies
EC, x with padding: node: imported, verifies
EC, x with padding: workerd: imported, verifies
EC, x with + and /: node: imported, verifies
EC, x with + and /: workerd: imported, verifies
EC, x of 33 octets: node: imported, verifies
EC, x of 33 octets: workerd: imported, verifies
Ed25519 as it is: node: imported, verifies
Ed25519 as it is: workerd: imported, verifies
Ed25519, x with padding: node: imported, verifies
Ed25519, x with padding: workerd: imported, verifies
Ed25519, x with + and /: node: imported, verifies
Ed25519, x with + and /: workerd: imported, verifies
HMAC as it is: node: imported, verifies
HMAC as it is: workerd: imported, verifies
HMAC, k with padding: node: imported, verifies
HMAC, k with padding: workerd: imported, verifies
HMAC, k with + and /: node: imported, verifies
HMAC, k with + and /: workerd: imported, verifies
RSA as it is: PyJWT: imported
RSA, n with padding: PyJWT: imported
RSA, n with + and /: PyJWT: imported
RSA, n with a line break: PyJWT: refused, InvalidKeyError
RSA, n behind a zero octet: PyJWT: imported
EC as it is: PyJWT: imported
EC, x with padding: PyJWT: imported
EC, x with + and /: PyJWT: imported
EC, x of 33 octets: PyJWT: refused, InvalidKeyError
Ed25519 as it is: PyJWT: imported
Ed25519, x with padding: PyJWT: imported
Ed25519, x with + and /: PyJWT: imported
HMAC as it is: PyJWT: imported
HMAC, k with padding: PyJWT: imported
HMAC, k with + and /: PyJWT: imported
RSA as it is: jwcrypto: imported
RSA, n with padding: jwcrypto: imported
RSA, n with + and /: jwcrypto: imported
RSA, n with a line break: jwcrypto: refused, InvalidJWKValue
RSA, n behind a zero octet: jwcrypto: imported
EC as it is: jwcrypto: imported
EC, x with padding: jwcrypto: imported
EC, x with + and /: jwcrypto: imported
EC, x of 33 octets: jwcrypto: imported
Ed25519 as it is: jwcrypto: imported
Ed25519, x with padding: jwcrypto: imported
Ed25519, x with + and /: jwcrypto: imported
HMAC as it is: jwcrypto: imported
HMAC, k with padding: jwcrypto: imported
HMAC, k with + and /: jwcrypto: imported
RSA as it is: joserfc: imported
RSA, n with padding: joserfc: refused, Error
RSA, n with + and /: joserfc: refused, Error
RSA, n with a line break: joserfc: refused, Error
RSA, n behind a zero octet: joserfc: imported
EC as it is: joserfc: imported
EC, x with padding: joserfc: refused, Error
EC, x with + and /: joserfc: refused, Error
EC, x of 33 octets: joserfc: imported
Ed25519 as it is: joserfc: imported
Ed25519, x with padding: joserfc: refused, Error
Ed25519, x with + and /: joserfc: refused, Error
HMAC as it is: joserfc: imported
HMAC, k with padding: joserfc: refused, Error
HMAC, k with + and /: joserfc: refused, Error
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
