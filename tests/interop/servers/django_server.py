"""django-oauth-toolkit in a small Django project: its login page, an application made by its models."""

import json
import sys
import uuid

import django
from django.conf import settings as django_settings

settings = json.load(sys.stdin)
origin = f"http://127.0.0.1:{settings['port']}"

from cryptography.hazmat.primitives import serialization  # noqa: E402
from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: E402

pem = (
    rsa.generate_private_key(65537, 2048)
    .private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    .decode()
)
provider = {
    "OIDC_ENABLED": True,
    "OIDC_RSA_PRIVATE_KEY": pem,
    "OIDC_RP_INITIATED_LOGOUT_ENABLED": True,
    "SCOPES": {"openid": "openid", "profile": "profile", "email": "email", "offline_access": "offline access"},
    "ALLOWED_SCHEMES": ["http", "https"],
}
if settings.get("jwt"):
    from oauthlib.oauth2.rfc6749.tokens import signed_token_generator

    def access_token(request):
        """The generator of oauthlib, whose tokens would else be the same for all who get one within a second."""
        claims = {"iss": f"{origin}/o", "aud": settings["audience"], "sub": str(request.user.pk), "jti": str(uuid.uuid4())}
        return signed_token_generator(pem, **claims)(request)

    provider["ACCESS_TOKEN_GENERATOR"] = access_token

django_settings.configure(
    SECRET_KEY=settings["secret"],
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": settings["database"]}},
    INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.sessions", "oauth2_provider"],
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.middleware.csrf.CsrfViewMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
    ],
    TEMPLATES=[
        {
            "BACKEND": "django.template.backends.django.DjangoTemplates",
            "APP_DIRS": True,
            "OPTIONS": {
                "context_processors": ["django.template.context_processors.request", "django.contrib.auth.context_processors.auth"],
                "loaders": [
                    ("django.template.loaders.locmem.Loader", {"registration/login.html": '<form method="post">{% csrf_token %}{{ form }}<button>Log in</button></form>'}),
                    "django.template.loaders.app_directories.Loader",
                ],
            },
        }
    ],
    LOGIN_URL="/accounts/login/",
    LOGGING_CONFIG=None,
    USE_TZ=True,
    OAUTH2_PROVIDER=provider,
)
del django_settings.TEMPLATES[0]["APP_DIRS"]
django.setup()

from django.contrib.auth.models import User  # noqa: E402
from django.core.management import call_command  # noqa: E402
from django.core.wsgi import get_wsgi_application  # noqa: E402
from django.urls import include, path  # noqa: E402
from werkzeug.serving import WSGIRequestHandler, make_server  # noqa: E402

urlpatterns = [path("o/", include("oauth2_provider.urls")), path("accounts/", include("django.contrib.auth.urls"))]

call_command("migrate", verbosity=0)
from oauth2_provider.models import get_application_model  # noqa: E402

User.objects.create_user(settings["username"], "alice@example.com", settings["password"])
get_application_model().objects.create(
    name="Bargate",
    client_id=settings["client_id"],
    client_secret=settings["client_secret"],
    client_type="confidential",
    authorization_grant_type="authorization-code",
    redirect_uris=" ".join(settings["redirect_uris"]),
    post_logout_redirect_uris=" ".join(settings["post_logout_redirect_uris"]),
    algorithm="RS256",
)


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


server = make_server("127.0.0.1", settings["port"], get_wsgi_application(), threaded=True, request_handler=Quiet)
print(json.dumps({"listening": settings["port"]}), flush=True)
server.serve_forever()
