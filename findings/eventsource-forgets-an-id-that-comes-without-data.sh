#!/usr/bin/env bash
# eventsource-forgets-an-id-that-comes-without-data
#
# Expected: `id: 42` followed by an empty line moves the place from which a client goes on, though no event is handed out:
#   the last event ID is set before the empty data is looked at.
# Seen: eventsource 3 (which the MCP SDK 1.32 brings), eventsource-client and launchdarkly-eventsource reconnect with the ID
#   of the last event that had data and lose the bare one. eventsource 5, @sanity/eventsource and extended-eventsource
#   keep it.
# Versions: eventsource 3.0.7 and 5.1.5, eventsource-client 1.2.0, launchdarkly-eventsource 2.2.0,
#   @sanity/eventsource 5.0.4, extended-eventsource 2.1.0
# Why it matters: Services send a bare ID as a checkpoint while nothing happens for this client, as the change stream of a
#   database does. When a gateway or a proxy cuts the idle stream, these clients come back with an old ID and get
#   everything since a second time, or an error that the ID is too old.
# Source: HTML Standard, "Interpreting an event stream", the steps to dispatch the event.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts eventsource@5.1.5 eventsource-3@npm:eventsource@3.0.7 eventsource-client@1.2.0 launchdarkly-eventsource@2.2.0 @sanity/eventsource@5.0.4 extended-eventsource@2.1.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import sanity from '@sanity/eventsource';
import { EventSource } from 'eventsource';
import { EventSource as EventSource3 } from 'eventsource-3';
import { createEventSource } from 'eventsource-client';
import { EventSource as Extended } from 'extended-eventsource';
const { EventSource: LaunchDarkly } = createRequire(import.meta.url)('launchdarkly-eventsource');

console.error = console.warn = () => {};
const first = 'retry: 50\n\nid: 41\ndata: an event\n\nid: 42\n\n';
const sent = {};
const server = createServer((request, response) => {
  const client = request.url.slice(1);
  sent[client] ??= [];
  sent[client].push(request.headers['last-event-id'] ?? 'nothing');
  response.writeHead(200, { 'Content-Type': 'text/event-stream' });
  response.write(sent[client].length === 1 ? first : ': second connection\n\n');
  if (sent[client].length === 1) setTimeout(() => response.end(), 100);
}).listen(0, '127.0.0.1');
await new Promise((ready) => server.on('listening', ready));

const clients = {
  'eventsource 3': (url) => new EventSource3(url),
  'eventsource 5': (url) => new EventSource(url),
  'eventsource-client': (url) => createEventSource({ url, initialReconnectDelay: 50 }),
  '@sanity/eventsource': (url) => new (sanity.default ?? sanity)(url),
  'extended-eventsource': (url) => new Extended(url),
  'launchdarkly-eventsource': (url) => new LaunchDarkly(url, { initialRetryDelayMillis: 50 }),
};
for (const [name, open] of Object.entries(clients)) {
  const path = name.replace(/\W/g, '');
  const client = open(`http://127.0.0.1:${server.address().port}/${path}`);
  if ('onerror' in client) client.onerror = () => {};
  for (let waited = 0; (sent[path]?.length ?? 0) < 2 && waited < 10000; waited += 50) await new Promise((later) => setTimeout(later, 50));
  client.close();
  console.log(`${name}: asks to go on from ${sent[path][1] ?? '(never reconnected)'}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
eventsource 3: asks to go on from 41
eventsource 5: asks to go on from 42
eventsource-client: asks to go on from 41
@sanity/eventsource: asks to go on from 42
extended-eventsource: asks to go on from 42
launchdarkly-eventsource: asks to go on from 41
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
