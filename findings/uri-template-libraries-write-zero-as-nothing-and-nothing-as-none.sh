#!/usr/bin/env bash
# uri-template-libraries-write-zero-as-nothing-and-nothing-as-none
#
# Expected: a number is expanded as its digits, also 0; an undefined member (null, None) of a list or map is left out.
# Seen: uritemplate for Python writes `?page=&debug=` for a page of 0 and a debug of False. uritemplate, uri-template for
#   Python, uri-templates, uri-template and uri-template-lite for npm write the word None or null for an undefined member
#   (`?tag=None`, `k=null`); std-uritemplate raises an error at it. url-template does all of it as specified.
# Versions: uritemplate 4.2.0, uri-template 1.3.0, std-uritemplate 2.0.12 (PyPI); uri-templates 0.2.0, uri-template 2.0.0,
#   uri-template-lite 23.4.0, url-template 3.1.1 (npm)
# Why it matters: A client that fills the link templates of an API asks for the first page as `page=`, which an OpenAPI
#   check in the gateway answers with 400 for being no integer, or filters by a tag "None" that nobody has given. It comes
#   to light in the gateway's answer; the client's code looks right.
# Source: RFC 6570 sections 2.3, 2.4.2 and 3.2.1 ("undefined" and "ignored").
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

cases = [
    ["{?page,debug}", {"page": 0, "debug": False}],
    ["{?page,debug}", {"page": 1, "debug": True}],
    ["{?page}", {"page": None}],
    ["{?tag*}", {"tag": ["a", None]}],
    ["{?filter*}", {"filter": {"j": "1", "k": None}}],
]
json.dump(cases, open("cases.json", "w"))
for name, expand in {
    "uritemplate (Python)": lambda template, values: uritemplate.expand(template, values),
    "uri-template (Python)": lambda template, values: uri_template.expand(template, **values),
    "std-uritemplate (Python)": StdUriTemplate.expand,
}.items():
    for template, values in cases:
        try:
            seen = expand(template, values) or "(empty)"
        except Exception as error:
            seen = f"{type(error).__name__}: {error}"
        print(f"{name}: {template} {json.dumps(values)}: {seen}")
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import uriTemplate from 'uri-template';
import uriTemplateLite from 'uri-template-lite';
import uriTemplates from 'uri-templates';
import { parseTemplate } from 'url-template';

const cases = JSON.parse(readFileSync('cases.json', 'utf8'));
for (const [name, expand] of Object.entries({
  'uri-templates (npm)': (template, values) => uriTemplates(template).fillFromObject(values),
  'uri-template (npm)': (template, values) => uriTemplate.parse(template).expand(values),
  'uri-template-lite (npm)': (template, values) => uriTemplateLite.expand(template, values),
  'url-template (npm)': (template, values) => parseTemplate(template).expand(values),
})) {
  for (const [template, values] of cases) console.log(`${name}: ${template} ${JSON.stringify(values)}: ${expand(template, values) || '(empty)'}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
uritemplate (Python): {?page,debug} {"page": 0, "debug": false}: ?page=&debug=
uritemplate (Python): {?page,debug} {"page": 1, "debug": true}: ?page=1&debug=True
uritemplate (Python): {?page} {"page": null}: (empty)
uritemplate (Python): {?tag*} {"tag": ["a", null]}: ?tag=a&tag=None
uritemplate (Python): {?filter*} {"filter": {"j": "1", "k": null}}: ?j=1&k=None
uri-template (Python): {?page,debug} {"page": 0, "debug": false}: ?page=0&debug=false
uri-template (Python): {?page,debug} {"page": 1, "debug": true}: ?page=1&debug=true
uri-template (Python): {?page} {"page": null}: (empty)
uri-template (Python): {?tag*} {"tag": ["a", null]}: ?tag=a&tag=None
uri-template (Python): {?filter*} {"filter": {"j": "1", "k": null}}: ?j=1&k=None
std-uritemplate (Python): {?page,debug} {"page": 0, "debug": false}: ?page=0&debug=false
std-uritemplate (Python): {?page,debug} {"page": 1, "debug": true}: ?page=1&debug=true
std-uritemplate (Python): {?page} {"page": null}: (empty)
std-uritemplate (Python): {?tag*} {"tag": ["a", null]}: ValueError: Illegal class passed as substitution: None
std-uritemplate (Python): {?filter*} {"filter": {"j": "1", "k": null}}: ValueError: Illegal class passed as substitution: None
uri-templates (npm): {?page,debug} {"page":0,"debug":false}: ?page=0&debug=false
uri-templates (npm): {?page,debug} {"page":1,"debug":true}: ?page=1&debug=true
uri-templates (npm): {?page} {"page":null}: (empty)
uri-templates (npm): {?tag*} {"tag":["a",null]}: ?tag=a&tag=null
uri-templates (npm): {?filter*} {"filter":{"j":"1","k":null}}: ?j=1&k=null
uri-template (npm): {?page,debug} {"page":0,"debug":false}: ?page=0&debug=false
uri-template (npm): {?page,debug} {"page":1,"debug":true}: ?page=1&debug=true
uri-template (npm): {?page} {"page":null}: (empty)
uri-template (npm): {?tag*} {"tag":["a",null]}: ?tag=a&tag=null
uri-template (npm): {?filter*} {"filter":{"j":"1","k":null}}: ?j=1&k=null
uri-template-lite (npm): {?page,debug} {"page":0,"debug":false}: ?page=0&debug=false
uri-template-lite (npm): {?page,debug} {"page":1,"debug":true}: ?page=1&debug=true
uri-template-lite (npm): {?page} {"page":null}: (empty)
uri-template-lite (npm): {?tag*} {"tag":["a",null]}: ?tag=a&tag=null
uri-template-lite (npm): {?filter*} {"filter":{"j":"1","k":null}}: ?j=1&k=null
url-template (npm): {?page,debug} {"page":0,"debug":false}: ?page=0&debug=false
url-template (npm): {?page,debug} {"page":1,"debug":true}: ?page=1&debug=true
url-template (npm): {?page} {"page":null}: (empty)
url-template (npm): {?tag*} {"tag":["a",null]}: ?tag=a
url-template (npm): {?filter*} {"filter":{"j":"1","k":null}}: ?j=1
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
