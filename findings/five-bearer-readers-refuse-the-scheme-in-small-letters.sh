#!/usr/bin/env bash
# five-bearer-readers-refuse-the-scheme-in-small-letters
#
# Expected: the name of an authentication scheme is compared without regard to case: `Authorization: bearer …` is
#   `Bearer …`.
# Seen: express-bearer-token, @fastify/bearer-auth, @node-oauth/oauth2-server, flask-jwt-extended and
#   djangorestframework-simplejwt do not take `bearer`; simplejwt then treats the request as anonymous. passport-jwt,
#   hono/jwt, FastAPI and Authlib take it.
# Versions: express-bearer-token 3.0.0, @fastify/bearer-auth 10.1.3, @node-oauth/oauth2-server 5.3.0,
#   flask-jwt-extended 4.7.4, djangorestframework-simplejwt 5.5.1, passport-jwt 4.0.1, hono 4.13.19, fastapi 0.165.0,
#   Authlib 1.9.10
# Why it matters: Clients build the field from `token_type` of the token response; several providers send `bearer`,
#   and oauth4webapi and openid-client write it in small letters themselves. A gateway that takes either and forwards
#   the field as it came gets a 401 from such an upstream. One that writes `Bearer` anew does not.
# Source: RFC 9110 section 11.1; RFC 6749 section 5.1 (token_type is case insensitive).
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express-bearer-token@3.0.0 fastify@5.12.8 @fastify/bearer-auth@10.1.3 @node-oauth/oauth2-server@5.3.0 passport-jwt@4.0.1 hono@4.13.19 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet flask==3.1.3 flask-jwt-extended==4.7.4 fastapi==0.165.0 httpx==0.28.1 django==5.2.19 djangorestframework==3.18.3 djangorestframework-simplejwt==5.5.1 Authlib==1.9.10 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import OAuth2Server from '@node-oauth/oauth2-server';
import fastifyBearerAuth from '@fastify/bearer-auth';
import expressBearerToken from 'express-bearer-token';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { jwt as honoJwt } from 'hono/jwt';
import { ExtractJwt } from 'passport-jwt';
const secret = 'a-secret-for-this-probe-only-0123456789';
const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: '1', user_id: '1', exp: 4000000000, type: 'access', token_type: 'access', fresh: false, jti: 'j' };
const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`;
const token = `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
writeFileSync('token.json', JSON.stringify({ secret, token }));
const found = (value) => (value === token ? 'accepted' : 'refused');
const status = ({ status, statusCode = status }) => (statusCode === 200 ? 'accepted' : 'refused');
const fastify = Fastify();
await fastify.register(fastifyBearerAuth, { keys: [token] });
fastify.get('/', async () => 'ok');
const hono = new Hono().use(honoJwt({ secret, alg: 'HS256' })).get('/', (context) => context.text('ok'));
const known = { accessToken: token, accessTokenExpiresAt: new Date(4e12), user: {}, client: {} };
const oauth = new OAuth2Server({ model: { getAccessToken: async (value) => value === token && known } });
const readers = {
  'express-bearer-token': (headers) => { const request = { headers }; expressBearerToken()(request, {}, () => {}); return found(request.token); },
  '@fastify/bearer-auth': async (headers) => status(await fastify.inject({ url: '/', headers })),
  '@node-oauth/oauth2-server': (headers) => oauth.authenticate(new OAuth2Server.Request({ method: 'GET', query: {}, headers }), new OAuth2Server.Response()).then(() => 'accepted', () => 'refused'),
  'passport-jwt': (headers) => found(ExtractJwt.fromAuthHeaderAsBearerToken()({ headers })),
  'hono/jwt': async (headers) => status(await hono.request('/', { headers })),
};
for (const [name, read] of Object.entries(readers)) {
  for (const scheme of ['Bearer', 'bearer']) console.log(`${name}: ${scheme}: ${await read({ authorization: `${scheme} ${token}` })}`);
}
PROBE
cat >probe.py <<'PROBE'
import json
import django, fastapi, flask, flask_jwt_extended
from authlib.oauth2.rfc6749.resource_protector import ResourceProtector
from authlib.oauth2.rfc6750 import BearerTokenValidator
from django.conf import settings
from fastapi.security import HTTPBearer
from starlette.testclient import TestClient
case = json.load(open("token.json"))
settings.configure(SECRET_KEY=case["secret"], INSTALLED_APPS=["django.contrib.auth", "django.contrib.contenttypes", "rest_framework"])
django.setup()
from rest_framework.test import APIRequestFactory
from rest_framework_simplejwt.authentication import JWTStatelessUserAuthentication as SimpleJWT
flask_app = flask.Flask("probe")
flask_app.config["JWT_SECRET_KEY"] = case["secret"]
flask_jwt_extended.JWTManager(flask_app)
flask_app.get("/")(flask_jwt_extended.jwt_required()(lambda: "ok"))
fast_app = fastapi.FastAPI()
fast_app.get("/", dependencies=[fastapi.Depends(HTTPBearer())])(lambda: "ok")
protector = ResourceProtector()
protector.register_token_validator(BearerTokenValidator())
class Request:
    def __init__(self, field): self.headers = {"Authorization": field}
for name, read in {
    "flask-jwt-extended": lambda f: flask_app.test_client().get("/", headers={"Authorization": f}).status_code == 200,
    "simplejwt": lambda f: SimpleJWT().authenticate(APIRequestFactory().get("/", HTTP_AUTHORIZATION=f)) is not None,
    "FastAPI": lambda f: TestClient(fast_app).get("/", headers={"Authorization": f}).status_code == 200,
    "Authlib": lambda f: protector.parse_request_authorization(Request(f))[1] == case["token"],
}.items():
    for scheme in ("Bearer", "bearer"):
        print(f"{name}: {scheme}: {'accepted' if read(scheme + ' ' + case['token']) else 'refused'}")
PROBE
cat >expected.txt <<'EXPECTED'
express-bearer-token: Bearer: accepted
express-bearer-token: bearer: refused
@fastify/bearer-auth: Bearer: accepted
@fastify/bearer-auth: bearer: refused
@node-oauth/oauth2-server: Bearer: accepted
@node-oauth/oauth2-server: bearer: refused
passport-jwt: Bearer: accepted
passport-jwt: bearer: accepted
hono/jwt: Bearer: accepted
hono/jwt: bearer: accepted
flask-jwt-extended: Bearer: accepted
flask-jwt-extended: bearer: refused
simplejwt: Bearer: accepted
simplejwt: bearer: refused
FastAPI: Bearer: accepted
FastAPI: bearer: accepted
Authlib: Bearer: accepted
Authlib: bearer: accepted
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
