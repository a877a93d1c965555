#!/usr/bin/env bash
# two-libraries-keep-a-cookie-that-max-age-zero-deletes
#
# Expected: `Set-Cookie: sid=; Max-Age=0` deletes the cookie; a jar drops it, and a library that reads the line and writes
#   it again leaves `Max-Age=0` in.
# Seen: the jar of superagent (cookiejar) does not know Max-Age: the cookie is sent on with an empty value, and one of
#   `Max-Age=1` is sent for ever. @edge-runtime/cookies, which Next.js is built on, loses `Max-Age=0` when a middleware sets
#   any other cookie, and so makes a session cookie of the deletion; it keeps every other lifetime. Both understand a
#   deletion by Expires. tough-cookie, set-cookie-parser, cookie and cookie-es read `Max-Age=0` as zero.
# Versions: superagent 10.4.2, cookiejar 2.1.4, @edge-runtime/cookies 6.0.0, tough-cookie 6.1.0, set-cookie-parser 3.2.3,
#   cookie 1.1.1, cookie-es 3.1.1
# Why it matters: After a logout through a gateway the browser goes on sending an empty session cookie, so a service that
#   asks whether the cookie is there takes the visitor for signed in, and tests with superagent or supertest see what no
#   browser does. A deletion that is to arrive everywhere has `Max-Age=0` and an Expires in the past.
# Source: RFC 6265 sections 5.2.2 and 5.3.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts superagent@10.4.2 cookiejar@2.1.4 @edge-runtime/cookies@6.0.0 tough-cookie@6.1.0 set-cookie-parser@3.2.3 cookie@1.1.1 cookie-es@3.1.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import { ResponseCookies } from '@edge-runtime/cookies';
import { parseSetCookie } from 'cookie';
import { parseSetCookie as parseWithCookieEs } from 'cookie-es';
import { parseString } from 'set-cookie-parser';
import superagent from 'superagent';
import { Cookie, CookieJar } from 'tough-cookie';

const deletions = { 'Max-Age': 'sid=; Path=/; Max-Age=0', 'Expires': 'sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT' };
const server = createServer((request, response) => {
  const line = { '/login': 'sid=abc; Path=/', '/short': 'sid=abc; Path=/; Max-Age=1', ...Object.fromEntries(Object.entries(deletions).map(([by, cookie]) => [`/logout-${by}`, cookie])) }[request.url];
  if (line) response.setHeader('Set-Cookie', line);
  response.end(request.headers.cookie ?? 'no cookie');
}).listen(0, '127.0.0.1');
await new Promise((ready) => server.on('listening', ready));
const url = `http://127.0.0.1:${server.address().port}`;

for (const by of Object.keys(deletions)) {
  const agent = superagent.agent();
  await agent.get(`${url}/login`);
  await agent.get(`${url}/logout-${by}`);
  console.log(`superagent: deleted by ${by}: sends ${(await agent.get(url).buffer(true).parse(superagent.parse.text)).text}`);
  const jar = new CookieJar();
  await jar.setCookie('sid=abc; Path=/', url);
  await jar.setCookie(deletions[by], url);
  console.log(`tough-cookie: deleted by ${by}: sends ${await jar.getCookieString(url) || 'no cookie'}`);
}
const agent = superagent.agent();
await agent.get(`${url}/short`);
await new Promise((later) => setTimeout(later, 2000));
console.log(`superagent: two seconds after Max-Age=1: sends ${(await agent.get(url).buffer(true).parse(superagent.parse.text)).text}`);

for (const line of [...Object.values(deletions), 'sid=abc; Path=/; Max-Age=60']) {
  const headers = new Headers([['Set-Cookie', line]]);
  new ResponseCookies(headers).set('theme', 'dark');
  console.log(`@edge-runtime/cookies: ${line} becomes ${headers.getSetCookie().find((one) => one.startsWith('sid='))}`);
}
const line = deletions['Max-Age'];
console.log(`tough-cookie reads ${Cookie.parse(line).maxAge}, set-cookie-parser ${parseString(line).maxAge}, cookie ${parseSetCookie(line).maxAge}, cookie-es ${parseWithCookieEs(line).maxAge}`);
server.close();
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
superagent: deleted by Max-Age: sends sid=
tough-cookie: deleted by Max-Age: sends no cookie
superagent: deleted by Expires: sends no cookie
tough-cookie: deleted by Expires: sends no cookie
superagent: two seconds after Max-Age=1: sends sid=abc
@edge-runtime/cookies: sid=; Path=/; Max-Age=0 becomes sid=; Path=/
@edge-runtime/cookies: sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT becomes sid=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT
@edge-runtime/cookies: sid=abc; Path=/; Max-Age=60 becomes sid=abc; Path=/; Max-Age=60
tough-cookie reads 0, set-cookie-parser 0, cookie 0, cookie-es 0
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
