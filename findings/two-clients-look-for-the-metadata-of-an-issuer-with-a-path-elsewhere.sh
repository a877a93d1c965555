#!/usr/bin/env bash
# two-clients-look-for-the-metadata-of-an-issuer-with-a-path-elsewhere
#
# Expected: the metadata of `https://as.example/tenant/` is at `/.well-known/oauth-authorization-server/tenant`: the well-known part
#   goes before the path, and a slash at the end is taken away first (RFC 8414 section 3.1). So do oauth4webapi, openid-client and
#   the MCP SDK.
# Seen: Authlib keeps the slash and asks for `.../tenant/`. @badgateway/oauth2-client drops the path: it asks for the metadata
#   of the whole host.
# Versions: Authlib 1.9.10, @badgateway/oauth2-client 3.3.1; oauth4webapi 3.8.8, openid-client 6.9.0, MCP SDK 1.32.2 (TypeScript)
# Why it matters: many providers have one issuer for each tenant, with a path (Keycloak, Entra, Okta, Ory). A server of metadata,
#   such as a gateway in front of one, has to answer with and without the slash for the one, and at the bare host for the other.
# Source: RFC 8414 sections 3.1 and 3.3; authlib/oauth2/rfc8414/well_known.py; discover() of @badgateway/oauth2-client.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @badgateway/oauth2-client@3.3.1 oauth4webapi@3.8.8 openid-client@6.9.0 \
  @modelcontextprotocol/sdk@1.32.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >/dev/null 2>&1 || unready "python3 has no venv"
venv/bin/pip install -q Authlib==1.9.10 >pip.log 2>&1 || unready "pip install failed: $(tail -n 1 pip.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';
import { OAuth2Client } from '@badgateway/oauth2-client';
import { discoverAuthorizationServerMetadata } from '@modelcontextprotocol/sdk/client/auth.js';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

let asked;
const server = createServer((request, response) => {
  asked ??= request.url;
  response.writeHead(404).end();
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const host = `http://127.0.0.1:${server.address().port}`;

const clients = {
  '@badgateway/oauth2-client': (issuer) => new OAuth2Client({ server: issuer, clientId: 'c' }).getEndpoint('tokenEndpoint'),
  oauth4webapi: (issuer) => oauth.discoveryRequest(new URL(issuer), { algorithm: 'oauth2', [oauth.allowInsecureRequests]: true }),
  'openid-client': (issuer) =>
    openid.discovery(new URL(issuer), 'c', undefined, undefined, { algorithm: 'oauth2', execute: [openid.allowInsecureRequests] }),
  '@modelcontextprotocol/sdk': (issuer) => discoverAuthorizationServerMetadata(issuer),
};
for (const path of ['/tenant', '/tenant/']) {
  for (const [name, discover] of Object.entries(clients)) {
    asked = undefined;
    await discover(host + path).catch(() => {});
    console.log(`${path} with ${name}: ${asked}`);
  }
}
process.exit();
PROBE
cat >probe.py <<'PROBE'
from authlib.oauth2.rfc8414 import get_well_known_url

for path in ["/tenant", "/tenant/"]:
    address = get_well_known_url("https://as.example" + path, external=True)
    print(f"{path} with Authlib: {address.removeprefix('https://as.example')}")
PROBE
cat >expected.txt <<'EXPECTED'
/tenant with @badgateway/oauth2-client: /.well-known/oauth-authorization-server
/tenant with oauth4webapi: /.well-known/oauth-authorization-server/tenant
/tenant with openid-client: /.well-known/oauth-authorization-server/tenant
/tenant with @modelcontextprotocol/sdk: /.well-known/oauth-authorization-server/tenant
/tenant/ with @badgateway/oauth2-client: /.well-known/oauth-authorization-server
/tenant/ with oauth4webapi: /.well-known/oauth-authorization-server/tenant
/tenant/ with openid-client: /.well-known/oauth-authorization-server/tenant
/tenant/ with @modelcontextprotocol/sdk: /.well-known/oauth-authorization-server/tenant
/tenant with Authlib: /.well-known/oauth-authorization-server/tenant
/tenant/ with Authlib: /.well-known/oauth-authorization-server/tenant/
EXPECTED

{ node probe.mjs && venv/bin/python probe.py; } >seen.txt 2>errors.txt \
  || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
