#!/usr/bin/env bash
# a-space-in-baggage-becomes-a-plus-between-python-and-javascript
#
# Expected: a baggage value is percent-encoded, so a space is `%20` and `+` is a plus. Two SDKs of one project agree
#   on that.
# Seen: OpenTelemetry for Python writes a space as `+` and reads `+` as a space. OpenTelemetry for JavaScript reads
#   `+` as a plus. So `Ada Byron` arrives as `Ada+Byron`, and `1+1` from any other sender that leaves the plus alone
#   is read by Python as `1 1`.
# Versions: opentelemetry-api 1.45.2 (Python), @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1
# Why it matters: A name, a city or a plan in the baggage changes on its way through a mixed system, and labels or
#   look-ups made from it split in two. Nothing is reported.
# Source: W3C Baggage, the definition of value; RFC 3986 section 2.1.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet opentelemetry-api==1.45.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >write.py <<'PROBE'
import sys
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
propagator = W3CBaggagePropagator()

carrier = {}
propagator.inject(carrier, baggage.set_baggage("k", sys.argv[1], Context()))
print(carrier["baggage"])
PROBE
cat >read.py <<'PROBE'
import sys
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
propagator = W3CBaggagePropagator()

print(baggage.get_baggage("k", propagator.extract({"baggage": sys.argv[1]}, context=Context())))
PROBE
cat >probe.mjs <<'PROBE'
import { execFileSync } from 'node:child_process';
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, propagation } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
const propagator = new W3CBaggagePropagator();
const python = (file, text) => execFileSync('venv/bin/python', ['-W', 'ignore', file, text]).toString().trimEnd();
const read = (field) => propagation.getBaggage(propagator.extract(ROOT_CONTEXT, { baggage: field }, defaultTextMapGetter)).getEntry('k').value;
function write(value) {
  const carrier = {};
  propagator.inject(propagation.setBaggage(ROOT_CONTEXT, propagation.createBaggage({ k: { value } })), carrier, defaultTextMapSetter);
  return carrier.baggage;
}
for (const value of ['Ada Byron', '1+1']) {
  for (const [from, field] of [['Python', python('write.py', value)], ['JavaScript', write(value)]]) {
    console.log(`${value}: ${from} sends ${field}: JavaScript reads ${read(field)}, Python reads ${python('read.py', field)}`);
  }
}
console.log(`1+1: sent as k=1+1: JavaScript reads ${read('k=1+1')}, Python reads ${python('read.py', 'k=1+1')}`);
PROBE
cat >expected.txt <<'EXPECTED'
Ada Byron: Python sends k=Ada+Byron: JavaScript reads Ada+Byron, Python reads Ada Byron
Ada Byron: JavaScript sends k=Ada%20Byron: JavaScript reads Ada Byron, Python reads Ada Byron
1+1: Python sends k=1%2B1: JavaScript reads 1+1, Python reads 1+1
1+1: JavaScript sends k=1%2B1: JavaScript reads 1+1, Python reads 1+1
1+1: sent as k=1+1: JavaScript reads 1+1, Python reads 1 1
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
