#!/usr/bin/env bash
# jsonpath-libraries-find-other-claims-than-the-path-names
#
# Expected: a name in quotation marks names one member, whatever is in it. `['sub','email']` names two, `[-1]` is the last element, and
#   `[?@.name == 'admin']` needs no parentheses. A path that a library does not read is an error.
# Seen: jsonpath-plus finds every member at `['*']` if none is named `*`, none at a filter without parentheses, two names, `[-1]`, or a name with
#   a comma or an apostrophe in it, and throws at `['@groups']`. jsonpath finds nothing at `[-1]` and `['o\'brien']`, jsonpath-python nothing at a
#   name in double quotation marks, a filter without parentheses, two names, and `[-1]`. jsonpath, jsonpathly and jsonpath-ng stop at `$.café`.
#   json-p3 and jsonpath-rfc9535 find each.
# Versions: jsonpath-plus 10.4.0, jsonpath 1.3.0, jsonpathly 3.0.0, json-p3 2.3.1 (npm); jsonpath-ng 1.16.0, jsonpath-python 1.1.6,
#   jsonpath-rfc9535 1.0.1 (PyPI)
# Why it matters: gateways and policies take roles, tenants and groups out of a token by such a path. It is written once, against one library, and
#   nothing is found elsewhere without a word: everyone is refused, or a rule that asks for the absence of a role lets everyone in. Whoever
#   documents a path says which library reads it, and tests it with the token of somebody who has the role and of somebody who has not.
# Source: RFC 9535 sections 2.3.1 (names), 2.3.3 (an index from the end), 2.3.5 (filters), 2.5.1 (several selectors; shorthand names) and
#   2.1 (an error for a path that is not well-formed).
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts jsonpath-plus@10.4.0 jsonpath@1.3.0 jsonpathly@3.0.0 json-p3@2.3.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet jsonpath-ng==1.16.0 jsonpath-python==1.1.6 jsonpath-rfc9535==1.0.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >claims.json <<'CLAIMS'
{
  "sub": "ann",
  "email": "ann@example.com",
  "cognito:groups": ["east"],
  "@groups": ["west"],
  "o'brien": ["owner"],
  "shop,eu": ["buyer"],
  "café": ["guest"],
  "roles": ["user", "admin"],
  "teams": [{ "name": "admin", "id": 1 }, { "name": "ops", "id": 2 }],
  "permissions": { "bills": ["write"], "orders": ["read"] }
}
CLAIMS
cat >paths.txt <<'PATHS'
$['cognito:groups']
$["cognito:groups"]
$['@groups']
$['shop,eu']
$["o'brien"]
$['o\'brien']
$.café
$['sub','email']
$.roles[-1]
$.teams[?@.name == 'admin'].id
$.teams[?(@.name == 'admin')].id
$.permissions['*']
PATHS
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { JSONPath } from 'jsonpath-plus';
import jsonpath from 'jsonpath';
import { query } from 'jsonpathly';
import { jsonpath as p3 } from 'json-p3';

const claims = JSON.parse(readFileSync('claims.json', 'utf8'));
const libraries = {
  'jsonpath-plus': (path) => JSONPath({ path, json: claims }),
  jsonpath: (path) => jsonpath.query(claims, path),
  // A path to one member gives the member.
  jsonpathly: (path) => [query(claims, path)].flat(1).filter((value) => value !== undefined),
  'json-p3': (path) => p3.query(path, claims).values(),
};
const flat = (found) => (found.length === 1 && Array.isArray(found[0]) ? found[0] : found);
for (const path of readFileSync('paths.txt', 'utf8').trim().split('\n')) {
  for (const [name, find] of Object.entries(libraries)) {
    let found;
    try {
      found = JSON.stringify(flat(find(path)));
    } catch {
      found = 'an error';
    }
    console.log(`${path} -> ${name}: ${found}`);
  }
}
PROBE
cat >probe.py <<'PROBE'
import json
import jsonpath, jsonpath_ng.ext, jsonpath_rfc9535

claims = json.load(open("claims.json", encoding="utf-8"))
libraries = {
    "jsonpath-ng": lambda path: [match.value for match in jsonpath_ng.ext.parse(path).find(claims)],
    "jsonpath-python": lambda path: jsonpath.JSONPath(path).parse(claims),
    "jsonpath-rfc9535": lambda path: jsonpath_rfc9535.find(path, claims).values(),
}
for path in open("paths.txt", encoding="utf-8").read().split("\n")[:-1]:
    for name, find in libraries.items():
        try:
            found = find(path)
            found = json.dumps(found[0] if len(found) == 1 and isinstance(found[0], list) else found, separators=(",", ":"))
        except Exception:
            found = "an error"
        print(f"{path} -> {name}: {found}")
PROBE
cat >expected.txt <<'EXPECTED'
$['cognito:groups'] -> jsonpath-plus: ["east"]
$['cognito:groups'] -> jsonpath: ["east"]
$['cognito:groups'] -> jsonpathly: ["east"]
$['cognito:groups'] -> json-p3: ["east"]
$["cognito:groups"] -> jsonpath-plus: ["east"]
$["cognito:groups"] -> jsonpath: ["east"]
$["cognito:groups"] -> jsonpathly: ["east"]
$["cognito:groups"] -> json-p3: ["east"]
$['@groups'] -> jsonpath-plus: an error
$['@groups'] -> jsonpath: ["west"]
$['@groups'] -> jsonpathly: ["west"]
$['@groups'] -> json-p3: ["west"]
$['shop,eu'] -> jsonpath-plus: []
$['shop,eu'] -> jsonpath: ["buyer"]
$['shop,eu'] -> jsonpathly: ["buyer"]
$['shop,eu'] -> json-p3: ["buyer"]
$["o'brien"] -> jsonpath-plus: []
$["o'brien"] -> jsonpath: ["owner"]
$["o'brien"] -> jsonpathly: ["owner"]
$["o'brien"] -> json-p3: ["owner"]
$['o\'brien'] -> jsonpath-plus: []
$['o\'brien'] -> jsonpath: []
$['o\'brien'] -> jsonpathly: ["owner"]
$['o\'brien'] -> json-p3: ["owner"]
$.café -> jsonpath-plus: ["guest"]
$.café -> jsonpath: an error
$.café -> jsonpathly: an error
$.café -> json-p3: ["guest"]
$['sub','email'] -> jsonpath-plus: []
$['sub','email'] -> jsonpath: ["ann","ann@example.com"]
$['sub','email'] -> jsonpathly: ["ann","ann@example.com"]
$['sub','email'] -> json-p3: ["ann","ann@example.com"]
$.roles[-1] -> jsonpath-plus: []
$.roles[-1] -> jsonpath: []
$.roles[-1] -> jsonpathly: ["admin"]
$.roles[-1] -> json-p3: ["admin"]
$.teams[?@.name == 'admin'].id -> jsonpath-plus: []
$.teams[?@.name == 'admin'].id -> jsonpath: an error
$.teams[?@.name == 'admin'].id -> jsonpathly: [1]
$.teams[?@.name == 'admin'].id -> json-p3: [1]
$.teams[?(@.name == 'admin')].id -> jsonpath-plus: [1]
$.teams[?(@.name == 'admin')].id -> jsonpath: [1]
$.teams[?(@.name == 'admin')].id -> jsonpathly: [1]
$.teams[?(@.name == 'admin')].id -> json-p3: [1]
$.permissions['*'] -> jsonpath-plus: [["write"],["read"]]
$.permissions['*'] -> jsonpath: []
$.permissions['*'] -> jsonpathly: []
$.permissions['*'] -> json-p3: []
$['cognito:groups'] -> jsonpath-ng: ["east"]
$['cognito:groups'] -> jsonpath-python: ["east"]
$['cognito:groups'] -> jsonpath-rfc9535: ["east"]
$["cognito:groups"] -> jsonpath-ng: ["east"]
$["cognito:groups"] -> jsonpath-python: []
$["cognito:groups"] -> jsonpath-rfc9535: ["east"]
$['@groups'] -> jsonpath-ng: ["west"]
$['@groups'] -> jsonpath-python: ["west"]
$['@groups'] -> jsonpath-rfc9535: ["west"]
$['shop,eu'] -> jsonpath-ng: ["buyer"]
$['shop,eu'] -> jsonpath-python: ["buyer"]
$['shop,eu'] -> jsonpath-rfc9535: ["buyer"]
$["o'brien"] -> jsonpath-ng: ["owner"]
$["o'brien"] -> jsonpath-python: []
$["o'brien"] -> jsonpath-rfc9535: ["owner"]
$['o\'brien'] -> jsonpath-ng: ["owner"]
$['o\'brien'] -> jsonpath-python: []
$['o\'brien'] -> jsonpath-rfc9535: ["owner"]
$.café -> jsonpath-ng: an error
$.café -> jsonpath-python: ["guest"]
$.café -> jsonpath-rfc9535: ["guest"]
$['sub','email'] -> jsonpath-ng: ["ann","ann@example.com"]
$['sub','email'] -> jsonpath-python: []
$['sub','email'] -> jsonpath-rfc9535: ["ann","ann@example.com"]
$.roles[-1] -> jsonpath-ng: ["admin"]
$.roles[-1] -> jsonpath-python: []
$.roles[-1] -> jsonpath-rfc9535: ["admin"]
$.teams[?@.name == 'admin'].id -> jsonpath-ng: [1]
$.teams[?@.name == 'admin'].id -> jsonpath-python: []
$.teams[?@.name == 'admin'].id -> jsonpath-rfc9535: [1]
$.teams[?(@.name == 'admin')].id -> jsonpath-ng: [1]
$.teams[?(@.name == 'admin')].id -> jsonpath-python: [1]
$.teams[?(@.name == 'admin')].id -> jsonpath-rfc9535: [1]
$.permissions['*'] -> jsonpath-ng: []
$.permissions['*'] -> jsonpath-python: []
$.permissions['*'] -> jsonpath-rfc9535: []
EXPECTED

{ node probe.mjs; PYTHONUTF8=1 venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
