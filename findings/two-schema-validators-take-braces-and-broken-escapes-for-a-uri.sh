#!/usr/bin/env bash
# two-schema-validators-take-braces-and-broken-escapes-for-a-uri
#
# Expected: `"format": "uri"` takes the URIs of RFC 3986 section 3, which have no braces, no bars and no letters beyond ASCII, a percent sign
#   only before two hexadecimal digits, and a scheme that begins with a letter. `"uri-reference"` takes relative ones, too.
# Seen: jsonschema of npm takes braces, bars, `ä`, `%zz` and an IPv6 address without its end; fastjsonschema takes all of that, and a scheme
#   that begins with a digit, and in a uri-reference as well. ajv-formats, cfworker and fastjsonschema refuse `a:`, which has an empty
#   path and is a URI. schemasafe and jsonschema of Python with its format extras agree with the RFC.
# Versions: ajv-formats 3.0.1 with ajv 8.20.0, @cfworker/json-schema 4.1.1, @exodus/schemasafe 1.3.0, jsonschema 1.5.0 (npm);
#   jsonschema 4.26.0 with its format extras, fastjsonschema 2.22.3 (Python)
# Why it matters: `https://api.example/{id}` in place of an address is the template that someone forgot to fill in. An editor that checks by one
#   of the two says nothing, and the first request fails.
# Source: RFC 3986 sections 2.1, 3.1 and 3.2.2; JSON Schema Validation 2020-12 section 7.3.5.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts ajv@8.20.0 ajv-formats@3.0.1 \
  @cfworker/json-schema@4.1.1 @exodus/schemasafe@1.3.0 jsonschema@1.5.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet 'jsonschema[format-nongpl]==4.26.0' fastjsonschema==2.22.3 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

# Each has a format, a text, and whether the text is of that format by its RFC.
cat >cases.json <<'CASES'
[
  ["uri", "https://api.example/orders?x=1#y", true],
  ["uri", "urn:example:a", true],
  ["uri", "a:", true],
  ["uri", "http://[::1]:8080/", true],
  ["uri", "https://api.example/{id}", false],
  ["uri", "https://api.example/a|b", false],
  ["uri", "https://api.example/ä", false],
  ["uri", "https://api.example/%zz", false],
  ["uri", "https://api.example/a b", false],
  ["uri", "http://[::1/", false],
  ["uri", "1http://api.example/", false],
  ["uri", "//api.example/", false],
  ["uri-reference", "", true],
  ["uri-reference", "/orders", true],
  ["uri-reference", "/ä", false],
  ["uri-reference", "/a b", false],
  ["uri-reference", "/%zz", false],
  ["uri-reference", "/{id}", false]
]
CASES
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import Ajv from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { Validator as CfWorker } from '@cfworker/json-schema';
import { validator as schemasafe } from '@exodus/schemasafe';
import { Validator as Jsonschema } from 'jsonschema';

const ajv = new Ajv.default();
addFormats.default(ajv);
const $schema = 'https://json-schema.org/draft/2019-09/schema';
const validators = {
  'ajv-formats': (schema) => ajv.compile(schema),
  '@cfworker/json-schema': (schema) => (value) => new CfWorker(schema, '2020-12').validate(value).valid,
  '@exodus/schemasafe': (schema) => schemasafe({ $schema, ...schema }, { mode: 'lax' }),
  'jsonschema (npm)': (schema) => (value) => new Jsonschema().validate(value, schema).valid,
};
const cases = JSON.parse(readFileSync('cases.json', 'utf8'));
for (const [name, compile] of Object.entries(validators))
  for (const [format, value, isValid] of cases) {
    const taken = compile({ type: 'string', format })(value);
    if (taken !== isValid) console.log(`${name}: ${format}: ${JSON.stringify(value)}: ${taken ? 'taken' : 'refused'}`);
  }
PROBE
cat >probe.py <<'PROBE'
import json
import fastjsonschema, jsonschema

checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
def of_jsonschema(schema, value):
    return jsonschema.Draft202012Validator(schema, format_checker=checker).is_valid(value)
def of_fastjsonschema(schema, value):
    try:
        fastjsonschema.compile(schema)(value)
        return True
    except fastjsonschema.JsonSchemaValueException:
        return False

for name, check in {"jsonschema (Python)": of_jsonschema, "fastjsonschema": of_fastjsonschema}.items():
    for format, value, is_valid in json.load(open("cases.json")):
        taken = check({"type": "string", "format": format}, value)
        if taken != is_valid:
            print(f"{name}: {format}: {json.dumps(value, ensure_ascii=False)}: {'taken' if taken else 'refused'}")
PROBE
cat >expected.txt <<'EXPECTED'
ajv-formats: uri: "a:": refused
@cfworker/json-schema: uri: "a:": refused
jsonschema (npm): uri: "https://api.example/{id}": taken
jsonschema (npm): uri: "https://api.example/a|b": taken
jsonschema (npm): uri: "https://api.example/ä": taken
jsonschema (npm): uri: "https://api.example/%zz": taken
jsonschema (npm): uri: "http://[::1/": taken
fastjsonschema: uri: "a:": refused
fastjsonschema: uri: "https://api.example/{id}": taken
fastjsonschema: uri: "https://api.example/a|b": taken
fastjsonschema: uri: "https://api.example/ä": taken
fastjsonschema: uri: "https://api.example/%zz": taken
fastjsonschema: uri: "http://[::1/": taken
fastjsonschema: uri: "1http://api.example/": taken
fastjsonschema: uri-reference: "/ä": taken
fastjsonschema: uri-reference: "/%zz": taken
fastjsonschema: uri-reference: "/{id}": taken
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
