#!/usr/bin/env bash
# structured-headers-reads-a-date-only-at-the-end-of-a-field
#
# Expected: a Date of RFC 9651 stands wherever an Integer may: before a comma, a semicolon, a space or a closing parenthesis, as a member,
#   an item or a parameter. Who reads Dates reads Display Strings, which came with them.
# Seen: structured-headers throws at `@1688169599;v=2` and at `@1, @2`, and reads a Date only if nothing follows. It reads Display Strings.
#   @svta/cml-structured-field-values and structured-field-values read Dates everywhere, and no Display String. http-sf reads both.
# Versions: structured-headers 2.1.0, @svta/cml-structured-field-values 1.1.6, structured-field-values 2.0.4 (npm); http-sf 1.5.0 (PyPI)
# Why it matters: Deprecation is an Item, so its Date may have parameters, and a client that tries a field with only a Date is sure that all works.
#   One member with a Date in a Dictionary costs all the others, since a field that fails to parse is ignored whole. A gateway
#   writes Deprecation without parameters, and a Date at the end of a field.
# Source: RFC 9651 sections 3.3.7, 3.3.8, 4.2 and 4.2.9; RFC 9745 section 2.1; parseDate in parser.js of structured-headers.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts structured-headers@2.1.0 @svta/cml-structured-field-values@1.1.6 structured-field-values@2.0.4 \
  >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet http-sf==1.5.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >fields.json <<'FIELDS'
[
  ["item", "@1688169599"],
  ["item", "@1688169599;v=2"],
  ["item", "stored;at=@1688169599;hit"],
  ["list", "1688169599, 1688169600"],
  ["list", "@1688169599, @1688169600"],
  ["list", "(@1688169599 @1688169600)"],
  ["dictionary", "until=@1688169599"],
  ["dictionary", "until=@1688169599, u=1"],
  ["item", "%\"f%c3%bcr\""],
  ["dictionary", "title=%\"f%c3%bcr\", u=1"]
]
FIELDS
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import * as svta from '@svta/cml-structured-field-values';
import * as values from 'structured-field-values';
import * as headers from 'structured-headers';

const libraries = {
  'structured-headers': [headers, { item: ['parseItem', 'serializeItem'], list: ['parseList', 'serializeList'], dictionary: ['parseDictionary', 'serializeDictionary'] }],
  '@svta/cml-structured-field-values': [svta, { item: ['decodeSfItem', 'encodeSfItem'], list: ['decodeSfList', 'encodeSfList'], dictionary: ['decodeSfDict', 'encodeSfDict'] }],
  'structured-field-values': [values, { item: ['decodeItem', 'encodeItem'], list: ['decodeList', 'encodeList'], dictionary: ['decodeDict', 'encodeDict'] }],
};
for (const [type, field] of JSON.parse(readFileSync('fields.json', 'utf8')))
  for (const [name, [library, functions]] of Object.entries(libraries)) {
    const [parse, serialize] = functions[type].map((made) => library[made]);
    let written;
    try {
      written = serialize(parse(field)) === field ? 'read and written again' : 'written as something else';
    } catch (error) {
      written = error.message;
    }
    console.log(`${type} ${field} -> ${name}: ${written}`);
  }
PROBE
cat >probe.py <<'PROBE'
import http_sf, json
for kind, field in json.load(open("fields.json")):
    written = http_sf.ser(http_sf.parse(field.encode(), tltype=kind))
    print(f"{kind} {field} -> http-sf: {'read and written again' if written == field else 'written as something else'}")
PROBE
cat >expected.txt <<'EXPECTED'
item @1688169599 -> structured-headers: read and written again
item @1688169599 -> @svta/cml-structured-field-values: read and written again
item @1688169599 -> structured-field-values: read and written again
item @1688169599;v=2 -> structured-headers: Parse error: Expected a digit (0-9), whitespace or EOL at offset 12
item @1688169599;v=2 -> @svta/cml-structured-field-values: read and written again
item @1688169599;v=2 -> structured-field-values: read and written again
item stored;at=@1688169599;hit -> structured-headers: Parse error: Expected a digit (0-9), whitespace or EOL at offset 22
item stored;at=@1688169599;hit -> @svta/cml-structured-field-values: read and written again
item stored;at=@1688169599;hit -> structured-field-values: read and written again
list 1688169599, 1688169600 -> structured-headers: read and written again
list 1688169599, 1688169600 -> @svta/cml-structured-field-values: read and written again
list 1688169599, 1688169600 -> structured-field-values: read and written again
list @1688169599, @1688169600 -> structured-headers: Parse error: Expected a digit (0-9), whitespace or EOL at offset 12
list @1688169599, @1688169600 -> @svta/cml-structured-field-values: read and written again
list @1688169599, @1688169600 -> structured-field-values: read and written again
list (@1688169599 @1688169600) -> structured-headers: Parse error: Expected a digit (0-9), whitespace or EOL at offset 13
list (@1688169599 @1688169600) -> @svta/cml-structured-field-values: read and written again
list (@1688169599 @1688169600) -> structured-field-values: read and written again
dictionary until=@1688169599 -> structured-headers: read and written again
dictionary until=@1688169599 -> @svta/cml-structured-field-values: read and written again
dictionary until=@1688169599 -> structured-field-values: read and written again
dictionary until=@1688169599, u=1 -> structured-headers: Parse error: Expected a digit (0-9), whitespace or EOL at offset 18
dictionary until=@1688169599, u=1 -> @svta/cml-structured-field-values: read and written again
dictionary until=@1688169599, u=1 -> structured-field-values: read and written again
item %"f%c3%bcr" -> structured-headers: read and written again
item %"f%c3%bcr" -> @svta/cml-structured-field-values: failed to parse "%"f%c3%bcr"" as Item
item %"f%c3%bcr" -> structured-field-values: failed to parse "%"f%c3%bcr"" as Item
dictionary title=%"f%c3%bcr", u=1 -> structured-headers: read and written again
dictionary title=%"f%c3%bcr", u=1 -> @svta/cml-structured-field-values: failed to parse "title=%"f%c3%bcr", u=1" as Dict
dictionary title=%"f%c3%bcr", u=1 -> structured-field-values: failed to parse "title=%"f%c3%bcr", u=1" as Dict
item @1688169599 -> http-sf: read and written again
item @1688169599;v=2 -> http-sf: read and written again
item stored;at=@1688169599;hit -> http-sf: read and written again
list 1688169599, 1688169600 -> http-sf: read and written again
list @1688169599, @1688169600 -> http-sf: read and written again
list (@1688169599 @1688169600) -> http-sf: read and written again
dictionary until=@1688169599 -> http-sf: read and written again
dictionary until=@1688169599, u=1 -> http-sf: read and written again
item %"f%c3%bcr" -> http-sf: read and written again
dictionary title=%"f%c3%bcr", u=1 -> http-sf: read and written again
EXPECTED

{ node probe.mjs && venv/bin/python probe.py; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
