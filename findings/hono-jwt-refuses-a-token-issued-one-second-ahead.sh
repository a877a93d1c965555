#!/usr/bin/env bash
# hono-jwt-refuses-a-token-issued-one-second-ahead
#
# Expected: `iat` says when a token was made. RFC 7519 gives it no rule of refusal, and a verifier that judges it all
#   the same allows for clocks that differ.
# Seen: hono/jwt refuses a token whose `iat` is one second ahead of its own clock. There is no leeway to set; the
#   check can only be turned off. jose and jsonwebtoken accept the same token.
# Versions: hono 4.13.19, jose 6.2.18, jsonwebtoken 9.0.3
# Why it matters: A token that comes straight from the provider meets a Worker whose clock is a second behind, and the
#   first request after a login fails. A gateway with a clock allowance accepts what the Hono application behind it
#   refuses.
# Source: RFC 7519 section 4.1.6.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 jose@6.2.18 jsonwebtoken@9.0.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { verify } from 'hono/jwt';
import { jwtVerify } from 'jose';
import jsonwebtoken from 'jsonwebtoken';
import { createHmac } from 'node:crypto';

const secret = 'a-secret-for-this-probe-only-0123456789';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(iat) {
  const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ sub: 'user-1', iat, exp: iat + 600 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
const verifiers = {
  'hono': (t) => verify(t, secret, 'HS256'),
  'hono with iat: false': (t) => verify(t, secret, { alg: 'HS256', iat: false }),
  'jose': (t) => jwtVerify(t, Buffer.from(secret)),
  'jsonwebtoken': async (t) => jsonwebtoken.verify(t, secret, { algorithms: ['HS256'] }),
};
// The verifiers are asked while the clock stands still, so that no second passes between signing and checking.
const now = Math.floor(Date.now() / 1000);
Date.now = () => now * 1000;
for (const ahead of [0, 1, 20]) {
  for (const [name, check] of Object.entries(verifiers)) {
    const answer = await check(token(now + ahead)).then(() => 'accepted', (e) => `refused, ${e.name}`);
    console.log(`iat ${ahead} s ahead: ${name}: ${answer}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
iat 0 s ahead: hono: accepted
iat 0 s ahead: hono with iat: false: accepted
iat 0 s ahead: jose: accepted
iat 0 s ahead: jsonwebtoken: accepted
iat 1 s ahead: hono: refused, JwtTokenIssuedAt
iat 1 s ahead: hono with iat: false: accepted
iat 1 s ahead: jose: accepted
iat 1 s ahead: jsonwebtoken: accepted
iat 20 s ahead: hono: refused, JwtTokenIssuedAt
iat 20 s ahead: hono with iat: false: accepted
iat 20 s ahead: jose: accepted
iat 20 s ahead: jsonwebtoken: accepted
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
