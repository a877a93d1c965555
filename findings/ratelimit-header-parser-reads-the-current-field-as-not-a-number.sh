#!/usr/bin/env bash
# ratelimit-header-parser-reads-the-current-field-as-not-a-number
#
# Expected: a parser of RateLimit fields either reads a field or says that it found none; its README has undefined for that.
# Seen: of the field of draft 8 and later, `RateLimit: "default"; r=0; t=30`, ratelimit-header-parser makes an object whose
#   limit, used and remaining are NaN and whose reset is an invalid date. The test its callers write, `remaining < 1`, is
#   never true of NaN. express-rate-limit, of the same organisation, writes that field. Earlier drafts are read, and
#   without any field the answer is undefined.
# Versions: ratelimit-header-parser 0.1.0, express-rate-limit 8.7.5
# Why it matters: A client that was careful about the limits of an API runs into 429 from the day that the gateway or the
#   service moves to the current form, and nothing tells it why. Retry-After at the 429 is read by everything.
# Source: draft-ietf-httpapi-ratelimit-headers-08 and later, section "RateLimit Field"; the parser's README.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts ratelimit-header-parser@0.1.0 express-rate-limit@8.7.5 express@5.3.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import express from 'express';
import { rateLimit } from 'express-rate-limit';
import { parseRateLimit } from 'ratelimit-header-parser';

for (const standardHeaders of ['draft-6', 'draft-7', 'draft-8']) {
  const app = express();
  app.use(rateLimit({ windowMs: 60_000, limit: 100, standardHeaders, legacyHeaders: false }));
  app.get('/', (request, response) => response.send('ok'));
  const server = app.listen(0, '127.0.0.1');
  await new Promise((ready) => server.on('listening', ready));
  const { headers } = await fetch(`http://127.0.0.1:${server.address().port}/`);
  server.close();
  const field = headers.get('ratelimit') ?? `(RateLimit-Remaining: ${headers.get('ratelimit-remaining')})`;
  const info = parseRateLimit(headers);
  console.log(`${standardHeaders}: RateLimit: ${field.replace(/\b(reset|t)=\d+/, '$1=…')}`);
  console.log(`${standardHeaders}: limit ${info.limit}, remaining ${info.remaining}, remaining < 1 is ${info.remaining < 1}`);
}
for (const left of [99, 0]) {
  const info = parseRateLimit(new Headers({ 'RateLimit': `"default"; r=${left}; t=30`, 'RateLimit-Policy': '"default"; q=100; w=60' }));
  console.log(`by hand, ${left} left: limit ${info.limit}, used ${info.used}, remaining ${info.remaining}, reset ${info.reset}, remaining < 1 is ${info.remaining < 1}`);
}
console.log(`no field: ${parseRateLimit(new Headers())}`);
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
draft-6: RateLimit: (RateLimit-Remaining: 99)
draft-6: limit 100, remaining 99, remaining < 1 is false
draft-7: RateLimit: limit=100, remaining=99, reset=…
draft-7: limit 100, remaining 99, remaining < 1 is false
draft-8: RateLimit: "100-in-1min"; r=99; t=…
draft-8: limit NaN, remaining NaN, remaining < 1 is false
by hand, 99 left: limit NaN, used NaN, remaining NaN, reset Invalid Date, remaining < 1 is false
by hand, 0 left: limit NaN, used NaN, remaining NaN, reset Invalid Date, remaining < 1 is false
no field: undefined
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
