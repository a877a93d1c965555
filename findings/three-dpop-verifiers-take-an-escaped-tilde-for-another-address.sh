#!/usr/bin/env bash
# three-dpop-verifiers-take-an-escaped-tilde-for-another-address
#
# Expected: a proof for `/~ann` fits a request for `/%7Eann`: the two are one address (RFC 3986 section 6.2.2), and RFC 9449 has
#   servers normalise before they compare `htu`. So it is in express-oauth2-jwt-bearer.
# Seen: oauth4webapi, @atproto/oauth-provider and @solid/access-token-verifier refuse the proof, and one for `/a%2fb` at
#   `/a%2Fb`. The first two parse both as a URL, which folds the host, the port and dots, and leaves escapes as they are; the
#   third compares texts, and refuses a host in capitals and a port of 443 as well.
# Versions: oauth4webapi 3.8.8, @atproto/oauth-provider 0.15.15, @solid/access-token-verifier 2.1.1,
#   express-oauth2-jwt-bearer 1.10.0
# Why it matters: requests (Python) and others write `%7E` as `~` on the way, and proxies write escapes in capitals. A client that
#   signs the address as its caller wrote it is then refused at each call. A gateway that checks proofs normalises both sides,
#   and forwards a path as it came.
# Source: RFC 9449 section 4.3, check 9; RFC 3986 sections 6.2.2 and 6.2.3; normalizeHtu of oauth4webapi; dpop-manager.js of atproto.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts oauth4webapi@3.8.8 @atproto/oauth-provider@0.15.15 @solid/access-token-verifier@2.1.1 \
  express-oauth2-jwt-bearer@1.10.0 express@5.3.0 jose@6.2.18 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createHash, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { createRequire } from 'node:module';
import express from 'express';
import { auth } from 'express-oauth2-jwt-bearer';
import { SignJWT, calculateJwkThumbprint, exportJWK, generateKeyPair } from 'jose';
import { allowInsecureRequests, validateJwtAccessToken } from 'oauth4webapi';

const require = createRequire(import.meta.url);
const { DpopManager } = require('./node_modules/@atproto/oauth-provider/dist/dpop/dpop-manager.js');
const { verifyDpopProofHttpUri } = require('./node_modules/@solid/access-token-verifier/dist/algorithm/verifyDpopProofHttpUri.js');

const signer = await generateKeyPair('RS256');
const holder = await generateKeyPair('ES256');
const jwk = await exportJWK(holder.publicKey);
const keys = [{ ...(await exportJWK(signer.publicKey)), kid: '1', alg: 'RS256', use: 'sig' }];

async function listening(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return server.address().port;
}
const provider = createServer((request, response) => {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(request.url === '/jwks' ? { keys } : { issuer, jwks_uri: `${issuer}jwks` }));
});
const issuer = `http://127.0.0.1:${await listening(provider)}/`;

const token = await new SignJWT({ client_id: 'c', cnf: { jkt: await calculateJwkThumbprint(jwk) } })
  .setProtectedHeader({ alg: 'RS256', kid: '1', typ: 'at+jwt' })
  .setIssuer(issuer)
  .setAudience('urn:api')
  .setSubject('u')
  .setJti('1')
  .setIssuedAt()
  .setExpirationTime('5m')
  .sign(signer.privateKey);

const proofFor = (htu) =>
  new SignJWT({ htu, htm: 'GET', jti: randomUUID(), ath: createHash('sha256').update(token).digest('base64url') })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(holder.privateKey);

const app = express().set('trust proxy', true);
app.use(auth({ issuerBaseURL: issuer, audience: 'urn:api', dpop: { enabled: true, required: true } }));
app.use((request, response) => response.end('taken'));
app.use((error, request, response, next) => response.status(error.status ?? 500).end(error.message));
const port = await listening(createServer(app));

const verifiers = {
  oauth4webapi: (address, proof) =>
    validateJwtAccessToken(
      { issuer, jwks_uri: `${issuer}jwks` },
      new Request(address, { headers: { authorization: `DPoP ${token}`, dpop: proof } }),
      'urn:api',
      { requireDPoP: true, [allowInsecureRequests]: true },
    ),
  '@atproto/oauth-provider': (address, dpop) =>
    new DpopManager({ dpopSecret: false }).checkProof('GET', new URL(address), { dpop }, token),
  '@solid/access-token-verifier': (address, proof) =>
    verifyDpopProofHttpUri(address, JSON.parse(Buffer.from(proof.split('.')[1], 'base64url')).htu),
  'express-oauth2-jwt-bearer': async (address, dpop) => {
    const [, host, path] = address.match(/^https:\/\/([^/]+)(.*)$/);
    const headers = { host, 'x-forwarded-proto': 'https', authorization: `DPoP ${token}`, dpop };
    const call = send({ host: '127.0.0.1', port, path, headers });
    call.end();
    const [answer] = await once(call, 'response');
    answer.resume();
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode}`);
  },
};

for (const [name, check] of Object.entries(verifiers)) {
  console.log(name);
  for (const [address, htu] of [
    ['https://api.example/~ann', 'https://api.example/~ann'],
    ['https://api.example/~ann', 'https://api.example/%7Eann'],
    ['https://api.example/%7Eann', 'https://api.example/~ann'],
    ['https://api.example/a%2fb', 'https://api.example/a%2Fb'],
    ['https://api.example/a', 'https://API.example:443/a'],
  ]) {
    const proof = await proofFor(htu);
    let seen = 'taken';
    try {
      await check(address, proof);
    } catch {
      seen = 'refused';
    }
    console.log(`  at ${address}, proof for ${htu}: ${seen}`);
  }
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
oauth4webapi
  at https://api.example/~ann, proof for https://api.example/~ann: taken
  at https://api.example/~ann, proof for https://api.example/%7Eann: refused
  at https://api.example/%7Eann, proof for https://api.example/~ann: refused
  at https://api.example/a%2fb, proof for https://api.example/a%2Fb: refused
  at https://api.example/a, proof for https://API.example:443/a: taken
@atproto/oauth-provider
  at https://api.example/~ann, proof for https://api.example/~ann: taken
  at https://api.example/~ann, proof for https://api.example/%7Eann: refused
  at https://api.example/%7Eann, proof for https://api.example/~ann: refused
  at https://api.example/a%2fb, proof for https://api.example/a%2Fb: refused
  at https://api.example/a, proof for https://API.example:443/a: taken
@solid/access-token-verifier
  at https://api.example/~ann, proof for https://api.example/~ann: taken
  at https://api.example/~ann, proof for https://api.example/%7Eann: refused
  at https://api.example/%7Eann, proof for https://api.example/~ann: refused
  at https://api.example/a%2fb, proof for https://api.example/a%2Fb: refused
  at https://api.example/a, proof for https://API.example:443/a: refused
express-oauth2-jwt-bearer
  at https://api.example/~ann, proof for https://api.example/~ann: taken
  at https://api.example/~ann, proof for https://api.example/%7Eann: taken
  at https://api.example/%7Eann, proof for https://api.example/~ann: taken
  at https://api.example/a%2fb, proof for https://api.example/a%2Fb: taken
  at https://api.example/a, proof for https://API.example:443/a: taken
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
