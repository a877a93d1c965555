#!/usr/bin/env bash
# elysia-cors-exposes-the-fields-of-the-request-not-of-the-answer
#
# Expected: a middleware told to expose all fields of an answer (its default) names the fields of the answer, or `*`; a
#   preflight that asks for no fields gets no list, and an answer that depends on Origin says `Vary: Origin`.
# Seen: @elysiajs/cors writes the names of the request's fields into Access-Control-Expose-Headers, so that a page can read
#   neither Retry-After nor X-Total-Count of the answer. A preflight that asks for no fields is told that `undefined` is
#   allowed. In its default setting the answers say `Vary: *`, which no cache keeps; `maxAge: 0` is left out.
# Versions: @elysiajs/cors 1.4.2, elysia 1.4.30
# Why it matters: A page behind a gateway that hands on these answers finds no Retry-After at a 429, although it is there in
#   the network panel, and the gateway's cache stores nothing of the service. A gateway that answers CORS itself takes the
#   upstream's Access-Control fields and this Vary off.
# Source: Fetch Standard, "CORS protocol" (Access-Control-Expose-Headers); RFC 9110 section 12.5.5.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @elysiajs/cors@1.4.2 elysia@1.4.30 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { cors } from '@elysiajs/cors';
import { Elysia } from 'elysia';

const origin = 'https://app.example';
const fields = ['access-control-allow-origin', 'access-control-allow-headers', 'access-control-expose-headers', 'access-control-max-age', 'vary'];
for (const [setting, options] of Object.entries({ 'by default': undefined, 'one origin, maxAge 0': { origin: 'app.example', maxAge: 0 } })) {
  const app = new Elysia().use(cors(options)).get('/', ({ set }) => { set.headers['retry-after'] = '30'; set.headers['x-total-count'] = '7'; return 'ok'; });
  const ask = async (what, method, headers) => {
    const response = await app.handle(new Request('http://localhost/', { method, headers }));
    for (const field of fields) console.log(`${setting}: ${what}: ${field}: ${response.headers.get(field) ?? '(none)'}`);
  };
  await ask('GET', 'GET', { Origin: origin, 'X-Mine': '1' });
  await ask('preflight', 'OPTIONS', { Origin: origin, 'Access-Control-Request-Method': 'PUT' });
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
by default: GET: access-control-allow-origin: https://app.example
by default: GET: access-control-allow-headers: origin, x-mine
by default: GET: access-control-expose-headers: origin, x-mine
by default: GET: access-control-max-age: (none)
by default: GET: vary: *
by default: preflight: access-control-allow-origin: https://app.example
by default: preflight: access-control-allow-headers: undefined
by default: preflight: access-control-expose-headers: access-control-request-method,origin
by default: preflight: access-control-max-age: 5
by default: preflight: vary: *
one origin, maxAge 0: GET: access-control-allow-origin: https://app.example
one origin, maxAge 0: GET: access-control-allow-headers: origin, x-mine
one origin, maxAge 0: GET: access-control-expose-headers: origin, x-mine
one origin, maxAge 0: GET: access-control-max-age: (none)
one origin, maxAge 0: GET: vary: Origin
one origin, maxAge 0: preflight: access-control-allow-origin: https://app.example
one origin, maxAge 0: preflight: access-control-allow-headers: undefined
one origin, maxAge 0: preflight: access-control-expose-headers: access-control-request-method,origin
one origin, maxAge 0: preflight: access-control-max-age: (none)
one origin, maxAge 0: preflight: vary: Origin
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
