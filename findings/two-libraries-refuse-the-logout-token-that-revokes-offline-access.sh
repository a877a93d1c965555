#!/usr/bin/env bash
# two-libraries-refuse-the-logout-token-that-revokes-offline-access
#
# Expected: `events` of a logout token has the member of the back-channel logout, whose value is an object, empty or not. Other members are other
#   events, and not understood ones are ignored. `iat` may be a few seconds ahead of another clock.
# Seen: LogoutToken of idpyoidc and of oic (pyoidc) raises ValueError if `events` has a second member, as `"revoke_offline_access": true` of Keycloak,
#   or if the object has a member, or at an `iat` ahead of its clock.
# Versions: idpyoidc 5.0.0, oic 1.7.0, cryptojwt 1.11.0 (PyPI)
# Why it matters: someone turns "Backchannel logout revoke offline sessions" on for a client of Keycloak, and each logout there fails from then on.
#   The provider gets an error and does not try again; the user is told of a logout and stays signed in. A gateway that sends logout tokens
#   of its own writes `{}` and nothing else, and one that takes them looks for the one member.
# Source: OpenID Connect Back-Channel Logout 1.0 sections 2.4 and 2.6; RFC 8417 section 2.2 (`events` may have several members);
#   LogoutToken in message/oidc/session.py of idpyoidc and oic/message.py of oic.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet idpyoidc==5.0.0 oic==1.7.0 cryptojwt==1.11.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import time
import idpyoidc.message.oidc.session, oic.oic.message

EVENT = "http://schemas.openid.net/event/backchannel-logout"
now = int(time.time())
claims = {
    "iss": "https://as.example", "aud": ["app"], "sub": "ann", "sid": "s1", "jti": "j1", "iat": now, "exp": now + 120, "events": {EVENT: {}},
}
tokens = {
    "as most send it": {},
    "with a second event": {"events": {EVENT: {}, "revoke_offline_access": True}},
    "with a member in the event": {"events": {EVENT: {"reason": "idle"}}},
    "made five seconds ahead": {"iat": now + 5},
}
classes = {"idpyoidc": idpyoidc.message.oidc.session.LogoutToken, "oic": oic.oic.message.LogoutToken}
for label, change in tokens.items():
    for name, LogoutToken in classes.items():
        token = LogoutToken(**{**claims, **change})
        try:
            token.verify(iss="https://as.example", aud="app")
            print(f"{name}, {label}: taken")
        except Exception as error:
            print(f"{name}, {label}: {error!r}")
PROBE
cat >expected.txt <<'EXPECTED'
idpyoidc, as most send it: taken
oic, as most send it: taken
idpyoidc, with a second event: ValueError('Must only be one member in "events"')
oic, with a second event: ValueError('Must only be one member in "events"')
idpyoidc, with a member in the event: ValueError('Wrong member value in "events"')
oic, with a member in the event: ValueError('Wrong member value in "events"')
idpyoidc, made five seconds ahead: ValueError('Invalid issued_at time')
oic, made five seconds ahead: ValueError('Invalid issued_at time')
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
