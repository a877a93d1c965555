#!/usr/bin/env bash
# four-verifiers-do-not-look-for-a-key-that-came-later
#
# Expected: a verifier that meets an unknown `kid` fetches the key set again, at most after a pause. So a provider rotates its key when
#   it likes, and a token that comes a minute before its key is published is refused for a minute.
# Seen: @cfworker/jwt, verify-rsa-jwt-cloudflare-worker with its KV store, and fastapi-cloudauth fetch once and refuse the new key a year
#   later. fastify-jwt-jwks finds it, but notes a `kid` that it did not find as missing, for a week. jose and PyJWT find it in both cases.
# Versions: @cfworker/jwt 7.0.4, verify-rsa-jwt-cloudflare-worker 1.4.0, fastify-jwt-jwks 3.1.2 with fastify 5.12.8, jose 6.2.18 (npm);
#   fastapi-cloudauth 0.4.3 with fastapi 0.165.0, PyJWT 2.15.1 with cryptography 50.0.2 (PyPI)
# Why it matters: all works until the provider rotates, months after the launch. Then every token is refused until the process, the isolate
#   or the KV entry is gone; some isolates serve and some refuse. One token that is early by a second, as when the key set is cached
#   on its way, costs a week. Whoever rotates keys behind such a verifier publishes the key long before it signs, and restarts.
# Source: OpenID Connect Core 1.0 section 10.1.1; RFC 7517 section 5; jwks.js of @cfworker/jwt; use-kv-store.js of the second; getRemoteSecret
#   in index.js of fastify-jwt-jwks; verification.py of fastapi-cloudauth.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @cfworker/jwt@7.0.4 verify-rsa-jwt-cloudflare-worker@1.4.0 fastify-jwt-jwks@3.1.2 fastify@5.12.8 \
  jose@6.2.18 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet fastapi-cloudauth==0.4.3 fastapi==0.165.0 requests==2.34.2 python-jose==3.5.0 PyJWT==2.15.1 cryptography==50.0.2 \
  >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { parseJwt } from '@cfworker/jwt';
import fastify from 'fastify';
import plugin from 'fastify-jwt-jwks';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const folder = './node_modules/verify-rsa-jwt-cloudflare-worker/dist';
const { getJwks } = await import(`${folder}/get-jwks.js`);
const { useKVStore } = await import(`${folder}/use-kv-store.js`);
const { verify } = await import(`${folder}/verify.js`);

const pairs = Object.fromEntries(['old', 'new'].map((kid) => [kid, generateKeyPairSync('rsa', { modulusLength: 2048 })]));
const published = (kid) => ({ ...pairs[kid].publicKey.export({ format: 'jwk' }), kid, use: 'sig', alg: 'RS256' });
let keys;
let fetched;
const server = createServer((request, response) => {
  const found = request.url.endsWith('openid-configuration') ? { issuer, jwks_uri: `${issuer}/jwks` } : { keys };
  if ('keys' in found) fetched += 1;
  response.setHeader('content-type', 'application/json').setHeader('cache-control', 'max-age=60').end(JSON.stringify(found));
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const token = (kid) => {
  const signed = `${part({ alg: 'RS256', kid })}.${part({ iss: issuer, sub: 'ann', aud: 'api', iat: 1700000000, exp: 4000000000 })}`;
  return `${signed}.${sign('sha256', Buffer.from(signed), pairs[kid].privateKey).toString('base64url')}`;
};

// Time passes by this many seconds more than it does.
let ahead = 0;
const clock = Date.now;
Date.now = () => clock() + ahead * 1000;

async function ofPython(library) {
  const child = spawn('venv/bin/python', ['-W', 'ignore', 'probe.py', library, `${issuer}/jwks`], { stdio: ['pipe', 'pipe', 'inherit'] });
  const answers = createInterface(child.stdout)[Symbol.asyncIterator]();
  return async (compact) => {
    child.stdin.write(`${ahead} ${compact}\n`);
    const { value } = await answers.next();
    if (value !== 'taken') throw new Error(value);
  };
}
const libraries = {
  '@cfworker/jwt': () => async (jwt) => {
    const { valid, reason } = await parseJwt({ jwt, issuer, audience: 'api' });
    if (!valid) throw new Error(reason);
  },
  'verify-rsa-jwt-cloudflare-worker': () => {
    const stored = new Map();
    // What a KV namespace does for a Worker, with the lifetime that put() may be given.
    const namespace = {
      get: async (key) => (stored.get(key)?.until > Date.now() ? JSON.parse(stored.get(key).value) : null),
      put: async (key, value, { expirationTtl = Number.POSITIVE_INFINITY } = {}) => stored.set(key, { value, until: Date.now() + expirationTtl * 1000 }),
    };
    return async (jwt) => {
      const { payload } = await verify(jwt, await getJwks(`${issuer}/jwks`, useKVStore(namespace)));
      if (!payload) throw new Error('no payload');
    };
  },
  'fastapi-cloudauth': () => ofPython('fastapi-cloudauth'),
  'fastify-jwt-jwks': async () => {
    const app = fastify();
    await app.register(plugin, { jwksUrl: `${issuer}/jwks`, issuer, audience: 'api' });
    app.get('/', { preValidation: app.authenticate }, async () => 'in');
    return async (jwt) => {
      const { statusCode } = await app.inject({ url: '/', headers: { authorization: `Bearer ${jwt}` } });
      if (statusCode !== 200) throw new Error(`${statusCode}`);
    };
  },
  jose: () => {
    const set = createRemoteJWKSet(new URL(`${issuer}/jwks`));
    return (jwt) => jwtVerify(jwt, set, { issuer, audience: 'api' });
  },
  PyJWT: () => ofPython('PyJWT'),
};
const lookAgain = new Set(['fastify-jwt-jwks', 'jose', 'PyJWT']);
for (const [name, make] of Object.entries(libraries)) {
  keys = [published('old')];
  fetched = ahead = 0;
  const verifies = await make();
  const said = async (kid, later) => {
    ahead += later;
    return verifies(token(kid)).then(() => 'taken', () => 'refused');
  };
  const lines = [`the first key ${await said('old', 0)}`];
  if (lookAgain.has(name)) lines.push(`the second key before it is published ${await said('new', 3600)}`);
  keys = [published('new')];
  const waits = { 'after an hour': 3600, 'after six days': 6 * 86400, 'after a year': 365 * 86400 };
  for (const [when, wait] of Object.entries(waits)) lines.push(`the second key ${when} ${await said('new', wait)}`);
  console.log(`${name}: ${lines.join(', ')}; the key set fetched ${fetched === 1 ? 'once' : 'again'}`);
}
process.exit();
PROBE
cat >probe.py <<'PROBE'
import asyncio, datetime, sys, time
import jwt
from fastapi.security import HTTPAuthorizationCredentials
from fastapi_cloudauth import auth0, verification

library, url = sys.argv[1:]
ahead = 0.0
clock = time.monotonic, time.time
time.monotonic, time.time = (lambda read=read: read() + ahead for read in clock)

class Later(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime.now(tz) + datetime.timedelta(seconds=ahead)
verification.datetime = Later

if library == "PyJWT":
    client = jwt.PyJWKClient(url)
    def verify(token):
        jwt.decode(token, client.get_signing_key_from_jwt(token).key, algorithms=["RS256"], audience="api")
else:
    verifier = verification.JWKsVerifier(auth0.JWKS(url=url), audience="api")
    def verify(token):
        asyncio.run(verifier.verify_token(HTTPAuthorizationCredentials(scheme="Bearer", credentials=token)))
for line in sys.stdin:
    ahead, token = float(line.split()[0]), line.split()[1]
    try:
        verify(token)
        print("taken", flush=True)
    except Exception as error:
        print(repr(error), flush=True)
PROBE
cat >expected.txt <<'EXPECTED'
@cfworker/jwt: the first key taken, the second key after an hour refused, the second key after six days refused, the second key after a year refused; the key set fetched once
verify-rsa-jwt-cloudflare-worker: the first key taken, the second key after an hour refused, the second key after six days refused, the second key after a year refused; the key set fetched once
fastapi-cloudauth: the first key taken, the second key after an hour refused, the second key after six days refused, the second key after a year refused; the key set fetched once
fastify-jwt-jwks: the first key taken, the second key before it is published refused, the second key after an hour refused, the second key after six days refused, the second key after a year taken; the key set fetched again
jose: the first key taken, the second key before it is published refused, the second key after an hour taken, the second key after six days taken, the second key after a year taken; the key set fetched again
PyJWT: the first key taken, the second key before it is published refused, the second key after an hour taken, the second key after six days taken, the second key after a year taken; the key set fetched again
EXPECTED

node probe.mjs >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
