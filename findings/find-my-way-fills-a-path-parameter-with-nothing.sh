#!/usr/bin/env bash
# find-my-way-fills-a-path-parameter-with-nothing
#
# Expected: a parameter stands for one path segment with something in it: `/users/:id` does not match `/users/`.
# Seen: find-my-way, the router of Fastify, matches `/users/` with `id` as the empty string. path-to-regexp, Hono,
#   itty-router, rou3, regexparam and the URL Pattern standard do not match.
# Versions: find-my-way 9.10.2, path-to-regexp 9.0.0, hono 4.13.19, itty-router 5.0.24, rou3 1.0.0, regexparam 3.0.0,
#   urlpattern-polyfill 10.1.0
# Why it matters: A gateway says 404 for `/users/` and the Fastify service behind it answers it, or the other way
#   round; the handler gets an id that is empty and may read it as "all". Routes and tests that were made with one
#   router do not hold for the other.
# Source: URL Pattern Standard, segment wildcard; OpenAPI 3.1, path templating.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts find-my-way@9.10.2 path-to-regexp@9.0.0 hono@4.13.19 itty-router@5.0.24 rou3@1.0.0 regexparam@3.0.0 urlpattern-polyfill@10.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import findMyWay from 'find-my-way';
import { Hono } from 'hono';
import { Router as IttyRouter } from 'itty-router';
import { match } from 'path-to-regexp';
import { parse } from 'regexparam';
import { addRoute, createRouter, findRoute } from 'rou3';
import { URLPattern } from 'urlpattern-polyfill';

const route = '/users/:id';
const fastify = findMyWay();
fastify.on('GET', route, () => {});
const hono = new Hono().get(route, (context) => context.json(context.req.param()));
const itty = IttyRouter();
itty.get(route, (request) => ({ ...request.params }));
const rou3 = createRouter();
addRoute(rou3, 'GET', route, {});
const regexparam = parse(route);
const routers = {
  'find-my-way': (path) => fastify.find('GET', path)?.params,
  'path-to-regexp': (path) => match(route)(path)?.params,
  'hono': async (path) => { const answer = await hono.request(path); return answer.ok ? answer.json() : undefined; },
  'itty-router': (path) => itty.fetch({ method: 'GET', url: `http://api.example${path}` }),
  'rou3': (path) => findRoute(rou3, 'GET', path)?.params,
  'regexparam': (path) => { const found = regexparam.pattern.exec(path); return found ? { id: found[1] } : undefined; },
  'URLPattern': (path) => new URLPattern({ pathname: route }).exec(`http://api.example${path}`)?.pathname.groups,
};
for (const path of ['/users/7', '/users/', '/users']) {
  for (const [name, find] of Object.entries(routers)) {
    const found = await find(path);
    console.log(`${path}: ${name}: ${found ? `matched: yes, ${JSON.stringify({ ...found })}` : 'matched: no'}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
/users/7: find-my-way: matched: yes, {"id":"7"}
/users/7: path-to-regexp: matched: yes, {"id":"7"}
/users/7: hono: matched: yes, {"id":"7"}
/users/7: itty-router: matched: yes, {"id":"7"}
/users/7: rou3: matched: yes, {"id":"7"}
/users/7: regexparam: matched: yes, {"id":"7"}
/users/7: URLPattern: matched: yes, {"id":"7"}
/users/: find-my-way: matched: yes, {"id":""}
/users/: path-to-regexp: matched: no
/users/: hono: matched: no
/users/: itty-router: matched: no
/users/: rou3: matched: no
/users/: regexparam: matched: no
/users/: URLPattern: matched: no
/users: find-my-way: matched: no
/users: path-to-regexp: matched: no
/users: hono: matched: no
/users: itty-router: matched: no
/users: rou3: matched: no
/users: regexparam: matched: no
/users: URLPattern: matched: no
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
