#!/usr/bin/env bash
# sseclient-py-hands-out-the-event-that-a-cut-stream-left-unfinished
#
# Expected: an event counts when its blank line has come. What is pending at the end of the stream is discarded, says
#   the standard, so that half an event is never taken for a whole one.
# Seen: sseclient-py gives the pending event to the caller, also when the stream stops in the middle of its data.
#   httpx-sse and eventsource-parser discard it.
# Versions: sseclient-py 1.9.0, httpx-sse 0.4.3 with httpx 0.28.1, eventsource-parser 3.1.1
# Why it matters: A proxy that ends a stream at its time limit ends it anywhere. With this client the last event may
#   be a piece of JSON, or worse, a number or a text that is shorter than it was.
# Source: WHATWG HTML, 9.2.6 Interpreting an event stream, end of file.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts eventsource-parser@3.1.1 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet httpx-sse==0.4.3 httpx==0.28.1 sseclient-py==1.9.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { createParser } from 'eventsource-parser';
const streams = {
  'whole': 'data: first\n\ndata: balance 1200\n\n',
  'cut before the blank line': 'data: first\n\ndata: balance 1200\n',
  'cut inside the data': 'data: first\n\ndata: balance 12',
};
writeFileSync('streams.json', JSON.stringify(streams));
for (const [label, body] of Object.entries(streams)) {
  const events = [];
  createParser({ onEvent: (e) => events.push(e.data) }).feed(body);
  console.log(`${label}: eventsource-parser: ${events.join(' | ')}`);
}
PROBE
cat >probe.py <<'PROBE'
import json
import httpx, httpx_sse, sseclient
for label, body in json.load(open("streams.json")).items():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, text=body))
    with httpx.Client(transport=transport) as client, httpx_sse.connect_sse(client, "GET", "http://stream.example/") as source:
        print(f"{label}: httpx-sse: {' | '.join(e.data for e in source.iter_sse())}")
    print(f"{label}: sseclient-py: {' | '.join(e.data for e in sseclient.SSEClient(iter([body.encode()])).events())}")
PROBE
cat >expected.txt <<'EXPECTED'
whole: eventsource-parser: first | balance 1200
cut before the blank line: eventsource-parser: first
cut inside the data: eventsource-parser: first
whole: httpx-sse: first | balance 1200
whole: sseclient-py: first | balance 1200
cut before the blank line: httpx-sse: first
cut before the blank line: sseclient-py: first | balance 1200
cut inside the data: httpx-sse: first
cut inside the data: sseclient-py: first | balance 12
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
