#!/usr/bin/env bash
# better-auth-answers-an-authorization-request-with-json
#
# Expected: the authorization endpoint leads the browser on with a redirect, whatever it accepts besides HTML, and
#   whatever stands in between.
# Seen: the endpoint of @better-auth/oauth-provider answers 200 and {"redirect":true,"url":…} if Accept has
#   `application/json` anywhere, even behind `text/html`, and if Sec-Fetch-Mode is `cors`. The latter is what a proxy on
#   Node's fetch makes of every navigation: behind hono/proxy the browser shows JSON in place of the login page, whose
#   address is in it. A request without Sec-Fetch-Mode is redirected.
# Versions: better-auth and @better-auth/oauth-provider 1.7.5, hono 4.13.19, @hono/node-server 2.1.9
# Why it matters: Logins work until a proxy comes in front of the provider, and then end on a page of JSON with status
#   200, which no monitor takes for a failure. A test's HTTP client on fetch sees the same, and must follow the JSON.
# Source: RFC 6749 section 4.1.2 and 4.1.2.1; OpenID Connect Core 1.0 section 3.1.2.3; Fetch Metadata, section 2.3.
# Needs: node 22 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --omit=optional --omit=peer better-auth@1.7.5 @better-auth/oauth-provider@1.7.5 @better-auth/core@1.7.5 \
  @better-auth/utils@0.4.2 @better-fetch/fetch@1.3.2 better-call@1.4.0 hono@4.13.19 @hono/node-server@2.1.9 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer, request } from 'node:http';
import { serve } from '@hono/node-server';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import { Hono } from 'hono';
import { proxy } from 'hono/proxy';

const server = createServer();
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const origin = `http://127.0.0.1:${server.address().port}`;
const tables = ['user', 'session', 'account', 'verification', 'jwks', 'oauthClient', 'oauthRefreshToken', 'oauthAccessToken', 'oauthConsent', 'oauthResource', 'oauthClientResource'];
const auth = betterAuth({
  baseURL: origin, secret: 'not a secret, but of 32 characters', database: memoryAdapter(Object.fromEntries(tables.map((name) => [name, []]))),
  emailAndPassword: { enabled: true }, logger: { disabled: true }, telemetry: { enabled: false },
  plugins: [jwt(), oauthProvider({ loginPage: '/sign-in', consentPage: '/consent' })],
});
server.on('request', toNodeHandler(auth));
const { headers } = await auth.api.signUpEmail({ body: { email: 'alice@example.com', password: 'not a secret', name: 'Alice' }, returnHeaders: true });
const cookie = headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
const redirect = 'https://app.example/callback';
const client = await auth.api.createOAuthClient({ headers: new Headers({ cookie }), body: { redirect_uris: [redirect] } });
const front = await new Promise((ready) => {
  const app = new Hono().all('*', (c) => proxy(new URL(c.req.path + new URL(c.req.url).search, origin), { ...c.req, redirect: 'manual' }));
  serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ready);
});

const query = new URLSearchParams({
  response_type: 'code', client_id: client.client_id, redirect_uri: redirect, scope: 'openid', state: 'a-state-of-some-length',
  code_challenge: 'c'.repeat(43), code_challenge_method: 'S256',
});
const ask = (name, to, sent) => new Promise((done) => {
  request(`${to}/api/auth/oauth2/authorize?${query}`, { headers: sent }, async (answer) => {
    const text = Buffer.concat(await answer.toArray()).toString();
    const where = answer.headers.location ?? JSON.parse(text).url;
    console.log(`${name}: ${answer.statusCode}, ${answer.headers.location ? 'Location' : 'JSON with the url'} ${new URL(where, origin).pathname}`);
    done();
  }).end();
});
const navigation = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
await ask('a navigation', origin, navigation);
await ask('without Sec-Fetch-Mode', origin, { accept: navigation.accept });
await ask('one that accepts JSON, too', origin, { ...navigation, accept: 'text/html,application/json;q=0.1' });
await ask('a navigation through hono/proxy', `http://127.0.0.1:${front.port}`, navigation);
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
a navigation: 302, Location /sign-in
without Sec-Fetch-Mode: 302, Location /sign-in
one that accepts JSON, too: 200, JSON with the url /sign-in
a navigation through hono/proxy: 200, JSON with the url /sign-in
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
