#!/usr/bin/env bash
# structured-headers-turns-a-decimal-into-an-integer
#
# Expected: Integer and Decimal are two types. `1.0` is a Decimal and stays one, so that what is parsed and written
#   again is the same field.
# Seen: the npm package structured-headers parses `1.0` to the number 1 and writes `1`, an Integer. http-sf in Python
#   writes `1.0`.
# Versions: structured-headers 2.1.0, http-sf 1.5.0 (Python)
# Why it matters: A message signature over a component with the parameter `sf` covers the field as written again.
#   Signer and verifier with different libraries then disagree on every whole Decimal, `q=1.0` or `t=30.0`, say. A
#   field defined as a Decimal is also broken by a proxy that reads and writes it.
# Source: RFC 9651 sections 3.3.1, 3.3.2, 4.1.5; RFC 9421 section 2.1.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts structured-headers@2.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet http-sf==1.5.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { parseDictionary, serializeDictionary } from 'structured-headers';
for (const field of ['a=1', 'a=1.5', 'a=1.0', 'a=x;q=1.0', 'a=-0.0']) {
  const again = serializeDictionary(parseDictionary(field));
  console.log(`${field}: structured-headers: ${again}, the same: ${again === field ? 'yes' : 'no'}`);
}
PROBE
cat >probe.py <<'PROBE'
import http_sf
for field in ("a=1", "a=1.5", "a=1.0", "a=x;q=1.0"):
    again = http_sf.ser(http_sf.parse(field.encode(), tltype="dictionary"))
    print(f"{field}: http-sf: {again}, the same: {'yes' if again == field else 'no'}")
PROBE
cat >expected.txt <<'EXPECTED'
a=1: structured-headers: a=1, the same: yes
a=1.5: structured-headers: a=1.5, the same: yes
a=1.0: structured-headers: a=1, the same: no
a=x;q=1.0: structured-headers: a=x;q=1, the same: no
a=-0.0: structured-headers: a=0, the same: no
a=1: http-sf: a=1, the same: yes
a=1.5: http-sf: a=1.5, the same: yes
a=1.0: http-sf: a=1.0, the same: yes
a=x;q=1.0: http-sf: a=x;q=1.0, the same: yes
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
