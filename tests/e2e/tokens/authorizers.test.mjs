// The authorizers that believe tokens of issuers which are no tenant: `jwt` and `supabase`, by a shared secret, by keys in the
// config, and by keys at an address. What else a token can get wrong is in tokens.test.mjs.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { publicKeyOf } from '../../../dev/tenant/keys.mjs';
import { assertTellsNothing, base64url, flipSignatureBit, seconds } from '../support/bearer.mjs';
import { startGateway } from '../support/harness.mjs';
import {
  AUDIENCE,
  ISSUER,
  SECRET,
  claimsFor,
  keySetOf,
  makeKey,
  signed,
  signedWithSecret,
  startKeyServer,
  unsigned,
} from '../support/signing.mjs';

const jwt = (how) => ({ type: 'jwt', issuer: ISSUER, audience: AUDIENCE, ...how });
const SUPABASE_ISSUER = 'https://project.supabase.co/auth/v1';
const supabase = (how) => ({ type: 'supabase', issuer: SUPABASE_ISSUER, ...how });
const supabaseClaims = (claims) =>
  claimsFor({ iss: SUPABASE_ISSUER, aud: 'authenticated', role: 'authenticated', ...claims });

const keys = Object.fromEntries(
  ['RS256', 'PS384', 'ES256', 'ES384', 'ES512', 'EdDSA'].map((alg) => [alg, makeKey(alg)]),
);
const other = { RS256: makeKey('RS256'), ES256: makeKey('ES256'), EdDSA: makeKey('EdDSA') };
const published = Object.values(keys);

/** Reads like base64 and begins with letters that are no ASCII: it is text all the same. */
const OTHER_SECRET = 'éàüöñçéàüöñçABCDEFGHIJKLMNOP==';

let server;
let gateway;

before(async () => {
  server = await startKeyServer(() => keySetOf(...published));
  const authorizers = {
    secret: jwt({ secret: '$secret.SHARED' }),
    text: jwt({ secret: OTHER_SECRET }),
    inline: jwt({ jwks: '$secret.KEY_SET', algorithms: Object.keys(keys) }),
    plain: jwt({ jwks: '$secret.KEY_SET' }),
    older: jwt({ jwks: '$secret.KEY_SET', algorithm: 'ES256' }),
    remote: jwt({ jwks_uri: server.jwksUri, algorithms: ['RS256', 'ES256', 'EdDSA'] }),
    name: jwt({ secret: '$secret.SHARED', issuer: 'partner-a', audience: 'orders' }),
    supabase_secret: supabase({ jwt_secret: '$secret.SHARED' }),
    supabase_keys: supabase({ jwks_uri: server.jwksUri }),
    supabase_inline: supabase({ jwks: '$secret.KEY_SET', audience: 'service' }),
  };
  gateway = await startGateway({
    config: {
      authorizers,
      paths: Object.keys(authorizers).map((name) => ({
        method: 'GET',
        path: `/${name}`,
        auth: name,
        response: { name },
      })),
    },
    bindings: { SHARED: SECRET, KEY_SET: keySetOf(...published) },
  });
});

after(async () => {
  await gateway?.close();
  await server?.close();
});

const askAt = (name, token) => gateway.ask(`/${name}`, { headers: { authorization: `Bearer ${token}` } });

async function assertBelieved(rows) {
  for (const [name, token, message] of rows) {
    const answer = await askAt(name, token);
    assert.deepEqual(
      [answer.status, answer.body?.name],
      [200, name],
      `${message}: ${answer.text} ${answer.record.reason}`,
    );
  }
}

async function assertRefused(rows) {
  for (const [name, token, reason, message, code = 'token_invalid'] of rows) {
    const answer = await askAt(name, token);
    assertTellsNothing(answer, code, message);
    assert.match(answer.record.reason ?? '', reason, message);
  }
}

const NOT_ALLOWED = /^algorithm ".*" is not allowed$/;
const BAD_SIGNATURE = /^the signature does not verify$/;

describe('a jwt authorizer believes', () => {
  test('what is signed with its secret', () =>
    assertBelieved([
      ['secret', signedWithSecret(SECRET), 'HS256'],
      ['secret', signedWithSecret(SECRET, claimsFor(), { kid: 'any' }), 'whatever key it names'],
      [
        'secret',
        signedWithSecret(SECRET, claimsFor({ aud: ['https://other.example', AUDIENCE] })),
        'an audience among others',
      ],
      ['text', signedWithSecret(Buffer.from(OTHER_SECRET, 'utf8')), 'the bytes of the secret as UTF-8'],
      [
        'name',
        signedWithSecret(SECRET, claimsFor({ iss: 'partner-a', aud: 'orders' })),
        'an issuer that is a name, and no URL',
      ],
    ]));

  test('what is signed with the keys in the config', () =>
    assertBelieved([
      ...published.map((key) => ['inline', signed(key), key.alg]),
      ['inline', signed(keys.ES256, claimsFor(), { kid: undefined }), 'no kid, and one key of the kind'],
      ['plain', signed(keys.RS256), 'RS256, where nothing is said of algorithms'],
      ['older', signed(keys.ES256), 'the algorithm in its older spelling'],
    ]));

  test('what is signed with the keys at an address, which is asked once', async () => {
    await assertBelieved(
      ['RS256', 'ES256', 'EdDSA'].flatMap((alg) =>
        [1, 2].map((round) => [
          'remote',
          signed(keys[alg], claimsFor({ jti: `${alg} ${round}` })),
          `${alg}, token ${round}`,
        ]),
      ),
    );
    assert.deepEqual(server.calls, ['/keys']);
  });

  test('an authorizer alone, as "authorizer" and under "auth": true', async (t) => {
    const alone = await startGateway({
      config: {
        authorizer: jwt({ secret: SECRET }),
        paths: [{ method: 'GET', path: '/private', auth: true, response: { ok: true } }],
      },
    });
    t.after(() => alone.close());
    const ask = (token) => alone.ask('/private', { headers: token ? { authorization: `Bearer ${token}` } : {} });
    assert.equal((await ask(signedWithSecret(SECRET))).status, 200);
    assertTellsNothing(await ask(signedWithSecret(`${SECRET}x`)), 'token_invalid');
    const nothing = await ask();
    assert.deepEqual(
      [nothing.status, nothing.body.code, nothing.headers.get('www-authenticate')],
      [401, 'token_missing', 'Bearer'],
    );
  });
});

describe('a jwt authorizer refuses', () => {
  test('a token that says that it is of another kind (RFC 8725 section 3.11)', async () => {
    const typed = (typ) => signedWithSecret(SECRET, claimsFor(), { typ });
    await assertRefused(
      ['logout+jwt', 'SecEvent+JWT', 'dpop+jwt', 'application/logout+jwt'].map((typ) => {
        return ['secret', typed(typ), /^typ is that of another kind of token$/, typ];
      }),
    );
    await assertBelieved(
      ['JWT', 'jwt', 'at+jwt', 'application/at+jwt', 'AT+JWT', undefined].map((typ) => [
        'secret',
        typed(typ),
        String(typ),
      ]),
    );
  });

  test('a token that is bound to a key or a certificate, of which no proof is checked', async () => {
    const bound = (cnf) => signedWithSecret(SECRET, claimsFor({ cnf }));
    await assertRefused([
      ['secret', bound({ jkt: '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I' }), /^cnf binds it/, 'by DPoP (RFC 9449)'],
      [
        'secret',
        bound({ 'x5t#S256': 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2' }),
        /^cnf binds it/,
        'by mutual TLS (RFC 8705)',
      ],
      ['secret', bound(null), /^cnf binds it/, 'by null'],
    ]);
  });

  test('what is signed with another secret or key', async () => {
    const elsewhere = `${server.origin}/strangers`;
    await assertRefused([
      ['secret', signedWithSecret(`${SECRET} `), BAD_SIGNATURE, 'the secret and a space'],
      ['secret', signedWithSecret(SECRET.slice(0, -1)), BAD_SIGNATURE, 'the secret without its last letter'],
      ['secret', signedWithSecret(''), BAD_SIGNATURE, 'an empty secret'],
      ['secret', signedWithSecret(Buffer.from(SECRET).toString('base64')), BAD_SIGNATURE, 'the secret in base64'],
      ['text', signedWithSecret(Buffer.from(OTHER_SECRET, 'base64')), BAD_SIGNATURE, 'the secret decoded from base64'],
      ['text', signedWithSecret(SECRET), BAD_SIGNATURE, 'the secret of another authorizer'],
      ['secret', flipSignatureBit(signedWithSecret(SECRET)), BAD_SIGNATURE, 'a bit of the signature changed'],
      ['secret', signedWithSecret(SECRET).replace(/[^.]*$/, ''), BAD_SIGNATURE, 'no signature'],
      [
        'secret',
        signedWithSecret(SECRET).slice(0, -22),
        /^(the signature does not verify|a part is not base64url)$/,
        'half a signature',
      ],
      [
        'inline',
        signed({ ...other.RS256, kid: keys.RS256.kid }),
        BAD_SIGNATURE,
        "a stranger's RSA key under a known name",
      ],
      [
        'inline',
        signed({ ...other.ES256, kid: keys.ES256.kid }),
        BAD_SIGNATURE,
        "a stranger's elliptic key under a known name",
      ],
      [
        'inline',
        signed({ ...other.EdDSA, kid: keys.EdDSA.kid }),
        BAD_SIGNATURE,
        "a stranger's Edwards key under a known name",
      ],
      ['inline', signed(other.RS256), /^no key /, 'a key that is not in the config'],
      ['inline', signed(other.RS256, claimsFor(), { jwk: other.RS256.jwk }), /^no key /, 'and brings itself along'],
      ['remote', signed(other.ES256), /^no key /, 'a key that is not at the address'],
      [
        'remote',
        signed(other.RS256, claimsFor({ iat: seconds() - 60 }), { jku: elsewhere, x5u: elsewhere }),
        /^no key /,
        'and says where it is',
      ],
    ]);
    assert.deepEqual(
      server.calls.filter((path) => path !== '/keys'),
      [],
      'no token says where keys are',
    );
  });

  test('an algorithm that is not its own: with a secret all but HS256, with keys every HMAC', async () => {
    const { jwk, pem } = keys.RS256;
    const asSecret = [
      ['the PEM of the public key', pem],
      ['that without its line break', pem.trim()],
      ['the text of the JWK', JSON.stringify(jwk)],
      ['the text of the key set', keySetOf(...published)],
      ['the modulus', Buffer.from(jwk.n, 'base64url')],
      ['the modulus as text', jwk.n],
      ['an empty secret', ''],
    ];
    const { kid } = keys.RS256;
    await assertRefused(
      ['inline', 'plain', 'older', 'remote', 'supabase_keys', 'supabase_inline'].flatMap((name) => [
        ...asSecret.flatMap(([what, secret]) => [
          [name, signedWithSecret(secret, claimsFor(), { kid }), NOT_ALLOWED, `${name}: HS256 with ${what}`],
          [name, signedWithSecret(secret), NOT_ALLOWED, `${name}: HS256 with ${what}, and no kid`],
        ]),
        [name, signedWithSecret(pem, claimsFor(), { alg: 'HS512', kid }), NOT_ALLOWED, `${name}: HS512 with the PEM`],
        [name, signedWithSecret(SECRET), NOT_ALLOWED, `${name}: HS256 with the secret of another authorizer`],
        [name, unsigned(), NOT_ALLOWED, `${name}: none`],
        [name, unsigned(claimsFor(), 'NonE'), NOT_ALLOWED, `${name}: none in another case`],
      ]),
    );
    await assertRefused(
      asSecret.map(([what, secret]) => [
        'inline',
        disguised(secret, kid),
        BAD_SIGNATURE,
        `an HMAC with ${what}, called RS256`,
      ]),
    );
    await assertRefused(
      ['secret', 'supabase_secret'].flatMap((name) => [
        ...published.map((key) => [name, signed(key), NOT_ALLOWED, `${name}: ${key.alg}`]),
        [
          name,
          signed(keys.RS256, claimsFor(), { jwk: keys.RS256.jwk }),
          NOT_ALLOWED,
          `${name}: RS256 with its key in the header`,
        ],
        [
          name,
          signedWithSecret(SECRET, claimsFor(), { alg: 'HS384' }),
          NOT_ALLOWED,
          `${name}: HS384 with the right secret`,
        ],
        [
          name,
          signedWithSecret(SECRET, claimsFor(), { alg: 'HS512' }),
          NOT_ALLOWED,
          `${name}: HS512 with the right secret`,
        ],
        [name, signedWithSecret(SECRET, claimsFor(), { alg: 'hs256' }), NOT_ALLOWED, `${name}: hs256`],
        [name, unsigned(), NOT_ALLOWED, `${name}: none`],
        [name, unsigned(claimsFor(), 'none').slice(0, -1), /./, `${name}: none, in two parts`],
      ]),
    );
    await assertRefused([
      ['plain', signed(keys.ES256), NOT_ALLOWED, 'ES256, where RS256 is the default'],
      ['older', signed(keys.RS256), NOT_ALLOWED, 'RS256, where ES256 is the one'],
    ]);
  });

  test('an HMAC with a secret that the key set publishes', async (t) => {
    const published = { kty: 'oct', kid: 'shared', alg: 'HS256', use: 'sig', k: base64url(SECRET) };
    const careless = await startKeyServer(() => JSON.stringify({ keys: [published, keys.RS256.jwk] }));
    t.after(() => careless.close());
    const strict = await startGateway({
      config: {
        authorizer: jwt({ jwks_uri: careless.jwksUri }),
        paths: [{ method: 'GET', path: '/private', auth: true, response: { ok: true } }],
      },
    });
    t.after(() => strict.close());
    const ask = (token) => strict.ask('/private', { headers: { authorization: `Bearer ${token}` } });
    assertTellsNothing(await ask(signedWithSecret(SECRET, claimsFor(), { kid: 'shared' })), 'token_invalid', 'HS256');
    assertTellsNothing(
      await ask(signedWithSecret(SECRET, claimsFor(), { kid: keys.RS256.kid })),
      'token_invalid',
      "another key's name",
    );
    assert.equal((await ask(signed(keys.RS256))).status, 200, 'the key beside it');
  });

  test('claims that break a rule, whatever they are signed with', async () => {
    const now = seconds();
    /** @type {any[][]} */
    const rows = [
      [{ iss: 'https://other.example/' }, /^iss is /, 'another issuer'],
      [{ iss: ISSUER.slice(0, -1) }, /^iss is /, 'the issuer without its slash'],
      [{ iss: undefined }, /^iss is missing$/, 'no issuer'],
      [{ iss: [ISSUER] }, /^iss has the wrong type$/, 'a list of issuers'],
      [{ aud: 'https://other.example' }, /^aud is /, 'another audience'],
      [{ aud: [] }, /^aud is /, 'no audience in a list'],
      [{ aud: undefined }, /^aud is missing$/, 'no audience'],
      [{ exp: undefined }, /^exp is missing$/, 'no end'],
      [{ exp: String(now + 600) }, /^exp has the wrong type$/, 'an end that is a text'],
      [{ nbf: now + 3600 }, /^nbf is /, 'a beginning to come'],
      [{ iat: now + 3600 }, /^iat is /, 'issued in an hour'],
      [{ exp: now - 3600 }, /^exp is /, 'an hour too late', 'token_expired'],
    ];
    /** @type {any[][]} */
    const signers = [
      ['secret', (claims) => signedWithSecret(SECRET, claims)],
      ['inline', (claims) => signed(keys.EdDSA, claims)],
      ['remote', (claims) => signed(keys.ES256, claims)],
    ];
    await assertRefused(
      signers.flatMap(([name, sign]) =>
        rows.map(([claims, reason, message, code]) => [
          name,
          sign(claimsFor(claims)),
          reason,
          `${name}: ${message}`,
          code,
        ]),
      ),
    );
    const forged = flipSignatureBit(signedWithSecret(SECRET, claimsFor({ exp: 1 })));
    await assertRefused([['secret', forged, BAD_SIGNATURE, 'a forged one is not told that it expired']]);
  });

  test('every token, with 401 and not 503, where its keys are in the config and none fits', async () => {
    const calls = server.calls.length;
    for (const kid of ['nobody', '', 'x'.repeat(300)]) {
      assertTellsNothing(await askAt('inline', signed(keys.RS256, claimsFor(), { kid })), 'token_invalid', kid);
    }
    assert.equal(server.calls.length, calls, 'and nobody is asked');
  });
});

describe('a supabase authorizer', () => {
  test('believes the tokens of its project', () =>
    assertBelieved([
      ['supabase_secret', signedWithSecret(SECRET, supabaseClaims()), 'the secret of the project'],
      ['supabase_keys', signed(keys.ES256, supabaseClaims()), 'its signing key, ES256'],
      ['supabase_keys', signed(keys.RS256, supabaseClaims()), 'its signing key, RS256'],
      [
        'supabase_inline',
        signed(keys.ES256, supabaseClaims({ aud: 'service' })),
        'keys in the config, for another audience',
      ],
    ]));

  test('refuses all others', () =>
    assertRefused([
      ['supabase_secret', signedWithSecret(`${SECRET}!`, supabaseClaims()), BAD_SIGNATURE, 'another secret'],
      ['supabase_secret', signedWithSecret(SECRET, supabaseClaims({ aud: 'anon' })), /^aud is /, 'another audience'],
      [
        'supabase_secret',
        signedWithSecret(SECRET, supabaseClaims({ aud: undefined })),
        /^aud is missing$/,
        'no audience, as of an anon key',
      ],
      [
        'supabase_secret',
        signedWithSecret(SECRET, supabaseClaims({ iss: 'supabase' })),
        /^iss is /,
        'the issuer of an anon key',
      ],
      [
        'supabase_secret',
        signedWithSecret(SECRET, supabaseClaims({ exp: 1 })),
        /^exp is /,
        'an old one',
        'token_expired',
      ],
      ['supabase_keys', signed(keys.EdDSA, supabaseClaims()), NOT_ALLOWED, 'an algorithm that is not among its own'],
      ['supabase_keys', signed(other.ES256, supabaseClaims()), /^no key /, 'a key of another project'],
      ['supabase_keys', signedWithSecret(SECRET, supabaseClaims()), NOT_ALLOWED, 'a secret, where keys are expected'],
      [
        'supabase_inline',
        signed(keys.ES256, supabaseClaims()),
        /^aud is /,
        'the default audience, where another is configured',
      ],
    ]));
});

describe('an auth0 authorizer', () => {
  let tenant;
  before(async () => {
    tenant = await startTenant();
  });
  after(() => tenant?.close());

  const auth0 = (how) => ({
    type: 'auth0',
    domain: tenant.origin,
    client_id: 'bargate-local',
    client_secret: 'a-secret',
    audience: tenant.settings.audience,
    ...how,
  });

  test('with the keys in the config believes them without asking the tenant', async (t) => {
    const own = await startGateway({
      config: {
        authorizer: auth0({ jwks: JSON.stringify({ keys: tenant.keys.map(publicKeyOf) }) }),
        paths: [{ method: 'GET', path: '/private', auth: true, response: { ok: true } }],
      },
    });
    t.after(() => own.close());
    const ask = (token) => own.ask('/private', { headers: { authorization: `Bearer ${token}` } });
    assert.equal((await ask(await tenant.mint())).status, 200);
    assertTellsNothing(await ask(await tenant.mint({}, { key: strangersKey() })), 'token_invalid', 'another key');
    assert.deepEqual(tenant.counts, {});
  });

  test("takes the address of its callback from redirect_uri, a native application's too, and from callback_uri where there is none", async (t) => {
    const [callback, redirect] = ['https://gateway.example/callback', 'https://gateway.example/redirect'];
    for (const [how, expected] of [
      [{ callback_uri: callback }, callback],
      [{ callback_uri: callback, redirect_uri: redirect }, redirect],
      [{ callback_uri: 'nowhere', redirect_uri: redirect }, redirect],
      [{ callback_uri: '$env.GONE', redirect_uri: redirect }, redirect],
      [{ redirect_uri: 'com.example.app:/callback' }, 'com.example.app:/callback'],
      [
        { redirect_uri: 'com.example.app://tenant.example/ios/callback' },
        'com.example.app://tenant.example/ios/callback',
      ],
    ]) {
      const own = await startGateway({
        config: {
          authorizer: auth0(how),
          paths: [
            { method: 'GET', path: '/login', integration: { type: 'auth0_login' } },
            { method: 'GET', path: '/callback', integration: { type: 'auth0_callback' } },
          ],
        },
      });
      t.after(() => own.close());
      const answer = await own.fetch('/login');
      assert.equal(answer.status, 302, await answer.text());
      assert.equal(new URL(answer.headers.get('location')).searchParams.get('redirect_uri'), expected);
    }
  });
});

/** A key that no tenant has, as the tenant signs with keys: a private JWK. */
function strangersKey() {
  const { alg, kid, privateKey } = other.RS256;
  return { ...privateKey.export({ format: 'jwk' }), alg, kid };
}

/** An HMAC that says of itself that it is an RSA signature. */
function disguised(secret, kid) {
  return signedWithSecret(secret, claimsFor(), { alg: 'RS256', kid });
}
