#!/usr/bin/env bash
# one-unknown-key-type-costs-the-whole-key-set
#
# Expected: a key whose `kty` a library does not know is ignored and the rest of the set is used. RFC 7517 says
#   SHOULD, so that sets can grow.
# Seen: authlib.jose stops with a KeyError and node-jose with "unsupported key type"; no key of the set is left. To
#   node-jose an Ed25519 key is already unknown. PyJWT, jwcrypto and jose use the rest.
# Versions: Authlib 1.9.10, PyJWT 2.15.1, jwcrypto 1.6.1, node-jose 2.2.0, jose 6.2.18
# Why it matters: The day a provider adds its first post-quantum key (`AKP`) or its first Ed25519 key beside the RSA
#   one, these verifiers refuse every token, those signed with RSA too.
# Source: RFC 7517 section 5; RFC 8037 for OKP.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts node-jose@2.2.0 jose@6.2.18 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Authlib==1.9.10 PyJWT==2.15.1 jwcrypto==1.6.1 cryptography==50.0.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >make.mjs <<'PROBE'
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { SignJWT } from 'jose';
const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const rsa = { ...publicKey.export({ format: 'jwk' }), kid: 'rsa', alg: 'RS256', use: 'sig' };
const okp = { ...generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }), kid: 'okp', use: 'sig' };
const akp = { kty: 'AKP', alg: 'ML-DSA-44', pub: Buffer.alloc(1312, 7).toString('base64url'), kid: 'akp', use: 'sig' };
const token = await new SignJWT({ sub: 'user-1', exp: 4000000000 }).setProtectedHeader({ alg: 'RS256', kid: 'rsa' }).sign(privateKey);
writeFileSync('case.json', JSON.stringify({ token, sets: { 'RSA alone': [rsa], 'RSA and OKP': [okp, rsa], 'RSA and AKP': [akp, rsa] } }));
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { createLocalJWKSet, jwtVerify } from 'jose';
import nodeJose from 'node-jose';
const { token, sets } = JSON.parse(readFileSync('case.json', 'utf8'));
for (const [label, keys] of Object.entries(sets)) {
  const readers = {
    'jose': () => jwtVerify(token, createLocalJWKSet({ keys }), { algorithms: ['RS256'] }),
    'node-jose': async () => nodeJose.JWS.createVerify(await nodeJose.JWK.asKeyStore({ keys })).verify(token),
  };
  for (const [name, read] of Object.entries(readers)) console.log(`${label}: ${name}: ${await read().then(() => 'accepted', (e) => `refused, ${e.message}`)}`);
}
PROBE
cat >probe.py <<'PROBE'
import json, authlib.jose, jwcrypto.jwk, jwcrypto.jwt, jwt
case = json.load(open("case.json"))
for label, keys in case["sets"].items():
    readers = {
        "authlib.jose": lambda: authlib.jose.jwt.decode(case["token"], authlib.jose.JsonWebKey.import_key_set({"keys": keys})),
        "PyJWT": lambda: jwt.decode(case["token"], jwt.PyJWKSet.from_dict({"keys": keys})["rsa"], algorithms=["RS256"]),
        "jwcrypto": lambda: jwcrypto.jwt.JWT(jwt=case["token"], key=jwcrypto.jwk.JWKSet.from_json(json.dumps({"keys": keys})), algs=["RS256"]),
    }
    for name, read in readers.items():
        try:
            read(); print(f"{label}: {name}: accepted")
        except Exception as error:
            print(f"{label}: {name}: refused, {type(error).__name__} {error}")
PROBE
cat >expected.txt <<'EXPECTED'
RSA alone: jose: accepted
RSA alone: node-jose: accepted
RSA and OKP: jose: accepted
RSA and OKP: node-jose: refused, unsupported key type
RSA and AKP: jose: accepted
RSA and AKP: node-jose: refused, unsupported key type
RSA alone: authlib.jose: accepted
RSA alone: PyJWT: accepted
RSA alone: jwcrypto: accepted
RSA and OKP: authlib.jose: accepted
RSA and OKP: PyJWT: accepted
RSA and OKP: jwcrypto: accepted
RSA and AKP: authlib.jose: refused, KeyError 'AKP'
RSA and AKP: PyJWT: accepted
RSA and AKP: jwcrypto: accepted
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
