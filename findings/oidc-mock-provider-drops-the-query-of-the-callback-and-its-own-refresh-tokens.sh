#!/usr/bin/env bash
# oidc-mock-provider-drops-the-query-of-the-callback-and-its-own-refresh-tokens
#
# Expected: a query that is part of `redirect_uri` stays in the redirect; `state` comes back only if it was sent; a refresh
#   token that the server has just issued can be used; `application/x-www-form-urlencoded; charset=utf-8` is a form.
# Seen: @mongodb-js/oidc-mock-provider replaces the query of the callback, so `?tenant=acme` is gone; a request without
#   state comes back with `state=undefined`; its refresh tokens get 500 at once; and the space after the semicolon of the
#   content type gets 500 too, while `;charset=utf-8` without it is taken.
# Versions: @mongodb-js/oidc-mock-provider 0.13.18
# Why it matters: Tests with it fail in the callback of a gateway that keeps its tenant or route in the redirect URI, and
#   at the first refresh, and both look like the gateway's fault.
# Source: RFC 6749 sections 3.1.2, 4.1.2 and 6; RFC 9110 section 5.6.6.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @mongodb-js/oidc-mock-provider@0.13.18 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createHash } from 'node:crypto';
import { OIDCMockProvider } from '@mongodb-js/oidc-mock-provider';

const provider = await OIDCMockProvider.create({ hostname: '127.0.0.1', getTokenPayload: () => ({ expires_in: 60, payload: {} }) });
const verifier = 'v'.repeat(43);
const authorize = new URLSearchParams({
  response_type: 'code', client_id: 'probe', scope: 'openid', redirect_uri: 'http://127.0.0.1/callback?tenant=acme',
  code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256',
});
const callback = async () => new URL((await fetch(`${provider.issuer}/authorize?${authorize}`, { redirect: 'manual' })).headers.get('location'));
const token = async (body, type = 'application/x-www-form-urlencoded') => {
  const response = await fetch(`${provider.issuer}/token`, { method: 'POST', headers: { 'Content-Type': type }, body: new URLSearchParams(body).toString() });
  return { status: response.status, body: await response.json() };
};

const { searchParams } = await callback();
console.log(`callback: tenant ${searchParams.get('tenant')}, state ${JSON.stringify(searchParams.get('state'))}, code ${searchParams.has('code') ? 'yes' : 'no'}`);
const first = await token({ grant_type: 'authorization_code', code: searchParams.get('code'), code_verifier: verifier });
console.log(`code: ${first.status}, refresh token ${'refresh_token' in first.body ? 'yes' : 'no'}`);
const second = await token({ grant_type: 'refresh_token', refresh_token: first.body.refresh_token });
console.log(`refresh: ${second.status} ${second.body.error}`);
for (const type of ['application/x-www-form-urlencoded;charset=utf-8', 'application/x-www-form-urlencoded; charset=utf-8']) {
  const code = (await callback()).searchParams.get('code');
  const third = await token({ grant_type: 'authorization_code', code, code_verifier: verifier }, type);
  console.log(`${type}: ${third.status} ${third.body.error ?? ''}`.trimEnd());
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
callback: tenant null, state "undefined", code yes
code: 200, refresh token yes
refresh: 500 Cannot destructure property 'client_id' of 'this.retrieveFromStorage(...)' as it is undefined.
application/x-www-form-urlencoded;charset=utf-8: 200
application/x-www-form-urlencoded; charset=utf-8: 500 Only accepting application/x-www-form-urlencoded POST bodies
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
