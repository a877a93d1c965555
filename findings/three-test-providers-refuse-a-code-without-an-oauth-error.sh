#!/usr/bin/env bash
# three-test-providers-refuse-a-code-without-an-oauth-error
#
# Expected: a token endpoint that refuses a code answers 400 with JSON whose `error` is a code of RFC 6749, here
#   `invalid_grant`, and a grant type that it does not know with `unsupported_grant_type`.
# Seen: oauth2-mock-server answers with an RFC 9457 problem that has no `error`. @mongodb-js/oidc-mock-provider answers
#   500 with a sentence of JavaScript as `error`. @simulacrum/auth0-simulator answers text/html. oauth4webapi finds no
#   OAuth error in any of the three and reports a response it did not expect. oidc-provider does it as specified.
# Versions: oauth2-mock-server 9.3.0, @mongodb-js/oidc-mock-provider 0.13.18, @simulacrum/auth0-simulator 0.11.4,
#   oidc-provider 9.13.3, oauth4webapi 3.8.8
# Why it matters: A gateway ends a session at `invalid_grant` and keeps it through a failure that may pass. Against these
#   three it never sees the first: a test of "the login has ended" shows a retry and a 502 or 503 in place of a new login.
# Source: RFC 6749 section 5.2.
# Needs: node 20 or later with npm, openssl
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts oauth2-mock-server@9.3.0 @mongodb-js/oidc-mock-provider@0.13.18 @simulacrum/auth0-simulator@0.11.4 oidc-provider@9.13.3 oauth4webapi@3.8.8 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
command -v openssl >/dev/null || unready "openssl is missing"
mkdir -p home/.simulacrum/certs
openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost \
  -keyout home/.simulacrum/certs/localhost-key.pem -out home/.simulacrum/certs/localhost.pem 2>openssl.log || unready "openssl failed"

cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { request } from 'node:https';
import { createRequire } from 'node:module';
import { OIDCMockProvider } from '@mongodb-js/oidc-mock-provider';
import * as oauth from 'oauth4webapi';
import { OAuth2Server } from 'oauth2-mock-server';
import Provider from 'oidc-provider';

process.env.HOME = `${process.cwd()}/home`;
console.error = console.warn = console.info = () => {};
const { simulation } = createRequire(import.meta.url)('@simulacrum/auth0-simulator');

const mock = new OAuth2Server();
await mock.issuer.keys.generate('RS256');
await mock.start(0, '127.0.0.1');
const mongodb = await OIDCMockProvider.create({ hostname: '127.0.0.1', getTokenPayload: () => ({ expires_in: 60, payload: {} }) });
const auth0 = await simulation().listen(0, '127.0.0.1');
const listener = createServer().listen(0, '127.0.0.1');
await new Promise((ready) => listener.on('listening', ready));
const panva = `http://127.0.0.1:${listener.address().port}`;
listener.on('request', new Provider(panva, {
  clients: [{ client_id: 'probe', token_endpoint_auth_method: 'none', redirect_uris: ['http://127.0.0.1/cb'] }],
}).callback());

const overHttps = (body) => new Promise((resolve, reject) => {
  const ca = readFileSync('home/.simulacrum/certs/localhost.pem');
  request({ host: '127.0.0.1', port: auth0.port, path: '/oauth/token', method: 'POST', servername: 'localhost', ca, headers: { 'Content-Type': 'application/x-www-form-urlencoded' } }, async (response) => {
    let text = '';
    for await (const chunk of response) text += chunk;
    resolve(new Response(text, { status: response.statusCode, headers: { 'Content-Type': response.headers['content-type'] } }));
  }).on('error', reject).end(body);
});
const over = (url) => (body) => fetch(url, { method: 'POST', headers: { 'Content-Type': 'application/x-www-form-urlencoded' }, body });
const tokenEndpoints = {
  'oidc-provider': over(`${panva}/token`),
  'oauth2-mock-server': over(`http://127.0.0.1:${mock.address().port}/token`),
  'oidc-mock-provider': over(`${mongodb.issuer}/token`),
  'auth0-simulator': overHttps,
};
const requests = {
  'unknown code': { grant_type: 'authorization_code', client_id: 'probe', code: 'not-issued', redirect_uri: 'http://127.0.0.1/cb', code_verifier: 'v'.repeat(43) },
  'unknown grant type': { grant_type: 'urn:example:new', client_id: 'probe' },
};
for (const [name, post] of Object.entries(tokenEndpoints)) {
  for (const [what, body] of Object.entries(requests)) {
    const response = await post(new URLSearchParams(body).toString());
    const text = await response.clone().text();
    let error;
    try { error = JSON.parse(text).error; } catch { error = 'not JSON'; }
    console.log(`${name}: ${what}: ${response.status} ${response.headers.get('content-type')}: error ${error}`);
    if (what !== 'unknown code') continue;
    const client = await oauth.processAuthorizationCodeResponse({ issuer: 'http://127.0.0.1' }, { client_id: 'probe' }, response).catch((reason) => reason);
    console.log(`${name}: ${what}: oauth4webapi: ${client.constructor.name}: ${client.error ?? client.message}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
oidc-provider: unknown code: 400 application/json; charset=utf-8: error invalid_grant
oidc-provider: unknown code: oauth4webapi: ResponseBodyError: invalid_grant
oidc-provider: unknown grant type: 400 application/json; charset=utf-8: error unsupported_grant_type
oauth2-mock-server: unknown code: 400 application/problem+json; charset=utf-8: error undefined
oauth2-mock-server: unknown code: oauth4webapi: OperationProcessingError: "response" content-type must be application/json
oauth2-mock-server: unknown grant type: 400 application/problem+json; charset=utf-8: error undefined
oidc-mock-provider: unknown code: 500 application/json: error Cannot destructure property 'client_id' of 'this.retrieveFromStorage(...)' as it is undefined.
oidc-mock-provider: unknown code: oauth4webapi: OperationProcessingError: "response" is not a conform Token Endpoint response (unexpected HTTP status code)
oidc-mock-provider: unknown grant type: 500 application/json: error Cannot destructure property 'client_id' of 'this.retrieveFromStorage(...)' as it is undefined.
auth0-simulator: unknown code: 400 text/html; charset=utf-8: error not JSON
auth0-simulator: unknown code: oauth4webapi: OperationProcessingError: "response" content-type must be application/json
auth0-simulator: unknown grant type: 400 text/html; charset=utf-8: error not JSON
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
