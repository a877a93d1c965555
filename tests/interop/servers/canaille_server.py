"""Canaille as it comes, in memory: users made of its models, a client as its admin page makes it."""

import json
import sys

from canaille import create_app
from joserfc.jwk import RSAKey
from werkzeug.serving import WSGIRequestHandler, make_server

settings = json.load(sys.stdin)


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


app = create_app(
    {
        "SECRET_KEY": settings["secret"],
        "SERVER_NAME": f"127.0.0.1:{settings['port']}",
        "PREFERRED_URL_SCHEME": "http",
        "SESSION_COOKIE_SECURE": False,
        "CANAILLE": {"DATABASE": "memory", "LOGGING": {"version": 1, "disable_existing_loggers": True}},
        "CANAILLE_OIDC": {"ACTIVE_JWKS": [RSAKey.generate_key(2048, auto_kid=True).as_dict(private=True)]},
    }
)

from canaille.app import models  # noqa: E402
from canaille.backends import Backend  # noqa: E402

with app.app_context(), Backend.instance.session():
    for name in settings["usernames"]:
        user = models.User(
            user_name=name,
            formatted_name=f"{name} Example",
            family_name="Example",
            emails=[f"{name}@example.com"],
            password=settings["password"],
        )
        Backend.instance.save(user)
    client = models.Client(
        client_id=settings["client_id"],
        client_name="Bargate",
        contacts=["alice@example.com"],
        client_uri="http://127.0.0.1",
        redirect_uris=settings["redirect_uris"],
        post_logout_redirect_uris=settings["post_logout_redirect_uris"],
        grant_types=["authorization_code", "refresh_token"],
        response_types=["code"],
        scope=["openid", "profile", "email"],
        token_endpoint_auth_method=settings["method"],
        client_secret=settings["client_secret"],
        application_type="web",
        id_token_signed_response_alg="RS256",
    )
    Backend.instance.save(client)
    client.audience = [client]
    Backend.instance.save(client)

server = make_server("127.0.0.1", settings["port"], app, threaded=True, request_handler=Quiet)
print(json.dumps({"listening": settings["port"]}), flush=True)
server.serve_forever()
