// Key sets on workerd: what the gateway makes of a provider's bad day, of KV, of rotation, and of those who make up key ids.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { publicKeyOf } from '../../../dev/tenant/keys.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import {
  KEY_SET,
  ask,
  assertRefused,
  assertTellsNothing,
  base64url,
  flipSignatureBit,
  protectedGateway,
  publish,
  seconds,
} from '../support/bearer.mjs';
import { STORAGE } from '../support/miniflare.mjs';
import { until } from '../support/harness.mjs';
import { sendBytes } from '../support/wire.mjs';

// What the gateway waits for a key set, and JWKS_LOAD_RETRY_SECS of jwks.rs.
const TIMEOUT_SECS = 10;
const RETRY_SECS = 2;

const IDP_TIMEOUT = {
  status: 504,
  code: 'idp_timeout',
  retryAfter: '5',
  reason: /^$/,
  log: /took too long/,
  passes: TIMEOUT_SECS,
};

describe('a provider on a bad day', { concurrency: 8 }, () => {
  const broken = {
    status: 502,
    code: 'idp_error',
    retryAfter: null,
    reason: /^its key set cannot be used$/,
    log: /the document is not a JWKS$/,
  };
  const refused = (status) => ({
    ...broken,
    reason: new RegExp(`^${status}: `),
    log: new RegExp(`: status ${status}`),
  });
  /** @type {any[][]} */
  const table = [
    [
      'resets the connection',
      { kind: 'reset' },
      {
        status: 503,
        code: 'idp_unavailable',
        retryAfter: '5',
        reason: /^Network connection lost/,
        log: /: Network connection lost/,
      },
    ],
    ['hangs', { kind: 'hang' }, IDP_TIMEOUT],
    ['is slow', { kind: 'slow', delayMs: 60 * 60 * 1000 }, IDP_TIMEOUT],
    ['answers 500', { kind: 'status' }, refused(500)],
    ['answers 403 with a good key set', 'forbidden', refused(403)],
    ['redirects', { kind: 'status', status: 302, headers: { location: '/elsewhere' } }, refused(302)],
    ['answers HTML', { kind: 'html' }, broken],
    ['answers nothing', { kind: 'empty' }, broken],
    ['answers JSON that is cut off', { kind: 'malformed' }, broken],
    ['answers 10 MB', { kind: 'huge' }, { ...broken, log: /larger than/ }],
    [
      'answers a set without keys',
      { kind: 'status', status: 200, body: '{"keys":[]}' },
      { ...broken, log: /no usable key/ },
    ],
    [
      'answers a set of keys that cannot be used',
      { kind: 'status', status: 200, body: '{"keys":[{"kty":"oct","k":"AA"}]}' },
      { ...broken, log: /no usable key/ },
    ],
    ['answers keys that are no list', { kind: 'status', status: 200, body: '{"keys":{}}' }, broken],
    ['answers more keys than are read', 'crowd', { ...broken, log: /65 keys/ }],
  ];
  for (const [name, fault, expected] of table) {
    test(`${name}: nobody gets in, the answer says whose fault it is, and all is well once it is over`, async (t) => {
      const { tenant, gateway } = await start(t);
      const token = await tenant.mint();
      const made = {
        forbidden: { kind: 'status', status: 403, body: JSON.stringify(tenant.keySet()) },
        crowd: { kind: 'status', status: 200, body: JSON.stringify({ keys: Array(65).fill(tenant.keySet().keys[0]) }) },
      };
      tenant.fault({ path: KEY_SET, ...(made[fault] ?? fault) });

      const asked = ask(gateway, token);
      await until(() => tenant.counts[KEY_SET] === 1);
      if (expected.passes) await gateway.elapse(expected.passes);
      const answer = await asked;
      assert.deepEqual([answer.status, answer.body.code], [expected.status, expected.code]);
      assert.equal(answer.headers.get('content-type'), 'application/problem+json');
      assert.equal(answer.headers.get('retry-after'), expected.retryAfter);
      assert.equal(answer.headers.get('www-authenticate'), null, 'the token is not to blame');
      assert.equal(answer.record.code, expected.code);
      assert.match(answer.record.reason ?? '', expected.reason);
      const logged = await gateway.record(({ code }) => code === 'jwks_unavailable');
      assert.ok(logged.message.includes(KEY_SET), 'the log names the address');
      assert.match(logged.message, expected.log);

      tenant.clearFaults();
      await gateway.later(RETRY_SECS);
      assert.equal((await ask(gateway, token)).status, 200);
    });
  }

  test("does not take the gateway's good keys away", async (t) => {
    const { tenant, gateway } = await start(t);
    const known = await tenant.mint();
    assert.equal((await ask(gateway, known)).status, 200);
    tenant.fault({ path: KEY_SET, kind: 'status', status: 200, body: '{"keys":[]}' });
    // A key that the set has not makes the gateway ask, and what it gets is no set.
    const unknown = await ask(gateway, withKid(known, randomUUID()));
    assert.deepEqual([unknown.status, unknown.body.code], [502, 'idp_error'], 'the key may well exist');
    assert.equal((await ask(gateway, await tenant.mint({ jti: 'another' }))).status, 200);
  });

  test('that does not answer is asked once, however many wait', async (t) => {
    const { tenant, gateway } = await start(t);
    tenant.fault({ path: KEY_SET, kind: 'hang' });
    const token = await tenant.mint();
    const asked = Array.from({ length: 10 }, () => ask(gateway, token));
    await until(async () => (await gateway.taken()) === asked.length);
    // Longer than RETRY_SECS, so that those who waited find the failure old when they come to it.
    await gateway.elapse(TIMEOUT_SECS);
    const answers = await Promise.all(asked);
    for (const { status, body } of answers) assert.deepEqual([status, body.code], [504, 'idp_timeout']);
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('nothing listens where it should: the answer is 503', async (t) => {
    const gone = await startTenant();
    await gone.close();
    const { tenant, gateway } = await start(t, { jwks_uri: `${gone.origin}${KEY_SET}?key=only-we-know` });
    const answer = await ask(gateway, await tenant.mint());
    assert.deepEqual([answer.status, answer.body.code], [503, 'idp_unavailable']);
    const logged = await gateway.record(({ code }) => code === 'jwks_unavailable');
    assert.ok(logged.message.startsWith(`${gone.origin}${KEY_SET}: `), logged.message);
    assert.deepEqual(
      gateway.lines.filter(({ message }) => message.includes('only-we-know')),
      [],
      'without what its query holds',
    );
  });

  test('good keys work beside keys of unknown kinds', async (t) => {
    const { tenant, gateway } = await start(t);
    const [good] = tenant.keys.map(publicKeyOf);
    publish(tenant, [
      { kty: 'oct', k: 'AA', kid: good.kid },
      { kty: 'AKP', alg: 'ML-DSA-65', pub: 'AA', kid: 'post-quantum' },
      { kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA', kid: good.kid },
      { kty: 'OKP', crv: 'X25519', x: 'AA', kid: 'x' },
      { kty: 'RSA', n: '!!', e: 'AQAB', kid: good.kid },
      { kty: 'RSA', kid: good.kid },
      { kid: good.kid },
      {},
      'a text',
      7,
      null,
      [],
      { ...good, kid: 7 },
      { ...good, alg: 'XX999' },
      // Looks like a key until WebCrypto sees it: no point of the curve.
      { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43), kid: good.kid },
      { ...good, x5c: ['not', 'read'], 'https://example.com/': { any: 'thing' } },
    ]);
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
  });

  for (const [what, change, reason] of /** @type {any[][]} */ ([
    ['padded', (key) => ({ ...key, n: `${key.n}==` }), 'its n is missing or malformed'],
    [
      'short',
      (key) => ({ ...key, n: Buffer.alloc(128, 0xff).toString('base64url') }),
      'an RSA key of 1024 bits, not 2048 to 8192',
    ],
    ['for encryption', (key) => ({ ...key, use: 'enc' }), 'for another use than signatures'],
    [
      'on another curve',
      ({ kid }) => ({ kid, kty: 'EC', crv: 'secp256k1', x: 'AA', y: 'AA' }),
      'its crv is not supported',
    ],
    ['of another type', ({ kid }) => ({ kid, kty: 'oct', k: 'AA' }), 'its kty is not supported'],
    ['for another algorithm', (key) => ({ ...key, alg: 'RSA-OAEP' }), 'its alg is not supported'],
  ])) {
    test(`the log says of a key that cannot be used which it is, and why: ${what}`, async (t) => {
      const { tenant, gateway } = await start(t);
      const [good] = tenant.keys.map(publicKeyOf);
      const bad = change(good);
      publish(tenant, [bad]);
      const token = await tenant.mint();
      const nothing = await ask(gateway, token);
      assert.deepEqual([nothing.status, nothing.body.code], [502, 'idp_error'], 'alone');
      const { message } = await gateway.record(({ code }) => code === 'jwks_unavailable');
      assert.equal(message, `${tenant.origin}${KEY_SET}: the key set has no usable key: ${good.kid}: ${reason}`);

      tenant.clearFaults();
      publish(tenant, [bad, { ...good, kid: 'another' }]);
      await gateway.later(RETRY_SECS);
      const beside = await ask(gateway, token);
      assert.equal(beside.record.reason, `the key "${good.kid}" cannot be used: ${reason}`, 'beside another');
    });
  }

  test('two keys under one name: whichever signed is found', async (t) => {
    const { tenant, gateway } = await start(t);
    const [old] = tenant.keys;
    const young = await tenant.rotateKeys();
    publish(tenant, [publicKeyOf(old), { ...publicKeyOf(young), kid: old.kid }]);
    for (const key of [old, young]) {
      assert.equal((await ask(gateway, await tenant.mint({}, { key, header: { kid: old.kid } }))).status, 200);
    }
  });
});

describe('the copy in KV', { concurrency: 8 }, () => {
  test('serves another isolate while the provider is away', async (t) => {
    const directory = await mkdtemp(join(STORAGE, 'bargate-kv-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const tenant = await startTenant();
    t.after(() => tenant.close());
    const first = await protectedGateway(tenant, {}, { kv: ['JWKS'], resourcePersistencePath: directory });
    try {
      assert.equal((await ask(first, await tenant.mint())).status, 200);
      const stored = await storedCopy(first, tenant);
      assert.deepEqual(JSON.parse(stored.document), tenant.keySet());
      assert.equal(stored.fetched_at, seconds());
    } finally {
      await first.close();
    }
    tenant.fault({ path: KEY_SET, kind: 'reset' });
    const second = await protectedGateway(tenant, {}, { resourcePersistencePath: directory });
    t.after(() => second.close());
    assert.equal((await ask(second, await tenant.mint())).status, 200);
    assert.equal(tenant.counts[KEY_SET], 1, 'a fresh copy is no reason to ask');
  });

  test('that is stale is served at once and renewed behind the answer', async (t) => {
    const { tenant, gateway } = await start(t);
    await store(gateway, tenant, { fetched_at: seconds() - 20 * 60, document: JSON.stringify(tenant.keySet()) });
    const hold = tenant.hold(KEY_SET);
    // The provider answers only after the client has been answered.
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    await hold.arrived();
    hold.release();
    await until(async () => (await storedCopy(gateway, tenant)).fetched_at === seconds());
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('that is stale serves while the provider fails, which is asked again and again but not by each', async (t) => {
    const { tenant, gateway } = await start(t);
    await store(gateway, tenant, { fetched_at: seconds() - 23 * 60 * 60, document: JSON.stringify(tenant.keySet()) });
    tenant.fault({ path: KEY_SET, kind: 'status' });
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    await gateway.record(({ code }) => code === 'jwks_unavailable');
    const answers = await Promise.all(
      Array.from({ length: 20 }, async (_, jti) => ask(gateway, await tenant.mint({ jti: String(jti) }))),
    );
    assert.deepEqual(
      answers.map(({ status }) => status),
      Array(20).fill(200),
    );
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('by a clock that is ahead is used, as far as clocks differ', async (t) => {
    const { tenant, gateway } = await start(t);
    await store(gateway, tenant, { fetched_at: seconds() + 60, document: JSON.stringify(tenant.keySet()) });
    tenant.fault({ path: KEY_SET, kind: 'reset' });
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    assert.equal(tenant.counts[KEY_SET], undefined, 'and it is fresh');
  });

  /** @type {any[][]} */
  const copies = [
    [
      'older than a day',
      (tenant) => ({ fetched_at: seconds() - 25 * 60 * 60, document: JSON.stringify(tenant.keySet()) }),
    ],
    ['from the future', (tenant) => ({ fetched_at: seconds() + 3600, document: JSON.stringify(tenant.keySet()) })],
    ['without keys', () => ({ fetched_at: seconds(), document: '{"keys":[]}' })],
    ['whose document is none', () => ({ fetched_at: seconds(), document: 7 })],
    ['of another shape', (tenant) => tenant.keySet()],
    ['that is no JSON', () => '<html>'],
    ['that is empty', () => ''],
  ];
  for (const [name, copy] of copies) {
    test(`${name} is not used`, async (t) => {
      const { tenant, gateway } = await start(t);
      await store(gateway, tenant, copy(tenant));
      tenant.fault({ path: KEY_SET, kind: 'reset' });
      const answer = await ask(gateway, await tenant.mint());
      assert.deepEqual([answer.status, answer.body.code], [503, 'idp_unavailable'], 'the provider is away');
      tenant.clearFaults();
      await gateway.later(RETRY_SECS);
      assert.equal((await ask(gateway, await tenant.mint())).status, 200);
      assert.deepEqual(
        JSON.parse((await storedCopy(gateway, tenant)).document),
        tenant.keySet(),
        'a good copy replaces it',
      );
    });
  }

  test('is not needed: without the binding each isolate asks for itself', async (t) => {
    const { tenant, gateway } = await start(t, {}, { kv: [] });
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
  });
});

describe('a token that names no key, where the set has a single one', { concurrency: 8 }, () => {
  const nameless = { header: { kid: undefined } };
  for (const [message, published] of /** @type {any[][]} */ ([
    ['without a name', (key) => ({ ...publicKeyOf(key), kid: undefined })],
    ['with a name', publicKeyOf],
  ])) {
    test(`${message}, is believed after a rotation, and one by the old key is not`, async (t) => {
      const { tenant, gateway } = await start(t);
      const [old] = tenant.keys;
      publish(tenant, [published(old)]);
      const known = await tenant.mint({}, nameless);
      assert.equal((await ask(gateway, known)).status, 200);
      const young = await tenant.rotateKeys({ forgetOld: true });
      tenant.clearFaults();
      publish(tenant, [published(young)]);
      assert.equal((await ask(gateway, known)).status, 200, 'the gateway has not heard yet');
      assert.equal(tenant.counts[KEY_SET], 1);

      const hold = tenant.hold(KEY_SET);
      const asked = Array.from({ length: 10 }, async (_, jti) =>
        ask(gateway, await tenant.mint({ jti: `${jti}` }, nameless)),
      );
      await hold.arrived();
      hold.release();
      for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200, answer.text);
      assert.equal(tenant.counts[KEY_SET], 2, 'one renewal for all');
      const late = await tenant.mint({ jti: 'late' }, { key: old, ...nameless });
      for (const token of [known, late]) {
        await assertRefused(gateway, token, 'token_invalid', /^the signature does not verify$/, 'the old key');
      }
      assert.equal((await ask(gateway, await tenant.mint({ jti: 'last' }, nameless))).status, 200);
      assert.equal(tenant.counts[KEY_SET], 2, 'and none for the old key, so soon');
    });
  }

  test('costs the provider one call where its signature is bad, however many come', async (t) => {
    const { tenant, gateway } = await start(t);
    const genuine = await tenant.mint({}, nameless);
    assert.equal((await ask(gateway, genuine)).status, 200);
    const forged = await Promise.all(
      Array.from({ length: 100 }, async (_, jti) => flipSignatureBit(await tenant.mint({ jti: `${jti}` }, nameless))),
    );
    for (const token of forged.slice(0, 50)) {
      await assertRefused(gateway, token, 'token_invalid', /^the signature does not verify$/, 'one by one');
    }
    for (const { status } of await Promise.all(forged.slice(50).map((token) => ask(gateway, token))))
      assert.equal(status, 401);
    assert.equal(tenant.counts[KEY_SET], 2);
    assert.equal((await ask(gateway, genuine)).status, 200, 'the genuine token still counts');
  });

  test('costs no call where its name is known and its signature is bad', async (t) => {
    const { tenant, gateway } = await start(t);
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    const forged = flipSignatureBit(await tenant.mint());
    await assertRefused(gateway, forged, 'token_invalid', /^the signature does not verify$/, 'a named key');
    assert.equal(tenant.counts[KEY_SET], 1);
  });
});

describe('a key that is not known, so soon after the set was fetched for another', { concurrency: 8 }, () => {
  const COOLDOWN_SECS = 30;

  test('may be younger than the set: its token is to be sent again, and is accepted then', async (t) => {
    const { tenant, gateway } = await start(t);
    assert.equal((await ask(gateway, withKid(await tenant.mint(), randomUUID()))).status, 401, 'who asked was told');
    await tenant.rotateKeys({ forgetOld: true });
    const token = await tenant.mint();
    const early = await ask(gateway, token);
    assert.deepEqual([early.status, early.body.code], [503, 'idp_unavailable'], 'it is too soon to ask');
    assert.equal(early.headers.get('retry-after'), '5');
    assert.match(early.record.reason, /^the token's key may be younger than the key set$/);
    await gateway.later(COOLDOWN_SECS);
    assert.equal((await ask(gateway, token)).status, 200);
  });

  test('is made up if its token is older than the set', async (t) => {
    const { tenant, gateway } = await start(t);
    assert.equal((await ask(gateway, withKid(await tenant.mint(), randomUUID()))).status, 401);
    const old = withKid(await tenant.mint({ iat: seconds() - 60 }), randomUUID());
    await assertRefused(gateway, old, 'token_invalid', /^no key "/, 'the set would have it');
    assert.equal(tenant.counts[KEY_SET], 2, 'the first load, and one renewal');
  });

  test('is not waited for if its token would not pass with it', async (t) => {
    const { tenant, gateway } = await start(t);
    assert.equal((await ask(gateway, withKid(await tenant.mint(), randomUUID()))).status, 401);
    const young = withKid(await tenant.mint(), randomUUID());
    assert.equal((await ask(gateway, young)).status, 503, 'the baseline');
    for (const [message, claims] of /** @type {[string, Record<string, any>][]} */ ([
      ['no iat', { iat: undefined }],
      ['an iat that is no number', { iat: 'today' }],
      ['an iat that is ahead', { iat: seconds() + 600 }],
      ['another issuer', { iss: 'https://other.example/' }],
      ['another audience', { aud: 'other' }],
      ['an exp that is over', { exp: seconds() - 600 }],
    ])) {
      const token = withKid(await tenant.mint(claims), randomUUID());
      await assertRefused(gateway, token, 'token_invalid', /^no key "/, message);
    }
    assert.equal(tenant.counts[KEY_SET], 2, 'none of them is asked for');
  });
});

describe('many at once', () => {
  test('a herd of a hundred on a cold isolate costs one call', async (t) => {
    const { tenant, gateway } = await start(t);
    const token = await tenant.mint();
    const hold = tenant.hold(KEY_SET);
    const herd = Array.from({ length: 100 }, () => ask(gateway, token));
    await hold.arrived();
    hold.release();
    for (const answer of await Promise.all(herd)) assert.equal(answer.status, 200);
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('a client that hangs up during the load takes nobody with it', async (t) => {
    const { tenant, gateway } = await start(t);
    const token = await tenant.mint();
    const hold = tenant.hold(KEY_SET);
    const leaving = new AbortController();
    const left = gateway.fetch('/private', { headers: { authorization: `Bearer ${token}` }, signal: leaving.signal });
    await hold.arrived();
    const staying = Array.from({ length: 10 }, () => ask(gateway, token));
    leaving.abort();
    await assert.rejects(left, { name: 'AbortError' });
    hold.release();
    for (const answer of await Promise.all(staying)) assert.equal(answer.status, 200);
    assert.equal(tenant.counts[KEY_SET], 1);
  });

  test('no genuine token is refused while keys rotate under load', async (t) => {
    const { tenant, gateway } = await start(t);
    const [old] = tenant.keys;
    assert.equal((await ask(gateway, await tenant.mint())).status, 200);
    const answered = { old: 0, young: 0 };
    let young;
    let over = false;
    const worker = async () => {
      while (!over) {
        const key = young && Math.random() < 0.5 ? young : old;
        const answer = await ask(gateway, await tenant.mint({ jti: randomUUID() }, { key }));
        assert.equal(answer.status, 200, `${key === old ? 'old' : 'young'} key: ${answer.text}`);
        answered[key === old ? 'old' : 'young'] += 1;
      }
    };
    const load = Promise.all(Array.from({ length: 30 }, worker));
    await Promise.race([load, until(() => answered.old >= 200)]);
    young = await tenant.rotateKeys();
    await Promise.race([load, until(() => answered.young >= 300 && answered.old >= 400)]);
    over = true;
    await load;
    assert.equal(tenant.counts[KEY_SET], 2, 'the first load, and one renewal');
  });

  test('ten thousand made-up key ids cost the provider one call, and none gets in', async (t) => {
    const { tenant, gateway } = await start(t);
    const genuine = await tenant.mint({ iat: seconds() - 60 });
    assert.equal((await ask(gateway, genuine)).status, 200);
    const before = tenant.counts[KEY_SET];
    const request = () =>
      `GET /private HTTP/1.1\r\nHost: gateway.example\r\nAuthorization: Bearer ${withKid(genuine, randomUUID())}\r\n\r\n`;
    // Fifty at a time, each followed by the next on its connection.
    const connections = Array.from({ length: 50 }, () => Array.from({ length: 200 }, request).join(''));
    const answers = await Promise.all(connections.map((requests) => sendBytes(gateway.origin, requests)));
    assert.deepEqual(
      answers.flatMap(({ statuses }) => statuses),
      Array(10_000).fill(401),
    );
    assert.equal(tenant.counts[KEY_SET], before + 1);
    const last = await ask(gateway, withKid(genuine, randomUUID()));
    assertTellsNothing(last, 'token_invalid');
    assert.equal(
      (await ask(gateway, await tenant.mint({ jti: 'fresh' }))).status,
      200,
      'who has a good key still gets in',
    );
  });
});

async function start(t, authorizer = {}, options = {}) {
  const tenant = await startTenant();
  t.after(() => tenant.close());
  const gateway = await protectedGateway(tenant, authorizer, { kv: ['JWKS'], ...options });
  t.after(() => gateway.close());
  return { tenant, gateway };
}

const kvKey = (tenant) => `jwks:${tenant.origin}${KEY_SET}`;

async function store(gateway, tenant, copy) {
  const kv = await gateway.kv('JWKS');
  await kv.put(kvKey(tenant), typeof copy === 'string' ? copy : JSON.stringify(copy));
}

async function storedCopy(gateway, tenant) {
  const kv = await gateway.kv('JWKS');
  return kv.get(kvKey(tenant), 'json');
}

function withKid(token, kid) {
  const [, payload, signature] = token.split('.');
  return `${base64url({ alg: 'RS256', kid })}.${payload}.${signature}`;
}
