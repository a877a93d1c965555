#!/usr/bin/env bash
# haproxy-reads-an-escaped-letter-of-a-claim-as-latin-1-or-as-nothing
#
# Expected: `"Zoë"` and `"Zo\u00eb"` are one JSON string, and so are `"a/b"` and `"a\/b"`. A program that reads a claim finds the same.
# Seen: jwt_payload_query of HAProxy makes one byte of `\u00eb` (EB, which is no UTF-8), and finds no claim at all if an escape is above
#   `\u00ff` or is `\/`. So of the same claims it reads those that a JavaScript issuer signed, and not those that Python's json signed.
# Versions: HAProxy 2.6.12-1+deb12u4 (Debian 12), json of Python 3.11
# Why it matters: json.dumps (and so PyJWT) escapes every letter that is not ASCII, System.Text.Json of .NET does too, and json_encode of PHP
#   escapes the slash unless it is told not to; every issuer URL has one. A rule that asks for `iss`, a group or a name then refuses
#   some people. A gateway compares claims after it has decoded them, and an issuer that writes plain UTF-8 is read by more.
# Source: RFC 8259 section 7 and section 8.3; RFC 7519 section 7.2; src/mjson.c of HAProxy.
# Needs: Debian 12 with apt-get, its package lists up to date; python3
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial root
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install haproxy=2.6.12-1+deb12u4 >apt.log 2>&1 || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" root; done

cat >haproxy.cfg <<'CONFIG'
defaults
  mode http
  timeout client 30s
frontend probe
  bind unix@probe.sock
  http-request set-var(txn.claim) http_auth_bearer,jwt_payload_query('$.name')
  http-request return status 200 content-type text/plain lf-string "%[var(txn.claim),hex]" if { var(txn.claim) -m found }
  http-request return status 404
CONFIG
cat >probe.py <<'PROBE'
import atexit, base64, glob, json, os, socket, subprocess, time

libraries = ":".join(glob.glob(os.path.abspath("root/usr/lib/*-linux-gnu")))
listener = socket.socket(socket.AF_UNIX)
haproxy = subprocess.Popen(
    ["root/usr/sbin/haproxy", "-f", "haproxy.cfg"], env={"LD_LIBRARY_PATH": libraries}, stderr=subprocess.PIPE, text=True
)

@atexit.register
def end():
    haproxy.terminate()
    haproxy.wait()

def connect():
    for _ in range(600):
        assert haproxy.poll() is None, haproxy.stderr.read()
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect("probe.sock")
            return connection
        except OSError:
            connection.close()
            time.sleep(0.1)
    raise TimeoutError("haproxy does not listen")

def part(text):
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

def claim(payload):
    token = f"{part(json.dumps({'alg': 'HS256'}))}.{part(payload)}.c2ln"
    with connect() as connection:
        connection.sendall(f"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    head, body = answer.split(b"\r\n\r\n", 1)
    return bytes.fromhex(body.decode()) if b" 200 " in head.split(b"\r\n")[0] else None

def escaped_slash(name):
    return json.dumps({"name": name}, ensure_ascii=False).replace("/", "\\/")

writers = {
    "JSON.stringify": lambda name: json.dumps({"name": name}, ensure_ascii=False),
    "json.dumps": lambda name: json.dumps({"name": name}),
    "json_encode with its slash": escaped_slash,
}
names = [("Zoë", "json.dumps"), ("Łukasz", "json.dumps"), ("東京", "json.dumps"), ("https://login.example", "json_encode with its slash")]
for name, other in names:
    for writer in ["JSON.stringify", other]:
        payload = writers[writer](name)
        assert json.loads(payload) == {"name": name}
        read = claim(payload)
        print(f"{payload}: {'the same' if read == name.encode() else 'not found' if read is None else f'the bytes {read.hex()}'}")
PROBE
cat >expected.txt <<'EXPECTED'
{"name": "Zoë"}: the same
{"name": "Zo\u00eb"}: the bytes 5a6feb
{"name": "Łukasz"}: the same
{"name": "\u0141ukasz"}: not found
{"name": "東京"}: the same
{"name": "\u6771\u4eac"}: not found
{"name": "https://login.example"}: the same
{"name": "https:\/\/login.example"}: not found
EXPECTED

PYTHONIOENCODING=utf-8 python3 probe.py >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
