#!/usr/bin/env bash
# litestar-and-hono-misread-a-type-ruled-out-with-q-zero
#
# Expected: `Accept: application/json;q=0, */*` means anything but JSON; of JSON and a problem the problem is chosen.
# Seen: Litestar and accept-types choose JSON, the one type that was ruled out, since `*/*` fits it too. hono/accepts knows
#   `application/*` but not `*/*`, so it finds nothing and takes its default, for `*/*` alone too. mimeparse, Werkzeug,
#   WebOb, Falcon, @hapi/accept and negotiator (Express, Koa) choose the problem.
# Versions: litestar 2.25.0, accept-types 0.4.1, hono 4.13.19, python-mimeparse 2.0.0, Werkzeug 3.1.9, WebOb 1.8.11,
#   falcon 4.4.0, @hapi/accept 6.0.3, negotiator 1.1.0
# Why it matters: `*/*` is what curl and many clients send: a handler that asks hono for the best type gets its default
#   for them, whatever the order of its offers. A gateway and the service behind it choose differently for one request,
#   and an error comes in another format than the answers.
# Source: RFC 9110 sections 12.4.2 and 12.5.1 (the most specific range counts).
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts hono@4.13.19 @hapi/accept@6.0.3 negotiator@1.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet litestar==2.25.0 accept-types==0.4.1 python-mimeparse==2.0.0 Werkzeug==3.1.9 WebOb==1.8.11 falcon==4.4.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import accept_types, falcon, mimeparse
from litestar.datastructures.headers import Accept
from webob.acceptparse import create_accept_header
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

offers = ["application/json", "application/problem+json"]
choices = {
    "Litestar": lambda field: Accept(field).best_match(offers),
    "accept-types": lambda field: accept_types.get_best_match(field, offers),
    "mimeparse": lambda field: mimeparse.best_match(offers, field),
    "Werkzeug": lambda field: parse_accept_header(field, MIMEAccept).best_match(offers),
    "WebOb": lambda field: next((offer for offer, _ in create_accept_header(field).acceptable_offers(offers)), None),
    "Falcon": lambda field: falcon.mediatypes.best_match(offers, field),
}
for name, choose in choices.items():
    for field in ("application/json;q=0, */*", "*/*, application/json;q=0", "application/*;q=0.2, application/json;q=0", "*/*"):
        print(f"{name}: {field}: {choose(field) or 'nothing'}")
PROBE
cat >probe.mjs <<'PROBE'
import Hapi from '@hapi/accept';
import { Hono } from 'hono';
import { accepts } from 'hono/accepts';
import Negotiator from 'negotiator';

const offers = ['application/json', 'application/problem+json'];
const hono = new Hono().get('/', (context) => context.text(accepts(context, { header: 'Accept', supports: offers, default: 'nothing' })));
const choices = {
  'hono/accepts': async (accept) => (await hono.request('/', { headers: { accept } })).text(),
  '@hapi/accept': async (accept) => Hapi.mediaType(accept, offers) || 'nothing',
  'negotiator': async (accept) => new Negotiator({ headers: { accept } }).mediaType(offers) ?? 'nothing',
};
for (const [name, choose] of Object.entries(choices)) {
  for (const field of ['application/json;q=0, */*', '*/*, application/json;q=0', 'application/*;q=0.2, application/json;q=0', '*/*']) {
    console.log(`${name}: ${field}: ${await choose(field)}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
Litestar: application/json;q=0, */*: application/json
Litestar: */*, application/json;q=0: application/json
Litestar: application/*;q=0.2, application/json;q=0: application/json
Litestar: */*: application/json
accept-types: application/json;q=0, */*: application/json
accept-types: */*, application/json;q=0: application/json
accept-types: application/*;q=0.2, application/json;q=0: application/json
accept-types: */*: application/json
mimeparse: application/json;q=0, */*: application/problem+json
mimeparse: */*, application/json;q=0: application/problem+json
mimeparse: application/*;q=0.2, application/json;q=0: application/problem+json
mimeparse: */*: application/problem+json
Werkzeug: application/json;q=0, */*: application/problem+json
Werkzeug: */*, application/json;q=0: application/problem+json
Werkzeug: application/*;q=0.2, application/json;q=0: application/problem+json
Werkzeug: */*: application/json
WebOb: application/json;q=0, */*: application/problem+json
WebOb: */*, application/json;q=0: application/problem+json
WebOb: application/*;q=0.2, application/json;q=0: application/problem+json
WebOb: */*: application/json
Falcon: application/json;q=0, */*: application/problem+json
Falcon: */*, application/json;q=0: application/problem+json
Falcon: application/*;q=0.2, application/json;q=0: application/problem+json
Falcon: */*: application/json
hono/accepts: application/json;q=0, */*: nothing
hono/accepts: */*, application/json;q=0: nothing
hono/accepts: application/*;q=0.2, application/json;q=0: application/problem+json
hono/accepts: */*: nothing
@hapi/accept: application/json;q=0, */*: application/problem+json
@hapi/accept: */*, application/json;q=0: application/problem+json
@hapi/accept: application/*;q=0.2, application/json;q=0: application/problem+json
@hapi/accept: */*: application/json
negotiator: application/json;q=0, */*: application/problem+json
negotiator: */*, application/json;q=0: application/problem+json
negotiator: application/*;q=0.2, application/json;q=0: application/problem+json
negotiator: */*: application/json
EXPECTED

{ venv/bin/python -W ignore probe.py && node probe.mjs; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
