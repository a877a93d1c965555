#!/usr/bin/env bash
# opentelemetry-js-writes-three-digits-of-trace-flags
#
# Expected: trace-flags is one byte in two hexadecimal digits. A receiver ignores the bits it does not know, and what
#   it sends on is a `traceparent` of 55 characters.
# Seen: if any of the upper four bits is set, the JavaScript propagator of OpenTelemetry takes the field and sends on
#   three digits, `-0ff` for `-ff`: 56 characters, which no receiver may accept, its own included. The Python one
#   sends two.
# Versions: @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1, opentelemetry-api 1.45.2
# Why it matters: One hop with a flag bit of the future, or of its own, and every service behind the next Node service
#   starts a new trace. A gateway that passes `traceparent` on unchanged does not mend that.
# Source: W3C Trace Context, section 3.2.2 (version format and trace-flags).
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

cat >probe.mjs <<'PROBE'
import { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter, trace } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
const propagator = new W3CTraceContextPropagator();
function pass(traceparent) {
  const context = trace.getSpanContext(propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter));
  const carrier = {};
  if (context) propagator.inject(trace.setSpanContext(ROOT_CONTEXT, context), carrier, defaultTextMapSetter);
  return carrier.traceparent;
}
for (const flags of ['01', '03', '11', 'ff']) {
  const once = pass(`00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`);
  console.log(`flags ${flags}: JavaScript: ${once.slice(53)}, ${once.length} characters, read by the next: ${pass(once) ? 'yes' : 'no'}`);
}
PROBE
cat >probe.py <<'PROBE'
from opentelemetry.context import Context
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
propagator = TraceContextTextMapPropagator()
def once(value):
    carrier = {}
    propagator.inject(carrier, propagator.extract({"traceparent": value}, context=Context()))
    return carrier.get("traceparent")
for flags in ("01", "03", "11", "ff"):
    sent = once(f"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-{flags}")
    print(f"flags {flags}: Python: {sent[53:]}, {len(sent)} characters, read by the next: {'yes' if once(sent) else 'no'}")
PROBE
cat >expected.txt <<'EXPECTED'
flags 01: JavaScript: 01, 55 characters, read by the next: yes
flags 03: JavaScript: 03, 55 characters, read by the next: yes
flags 11: JavaScript: 011, 56 characters, read by the next: no
flags ff: JavaScript: 0ff, 56 characters, read by the next: no
flags 01: Python: 01, 55 characters, read by the next: yes
flags 03: Python: 03, 55 characters, read by the next: yes
flags 11: Python: 11, 55 characters, read by the next: yes
flags ff: Python: ff, 55 characters, read by the next: yes
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
