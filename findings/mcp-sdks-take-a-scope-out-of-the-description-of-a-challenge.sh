#!/usr/bin/env bash
# mcp-sdks-take-a-scope-out-of-the-description-of-a-challenge
#
# Expected: parameters of a challenge are read as such: the text of `error_description` is no parameter, a name has no case,
#   spaces around `=` are allowed, and a Bearer challenge is found also after another one.
# Seen: the MCP SDKs look for `scope=` in the whole field. Of `error_description="the token lacks scope=write"` before
#   `scope="read"` both take the scope `write"`, quotation mark included, and of `x_scope="no"` the value for `scope`.
#   Neither finds `SCOPE=` or `scope = `. The SDK for TypeScript reads nothing at all if Bearer is not the first
#   challenge, as after DPoP, or has two spaces behind it; the one for Python takes any scheme's.
# Versions: @modelcontextprotocol/sdk 1.32.2 (npm), mcp 2.3.0 (PyPI); oauth4webapi 3.8.8 for comparison
# Why it matters: The scope read here is the one that the client asks its user for. A gateway that protects an MCP server
#   puts Bearer first, writes `scope` and `resource_metadata` before `error_description`, each as name="value" without
#   spaces and in small letters, and keeps `scope=` and `error=` out of its texts.
# Source: RFC 9110 sections 11.2 and 11.6.1; RFC 6750 section 3; RFC 9728 section 5.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2 oauth4webapi@3.8.8 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet mcp==2.3.0 httpx==0.28.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
import httpx
from mcp.client.auth.utils import extract_scope_from_www_auth

for field in json.load(open("fields.json")):
    response = httpx.Response(401, headers={"WWW-Authenticate": field})
    print(f"MCP SDK (Python): {field}: {extract_scope_from_www_auth(response) or 'no scope'}")
PROBE
cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import * as oauth from 'oauth4webapi';

const fields = [
  'Bearer error="invalid_token", scope="read", error_description="expired"',
  'Bearer error="insufficient_scope", error_description="the token lacks scope=write", scope="read"',
  'Bearer x_scope="no", scope="read"',
  'Bearer SCOPE="read"',
  'Bearer scope = "read"',
  'Bearer  scope="read"',
  'DPoP algs="ES256", Bearer scope="read"',
  'Basic realm="api", Bearer scope="read"',
];
writeFileSync('fields.json', JSON.stringify(fields));
const as = { issuer: 'https://login.example', introspection_endpoint: 'https://login.example/introspect' };
const readers = {
  'MCP SDK (TypeScript)': async (response) => extractWWWAuthenticateParams(response).scope,
  'oauth4webapi': async (response) => {
    const error = await oauth.processIntrospectionResponse(as, { client_id: 'probe' }, response).catch((reason) => reason);
    return error.cause.find(({ scheme }) => scheme === 'bearer')?.parameters.scope;
  },
};
for (const [name, read] of Object.entries(readers)) {
  for (const field of fields) {
    const response = new Response('', { status: 401, headers: { 'WWW-Authenticate': field } });
    console.log(`${name}: ${field}: ${await read(response) ?? 'no scope'}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
MCP SDK (TypeScript): Bearer error="invalid_token", scope="read", error_description="expired": read
MCP SDK (TypeScript): Bearer error="insufficient_scope", error_description="the token lacks scope=write", scope="read": write"
MCP SDK (TypeScript): Bearer x_scope="no", scope="read": no
MCP SDK (TypeScript): Bearer SCOPE="read": no scope
MCP SDK (TypeScript): Bearer scope = "read": no scope
MCP SDK (TypeScript): Bearer  scope="read": no scope
MCP SDK (TypeScript): DPoP algs="ES256", Bearer scope="read": no scope
MCP SDK (TypeScript): Basic realm="api", Bearer scope="read": no scope
oauth4webapi: Bearer error="invalid_token", scope="read", error_description="expired": read
oauth4webapi: Bearer error="insufficient_scope", error_description="the token lacks scope=write", scope="read": read
oauth4webapi: Bearer x_scope="no", scope="read": read
oauth4webapi: Bearer SCOPE="read": read
oauth4webapi: Bearer scope = "read": read
oauth4webapi: Bearer  scope="read": read
oauth4webapi: DPoP algs="ES256", Bearer scope="read": read
oauth4webapi: Basic realm="api", Bearer scope="read": read
MCP SDK (Python): Bearer error="invalid_token", scope="read", error_description="expired": read
MCP SDK (Python): Bearer error="insufficient_scope", error_description="the token lacks scope=write", scope="read": write"
MCP SDK (Python): Bearer x_scope="no", scope="read": no
MCP SDK (Python): Bearer SCOPE="read": no scope
MCP SDK (Python): Bearer scope = "read": no scope
MCP SDK (Python): Bearer  scope="read": read
MCP SDK (Python): DPoP algs="ES256", Bearer scope="read": read
MCP SDK (Python): Basic realm="api", Bearer scope="read": read
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
