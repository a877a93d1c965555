"""Amazon Cognito, as moto has it: a pool, a client and a user by its API. It has no login page; its tokens come from its API, too."""

import json
import os
import sys

import boto3
from moto.server import ThreadedMotoServer

settings = json.load(sys.stdin)
os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-west-1")
server = ThreadedMotoServer(ip_address="127.0.0.1", port=settings["port"], verbose=False)
server.start()
origin = f"http://127.0.0.1:{settings['port']}"
cognito = boto3.client("cognito-idp", endpoint_url=origin)
pool = cognito.create_user_pool(PoolName="bargate")["UserPool"]["Id"]
client = cognito.create_user_pool_client(
    UserPoolId=pool,
    ClientName="bargate",
    CallbackURLs=settings["redirect_uris"],
    ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
)["UserPoolClient"]["ClientId"]
user = {"UserPoolId": pool, "Username": settings["username"]}
cognito.admin_create_user(**user)
cognito.admin_set_user_password(**user, Password=settings["password"], Permanent=True)
parameters = {"USERNAME": settings["username"], "PASSWORD": settings["password"]}
tokens = cognito.admin_initiate_auth(
    UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters=parameters
)["AuthenticationResult"]
with __import__("urllib.request").request.urlopen(f"{origin}/{pool}/.well-known/openid-configuration") as answer:
    issuer = json.load(answer)["issuer"]
print(json.dumps({"pool": pool, "client_id": client, "issuer": issuer, "tokens": tokens}), flush=True)
server._thread.join()
