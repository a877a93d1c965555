#!/usr/bin/env bash
# a-key-that-says-ed25519-and-a-token-that-says-eddsa-do-not-meet
#
# Expected: `EdDSA` and its successor name `Ed25519` stand for one algorithm when the key is on Ed25519: a verifier
#   that knows both, or is told of both, uses a key under either name for a token under either.
# Seen: for one key and one signature, with both names allowed (fast-jwt takes them from the key), jose and joserfc find
#   no key unless the `alg` of the key and of the token are the same word; PyJWT cannot use a key that says Ed25519 at
#   all, whatever the token says, and calls the whole set unusable; fast-jwt and authlib.jose refuse the token that says
#   Ed25519; only jwcrypto accepts all six pairs. A key without `alg` with a token that says EdDSA is accepted by all.
# Versions: jose 6.2.17, fast-jwt 6.3.6, PyJWT 2.15.1, joserfc 1.8.0, jwcrypto 1.6.1, Authlib 1.9.10
# Why it matters: A provider that renames only its keys, or only its tokens, locks out the clients of its JWKS. Until the
#   names have settled, publish Ed25519 keys without `alg` and sign as EdDSA; a verifier that wants to be helpful treats
#   the two names as one for an OKP key on Ed25519.
# Source: RFC 9864 section 2.2; RFC 7517 section 4.4; RFC 8037 section 3.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts jose@6.2.17 fast-jwt@6.3.6 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet PyJWT==2.15.1 cryptography==50.0.2 joserfc==1.8.0 jwcrypto==1.6.1 Authlib==1.9.10 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
import jwt
from authlib.jose import JsonWebKey, JsonWebToken
from joserfc import jwt as joserfc_jwt
from joserfc.jwk import KeySet
from jwcrypto.jwk import JWKSet
from jwcrypto.jwt import JWT

both = ["EdDSA", "Ed25519"]
verifiers = {
    "PyJWT": lambda key, token: jwt.decode(token, jwt.PyJWKSet([key])["k"], algorithms=both),
    "joserfc": lambda key, token: joserfc_jwt.decode(token, KeySet.import_key_set({"keys": [key]}), algorithms=both),
    "jwcrypto": lambda key, token: JWT(jwt=token, key=JWKSet.from_json(json.dumps({"keys": [key]})), algs=both),
    "authlib.jose": lambda key, token: JsonWebToken(both).decode(token, JsonWebKey.import_key_set({"keys": [key]})),
}
for name, verify in verifiers.items():
    for pair in json.load(open("pairs.json")):
        try:
            verify(pair["jwk"], pair["token"])
            print(f"{name}: {pair['name']}: accepted")
        except Exception as error:
            print(f"{name}: {pair['name']}: refused ({type(error).__name__})")
PROBE
cat >probe.mjs <<'PROBE'
import { generateKeyPairSync, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createVerifier } from 'fast-jwt';
import { createLocalJWKSet, jwtVerify } from 'jose';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (alg) => {
  const input = `${encode({ alg, kid: 'k' })}.${encode({ sub: 'someone', exp: Math.floor(Date.now() / 1000) + 600 })}`;
  return `${input}.${sign(null, Buffer.from(input), privateKey).toString('base64url')}`;
};
const pairs = [];
for (const keyAlg of [null, 'EdDSA', 'Ed25519']) {
  for (const tokenAlg of ['EdDSA', 'Ed25519']) {
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'k', ...(keyAlg && { alg: keyAlg }) };
    pairs.push({ name: `key ${keyAlg ?? 'without alg'}, token ${tokenAlg}`, jwk, token: token(tokenAlg) });
  }
}
writeFileSync('pairs.json', JSON.stringify(pairs));
const pem = publicKey.export({ type: 'spki', format: 'pem' });
for (const [name, verify] of Object.entries({
  'jose': (pair) => jwtVerify(pair.token, createLocalJWKSet({ keys: [pair.jwk] }), { algorithms: ['EdDSA', 'Ed25519'] }),
  'fast-jwt': async (pair) => createVerifier({ key: pem })(pair.token),
})) {
  for (const pair of pairs) console.log(`${name}: ${pair.name}: ${await verify(pair).then(() => 'accepted', (error) => `refused (${error.message})`)}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
jose: key without alg, token EdDSA: accepted
jose: key without alg, token Ed25519: accepted
jose: key EdDSA, token EdDSA: accepted
jose: key EdDSA, token Ed25519: refused (no applicable key found in the JSON Web Key Set)
jose: key Ed25519, token EdDSA: refused (no applicable key found in the JSON Web Key Set)
jose: key Ed25519, token Ed25519: accepted
fast-jwt: key without alg, token EdDSA: accepted
fast-jwt: key without alg, token Ed25519: refused (The token algorithm is invalid.)
fast-jwt: key EdDSA, token EdDSA: accepted
fast-jwt: key EdDSA, token Ed25519: refused (The token algorithm is invalid.)
fast-jwt: key Ed25519, token EdDSA: accepted
fast-jwt: key Ed25519, token Ed25519: refused (The token algorithm is invalid.)
PyJWT: key without alg, token EdDSA: accepted
PyJWT: key without alg, token Ed25519: refused (InvalidAlgorithmError)
PyJWT: key EdDSA, token EdDSA: accepted
PyJWT: key EdDSA, token Ed25519: refused (InvalidAlgorithmError)
PyJWT: key Ed25519, token EdDSA: refused (PyJWKSetError)
PyJWT: key Ed25519, token Ed25519: refused (PyJWKSetError)
joserfc: key without alg, token EdDSA: accepted
joserfc: key without alg, token Ed25519: accepted
joserfc: key EdDSA, token EdDSA: accepted
joserfc: key EdDSA, token Ed25519: refused (InvalidKeyIdError)
joserfc: key Ed25519, token EdDSA: refused (InvalidKeyIdError)
joserfc: key Ed25519, token Ed25519: accepted
jwcrypto: key without alg, token EdDSA: accepted
jwcrypto: key without alg, token Ed25519: accepted
jwcrypto: key EdDSA, token EdDSA: accepted
jwcrypto: key EdDSA, token Ed25519: accepted
jwcrypto: key Ed25519, token EdDSA: accepted
jwcrypto: key Ed25519, token Ed25519: accepted
authlib.jose: key without alg, token EdDSA: accepted
authlib.jose: key without alg, token Ed25519: refused (UnsupportedAlgorithmError)
authlib.jose: key EdDSA, token EdDSA: accepted
authlib.jose: key EdDSA, token Ed25519: refused (UnsupportedAlgorithmError)
authlib.jose: key Ed25519, token EdDSA: accepted
authlib.jose: key Ed25519, token Ed25519: refused (UnsupportedAlgorithmError)
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
