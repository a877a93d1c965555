#!/usr/bin/env bash
# three-websocket-libraries-take-a-registered-close-code-for-a-protocol-error
#
# Expected: a client is told the close code that the server sent, 1012 (service restart), 1013 (try again later) and 1014
#   (bad gateway) included, which are registered; and a closing handshake in order is a clean close, whatever its code.
# Seen: faye-websocket reports 1002, protocol error, for 1012, 1013 and 1014, and answers the server with it. wsproto, and
#   so httpx-ws, does that for 1014. The w3cwebsocket of websocket (npm) reports the code, but not clean for any code
#   other than 1000, and 1006 for a close without a code. ws, undici, websockets, websocket-client and aiohttp report
#   all of them.
# Versions: faye-websocket 0.11.4, websocket 1.0.35, ws 8.23.0, undici 7.30.2, wsproto 1.3.2, httpx-ws 0.9.0,
#   websockets 17.4, aiohttp 3.14.5, websocket-client 1.9.2
# Why it matters: 1012 to 1014 are what a gateway or a proxy says when a deployment or a failed upstream ends the
#   connection, so that clients come back. Those told of a protocol error often do not. A gateway that passes its
#   upstream's codes on should expect 1002 back, and count it as an ordinary end.
# Source: RFC 6455 sections 7.1.5 and 7.4.2; IANA WebSocket Close Code Number Registry; HTML, CloseEvent wasClean.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts faye-websocket@0.11.4 websocket@1.0.35 ws@8.23.0 undici@7.30.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet httpx-ws==0.9.0 httpx==0.28.1 wsproto==1.3.2 websockets==17.4 aiohttp==3.14.5 websocket-client==1.9.2 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, base64, hashlib, re, socket, threading
import aiohttp, websocket, websockets
from httpx_ws import WebSocketDisconnect, connect_ws

def serve(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(4096)
    key = re.search(rb"(?i)sec-websocket-key: *(\S+)", head)[1]
    accept = base64.b64encode(hashlib.sha1(key + b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest())
    code = int(re.search(rb"\d+", head)[0])
    connection.sendall(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n" + bytes([0x88, 2]) + code.to_bytes(2, "big"))
    connection.settimeout(2)
    try:
        while connection.recv(4096): break
    except OSError: pass
    connection.close()
listener = socket.create_server(("127.0.0.1", 0))
def accept_all():
    while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
threading.Thread(target=accept_all, daemon=True).start()
base = f"127.0.0.1:{listener.getsockname()[1]}"

def with_httpx_ws(code):
    try:
        with connect_ws(f"http://{base}/{code}") as client: client.receive(timeout=5)
    except WebSocketDisconnect as closed:
        return int(closed.code)
async def with_websockets(code):
    async with websockets.connect(f"ws://{base}/{code}") as client:
        try: await client.recv()
        except websockets.ConnectionClosed: return client.close_code
async def with_aiohttp(code):
    async with aiohttp.ClientSession() as session, session.ws_connect(f"http://{base}/{code}") as client:
        await client.receive()
        return client.close_code
def with_websocket_client(code):
    return int.from_bytes(websocket.create_connection(f"ws://{base}/{code}").recv_data()[1][:2], "big")
for name, close in {
    "httpx-ws (wsproto)": with_httpx_ws,
    "websockets": lambda code: asyncio.run(with_websockets(code)),
    "aiohttp": lambda code: asyncio.run(with_aiohttp(code)),
    "websocket-client": with_websocket_client,
}.items():
    for code in (1000, 1011, 1012, 1013, 1014, 3000):
        print(f"{name}: {code}: reports {close(code)}")
PROBE
cat >probe.mjs <<'PROBE'
import { createHash } from 'node:crypto';
import { createServer } from 'node:net';
import Faye from 'faye-websocket';
import { WebSocket as Undici } from 'undici';
import websocket from 'websocket';
import Ws from 'ws';

const replies = [];
const server = createServer((socket) => {
  let head = '';
  socket.on('error', () => {}).on('data', (data) => {
    if (head.endsWith('\r\n\r\n')) {
      if ((data[0] & 15) === 8) replies.push((data[1] & 127) < 2 ? 'no code' : ((data[6] ^ data[2]) << 8) | (data[7] ^ data[3]));
      return socket.end();
    }
    head += data.toString('latin1');
    if (!head.endsWith('\r\n\r\n')) return undefined;
    const accept = createHash('sha1').update(/sec-websocket-key: *(\S+)/i.exec(head)[1] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64');
    socket.write(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    const code = Number(/\d+/.exec(head)[0]);
    return socket.write(code ? Buffer.from([0x88, 2, code >> 8, code & 255]) : Buffer.from([0x88, 0]));
  });
}).listen(0, '127.0.0.1');
await new Promise((ready) => server.on('listening', ready));

for (const [name, open] of Object.entries({
  'faye-websocket': (url) => new Faye.Client(url),
  'websocket': (url) => new websocket.w3cwebsocket(url),
  'ws': (url) => new Ws(url),
  'undici': (url) => new Undici(url),
})) {
  for (const code of [0, 1000, 1011, 1012, 1013, 1014, 3000]) {
    replies.length = 0;
    const client = open(`ws://127.0.0.1:${server.address().port}/${code}`);
    client.onerror = () => {};
    const event = await new Promise((closed) => { client.onclose = closed; });
    for (let waited = 0; replies.length === 0 && waited < 1000; waited += 10) await new Promise((later) => setTimeout(later, 10));
    console.log(`${name}: ${code || 'no code'}: reports ${event.code}${'wasClean' in event ? `, clean ${event.wasClean}` : ''}, replies ${replies[0] ?? 'nothing'}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
faye-websocket: no code: reports 1000, replies 1000
faye-websocket: 1000: reports 1000, replies 1000
faye-websocket: 1011: reports 1011, replies 1011
faye-websocket: 1012: reports 1002, replies 1002
faye-websocket: 1013: reports 1002, replies 1002
faye-websocket: 1014: reports 1002, replies 1002
faye-websocket: 3000: reports 3000, replies 3000
websocket: no code: reports 1006, clean false, replies 1000
websocket: 1000: reports 1000, clean true, replies 1000
websocket: 1011: reports 1011, clean false, replies 1000
websocket: 1012: reports 1012, clean false, replies 1000
websocket: 1013: reports 1013, clean false, replies 1000
websocket: 1014: reports 1014, clean false, replies 1000
websocket: 3000: reports 3000, clean false, replies 1000
ws: no code: reports 1005, clean true, replies no code
ws: 1000: reports 1000, clean true, replies 1000
ws: 1011: reports 1011, clean true, replies 1011
ws: 1012: reports 1012, clean true, replies 1012
ws: 1013: reports 1013, clean true, replies 1013
ws: 1014: reports 1014, clean true, replies 1014
ws: 3000: reports 3000, clean true, replies 3000
undici: no code: reports 1005, clean true, replies no code
undici: 1000: reports 1000, clean true, replies 1000
undici: 1011: reports 1011, clean true, replies 1011
undici: 1012: reports 1012, clean true, replies 1012
undici: 1013: reports 1013, clean true, replies 1013
undici: 1014: reports 1014, clean true, replies 1014
undici: 3000: reports 3000, clean true, replies 3000
httpx-ws (wsproto): 1000: reports 1000
httpx-ws (wsproto): 1011: reports 1011
httpx-ws (wsproto): 1012: reports 1012
httpx-ws (wsproto): 1013: reports 1013
httpx-ws (wsproto): 1014: reports 1002
httpx-ws (wsproto): 3000: reports 3000
websockets: 1000: reports 1000
websockets: 1011: reports 1011
websockets: 1012: reports 1012
websockets: 1013: reports 1013
websockets: 1014: reports 1014
websockets: 3000: reports 3000
aiohttp: 1000: reports 1000
aiohttp: 1011: reports 1011
aiohttp: 1012: reports 1012
aiohttp: 1013: reports 1013
aiohttp: 1014: reports 1014
aiohttp: 3000: reports 3000
websocket-client: 1000: reports 1000
websocket-client: 1011: reports 1011
websocket-client: 1012: reports 1012
websocket-client: 1013: reports 1013
websocket-client: 1014: reports 1014
websocket-client: 3000: reports 3000
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
