#!/usr/bin/env bash
# dotenv-readers-make-three-secrets-of-one-key-in-escaped-quotes
#
# Expected: within double quotation marks of a dotenv file `\"` is a quotation mark and `\\` a backslash, as in a shell;
#   the readers agree on a line that all of them take.
# Seen: of `KEY="{\"kty\":\"oct\"}"` python-dotenv makes `{"kty":"oct"}`, dotenv keeps the backslashes, so that the value is
#   no JSON, and Node's own reader ends the value at the first inner quotation mark: `{\`. `\\n` becomes `\n` in one and a
#   backslash with a line break in the others. Single quotation marks around the bare JSON are read alike by all three.
# Versions: dotenv 18.0.10 and 16.3.1 (the one that wrangler 4.164.0 reads .dev.vars with), node 20.20 and 22.23,
#   python-dotenv 1.2.4
# Why it matters: A private JWK or a service account is pasted as one line of JSON. The same .dev.vars gives the Worker, a
#   Python script beside it and `node --env-file` three secrets, two of them broken, and the error comes much later, at
#   the first signature or call. The form that is safe everywhere is KEY='{"kty":"oct"}'.
# Source: dotenv README, "Multiline values" and "Comments"; python-dotenv README, "File format"; Node, util.parseEnv.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts dotenv@18.0.10 dotenv-of-wrangler@npm:dotenv@16.3.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet python-dotenv==1.2.4 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import io, json
from dotenv import dotenv_values

lines = {
    "escaped quotes": r'KEY="{\"kty\":\"oct\"}"',
    "single quotes": r"""KEY='{"kty":"oct"}'""",
    "escaped backslash": r'KEY="first\\nsecond"',
    "quoted line break": r'KEY="first\nsecond"',
    "escaped apostrophe": r"KEY='O\'Brien'",
}
json.dump(lines, open("lines.json", "w"))
for name, line in lines.items():
    print(f"python-dotenv: {name}: {json.dumps(dotenv_values(stream=io.StringIO(line), interpolate=False)['KEY'])}")
PROBE
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import dotenv from 'dotenv';
import dotenvOfWrangler from 'dotenv-of-wrangler';

const lines = JSON.parse(readFileSync('lines.json', 'utf8'));
for (const [reader, parse] of Object.entries({ 'dotenv': dotenv.parse, 'dotenv 16.3.1': dotenvOfWrangler.parse, 'node': parseEnv })) {
  for (const [name, line] of Object.entries(lines)) {
    console.log(`${reader}: ${name}: ${JSON.stringify(parse(line).KEY)}`);
  }
}
PROBE
cat >expected.txt <<'EXPECTED'
python-dotenv: escaped quotes: "{\"kty\":\"oct\"}"
python-dotenv: single quotes: "{\"kty\":\"oct\"}"
python-dotenv: escaped backslash: "first\\nsecond"
python-dotenv: quoted line break: "first\nsecond"
python-dotenv: escaped apostrophe: "O'Brien"
dotenv: escaped quotes: "{\\\"kty\\\":\\\"oct\\\"}"
dotenv: single quotes: "{\"kty\":\"oct\"}"
dotenv: escaped backslash: "first\\\nsecond"
dotenv: quoted line break: "first\nsecond"
dotenv: escaped apostrophe: "O\\'Brien"
dotenv 16.3.1: escaped quotes: "{\\\"kty\\\":\\\"oct\\\"}"
dotenv 16.3.1: single quotes: "{\"kty\":\"oct\"}"
dotenv 16.3.1: escaped backslash: "first\\\nsecond"
dotenv 16.3.1: quoted line break: "first\nsecond"
dotenv 16.3.1: escaped apostrophe: "O\\'Brien"
node: escaped quotes: "{\\"
node: single quotes: "{\"kty\":\"oct\"}"
node: escaped backslash: "first\\\nsecond"
node: quoted line break: "first\nsecond"
node: escaped apostrophe: "O\\"
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
