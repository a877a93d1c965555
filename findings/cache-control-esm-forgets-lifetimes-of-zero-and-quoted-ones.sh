#!/usr/bin/env bash
# cache-control-esm-forgets-lifetimes-of-zero-and-quoted-ones
#
# Expected: a library that reads a Cache-Control field and writes it again keeps what it knows, `max-age=0` too, and keeps
#   directives that it does not know, since they are an extension point.
# Seen: cache-control-esm writes nothing for `max-age=0` and `s-maxage=0`: it reads the zero and leaves it out. It also
#   loses a lifetime in quotation marks and `private` or `no-cache` with field names. @tusbar/cache-control, from which it
#   was forked, keeps these; cache-control-parser loses the quoted lifetime. All three leave out unknown directives.
# Versions: cache-control-esm 1.0.0, @tusbar/cache-control 3.0.1, cache-control-parser 2.2.0
# Why it matters: A middleware that adds one directive to what the upstream said turns `max-age=0` into no statement, and
#   caches behind it begin to guess a lifetime from Last-Modified. An edge that only looks at the field should hand the
#   original line on. `CDN-Cache-Control` lines pass through the same libraries.
# Source: RFC 9111 sections 4.2.2, 5.2 and 5.2.3; RFC 9213 section 2.2.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts cache-control-esm@1.0.0 @tusbar/cache-control@3.0.1 cache-control-parser@2.2.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { format as formatTusbar, parse as parseTusbar } from '@tusbar/cache-control';
import { format as formatEsm, parse as parseEsm } from 'cache-control-esm';
import parser from 'cache-control-parser';

const lines = ['max-age=60', 'max-age=0', 'public, s-maxage=0', 'max-age="60"', 'private="set-cookie", max-age=60', 'no-cache="set-cookie"',
  'max-age=60, stale-while-revalidate=30', 'no-store, community="UCI"'];
for (const [name, rewrite] of Object.entries({
  'cache-control-esm': (line) => formatEsm(parseEsm(line)),
  '@tusbar/cache-control': (line) => formatTusbar(parseTusbar(line)),
  'cache-control-parser': (line) => parser.stringify(parser.parse(line)),
})) {
  for (const line of lines) console.log(`${name}: ${line} becomes ${rewrite(line) || '(empty)'}`);
}
console.log(`cache-control-esm reads max-age=0 as ${parseEsm('max-age=0').maxAge}`);
PROBE
cat >expected.txt <<'EXPECTED'
cache-control-esm: max-age=60 becomes max-age=60
cache-control-esm: max-age=0 becomes (empty)
cache-control-esm: public, s-maxage=0 becomes public
cache-control-esm: max-age="60" becomes (empty)
cache-control-esm: private="set-cookie", max-age=60 becomes max-age=60
cache-control-esm: no-cache="set-cookie" becomes (empty)
cache-control-esm: max-age=60, stale-while-revalidate=30 becomes max-age=60
cache-control-esm: no-store, community="UCI" becomes no-store
@tusbar/cache-control: max-age=60 becomes max-age=60
@tusbar/cache-control: max-age=0 becomes max-age=0
@tusbar/cache-control: public, s-maxage=0 becomes s-maxage=0, public
@tusbar/cache-control: max-age="60" becomes max-age=60
@tusbar/cache-control: private="set-cookie", max-age=60 becomes max-age=60, private="set-cookie"
@tusbar/cache-control: no-cache="set-cookie" becomes no-cache="set-cookie"
@tusbar/cache-control: max-age=60, stale-while-revalidate=30 becomes max-age=60, stale-while-revalidate=30
@tusbar/cache-control: no-store, community="UCI" becomes no-store
cache-control-parser: max-age=60 becomes max-age=60
cache-control-parser: max-age=0 becomes max-age=0
cache-control-parser: public, s-maxage=0 becomes public, s-maxage=0
cache-control-parser: max-age="60" becomes (empty)
cache-control-parser: private="set-cookie", max-age=60 becomes private, max-age=60
cache-control-parser: no-cache="set-cookie" becomes no-cache
cache-control-parser: max-age=60, stale-while-revalidate=30 becomes max-age=60, stale-while-revalidate=30
cache-control-parser: no-store, community="UCI" becomes no-store
cache-control-esm reads max-age=0 as 0
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
