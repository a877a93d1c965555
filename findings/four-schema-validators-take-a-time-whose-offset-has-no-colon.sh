#!/usr/bin/env bash
# four-schema-validators-take-a-time-whose-offset-has-no-colon
#
# Expected: `"format": "date-time"` and `"time"` take what RFC 3339 section 5.6 has: an offset is `Z` or hours, a colon and minutes, an
#   hour is at most 23, and a leap second is one at 23:59:60 UTC.
# Seen: ajv-formats, @cfworker/json-schema, schemasafe and fastjsonschema take `+0100`, and the last three, like jsonschema of npm, take a
#   time without any offset. jsonschema of npm refuses the valid times, and takes 30 February, 24:00 and `+24:00`, which cfworker takes,
#   too. jsonschema of Python refuses the leap second; npm's jsonschema and fastjsonschema take one at 22:59:60.
# Versions: ajv-formats 3.0.1 with ajv 8.20.0, @cfworker/json-schema 4.1.1, @exodus/schemasafe 1.3.0, jsonschema 1.5.0 (npm);
#   jsonschema 4.26.0 with its format extras, fastjsonschema 2.22.3 (Python)
# Why it matters: A value that passes the check in the editor or the gateway is refused by the service behind it: Python's fromisoformat, Go's
#   RFC3339 and Java's Instant each read a part of these. Check dates with the parser that will read them.
# Source: RFC 3339 sections 5.6 and 5.7; JSON Schema Validation 2020-12 section 7.3.1.
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
  ["date-time", "2026-11-29T12:00:00Z", true],
  ["date-time", "2026-11-29T13:00:00+01:00", true],
  ["date-time", "2026-11-29T13:00:00+0100", false],
  ["date-time", "2026-11-29T13:00:00+24:00", false],
  ["date-time", "2026-11-29T12:00:00", false],
  ["date-time", "2026-11-29T24:00:00Z", false],
  ["date-time", "2026-02-30T12:00:00Z", false],
  ["date-time", "1998-12-31T23:59:60Z", true],
  ["date-time", "1998-12-31T22:59:60Z", false],
  ["time", "12:00:00Z", true],
  ["time", "13:00:00+01:00", true],
  ["time", "12:00:00", false],
  ["time", "13:00:00+0100", false]
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
ajv-formats: date-time: "2026-11-29T13:00:00+0100": taken
ajv-formats: time: "13:00:00+0100": taken
@cfworker/json-schema: date-time: "2026-11-29T13:00:00+0100": taken
@cfworker/json-schema: date-time: "2026-11-29T13:00:00+24:00": taken
@cfworker/json-schema: time: "12:00:00": taken
@cfworker/json-schema: time: "13:00:00+0100": taken
@exodus/schemasafe: date-time: "2026-11-29T13:00:00+0100": taken
@exodus/schemasafe: time: "12:00:00": taken
@exodus/schemasafe: time: "13:00:00+0100": taken
jsonschema (npm): date-time: "2026-11-29T13:00:00+24:00": taken
jsonschema (npm): date-time: "2026-11-29T24:00:00Z": taken
jsonschema (npm): date-time: "2026-02-30T12:00:00Z": taken
jsonschema (npm): date-time: "1998-12-31T22:59:60Z": taken
jsonschema (npm): time: "12:00:00Z": refused
jsonschema (npm): time: "13:00:00+01:00": refused
jsonschema (npm): time: "12:00:00": taken
jsonschema (Python): date-time: "1998-12-31T23:59:60Z": refused
fastjsonschema: date-time: "2026-11-29T13:00:00+0100": taken
fastjsonschema: date-time: "1998-12-31T22:59:60Z": taken
fastjsonschema: time: "12:00:00": taken
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
