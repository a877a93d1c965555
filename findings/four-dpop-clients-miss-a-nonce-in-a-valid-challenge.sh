#!/usr/bin/env bash
# four-dpop-clients-miss-a-nonce-in-a-valid-challenge
#
# Expected: a resource server asks for a nonce with a DPoP challenge that has `error="use_dpop_nonce"`. It may stand before or behind
#   one for Bearer, a scheme has no case, and a value that is a token needs no quotation marks. So oauth4webapi reads it.
# Seen: @atproto/oauth-client and requests_oauth2client find it only if DPoP comes first and is written `DPoP`, the former only
#   with quotation marks. @openid4vc/oauth2 finds only `DPoP`. @okta/okta-auth-js takes the parameters of all challenges for
#   one: an error that Bearer has behind it hides the nonce. requests_oauth2client throws MissingDPoPNonce at any 401 with
#   a DPoP challenge that has no nonce, such as one for an expired token.
# Versions: @atproto/oauth-client 0.6.1, @okta/okta-auth-js 8.0.1, @openid4vc/oauth2 0.4.6, oauth4webapi 3.8.8 (npm);
#   requests_oauth2client 1.8.0 (PyPI)
# Why it matters: the client then gives up at a call that would have been answered. A server that takes both schemes puts the one first that
#   was used, writes `DPoP` so, quotes each value, and says only in the first challenge what is wrong.
# Source: RFC 9449 sections 7.1 and 9; RFC 9110 sections 11.1, 11.2 and 11.6.1; fetch-dpop.js of @atproto/oauth-client; WWWAuthError.js of Okta.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @atproto/oauth-client@0.6.1 @atproto/jwk-jose@0.1.11 @okta/okta-auth-js@8.0.1 \
  @openid4vc/oauth2@0.4.6 oauth4webapi@3.8.8 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet requests_oauth2client==1.8.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { JoseKey } from '@atproto/jwk-jose';
import { OktaAuth } from '@okta/okta-auth-js';
import { resourceRequest } from '@openid4vc/oauth2';
import * as oauth from 'oauth4webapi';
import { dpopFetchWrapper } from './node_modules/@atproto/oauth-client/dist/fetch-dpop.js';

const NONCE = 'n1';
const fields = [
  'DPoP error="use_dpop_nonce", algs="ES256"',
  'DPoP error="use_dpop_nonce", Bearer realm="api"',
  'DPoP error="use_dpop_nonce", Bearer error="invalid_token"',
  'Bearer realm="api", DPoP error="use_dpop_nonce"',
  'DPoP error=use_dpop_nonce',
  'dpop error="use_dpop_nonce"',
];
const server = createServer((request, response) => {
  const [, claims] = request.headers.dpop?.split('.') ?? [];
  const field = decodeURIComponent(request.url.slice(1));
  if (claims && JSON.parse(Buffer.from(claims, 'base64url')).nonce === NONCE) response.end();
  else response.writeHead(401, { 'WWW-Authenticate': field, ...(field.includes('nonce') ? { 'DPoP-Nonce': NONCE } : {}) }).end();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const origin = `http://127.0.0.1:${server.address().port}/`;
const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const { kty, crv, x, y, d } = await crypto.subtle.exportKey('jwk', pair.privateKey);
const publicJwk = { kty, crv, x, y };
const sha256 = (data) => createHash('sha256').update(data);
const encoded = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');

async function signJwt(_signer, { header, payload }) {
  const input = `${encoded(header)}.${encoded(payload)}`;
  const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, pair.privateKey, Buffer.from(input));
  return { jwt: `${input}.${Buffer.from(signature).toString('base64url')}`, signerJwk: publicJwk };
}
const clients = {
  async '@atproto/oauth-client'(url) {
    const key = await JoseKey.fromJWK({ ...publicJwk, d, kid: 'k', alg: 'ES256' });
    const options = { key, nonces: new Map(), fetch, isAuthServer: false, supportedAlgs: ['ES256'], sha256: async (text) => sha256(text).digest('base64url') };
    return (await dpopFetchWrapper(options)(url, { headers: { authorization: 'DPoP t' } })).ok;
  },
  async '@okta/okta-auth-js'(url) {
    const client = new OktaAuth({ issuer: 'https://login.example', clientId: 'c', dpop: true });
    return client.parseUseDPoPNonceError((await fetch(url)).headers) === NONCE;
  },
  async '@openid4vc/oauth2'(url) {
    const answer = await resourceRequest({
      // It signs only addresses of https.
      url: url.replace('http:', 'https:'),
      accessToken: 't',
      requestOptions: {},
      dpop: { signer: { method: 'jwk', alg: 'ES256', publicJwk } },
      callbacks: {
        fetch: (address, init) => fetch(String(address).replace('https:', 'http:'), init),
        hash: (data) => sha256(data).digest(),
        generateRandom: (length) => randomBytes(length),
        signJwt,
      },
    });
    return answer.ok;
  },
  async oauth4webapi(url) {
    const DPoP = oauth.DPoP({ client_id: 'c' }, pair);
    const call = () => oauth.protectedResourceRequest('t', 'GET', new URL(url), undefined, undefined, { DPoP, [oauth.allowInsecureRequests]: true });
    return (await call().catch((error) => (oauth.isDPoPNonceError(error) ? call() : {}))).ok === true;
  },
};
for (const [name, isAnswered] of Object.entries(clients)) {
  for (const field of fields) {
    console.log(`${name}: ${field}: ${(await isAnswered(origin + encodeURIComponent(field))) ? 'goes on with the nonce' : 'gives up'}`);
  }
}
const python = spawn('venv/bin/python', ['-W', 'ignore', 'probe.py', origin, ...fields, 'DPoP error="invalid_token"'], { stdio: 'inherit' });
const [code] = await once(python, 'exit');
process.exit(code);
PROBE
cat >probe.py <<'PROBE'
import sys, urllib.parse
import requests
from requests_oauth2client import DPoPKey, DPoPToken

for field in sys.argv[2:]:
    token = DPoPToken(access_token="t", _dpop_key=DPoPKey.generate("ES256"))
    try:
        answer = requests.get(sys.argv[1] + urllib.parse.quote(field, safe=""), auth=token)
        outcome = "goes on with the nonce" if answer.ok else "gives up"
    except Exception as error:
        outcome = f"throws {type(error).__name__}"
    print(f"requests_oauth2client: {field}: {outcome}")
PROBE
cat >expected.txt <<'EXPECTED'
@atproto/oauth-client: DPoP error="use_dpop_nonce", algs="ES256": goes on with the nonce
@atproto/oauth-client: DPoP error="use_dpop_nonce", Bearer realm="api": goes on with the nonce
@atproto/oauth-client: DPoP error="use_dpop_nonce", Bearer error="invalid_token": goes on with the nonce
@atproto/oauth-client: Bearer realm="api", DPoP error="use_dpop_nonce": gives up
@atproto/oauth-client: DPoP error=use_dpop_nonce: gives up
@atproto/oauth-client: dpop error="use_dpop_nonce": gives up
@okta/okta-auth-js: DPoP error="use_dpop_nonce", algs="ES256": goes on with the nonce
@okta/okta-auth-js: DPoP error="use_dpop_nonce", Bearer realm="api": goes on with the nonce
@okta/okta-auth-js: DPoP error="use_dpop_nonce", Bearer error="invalid_token": gives up
@okta/okta-auth-js: Bearer realm="api", DPoP error="use_dpop_nonce": goes on with the nonce
@okta/okta-auth-js: DPoP error=use_dpop_nonce: goes on with the nonce
@okta/okta-auth-js: dpop error="use_dpop_nonce": goes on with the nonce
@openid4vc/oauth2: DPoP error="use_dpop_nonce", algs="ES256": goes on with the nonce
@openid4vc/oauth2: DPoP error="use_dpop_nonce", Bearer realm="api": goes on with the nonce
@openid4vc/oauth2: DPoP error="use_dpop_nonce", Bearer error="invalid_token": goes on with the nonce
@openid4vc/oauth2: Bearer realm="api", DPoP error="use_dpop_nonce": goes on with the nonce
@openid4vc/oauth2: DPoP error=use_dpop_nonce: goes on with the nonce
@openid4vc/oauth2: dpop error="use_dpop_nonce": gives up
oauth4webapi: DPoP error="use_dpop_nonce", algs="ES256": goes on with the nonce
oauth4webapi: DPoP error="use_dpop_nonce", Bearer realm="api": goes on with the nonce
oauth4webapi: DPoP error="use_dpop_nonce", Bearer error="invalid_token": goes on with the nonce
oauth4webapi: Bearer realm="api", DPoP error="use_dpop_nonce": goes on with the nonce
oauth4webapi: DPoP error=use_dpop_nonce: goes on with the nonce
oauth4webapi: dpop error="use_dpop_nonce": goes on with the nonce
requests_oauth2client: DPoP error="use_dpop_nonce", algs="ES256": goes on with the nonce
requests_oauth2client: DPoP error="use_dpop_nonce", Bearer realm="api": goes on with the nonce
requests_oauth2client: DPoP error="use_dpop_nonce", Bearer error="invalid_token": goes on with the nonce
requests_oauth2client: Bearer realm="api", DPoP error="use_dpop_nonce": gives up
requests_oauth2client: DPoP error=use_dpop_nonce: goes on with the nonce
requests_oauth2client: dpop error="use_dpop_nonce": gives up
requests_oauth2client: DPoP error="invalid_token": throws MissingDPoPNonce
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
