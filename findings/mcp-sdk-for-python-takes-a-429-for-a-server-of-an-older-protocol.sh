#!/usr/bin/env bash
# mcp-sdk-for-python-takes-a-429-for-a-server-of-an-older-protocol
#
# Expected: a client that gets 429 or 503 with `Retry-After` waits, or tells its program so. A refused request says nothing about which
#   versions of the protocol the server speaks.
# Seen: if the first request of a Client is answered so, it takes the server for one of the past, and speaks 2025-11-25 to it as long as
#   it is connected; without that it is 2026-07-28. A call that is refused later is error -32603 "Server returned an error
#   response", whatever the status and the text were: neither the status nor `Retry-After` nor a problem (RFC 9457) reaches the
#   program. Only an error of JSON-RPC in the answer does.
# Versions: mcp 2.3.0 (PyPI), the client and the server
# Why it matters: what is before a server (a gateway, a rate limit, a load balancer) refuses in the words of HTTP. For this client a
#   limit that is hit at the start costs the session what the newer protocol has, without a word, and later refusals look like faults.
#   On a path of an MCP server, limits leave room for the first requests.
# Source: RFC 9110 section 10.2.3; RFC 6585 section 4; negotiate_auto in mcp/client/_probe.py; _handle_post_request in mcp/client/streamable_http.py.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet mcp==2.3.0 uvicorn==0.54.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import asyncio, json, logging, socket
import uvicorn
from mcp.client.client import Client
from mcp.server import MCPServer

logging.disable(logging.CRITICAL)
server = MCPServer("probe")
refusal = None

@server.tool()
def name() -> str:
    return "probe"

def refusing(app):
    async def answer(scope, receive, send):
        global refusal
        if scope["type"] != "http" or refusal is None or scope["method"] != "POST":
            return await app(scope, receive, send)
        (status, kind, body), refusal = refusal, None
        headers = [(b"content-type", kind.encode()), (b"retry-after", b"5")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(body).encode()})
    return answer

def problem(status):
    return status, "application/problem+json", {"title": "Wait five seconds", "status": status}

json_rpc = 429, "application/json", {"jsonrpc": "2.0", "id": None, "error": {"code": -32000, "message": "Wait five seconds"}}

async def main():
    global refusal
    listener = socket.create_server(("127.0.0.1", 0))
    app = refusing(server.streamable_http_app())
    running = uvicorn.Server(uvicorn.Config(app, log_level="critical"))
    task = asyncio.create_task(running.serve(sockets=[listener]))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/mcp"
    for first in [None, problem(429), problem(503)]:
        refusal = first
        async with Client(address) as client:
            print(f"first request {first[0] if first else 'answered'}: version {client.protocol_version}")
    for later in [problem(429), problem(503), json_rpc]:
        async with Client(address) as client:
            await client.list_tools()
            refusal = later
            try:
                await client.call_tool("name")
                outcome = "answered"
            except Exception as error:
                outcome = f"{type(error).__name__} {error.error.code} {error.error.message!r}"
            print(f"later call {later[0]} as {later[1]}: {outcome}")
    running.should_exit = True
    await task

asyncio.run(main())
PROBE
cat >expected.txt <<'EXPECTED'
first request answered: version 2026-07-28
first request 429: version 2025-11-25
first request 503: version 2025-11-25
later call 429 as application/problem+json: MCPError -32603 'Server returned an error response'
later call 503 as application/problem+json: MCPError -32603 'Server returned an error response'
later call 429 as application/json: MCPError -32000 'Wait five seconds'
EXPECTED

venv/bin/python -W ignore probe.py >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
