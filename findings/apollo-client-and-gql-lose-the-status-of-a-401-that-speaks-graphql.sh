#!/usr/bin/env bash
# apollo-client-and-gql-lose-the-status-of-a-401-that-speaks-graphql
#
# Expected: a client reports the status of a 401, whatever its body is, so that a program can renew its token.
# Seen: if the 401 has the errors of GraphQL as `application/graphql-response+json`, the media type for that, Apollo Client and gql for Python raise
#   an error that has neither status nor fields. As `application/json`, Apollo gives the status and gql does not. gql and urql take a 403 that
#   has data for a success. graphql-request gives the status each time, and all do for a problem (`application/problem+json`).
# Versions: @apollo/client 4.3.8, @urql/core 6.0.3, graphql-request 7.4.0, graphql 16.15.0, rxjs 7.8.2 (npm); gql 4.4.0, requests 2.34.2 (PyPI)
# Why it matters: a program that renews its token at `statusCode === 401` works until the server begins to answer in the newer media type, and then
#   never renews. `WWW-Authenticate` is lost with it, and so is Retry-After of a 429. A gateway that refuses a call before it reaches the
#   GraphQL server is understood by all of them if it answers with a problem.
# Source: GraphQL over HTTP, on responses of the two media types (a status other than 2xx as application/json may come from a server in between);
#   RFC 9110 section 15.5.2.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @apollo/client@4.3.8 @urql/core@6.0.3 graphql-request@7.4.0 graphql@16.15.0 rxjs@7.8.2 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet gql==4.4.0 requests==2.34.2 requests-toolbelt==1.0.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >answers.json <<'ANSWERS'
[
  [401, "application/problem+json", { "title": "Unauthorized", "status": 401 }],
  [401, "application/graphql-response+json", { "errors": [{ "message": "no token" }] }],
  [401, "application/json", { "errors": [{ "message": "no token" }] }],
  [403, "application/json", { "data": { "me": null } }]
]
ANSWERS
cat >probe.mjs <<'PROBE'
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { ApolloClient, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { Client, fetchExchange } from '@urql/core';
import { GraphQLClient } from 'graphql-request';

let answer;
const server = createServer((request, response) => {
  const [status, type, body] = answer;
  response.writeHead(status, { 'Content-Type': type, 'WWW-Authenticate': 'Bearer error="invalid_token"' }).end(JSON.stringify(body));
}).listen(0, '127.0.0.1');
await new Promise((resolve) => server.on('listening', resolve));
const url = `http://127.0.0.1:${server.address().port}/graphql`;

const found = (status) => (status ? `an error of status ${status}` : 'an error without a status');
const clients = {
  'Apollo Client': async () => {
    try {
      await new ApolloClient({ cache: new InMemoryCache(), link: new HttpLink({ uri: url }) }).query({ query: gql`{ me }` });
      return 'a success';
    } catch (error) {
      return `${error.name}, ${found(error.statusCode ?? error.response?.status)}`;
    }
  },
  urql: async () => {
    const { error } = await new Client({ url, exchanges: [fetchExchange], preferGetMethod: false }).query('{ me }', {}).toPromise();
    return error ? `${error.name}, ${found(error.response?.status)}` : 'a success';
  },
  'graphql-request': async () => {
    try {
      await new GraphQLClient(url).request('{ me }');
      return 'a success';
    } catch (error) {
      return `${error.constructor.name}, ${found(error.response?.status)}`;
    }
  },
};
for (answer of JSON.parse(readFileSync('answers.json', 'utf8'))) {
  for (const [name, ask] of Object.entries(clients)) {
    console.log(`${answer[0]} ${answer[1]} -> ${name}: ${await ask()}`);
  }
}
process.exit();
PROBE
cat >probe.py <<'PROBE'
import http.server, json, threading
from gql import Client, gql
from gql.transport.requests import RequestsHTTPTransport

class Service(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("WWW-Authenticate", 'Bearer error="invalid_token"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_):
        pass

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
url = f"http://127.0.0.1:{server.server_port}/graphql"
for status, media_type, content in json.load(open("answers.json")):
    try:
        Client(transport=RequestsHTTPTransport(url=url)).execute(gql("{ me }"))
        seen = "a success"
    except Exception as error:
        code = getattr(error, "code", None)
        seen = f"{type(error).__name__}, " + (f"an error of status {code}" if code else "an error without a status")
    print(f"{status} {media_type} -> gql: {seen}")
PROBE
cat >expected.txt <<'EXPECTED'
401 application/problem+json -> Apollo Client: ServerError, an error of status 401
401 application/problem+json -> urql: CombinedError, an error of status 401
401 application/problem+json -> graphql-request: ClientError, an error of status 401
401 application/graphql-response+json -> Apollo Client: CombinedGraphQLErrors, an error without a status
401 application/graphql-response+json -> urql: CombinedError, an error of status 401
401 application/graphql-response+json -> graphql-request: ClientError, an error of status 401
401 application/json -> Apollo Client: ServerError, an error of status 401
401 application/json -> urql: CombinedError, an error of status 401
401 application/json -> graphql-request: ClientError, an error of status 401
403 application/json -> Apollo Client: ServerError, an error of status 403
403 application/json -> urql: a success
403 application/json -> graphql-request: ClientError, an error of status 403
401 application/problem+json -> gql: TransportServerError, an error of status 401
401 application/graphql-response+json -> gql: TransportQueryError, an error without a status
401 application/json -> gql: TransportQueryError, an error without a status
403 application/json -> gql: a success
EXPECTED

{ node probe.mjs; venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
