#!/usr/bin/env bash
# two-mcp-sdks-ask-for-the-metadata-of-one-server-at-two-addresses
#
# Expected: the metadata of the protected resource `https://api.example/mcp/?v=2` is at one address: the well-known path
#   goes between host and path, and path and query stay.
# Seen: of `/mcp/` the MCP SDK for TypeScript asks at `…/mcp` and the one for Python at `…/mcp/`; of a query the first
#   keeps it and the second drops it. Both then ask at the root, for a resource that is another one. Of an issuer
#   `/tenant/` both take the slash off, as RFC 8414 has it for issuers.
# Versions: @modelcontextprotocol/sdk 1.32.2 (npm), mcp 2.3.0 (PyPI)
# Why it matters: A gateway that answers at exactly the specified address is found by one of the two; the other falls back
#   to the root, gets 404 or the metadata of another resource, and then takes the API for its own authorization server or
#   gives up. Name resources without a slash at the end and without a query, or answer at each form.
# Source: RFC 9728 sections 3 and 3.1; RFC 8414 section 3.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @modelcontextprotocol/sdk@1.32.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet mcp==2.3.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
from mcp.client.auth.utils import build_oauth_authorization_server_metadata_discovery_urls, build_protected_resource_metadata_discovery_urls

cases = json.load(open("cases.json"))
for resource in cases["resources"]:
    asked = build_protected_resource_metadata_discovery_urls(None, resource)
    asked = [url.replace("https://api.example/.well-known/oauth-protected-resource", "…") for url in asked]
    print(f"Python: resource {resource}: {', then '.join(asked)}")
for issuer in cases["issuers"]:
    print(f"Python: issuer {issuer}: {build_oauth_authorization_server_metadata_discovery_urls(issuer, 'https://api.example/mcp')[0]}")
PROBE
cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { buildDiscoveryUrls, discoverOAuthProtectedResourceMetadata } from '@modelcontextprotocol/sdk/client/auth.js';

const resources = ['https://api.example', 'https://api.example/mcp', 'https://api.example/mcp/', 'https://api.example/mcp?v=2'];
const issuers = ['https://login.example', 'https://login.example/tenant', 'https://login.example/tenant/'];
writeFileSync('cases.json', JSON.stringify({ resources, issuers }));
for (const resource of resources) {
  const asked = [];
  const fetchFn = async (url) => {
    asked.push(String(url).replace('https://api.example/.well-known/oauth-protected-resource', '…'));
    return new Response('', { status: 404 });
  };
  await discoverOAuthProtectedResourceMetadata(resource, {}, fetchFn).catch(() => {});
  console.log(`TypeScript: resource ${resource}: ${asked.join(', then ')}`);
}
for (const issuer of issuers) {
  console.log(`TypeScript: issuer ${issuer}: ${buildDiscoveryUrls(issuer)[0].url}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
TypeScript: resource https://api.example: …
TypeScript: resource https://api.example/mcp: …/mcp, then …
TypeScript: resource https://api.example/mcp/: …/mcp, then …
TypeScript: resource https://api.example/mcp?v=2: …/mcp?v=2, then …
TypeScript: issuer https://login.example: https://login.example/.well-known/oauth-authorization-server
TypeScript: issuer https://login.example/tenant: https://login.example/.well-known/oauth-authorization-server/tenant
TypeScript: issuer https://login.example/tenant/: https://login.example/.well-known/oauth-authorization-server/tenant
Python: resource https://api.example: …
Python: resource https://api.example/mcp: …/mcp, then …
Python: resource https://api.example/mcp/: …/mcp/, then …
Python: resource https://api.example/mcp?v=2: …/mcp, then …
Python: issuer https://login.example: https://login.example/.well-known/oauth-authorization-server
Python: issuer https://login.example/tenant: https://login.example/.well-known/oauth-authorization-server/tenant
Python: issuer https://login.example/tenant/: https://login.example/.well-known/oauth-authorization-server/tenant
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
