#!/usr/bin/env bash
# canaille-forgets-where-a-confirmed-logout-was-to-lead
#
# Expected: a logout request with `client_id` and a registered `post_logout_redirect_uri`, without `id_token_hint`, may ask
#   the user first, and then leads back to that address, as it does if nothing had to be asked.
# Seen: Canaille asks, and its form goes to the address of the page with nothing in it but the answer and the CSRF token. The
#   request that follows is read from the form alone: the user is logged out and left on Canaille's own page. With
#   `id_token_hint` nothing is asked, and the same request leads back.
# Versions: Canaille 0.3.6, Authlib 1.9.6
# Why it matters: A client that logs out without the ID token, which it may, strands its users at the provider. One that
#   keeps the ID token for `id_token_hint` does not.
# Source: OpenID Connect RP-Initiated Logout 1.0 sections 2 and 3.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet 'canaille[front,oidc]==0.3.6' authlib==1.9.6 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import base64, hashlib, logging, re
from urllib.parse import parse_qs, urlencode, urlsplit

logging.disable(logging.CRITICAL)
from canaille import create_app
from joserfc.jwk import RSAKey

BACK, REDIRECT, VERIFIER = "https://app.example/bye", "https://app.example/callback", "v" * 43
app = create_app({"SECRET_KEY": "not a secret", "SERVER_NAME": "id.example", "SESSION_COOKIE_SECURE": False, "PREFERRED_URL_SCHEME": "https",
                  "CANAILLE": {"DATABASE": "memory"}, "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]}})
from canaille.app import models
from canaille.backends import Backend

with app.app_context(), Backend.instance.session():
    Backend.instance.save(models.User(user_name="alice", formatted_name="Alice", family_name="Example", emails=["alice@example.com"], password="not a secret"))
    client = models.Client(
        client_id="probe", client_name="probe", contacts=["a@example.com"], client_uri="https://app.example", redirect_uris=[REDIRECT],
        post_logout_redirect_uris=[BACK], grant_types=["authorization_code"], response_types=["code"], scope=["openid", "profile", "email"],
        token_endpoint_auth_method="client_secret_basic", client_secret="not-a-secret", application_type="web", id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)

def token_of(page):
    return re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.text).group(1)

def submit(browser, page, **fields):
    return browser.post(page.request.url, data={"csrf_token": token_of(page), **fields}, headers={"Referer": page.request.url})

def logged_in():
    """A browser that is logged in, and its ID token."""
    browser = app.test_client()
    challenge = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
    query = {"response_type": "code", "client_id": "probe", "redirect_uri": REDIRECT, "scope": "openid", "nonce": "a nonce",
             "code_challenge": challenge, "code_challenge_method": "S256"}
    answer = browser.get("https://id.example/oauth/authorize?" + urlencode(query), follow_redirects=True)
    answer = submit(browser, answer, login="alice")
    for _ in range(6):
        if answer.status_code in (302, 303) and answer.location.startswith(REDIRECT):
            break
        if answer.status_code in (302, 303):
            answer = browser.get(answer.location)
        elif 'name="password"' in answer.text:
            answer = submit(browser, answer, password="not a secret")
        else:
            answer = submit(browser, answer, answer="accept")
    code = parse_qs(urlsplit(answer.location).query)["code"][0]
    basic = "Basic " + base64.b64encode(b"probe:not-a-secret").decode()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": REDIRECT, "code_verifier": VERIFIER}
    tokens = browser.post("https://id.example/oauth/token", data=form, headers={"Authorization": basic}).json
    return browser, tokens["id_token"]

for name in ("with id_token_hint", "without it"):
    browser, id_token = logged_in()
    query = {"client_id": "probe", "post_logout_redirect_uri": BACK, **({"id_token_hint": id_token} if name.startswith("with ") else {})}
    answer = browser.get("https://id.example/oauth/end_session?" + urlencode(query))
    if answer.status_code == 200:
        hidden = sorted(re.findall(r'<input[^>]*name="([^"]+)"', answer.text))
        print(f"{name}: asks first, with the fields {hidden}")
        answer = submit(browser, answer, answer="logout")
    print(f"{name}: {answer.status_code} {answer.location}")
PROBE
cat >expected.txt <<'EXPECTED'
with id_token_hint: 302 https://app.example/bye
without it: asks first, with the fields ['csrf_token']
without it: 302 /
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
