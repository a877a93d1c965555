#!/usr/bin/env bash
# a-hyphen-or-dot-in-a-path-parameter-loses-the-path-or-the-value
#
# Expected: the name of a path parameter is any string: `{user-id}` and `{user.id}` are found, and their values given,
#   like `{id}`.
# Seen: express-openapi-validator answers 404 to both. openapi-backend finds both and gives no value for the dot.
#   openapi-core in Python gives the hyphen and fails at the dot with a KeyError. openapi-enforcer gives both.
# Versions: express-openapi-validator 5.6.2, express 5.3.0, openapi-backend 5.21.2, openapi-enforcer 1.23.0,
#   openapi-core 0.23.1
# Why it matters: `{user-id}` is a common way to write a name. The same document then means different paths to the
#   gateway, to the validator in the service and to the mock in its tests.
# Source: OpenAPI 3.0.3, path templating and parameter object.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express-openapi-validator@5.6.2 express@5.3.0 openapi-backend@5.21.2 openapi-enforcer@1.23.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet openapi-core==0.23.1 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import express from 'express';
import * as OpenApiValidator from 'express-openapi-validator';
import { OpenAPIBackend } from 'openapi-backend';
import Enforcer from 'openapi-enforcer';

const parameter = (name) => ({ name, in: 'path', required: true, schema: { type: 'string' } });
const operation = (operationId, ...names) => ({ get: { operationId, parameters: names.map(parameter), responses: { 200: { description: 'ok' } } } });
const api = (paths) => ({ openapi: '3.0.3', info: { title: 'probe', version: '1' }, paths });

async function validated(apiSpec) {
  const app = express().use(OpenApiValidator.middleware({ apiSpec }));
  app.use((request, response) => response.json(request.openapi.pathParams));
  app.use((error, request, response, next) => response.status(error.status ?? 500).end());
  const server = createServer(app).listen(0, '127.0.0.1');
  await new Promise((ready) => server.on('listening', ready));
  return async (path) => {
    const answer = await fetch(`http://127.0.0.1:${server.address().port}${path}`);
    return answer.ok ? `found, ${JSON.stringify(await answer.json())}` : String(answer.status);
  };
}

const definition = api({ '/a/{id}': operation('plain', 'id'), '/b/{user-id}': operation('hyphen', 'user-id'), '/c/{user.id}': operation('dot', 'user.id') });
writeFileSync('api.json', JSON.stringify(definition));
const copy = () => structuredClone(definition);
const backend = await new OpenAPIBackend({ definition: copy() }).init();
const enforcer = await Enforcer(copy(), { hideWarnings: true });
const readers = {
  'express-openapi-validator': await validated(copy()),
  'openapi-backend': (path) => {
    const request = { method: 'get', path, headers: {} };
    const operation = backend.matchOperation(request);
    return operation ? `found, ${JSON.stringify(backend.router.parseRequest(request, operation).params)}` : '404';
  },
  'openapi-enforcer': (path) => { const [found] = enforcer.request({ method: 'GET', path }); return found ? `found, ${JSON.stringify(found.path)}` : '404'; },
};
for (const path of ['/a/7', '/b/7', '/c/7']) {
  for (const [name, read] of Object.entries(readers)) console.log(`${path}: ${name}: ${await read(path)}`);
}
process.exit(0);
PROBE
cat >probe.py <<'PROBE'
import json
from openapi_core import OpenAPI
from openapi_core.testing import MockRequest
api = OpenAPI.from_dict(json.load(open("api.json")))
for path in ("/a/7", "/b/7", "/c/7"):
    try:
        print(f"{path}: openapi-core: found, {json.dumps(dict(api.unmarshal_request(MockRequest('http://localhost', 'get', path)).parameters.path))}")
    except Exception as error:
        print(f"{path}: openapi-core: {type(error).__name__}")
PROBE
cat >expected.txt <<'EXPECTED'
/a/7: express-openapi-validator: found, {"id":"7"}
/a/7: openapi-backend: found, {"id":"7"}
/a/7: openapi-enforcer: found, {"id":"7"}
/b/7: express-openapi-validator: 404
/b/7: openapi-backend: found, {"user-id":"7"}
/b/7: openapi-enforcer: found, {"user-id":"7"}
/c/7: express-openapi-validator: 404
/c/7: openapi-backend: found, {}
/c/7: openapi-enforcer: found, {"user.id":"7"}
/a/7: openapi-core: found, {"id": "7"}
/b/7: openapi-core: found, {"user-id": "7"}
/c/7: openapi-core: KeyError
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
