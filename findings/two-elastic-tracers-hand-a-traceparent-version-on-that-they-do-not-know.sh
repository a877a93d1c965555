#!/usr/bin/env bash
# two-elastic-tracers-hand-a-traceparent-version-on-that-they-do-not-know
#
# Expected: a service reads a traceparent of a later version, `01-…-01-more`, as far as it knows it, and sends its own as version 00.
# Seen: traceparent of npm and elastic-apm for Python, both of Elastic, keep the version and leave out the field that they did not know: `01-…-01`.
#   OpenTelemetry for JavaScript and for Python send `00-…-01`.
# Versions: traceparent 1.0.0, @opentelemetry/core 2.12.1, @opentelemetry/api 1.9.1 (npm); elastic-apm 6.26.2, opentelemetry-api 1.45.2 (PyPI)
# Why it matters: what they send claims to be of a version that they never read, and lacks what that version adds. A service behind them that knows
#   the version finds no valid field and begins another trace, so that a request breaks in two at the oldest service on its way. A gateway that
#   writes traceparent anew writes 00, whatever came.
# Source: W3C Trace Context section 3.2.4 (versioning: the new field is built according to the highest version known to the implementation).
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts traceparent@1.0.0 @opentelemetry/core@2.12.1 @opentelemetry/api@1.9.1 \
  >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet elastic-apm==6.26.2 opentelemetry-api==1.45.2 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >fields.txt <<'FIELDS'
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more
cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it
FIELDS
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { ROOT_CONTEXT } from '@opentelemetry/api';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import traceparent from 'traceparent';

const opentelemetry = new W3CTraceContextPropagator();
const tracers = {
  traceparent: (field) => traceparent.fromString(field).child().toString(),
  'OpenTelemetry for JavaScript': (field) => {
    const sent = {};
    const context = opentelemetry.extract(ROOT_CONTEXT, { traceparent: field }, { get: (carrier, key) => carrier[key], keys: Object.keys });
    opentelemetry.inject(context, sent, { set: (carrier, key, value) => { carrier[key] = value; } });
    return sent.traceparent;
  },
};
for (const field of readFileSync('fields.txt', 'utf8').trim().split('\n')) {
  for (const [name, next] of Object.entries(tracers)) {
    // The span is another one each time.
    console.log(`${field} -> ${name}: ${next(field)?.replace(/-[0-9a-f]{16}-/, '-<span>-')}`);
  }
}
PROBE
cat >probe.py <<'PROBE'
import re
from elasticapm.utils.disttracing import TraceParent
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

def of_opentelemetry(field):
    sent = {}
    TraceContextTextMapPropagator().inject(sent, TraceContextTextMapPropagator().extract({"traceparent": field}))
    return sent.get("traceparent", "")

tracers = {
    "elastic-apm": lambda field: TraceParent.from_string(field).copy_from(span_id="00f067aa0ba902b7").to_string(),
    "OpenTelemetry for Python": of_opentelemetry,
}
for field in open("fields.txt").read().split():
    for name, next_of in tracers.items():
        print(f"{field} -> {name}: " + re.sub("-[0-9a-f]{16}-", "-<span>-", next_of(field)))
PROBE
cat >expected.txt <<'EXPECTED'
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> traceparent: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> OpenTelemetry for JavaScript: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> traceparent: 01-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> OpenTelemetry for JavaScript: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more -> traceparent: 01-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more -> OpenTelemetry for JavaScript: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it -> traceparent: cc-0af7651916cd43dd8448eb211c80319c-<span>-01
cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it -> OpenTelemetry for JavaScript: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> elastic-apm: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> OpenTelemetry for Python: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> elastic-apm: 01-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01 -> OpenTelemetry for Python: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more -> elastic-apm: 01-0af7651916cd43dd8448eb211c80319c-<span>-01
01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more -> OpenTelemetry for Python: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it -> elastic-apm: cc-0af7651916cd43dd8448eb211c80319c-<span>-01
cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more-of-it -> OpenTelemetry for Python: 00-0af7651916cd43dd8448eb211c80319c-<span>-01
EXPECTED

{ node probe.mjs; venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
