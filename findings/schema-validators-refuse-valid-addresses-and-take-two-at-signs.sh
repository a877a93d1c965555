#!/usr/bin/env bash
# schema-validators-refuse-valid-addresses-and-take-two-at-signs
#
# Expected: `"format": "email"` takes the mailboxes of RFC 5321 section 4.1.2: a domain may be one label, an address literal stands in
#   brackets, a local part may be quoted, and there is one at sign outside quotation marks.
# Seen: ajv-formats, jsonschema of npm and fastjsonschema refuse `ann@localhost`; no validator of npm takes a quoted local part or an IPv6
#   literal. jsonschema of Python takes whatever has an at sign in it, `ann@` and `ann@bob@mail.example` among them; fastjsonschema
#   takes spaces and empty labels.
# Versions: ajv-formats 3.0.1 with ajv 8.20.0, @cfworker/json-schema 4.1.1, @exodus/schemasafe 1.3.0, jsonschema 1.5.0 (npm);
#   jsonschema 4.26.0 with its format extras, fastjsonschema 2.22.3 (Python)
# Why it matters: `email` of a user of a development tenant may be `someone@localhost`: it passes one check and not the next. And a `format` is no reason
#   to trust that a text can be put into a mail header.
# Source: RFC 5321 sections 4.1.2 and 4.1.3; JSON Schema Validation 2020-12 section 7.3.2.
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
  ["email", "ann@mail.example", true],
  ["email", "ann+orders@mail.example", true],
  ["email", "o'brien@mail.example", true],
  ["email", "ann@localhost", true],
  ["email", "ann@[127.0.0.1]", true],
  ["email", "ann@[IPv6:::1]", true],
  ["email", "\"ann b\"@mail.example", true],
  ["email", "ann@bob@mail.example", false],
  ["email", ".ann@mail.example", false],
  ["email", "ann.@mail.example", false],
  ["email", "ann..b@mail.example", false],
  ["email", "ann@-mail.example", false],
  ["email", "ann@mail..example", false],
  ["email", "ann@", false],
  ["email", "ann b@mail.example", false]
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
ajv-formats: email: "ann@localhost": refused
ajv-formats: email: "ann@[127.0.0.1]": refused
ajv-formats: email: "ann@[IPv6:::1]": refused
ajv-formats: email: "\"ann b\"@mail.example": refused
@cfworker/json-schema: email: "ann@[127.0.0.1]": refused
@cfworker/json-schema: email: "ann@[IPv6:::1]": refused
@cfworker/json-schema: email: "\"ann b\"@mail.example": refused
@exodus/schemasafe: email: "ann@[127.0.0.1]": refused
@exodus/schemasafe: email: "ann@[IPv6:::1]": refused
@exodus/schemasafe: email: "\"ann b\"@mail.example": refused
jsonschema (npm): email: "ann@localhost": refused
jsonschema (npm): email: "ann@[IPv6:::1]": refused
jsonschema (npm): email: "\"ann b\"@mail.example": refused
jsonschema (Python): email: "ann@bob@mail.example": taken
jsonschema (Python): email: ".ann@mail.example": taken
jsonschema (Python): email: "ann.@mail.example": taken
jsonschema (Python): email: "ann..b@mail.example": taken
jsonschema (Python): email: "ann@-mail.example": taken
jsonschema (Python): email: "ann@mail..example": taken
jsonschema (Python): email: "ann@": taken
jsonschema (Python): email: "ann b@mail.example": taken
fastjsonschema: email: "ann@localhost": refused
fastjsonschema: email: "ann@[IPv6:::1]": refused
fastjsonschema: email: "ann@-mail.example": taken
fastjsonschema: email: "ann@mail..example": taken
fastjsonschema: email: "ann b@mail.example": taken
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
