#!/usr/bin/env bash
# mcp-sdk-registers-itself-for-the-scopes-of-the-first-challenge-alone
#
# Expected: a client registers with the `scope` of its own metadata, or without one; what it asks of the user is said later, in
#   each authorization request.
# Seen: the MCP SDK for TypeScript registers with the scopes of the challenge that it has just got, also if its metadata name more.
#   It keeps the registration. When a later challenge asks for more, the authorization request has these, and a provider that
#   holds clients to what they are registered for answers `invalid_scope`, as oidc-provider does. The user is not asked.
# Versions: @modelcontextprotocol/sdk 1.32.2, oidc-provider 9.13.3 (npm)
# Why it matters: Step-up never works at such a provider, until the program forgets its registration. A server avoids it if its first
#   401 names every scope that its callers will need.
# Source: RFC 7591 section 2 (`scope`); MCP 2025-11-25, Authorization, "Scope Selection Strategy" and "Step-Up Authorization Flow".
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2 oidc-provider@9.13.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import { auth } from '@modelcontextprotocol/sdk/client/auth.js';
import Provider from 'oidc-provider';

const API = 'https://api.example/mcp';
const REDIRECT = 'https://client.example/callback';
const server = createServer();
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  cookies: { keys: ['probe'] },
  scopes: ['openid', 'read', 'write'],
  ttl: { Interaction: 600 },
  features: {
    registration: { enabled: true },
    resourceIndicators: { enabled: true, getResourceServerInfo: () => ({ scope: 'read write' }) },
  },
});
provider.on('registration_create.success', (ctx, client) => console.log(`registered for: ${client.scope}`));
server.on('request', provider.callback());

const metadata = { resource: API, authorization_servers: [issuer], scopes_supported: ['read', 'write'] };
const described = () => new Response(JSON.stringify(metadata), { headers: { 'content-type': 'application/json' } });
const fetchFn = (url, init) => (String(url).startsWith('https://api.example/') ? described() : fetch(url, init));
let registration;
const program = {
  redirectUrl: REDIRECT,
  clientMetadata: { redirect_uris: [REDIRECT], token_endpoint_auth_method: 'none', scope: 'read write' },
  clientInformation: () => registration,
  saveClientInformation(information) {
    registration = information;
  },
  tokens: () => undefined,
  saveTokens() {},
  saveCodeVerifier() {},
  codeVerifier: () => 'unused',
  async redirectToAuthorization(url) {
    const answer = await fetch(url, { redirect: 'manual' });
    const to = new URL(answer.headers.get('location'), issuer);
    const error = to.searchParams.get('error');
    console.log(`asked for: ${url.searchParams.get('scope')}; ${error ?? 'the user is asked'}`);
  },
};
for (const scope of ['read', 'read write']) await auth(program, { serverUrl: API, scope, fetchFn });
server.close();
server.closeAllConnections();
PROBE
cat >expected.txt <<'EXPECTED'
registered for: read
asked for: read; the user is asked
asked for: read write; invalid_scope
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
