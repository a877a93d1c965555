#!/usr/bin/env bash
# mod-oauth2-refuses-a-token-that-expires-at-a-fraction-of-a-second
#
# Expected: `exp` is a NumericDate, a JSON number that need not be an integer. 4000000000, 4000000000.0, 4e9 and 4000000000.5 are four such
#   numbers, and the first three are the same.
# Seen: mod_oauth2 refuses the token unless `exp` is written as digits only. It logs that the token has no `exp` number, and answers
#   `invalid_token`. It takes a fraction in `iat` and `nbf`. mod_auth_openidc, by the same author, takes all of them.
# Versions: libapache2-mod-oauth2 3.3.1-1 with liboauth2 1.4.5.4-1, libapache2-mod-auth-openidc 2.4.12.3-2+deb12u5 (Debian 12)
# Why it matters: an issuer that writes `time.time() + 300` in Python or `Date.now() / 1000 + 300` in JavaScript signs such tokens, and
#   many libraries take them. In front of one of two services the client is told that its token is invalid, and a refresh brings
#   the next one of that kind. An issuer rounds; a gateway that takes fractions sees to it that its upstreams do, or signs its own.
# Source: RFC 7519 sections 2 (NumericDate) and 4.1.4; _oauth2_jose_jwt_validate_exp of liboauth2.
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
  install libapache2-mod-oauth2=3.3.1-1 libapache2-mod-auth-openidc=2.4.12.3-2+deb12u5 >apt.log 2>&1 \
  || unready "apt-get failed: $(tail -n 3 apt.log)"
for package in archives/*.deb; do dpkg -x "$package" unpacked; done

cat >probe.py <<'PROBE'
import atexit, base64, glob, hashlib, hmac, http.client, json, os, socket, subprocess, time

KEY = "0123456789abcdef0123456789abcdef"
here = os.getcwd()
with socket.create_server(("127.0.0.1", 0)) as free:
    port = free.getsockname()[1]
modules = ["mpm_event", "authn_core", "authz_core", "authz_user", "alias", "dir", "auth_openidc", "oauth2"]
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
  Require valid-user
</Location>
<Location /openidc>
  AuthType oauth20
  Require valid-user
</Location>
""")
for folder in ["oauth2", "openidc"]:
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

def token(more):
    payload = '{"iss":"https://login.example","sub":"ann",' + more + "}"
    json.loads(payload)
    signed = f"{part(json.dumps({'alg': 'HS256'}).encode())}.{part(payload.encode())}"
    return f"{signed}.{part(hmac.new(KEY.encode(), signed.encode(), hashlib.sha256).digest())}"

def status(path, given):
    for _ in range(600):
        assert apache.poll() is None, "apache2 has ended"
        connection = http.client.HTTPConnection("127.0.0.1", port)
        try:
            connection.request("GET", path, headers={"Authorization": f"Bearer {given}"})
            return connection.getresponse().status
        except ConnectionRefusedError:
            time.sleep(0.1)
        finally:
            connection.close()
    raise TimeoutError("apache2 does not listen")

exp = '"exp":4000000000'
for more in [exp, '"exp":4000000000.0', '"exp":4e9', '"exp":4000000000.5', exp + ',"iat":1700000000.5', exp + ',"nbf":1700000000.5']:
    given = token(more)
    print(f"{more}: mod_oauth2 {status('/oauth2/', given)}, mod_auth_openidc {status('/openidc/', given)}")
PROBE
cat >expected.txt <<'EXPECTED'
"exp":4000000000: mod_oauth2 200, mod_auth_openidc 200
"exp":4000000000.0: mod_oauth2 401, mod_auth_openidc 200
"exp":4e9: mod_oauth2 401, mod_auth_openidc 200
"exp":4000000000.5: mod_oauth2 401, mod_auth_openidc 200
"exp":4000000000,"iat":1700000000.5: mod_oauth2 200, mod_auth_openidc 200
"exp":4000000000,"nbf":1700000000.5: mod_oauth2 200, mod_auth_openidc 200
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
