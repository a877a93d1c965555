// API keys: what opens a path and what does not, what an upstream gets of them, and how soon one that was revoked is refused.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, describe, test } from 'node:test';
import { promisify } from 'node:util';
import axios from 'axios';
import { startApi } from '../../../dev/api.mjs';
import { NAMESPACE, countingEntry, inKv, makeKey, readsOf, remove, store } from '../support/api-keys.mjs';
import { later } from '../support/clock.mjs';
import { proxied, startGateway } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { STORE_UNAVAILABLE, from } from '../support/rules.mjs';

const CACHE_SECS = 30;
/** UNKNOWN_SECS, STALE_SECS and RETRY_SECS of api_keys.rs. */
const UNKNOWN_SECS = 60;
const STALE_SECS = 600;
const RETRY_SECS = 5;

/** @type {[number, string]} */
const INVALID = [401, 'token_invalid'];
/** Nor is what is not one credential told from one that is wrong. */
const MALFORMED = INVALID;

let api;
let gateway;
/** @type {import('../support/api-keys.mjs').Key} */
let key;
/** @type {import('../support/api-keys.mjs').Key} */
let listed;

const limited = { limit: 2, period_seconds: 100, key: 'api_key' };

const configOf = (keys) => ({
  servers: [{ alias: 'api', url: api.origin }],
  cors: { allow_origins: ['https://app.example'] },
  authorizers: { partners: { ...inKv, cache_seconds: CACHE_SECS, keys } },
  paths: [
    proxied('/orders/{.+}', 'api', {
      auth: { authorizer: 'partners', scopes: ['read:orders'] },
      mapping: { headers: { 'x-partner': '$request.jwt.sub', 'x-tenant': '$request.jwt.tenant' } },
    }),
    proxied('/open/{.+}', 'api'),
    { method: 'GET', path: '/any', auth: true, response: { ok: true } },
    { method: 'GET', path: '/limited', auth: true, response: { ok: true }, rate_limit: limited },
    { method: 'GET', path: '/strong', auth: { acr_values: ['2'] }, response: { ok: true } },
  ],
});

before(async () => {
  api = await startApi();
  [key, listed] = await Promise.all([
    makeKey(['--scope', 'read:orders', '--claim', 'tenant=acme-eu']),
    makeKey(['--owner', 'listed', '--scope', 'read:orders']),
  ]);
  const { version: _, ...record } = JSON.parse(listed.value);
  gateway = await startGateway({
    clock: true,
    isolates: 4,
    kv: [NAMESPACE],
    config: configOf([{ sha256: listed.sha256, ...record }]),
    entry: countingEntry,
  });
  await store(gateway, key);
});

after(() => Promise.all([gateway?.close(), api?.close()]));

const inHeader = (text) => ({ 'x-api-key': text });
const asBearer = (text) => ({ authorization: `Bearer ${text}` });
const ask = (headers, path = '/any') => gateway.ask(path, { headers });
const statusAt = async (origin, headers) => (await fetch(new URL('/any', origin), { headers })).status;

describe('a key opens what its record says', () => {
  test('in its header and as a bearer token, from KV and from the config', async () => {
    for (const { one, owner, tenant } of [
      { one: key, owner: 'acme', tenant: 'acme-eu' },
      { one: listed, owner: 'listed', tenant: undefined },
    ]) {
      for (const headers of [inHeader(one.key), asBearer(one.key), { 'X-API-KEY': one.key }]) {
        const answer = await ask(headers, '/orders/7');
        assert.equal(answer.status, 200, answer.text);
        const sent = api.requests.at(-1).headers;
        assert.deepEqual([sent['x-partner'], sent['x-tenant']], [owner, tenant]);
        assert.ok(!JSON.stringify(sent).includes(one.key), 'no upstream gets a key');
        assert.equal(sent.authorization, undefined);
        assert.ok(!JSON.stringify(answer.record).includes(one.key), 'nor does the log');
        assert.equal(answer.record.api_key, one.sha256, 'which says which it was');
      }
    }
  });

  test('for the clients that people have', async () => {
    const { data } = await axios.get(`${gateway.origin}/any`, { headers: inHeader(key.key) });
    assert.deepEqual(data, { ok: true });
    const { stdout } = await promisify(execFile)('curl', [
      '-s',
      '-H',
      `X-API-Key: ${key.key}`,
      `${gateway.origin}/any`,
    ]);
    assert.deepEqual(JSON.parse(stdout), { ok: true });
  });

  test('and nothing else', async () => {
    const other = await makeKey(['--scope', 'write:orders']);
    await store(gateway, other);
    assertProblem(await ask(inHeader(other.key), '/orders/7'), [403, 'insufficient_scope'], 'another scope');
    assertProblem(
      await ask(inHeader(key.key), '/strong'),
      [401, 'insufficient_user_authentication'],
      'nobody logged in',
    );
  });

  test('until its last second, and only from its addresses', async () => {
    const [expired, bound] = await Promise.all([
      makeKey(['--not-after', '2020-01-01T00:00:00Z']),
      makeKey(['--ip', '192.0.2.0/24']),
    ]);
    await Promise.all([expired, bound].map((one) => store(gateway, one)));
    assertProblem(await ask(inHeader(expired.key)), [401, 'token_expired'], 'expired');
    assert.equal((await ask({ ...inHeader(bound.key), ...from('192.0.2.7') })).status, 200);
    const elsewhere = await ask({ ...inHeader(bound.key), ...from('198.51.100.7') });
    assertProblem(elsewhere, INVALID, 'from elsewhere');
    assert.match(elsewhere.record.reason, /address/);
  });

  test('never on an open path, to whose upstream it does not go either', async () => {
    for (const headers of [inHeader(key.key), asBearer(key.key), { authorization: key.key }]) {
      assert.equal((await ask(headers, '/open/1')).status, 200);
      assert.ok(!JSON.stringify(api.requests.at(-1).headers).includes(key.key), JSON.stringify(Object.keys(headers)));
    }
    const token = { authorization: 'Bearer a.b.c' };
    await ask(token, '/open/1');
    assert.equal(api.requests.at(-1).headers.authorization, token.authorization, 'a token of a client does');
  });

  test('as the challenge says', async () => {
    const challenge = async (headers) => (await ask(headers)).headers.get('www-authenticate');
    assert.equal(await challenge({}), 'Bearer, ApiKey header="X-API-Key"');
    const refused = await challenge(inHeader('acme_live_x'));
    assert.match(refused, /^Bearer error="invalid_token", .*, ApiKey header="X-API-Key"$/);
  });

  test('for pages of the origins that the config lists', async () => {
    const preflight = {
      origin: 'https://app.example',
      'access-control-request-method': 'GET',
      'access-control-request-headers': 'x-api-key',
    };
    const { headers } = await gateway.ask('/any', { method: 'OPTIONS', headers: preflight });
    assert.match(headers.get('access-control-allow-headers') ?? '', /(^|, )x-api-key(,|$)/);
  });
});

describe('what is not a key of the path is refused without a look into KV', () => {
  const swapped = (text, at) => text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1);
  const flipped = (text) =>
    text.replace(/[a-zA-Z](?=[0-9A-Za-z]{0,37}$)/, (c) => (c === c.toLowerCase() ? c.toUpperCase() : c.toLowerCase()));

  test('whatever it looks like', async () => {
    const text = key.key;
    const rows = [
      ['half', text.slice(0, 28), INVALID],
      ['doubled', text + text, INVALID],
      ['with a comma between two', `${text}, ${text}`, MALFORMED],
      ['one sign too many', `${text}0`, INVALID],
      ['one too few', text.slice(0, -1), INVALID],
      ['another sign in the middle', swapped(text, 20), INVALID],
      ['another checksum', swapped(text, text.length - 1), INVALID],
      ['a letter in the other case', flipped(text), INVALID],
      ['the prefix in capitals', text.replace('acme_live', 'ACME_LIVE'), INVALID],
      ['another prefix', text.replace('acme_live', 'acme_test'), INVALID],
      ['no prefix', text.slice(10), INVALID],
      ['the prefix twice', `acme_live_${text}`, INVALID],
      ['only the prefix', 'acme_live_', INVALID],
      ['a hyphen for the underscore', text.replace('acme_live_', 'acme_live-'), INVALID],
      ['percent-encoded', text.replace('_', '%5F'), MALFORMED],
      ['a space in it', text.replace('_live_', '_live_ '), MALFORMED],
      ['a line end that is written out', `${text}%0A`, MALFORMED],
      ['a zero byte that is written out', `${text}%00`, MALFORMED],
      ['letters beyond ASCII', `${text.slice(0, -1)}\u00e9`, MALFORMED],
      ['its digest', key.sha256, INVALID],
      ['16 KiB', 'acme_live_'.padEnd(16 * 1024, 'a'), INVALID],
      ['a token', 'eyJhbGciOiJub25lIn0.e30.', INVALID],
      ['the name of a member of objects', '__proto__', INVALID],
    ];
    const before = await readsOf(gateway);
    for (const [message, sent, expected] of rows) {
      for (const headers of [inHeader(sent), asBearer(sent)]) {
        const answer = await ask(headers);
        assertProblem(answer, expected, message);
        assert.ok(!JSON.stringify(answer.record).includes(sent), `${message}: the log does not have it`);
      }
    }
    assert.equal(await readsOf(gateway), before);
  });

  test('nor a key in another place, nor two at once', async () => {
    const token = { authorization: 'Bearer a.b.c' };
    /** @type {[string, () => Promise<any>, [number, string]][]} */
    const rows = [
      ['in the query', () => ask({}, `/any?x-api-key=${key.key}&api_key=${key.key}`), [401, 'token_missing']],
      ['in a cookie', () => ask({ cookie: `x-api-key=${key.key}` }), [401, 'token_missing']],
      ['under another scheme', () => ask({ authorization: `Basic ${key.key}` }), [401, 'token_missing']],
      ['in both headers', () => ask({ ...inHeader(key.key), ...asBearer(key.key) }), MALFORMED],
      ['beside a token', () => ask({ ...inHeader(key.key), ...token }), MALFORMED],
      ['beside another scheme', () => ask({ ...inHeader(key.key), authorization: 'Basic dTpw' }), MALFORMED],
      ['beside a bound token', () => ask({ ...inHeader(key.key), authorization: 'DPoP a.b.c' }), MALFORMED],
    ];
    for (const [message, sent, expected] of rows) assertProblem(await sent(), expected, message);
  });
});

describe('what KV has', () => {
  test('is not asked twice in a minute about a key that it has not', async () => {
    const unknown = await makeKey();
    const before = await readsOf(gateway);
    const many = await Promise.all(Array.from({ length: 8 }, () => ask(inHeader(unknown.key))));
    assert.deepEqual(new Set(many.map(({ status }) => status)), new Set([401]));
    await later(UNKNOWN_SECS - 1);
    assertProblem(await ask(inHeader(unknown.key)), INVALID, 'within the minute');
    assert.equal(await readsOf(gateway), before + 1);
    await later(1);
    assertProblem(await ask(inHeader(unknown.key)), INVALID, 'and after it');
    assert.equal(await readsOf(gateway), before + 2);
  });

  test('is asked once in a while about one that it has, by any number of requests', async () => {
    const known = await makeKey();
    await store(gateway, known);
    const before = await readsOf(gateway);
    await Promise.all(Array.from({ length: 8 }, () => ask(inHeader(known.key))));
    await later(CACHE_SECS - 1);
    assert.equal((await ask(inHeader(known.key))).status, 200);
    assert.equal(await readsOf(gateway), before + 1);
    await later(1);
    assert.equal((await ask(inHeader(known.key))).status, 200);
    assert.equal(await readsOf(gateway), before + 2);
  });

  test('no longer opens a path on any isolate when a key was revoked', async () => {
    const revoked = await makeKey();
    await store(gateway, revoked);
    const statuses = () => Promise.all(gateway.origins.map((origin) => statusAt(origin, inHeader(revoked.key))));
    assert.deepEqual(await statuses(), [200, 200, 200, 200]);
    await remove(gateway, revoked);
    await later(CACHE_SECS);
    assert.deepEqual(await statuses(), [401, 401, 401, 401]);
  });

  test('is believed when it has no key, or no record, even if it is away afterwards', async () => {
    const [revoked, malformed] = await Promise.all([makeKey(), makeKey()]);
    for (const one of [revoked, malformed]) {
      await store(gateway, one);
      assert.equal((await ask(inHeader(one.key))).status, 200);
    }
    await remove(gateway, revoked);
    await store(gateway, malformed, 'rubbish');
    await later(CACHE_SECS);
    assertProblem(await ask(inHeader(revoked.key)), INVALID, 'removed');
    assertProblem(await ask(inHeader(malformed.key)), STORE_UNAVAILABLE, 'no record');
    try {
      await readsOf(gateway, 'away');
      assertProblem(await ask(inHeader(revoked.key)), INVALID, 'within the minute');
      await later(UNKNOWN_SECS);
      for (const one of [revoked, malformed]) {
        assertProblem(await ask(inHeader(one.key)), STORE_UNAVAILABLE, 'what was read before counts no more');
      }
    } finally {
      await readsOf(gateway, 'there');
    }
  });

  test('may be away: what was known goes on for a while, and of others nobody is told that they are wrong', async () => {
    const [known, unknown] = await Promise.all([makeKey(), makeKey()]);
    await Promise.all([known, unknown].map((one) => store(gateway, one)));
    assert.equal((await ask(inHeader(known.key))).status, 200);
    try {
      await readsOf(gateway, 'away');
      await later(CACHE_SECS);
      const before = await readsOf(gateway, 'away');
      for (let count = 0; count < 3; count += 1) assert.equal((await ask(inHeader(known.key))).status, 200);
      assert.equal(await readsOf(gateway, 'away'), before + 1, 'it is not asked by each request');
      await later(RETRY_SECS);
      assert.equal((await ask(inHeader(known.key))).status, 200);
      const refused = await ask(inHeader(unknown.key));
      assertProblem(refused, STORE_UNAVAILABLE, 'a key that was not known');
      assert.match(refused.record.reason, /API_KEYS/);
      await later(STALE_SECS);
      assertProblem(await ask(inHeader(known.key)), STORE_UNAVAILABLE, 'at last');
    } finally {
      await readsOf(gateway, 'there');
    }
    assert.equal((await ask(inHeader(unknown.key))).status, 200, 'when it is back');
  });

  test('opens nothing if it is not the record of a key, whatever it is', async () => {
    const record = { version: 1, owner: 'acme' };
    const rows = [
      ['rubbish', 'rubbish'],
      ['nothing', ''],
      ['null', 'null'],
      ['a list', '[]'],
      ['no owner', JSON.stringify({ version: 1 })],
      ['no version', JSON.stringify({ owner: 'acme' })],
      ['a later version', JSON.stringify({ ...record, version: 2 })],
      ['an owner of another type', JSON.stringify({ ...record, owner: 1 })],
      ['an owner without a name', JSON.stringify({ ...record, owner: '' })],
      ['scopes that are a text', JSON.stringify({ ...record, scopes: 'read:orders' })],
      ['a scope that is two', JSON.stringify({ ...record, scopes: ['a b'] })],
      ['a claim that is the gateway’s', JSON.stringify({ ...record, claims: { sub: 'root' } })],
      ['claims that are a list', JSON.stringify({ ...record, claims: [] })],
      ['an end that is no date', JSON.stringify({ ...record, not_after: '2027-02-29T00:00:00Z' })],
      ['an end that is a number', JSON.stringify({ ...record, not_after: 1 })],
      ['an end that is null', JSON.stringify({ ...record, not_after: null })],
      ['addresses that are a text', JSON.stringify({ ...record, ip: '192.0.2.1' })],
      ['an address that is none', JSON.stringify({ ...record, ip: { allow: ['everyone'] } })],
      ['a member that nobody knows', JSON.stringify({ ...record, methods: ['GET'] })],
      ['a member twice', '{"version":1,"owner":"acme","owner":"root"}'],
      ['too much', JSON.stringify({ ...record, name: 'x'.repeat(20_000) })],
    ];
    for (const [message, text] of rows) {
      const one = await makeKey();
      await store(gateway, one, text);
      const answer = await ask(inHeader(one.key));
      assertProblem(answer, STORE_UNAVAILABLE, message);
      assert.ok(answer.record.reason.includes(one.sha256), message);
      assert.ok(!JSON.stringify(answer.record).includes(one.key), message);
    }
  });
});

test('requests are counted by key, also of one owner', async () => {
  const [one, other] = await Promise.all([makeKey(), makeKey()]);
  await Promise.all([one, other].map((each) => store(gateway, each)));
  const statuses = [];
  for (const each of [one, one, one, other]) statuses.push((await ask(inHeader(each.key), '/limited')).status);
  assert.deepEqual(statuses, [200, 200, 429, 200]);
});
