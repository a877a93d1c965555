#!/usr/bin/env bash
# two-of-four-providers-refuse-a-method-that-their-discovery-lists
#
# Expected: a client that goes by `token_endpoint_auth_methods_supported` of discovery may pick client_secret_post or
#   client_secret_basic if both are listed, and all servers treat a client that was made with their defaults alike.
# Seen: all four list both, and all four make clients for client_secret_basic. oidc-provider and django-oauth-toolkit take
#   the secret either way. better-auth and Canaille refuse client_secret_post with `invalid_client`, better-auth with
#   status 400. openid-client sends client_secret_post unless told otherwise, so with its defaults and theirs it cannot
#   log anyone in.
# Versions: oidc-provider 9.13.3, better-auth and @better-auth/oauth-provider 1.7.5, Canaille 0.3.6, django-oauth-toolkit
#   3.4.1, Django 5.2.19, openid-client 6.8.9
# Why it matters: Discovery says what a server can do, not what this client was registered for. A gateway that chooses by
#   discovery has to prefer Basic, the default of registration, and needs a setting for the other.
# Source: OpenID Connect Discovery 1.0 section 3; RFC 7591 section 2; RFC 6749 sections 2.3.1 and 5.2.
# Needs: node 22 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts --omit=optional --omit=peer better-auth@1.7.5 @better-auth/oauth-provider@1.7.5 @better-auth/core@1.7.5 \
  @better-auth/utils@0.4.2 @better-fetch/fetch@1.3.2 better-call@1.4.0 oidc-provider@9.13.3 openid-client@6.8.9 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet 'canaille[front,oidc]==0.3.6' django-oauth-toolkit==3.4.1 django==5.2.19 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { createServer } from 'node:http';
import { oauthProvider } from '@better-auth/oauth-provider';
import { betterAuth } from 'better-auth';
import { memoryAdapter } from 'better-auth/adapters/memory';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import Provider from 'oidc-provider';
import * as openid from 'openid-client';

console.warn = console.info = () => {};
const redirect = 'https://app.example/callback';
const listen = async () => {
  const server = createServer();
  await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
  return { server, origin: `http://127.0.0.1:${server.address().port}` };
};
const tried = async (name, issuer, id, secret, body) => {
  const metadata = await (await fetch(`${issuer}/.well-known/openid-configuration`)).json();
  const listed = metadata.token_endpoint_auth_methods_supported;
  console.log(`${name}: lists ${['client_secret_basic', 'client_secret_post'].filter((method) => listed.includes(method)).join(', ')}`);
  // None of this is granted: who gets as far as being told so has shown who it is.
  const how = {
    client_secret_basic: [{ authorization: `Basic ${btoa(`${id}:${secret}`)}` }, {}],
    client_secret_post: [{}, { client_id: id, client_secret: secret }],
  };
  for (const [method, [headers, more]] of Object.entries(how)) {
    const answer = await fetch(metadata.token_endpoint, { method: 'POST', headers, body: new URLSearchParams({ ...body, ...more }) });
    console.log(`${name}: ${method}: ${answer.status} ${(await answer.json()).error}`);
  }
};

const panva = await listen();
panva.server.on('request', new Provider(panva.origin, { clients: [{ client_id: 'probe', client_secret: 'not-a-secret', redirect_uris: [redirect] }] }).callback());
await tried('oidc-provider', panva.origin, 'probe', 'not-a-secret', { grant_type: 'authorization_code', code: 'never-given', redirect_uri: redirect, code_verifier: 'v'.repeat(43) });

const better = await listen();
const tables = ['user', 'session', 'account', 'verification', 'jwks', 'oauthClient', 'oauthRefreshToken', 'oauthAccessToken', 'oauthConsent', 'oauthResource', 'oauthClientResource'];
const auth = betterAuth({
  baseURL: better.origin, secret: 'not a secret, but of 32 characters', database: memoryAdapter(Object.fromEntries(tables.map((name) => [name, []]))),
  emailAndPassword: { enabled: true }, logger: { disabled: true }, telemetry: { enabled: false },
  plugins: [jwt(), oauthProvider({ loginPage: '/sign-in', consentPage: '/consent' })],
});
better.server.on('request', toNodeHandler(auth));
const { headers } = await auth.api.signUpEmail({ body: { email: 'alice@example.com', password: 'not a secret', name: 'Alice' }, returnHeaders: true });
const cookie = headers.getSetCookie().map((line) => line.split(';')[0]).join('; ');
const client = await auth.api.createOAuthClient({ headers: new Headers({ cookie }), body: { redirect_uris: [redirect] } });
await tried('better-auth', `${better.origin}/api/auth`, client.client_id, client.client_secret, { grant_type: 'client_credentials', scope: 'openid' });

const asked = await listen();
let method;
asked.server.on('request', async (request, response) => {
  const form = Buffer.concat(await request.toArray()).toString();
  method = form.includes('client_secret=') ? 'client_secret_post' : 'client_secret_basic';
  response.setHeader('content-type', 'application/json').end('{"access_token":"token-1","token_type":"Bearer"}');
});
const config = new openid.Configuration({ issuer: asked.origin, token_endpoint: `${asked.origin}/token`, token_endpoint_auth_methods_supported: ['client_secret_basic'] }, 'probe', 'not-a-secret');
openid.allowInsecureRequests(config);
await openid.clientCredentialsGrant(config);
console.log(`openid-client, if discovery lists client_secret_basic alone: ${method}`);
process.exit(0);
PROBE
cat >probe.py <<'PROBE'
import base64, json, logging, sys

logging.disable(logging.CRITICAL)
REDIRECT = "https://app.example/callback"

def tried(name, discovery, post):
    listed = discovery["token_endpoint_auth_methods_supported"]
    print(f"{name}: lists {', '.join(each for each in ('client_secret_basic', 'client_secret_post') if each in listed)}")
    form = {"grant_type": "client_credentials", "scope": "openid"}
    basic = "Basic " + base64.b64encode(b"probe:not-a-secret").decode()
    for method, more, authorization in (("client_secret_basic", {}, basic), ("client_secret_post", {"client_id": "probe", "client_secret": "not-a-secret"}, None)):
        status, body = post({**form, **more}, authorization)
        print(f"{name}: {method}: {status} {body['error']}")

def canaille():
    from canaille import create_app
    from joserfc.jwk import RSAKey
    app = create_app({"SECRET_KEY": "not a secret", "SERVER_NAME": "id.example", "CANAILLE": {"DATABASE": "memory"}, "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048).as_dict(private=True)]}})
    from canaille.app import models
    from canaille.backends import Backend
    with app.app_context(), Backend.instance.session():
        # As its admin page does, with values of our own for identifier and secret.
        client = models.Client(
            client_id="probe", client_name="probe", contacts=["a@example.com"], client_uri="https://app.example", redirect_uris=[REDIRECT],
            grant_types=["authorization_code", "refresh_token"], response_types=["code"], scope=["openid", "profile", "email"],
            token_endpoint_auth_method="client_secret_basic", client_secret="not-a-secret", application_type="web", id_token_signed_response_alg="RS256",
        )
        Backend.instance.save(client)
        client.audience = [client]
        Backend.instance.save(client)
    browser = app.test_client()
    def post(form, authorization):
        answer = browser.post("/oauth/token", data=form, headers={"Authorization": authorization} if authorization else {})
        return answer.status_code, answer.json
    tried("Canaille", browser.get("/.well-known/openid-configuration").json, post)

def toolkit():
    import django
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import rsa
    from django.conf import settings
    pem = rsa.generate_private_key(65537, 2048).private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()).decode()
    settings.configure(
        SECRET_KEY="not a secret", ROOT_URLCONF=__name__, USE_TZ=True, ALLOWED_HOSTS=["testserver"], LOGGING_CONFIG=None,
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
        INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "oauth2_provider"],
        OAUTH2_PROVIDER={"OIDC_ENABLED": True, "OIDC_RSA_PRIVATE_KEY": pem, "SCOPES": {"openid": "openid"}},
    )
    django.setup()
    from django.core.management import call_command
    from django.test import Client
    from django.urls import include, path
    from oauth2_provider.models import get_application_model
    globals()["urlpatterns"] = [path("o/", include("oauth2_provider.urls"))]
    call_command("migrate", verbosity=0)
    get_application_model().objects.create(client_id="probe", client_secret="not-a-secret", client_type="confidential", authorization_grant_type="authorization-code", redirect_uris=REDIRECT, algorithm="RS256")
    browser = Client()
    def post(form, authorization):
        answer = browser.post("/o/token/", form, **({"HTTP_AUTHORIZATION": authorization} if authorization else {}))
        return answer.status_code, answer.json()
    tried("django-oauth-toolkit", browser.get("/o/.well-known/openid-configuration").json(), post)

{"canaille": canaille, "toolkit": toolkit}[sys.argv[1]]()
PROBE
cat >expected.txt <<'EXPECTED'
oidc-provider: lists client_secret_basic, client_secret_post
oidc-provider: client_secret_basic: 400 invalid_grant
oidc-provider: client_secret_post: 400 invalid_grant
better-auth: lists client_secret_basic, client_secret_post
better-auth: client_secret_basic: 400 unauthorized_client
better-auth: client_secret_post: 400 invalid_client
openid-client, if discovery lists client_secret_basic alone: client_secret_post
Canaille: lists client_secret_basic, client_secret_post
Canaille: client_secret_basic: 400 unauthorized_client
Canaille: client_secret_post: 401 invalid_client
django-oauth-toolkit: lists client_secret_basic, client_secret_post
django-oauth-toolkit: client_secret_basic: 400 unauthorized_client
django-oauth-toolkit: client_secret_post: 400 unauthorized_client
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py canaille && venv/bin/python -W ignore probe.py toolkit; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
