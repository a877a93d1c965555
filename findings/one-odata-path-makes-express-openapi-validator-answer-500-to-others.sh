#!/usr/bin/env bash
# one-odata-path-makes-express-openapi-validator-answer-500-to-others
#
# Expected: a document with the path `/users('{id}')`, the OData way to write a key, is valid OpenAPI: parentheses and
#   quotation marks may stand in a path. The other paths of the document work whatever becomes of this one.
# Seen: express-openapi-validator loads the document without a word, then answers 500 to every request that it does
#   not match before it comes to that path. It goes by the alphabet, so `/orders/7` is found, `/visits` is a 500, and
#   so is every unknown path. openapi-backend and openapi-enforcer find the others.
# Versions: express-openapi-validator 5.6.2, express 5.3.0, openapi-backend 5.21.2, openapi-enforcer 1.23.0
# Why it matters: Documents of OData services, Microsoft Graph among them, are full of such paths. A service that
#   imports one of them is healthy at start and in a test of one path, and fails at the next. A gateway sees upstream
#   errors that depend on the path.
# Source: OpenAPI 3.0.3, paths object; RFC 3986 section 3.3 (pchar).
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts express-openapi-validator@5.6.2 express@5.3.0 openapi-backend@5.21.2 openapi-enforcer@1.23.0 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"

cat >probe.mjs <<'PROBE'
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

const plain = { '/orders/{id}': operation('order', 'id'), '/visits': operation('visits') };
const documents = { 'without it': api(plain), 'with it': api({ ...plain, "/users('{id}')": operation('user', 'id') }) };
for (const [label, definition] of Object.entries(documents)) {
  const copy = () => structuredClone(definition);
  const backend = await new OpenAPIBackend({ definition: copy() }).init();
  const enforcer = await Enforcer(copy(), { hideWarnings: true });
  const readers = {
    'express-openapi-validator': await validated(copy()),
    'openapi-backend': (path) => (backend.matchOperation({ method: 'get', path, headers: {} }) ? 'found' : '404'),
    'openapi-enforcer': (path) => { const [found] = enforcer.request({ method: 'GET', path }); return found ? 'found' : '404'; },
  };
  for (const path of ['/orders/7', '/visits', '/nothing']) {
    for (const [name, read] of Object.entries(readers)) console.log(`${label}: ${path}: ${name}: ${await read(path)}`);
  }
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
without it: /orders/7: express-openapi-validator: found, {"id":"7"}
without it: /orders/7: openapi-backend: found
without it: /orders/7: openapi-enforcer: found
without it: /visits: express-openapi-validator: found, {}
without it: /visits: openapi-backend: found
without it: /visits: openapi-enforcer: found
without it: /nothing: express-openapi-validator: 404
without it: /nothing: openapi-backend: 404
without it: /nothing: openapi-enforcer: 404
with it: /orders/7: express-openapi-validator: found, {"id":"7"}
with it: /orders/7: openapi-backend: found
with it: /orders/7: openapi-enforcer: found
with it: /visits: express-openapi-validator: 500
with it: /visits: openapi-backend: found
with it: /visits: openapi-enforcer: found
with it: /nothing: express-openapi-validator: 500
with it: /nothing: openapi-backend: 404
with it: /nothing: openapi-enforcer: 404
EXPECTED

node probe.mjs >seen.txt 2>errors.txt \
  || { code=$?; [ "$code" -ne 2 ] || unready "$(tail -n 1 errors.txt)"; echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
