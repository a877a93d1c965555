#!/usr/bin/env bash
# immutable-alone-is-fresh-for-a-thousand-days
#
# Expected: `Cache-Control: immutable` without a lifetime promises nothing: RFC 8246 says only that an answer need not
#   be checked again while it is fresh, and this one is never fresh. http-cache-semantics documents its own choice, 24
#   hours, as a number of milliseconds.
# Seen: http-cache-semantics counts those milliseconds as seconds, so the answer is fresh for 86,400,000 s, a thousand
#   days. An immutableMinTimeToLive of one minute, 60000, lasts 16 hours. The cache of undici reuses such an answer
#   too.
# Versions: http-cache-semantics 4.3.0, undici 7.30.2 (8.13.1 does the same)
# Why it matters: http-cache-semantics is the judge inside got, make-fetch-happen and npm. An upstream that drops
#   `max-age` and leaves `immutable` behind, or a gateway that strips a lifetime, is not asked again for years.
# Source: RFC 8246 section 2; RFC 9111 section 4.2.2; the README of http-cache-semantics on immutableMinTimeToLive.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts http-cache-semantics@4.3.0 undici@7.30.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import CachePolicy from 'http-cache-semantics';
import { Agent, interceptors, request } from 'undici';

const asked = { method: 'GET', url: '/', headers: {} };
const reused = (yes) => (yes ? 'reused' : 'fetched again');
const policy = (field, options) => {
  const answer = { status: 200, headers: { date: new Date().toUTCString(), 'cache-control': field } };
  return new CachePolicy(asked, answer, options);
};
const later = (made, hours) => { made.now = () => Date.now() + hours * 3600_000; return made.satisfiesWithoutRevalidation(asked); };

for (const hours of [0, 48, 999 * 24, 1001 * 24]) {
  for (const field of ['public', 'max-age=86400, immutable', 'immutable']) {
    console.log(`after ${hours} h: ${field}: http-cache-semantics: ${reused(later(policy(field), hours))}`);
  }
}
const minute = { immutableMinTimeToLive: 60_000 };
console.log(`after 15 h: immutable, immutableMinTimeToLive 60000: ${reused(later(policy('immutable', minute), 15))}`);

let field, hits;
const server = createServer((incoming, response) => { hits++; response.setHeader('cache-control', field); response.end('ok'); });
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
for (field of ['public', 'immutable']) {
  const dispatcher = new Agent().compose(interceptors.cache());
  hits = 0;
  for (let i = 0; i < 2; i++) {
    await (await request(`http://127.0.0.1:${server.address().port}/${field}`, { dispatcher })).body.text();
    await new Promise((done) => setTimeout(done, 50));
  }
  console.log(`at once: ${field}: undici: ${reused(hits === 1)}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
after 0 h: public: http-cache-semantics: fetched again
after 0 h: max-age=86400, immutable: http-cache-semantics: reused
after 0 h: immutable: http-cache-semantics: reused
after 48 h: public: http-cache-semantics: fetched again
after 48 h: max-age=86400, immutable: http-cache-semantics: fetched again
after 48 h: immutable: http-cache-semantics: reused
after 23976 h: public: http-cache-semantics: fetched again
after 23976 h: max-age=86400, immutable: http-cache-semantics: fetched again
after 23976 h: immutable: http-cache-semantics: reused
after 24024 h: public: http-cache-semantics: fetched again
after 24024 h: max-age=86400, immutable: http-cache-semantics: fetched again
after 24024 h: immutable: http-cache-semantics: fetched again
after 15 h: immutable, immutableMinTimeToLive 60000: reused
at once: public: undici: fetched again
at once: immutable: undici: reused
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
