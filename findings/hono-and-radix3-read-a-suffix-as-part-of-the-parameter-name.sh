#!/usr/bin/env bash
# hono-and-radix3-read-a-suffix-as-part-of-the-parameter-name
#
# Expected: in `/reports/:id.json` the name of the parameter ends at the dot, so the route matches `/reports/7.json`
#   with `id` as `7`, and not `/reports/7`.
# Seen: Hono and radix3 (of h3 1 and Nitro 2) take `id.json` for the name. The route matches every `/reports/…`, with
#   or without `.json`, and `id` is undefined. find-my-way, path-to-regexp, itty-router, regexparam, rou3 and URL
#   Pattern read it as expected.
# Versions: hono 4.13.19, radix3 1.1.2, find-my-way 9.10.2, path-to-regexp 9.0.0, itty-router 5.0.24, rou3 1.0.0,
#   regexparam 3.0.0, urlpattern-polyfill 10.1.0
# Why it matters: OpenAPI documents have such paths (`/reports/{id}.json`). Turned into Hono routes they match too
#   much and their handlers get no id, without a word at start. A gateway that checks the path by the document refuses
#   what the service behind it would have taken.
# Source: URL Pattern Standard, pattern strings; OpenAPI 3.1, path templating.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 radix3@1.1.2 find-my-way@9.10.2 path-to-regexp@9.0.0 itty-router@5.0.24 rou3@1.0.0 regexparam@3.0.0 urlpattern-polyfill@10.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import findMyWay from 'find-my-way';
import { Hono } from 'hono';
import { Router as IttyRouter } from 'itty-router';
import { match } from 'path-to-regexp';
import { createRouter as createRadix3 } from 'radix3';
import { parse } from 'regexparam';
import { addRoute, createRouter, findRoute } from 'rou3';
import { URLPattern } from 'urlpattern-polyfill';

const route = '/reports/:id.json';
const hono = new Hono().get(route, (context) => context.json(context.req.param()));
const radix3 = createRadix3();
radix3.insert(route, {});
const fastify = findMyWay();
fastify.on('GET', route, () => {});
const itty = IttyRouter();
itty.get(route, (request) => ({ ...request.params }));
const rou3 = createRouter();
addRoute(rou3, 'GET', route, {});
const regexparam = parse(route);
const routers = {
  'hono': async (path) => { const answer = await hono.request(path); return answer.ok ? answer.json() : undefined; },
  'radix3': (path) => radix3.lookup(path)?.params,
  'find-my-way': (path) => fastify.find('GET', path)?.params,
  'path-to-regexp': (path) => match(route)(path)?.params,
  'itty-router': (path) => itty.fetch({ method: 'GET', url: `http://api.example${path}` }),
  'rou3': (path) => findRoute(rou3, 'GET', path)?.params,
  'regexparam': (path) => { const found = regexparam.pattern.exec(path); return found ? { [regexparam.keys[0]]: found[1] } : undefined; },
  'URLPattern': (path) => new URLPattern({ pathname: route }).exec(`http://api.example${path}`)?.pathname.groups,
};
for (const path of ['/reports/7.json', '/reports/7']) {
  for (const [name, find] of Object.entries(routers)) {
    const found = await find(path);
    console.log(`${path}: ${name}: ${found ? `matched: yes, ${JSON.stringify({ ...found })}` : 'matched: no'}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
/reports/7.json: hono: matched: yes, {"id.json":"7.json"}
/reports/7.json: radix3: matched: yes, {"id.json":"7.json"}
/reports/7.json: find-my-way: matched: yes, {"id":"7"}
/reports/7.json: path-to-regexp: matched: yes, {"id":"7"}
/reports/7.json: itty-router: matched: yes, {"id":"7"}
/reports/7.json: rou3: matched: yes, {"id":"7"}
/reports/7.json: regexparam: matched: yes, {"id":"7"}
/reports/7.json: URLPattern: matched: yes, {"id":"7"}
/reports/7: hono: matched: yes, {"id.json":"7"}
/reports/7: radix3: matched: yes, {"id.json":"7"}
/reports/7: find-my-way: matched: no
/reports/7: path-to-regexp: matched: no
/reports/7: itty-router: matched: no
/reports/7: rou3: matched: no
/reports/7: regexparam: matched: no
/reports/7: URLPattern: matched: no
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
