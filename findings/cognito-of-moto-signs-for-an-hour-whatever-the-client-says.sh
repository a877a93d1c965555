#!/usr/bin/env bash
# cognito-of-moto-signs-for-an-hour-whatever-the-client-says
#
# Expected: the tokens of a user pool client live as long as its AccessTokenValidity and IdTokenValidity say, the ID token
#   holds the user's e-mail address, and discovery names the endpoints.
# Seen: Cognito in moto keeps the five minutes that a client was made with, gives them back when asked, and signs tokens of
#   one hour, with ExpiresIn 3600. The ID token has no `email`, though the user has one and Cognito itself puts it in.
#   The discovery document has no authorization_endpoint and no token_endpoint, which OpenID Connect requires.
# Versions: moto 5.2.5, boto3 1.44.8
# Why it matters: Tests of a gateway against moto never see a token expire within the test's time, nor a rule on the claim
#   `email` succeed, and a gateway that goes by the discovery document refuses the provider. Give it the address of the
#   key set by itself in such a test.
# Source: Amazon Cognito, CreateUserPoolClient and "Understanding the identity (ID) token"; OpenID Connect Discovery 1.0,
#   section 3.
# Needs: python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet moto[cognitoidp,server]==5.2.5 boto3==1.44.8 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import base64, json, os, urllib.request
import boto3
from moto.server import ThreadedMotoServer

os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="eu-west-1")
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
address = "http://%s:%d" % server.get_host_and_port()
cognito = boto3.client("cognito-idp", endpoint_url=address)
pool = cognito.create_user_pool(PoolName="probe", AutoVerifiedAttributes=["email"])["UserPool"]["Id"]
client = cognito.create_user_pool_client(
    UserPoolId=pool, ClientName="probe", ExplicitAuthFlows=["ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_REFRESH_TOKEN_AUTH"],
    AccessTokenValidity=5, IdTokenValidity=5, TokenValidityUnits={"AccessToken": "minutes", "IdToken": "minutes"},
)["UserPoolClient"]["ClientId"]
cognito.admin_create_user(UserPoolId=pool, Username="someone", UserAttributes=[{"Name": "email", "Value": "someone@example.com"}, {"Name": "email_verified", "Value": "true"}])
cognito.admin_set_user_password(UserPoolId=pool, Username="someone", Password="Not-A-Secret-1", Permanent=True)
def claims(token):
    return json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "=="))

described = cognito.describe_user_pool_client(UserPoolId=pool, ClientId=client)["UserPoolClient"]
print(f"client: AccessTokenValidity {described['AccessTokenValidity']} {described['TokenValidityUnits']['AccessToken']}")
answer = cognito.admin_initiate_auth(UserPoolId=pool, ClientId=client, AuthFlow="ADMIN_USER_PASSWORD_AUTH", AuthParameters={"USERNAME": "someone", "PASSWORD": "Not-A-Secret-1"})["AuthenticationResult"]
print(f"answer: ExpiresIn {answer['ExpiresIn']}")
for kind in ("AccessToken", "IdToken"):
    held = claims(answer[kind])
    print(f"{kind}: exp - iat {held['exp'] - held['iat']}, email {held.get('email')}")
user = cognito.get_user(AccessToken=answer["AccessToken"])
print(f"user: email {next(one['Value'] for one in user['UserAttributes'] if one['Name'] == 'email')}")
metadata = json.load(urllib.request.urlopen(f"{address}/{pool}/.well-known/openid-configuration"))
print(f"discovery: authorization_endpoint {metadata.get('authorization_endpoint')}, token_endpoint {metadata.get('token_endpoint')}, jwks_uri {'yes' if metadata.get('jwks_uri') else 'no'}")
server.stop()
PROBE
cat >expected.txt <<'EXPECTED'
client: AccessTokenValidity 5 minutes
answer: ExpiresIn 3600
AccessToken: exp - iat 3600, email None
IdToken: exp - iat 3600, email None
user: email someone@example.com
discovery: authorization_endpoint None, token_endpoint None, jwks_uri yes
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
