#!/usr/bin/env bash
# swagger-client-sends-every-alternative-and-nothing-for-dpop
#
# Expected: of `security: [{bearer: []}, {key: []}]` one alternative is chosen; a scheme that the client cannot fill in, as
#   `type: http, scheme: dpop`, is an error or at least a warning.
# Seen: swagger-client, which Swagger UI sends its requests with, adds the credentials of all alternatives that it has,
#   token and key at once. Of `[{bearer: [], key: []}]`, if both are needed, it sends the one that it has. For http
#   schemes other than basic and bearer, and for mutualTLS, it sends the request with no credentials and says nothing. A
#   token response with `token_type: DPoP` becomes `Authorization: DPoP …` without the proof that belongs to it.
# Versions: swagger-client 3.37.3
# Why it matters: Who tries an API in Swagger UI through a gateway gets answers for two identities in one request, or a 401
#   that looks like a wrong token. A gateway that refuses two credentials in one request should say so in the problem.
# Source: OpenAPI 3.1, Operation Object "security" and Security Requirement Object; RFC 9449 section 7.1.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts swagger-client@3.37.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import SwaggerClient from 'swagger-client';

console.warn = console.error = () => console.log('(a warning was written)');
const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  key: { type: 'apiKey', in: 'header', name: 'X-Key' },
  dpop: { type: 'http', scheme: 'dpop' },
  mtls: { type: 'mutualTLS' },
  oauth: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://login.example/token', scopes: {} } } },
};
const held = { bearer: { value: 'TOKEN' }, key: { value: 'KEY' }, dpop: { value: 'TOKEN' }, mtls: { value: 'x' }, oauth: { token: { access_token: 'TOKEN', token_type: 'DPoP' } } };
for (const [what, security, names] of [
  ['bearer or key, has both', [{ bearer: [] }, { key: [] }], ['bearer', 'key']],
  ['bearer or key, has the key', [{ bearer: [] }, { key: [] }], ['key']],
  ['bearer and key, has the token', [{ bearer: [], key: [] }], ['bearer']],
  ['nothing or bearer, has the token', [{}, { bearer: [] }], ['bearer']],
  ['http scheme dpop', [{ dpop: [] }], ['dpop']],
  ['mutualTLS', [{ mtls: [] }], ['mtls']],
  ['oauth2, token_type DPoP', [{ oauth: [] }], ['oauth']],
]) {
  const spec = {
    openapi: '3.1.0', info: { title: 'probe', version: '1' }, servers: [{ url: 'https://api.example' }], components: { securitySchemes },
    paths: { '/x': { get: { operationId: 'get', security, responses: { 200: { description: 'ok' } } } } },
  };
  const authorized = Object.fromEntries(names.map((name) => [name, held[name]]));
  const { headers } = await SwaggerClient.buildRequest({ spec, operationId: 'get', securities: { authorized } });
  console.log(`${what}: ${JSON.stringify(headers)}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
bearer or key, has both: {"Authorization":"Bearer TOKEN","X-Key":"KEY"}
bearer or key, has the key: {"X-Key":"KEY"}
bearer and key, has the token: {"Authorization":"Bearer TOKEN"}
nothing or bearer, has the token: {"Authorization":"Bearer TOKEN"}
http scheme dpop: {}
mutualTLS: {}
oauth2, token_type DPoP: {"Authorization":"DPoP TOKEN"}
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
