#!/usr/bin/env bash
# wrangler-refuses-in-toml-the-number-that-it-rounds-in-json
#
# Expected: wrangler.toml and wrangler.jsonc with the same content are the same configuration; a number that JavaScript
#   cannot hold is refused in both, or rounded in both.
# Seen: `CLIENT_ID = 163840776835432705` in `[vars]` is an error in TOML and becomes 163840776835432700 in JSON and JSONC
#   without a word. A key given twice is an error in TOML, and the last one counts in JSON. `inf` is taken in TOML. A date
#   without quotation marks is an error, which names the very text that it wants as what it got.
# Versions: wrangler 4.164.0
# Why it matters: Client ids of ZITADEL and Discord are numbers of 17 to 19 digits. One pasted without quotation marks is
#   another client after the move from TOML to JSONC, and the provider says invalid_client to every login. Write ids as
#   strings, and dates too.
# Source: TOML 1.0, Integer, Local Date; RFC 8259 section 6; wrangler configuration, "vars".
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts wrangler@4.164.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';

process.env.HOME = process.env.XDG_CONFIG_HOME = process.cwd();
const { unstable_readConfig: readConfig } = await import('wrangler');
const number = '163840776835432705';
const files = {
  'a long number': { 'wrangler.toml': `name = "probe"\n[vars]\nV = ${number}\n`, 'wrangler.jsonc': `{ "name": "probe", "vars": { "V": ${number} } }`, 'wrangler.json': `{ "name": "probe", "vars": { "V": ${number} } }` },
  'the same as text': { 'wrangler.toml': `name = "probe"\n[vars]\nV = "${number}"\n`, 'wrangler.jsonc': `{ "name": "probe", "vars": { "V": "${number}" } }` },
  'infinity': { 'wrangler.toml': 'name = "probe"\n[vars]\nV = inf\n' },
  'a key twice': { 'wrangler.toml': 'name = "probe"\n[vars]\nV = 1\nV = 2\n', 'wrangler.jsonc': '{ "name": "probe", "vars": { "V": 1, "V": 2 } }' },
  'a bare date': { 'wrangler.toml': 'name = "probe"\ncompatibility_date = 2026-08-04\n' },
};
console.warn = console.error = () => {};
for (const [what, variants] of Object.entries(files)) {
  for (const [name, content] of Object.entries(variants)) {
    writeFileSync(name, content);
    let seen;
    try {
      const { V } = readConfig({ config: name }, { hideWarnings: true }).vars;
      seen = `${typeof V} ${V}`;
    } catch (error) {
      seen = `refused: ${error.message.split('\n').at(-1).trim()}`;
    }
    console.log(`${what}: ${name}: ${seen}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
a long number: wrangler.toml: refused: Invalid TOML document: integer value cannot be represented losslessly
a long number: wrangler.jsonc: number 163840776835432700
a long number: wrangler.json: number 163840776835432700
the same as text: wrangler.toml: string 163840776835432705
the same as text: wrangler.jsonc: string 163840776835432705
infinity: wrangler.toml: number Infinity
a key twice: wrangler.toml: refused: Invalid TOML document: trying to redefine an already defined table or value
a key twice: wrangler.jsonc: number 2
a bare date: wrangler.toml: refused: - Expected "compatibility_date" to be of type string but got "2026-08-04".
EXPECTED

node probe.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
