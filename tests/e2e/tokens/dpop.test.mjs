// Tokens that are bound to a key (RFC 9449): a proof that fits opens a path once, wherever it comes, and nothing else does.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { take } from '../../../src/edge/objects/dpop_proofs.js';
import { later } from '../support/clock.mjs';
import { askBound, boundToken, makeHolder, makeProof, sha256 } from '../support/dpop.mjs';
import { proxied, startGateway, workerName } from '../support/harness.mjs';
import { CALLBACK, REFRESH, startLoginGateway } from '../support/login-flow.mjs';
import { authorizerOf, bearer, entryWith } from '../support/rules.mjs';
import { askWith, beginSession, startSessionGateway } from '../support/session-flow.mjs';

/** By its address: it stands on the types of workerd. */
const { judge, keep, placeOf } = await import(new URL('../../../src/edge/auth/dpop.js', import.meta.url).href);

const NONCE_KEY = 'a secret for nonces that is long enough';
const ALGS = 'algs="ES256 EdDSA Ed25519 PS256 RS256 ES384 ES512 PS384 PS512 RS384 RS512"';
const INVALID_PROOF = `DPoP error="invalid_dpop_proof", error_description="the proof is not valid here", ${ALGS}`;

let tenant;
let api;
let gateway;
let holder;
let token;

before(async () => {
  [tenant, api, holder] = await Promise.all([startTenant(), startApi(), makeHolder()]);
  gateway = await startGateway({ clock: true, isolates: 4, config: configOf() });
  token = await boundToken(tenant, holder);
});

after(() => Promise.all([gateway?.close(), api?.close(), tenant?.close()]));

const answered = { method: 'ANY', response: { ok: true } };

const configOf = () => ({
  servers: [{ alias: 'api', url: api.origin }],
  cors: { allow_origins: ['https://app.example'], expose_headers: ['x-own'] },
  protected_resource: true,
  authorizer: { ...authorizerOf(tenant), dpop: 'accept' },
  paths: [
    { ...answered, path: '/accepts', auth: true },
    { ...answered, path: '/requires', auth: { dpop: 'require' } },
    { ...answered, path: '/scoped', auth: { scopes: ['write:all'] } },
    { ...answered, path: '/dispensable', auth: { optional: true } },
    { ...answered, path: '/~a/{name}', auth: true },
    { ...answered, path: '/nonces', auth: { dpop: { mode: 'require', nonce_key: NONCE_KEY, nonce_seconds: 60 } } },
    { ...answered, path: '/open' },
    proxied('/upstream', 'api', { auth: true, mapping: { headers: { 'x-key': '$request.jwt.cnf.jkt' } } }),
  ],
});

const challengeOf = ({ headers }) => headers.get('www-authenticate');
const ask = (path, more = {}) => askBound(gateway, path, { holder, token, ...more });
const refusal = ({ status, body, record }) => [status, body?.code, record.reason];

describe('a bound token with its proof', () => {
  test('opens the paths that take one, by keys of every kind', async () => {
    for (const path of ['/accepts', '/requires', '/dispensable']) {
      assert.equal((await ask(path)).status, 200, path);
    }
    for (const alg of ['RS256', 'PS256', 'ES384', 'ES512', 'EdDSA']) {
      const other = await makeHolder(alg);
      const bound = await boundToken(tenant, other);
      for (const turn of ['first', 'second']) {
        const { status } = await ask('/requires', { holder: other, token: bound });
        assert.equal(status, 200, `${alg}, the ${turn} time`);
      }
    }
  });

  test('is for the address that was called, however either side spells it', async () => {
    const called = new URL('/~a/b%2Cc', gateway.origin).href;
    const { port } = new URL(gateway.origin);
    for (const [url, expected] of /** @type {[string, number][]} */ ([
      [called, 200],
      [called.replace('~', '%7e').replace('%2C', '%2c'), 200],
      [`${called}?query#fragment`, 200],
      [called.replace('http:', 'HTTP:'), 200],
      [called.replace('~a', 'x/../~a'), 200],
      [called.replace('%2C', ','), 401],
      [called.replace(port, '1'), 401],
      [called.replace('http:', 'https:'), 401],
      [called.replace('127.0.0.1', 'gateway.example'), 401],
    ])) {
      const answer = await ask('/~a/b%2Cc?more=1', { url });
      assert.equal(answer.status, expected, url);
      if (expected === 401) assert.match(answer.record.reason, /^the proof: htu is /, url);
    }
  });

  test('is passed on without the proof, and with the claims that are mapped', async () => {
    const answer = await ask('/upstream');
    assert.equal(answer.status, 200);
    const { headers } = answer.body;
    assert.deepEqual([headers.authorization, headers.dpop, headers['x-key']], [`DPoP ${token}`, undefined, holder.jkt]);
  });

  test('still needs the scopes of its path', async () => {
    const answer = await ask('/scoped');
    assert.deepEqual([answer.status, answer.body.code], [403, 'insufficient_scope']);
    assert.match(challengeOf(answer), /^DPoP error="insufficient_scope", .*, Bearer scope="write:all"/);
  });
});

describe('nothing else opens a path', () => {
  test('no bound token without a proof, and none that is not bound with one', async () => {
    const unbound = await tenant.mint();
    const bare = await gateway.ask('/accepts');
    assert.equal(
      challengeOf(bare),
      `Bearer resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource", DPoP ${ALGS}, resource_metadata="${gateway.origin}/.well-known/oauth-protected-resource"`,
    );
    const asBearer = { headers: { authorization: `Bearer ${token}` } };
    const table = [
      [
        await gateway.ask('/accepts', asBearer),
        'token_invalid',
        /^cnf binds it to a key/,
        'a bound token as a bearer token',
      ],
      [
        await gateway.ask('/dispensable', asBearer),
        'token_invalid',
        /^cnf binds it to a key/,
        'one where none is needed',
      ],
      [await gateway.ask('/requires', asBearer), 'token_invalid', /requires DPoP$/, 'one where proofs are required'],
      [
        await gateway.ask('/requires', { headers: await bearer(tenant) }),
        'token_invalid',
        /requires DPoP$/,
        'a bearer token there',
      ],
      [await ask('/accepts', { token: unbound }), 'token_invalid', /^cnf is missing$/, 'an unbound token with a proof'],
      [await ask('/accepts', { proof: null }), 'invalid_dpop_proof', /there is no DPoP header$/, 'no proof'],
      [
        await gateway.ask('/accepts', { headers: { authorization: `DPoP ${token}, Bearer ${unbound}` } }),
        'token_invalid',
        /no token$/,
        'two tokens',
      ],
    ];
    for (const [answer, code, reason, message] of table) {
      assert.deepEqual([answer.status, answer.body.code], [401, code], message);
      assert.match(answer.record.reason, reason, message);
      assert.ok(!answer.text.includes('cnf'), `${message}: the answer does not say why`);
    }
    assert.equal((await gateway.ask('/accepts', { headers: await bearer(tenant) })).status, 200, 'a bearer token');
  });

  test('no bound token where the config takes none', async () => {
    const { dpop, ...authorizer } = configOf().authorizer;
    const plain = await startGateway({
      clock: true,
      config: { authorizer, paths: [{ ...answered, path: '/accepts', auth: true }] },
    });
    try {
      const asBearer = await plain.ask('/accepts', { headers: { authorization: `Bearer ${token}` } });
      assert.deepEqual([asBearer.status, asBearer.body.code], [401, 'token_invalid']);
      const bound = await askBound(plain, '/accepts', { holder, token });
      assert.deepEqual([bound.status, bound.body.code, challengeOf(bound)], [401, 'token_missing', 'Bearer']);
    } finally {
      await plain.close();
    }
  });

  test('no proof with anything wrong in it', async () => {
    const other = await makeHolder();
    const rsa = await makeHolder('RS256');
    const { d } = await crypto.subtle.exportKey('jwk', holder.privateKey);
    const url = new URL('/requires', gateway.origin).href;
    const now = Math.floor(Date.now() / 1000);
    const whole = await makeProof(holder, token, url);
    const [header, claims, signature] = whole.split('.');
    const made = (how) => makeProof(holder, token, url, how);
    const table = [
      [made({ claims: { jti: undefined } }), 'jti is missing', 'no jti'],
      [made({ claims: { htm: 'POST' } }), 'htm is "POST"', 'another method'],
      [made({ claims: { htu: `${gateway.origin}/accepts` } }), `htu is "${gateway.origin}/accepts"`, 'another path'],
      [made({ claims: { iat: now - 91 } }), `iat is ${now - 91}, the time is ${now}`, 'an old one'],
      [made({ claims: { iat: now + 31 } }), `iat is ${now + 31}, the time is ${now}`, 'one from the future'],
      [made({ claims: { ath: undefined } }), 'ath is missing', 'no ath'],
      [made({ claims: { ath: sha256(`${token}x`) } }), 'ath is not the digest of the token', 'one for another token'],
      [made({ header: { typ: 'JWT' } }), 'typ is that of another kind of token', 'another kind'],
      [made({ header: { jwk: { ...holder.jwk, d } } }), 'jwk cannot be used: its d is not supported', 'a private key'],
      [made({ header: { jwk: undefined } }), 'jwk cannot be used: its kty is missing or malformed', 'no key'],
      [made({ header: { jwk: other.jwk } }), 'the token is bound to another key', 'the key of another'],
      [made({ key: other.privateKey }), 'the signature does not verify', 'a signature of another'],
      [makeProof(other, token, url), 'the token is bound to another key', 'a stranger who has the token'],
      [makeProof(rsa, token, url), 'the token is bound to another key', 'one with a key of another kind'],
      [`${header}.${claims}.${signature.slice(0, -4)}AAAA`, 'the signature does not verify', 'another signature'],
      [`${header}.${claims}.AAAA`, 'the signature does not verify', 'a short signature'],
      [`${header}.${claims}.`, 'the signature does not verify', 'no signature'],
      [`${header}.${claims}`, 'not three parts', 'half of it'],
      [`${whole}, ${whole}`, 'there are several', 'two'],
      [`${whole},`, 'there are several', 'one and nothing'],
      [token, 'jti is missing', 'the token for a proof'],
    ];
    for (const [proof, reason, message] of table) {
      const answer = await ask('/requires', { proof: await proof });
      assert.deepEqual(refusal(answer), [401, 'invalid_dpop_proof', `the proof: ${reason}`], message);
      assert.equal(answer.body.detail, 'Make a DPoP proof for this request, and send it once.');
      assert.match(
        challengeOf(answer),
        new RegExp(`^${INVALID_PROOF.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}`),
        message,
      );
    }
    assert.equal((await ask('/requires', { proof: whole })).status, 200, 'the proof was not used by what was refused');
  });
});

describe('a proof is taken once', () => {
  test('of four isolates that get it at the same time', async () => {
    const proof = await makeProof(holder, token, 'http://gateway.example/requires');
    const headers = { authorization: `DPoP ${token}`, dpop: proof, host: 'gateway.example' };
    const sent = gateway.origins.flatMap((origin) => Array.from({ length: 5 }, () => origin));
    const statuses = await Promise.all(sent.map((origin) => statusAt(origin, headers)));
    assert.deepEqual(
      statuses.sort(),
      [200, ...Array.from({ length: sent.length - 1 }, () => 401)],
      'one request of twenty passes',
    );
  });

  test('by an object that was restarted in between', async () => {
    const proof = await makeProof(holder, token, new URL('/requires', gateway.origin).href);
    assert.equal((await ask('/requires', { proof })).status, 200);
    const name = `${holder.jkt}.${Math.floor(Date.now() / 300_000)}`;
    await gateway.miniflare.unsafeEvictDurableObject(workerName(0), 'DpopProofs', { name });
    assert.deepEqual(refusal(await ask('/requires', { proof })), [
      401,
      'invalid_dpop_proof',
      'the proof: it was used before',
    ]);
  });

  test('under whatever token and key it comes again', async () => {
    const jti = 'the same for all';
    const other = await makeHolder();
    const theirs = await boundToken(tenant, other);
    const status = async (more) => (await ask('/requires', { how: { claims: { jti } }, ...more })).status;
    assert.equal(await status(), 200);
    assert.equal(await status(), 401, 'another proof with that jti');
    assert.equal(await status({ token: await boundToken(tenant, holder, { sub: 'other' }) }), 401, 'for another token');
    assert.equal(await status({ holder: other, token: theirs }), 200, 'of another key');
  });

  test('or not at all if nobody can say', async () => {
    const broken = await startGateway({
      clock: true,
      config: configOf(),
      entry: entryWith({ DPOP_PROOFS: `{ getByName: () => ({ call: async () => { throw new Error('away'); } }) }` }),
    });
    try {
      const answer = await askBound(broken, '/requires', { holder, token });
      assert.deepEqual(refusal(answer), [503, 'store_unavailable', 'DPOP_PROOFS: away']);
      assert.equal(answer.headers.get('retry-after'), '5');
    } finally {
      await broken.close();
    }
  });

  test('by each isolate without the binding, which the log says', async () => {
    const alone = await startGateway({ clock: true, config: configOf(), objects: [] });
    try {
      const proof = await makeProof(holder, token, new URL('/requires', alone.origin).href);
      const status = async () => (await askBound(alone, '/requires', { holder, token, proof })).status;
      assert.deepEqual([await status(), await status()], [200, 401]);
      await alone.record(({ code }) => code === 'proofs_kept_by_isolate');
    } finally {
      await alone.close();
    }
  });
});

/** Sends a request by another host than that of the socket, as `fetch` cannot. */
async function statusAt(origin, headers) {
  const { sendRaw } = await import('../support/harness.mjs');
  return (await sendRaw(origin, { path: '/requires', headers })).status;
}

test('a session opens a path that requires proofs, by its cookie', async () => {
  const withSessions = await startSessionGateway(tenant, api, {
    paths: [{ ...answered, path: '/requires', auth: { dpop: 'require' } }],
  });
  try {
    const { cookie } = await beginSession(withSessions, tenant);
    assert.equal((await askWith(withSessions, cookie, '/requires')).status, 200);
    const { status } = await withSessions.ask('/requires', { headers: await bearer(tenant) });
    assert.equal(status, 401, 'and a bearer token does not');
  } finally {
    await withSessions.close();
  }
});

test('no code and no refresh token goes to the provider for a client that wants its tokens bound', async () => {
  const logins = await startLoginGateway(tenant);
  try {
    const proof = await makeProof(holder, token, new URL('/oauth/token', tenant.origin), { method: 'POST' });
    for (const [method, path] of [
      ['POST', REFRESH],
      ['GET', `${CALLBACK}?code=c&state=s`],
    ]) {
      const before = tenant.counts['/oauth/token'];
      const answer = await logins.ask(path, { method, headers: { dpop: proof, 'x-refresh-token': 'r' } });
      assert.deepEqual([answer.status, answer.body.code], [400, 'dpop_unsupported'], path);
      assert.equal(tenant.counts['/oauth/token'], before, path);
    }
  } finally {
    await logins.close();
  }
});

test('a nonce is asked for, counts for a while, and is replaced before its end', async () => {
  const fresh = await makeHolder();
  const bound = await boundToken(tenant, fresh);
  const send = (nonce) => ask('/nonces', { holder: fresh, token: bound, how: { claims: { nonce } } });
  const first = await send(undefined);
  assert.deepEqual(
    [first.status, first.body.code, challengeOf(first).split(', resource')[0]],
    [
      401,
      'use_dpop_nonce',
      `DPoP error="use_dpop_nonce", error_description="the proof needs the nonce of DPoP-Nonce", ${ALGS}`,
    ],
  );
  const nonce = first.headers.get('dpop-nonce');
  assert.match(nonce, /^[\w-]{43}$/);
  const second = await send(nonce);
  assert.deepEqual([second.status, second.headers.get('dpop-nonce')], [200, null]);
  for (const wrong of [`${nonce}x`, nonce.slice(1), '', 7, [nonce], sha256('nonce')]) {
    assert.equal((await send(wrong)).body.code, 'use_dpop_nonce', JSON.stringify(wrong));
  }
  const other = await askBound(
    {
      ...gateway,
      origin: gateway.origins[1],
      ask: gateway.ask,
      fetch: (path, init) => fetch(new URL(path, gateway.origins[1]), init),
    },
    '/nonces',
    {
      holder: fresh,
      token: bound,
      how: { claims: { nonce } },
    },
  );
  assert.equal(other.status, 200, 'in another isolate');
  await later(30);
  const ending = await send(nonce);
  const next = ending.headers.get('dpop-nonce');
  assert.deepEqual([ending.status, next !== null && next !== nonce], [200, true], 'with the one that follows');
  await later(30);
  assert.deepEqual([(await send(nonce)).body.code, (await send(next)).status], ['use_dpop_nonce', 200]);
});

test('a page of another origin may send proofs and read what asks for them', async () => {
  const origin = 'https://app.example';
  const preflight = {
    origin,
    'access-control-request-method': 'GET',
    'access-control-request-headers': 'authorization,dpop',
  };
  const allowed = await gateway.fetch('/requires', { method: 'OPTIONS', headers: preflight });
  assert.match(allowed.headers.get('access-control-allow-headers') ?? '', /(^|, )dpop(,|$)/);
  const refused = await gateway.ask('/requires', { headers: { origin } });
  const exposed = refused.headers.get('access-control-expose-headers').split(', ');
  assert.deepEqual(exposed, ['x-own', 'dpop-nonce', 'www-authenticate', 'x-problem-code', 'retry-after']);
});

test('the metadata says which proofs are taken', async () => {
  const metadata = async (paths) => {
    const described = await startGateway({ config: { ...configOf(), paths } });
    try {
      return await (await described.fetch('/.well-known/oauth-protected-resource')).json();
    } finally {
      await described.close();
    }
  };
  const requiring = { ...answered, path: '/requires', auth: { dpop: 'require' } };
  const accepting = { ...answered, path: '/accepts', auth: true };
  const both = await metadata([requiring, accepting]);
  assert.deepEqual(both.dpop_signing_alg_values_supported.sort(), ALGS.slice(6, -1).split(' ').sort());
  assert.equal(both.dpop_bound_access_tokens_required, undefined);
  assert.equal((await metadata([requiring])).dpop_bound_access_tokens_required, true);
});

test('what is kept without objects has room for the youngest, and objects take nothing once they forget', () => {
  const kept = new Map();
  assert.deepEqual(
    [keep(kept, 'a', 10, 5), keep(kept, 'a', 10, 10), keep(kept, 'a', 20, 11)],
    ['taken', 'used', 'taken'],
  );
  assert.deepEqual(
    [keep(kept, 'a', 20, 20.999), keep(kept, 'a', 30, 21)],
    ['used', 'taken'],
    'a proof is taken to the end of its last second',
  );
  for (let at = 0; at < 20_000; at += 1) keep(kept, `other ${at}`, 100, 5);
  assert.deepEqual([kept.size, kept.has('a'), kept.has('other 0')], [20_000, false, true]);

  for (const [issuedAt, name, end] of /** @type {[number, string, number][]} */ ([
    [1_500, 'k.5', 1_800],
    [1_799.9, 'k.5', 1_800],
    [1_800, 'k.6', 2_100],
  ])) {
    assert.deepEqual(placeOf('k', issuedAt), { name, end });
  }
  const entries = new Map();
  let alarm;
  const storage = {
    kv: { get: (key) => entries.get(key), put: (key, value) => entries.set(key, value) },
    setAlarm: async (at) => {
      alarm = at;
    },
    deleteAll: async () => entries.clear(),
  };
  const end = Math.ceil(Date.now() / 1000);
  const table = [
    [`${end} j r`, 'taken', 'a proof'],
    [`${end} j r`, 'taken', 'the same requester, whose answer was lost'],
    [`${end} j s`, 'used', 'another'],
    [`${end} k s`, 'taken', 'another proof'],
    [`${end - 901} l r`, 'used', 'one of a time that was forgotten'],
    ['', 'used', 'no message'],
    ['never j r', 'used', 'no time'],
    [`${end} l`, 'used', 'no requester'],
  ];
  for (const [message, expected, why] of table) assert.equal(take(storage, message), expected, why);
  assert.equal(alarm, (end + 900) * 1000);
});

test('a nonce is judged by those that count', () => {
  const nonces = ['recent', 'coming', 'before'];
  for (const [sent, expected] of [
    ['recent', 'recent'],
    ['coming', 'recent'],
    ['before', 'ending'],
    ['Recent', 'unknown'],
    ['recen', 'unknown'],
    ['recent ', 'unknown'],
    ['', 'unknown'],
    [undefined, 'unknown'],
    [['recent'], 'unknown'],
    [7, 'unknown'],
    [{ toString: 1, valueOf: 1 }, 'unknown'],
  ]) {
    assert.equal(judge(sent, nonces), expected, JSON.stringify(sent));
  }
  assert.equal(judge('', ['', '', '']), 'unknown', 'no nonce is none');
});
