#!/usr/bin/env bash
# haproxy-and-mod-auth-openidc-hand-on-numbers-that-nobody-signed
#
# Expected: a proxy that reads a claim of a verified token and hands it on writes the number that was signed: 12345678 is `12345678`, and
#   `[1, 2]` is some list of 1 and 2.
# Seen: jwt_payload_query of HAProxy keeps six digits: 12345678 becomes `1.23457e+07`. With 'int' the number is whole. A list is
#   not found either way. mod_auth_openidc hands a list of numbers on as an empty value, with a warning in its log, and
#   writes 0.25 as `0.250000`. mod_oauth2, by the same author, writes JSON, with every digit.
# Versions: HAProxy 2.6.12-1+deb12u4, libapache2-mod-auth-openidc 2.4.12.3-2+deb12u5, libapache2-mod-oauth2 3.3.1-1 (Debian 12)
# Why it matters: ids of users, tenants and groups are often numbers. Behind HAProxy the id in a log or a header is not the one that was
#   signed until 'int' is added, and behind mod_auth_openidc somebody with ten groups has none. A test with the id 42 passes
#   everywhere. An issuer that writes ids as strings has none of this.
# Source: RFC 8259 section 6; sample_conv_json_query in src/sample.c of HAProxy; oidc_util_set_app_infos of mod_auth_openidc.
# Needs: Debian 12 with apt-get, its package lists up to date; python3
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
chmod 755 "$work"

command -v apt-get >/dev/null || unready "apt-get is missing"
mkdir -p archives/partial unpacked www/oauth2 www/openidc
apt-get -qq -y -d --reinstall --no-install-recommends -o Debug::NoLocking=1 -o Dir::Cache::archives="$work/archives" \
  install haproxy=2.6.12-1+deb12u4 libapache2-mod-oauth2=3.3.1-1 libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" unpacked; done

cat >probe.py <<'PROBE'
import atexit, base64, glob, hashlib, hmac, http.client, json, os, socket, subprocess, time

KEY = "0123456789abcdef0123456789abcdef"
here = os.getcwd()

def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]

ports = {"apache2": free_port(), "haproxy": free_port()}
modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "headers", "dir", "auth_openidc", "oauth2"]
with open("apache.conf", "w") as config:
    config.write(f"""
ServerRoot {here}
ServerName localhost
PidFile {here}/pid
ErrorLog {here}/error.log
Listen 127.0.0.1:{ports["apache2"]}
User nobody
{"".join(f"LoadModule {name}_module {here}/unpacked/usr/lib/apache2/modules/mod_{name}.so" + chr(10) for name in modules)}
DocumentRoot {here}/www
OIDCCryptoPassphrase probe
OIDCOAuthVerifySharedKeys "plain##{KEY}"
<Location /oauth2>
  AuthType oauth2
  OAuth2TokenVerify plain {KEY}
  Require valid-user
  Header set Claim "%{{OAUTH2_CLAIM_id}}e"
</Location>
<Location /openidc>
  AuthType oauth20
  Require valid-user
  Header set Claim "%{{OIDC_CLAIM_id}}e"
</Location>
""")
with open("haproxy.cfg", "w") as config:
    config.write(f"""
defaults
  mode http
  timeout client 30s
frontend probe
  bind 127.0.0.1:{ports["haproxy"]}
  http-request set-var(txn.token) http_auth_bearer
  http-request set-var(txn.text) var(txn.token),jwt_payload_query('$.id')
  http-request set-var(txn.int) var(txn.token),jwt_payload_query('$.id','int')
  http-request return status 200 hdr Claim "%[var(txn.text)]" if {{ var(txn.token),jwt_verify("HS256","{KEY}") 1 }} {{ path /text }}
  http-request return status 200 hdr Claim "%[var(txn.int)]" if {{ var(txn.token),jwt_verify("HS256","{KEY}") 1 }} {{ path /int }}
  http-request deny
""")
for folder in ["oauth2", "openidc"]:
    with open(f"www/{folder}/index.html", "w") as page:
        page.write("in")
libraries = {"LD_LIBRARY_PATH": ":".join(glob.glob(f"{here}/unpacked/usr/lib/*-linux-gnu"))}
servers = {
    "apache2": subprocess.Popen(["unpacked/usr/sbin/apache2", "-f", f"{here}/apache.conf", "-DFOREGROUND"], env=libraries),
    "haproxy": subprocess.Popen(["unpacked/usr/sbin/haproxy", "-f", "haproxy.cfg"], env=libraries),
}

@atexit.register
def end():
    for server in servers.values():
        server.terminate()
        server.wait()

def part(octets):
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode()

def token(claim):
    payload = '{"iss":"https://login.example","sub":"ann","exp":4000000000,"id":' + claim + "}"
    json.loads(payload)
    signed = f"{part(json.dumps({'alg': 'HS256'}).encode())}.{part(payload.encode())}"
    return f"{signed}.{part(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())}"

def claim_from(server, path, given):
    for _ in range(600):
        assert servers[server].poll() is None, f"{server} has ended"
        connection = http.client.HTTPConnection("127.0.0.1", ports[server])
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {given}"})
            answer = connection.getresponse()
            assert answer.status == 200, f"{server} {path} {answer.status}"
            return answer.headers["Claim"] or "(empty)"
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError(f"{server} does not listen")

for claim in ["42", "12345678", "0.25", "[1,2]", '["1","2"]', '"12345678"']:
    given = token(claim)
    read = {
        "HAProxy": claim_from("haproxy", "/text", given),
        "as 'int'": claim_from("haproxy", "/int", given),
        "mod_auth_openidc": claim_from("apache2", "/openidc/", given),
        "mod_oauth2": claim_from("apache2", "/oauth2/", given),
    }
    print(f"{claim}: " + "; ".join(f"{name} {value}" for name, value in read.items()))
PROBE
cat >expected.txt <<'EXPECTED'
42: HAProxy 42; as 'int' 42; mod_auth_openidc 42; mod_oauth2 42
12345678: HAProxy 1.23457e+07; as 'int' 12345678; mod_auth_openidc 12345678; mod_oauth2 12345678
0.25: HAProxy 0.25; as 'int' 0; mod_auth_openidc 0.250000; mod_oauth2 0.25
[1,2]: HAProxy (empty); as 'int' (empty); mod_auth_openidc (empty); mod_oauth2 [1, 2]
["1","2"]: HAProxy (empty); as 'int' (empty); mod_auth_openidc 1,2; mod_oauth2 ["1", "2"]
"12345678": HAProxy 12345678; as 'int' 12345678; mod_auth_openidc 12345678; mod_oauth2 12345678
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
