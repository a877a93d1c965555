#!/usr/bin/env bash
# two-apache-modules-answer-a-missing-scope-with-401-and-no-challenge
#
# Expected: a valid token that lacks a scope is refused with 403 and `error="insufficient_scope"`. A 401 has a challenge in any case.
#   A request without a token gets a challenge without an error code.
# Seen: behind `Require claim` of mod_auth_openidc and `Require oauth2_claim` of mod_oauth2 it is a 401 without `WWW-Authenticate`,
#   and with `AuthzSendForbiddenOnFailure On` a 403 without it. A request without a token is told `error="invalid_request"`.
#   `scope:write` is not found in `"read write"`, the form of RFC 9068. A regular expression (`scope~`) finds it in mod_auth_openidc,
#   and does not in mod_oauth2.
# Versions: libapache2-mod-oauth2 3.3.1-1 with liboauth2 1.4.5.4-1, libapache2-mod-auth-openidc 2.4.12.3-2+deb12u5 (Debian 12)
# Why it matters: a client takes a 401 for the end of its token. It refreshes, repeats, gets 401 again and asks for a login, which changes
#   nothing; one that would ask for the missing scope (RFC 6750, MCP) is never told of it. A gateway in front of such a service
#   checks scopes itself, or a proxy turns this 401 into a 403 with a challenge.
# Source: RFC 9110 section 15.5.2; RFC 6750 sections 3 and 3.1; RFC 9068 section 2.2.3.
# Needs: Debian 12 with apt-get, its package lists up to date; python3
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial unpacked
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install libapache2-mod-oauth2=3.3.1-1 libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" unpacked; done

cat >probe.py <<'PROBE'
import atexit, base64, glob, hashlib, hmac, http.client, json, os, socket, subprocess, time

KEY = "0123456789abcdef0123456789abcdef"
here = os.getcwd()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc", "oauth2"]
with open("apache.conf", "w") as config:
    config.write(f"""
ServerRoot {here}
ServerName localhost
PidFile {here}/pid
ErrorLog {here}/error.log
Listen 127.0.0.1:{port}
User nobody
{"".join(f"LoadModule {name}_module {here}/unpacked/usr/lib/apache2/modules/mod_{name}.so" + chr(10) for name in modules)}
DocumentRoot {here}/www
OIDCCryptoPassphrase probe
OIDCOAuthVerifySharedKeys "plain##{KEY}"
<Location /oauth2>
  AuthType oauth2
  OAuth2TokenVerify plain {KEY}
  Require oauth2_claim scope:write
</Location>
<Location /oauth2/pattern>
  Require oauth2_claim scope~(^|[[:space:]])write($|[[:space:]])
</Location>
<Location /oauth2/forbidden>
  AuthzSendForbiddenOnFailure On
</Location>
<Location /openidc>
  AuthType oauth20
  Require claim scope:write
</Location>
<Location /openidc/pattern>
  Require claim scope~(^|[[:space:]])write($|[[:space:]])
</Location>
<Location /openidc/forbidden>
  AuthzSendForbiddenOnFailure On
</Location>
""")
for folder in [f"{module}{below}" for module in ["oauth2", "openidc"] for below in ["", "/pattern", "/forbidden"]]:
    os.makedirs(f"www/{folder}", exist_ok=True)
    with open(f"www/{folder}/index.html", "w") as page:
        page.write("in")
libraries = ":".join(glob.glob(f"{here}/unpacked/usr/lib/*-linux-gnu"))
apache = subprocess.Popen(["unpacked/usr/sbin/apache2", "-f", f"{here}/apache.conf", "-DFOREGROUND"], env={"LD_LIBRARY_PATH": libraries})

@atexit.register
def end():
    apache.terminate()
    apache.wait()

def part(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

def token(scope):
    payload = json.dumps({"iss": "https://login.example", "sub": "ann", "exp": 4000000000, "scope": scope})
    signed = f"{part(json.dumps({'alg': 'HS256'}).encode())}.{part(payload.encode())}"
    return f"{signed}.{part(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())}"

def answer_to(path, scope):
    headers = {"Authorization": f"Bearer {token(scope)}"} if scope else {}
    for _ in range(600):
        assert apache.poll() is None, "apache2 has ended"
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            return f"{answer.status}, {answer.headers['WWW-Authenticate'] or 'no challenge'}"
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("apache2 does not listen")

modules = {"mod_auth_openidc": "openidc", "mod_oauth2": "oauth2"}
rows = [("", "write"), ("", "read"), ("/forbidden", "read"), ("", "read write"), ("/pattern", "read write"), ("", None)]
for module, folder in modules.items():
    for below, scope in rows:
        print(f"{module}{below}, scope {scope!r}: {answer_to(f'/{folder}{below}/', scope)}")
PROBE
cat >expected.txt <<'EXPECTED'
mod_auth_openidc, scope 'write': 200, no challenge
mod_auth_openidc, scope 'read': 401, no challenge
mod_auth_openidc/forbidden, scope 'read': 403, no challenge
mod_auth_openidc, scope 'read write': 401, no challenge
mod_auth_openidc/pattern, scope 'read write': 200, no challenge
mod_auth_openidc, scope None: 401, Bearer error="invalid_request", error_description="No bearer token found in the request"
mod_oauth2, scope 'write': 200, no challenge
mod_oauth2, scope 'read': 401, no challenge
mod_oauth2/forbidden, scope 'read': 403, no challenge
mod_oauth2, scope 'read write': 401, no challenge
mod_oauth2/pattern, scope 'read write': 401, no challenge
mod_oauth2, scope None: 401, Bearer error="invalid_request", error_description="No bearer token found in the request."
EXPECTED

python3 probe.py >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
