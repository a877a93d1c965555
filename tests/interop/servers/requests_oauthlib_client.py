"""Carries out one step with requests-oauthlib, and reports in one line of JSON what came of it.

Without a token it gets one by client credentials. With one it calls the API, and refreshes a token that it knows to have expired.
"""

import json
import os
import sys

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"

from oauthlib.oauth2 import BackendApplicationClient, OAuth2Error
from requests_oauthlib import OAuth2Session


def report(**members):
    print(json.dumps(members), flush=True)


order = json.load(sys.stdin)
token = order.get("token")
if token is None:
    session = OAuth2Session(client=BackendApplicationClient(order["client_id"]))
    names = ["token_url", "client_id", "client_secret", "audience"]
    report(token=session.fetch_token(include_client_id=True, **{name: order[name] for name in names}))
else:
    updates = {}
    session = OAuth2Session(
        order["client_id"],
        token=token,
        auto_refresh_url=order["refresh_url"],
        token_updater=lambda updated: updates.update(updated=updated),
    )
    try:
        answer = session.get(order["api"])
        report(status=answer.status_code, code=answer.headers.get("x-problem-code"), **updates)
    except OAuth2Error as error:
        report(failure=f"{type(error).__name__}: {error}", **updates)
