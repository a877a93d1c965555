#!/usr/bin/env bash
# uri-template-libraries-escape-an-escape-that-has-a-letter-in-it
#
# Expected: `{+path}` leaves reserved characters and the escapes of the value as they are, and encodes the rest as UTF-8.
# Seen: uri-template and uri-templates for npm take only escapes of two digits for escapes: `%20` stays, `%2F` and `%3D`
#   become `%252F` and `%253D`. std-uritemplate encodes the escapes of UTF-8 again, uri-template-lite every one.
#   uritemplate for Python sends a letter outside ASCII bare if an escape is beside it. uri-templates and
#   uri-template-lite encode `[` and `]`. url-template and uri-template for Python do all of it as specified.
# Versions: uri-templates 0.2.0, uri-template 2.0.0, uri-template-lite 23.4.0, url-template 3.1.1 (npm); uritemplate 4.2.0,
#   uri-template 1.3.0, std-uritemplate 2.0.12 (PyPI)
# Why it matters: `{+path}` is how templates carry a whole path or the address of the next page. One path arrives at the
#   gateway in several spellings, of which a route or a signature over the path matches one.
# Source: RFC 6570 sections 1.5, 3.2.1 and 3.2.3.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts uri-templates@0.2.0 uri-template@2.0.0 uri-template-lite@23.4.0 url-template@3.1.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet uritemplate==4.2.0 uri-template==1.3.0 std-uritemplate==2.0.12 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
import uri_template, uritemplate
from stduritemplate import StdUriTemplate

values = ["plain/path", "a%20b", "a%2Fb", "a%3Db", "caf%C3%A9", "caf%C3%A9/über", "[::1]"]
json.dump(values, open("values.json", "w"))
for name, expand in {
    "uritemplate (Python)": uritemplate.expand,
    "uri-template (Python)": lambda template, given: uri_template.expand(template, **given),
    "std-uritemplate (Python)": StdUriTemplate.expand,
}.items():
    for value in values:
        print(f"{name}: {value}: {expand('{+path}', {'path': value})}")
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import uriTemplate from 'uri-template';
import uriTemplateLite from 'uri-template-lite';
import uriTemplates from 'uri-templates';
import { parseTemplate } from 'url-template';

for (const [name, expand] of Object.entries({
  'uri-templates (npm)': (values) => uriTemplates('{+path}').fillFromObject(values),
  'uri-template (npm)': (values) => uriTemplate.parse('{+path}').expand(values),
  'uri-template-lite (npm)': (values) => uriTemplateLite.expand('{+path}', values),
  'url-template (npm)': (values) => parseTemplate('{+path}').expand(values),
})) {
  for (const path of JSON.parse(readFileSync('values.json', 'utf8'))) console.log(`${name}: ${path}: ${expand({ path })}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
uritemplate (Python): plain/path: plain/path
uritemplate (Python): a%20b: a%20b
uritemplate (Python): a%2Fb: a%2Fb
uritemplate (Python): a%3Db: a%3Db
uritemplate (Python): caf%C3%A9: caf%C3%A9
uritemplate (Python): caf%C3%A9/über: caf%C3%A9/über
uritemplate (Python): [::1]: [::1]
uri-template (Python): plain/path: plain/path
uri-template (Python): a%20b: a%20b
uri-template (Python): a%2Fb: a%2Fb
uri-template (Python): a%3Db: a%3Db
uri-template (Python): caf%C3%A9: caf%C3%A9
uri-template (Python): caf%C3%A9/über: caf%C3%A9/%C3%BCber
uri-template (Python): [::1]: [::1]
std-uritemplate (Python): plain/path: plain/path
std-uritemplate (Python): a%20b: a%20b
std-uritemplate (Python): a%2Fb: a%2Fb
std-uritemplate (Python): a%3Db: a%3Db
std-uritemplate (Python): caf%C3%A9: caf%25C3%25A9
std-uritemplate (Python): caf%C3%A9/über: caf%25C3%25A9/%C3%BCber
std-uritemplate (Python): [::1]: [::1]
uri-templates (npm): plain/path: plain/path
uri-templates (npm): a%20b: a%20b
uri-templates (npm): a%2Fb: a%252Fb
uri-templates (npm): a%3Db: a%253Db
uri-templates (npm): caf%C3%A9: caf%25C3%25A9
uri-templates (npm): caf%C3%A9/über: caf%25C3%25A9/%C3%BCber
uri-templates (npm): [::1]: %5B::1%5D
uri-template (npm): plain/path: plain/path
uri-template (npm): a%20b: a%20b
uri-template (npm): a%2Fb: a%252Fb
uri-template (npm): a%3Db: a%253Db
uri-template (npm): caf%C3%A9: caf%25C3%25A9
uri-template (npm): caf%C3%A9/über: caf%25C3%25A9/%C3%BCber
uri-template (npm): [::1]: [::1]
uri-template-lite (npm): plain/path: plain/path
uri-template-lite (npm): a%20b: a%2520b
uri-template-lite (npm): a%2Fb: a%252Fb
uri-template-lite (npm): a%3Db: a%253Db
uri-template-lite (npm): caf%C3%A9: caf%25C3%25A9
uri-template-lite (npm): caf%C3%A9/über: caf%25C3%25A9/%C3%BCber
uri-template-lite (npm): [::1]: %5B::1%5D
url-template (npm): plain/path: plain/path
url-template (npm): a%20b: a%20b
url-template (npm): a%2Fb: a%2Fb
url-template (npm): a%3Db: a%3Db
url-template (npm): caf%C3%A9: caf%C3%A9
url-template (npm): caf%C3%A9/über: caf%C3%A9/%C3%BCber
url-template (npm): [::1]: [::1]
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
