#!/usr/bin/env bash
# oidc-provider-spends-a-refresh-token-on-a-refused-resource
#
# Expected: a refresh that is refused costs nothing: the client still has its refresh token, and asks again without what was
#   refused. So it is with a scope that the login was not for: `invalid_scope`, and the token is as good as before.
# Seen: with a `resource` that the login was not for, oidc-provider answers `invalid_target` after it has used the rotating
#   token up, and does not give out the next one. The same token without the resource is then a reuse: `invalid_grant`, and
#   the whole grant is revoked.
# Versions: oidc-provider 9.13.3
# Why it matters: a client that gets tokens for several APIs by one refresh token (RFC 8707) loses the login by one API that
#   is not set up. It has to request at the login what it will ask for, and must not try again what was refused.
# Source: RFC 6749 sections 5.2 and 6; RFC 8707 section 2.2; lib/actions/grants/refresh_token.js of oidc-provider.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts oidc-provider@9.13.3 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { once } from 'node:events';
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [known, other] = ['urn:example:known', 'urn:example:other'];
const server = createServer();
await once(server.listen(0, '127.0.0.1'), 'listening');
const issuer = `http://127.0.0.1:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [{ client_id: 'c', client_secret: 's', redirect_uris: ['https://c.example/cb'], grant_types: ['authorization_code', 'refresh_token'] }],
  findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
  rotateRefreshToken: true,
  ttl: { AccessToken: 60, Grant: 60, IdToken: 60, RefreshToken: 60 },
  features: {
    resourceIndicators: {
      enabled: true,
      getResourceServerInfo: (ctx, audience) => ({ audience, scope: 'read', accessTokenFormat: 'opaque' }),
    },
  },
});
server.on('request', provider.callback());

async function refreshToken() {
  const grant = new provider.Grant({ accountId: 'u', clientId: 'c' });
  grant.addOIDCScope('openid offline_access read');
  grant.addResourceScope(known, 'read');
  const grantId = await grant.save();
  const client = await provider.Client.find('c');
  const scope = 'openid offline_access read';
  return new provider.RefreshToken({ accountId: 'u', client, grantId, gty: 'authorization_code', resource: [known], scope }).save();
}

async function refresh(token, more) {
  const answer = await fetch(`${issuer}/token`, {
    method: 'POST',
    headers: { authorization: `Basic ${btoa('c:s')}` },
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, ...more }),
  });
  const { error = 'tokens' } = await answer.json();
  return `${answer.status} ${error}`;
}

for (const [name, asked] of [
  ['nothing refused', { resource: known }],
  ['a scope that the login was not for', { resource: known, scope: 'write' }],
  ['a resource that the login was not for', { resource: other }],
]) {
  const token = await refreshToken();
  console.log(`${name}: ${await refresh(token, asked)}`);
  if (name !== 'nothing refused') console.log(`  the same token again, without it: ${await refresh(token, { resource: known })}`);
}
server.close();
PROBE
cat >expected.txt <<'EXPECTED'
nothing refused: 200 tokens
a scope that the login was not for: 400 invalid_scope
  the same token again, without it: 200 tokens
a resource that the login was not for: 400 invalid_target
  the same token again, without it: 400 invalid_grant
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
