// Tokens of every kind of mistake, made from a fixed seed: what the gateway accepts `jose` accepts too, and what only `jose` accepts
// is refused by a rule that has a name here.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { seconds } from '../support/bearer.mjs';
import { startGateway } from '../support/harness.mjs';
import { AUDIENCE, ISSUER, claimsFor, keySetOf, makeKey, signed } from '../support/signing.mjs';

const SEED = 18;
const TOKENS = 1_000;
const ALGORITHMS = ['RS256', 'PS384', 'ES256', 'ES512', 'EdDSA'];

/** Numbers that are the same at each run (Park and Miller's generator). */
function* numbers(seed) {
  for (let state = seed; ; yield state) state = (state * 48271) % 2147483647;
}

const keys = ALGORITHMS.map((alg) => makeKey(alg, alg));
/** A key that is in no set, of the name of one that is. */
const stranger = makeKey('ES256', 'ES256');

/** What is done to a header, each with the value that a member has then. */
const HEADERS = {
  alg: ['none', 'HS256', 'RS256', 'ES256', 'EdDSA', 'Ed25519', 'es256', '', 1, null, undefined],
  kid: [...ALGORITHMS, 'other', '', 1, null, undefined],
  typ: ['at+jwt', 'application/at+jwt', 'AT+JWT', 'logout+jwt', 'dpop+jwt', 'x', '', 1, undefined],
  crit: [[], ['b64'], ['exp'], 'b64', undefined],
  b64: [false, true],
  cty: ['JWT', 'json'],
  jwk: [stranger.jwk],
  jku: ['https://attacker.example/keys'],
  x5c: [['MIIB']],
  zip: ['DEF'],
  extra: ['\u0000', { a: [1] }],
};

const DATES = () => [
  seconds() + 600,
  seconds() - 600,
  String(seconds() + 600),
  seconds() + 600.5,
  1e300,
  -1,
  0,
  null,
  true,
  [],
  undefined,
];

/** What is done to claims. */
const CLAIMS = {
  iss: [`${ISSUER}x`, ISSUER.slice(0, -1), ISSUER.toUpperCase(), '', [ISSUER], null, 1, undefined],
  aud: [[AUDIENCE], ['x', AUDIENCE], ['x'], [AUDIENCE, 1], [], {}, '', `${AUDIENCE}x`, null, undefined],
  exp: DATES(),
  nbf: DATES(),
  iat: DATES(),
  sub: ['', 1, null, undefined],
  cnf: [{ jkt: 'x' }, null],
  azp: ['other', 1],
  nonce: ['x'],
};

/** What is done to the text of a token. */
const TEXTS = [
  (token) => `${token}=`,
  (token) => `${token}.`,
  (token) => `${token}.${token.split('.')[2]}`,
  (token) => token.slice(0, -1),
  (token) => token.slice(0, token.lastIndexOf('.') + 1),
  (token) => token.slice(0, token.lastIndexOf('.')),
  (token) => token.replace('.', '..'),
  (token) => token.replaceAll('-', '+').replaceAll('_', '/'),
  (token) => `${token.slice(0, -1)}${token.endsWith('A') ? 'B' : 'A'}`,
  (token) => token.replace(/^(.)(.)/, '$2$1'),
  (token) => token.replace(/\.(.)(.)/, '.$2$1'),
  (token) => token.replace(/[^.]+\.[^.]+/, (text) => text.split('.').reverse().join('.')),
  (token) => token.replace(/\.[^.]*$/, (signature) => `.${'A'.repeat(signature.length - 1)}`),
];

/** Makes the token of a number, and says what was done to it. */
function made(next) {
  const pick = (list) => list[next() % list.length];
  const key = next() % 20 === 0 ? stranger : pick(keys);
  const [header, claims, done] = [{}, claimsFor(), [key.alg]];
  for (let count = next() % 3; count > 0; count -= 1) {
    const name = pick(Object.keys(HEADERS));
    header[name] = pick(HEADERS[name]);
    done.push(`header ${name} ${JSON.stringify(header[name])}`);
  }
  for (let count = next() % 3; count > 0; count -= 1) {
    const name = pick(Object.keys(CLAIMS));
    claims[name] = pick(CLAIMS[name]);
    done.push(`claim ${name} ${JSON.stringify(claims[name])}`);
  }
  let token = signed(key, claims, header);
  if (next() % 4 === 0) {
    const index = next() % TEXTS.length;
    token = TEXTS[index](token);
    done.push(`text ${index}`);
  }
  return { token, done: done.join(', ') };
}

/** What the log says if the gateway refuses what `jose` accepts: the rule that `jose` leaves to its caller, or has not. */
const STRICTER = [
  // RFC 7800: whoever has the token is not whom it was given to.
  /^cnf binds it to a key/,
  // RFC 7519 section 5.2: a token within a token.
  /^the payload is not a set of claims$/,
  // RFC 8725 section 3.11.
  /^typ is that of another kind of token$/,
  // A date that is ahead, a text, or a number that is no date (RFC 7519 section 2).
  /^iat is \d+, the time is \d+$/,
  /^(exp|nbf|iat) has the wrong type$/,
  // RFC 7519 section 4.1.3: names, and nothing else.
  /^aud has the wrong type$/,
  // RFC 7515 section 2: without padding, in the alphabet for URLs, and without stray bits.
  /^a part is not base64url$/,
  // RFC 7515 section 4.1.11: the gateway understands none.
  /^a critical extension is not understood$/,
];

let gateway;

before(async () => {
  const authorizer = {
    type: 'jwt',
    issuer: ISSUER,
    audience: AUDIENCE,
    jwks: keySetOf(...keys),
    algorithms: ALGORITHMS,
  };
  const paths = [{ method: 'GET', path: '/private', auth: true, response: { ok: true } }];
  gateway = await startGateway({ config: { authorizer, paths } });
});

after(() => gateway?.close());

async function acceptedByJose(token) {
  const keySet = createLocalJWKSet({ keys: keys.map(({ jwk }) => jwk) });
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms: [...ALGORITHMS, 'Ed25519'],
    clockTolerance: 30,
    requiredClaims: ['exp'],
  };
  return jwtVerify(token, keySet, options).then(
    () => true,
    () => false,
  );
}

test('what the gateway accepts jose accepts, and what only jose accepts breaks a rule that jose has not', async () => {
  const random = numbers(SEED);
  const next = () => Number(random.next().value);
  const seen = { both: 0, neither: 0, stricter: 0 };
  for (let index = 0; index < TOKENS; index += 1) {
    const { token, done } = made(next);
    const headers = { authorization: `Bearer ${token}` };
    const [byJose, answer] = await Promise.all([acceptedByJose(token), gateway.ask('/private', { headers })]);
    assert.ok([200, 401].includes(answer.status), `${done}: ${answer.text}`);
    const bySelf = answer.status === 200;
    assert.ok(byJose || !bySelf, `only the gateway accepts: ${done}`);
    if (byJose && !bySelf) {
      const { reason } = answer.record;
      assert.ok(
        STRICTER.some((rule) => rule.test(reason)),
        `${done}: ${reason}`,
      );
      seen.stricter += 1;
    } else seen[bySelf ? 'both' : 'neither'] += 1;
  }
  assert.ok(seen.both > 50 && seen.neither > 300 && seen.stricter > 20, JSON.stringify(seen));
});
