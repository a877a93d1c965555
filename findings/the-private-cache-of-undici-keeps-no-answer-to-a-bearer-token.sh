#!/usr/bin/env bash
# the-private-cache-of-undici-keeps-no-answer-to-a-bearer-token
#
# Expected: the rule against storing answers to requests with Authorization binds shared caches. A private cache
#   stores them as any other; that is what it is for.
# Seen: with `type: "private"` undici still stores no answer to a request with Authorization unless it says `public`,
#   `s-maxage` or `must-revalidate`. http-cache-semantics with `shared: false` and hishel with `shared=False` store
#   it.
# Versions: undici 7.30.2 (8.13.1 does the same), http-cache-semantics 4.3.0
# Why it matters: The client of an API behind bearer tokens turns the cache on, sees `private, max-age=60` and never a
#   hit. The server cannot help with `public`: that would open the answer to shared caches.
# Source: RFC 9111 section 3.5; undici, interceptors.cache({ type }).
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts undici@7.30.2 http-cache-semantics@4.3.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import CachePolicy from 'http-cache-semantics';
import { Agent, interceptors, request } from 'undici';

let field, hits;
const server = createServer((incoming, response) => { hits++; response.setHeader('cache-control', field); response.end('ok'); });
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
let page = 0;
for (field of ['private, max-age=60', 'max-age=60', 'public, max-age=60']) {
  for (const headers of [{}, { authorization: 'Bearer token-1' }]) {
    const label = `${field}, ${headers.authorization ? 'with' : 'without'} Authorization`;
    const asked = { method: 'GET', url: '/', headers };
    const answer = { status: 200, headers: { date: new Date().toUTCString(), 'cache-control': field } };
    const policy = new CachePolicy(asked, answer, { shared: false });
    console.log(`${label}: http-cache-semantics: ${policy.storable() && policy.satisfiesWithoutRevalidation(asked) ? 'reused' : 'fetched again'}`);
    const dispatcher = new Agent().compose(interceptors.cache({ type: 'private' }));
    hits = 0;
    page++;
    for (let i = 0; i < 2; i++) {
      await (await request(`http://127.0.0.1:${server.address().port}/${page}`, { dispatcher, headers })).body.text();
      await new Promise((later) => setTimeout(later, 50));
    }
    console.log(`${label}: undici: ${hits === 1 ? 'reused' : 'fetched again'}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
private, max-age=60, without Authorization: http-cache-semantics: reused
private, max-age=60, without Authorization: undici: reused
private, max-age=60, with Authorization: http-cache-semantics: reused
private, max-age=60, with Authorization: undici: fetched again
max-age=60, without Authorization: http-cache-semantics: reused
max-age=60, without Authorization: undici: reused
max-age=60, with Authorization: http-cache-semantics: reused
max-age=60, with Authorization: undici: fetched again
public, max-age=60, without Authorization: http-cache-semantics: reused
public, max-age=60, without Authorization: undici: reused
public, max-age=60, with Authorization: http-cache-semantics: reused
public, max-age=60, with Authorization: undici: reused
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
