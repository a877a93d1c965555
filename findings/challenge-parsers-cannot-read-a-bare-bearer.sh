#!/usr/bin/env bash
# challenge-parsers-cannot-read-a-bare-bearer
#
# Expected: a parser of WWW-Authenticate reads `Bearer` without parameters, which RFC 6750 asks for when no
#   credentials were sent, and keeps two challenges in one line apart.
# Seen: The npm packages auth-header and www-authenticate throw at a bare `Bearer`. Given `Basic realm="x", Bearer
#   error="invalid_token"` they and Werkzeug return one Basic challenge that has swallowed the Bearer one: auth-header
#   puts its error into Basic, the others make up a parameter `Bearer error`.
# Versions: auth-header 1.0.0, www-authenticate 0.6.3, Werkzeug 3.1.9; oauth4webapi 3.8.8 for comparison
# Why it matters: A 401 is the one answer that a client must be able to read to log in. A server that sends one
#   challenge a line, or a parameter such as `realm` beside the scheme, meets these parsers where they work.
# Source: RFC 9110 section 11.6.1; RFC 6750 section 3.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts auth-header@1.0.0 www-authenticate@0.6.3 oauth4webapi@3.8.8 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet Werkzeug==3.1.9 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import authHeader from 'auth-header';
import * as oauth from 'oauth4webapi';
import wwwAuthenticate from 'www-authenticate';
const as = { issuer: 'https://id.example', userinfo_endpoint: 'https://id.example/me' };
const readers = {
  'oauth4webapi': async (line) => {
    const response = new Response(null, { status: 401, headers: { 'www-authenticate': line } });
    const found = await oauth.processUserInfoResponse(as, { client_id: 'app' }, oauth.skipSubjectCheck, response).catch((e) => e.cause);
    return found.map(({ scheme, parameters }) => [scheme, parameters]);
  },
  'auth-header': async (line) => { const { scheme, params } = authHeader.parse(line); return [[scheme, params]]; },
  'www-authenticate': async (line) => { const { scheme, parms, err } = new wwwAuthenticate.parsers.WWW_Authenticate(line); return err ?? [[scheme, parms]]; },
};
for (const line of ['Bearer realm="x"', 'Bearer', 'Basic realm="x", Bearer error="invalid_token"']) {
  for (const [name, read] of Object.entries(readers)) {
    console.log(`${line} | ${name}: ${await read(line).then(JSON.stringify, (e) => `throws ${e.name}`)}`);
  }
}
PROBE
cat >probe.py <<'PROBE'
from werkzeug.datastructures import WWWAuthenticate
for line in ('Bearer realm="x"', "Bearer", 'Basic realm="x", Bearer error="invalid_token"'):
    challenge = WWWAuthenticate.from_header(line)
    print(f"{line} | Werkzeug: {challenge.type} {dict(challenge.parameters)}")
PROBE
cat >expected.txt <<'EXPECTED'
Bearer realm="x" | oauth4webapi: [["bearer",{"realm":"x"}]]
Bearer realm="x" | auth-header: [["Bearer",{"realm":"x"}]]
Bearer realm="x" | www-authenticate: [["Bearer",{"realm":"x"}]]
Bearer | oauth4webapi: [["bearer",{}]]
Bearer | auth-header: throws TypeError
Bearer | www-authenticate: throws TypeError
Basic realm="x", Bearer error="invalid_token" | oauth4webapi: [["basic",{"realm":"x"}],["bearer",{"error":"invalid_token"}]]
Basic realm="x", Bearer error="invalid_token" | auth-header: [["Basic",{"realm":"x","error":"invalid_token"}]]
Basic realm="x", Bearer error="invalid_token" | www-authenticate: [["Basic",{"realm":"x","Bearer error":"invalid_token"}]]
Bearer realm="x" | Werkzeug: bearer {'realm': 'x'}
Bearer | Werkzeug: bearer {}
Basic realm="x", Bearer error="invalid_token" | Werkzeug: basic {'realm': 'x', 'Bearer error': 'invalid_token'}
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
