#!/usr/bin/env bash
# forwarded-parse-throws-at-a-semicolon-at-the-end
#
# Expected: the grammar of Forwarded lets a pair be left out: `for=192.0.2.60;` and `for=192.0.2.60;;proto=https` are valid,
#   and so is a list with an empty element.
# Seen: forwarded-parse throws at all of them. Sanic loses what stands left of two semicolons. aiohttp and Falcon read
#   them; aiohttp has an element too many for an empty one in the list.
# Versions: forwarded-parse 2.2.0, sanic 25.12.1, aiohttp 3.14.5, falcon 4.4.0
# Why it matters: A proxy whose template leaves a part empty (`for=$remote_addr;$extra`) sends it. Code that gives the field
#   of a client to the parser without a catch answers 500 to a valid request. A gateway that writes the field anew from
#   what it knows keeps that from its services.
# Source: RFC 7239 section 4 (forwarded-element); RFC 9110 section 5.6.1.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts forwarded-parse@2.2.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet sanic==25.12.1 aiohttp==3.14.5 falcon==4.4.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
from types import SimpleNamespace
import falcon
from aiohttp.test_utils import make_mocked_request
from falcon import testing
from sanic.headers import parse_forwarded

fields = ["for=192.0.2.60;proto=https", "for=192.0.2.60;proto=https;", "for=192.0.2.60;;proto=https", "for=192.0.2.60;proto=https,", ", for=192.0.2.60;proto=https"]
json.dump(fields, open("fields.json", "w"))
class Headers(dict):
    def getall(self, name, default=None): return [self["forwarded"]]
def sanic(field):
    field = field.replace("proto=https", "proto=https;secret=s")
    return parse_forwarded(Headers(forwarded=field), SimpleNamespace(FORWARDED_SECRET="s"))
readers = {
    "aiohttp": lambda field: [dict(element) for element in make_mocked_request("GET", "/", headers={"Forwarded": field}).forwarded],
    "Falcon": lambda field: [{"for": element.src, "proto": element.scheme} for element in falcon.Request(testing.create_environ(headers={"Forwarded": field})).forwarded or []],
    "Sanic": lambda field: {key: value for key, value in (sanic(field) or {}).items() if key != "secret"},
}
for name, read in readers.items():
    for field in fields:
        print(f"{name}: {field}: {json.dumps(read(field))}")
PROBE
cat >probe.mjs <<'PROBE'
import parse from 'forwarded-parse';
import { readFileSync } from 'node:fs';

for (const field of JSON.parse(readFileSync('fields.json', 'utf8'))) {
  let seen;
  try { seen = JSON.stringify(parse(field)); } catch (error) { seen = `throws ${error.name}: ${error.message}`; }
  console.log(`forwarded-parse: ${field}: ${seen}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
aiohttp: for=192.0.2.60;proto=https: [{"for": "192.0.2.60", "proto": "https"}]
aiohttp: for=192.0.2.60;proto=https;: [{"for": "192.0.2.60", "proto": "https"}]
aiohttp: for=192.0.2.60;;proto=https: [{"for": "192.0.2.60", "proto": "https"}]
aiohttp: for=192.0.2.60;proto=https,: [{"for": "192.0.2.60", "proto": "https"}, {}]
aiohttp: , for=192.0.2.60;proto=https: [{}, {"for": "192.0.2.60", "proto": "https"}]
Falcon: for=192.0.2.60;proto=https: [{"for": "192.0.2.60", "proto": "https"}]
Falcon: for=192.0.2.60;proto=https;: [{"for": "192.0.2.60", "proto": "https"}]
Falcon: for=192.0.2.60;;proto=https: [{"for": "192.0.2.60", "proto": "https"}]
Falcon: for=192.0.2.60;proto=https,: [{"for": "192.0.2.60", "proto": "https"}]
Falcon: , for=192.0.2.60;proto=https: [{"for": "192.0.2.60", "proto": "https"}]
Sanic: for=192.0.2.60;proto=https: {"for": "192.0.2.60", "proto": "https"}
Sanic: for=192.0.2.60;proto=https;: {"for": "192.0.2.60", "proto": "https"}
Sanic: for=192.0.2.60;;proto=https: {"proto": "https"}
Sanic: for=192.0.2.60;proto=https,: {"for": "192.0.2.60", "proto": "https"}
Sanic: , for=192.0.2.60;proto=https: {"for": "192.0.2.60", "proto": "https"}
forwarded-parse: for=192.0.2.60;proto=https: [{"for":"192.0.2.60","proto":"https"}]
forwarded-parse: for=192.0.2.60;proto=https;: throws ParseError: Unexpected end of input
forwarded-parse: for=192.0.2.60;;proto=https: throws ParseError: Unexpected character ';' at index 15
forwarded-parse: for=192.0.2.60;proto=https,: throws ParseError: Unexpected end of input
forwarded-parse: , for=192.0.2.60;proto=https: throws ParseError: Unexpected character ',' at index 0
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
