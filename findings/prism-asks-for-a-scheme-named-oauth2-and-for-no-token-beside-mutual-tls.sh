#!/usr/bin/env bash
# prism-asks-for-a-scheme-named-oauth2-and-for-no-token-beside-mutual-tls
#
# Expected: the mock of an operation asks for what its security says. `oauth2` and `openIdConnect` mean a bearer token, and so does the challenge.
#   A scheme name is read in any letters. A requirement with two schemes needs both, and one that the mock does not know is not met.
# Seen: Prism challenges with `OAuth2` and `OpenID`, which are no registered schemes, and then takes a bearer token. It refuses `bearer` in small
#   letters and takes `basic`. mutualTLS and `scheme: dpop` are met by nothing at all, and if mutualTLS is written first, the bearer
#   token beside it need not be there either. A 401 for an API key has no challenge.
# Versions: @stoplight/prism-cli 5.14.2 (npm)
# Why it matters: a client that reads challenges, as MCP and DPoP clients do, begins no login against the mock, or is changed until it does and then
#   fails at the API, which says Bearer. Contract tests that leave the token out stay green for certificate-bound and DPoP operations. A
#   gateway that stands before the mock answers 401 as production does.
# Source: OpenAPI 3.1.1 section 4.8.30; RFC 9110 sections 11.1, 11.6.1 and 15.5.2; RFC 6750 section 3; validators/security of prism-http.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @stoplight/prism-cli@5.14.2 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

const securitySchemes = {
  bearer: { type: 'http', scheme: 'bearer' },
  basic: { type: 'http', scheme: 'basic' },
  dpop: { type: 'http', scheme: 'dpop' },
  apiKey: { type: 'apiKey', in: 'header', name: 'X-Key' },
  oauth2: { type: 'oauth2', flows: { clientCredentials: { tokenUrl: 'https://login.example/token', scopes: {} } } },
  openIdConnect: { type: 'openIdConnect', openIdConnectUrl: 'https://login.example/.well-known/openid-configuration' },
  mutualTLS: { type: 'mutualTLS' },
};
const token = (scheme) => ({ authorization: `${scheme} eDp5` });
const rows = [
  ['bearer', {}],
  ['bearer', token('Bearer')],
  ['bearer', token('bearer')],
  ['basic', token('basic')],
  ['oauth2', {}],
  ['oauth2', token('Bearer')],
  ['openIdConnect', {}],
  ['openIdConnect', token('Bearer')],
  ['apiKey', {}],
  ['bearer and apiKey', token('Bearer')],
  ['mutualTLS', {}],
  ['bearer and mutualTLS', {}],
  ['mutualTLS and bearer', {}],
  ['dpop', {}],
];
const responses = { 200: { description: 'in' } };
const operation = (schemes) => ({ get: { security: [Object.fromEntries(schemes.split(' and ').map((scheme) => [scheme, []]))], responses } });
const paths = Object.fromEntries(rows.map(([schemes]) => [`/${schemes.replaceAll(' ', '-')}`, operation(schemes)]));
writeFileSync('api.json', JSON.stringify({ openapi: '3.1.0', info: { title: 'api', version: '1' }, paths, components: { securitySchemes } }));

const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
free.close();
const prism = spawn('node_modules/.bin/prism', ['mock', 'api.json', '-h', '127.0.0.1', '-p', `${port}`], { stdio: 'ignore' });
process.once('exit', () => prism.kill());
const deadline = Date.now() + 60_000;
for (const [schemes, headers] of rows) {
  let answer;
  while (!answer) {
    if (prism.exitCode !== null || prism.signalCode !== null) throw new Error('prism has ended');
    if (Date.now() > deadline) throw new Error('prism has not answered in a minute');
    const signal = AbortSignal.timeout(10_000);
    answer = await fetch(`http://127.0.0.1:${port}/${schemes.replaceAll(' ', '-')}`, { headers, signal }).catch(() => sleep(200));
  }
  const sent = Object.values(headers).map((value) => value.split(' ')[0]).join('') || 'nothing';
  console.log(`${schemes}, sent ${sent}: ${answer.status}, ${answer.headers.get('www-authenticate') ?? 'no challenge'}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
bearer, sent nothing: 401, Bearer
bearer, sent Bearer: 200, no challenge
bearer, sent bearer: 401, Bearer
basic, sent basic: 200, no challenge
oauth2, sent nothing: 401, OAuth2
oauth2, sent Bearer: 200, no challenge
openIdConnect, sent nothing: 401, OpenID
openIdConnect, sent Bearer: 200, no challenge
apiKey, sent nothing: 401, no challenge
bearer and apiKey, sent Bearer: 401, no challenge
mutualTLS, sent nothing: 200, no challenge
bearer and mutualTLS, sent nothing: 401, Bearer
mutualTLS and bearer, sent nothing: 200, no challenge
dpop, sent nothing: 200, no challenge
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
