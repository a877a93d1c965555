"""An authorization server made of Authlib's parts for Flask, in memory: codes with PKCE, rotating refresh tokens, RFC 9068 tokens."""

import json
import sys
import time

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import AuthorizationCodeMixin, ClientMixin, TokenMixin, grants
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7636 import CodeChallenge
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from authlib.oidc.core import OpenIDCode, UserInfo
from flask import Flask, jsonify, redirect, request, session
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

settings = json.load(sys.stdin)
issuer = f"http://127.0.0.1:{settings['port']}"
key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256"}, auto_kid=True)
codes, tokens = {}, []


class User:
    def get_user_id(self):
        return settings["username"]


class Client(ClientMixin):
    client_id = settings["client_id"]

    def get_client_id(self):
        return self.client_id

    def get_default_redirect_uri(self):
        return settings["redirect_uris"][0]

    def get_allowed_scope(self, scope):
        return " ".join(each for each in scope.split() if each in ("openid", "profile", "email", "offline_access"))

    def check_redirect_uri(self, redirect_uri):
        return redirect_uri in settings["redirect_uris"]

    def check_client_secret(self, client_secret):
        return client_secret == settings["client_secret"]

    def check_endpoint_auth_method(self, method, endpoint):
        return method == "client_secret_basic"

    def check_response_type(self, response_type):
        return response_type == "code"

    def check_grant_type(self, grant_type):
        return grant_type in ("authorization_code", "refresh_token")


class Code(AuthorizationCodeMixin):
    def __init__(self, code, asked):
        data = asked.payload.data
        self.code, self.redirect_uri, self.scope = code, asked.payload.redirect_uri, asked.payload.scope
        self.nonce = data.get("nonce")
        self.code_challenge, self.code_challenge_method = data.get("code_challenge"), data.get("code_challenge_method")

    def get_redirect_uri(self):
        return self.redirect_uri

    def get_scope(self):
        return self.scope

    def get_nonce(self):
        return self.nonce

    def get_auth_time(self):
        return int(time.time())

    def get_acr(self):
        return None

    def get_amr(self):
        return None


class Token(TokenMixin):
    def __init__(self, given):
        self.given, self.revoked = given, False

    def check_client(self, client):
        return True

    def get_scope(self):
        return self.given["scope"]

    def get_expires_in(self):
        return self.given["expires_in"]

    def is_expired(self):
        return False

    def is_revoked(self):
        return self.revoked

    def get_user(self):
        return User()

    def get_client(self):
        return Client()


def token_of(name, value):
    return next((token for token in tokens if token.given.get(name) == value), None)


class CodeGrant(grants.AuthorizationCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]

    def save_authorization_code(self, code, asked):
        codes[code] = Code(code, asked)

    def query_authorization_code(self, code, client):
        return codes.get(code)

    def delete_authorization_code(self, authorization_code):
        del codes[authorization_code.code]

    def authenticate_user(self, authorization_code):
        return User()


class RefreshGrant(grants.RefreshTokenGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic"]
    INCLUDE_NEW_REFRESH_TOKEN = True

    def authenticate_refresh_token(self, refresh_token):
        token = token_of("refresh_token", refresh_token)
        return token if token and not token.revoked else None

    def authenticate_user(self, refresh_token):
        return User()

    def revoke_old_credential(self, refresh_token):
        refresh_token.revoked = True


class Code2IdToken(OpenIDCode):
    def exists_nonce(self, nonce, asked):
        return any(code.nonce == nonce for code in codes.values())

    def get_jwt_config(self, grant, client=None):
        return {"key": key.as_dict(private=True), "alg": "RS256", "iss": issuer, "exp": 3600}

    def resolve_client_private_key(self, client):
        return key

    def get_client_claims(self, client):
        return {"iss": issuer}

    def generate_user_info(self, user, scope):
        return UserInfo(sub=user.get_user_id(), name="Alice")


class Generator(JWTBearerTokenGenerator):
    def get_jwks(self):
        return key

    def get_audiences(self, client, user, scope):
        return settings["audience"]


class Revocation(RevocationEndpoint):
    def query_token(self, token_string, token_type_hint):
        return token_of("refresh_token", token_string) or token_of("access_token", token_string)

    def revoke_token(self, token, asked):
        token.revoked = True


app = Flask(__name__)
app.secret_key = settings["secret"]
server = AuthorizationServer(
    app, query_client=lambda client_id: Client() if client_id == Client.client_id else None,
    save_token=lambda given, asked: tokens.append(Token(dict(given))),
)
server.register_grant(CodeGrant, [Code2IdToken(require_nonce=False), CodeChallenge(required=True)])
server.register_grant(RefreshGrant)
server.register_endpoint(Revocation)
server.register_token_generator("default", Generator(issuer, expires_generator=lambda client, grant_type: 3600, refresh_token_generator=lambda **_: __import__("secrets").token_urlsafe(32)))


@app.get("/.well-known/openid-configuration")
def discovery():
    return jsonify(
        issuer=issuer,
        authorization_endpoint=f"{issuer}/authorize",
        token_endpoint=f"{issuer}/token",
        revocation_endpoint=f"{issuer}/revoke",
        userinfo_endpoint=f"{issuer}/userinfo",
        jwks_uri=f"{issuer}/jwks",
        response_types_supported=["code"],
        subject_types_supported=["public"],
        id_token_signing_alg_values_supported=["RS256"],
        token_endpoint_auth_methods_supported=["client_secret_basic"],
        code_challenge_methods_supported=["S256"],
    )


@app.get("/jwks")
def jwks():
    return jsonify(KeySet([key]).as_dict(private=False))


@app.route("/authorize", methods=["GET", "POST"])
def authorize():
    if request.method == "POST" and "password" in request.form:
        session["user"] = request.form["username"] == settings["username"] and request.form["password"] == settings["password"]
    if not session.get("user"):
        return '<form method="post"><input name="username"><input name="password" type="password"><button>Log in</button></form>'
    grant = server.get_consent_grant(end_user=User())
    return server.create_authorization_response(request=request, grant_user=User(), grant=grant)


@app.post("/token")
def token():
    return server.create_token_response()


@app.post("/revoke")
def revoke():
    return server.create_endpoint_response("revocation")


@app.get("/userinfo")
def userinfo():
    claims = jwt.decode(request.headers["Authorization"].split()[1], key).claims
    return jsonify(sub=claims["sub"], name="Alice")


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


listener = make_server("127.0.0.1", settings["port"], app, threaded=True, request_handler=Quiet)
print(json.dumps({"listening": settings["port"]}), flush=True)
listener.serve_forever()
