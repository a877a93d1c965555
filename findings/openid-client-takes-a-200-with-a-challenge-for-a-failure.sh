#!/usr/bin/env bash
# openid-client-takes-a-200-with-a-challenge-for-a-failure
#
# Expected: an answer with status 200 is a success, whatever else it says. WWW-Authenticate in it means that other
#   credentials might bring another answer.
# Seen: fetchProtectedResource and fetchUserInfo of openid-client, and protectedResourceRequest of the oauth4webapi
#   under it, throw WWWAuthenticateChallengeError at a 200, 206 or 304 that has a challenge. They do not look at the status.
#   Without a challenge a 500 is no error.
# Versions: openid-client 6.9.0, oauth4webapi 3.8.8
# Why it matters: An API that shows more to those with a wider scope says so by a challenge in its 200. A gateway
#   passes it on, and a caller with this library loses a good answer, which is still in `error.response`.
# Source: RFC 9110 section 11.6.1 ("A server MAY generate WWW-Authenticate in other response messages").
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openid-client@6.9.0 oauth4webapi@3.8.8 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import * as oauth from 'oauth4webapi';
import * as openid from 'openid-client';

const server = createServer(({ url }, response) => {
  const [, status, challenge] = url.split('/');
  if (challenge) response.setHeader('www-authenticate', 'Bearer realm="api", scope="read:more"');
  response.writeHead(Number(status), { 'content-type': 'application/json' });
  response.end(status === '304' ? undefined : JSON.stringify({ sub: 'alice' }));
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const config = (path) => {
  const made = new openid.Configuration({ issuer: origin, userinfo_endpoint: origin + path }, 'app');
  openid.allowInsecureRequests(made);
  return made;
};
const callers = {
  'fetchProtectedResource': (path) => openid.fetchProtectedResource(config(path), 'token-1', new URL(path, origin), 'GET'),
  'fetchUserInfo': (path) => openid.fetchUserInfo(config(path), 'token-1', 'alice'),
  'protectedResourceRequest': (path) => oauth.protectedResourceRequest('token-1', 'GET', new URL(path, origin), undefined, undefined, { [oauth.allowInsecureRequests]: true }),
};
const cases = { fetchProtectedResource: [200, 206, 304, 500], fetchUserInfo: [200], protectedResourceRequest: [200, 206, 304, 500] };
for (const [name, call] of Object.entries(callers)) {
  for (const status of cases[name]) {
    for (const path of [`/${status}`, `/${status}/challenge`]) {
      const outcome = await call(path).then(() => 'no error', (error) => error.name);
      console.log(`${name}: ${status}, ${path.endsWith('challenge') ? 'a' : 'no'} challenge: ${outcome}`);
    }
  }
}
server.close();
PROBE
cat >expected.txt <<'EXPECTED'
fetchProtectedResource: 200, no challenge: no error
fetchProtectedResource: 200, a challenge: WWWAuthenticateChallengeError
fetchProtectedResource: 206, no challenge: no error
fetchProtectedResource: 206, a challenge: WWWAuthenticateChallengeError
fetchProtectedResource: 304, no challenge: no error
fetchProtectedResource: 304, a challenge: WWWAuthenticateChallengeError
fetchProtectedResource: 500, no challenge: no error
fetchProtectedResource: 500, a challenge: WWWAuthenticateChallengeError
fetchUserInfo: 200, no challenge: no error
fetchUserInfo: 200, a challenge: WWWAuthenticateChallengeError
protectedResourceRequest: 200, no challenge: no error
protectedResourceRequest: 200, a challenge: WWWAuthenticateChallengeError
protectedResourceRequest: 206, no challenge: no error
protectedResourceRequest: 206, a challenge: WWWAuthenticateChallengeError
protectedResourceRequest: 304, no challenge: no error
protectedResourceRequest: 304, a challenge: WWWAuthenticateChallengeError
protectedResourceRequest: 500, no challenge: no error
protectedResourceRequest: 500, a challenge: WWWAuthenticateChallengeError
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
