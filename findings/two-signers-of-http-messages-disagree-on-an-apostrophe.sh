#!/usr/bin/env bash
# two-signers-of-http-messages-disagree-on-an-apostrophe
#
# Expected: the component `"@query-param";name="q"` has one value for a given URL: percent-encoded with the set of
#   application/x-www-form-urlencoded, which leaves only letters, digits and `*-._` as they are.
# Seen: http-message-signatures for JavaScript leaves `!`, `'`, `(`, `)` and `~` as they are, http-message-signatures for
#   Python encodes them. Each refuses the signature of the other when the value holds one of the five characters.
# Versions: http-message-signatures 1.0.6 (npm), http-message-signatures 3.0.0 (PyPI)
# Why it matters: A service that wants a signed query (a search, a `redirect_uri`, a name with an apostrophe) works with
#   every value of the tests and refuses O'Brien. Behind a gateway that leaves the query as it came, the gateway is
#   blamed. Covering `@query` in place of single parameters avoids the difference: no encoding is redone for it.
# Source: RFC 9421 section 2.2.8; URL Standard, application/x-www-form-urlencoded percent-encode set.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts http-message-signatures@1.0.6 >npm.log 2>&1 \
  || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet http-message-signatures==3.0.0 >pip.log 2>&1 \
  || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.py <<'PROBE'
import json
from types import SimpleNamespace
import http_sf
from http_message_signatures import HTTPMessageVerifier, HTTPSignatureKeyResolver, algorithms
from http_message_signatures.exceptions import InvalidSignature
from http_message_signatures.resolvers import HTTPSignatureComponentResolver

class Keys(HTTPSignatureKeyResolver):
    def resolve_public_key(self, key_id): return b"not a secret, only a test"

verifier = HTTPMessageVerifier(signature_algorithm=algorithms.HMAC_SHA256, key_resolver=Keys())
for case in json.load(open("cases.json")):
    message = SimpleNamespace(method="GET", url=case["url"], headers=case["headers"])
    value = HTTPSignatureComponentResolver(message).get_query_params(name="q")
    try:
        verifier.verify(message)
        verdict = "accepted"
    except InvalidSignature as error:
        verdict = f"refused ({error})"
    print(f"Python: {case['query']}: {value}: signature of JavaScript {verdict}")
PROBE
cat >probe.mjs <<'PROBE'
import { createHmac } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { httpbis } from 'http-message-signatures';

const queries = ['q=plain', 'q=a+b', 'q=50%25', 'q=a*b', "q=O'Brien", 'q=O%27Brien', 'q=(x)', 'q=hi!', 'q=~x'];
const key = { id: 'k', alg: 'hmac-sha256', sign: async (data) => createHmac('sha256', 'not a secret, only a test').update(data).digest() };
const cases = [];
for (const query of queries) {
  const request = { method: 'GET', url: `https://api.example/search?${query}`, headers: {} };
  const fields = ['@query-param;name="q"'];
  const [[, [value]]] = httpbis.createSignatureBase({ fields }, request);
  console.log(`JavaScript: ${query}: ${value}`);
  const signed = await httpbis.signMessage({ key, fields, params: ['created', 'keyid', 'alg'], name: 'sig' }, request);
  cases.push({ query, url: request.url, headers: signed.headers });
}
writeFileSync('cases.json', JSON.stringify(cases));
PROBE
cat >expected.txt <<'EXPECTED'
JavaScript: q=plain: plain
JavaScript: q=a+b: a%20b
JavaScript: q=50%25: 50%25
JavaScript: q=a*b: a*b
JavaScript: q=O'Brien: O'Brien
JavaScript: q=O%27Brien: O'Brien
JavaScript: q=(x): (x)
JavaScript: q=hi!: hi!
JavaScript: q=~x: ~x
Python: q=plain: plain: signature of JavaScript accepted
Python: q=a+b: a%20b: signature of JavaScript accepted
Python: q=50%25: 50%25: signature of JavaScript accepted
Python: q=a*b: a*b: signature of JavaScript accepted
Python: q=O'Brien: O%27Brien: signature of JavaScript refused (Signature did not match digest.)
Python: q=O%27Brien: O%27Brien: signature of JavaScript refused (Signature did not match digest.)
Python: q=(x): %28x%29: signature of JavaScript refused (Signature did not match digest.)
Python: q=hi!: hi%21: signature of JavaScript refused (Signature did not match digest.)
Python: q=~x: %7Ex: signature of JavaScript refused (Signature did not match digest.)
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
