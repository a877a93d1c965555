// Mistakes in what a config says of authorizers and of what paths ask of them, on workerd: every request is 503, the log has the
// code of each mistake and its place, and no secret is shown.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { startGateway } from '../support/harness.mjs';
import { AUDIENCE, ISSUER, SECRET, keySetOf, makeKey } from '../support/signing.mjs';

/** One byte too short for HS256. */
const SHORT = SECRET.replaceAll(' ', '-').slice(0, 31);
const publicKey = makeKey('RS256');
const keySet = keySetOf(publicKey);
const jwt = (how) => ({ type: 'jwt', issuer: ISSUER, audience: AUDIENCE, ...how });
const good = jwt({ secret: '$secret.LONG' });
const supabase = (how) => ({ type: 'supabase', issuer: 'https://project.supabase.co/auth/v1', ...how });
const oidc = (how) => ({ type: 'oidc', issuer: 'https://idp.example', client_id: 'client', ...how });
const auth0 = { type: 'auth0', domain: 'tenant.example', client_id: 'client' };
const bindings = {
  LONG: SECRET,
  SHORT,
  KEY_SET: keySet,
  PEM: publicKey.pem,
  PEM_IN_ONE_LINE: publicKey.pem.replaceAll('\n', '\\n'),
  JWK: JSON.stringify(publicKey.jwk),
};
/** What of them no message may hold. */
const values = [SHORT, SECRET, publicKey.jwk.n.slice(0, 16), publicKey.pem.slice(30, 60)];

const path = (auth) => ({ method: 'GET', path: '/private', auth, response: { ok: true } });

/** Starts a gateway with this config and gives the mistakes that its log tells once a request has been refused for them. */
async function mistakesOf(config, message) {
  const gateway = await startGateway({ config: { paths: [path(true)], ...config }, bindings });
  try {
    const answer = await gateway.ask('/private');
    assert.deepEqual([answer.status, answer.body.code], [503, 'config_invalid'], message);
    const lines = gateway.records().filter(({ code, message: text }) => code === 'config_invalid' && text);
    const shown = `${answer.text} ${gateway.lines.map((line) => line.message).join('\n')}`;
    for (const value of values) assert.ok(!shown.includes(value), `${message}: no secret is shown`);
    return lines.map((line) => line.message);
  } finally {
    await gateway.close();
  }
}

/** Asserts that of the mistakes one has this beginning, after its line and column. */
function assertTold(mistakes, expected, message) {
  const told = mistakes.filter((mistake) => mistake.replace(/^\d+:\d+: /, '').startsWith(expected));
  assert.equal(told.length, 1, `${message}: ${expected}\nin\n${mistakes.join('\n')}`);
}

describe('a mistake in an authorizer is told', { concurrency: 4 }, () => {
  // All of these stand in one config, each under a name of its own: every mistake is told at once.
  const table = [
    [jwt({ secret: '$secret.SHORT' }), 'weak_secret', 'secret', 'a secret of 31 bytes'],
    [jwt({ secret: 'x' }), 'weak_secret', 'secret', 'a secret of one letter'],
    [supabase({ jwt_secret: '$secret.SHORT' }), 'weak_secret', 'jwt_secret', 'a short secret of supabase'],
    // Whoever has read one of these could sign tokens.
    ...['PEM', 'PEM_IN_ONE_LINE', 'JWK', 'KEY_SET'].flatMap((name) => [
      [jwt({ secret: `$secret.${name}` }), 'weak_secret', 'secret', `a public key as the secret: ${name}`],
      [
        supabase({ jwt_secret: `$secret.${name}` }),
        'weak_secret',
        'jwt_secret',
        `a public key as the secret of supabase: ${name}`,
      ],
    ]),
    [
      jwt({ secret: '$secret.LONG', algorithms: ['RS256'] }),
      'algorithm_mismatch',
      'algorithms',
      'a secret, and an algorithm for keys',
    ],
    [
      jwt({ secret: '$secret.LONG', algorithms: ['HS256', 'RS256'] }),
      'algorithm_mismatch',
      'algorithms',
      'a secret, and both',
    ],
    [
      jwt({ secret: '$secret.LONG', algorithm: 'ES256' }),
      'algorithm_mismatch',
      'algorithm',
      'the same in the older spelling',
    ],
    [
      jwt({ jwks: '$secret.KEY_SET', algorithms: ['RS256', 'HS256'] }),
      'algorithm_mismatch',
      'algorithms',
      'keys, and HS256',
    ],
    [
      jwt({ jwks_uri: 'https://idp.example/keys', algorithm: 'HS256' }),
      'algorithm_mismatch',
      'algorithm',
      'keys at an address, and HS256',
    ],
    [
      supabase({ jwt_secret: '$secret.LONG', algorithms: ['ES256'] }),
      'algorithm_mismatch',
      'algorithms',
      'supabase, with a secret',
    ],
    [
      supabase({ jwks: '$secret.KEY_SET', algorithms: ['HS256'] }),
      'algorithm_mismatch',
      'algorithms',
      'supabase, with keys',
    ],
    [jwt({ secret: '$secret.LONG', issuer: undefined }), 'missing_key', '', 'no issuer'],
    [jwt({ secret: '$secret.LONG', audience: undefined }), 'missing_key', '', 'no audience'],
    [supabase({ jwt_secret: '$secret.LONG', issuer: undefined }), 'missing_key', '', 'no issuer of supabase'],
    [oidc({ issuer: undefined }), 'missing_key', '', 'no issuer of oidc'],
    [oidc({ client_id: undefined }), 'missing_key', '', 'no client'],
    [oidc({ issuer: 'http://idp.example' }), 'invalid_url', 'issuer', 'an issuer that is called in clear'],
    [oidc({ issuer: 'idp.example' }), 'invalid_url', 'issuer', 'an issuer that is no address'],
    [oidc({ domain: 'idp.example' }), 'unknown_key', '', "oidc, with auth0's domain"],
    [jwt({ jwks_uri: 'http://idp.example/keys' }), 'invalid_url', 'jwks_uri', 'keys that are fetched in clear'],
    [{ type: 'saml' }, 'unknown_value', 'type', 'a type that nobody knows'],
    [{ ...good, type: undefined }, 'missing_key', '', 'no type'],
    [jwt({ secret: '$secret.LONG', algorithms: ['none'] }), 'unknown_value', 'algorithms', 'none'],
    [jwt({ jwks: '$secret.KEY_SET', algorithms: [] }), 'empty_list', 'algorithms', 'no algorithm'],
    // Two ways to check a signature, or none, or one that is no key set: whatever the code, the mistake is at the authorizer.
    [jwt({}), 'missing_key', '', 'neither secret nor keys'],
    [jwt({ secret: '$secret.LONG', jwks: '$secret.KEY_SET' }), 'two_key_sources', '', 'a secret and keys'],
    [
      jwt({ jwks: '$secret.KEY_SET', jwks_uri: 'https://idp.example/keys' }),
      'two_key_sources',
      '',
      'keys here and there',
    ],
    [supabase({}), 'missing_key', '', 'supabase, neither secret nor keys'],
    [
      supabase({ jwt_secret: '$secret.LONG', jwks_uri: 'https://idp.example/keys' }),
      'two_key_sources',
      '',
      'supabase, a secret and keys',
    ],
    [jwt({ jwks: 'no JSON' }), 'invalid_jwks', 'jwks', 'keys that are no JSON'],
    [jwt({ jwks: '{"keys":[]}' }), 'invalid_jwks', 'jwks', 'no keys'],
    [jwt({ jwks: '{"keys":[{"kty":"oct","k":"AAAA"}]}' }), 'invalid_jwks', 'jwks', 'no key that can be used'],
  ];

  test('with all others, by its name', async () => {
    const authorizers = Object.fromEntries(table.map(([authorizer], index) => [`a${index}`, authorizer]));
    const mistakes = await mistakesOf({ authorizers: { good, ...authorizers } }, 'all of them');
    const places = (index) => mistakes.filter((mistake) => new RegExp(`\\bauthorizers\\.a${index}\\b`).test(mistake));
    for (const [index, [, code, key, message]] of table.entries()) {
      const told = places(index);
      assert.equal(told.length, 1, `${message}: one mistake\n${told.join('\n')}`);
      const place = `authorizers.a${index}${key ? `.${key}` : ''}`;
      const [, toldCode, toldPlace] = /^\d+:\d+: error\[(\w+)\]: ([\w.[\]]+): /.exec(told[0]) ?? [];
      assert.equal(toldCode, code, `${message}: ${told[0]}`);
      assert.ok(toldPlace?.startsWith(place), `${message}: ${told[0]}`);
    }
    assert.deepEqual(
      mistakes.filter((mistake) => mistake.includes('authorizers.good')),
      [],
      'the good one is left alone',
    );
  });

  test('with the reason why a secret is too short', async () => {
    const [mistake] = await mistakesOf({ authorizer: jwt({ secret: '$secret.SHORT' }) }, 'alone');
    assert.match(mistake, /^\d+:\d+: error\[weak_secret\]: authorizer\.secret: .*\b32\b/);
  });

  test('and of a key of login states, which is not shown', async () => {
    const [mistake] = await mistakesOf(
      { authorizer: { ...auth0, sealing_key: '$secret.SHORT' } },
      'a key of login states',
    );
    assert.match(mistake, /^\d+:\d+: error\[weak_secret\]: authorizer\.sealing_key: .*\b32\b/);
  });

  const roots = [
    [{ authorizer: good, authorizers: { other: good } }, 'error[two_authorizers]: ', 'one, and several'],
    [{ authorizer: good, authorizers: {} }, 'error[two_authorizers]: ', 'one, and several that are none'],
    [{ paths: [path(true)] }, 'error[authorizer_missing]: paths[0].auth: ', 'none'],
    [{ authorizers: {}, paths: [path(true)] }, 'error[', 'several that are none'],
    [{ authorizers: [good] }, 'error[wrong_type]: authorizers: ', 'a list'],
    [{ authorizers: { a: good, b: null } }, 'error[wrong_type]: authorizers.b: ', 'one that is null'],
    [{ authorizer: good, paths: [path(null)] }, 'error[wrong_type]: paths[0].auth: ', 'a path whose auth is null'],
  ];
  for (const [config, expected, message] of roots) {
    test(`at the root: ${message}`, async () => assertTold(await mistakesOf(config, message), expected, message));
  }
});

test('a mistake in what paths ask is told', async () => {
  const table = [
    ['nobody', 'unknown_authorizer', '', 'an unknown name'],
    ['Partners', 'unknown_authorizer', '', 'a name in another case'],
    [{ authorizer: 'nobody' }, 'unknown_authorizer', '.authorizer', 'an unknown name in an object'],
    [{ scope: ['a'] }, 'unknown_key', '', 'an unknown key'],
    [{ scopes: 'a b' }, 'wrong_type', '.scopes', 'scopes as text'],
    [{ scopes: [7] }, 'wrong_type', '.scopes[0]', 'a scope that is a number'],
    [{ permissions: 'a' }, 'wrong_type', '.permissions', 'permissions as text'],
    [{ claims: ['a'] }, 'wrong_type', '.claims', 'claims as a list'],
    [{ optional: 'yes' }, 'wrong_type', '.optional', 'optional as text'],
    [7, 'wrong_type', '', 'a number'],
    [['partners', 7], 'wrong_type', '[1]', 'a number in a list'],
    [['nobody'], 'unknown_authorizer', '[0]', 'an unknown name in a list'],
  ];
  const paths = table.map(([auth], index) => ({ method: 'GET', path: `/${index}`, auth, response: {} }));
  const mistakes = await mistakesOf({ authorizers: { partners: good }, paths }, 'all of them');
  for (const [index, [, code, key, message]] of table.entries()) {
    assertTold(mistakes, `error[${code}]: paths[${index}].auth${key}: `, message);
  }
  assert.equal(mistakes.length, table.length, mistakes.join('\n'));
});

test('a login where no authorizer has one is told', async () => {
  const types = ['login', 'callback', 'userinfo', 'refresh'].flatMap((name) => [`oidc_${name}`, `auth0_${name}`]);
  const paths = types.map((type, index) => ({ method: 'GET', path: `/${index}`, integration: { type } }));
  const mistakes = await mistakesOf({ authorizers: { partners: good }, paths }, 'no login');
  for (const index of types.keys()) {
    assert.ok(
      mistakes.some((mistake) => mistake.includes(`: paths[${index}].integration`)),
      `${types[index]}\n${mistakes.join('\n')}`,
    );
  }
  const session = await mistakesOf(
    { authorizers: { partners: good }, session: {}, paths: [path('partners')] },
    'a session',
  );
  assert.ok(
    session.some((mistake) => /: session\b/.test(mistake)),
    session.join('\n'),
  );
});

test('what is no mistake: a secret of 32 bytes, authorizers of every type, and paths that ask all there is to ask', async (t) => {
  const gateway = await startGateway({
    config: {
      authorizers: {
        good,
        'with-dashes': supabase({ jwt_secret: '$secret.LONG', algorithms: ['HS256'] }),
        keys: jwt({ jwks: '$secret.KEY_SET', algorithm: 'RS256' }),
        auth0,
        discovered: oidc({ client_secret: 'any' }),
        loopback: oidc({ issuer: 'http://127.0.0.1:1/realms/demo' }),
        'x-partners': good,
      },
      paths: [
        { method: 'GET', path: '/open', response: { ok: true } },
        {
          method: 'GET',
          path: '/all',
          response: { ok: true },
          auth: {
            authorizer: 'with-dashes',
            scopes: ['a'],
            any_scopes: ['b', 'c'],
            permissions: ['d'],
            claims: { e: 'f', 'g.h': [1, true] },
            optional: true,
          },
        },
      ],
    },
    bindings,
  });
  t.after(() => gateway.close());
  assert.equal((await gateway.ask('/open')).status, 200, gateway.lines.map(({ message }) => message).join('\n'));
  assert.equal((await gateway.ask('/all')).status, 200);
});

test('a client secret that is short is told of where login states are sealed with it, and not shown', async () => {
  const logIn = {
    method: 'GET',
    path: '/login',
    integration: { type: 'auth0_login', redirect_uri: 'https://gateway.example/callback' },
  };
  for (const [how, expected, message] of /** @type {any[][]} */ ([
    [{ client_secret: '$secret.SHORT' }, 1, 'a short one'],
    [{ client_secret: '$secret.LONG' }, 0, 'a long one'],
    [{ client_secret: '$secret.SHORT', sealing_key: '$secret.LONG' }, 0, 'a short one beside a key'],
  ])) {
    const gateway = await startGateway({
      config: { authorizer: { ...auth0, ...how }, paths: [path(true), logIn] },
      bindings,
    });
    try {
      assert.equal((await gateway.ask('/private')).status, 401, message);
      const told = gateway.records().filter(({ code }) => code === 'short_client_secret');
      assert.deepEqual(
        told.map(({ level }) => level),
        Array(expected).fill('warn'),
        message,
      );
      for (const line of gateway.lines) assert.ok(!line.message.includes(SHORT), message);
    } finally {
      await gateway.close();
    }
  }
});
