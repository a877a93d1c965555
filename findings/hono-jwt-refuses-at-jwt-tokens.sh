#!/usr/bin/env bash
# hono-jwt-refuses-at-jwt-tokens
#
# Expected: a verifier that was told nothing about the type takes an access token whose header says `typ: at+jwt`, as
#   it takes one without a type. RFC 9068 makes this the type of OAuth access tokens, and RFC 7519 leaves `typ` to the
#   application.
# Seen: hono/jwt refuses `at+jwt`, with or without the `application/` prefix, until the option `typ` names it. Naming
#   it then refuses tokens without a type, which were fine before.
# Versions: hono 4.13.19
# Why it matters: oidc-provider and others issue `at+jwt` access tokens. A Hono application behind a gateway that
#   forwards such a token answers 401 to every one that the gateway accepted.
# Source: RFC 9068 section 2.1; RFC 7519 section 5.1; the type of VerifyOptions.typ in hono.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { verify } from 'hono/jwt';
import { createHmac } from 'node:crypto';

const secret = 'a-secret-for-this-probe-only-0123456789';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
function token(typ) {
  const head = typ === undefined ? { alg: 'HS256' } : { alg: 'HS256', typ };
  const signed = `${part(head)}.${part({ sub: 'user-1', exp: 4000000000 })}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
for (const [name, options] of [['default', { alg: 'HS256' }], ['typ option', { alg: 'HS256', typ: ['JWT', 'at+jwt'] }]]) {
  for (const typ of [undefined, 'JWT', 'application/jwt', 'at+jwt', 'application/at+jwt']) {
    const answer = await verify(token(typ), secret, options).then(() => 'accepted', (e) => `refused, ${e.name}`);
    console.log(`${name}: typ ${typ ?? 'absent'}: ${answer}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
default: typ absent: accepted
default: typ JWT: accepted
default: typ application/jwt: accepted
default: typ at+jwt: refused, JwtHeaderInvalid
default: typ application/at+jwt: refused, JwtHeaderInvalid
typ option: typ absent: refused, JwtHeaderInvalid
typ option: typ JWT: accepted
typ option: typ application/jwt: accepted
typ option: typ at+jwt: accepted
typ option: typ application/at+jwt: accepted
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
