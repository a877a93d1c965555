#!/usr/bin/env bash
# retry-axios-gives-up-when-retry-after-says-at-once
#
# Expected: `Retry-After: 0`, or a date that has passed, says that the request may be sent again at once. A client that repeats 503 does so.
# Seen: retry-axios repeats after `Retry-After: 1`, and does not repeat at all after 0 or after a date in the past: the caller gets the 503.
#   ky repeats all three.
# Versions: retry-axios 4.0.3 with axios 1.21.1, ky 1.14.3
# Why it matters: a server that counts down says 0 in the last second, and a date is in the past as soon as the answer took a while or the
#   client's clock is ahead. The client fails exactly when the server says that it is ready. Send at least 1.
# Source: RFC 9110 section 10.2.3 (delay-seconds is a non-negative integer).
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts axios@1.21.1 retry-axios@4.0.3 ky@1.14.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import { once } from 'node:events';
import axios from 'axios';
import ky from 'ky';
import * as rax from 'retry-axios';

let requests = 0;
let retryAfter;
const server = http.createServer((_, response) => {
  requests += 1;
  if (requests > 1) return response.end('fine');
  response.writeHead(503, { 'retry-after': retryAfter });
  response.end('not yet');
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}/`;

const instance = axios.create();
instance.defaults.raxConfig = { instance, retry: 2 };
rax.attach(instance);
const clients = { 'retry-axios': async () => (await instance.get(url)).data, ky: () => ky(url, { retry: 2 }).text() };
const values = { 1: '1', 0: '0', 'a date in the past': 'Sun, 06 Nov 1994 08:49:37 GMT' };
for (const [name, ask] of Object.entries(clients)) {
  for (const [what, value] of Object.entries(values)) {
    requests = 0;
    retryAfter = value;
    const outcome = await ask().catch((error) => `failed with ${error.response?.status}`);
    console.log(`${name}: Retry-After ${what}: ${outcome}, ${requests} request(s)`);
  }
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
retry-axios: Retry-After 0: failed with 503, 1 request(s)
retry-axios: Retry-After 1: fine, 2 request(s)
retry-axios: Retry-After a date in the past: failed with 503, 1 request(s)
ky: Retry-After 0: fine, 2 request(s)
ky: Retry-After 1: fine, 2 request(s)
ky: Retry-After a date in the past: fine, 2 request(s)
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
