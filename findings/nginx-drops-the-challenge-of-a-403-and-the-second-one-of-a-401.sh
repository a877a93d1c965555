#!/usr/bin/env bash
# nginx-drops-the-challenge-of-a-403-and-the-second-one-of-a-401
#
# Expected: a proxy that asks an authorization server of its own about each request (auth_request, forward_auth) hands the refusal on with
#   its challenges: they tell the client which scheme, which scope and which nonce would do.
# Seen: auth_request of nginx hands on the first `WWW-Authenticate` of a 401 and nothing else of the answer. Of two challenges one
#   reaches the client, `DPoP-Nonce` and a problem do not, a 403 loses `error="insufficient_scope", scope="…"`, and 429 with
#   `Retry-After` is a 500 (which is documented). forward_auth of Caddy hands all of it on.
# Versions: nginx-light 1.22.1-9+deb12u11, caddy 2.6.2-5 (Debian 12)
# Why it matters: a client that would ask for the missing scope (RFC 6750, MCP), or would repeat with the nonce (RFC 9449), gets a page of
#   HTML instead, and gives up or asks for a login. In the configuration nothing looks wrong. Behind nginx, auth_request_set copies the
#   fields that clients need, for 401 and 403 each, or the gateway that refuses is the one that proxies.
# Source: RFC 9110 section 11.6.1; RFC 6750 section 3.1; RFC 9449 section 9; ngx_http_auth_request_handler of nginx.
# Needs: Debian 12 with apt-get, its package lists up to date; node 20 or later
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
command -v node >/dev/null || unready "node is missing"
mkdir -p archives/partial unpacked
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install nginx-light=1.22.1-9+deb12u11 caddy=2.6.2-5 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" unpacked; done

cat >probe.mjs <<'PROBE'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { setTimeout } from 'node:timers/promises';

let refusal;
const upstream = createServer((asked, answer) => {
  const [status, ...fields] = asked.url === '/auth' ? refusal : [200];
  answer.writeHead(status, fields.flat()).end(status === 200 ? 'in' : '{"title":"Refused"}');
}).listen(0, '127.0.0.1');
await once(upstream, 'listening');
const free = createServer().listen(0, '127.0.0.1');
const more = createServer().listen(0, '127.0.0.1');
await Promise.all([once(free, 'listening'), once(more, 'listening')]);
const ports = { nginx: free.address().port, caddy: more.address().port };
await Promise.all([free, more].map((server) => new Promise((done) => server.close(done))));

const here = process.cwd();
const behind = `127.0.0.1:${upstream.address().port}`;
const folders = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${here}/${name};`).join('\n  ');
writeFileSync('nginx.conf', `
daemon off;
master_process off;
pid ${here}/pid;
error_log ${here}/error.log;
events {}
http {
  access_log off;
  ${folders}
  server {
    listen 127.0.0.1:${ports.nginx};
    location = /auth { internal; proxy_pass http://${behind}; }
    location / { auth_request /auth; proxy_pass http://${behind}; }
  }
}
`);
writeFileSync('Caddyfile', `
{
  admin off
  auto_https off
}
http://127.0.0.1:${ports.caddy} {
  forward_auth ${behind} {
    uri /auth
  }
  reverse_proxy ${behind}
}
`);
const [triple] = readdirSync('unpacked/usr/lib').filter((name) => name.endsWith('-linux-gnu'));
const options = { stdio: 'ignore', env: { HOME: here, LD_LIBRARY_PATH: `${here}/unpacked/usr/lib/${triple}` } };
const proxies = [
  spawn('unpacked/usr/sbin/nginx', ['-c', `${here}/nginx.conf`, '-e', `${here}/error.log`], options),
  spawn('unpacked/usr/bin/caddy', ['run', '--adapter', 'caddyfile', '--config', 'Caddyfile'], options),
];
process.on('exit', () => proxies.forEach((proxy) => proxy.kill()));

async function get(port) {
  for (;;) {
    try {
      const asked = request({ port, host: '127.0.0.1', path: '/orders', agent: false }).end();
      const [answer] = await once(asked, 'response');
      return { answer, body: (await answer.toArray()).join('') };
    } catch (error) {
      if (error.code !== 'ECONNREFUSED' || proxies.some((proxy) => proxy.exitCode !== null)) throw error;
      await setTimeout(100);
    }
  }
}

const problem = ['Content-Type', 'application/problem+json'];
const refusals = [
  [401, ['WWW-Authenticate', 'Bearer realm="api"'], ['WWW-Authenticate', 'DPoP algs="ES256", error="use_dpop_nonce"'], ['DPoP-Nonce', 'n1'], problem],
  [403, ['WWW-Authenticate', 'Bearer error="insufficient_scope", scope="orders"'], problem],
  [429, ['Retry-After', '5'], problem],
];
for (refusal of refusals)
  for (const [name, port] of Object.entries(ports)) {
    const { answer, body } = await get(port);
    const { headersDistinct: fields, statusCode } = answer;
    const told = ['www-authenticate', 'dpop-nonce', 'retry-after'].flatMap((field) => fields[field] ?? []);
    console.log(`${refusal[0]} through ${name}: ${statusCode}, ${told.join('; ') || 'no field'}, ${body.startsWith('{') ? 'the problem' : 'HTML'}`);
  }
process.exit();
PROBE
cat >expected.txt <<'EXPECTED'
401 through nginx: 401, Bearer realm="api", HTML
401 through caddy: 401, Bearer realm="api"; DPoP algs="ES256", error="use_dpop_nonce"; n1, the problem
403 through nginx: 403, no field, HTML
403 through caddy: 403, Bearer error="insufficient_scope", scope="orders", the problem
429 through nginx: 500, no field, HTML
429 through caddy: 429, 5, the problem
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
