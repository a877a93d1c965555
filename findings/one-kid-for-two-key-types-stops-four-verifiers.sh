#!/usr/bin/env bash
# one-kid-for-two-key-types-stops-four-verifiers
#
# Expected: RFC 7517 gives two keys of different `kty` under one `kid` as the very example of a set where `kid`
#   repeats. A verifier chooses among them by the algorithm of the token.
# Seen: PyJWT, Authlib, jwks-rsa and hono take the first key of that `kid` and fail if it is of the other type. jose,
#   jwcrypto, joserfc and node-jose choose the right one.
# Versions: PyJWT 2.15.1, Authlib 1.9.10, jwks-rsa 4.1.0, hono 4.13.19, jose 6.2.18, joserfc 1.8.0, jwcrypto 1.6.1,
#   node-jose 2.2.0
# Why it matters: A provider that rolls from RSA to EC under the same `kid` is within the RFC, yet half of the
#   verifiers behind a gateway refuse the tokens that the gateway lets through.
# Source: RFC 7517 section 4.5.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts jose@6.2.18 node-jose@2.2.0 jwks-rsa@4.1.0 hono@4.13.19 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet PyJWT==2.15.1 Authlib==1.9.10 joserfc==1.8.0 jwcrypto==1.6.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >make.mjs <<'PROBE'
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { SignJWT } from 'jose';
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const published = (pair, alg) => ({ ...pair.publicKey.export({ format: 'jwk' }), kid: '2026-11', alg, use: 'sig' });
const token = await new SignJWT({ sub: 'user-1', exp: 4000000000 }).setProtectedHeader({ alg: 'RS256', kid: '2026-11' }).sign(rsa.privateKey);
writeFileSync('case.json', JSON.stringify({ token, keys: [published(ec, 'ES256'), published(rsa, 'RS256')] }));
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { verifyWithJwks } from 'hono/jwt';
import { createPublicKey } from 'node:crypto';
import { createLocalJWKSet, jwtVerify } from 'jose';
import jwksRsa from 'jwks-rsa';
import nodeJose from 'node-jose';
const { token, keys } = JSON.parse(readFileSync('case.json', 'utf8'));
const server = createServer((request, response) => response.end(JSON.stringify({ keys })));
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const verifiers = {
  'jose': () => jwtVerify(token, createLocalJWKSet({ keys }), { algorithms: ['RS256'] }),
  'node-jose': async () => nodeJose.JWS.createVerify(await nodeJose.JWK.asKeyStore({ keys })).verify(token),
  'jwks-rsa': async () => {
    const key = await jwksRsa({ jwksUri: `http://127.0.0.1:${server.address().port}/` }).getSigningKey('2026-11');
    const publicKey = createPublicKey(key.getPublicKey());
    if (publicKey.asymmetricKeyType !== 'rsa') throw new TypeError(`got the ${publicKey.asymmetricKeyType} key`);
    return jwtVerify(token, publicKey, { algorithms: ['RS256'] });
  },
  'hono': () => verifyWithJwks(token, { keys, allowedAlgorithms: ['RS256'] }),
};
for (const [name, verify] of Object.entries(verifiers)) console.log(`${name}: ${await verify().then(() => 'accepted', (e) => `refused, ${e.name}`)}`);
server.close();
PROBE
cat >probe.py <<'PROBE'
import json, authlib.jose, joserfc.jwt, jwcrypto.jwk, jwcrypto.jwt, jwt
from joserfc.jwk import KeySet
case = json.load(open("case.json"))
token, key_set = case["token"], {"keys": case["keys"]}
for name, verify in {
    "jwcrypto": lambda: jwcrypto.jwt.JWT(jwt=token, key=jwcrypto.jwk.JWKSet.from_json(json.dumps(key_set)), algs=["RS256"]),
    "joserfc": lambda: joserfc.jwt.decode(token, KeySet.import_key_set(key_set), algorithms=["RS256"]),
    "PyJWT": lambda: jwt.decode(token, jwt.PyJWKSet.from_dict(key_set)["2026-11"], algorithms=["RS256"]),
    "Authlib": lambda: authlib.jose.JsonWebToken(["RS256"]).decode(token, authlib.jose.JsonWebKey.import_key_set(key_set)),
}.items():
    try:
        verify(); print(f"{name}: accepted")
    except Exception as error:
        print(f"{name}: refused, {type(error).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
jose: accepted
node-jose: accepted
jwks-rsa: refused, TypeError
hono: refused, JwtAlgorithmMismatch
jwcrypto: accepted
joserfc: accepted
PyJWT: refused, InvalidAlgorithmError
Authlib: refused, KeyError
EXPECTED

{ node make.mjs && node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
