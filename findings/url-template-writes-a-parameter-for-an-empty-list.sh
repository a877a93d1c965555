#!/usr/bin/env bash
# url-template-writes-a-parameter-for-an-empty-list
#
# Expected: a list without elements counts as undefined, and an undefined variable expands to nothing. So `{?tag}`
#   with an empty list is the empty string.
# Seen: the npm package url-template writes `?tag=`. Exploded, `{?tag*}`, it writes nothing. uri-templates and the
#   Python uritemplate write nothing in both cases.
# Versions: url-template 3.1.1, uri-templates 0.2.0, uritemplate 4.2.0 (Python)
# Why it matters: A client that built its query from a template asks for the items with the empty tag instead of all
#   items, and a cache or a route that tells queries apart sees two addresses for one.
# Source: RFC 6570 sections 2.3 and 3.2.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts url-template@3.1.1 uri-templates@0.2.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet uritemplate==4.2.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { parseTemplate } from 'url-template';
import uriTemplates from 'uri-templates';
for (const template of ['/items{?tag}', '/items{?tag*}', '/items{?tag,page}']) {
  for (const tag of [['a', 'b'], []]) {
    const values = { tag, page: 2 };
    console.log(`${template} ${JSON.stringify(tag)}: url-template: ${parseTemplate(template).expand(values)}`);
    console.log(`${template} ${JSON.stringify(tag)}: uri-templates: ${uriTemplates(template).fill(values)}`);
  }
}
PROBE
cat >probe.py <<'PROBE'
import uritemplate
for template in ("/items{?tag}", "/items{?tag*}", "/items{?tag,page}"):
    print(f"{template} []: uritemplate: {uritemplate.expand(template, tag=[], page=2)}")
PROBE
cat >expected.txt <<'EXPECTED'
/items{?tag} ["a","b"]: url-template: /items?tag=a,b
/items{?tag} ["a","b"]: uri-templates: /items?tag=a,b
/items{?tag} []: url-template: /items?tag=
/items{?tag} []: uri-templates: /items
/items{?tag*} ["a","b"]: url-template: /items?tag=a&tag=b
/items{?tag*} ["a","b"]: uri-templates: /items?tag=a&tag=b
/items{?tag*} []: url-template: /items
/items{?tag*} []: uri-templates: /items
/items{?tag,page} ["a","b"]: url-template: /items?tag=a,b&page=2
/items{?tag,page} ["a","b"]: uri-templates: /items?tag=a,b&page=2
/items{?tag,page} []: url-template: /items?tag=&page=2
/items{?tag,page} []: uri-templates: /items?page=2
/items{?tag} []: uritemplate: /items
/items{?tag*} []: uritemplate: /items
/items{?tag,page} []: uritemplate: /items?page=2
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
