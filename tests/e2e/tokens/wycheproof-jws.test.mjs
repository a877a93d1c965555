// Project Wycheproof's vectors of JSON Web Signatures, each sent to a gateway as a bearer token. No payload is a set of claims, so a
// token whose signature verifies is refused for its claims, and each other one before that.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { ALGORITHMS } from '../support/bearer.mjs';
import { ROOT, startGateway, startUpstream } from '../support/harness.mjs';
import { AUDIENCE, ISSUER } from '../support/signing.mjs';

/** Each group has a key, and vectors: their number, whether they are valid, what they are about, and the token. */
const GROUPS = JSON.parse(readFileSync(join(ROOT, 'tests/fixtures/wycheproof/json_web_signature.json'), 'utf8'));

/** What the log says of a token whose signature verified: its payload is no JSON object. */
const VERIFIED = 'the claims are malformed';

let keyServer;
let gateway;

before(async () => {
  keyServer = await startUpstream((request, response) => {
    const { key } = GROUPS[Number(request.url.slice(1))];
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ keys: key ? [key] : [] }));
  });
  const authorizers = GROUPS.map((_, index) => [
    `group-${index}`,
    {
      type: 'jwt',
      issuer: ISSUER,
      audience: AUDIENCE,
      jwks_uri: `${keyServer.origin}/${index}`,
      algorithms: ALGORITHMS,
    },
  ]);
  const paths = GROUPS.map((_, index) => ({
    method: 'GET',
    path: `/${index}`,
    auth: `group-${index}`,
    response: { ok: true },
  }));
  gateway = await startGateway({ config: { authorizers: Object.fromEntries(authorizers), paths } });
});

after(async () => {
  await gateway?.close();
  await keyServer?.close();
});

/** The valid vectors that the gateway refuses, by what the log says of them. */
const EXCEPTIONS = [
  // Authorizers verify by key sets, and a shared secret is in none.
  { reason: 'algorithm "HS256" is not allowed', vectors: [1, 348, 352, 357, 358, 359, 376, 377] },
  // The key says that it is for PS256 (RFC 7517 section 4.4), and the token is signed with PS384.
  { reason: 'no key "bilbo.baggins@hobbiton.example" of the algorithm\'s type', vectors: [346, 350] },
  // The key says that it is for ES521, which is no algorithm: that of P-521 is ES512.
  { reason: 'its key set cannot be used', vectors: [347, 351] },
  // A question mark is no sign of base64url, and RFC 7515 section 2 lets nobody skip it.
  { reason: 'the Authorization header has no bearer token', vectors: [372, 373] },
];

describe('a JSON Web Signature', () => {
  for (const [index, { comment, key, tests }] of GROUPS.entries()) {
    test(`of ${comment}, ${key?.alg ?? 'without a key for it'}, vectors ${tests[0][0]} to ${tests.at(-1)[0]}`, async () => {
      for (const [id, result, about, token] of tests) {
        const answer = await gateway.ask(`/${index}`, { headers: { authorization: `Bearer ${token}` } });
        const { reason } = answer.record;
        const message = `${id} ${about}: ${answer.status} ${reason}`;
        assert.ok([401, 502].includes(answer.status), message);
        const exception = EXCEPTIONS.find(({ vectors }) => vectors.includes(id));
        if (exception) assert.deepEqual([result, reason], ['valid', exception.reason], message);
        else assert.equal(reason === VERIFIED, result === 'valid', message);
      }
    });
  }
});

test('all vectors are there', () => {
  assert.equal(GROUPS.flatMap(({ tests }) => tests).length, 401);
});
