#!/usr/bin/env bash
# mcp-sdk-refreshes-when-a-token-lacks-a-scope-and-gives-up
#
# Expected: after 403 `insufficient_scope`, a client requests an authorization with the scopes of the challenge.
# Seen: the MCP SDK for TypeScript does so only if it has no refresh token. With one it refreshes, which adds no scope
#   (RFC 6749 section 6), sends the message again, and throws at the second 403. The user is never asked.
# Versions: @modelcontextprotocol/sdk 1.32.2 (npm)
# Why it matters: A user whose first token lacks the scope of a tool cannot use that tool until the refresh token ends. A
#   server avoids it if its first 401 names every scope that its callers will need.
# Source: RFC 6750 section 3.1; MCP 2025-11-25, Authorization, "Step-Up Authorization Flow".
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

const API = 'https://api.example/mcp';
const ISSUER = 'https://login.example';
const json = (value) => new Response(JSON.stringify(value), { headers: { 'content-type': 'application/json' } });
const challenge = 'Bearer error="insufficient_scope", scope="read write"';

async function probe(name, refreshToken) {
  const done = [];
  const answers = {
    [API]: () => new Response('', { status: 403, headers: { 'www-authenticate': challenge } }),
    'https://api.example/.well-known/oauth-protected-resource/mcp': () => json({ resource: API, authorization_servers: [ISSUER] }),
    [`${ISSUER}/.well-known/oauth-authorization-server`]: () =>
      json({
        issuer: ISSUER,
        authorization_endpoint: `${ISSUER}/authorize`,
        token_endpoint: `${ISSUER}/token`,
        response_types_supported: ['code'],
        code_challenge_methods_supported: ['S256'],
      }),
    [`${ISSUER}/token`]: () => json({ access_token: 'renewed', token_type: 'Bearer', scope: 'read' }),
  };
  const fetch = async (url, init) => {
    const body = init?.body instanceof URLSearchParams ? init.body : new URLSearchParams();
    if (String(url) === API) done.push('calls');
    if (body.has('grant_type')) done.push(`${body.get('grant_type')} for ${body.get('scope') ?? 'no scope'}`);
    return answers[String(url)]?.() ?? new Response('', { status: 404 });
  };
  const held = { access_token: 'narrow', token_type: 'Bearer', scope: 'read', refresh_token: refreshToken, issuer: ISSUER };
  const authProvider = {
    redirectUrl: 'https://client.example/callback',
    clientMetadata: { redirect_uris: ['https://client.example/callback'] },
    clientInformation: () => ({ client_id: 'probe', issuer: ISSUER }),
    tokens: () => held,
    saveTokens() {},
    saveCodeVerifier() {},
    codeVerifier: () => 'unused',
    redirectToAuthorization: (url) => void done.push(`asks the user for ${url.searchParams.get('scope')}`),
  };
  const transport = new StreamableHTTPClientTransport(new URL(API), { authProvider, fetch });
  await transport.start();
  const error = await transport.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' }).catch((reason) => reason);
  console.log(`${name}: ${done.join(', ')}, then fails: ${error.message}`);
}
await probe('without a refresh token', undefined);
await probe('with a refresh token', 'a refresh token');
PROBE
cat >expected.txt <<'EXPECTED'
without a refresh token: calls, asks the user for read write, then fails: Unauthorized
with a refresh token: calls, refresh_token for no scope, calls, then fails: Streamable HTTP error: Server returned 403 after trying upscoping
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
