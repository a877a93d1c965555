#!/usr/bin/env bash
# opentelemetry-python-moves-baggage-properties-into-the-value
#
# Expected: what follows `;` in a baggage member are its properties. They are no part of the value, and a service that
#   sends the member on keeps or drops them.
# Seen: the Python propagator gives the value as `t1;scope=eu` and sends it on as `t1%3Bscope%3Deu`. Every service
#   behind it reads the properties as part of the value. The JavaScript one gives `t1` and keeps the properties.
# Versions: opentelemetry-api 1.45.2 (Python), @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1
# Why it matters: A tenant or user id in the baggage no longer matches once a sender adds a property to it, and the
#   damage is written into what goes on, so it cannot be undone downstream.
# Source: W3C Baggage, the definitions of list-member and property.
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

cat >probe.py <<'PROBE'
import sys
from opentelemetry import baggage
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
propagator = W3CBaggagePropagator()

for sent in ("tenant=t1", "tenant=t1;scope=eu"):
    context = propagator.extract({"baggage": sent}, context=Context())
    carrier = {}
    propagator.inject(carrier, context)
    print(f"{sent}: Python: value {baggage.get_baggage('tenant', context)}, sends on {carrier['baggage']}")
PROBE
cat >probe.mjs <<'PROBE'
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, propagation } from '@opentelemetry/api';
import { W3CBaggagePropagator } from '@opentelemetry/core';
const propagator = new W3CBaggagePropagator();
for (const sent of ['tenant=t1', 'tenant=t1;scope=eu', 'tenant=t1%3Bscope%3Deu']) {
  const context = propagator.extract(ROOT_CONTEXT, { baggage: sent }, defaultTextMapGetter);
  const carrier = {};
  propagator.inject(context, carrier, defaultTextMapSetter);
  console.log(`${sent}: JavaScript: value ${propagation.getBaggage(context).getEntry('tenant').value}, sends on ${carrier.baggage}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
tenant=t1: Python: value t1, sends on tenant=t1
tenant=t1;scope=eu: Python: value t1;scope=eu, sends on tenant=t1%3Bscope%3Deu
tenant=t1: JavaScript: value t1, sends on tenant=t1
tenant=t1;scope=eu: JavaScript: value t1, sends on tenant=t1;scope=eu
tenant=t1%3Bscope%3Deu: JavaScript: value t1;scope=eu, sends on tenant=t1%3Bscope%3Deu
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
