#!/usr/bin/env bash
# two-page-libraries-sign-the-query-of-an-address-and-three-verifiers-refuse-that
#
# Expected: `htu` of a DPoP proof is the address without query and fragment, and a server compares it "ignoring any query and fragment
#   parts". So a proof for `/orders?page=2` passes, whether its client signed the query or not.
# Seen: oidc-client-ts and @okta/okta-auth-js sign the address with its query. @solid/access-token-verifier, requests_oauth2client and
#   idpyoidc take the query off the address of the request alone, and refuse these proofs. @atproto/oauth-provider takes them,
#   on purpose.
# Versions: oidc-client-ts 3.5.0, @okta/okta-auth-js 8.0.1, oauth4webapi 3.8.8, @solid/access-token-verifier 2.1.1,
#   @atproto/oauth-provider 0.15.15 (npm); requests_oauth2client 1.8.0, idpyoidc 5.0.0 (PyPI)
# Why it matters: everything works until the first call with a query. A page removes the query itself before it asks these libraries
#   for a proof. A gateway drops it from both sides.
# Source: RFC 9449 section 4.2 and section 4.3, check 9; generateDPoPProof of oidc-client-ts and of okta-auth-js.
# Needs: node 20 or later with npm, python3 with venv
set -euo pipefail

unready() { echo "could not be set up: $1" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

command -v npm >/dev/null || unready "npm is missing"
npm init -y >/dev/null
npm install --no-audit --no-fund --ignore-scripts oidc-client-ts@3.5.0 @okta/okta-auth-js@8.0.1 oauth4webapi@3.8.8 \
  @solid/access-token-verifier@2.1.1 @atproto/oauth-provider@0.15.15 >npm.log 2>&1 || unready "npm install failed: $(tail -n 3 npm.log)"
python3 -m venv venv >venv.log 2>&1 || unready "python3 -m venv failed"
venv/bin/pip install --quiet requests_oauth2client==1.8.0 idpyoidc==5.0.0 >pip.log 2>&1 || unready "pip install failed: $(tail -n 3 pip.log)"

cat >probe.mjs <<'PROBE'
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as oauth from 'oauth4webapi';
import { DPoPState, UserManager } from 'oidc-client-ts';

globalThis.window = globalThis;
const require = createRequire(import.meta.url);
const { DpopManager } = require('./node_modules/@atproto/oauth-provider/dist/dpop/dpop-manager.js');
const okta = require('./node_modules/@okta/okta-auth-js/cjs/oidc/dpop.js');
const { verifyDpopProofHttpUri } = require('./node_modules/@solid/access-token-verifier/dist/algorithm/verifyDpopProofHttpUri.js');

const ADDRESS = 'https://api.example.com/orders?page=2';
const TOKEN = 'token';
const pair = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, ['sign', 'verify']);
const signers = {
  'oidc-client-ts'() {
    const store = { get: async () => new DPoPState(pair) };
    const settings = { authority: 'https://login.example', client_id: 'c', redirect_uri: 'https://app.example', userStore: {}, stateStore: {} };
    return new UserManager({ ...settings, dpop: { store } }).dpopProof(ADDRESS, { access_token: TOKEN }, 'GET');
  },
  async '@okta/okta-auth-js'() {
    return okta.generateDPoPProof({ keyPair: await okta.generateKeyPair(), url: ADDRESS, method: 'GET', accessToken: TOKEN });
  },
  async oauth4webapi() {
    let proof;
    const take = async (_address, { headers }) => {
      proof = new Headers(headers).get('dpop');
      return new Response();
    };
    const DPoP = oauth.DPoP({ client_id: 'c' }, pair);
    await oauth.protectedResourceRequest(TOKEN, 'GET', new URL(ADDRESS), undefined, undefined, { DPoP, [oauth.customFetch]: take });
    return proof;
  },
};
const verifiers = {
  '@solid/access-token-verifier': (_proof, htu) => verifyDpopProofHttpUri(ADDRESS, htu),
  '@atproto/oauth-provider': (proof) =>
    new DpopManager({ dpopSecret: false }).checkProof('GET', new URL(ADDRESS), { dpop: proof }, TOKEN),
};
const proofs = {};
for (const [name, sign] of Object.entries(signers)) {
  proofs[name] = await sign();
  const { htu } = JSON.parse(Buffer.from(proofs[name].split('.')[1], 'base64url'));
  console.log(`${name} signs ${htu}`);
  for (const [verifier, verify] of Object.entries(verifiers)) {
    const outcome = await Promise.resolve().then(() => verify(proofs[name], htu)).then(() => 'taken', (error) => `refused, ${error.constructor.name}`);
    console.log(`${name} at ${verifier}: ${outcome}`);
  }
}
writeFileSync('proofs.json', JSON.stringify({ address: ADDRESS, proofs }));
PROBE
cat >probe.py <<'PROBE'
import base64, json
from idpyoidc.server.oauth2.add_on.dpop import userinfo_post_parse_request
from requests_oauth2client.dpop import validate_dpop_proof

def jwt_header(proof):
    part = proof.split(".")[0]
    return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))

given = json.load(open("proofs.json"))
address = given["address"]
verifiers = {
    "requests_oauth2client": lambda proof: validate_dpop_proof(proof, htm="GET", htu=address.split("?")[0], algs=[jwt_header(proof)["alg"]]),
    "idpyoidc": lambda proof: userinfo_post_parse_request(
        {}, "c", None, {}, http_info={"headers": {"dpop": proof}, "url": address, "method": "GET"}
    ),
}
for name, proof in given["proofs"].items():
    for verifier, verify in verifiers.items():
        try:
            verify(proof)
            outcome = "taken"
        except Exception as error:
            outcome = f"refused, {type(error).__name__}"
        print(f"{name} at {verifier}: {outcome}")
PROBE
cat >expected.txt <<'EXPECTED'
oidc-client-ts signs https://api.example.com/orders?page=2
oidc-client-ts at @solid/access-token-verifier: refused, HttpUriVerificationError
oidc-client-ts at @atproto/oauth-provider: taken
@okta/okta-auth-js signs https://api.example.com/orders?page=2
@okta/okta-auth-js at @solid/access-token-verifier: refused, HttpUriVerificationError
@okta/okta-auth-js at @atproto/oauth-provider: taken
oauth4webapi signs https://api.example.com/orders
oauth4webapi at @solid/access-token-verifier: taken
oauth4webapi at @atproto/oauth-provider: taken
oidc-client-ts at requests_oauth2client: refused, InvalidDPoPProof
oidc-client-ts at idpyoidc: refused, ValueError
@okta/okta-auth-js at requests_oauth2client: refused, InvalidDPoPProof
@okta/okta-auth-js at idpyoidc: refused, ValueError
oauth4webapi at requests_oauth2client: taken
oauth4webapi at idpyoidc: taken
EXPECTED

{ node probe.mjs && venv/bin/python -W ignore probe.py; } >seen.txt 2>errors.txt || { echo "the probe ended early:"; tail -n 5 errors.txt; }
cat seen.txt
if diff -u expected.txt seen.txt >difference.txt; then
  echo "unchanged"
else
  echo "changed:"
  cat difference.txt
  exit 1
fi
