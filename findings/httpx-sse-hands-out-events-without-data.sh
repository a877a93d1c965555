#!/usr/bin/env bash
# httpx-sse-hands-out-events-without-data
#
# Expected: a block of an event stream without a `data` line is no event: the standard resets and returns. So a server
#   may send `event: ping` alone to keep a connection open, or `id: 7` alone to move the resume point.
# Seen: httpx-sse gives the caller an event with empty data for each such block. eventsource-parser and sseclient-py
#   give none.
# Versions: httpx-sse 0.4.3 with httpx 0.28.1, sseclient-py 1.9.0, eventsource-parser 3.1.1
# Why it matters: A client that parses `data` as JSON, as those of model APIs and of MCP do, must skip the empty
#   string itself or fails at a ping. A proxy that keeps a quiet stream alive should send a comment line (`: x`),
#   which all three ignore.
# Source: WHATWG HTML, 9.2.6 Interpreting an event stream, step 1 of dispatching the event.
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

cat >probe.py <<'PROBE'
import json
import httpx, httpx_sse, sseclient
for label, body in json.load(open("streams.json")).items():
    transport = httpx.MockTransport(lambda _: httpx.Response(200, headers={"content-type": "text/event-stream"}, text=body))
    with httpx.Client(transport=transport) as client, httpx_sse.connect_sse(client, "GET", "http://stream.example/") as source:
        events = [(e.event, e.data) for e in source.iter_sse()]
    print(f"{label}: httpx-sse: {len(events)} {events}")
    events = [(e.event, e.data) for e in sseclient.SSEClient(iter([body.encode()])).events()]
    print(f"{label}: sseclient-py: {len(events)} {events}")
PROBE
cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { createParser } from 'eventsource-parser';
const streams = {
  'event name alone': 'event: ping\n\ndata: a\n\n',
  'id alone': 'id: 7\n\ndata: a\n\n',
  'retry alone': 'retry: 1000\n\ndata: a\n\n',
  'comment alone': ': x\n\ndata: a\n\n',
};
writeFileSync('streams.json', JSON.stringify(streams));
for (const [label, body] of Object.entries(streams)) {
  const events = [];
  createParser({ onEvent: (e) => events.push([e.event ?? 'message', e.data]) }).feed(body);
  console.log(`${label}: eventsource-parser: ${events.length} ${JSON.stringify(events)}`);
}
PROBE
cat >expected.txt <<'EXPECTED'
event name alone: eventsource-parser: 1 [["message","a"]]
id alone: eventsource-parser: 1 [["message","a"]]
retry alone: eventsource-parser: 1 [["message","a"]]
comment alone: eventsource-parser: 1 [["message","a"]]
event name alone: httpx-sse: 2 [('ping', ''), ('message', 'a')]
event name alone: sseclient-py: 1 [('message', 'a')]
id alone: httpx-sse: 2 [('message', ''), ('message', 'a')]
id alone: sseclient-py: 1 [('message', 'a')]
retry alone: httpx-sse: 2 [('message', ''), ('message', 'a')]
retry alone: sseclient-py: 1 [('message', 'a')]
comment alone: httpx-sse: 1 [('message', 'a')]
comment alone: sseclient-py: 1 [('message', 'a')]
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
