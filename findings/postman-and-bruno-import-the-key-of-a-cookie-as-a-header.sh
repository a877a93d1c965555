#!/usr/bin/env bash
# postman-and-bruno-import-the-key-of-a-cookie-as-a-header
#
# Expected: a collection that is imported from an OpenAPI document sends the credentials that the document names: an API key that is
#   `in: cookie` goes into `Cookie`, and `scheme: Bearer` is the scheme `bearer`, since such names have no case.
# Seen: the importers of Postman and of Bruno both put the key of the cookie into a header field of the same name, `sid: …`. For
#   `scheme: Bearer`, as the registry writes it, Bruno imports no credentials at all; Postman does. OpenID Connect is left out by both.
# Versions: openapi-to-postmanv2 6.3.3, @usebruno/converters 0.23.0 (npm)
# Why it matters: the first call of a partner who imports the document is a 401, and the collection looks right: there is a key in it. A
#   session cookie in a field of another name also ends up in logs that redact `Cookie`. A gateway that publishes a document writes
#   schemes in small letters, and says beside it that keys in cookies are set by hand.
# Source: OpenAPI 3.0.3, Security Scheme Object (`in`, `scheme`); RFC 9110 section 11.1.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openapi-to-postmanv2@6.3.3 @usebruno/converters@0.23.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { promisify } from 'node:util';
import * as bruno from '@usebruno/converters';
import postman from 'openapi-to-postmanv2';

const schemes = {
  'key in a header': { type: 'apiKey', in: 'header', name: 'X-API-Key' },
  'key in a cookie': { type: 'apiKey', in: 'cookie', name: 'sid' },
  'scheme: bearer': { type: 'http', scheme: 'bearer' },
  'scheme: Bearer': { type: 'http', scheme: 'Bearer' },
  'OpenID Connect': { type: 'openIdConnect', openIdConnectUrl: 'https://login.example/.well-known/openid-configuration' },
};
const { openApiToBruno } = bruno.default ?? bruno;
const convert = promisify(postman.convertV2);
for (const [what, scheme] of Object.entries(schemes)) {
  const operation = { operationId: 'orders', security: [{ it: [] }], responses: { 200: { description: 'The orders' } } };
  const about = { openapi: '3.0.3', info: { title: 'Orders', version: '1' }, servers: [{ url: 'https://api.example.com' }] };
  const document = { ...about, components: { securitySchemes: { it: scheme } }, paths: { '/orders': { get: operation } } };
  const { output } = await convert({ type: 'json', data: structuredClone(document) }, {});
  const [{ request }] = output[0].data.item.flatMap((item) => item.item ?? [item]);
  const { type, apikey = [] } = request.auth ?? {};
  const part = (name) => apikey.find(({ key }) => key === name)?.value;
  const sentByPostman = type === 'apikey' ? `${part('in')} ${part('key')}` : (type ?? 'nothing');
  const [{ request: imported }] = (await openApiToBruno(document)).items.flatMap((item) => item.items ?? [item]);
  const { mode, apikey: key } = imported.auth;
  const sentByBruno = mode === 'apikey' ? `${key.placement} ${key.key}` : mode === 'inherit' ? 'nothing' : mode;
  console.log(`${what}: Postman ${sentByPostman}, Bruno ${sentByBruno}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
key in a header: Postman header X-API-Key, Bruno header X-API-Key
key in a cookie: Postman header sid, Bruno header sid
scheme: bearer: Postman bearer, Bruno bearer
scheme: Bearer: Postman bearer, Bruno nothing
OpenID Connect: Postman nothing, Bruno nothing
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
