#!/usr/bin/env bash
# ofetch-repeats-a-429-at-once-whatever-retry-after-says
#
# Expected: a client that repeats a request on 429 by default waits as long as `Retry-After` asks, or at least a
#   little.
# Seen: ofetch repeats once by default, on 429 and 503 too, a few milliseconds later. It does not look at
#   `Retry-After`; only a fixed `retryDelay` can be set. ky waits.
# Versions: ofetch 1.5.1, ky 1.14.3
# Why it matters: ofetch is the client of Nuxt. Each request over a limit counts twice, and with a fixed window the
#   client stays over it for longer. A limiter in a gateway sees double the load from every Nuxt application that it
#   slows down.
# Source: RFC 6585 section 4; RFC 9110 section 10.2.3; ofetch README, auto retry.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts ofetch@1.5.1 ky@1.14.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import ky from 'ky';
import { ofetch } from 'ofetch';

let times;
const server = createServer((request, response) => {
  if (times.push(Date.now()) > 1) return response.end('{}');
  response.writeHead(Number(request.url.slice(1)), { 'retry-after': '2' }).end();
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const clients = { 'ofetch': (url) => ofetch(url), 'ky': (url) => ky(url).json() };
for (const status of [429, 503]) {
  for (const [name, ask] of Object.entries(clients)) {
    times = [];
    await ask(`http://127.0.0.1:${server.address().port}/${status}`);
    console.log(`${status} with Retry-After: 2: ${name}: ${times.length} requests, waited: ${times[1] - times[0] > 1800 ? 'yes' : 'no'}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
429 with Retry-After: 2: ofetch: 2 requests, waited: no
429 with Retry-After: 2: ky: 2 requests, waited: yes
503 with Retry-After: 2: ofetch: 2 requests, waited: no
503 with Retry-After: 2: ky: 2 requests, waited: yes
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
