#!/usr/bin/env bash
# express-openid-connect-ends-every-session-when-the-provider-ends-one
#
# Expected: a logout token with `sid` ends the session of that id. One with `sub` alone ends all sessions of the user.
# Seen: express-openid-connect ends all sessions of the user at either, since it notes both the `sid` and the `sub` of the token, and asks for both
#   at each request. It does so too for a `sid` that it never saw.
# Versions: express-openid-connect 3.4.0, express 5.3.0, jose 6.2.18 (npm)
# Why it matters: providers that send `sid` send `sub` beside it. Whoever signs out at the desk is signed out on the phone as well, and a form that
#   was half written there is lost. A test with one browser does not show it. `onLogoutToken` of its own that notes the `sid` alone, if there
#   is one, mends that.
# Source: OpenID Connect Back-Channel Logout 1.0 sections 2.4 (the intent without a `sid`) and 2.7; onLogoutToken.js and isLoggedOut.js in
#   lib/hooks/backchannelLogout of express-openid-connect.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts express-openid-connect@3.4.0 express@5.3.0 jose@6.2.18 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import http from 'node:http';
import express from 'express';
import openid from 'express-openid-connect';
import { SignJWT, exportJWK, generateKeyPair } from 'jose';

const pair = await generateKeyPair('RS256');
const served = async (listener) => {
  const server = http.createServer(listener).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.on('listening', resolve));
  return `http://127.0.0.1:${server.address().port}`;
};
const provider = await served(async (request, response) => {
  response.setHeader('Content-Type', 'application/json');
  response.end(JSON.stringify(request.url.includes('openid-configuration') ? {
    issuer: provider, authorization_endpoint: `${provider}/authorize`, jwks_uri: `${provider}/jwks`, response_types_supported: ['id_token'],
    response_modes_supported: ['form_post'], id_token_signing_alg_values_supported: ['RS256'], subject_types_supported: ['public'],
  } : { keys: [{ ...(await exportJWK(pair.publicKey)), kid: '1', use: 'sig', alg: 'RS256' }] }));
});
const signed = (claims, typ) => new SignJWT(claims).setProtectedHeader({ alg: 'RS256', kid: '1', typ }).setIssuer(provider).setAudience('app')
  .setSubject('ann').setIssuedAt().setExpirationTime('2m').sign(pair.privateKey);

const entries = new Map();
const store = {
  get: (id, done) => done(null, entries.get(id)),
  set: (id, entry, done) => { entries.set(id, entry); done(null); },
  destroy: (id, done) => { entries.delete(id); done(null); },
};
const app = express();
const service = await served(app);
app.use(openid.auth({
  issuerBaseURL: provider, baseURL: service, clientID: 'app', secret: 'a-secret-of-thirty-two-characters', authRequired: false,
  backchannelLogout: { store },
}));
app.get('/', (request, response) => response.send(request.oidc.isAuthenticated() ? 'signed in' : 'signed out'));

const form = (fields) => ({ method: 'POST', redirect: 'manual', body: new URLSearchParams(fields) });
class Browser {
  #cookies = new Map();
  async call(path, options = {}) {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(service + path, { redirect: 'manual', ...options, headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      value ? this.#cookies.set(name, value) : this.#cookies.delete(name);
    }
    return answer;
  }
  async login(sid) {
    const asked = new URL((await this.call('/login')).headers.get('location')).searchParams;
    const answer = await this.call('/callback', form({ state: asked.get('state'), id_token: await signed({ sid, nonce: asked.get('nonce') }) }));
    if (answer.status !== 302) throw new Error(await answer.text());
  }
  async state() {
    return (await this.call('/')).text();
  }
}
const events = { 'http://schemas.openid.net/event/backchannel-logout': {} };
for (const [label, claims] of [['with sid and sub', { sid: 'desk' }], ['with sub alone', {}], ['with a sid of no session here and sub', { sid: 'tablet' }]]) {
  const [desk, phone] = [new Browser(), new Browser()];
  await desk.login('desk');
  await phone.login('phone');
  const answer = await fetch(`${service}/backchannel-logout`, form({ logout_token: await signed({ ...claims, events, jti: label }, 'logout+jwt') }));
  console.log(`a logout token ${label}: ${answer.status}, desk ${await desk.state()}, phone ${await phone.state()}`);
}
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
a logout token with sid and sub: 204, desk signed out, phone signed out
a logout token with sub alone: 204, desk signed out, phone signed out
a logout token with a sid of no session here and sub: 204, desk signed out, phone signed out
EXPECTED

node probe.mjs >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
