#!/usr/bin/env bash
# openapi-backend-never-finds-a-path-that-ends-in-a-slash
#
# Expected: a document that defines `/plans/` gets the request `/plans/` to its operation.
# Seen: openapi-backend finds it neither at `/plans/` nor at `/plans`. It cuts the last slash off the request and not
#   off the document. `/` alone works, and `/orders/` finds an operation defined as `/orders`.
# Versions: openapi-backend 5.21.2, express-openapi-validator 5.6.2, openapi-enforcer 1.23.0
# Why it matters: Documents made from Django projects have paths that end in a slash. A mock or a service built on
#   openapi-backend answers 404 to all of them, and nothing is said at start.
# Source: OpenAPI 3.0.3, path templating and server object.
# Needs: node 20 or later with npm
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts openapi-backend@5.21.2 express-openapi-validator@5.6.2 express@5.3.0 openapi-enforcer@1.23.0 >npm.log 2>&1 \
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

const definition = api({ '/': operation('root'), '/orders': operation('orders'), '/plans/': operation('plans') });
const copy = () => structuredClone(definition);
const backend = await new OpenAPIBackend({ definition: copy(), strict: true }).init();
const enforcer = await Enforcer(copy(), { hideWarnings: true });
const validator = await validated(copy());
const readers = {
  'openapi-backend': (path) => backend.matchOperation({ method: 'get', path, headers: {} })?.operationId ?? '404',
  'openapi-enforcer': (path) => { const [found] = enforcer.request({ method: 'GET', path }); return found?.operation.operationId ?? '404'; },
  'express-openapi-validator': async (path) => (await validator(path)).split(',')[0],
};
for (const path of ['/', '/orders', '/orders/', '/plans/', '/plans']) {
  for (const [name, read] of Object.entries(readers)) console.log(`${path}: ${name}: ${await read(path)}`);
}
process.exit(0);
PROBE
cat >expected.txt <<'EXPECTED'
/: openapi-backend: root
/: openapi-enforcer: root
/: express-openapi-validator: found
/orders: openapi-backend: orders
/orders: openapi-enforcer: orders
/orders: express-openapi-validator: found
/orders/: openapi-backend: orders
/orders/: openapi-enforcer: orders
/orders/: express-openapi-validator: found
/plans/: openapi-backend: 404
/plans/: openapi-enforcer: plans
/plans/: express-openapi-validator: found
/plans: openapi-backend: 404
/plans: openapi-enforcer: plans
/plans: express-openapi-validator: 404
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
