#!/usr/bin/env bash
# aiohttp-does-not-report-1005-for-a-close-without-a-code
#
# Expected: a close frame without a code is an orderly close. It is reported as 1005, and 1006 is kept for a
#   connection that ended without a close frame, so that the two can be told apart.
# Seen: as a client aiohttp reports 1006 for both; as a server it reports 0, which is no code at all, for the orderly
#   one. websockets reports 1005 and 1006 on both sides.
# Versions: aiohttp 3.14.5, websockets 17.4
# Why it matters: `socket.close()` in a browser sends no code, so an orderly goodbye looks like a lost connection to
#   an aiohttp client, which counts an error or connects again, and like nothing to an aiohttp service. A relay that
#   turns 1005 into a close with 1000 helps such a service; one that passes 1005 on as it came does not.
# Source: RFC 6455 sections 5.5.1, 7.1.5 and 7.4.1.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet aiohttp==3.14.5 websockets==17.4 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, base64, hashlib
import aiohttp, websockets
from aiohttp import web

FRAMES = {"code 1000": b"\x88\x02\x03\xe8", "no code": b"\x88\x00", "no close frame": b""}

async def peer(reader, writer):
    # A server that sends one close frame, waits for the frame that answers it, and ends the connection.
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    how = list(FRAMES)[int(head.split()[1][1:])]
    key = next(line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
    accept = base64.b64encode(hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()).decode()
    writer.write(f"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n".encode())
    writer.write(FRAMES[how])
    if FRAMES[how]:
        await reader.readexactly(6)
    writer.close()

async def as_clients():
    server = await asyncio.start_server(peer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    for index, how in enumerate(FRAMES):
        async with aiohttp.ClientSession() as session, session.ws_connect(f"http://127.0.0.1:{port}/{index}") as socket:
            message = await socket.receive()
            print(f"{how}: aiohttp as client: {int(socket.close_code)}, message {message.type.name} {message.data}")
        async with websockets.connect(f"ws://127.0.0.1:{port}/{index}", compression=None) as socket:
            await socket.wait_closed()
            print(f"{how}: websockets as client: {int(socket.close_code)}")

async def as_servers():
    codes = asyncio.Queue()
    async def aiohttp_handler(request):
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await codes.put(int(socket.close_code))
        return socket
    async def websockets_handler(socket):
        await socket.wait_closed()
        await codes.put(int(socket.close_code))
    app = web.Application()
    app.router.add_get("/", aiohttp_handler)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    server = await websockets.serve(websockets_handler, "127.0.0.1", 0)
    ports = {"aiohttp": runner.addresses[0][1], "websockets": server.sockets[0].getsockname()[1]}
    for how, frame in FRAMES.items():
        for name, port in ports.items():
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            await reader.readuntil(b"\r\n\r\n")
            if frame:  # The same frame as a client sends it: masked, with a mask of zeros.
                writer.write(bytes([frame[0], frame[1] | 0x80]) + bytes(4) + frame[2:])
            else:
                writer.close()
            print(f"{how}: {name} as server: {await codes.get()}")
            writer.close()

asyncio.run(as_clients())
asyncio.run(as_servers())
PROBE
cat >expected.txt <<'EXPECTED'
code 1000: aiohttp as client: 1000, message CLOSE 1000
code 1000: websockets as client: 1000
no code: aiohttp as client: 1006, message CLOSE 0
no code: websockets as client: 1005
no close frame: aiohttp as client: 1006, message CLOSED None
no close frame: websockets as client: 1006
code 1000: aiohttp as server: 1000
code 1000: websockets as server: 1000
no code: aiohttp as server: 0
no code: websockets as server: 1005
no close frame: aiohttp as server: 1006
no close frame: websockets as server: 1006
EXPECTED

venv/bin/python -W ignore probe.py >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
