#!/usr/bin/env bash
# mcp-sdk-keeps-the-id-of-a-session-that-is-gone
#
# Expected: a client whose request with `Mcp-Session-Id` is answered 404 begins another session: `initialize` without the header.
# Seen: the MCP SDK for TypeScript throws, keeps the id, and sends it with each further request. No call of that client succeeds
#   again, although the server would take a new session at once.
# Versions: @modelcontextprotocol/sdk 1.32.2 (npm)
# Why it matters: Whenever a server forgets sessions, by a restart or an idle time, or a gateway binds them with another key, programs
#   hang on until they are restarted. A program has to look for `code` 404 itself, and to connect with another transport.
# Source: MCP 2025-11-25, Transports, "Session Management", item 4.
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
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';

let session = 0;
const fetch = async (_url, init) => {
  if (init.method !== 'POST') return new Response('', { status: 405 });
  const { id, method } = JSON.parse(init.body);
  const sent = init.headers.get('mcp-session-id');
  const begins = method === 'initialize';
  if (begins) session += 1;
  const isGone = sent !== null && sent !== `s${session}`;
  const status = isGone ? 404 : id === undefined ? 202 : 200;
  console.log(`${method} with ${sent ?? 'no session'}: ${status}`);
  if (status !== 200) return new Response(status === 202 ? null : 'gone', { status });
  const initialized = {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'probe', version: '1' },
  };
  const result = begins ? initialized : { tools: [] };
  const headers = { 'content-type': 'application/json', ...(begins && { 'mcp-session-id': `s${session}` }) };
  return new Response(JSON.stringify({ jsonrpc: '2.0', id, result }), { headers });
};
const client = new Client({ name: 'probe', version: '1' });
await client.connect(new StreamableHTTPClientTransport(new URL('https://api.example/mcp'), { fetch }));
await client.listTools();
console.log('the server starts again');
session += 1;
for (const turn of ['first', 'second']) {
  const error = await client.listTools().catch((reason) => reason);
  console.log(`the ${turn} call: ${error.code ?? 'succeeds'}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
initialize with no session: 200
notifications/initialized with s1: 202
tools/list with s1: 200
the server starts again
tools/list with s1: 404
the first call: 404
tools/list with s1: 404
the second call: 404
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
