// `authorization` of a server: the upstream gets a token of the gateway's own, by client credentials or by an exchange of the caller's,
// and never the caller's. The upstream is another gateway, which verifies what it gets.

import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { TOKEN_EXCHANGE } from '../../../dev/tenant/token-exchange.mjs';
import { later } from '../support/clock.mjs';
import { freePort, proxied, startGateway, startUpstream, until } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  assertNeverShown,
  assertProblem,
  claimsOf,
  startTenant,
} from '../support/login-flow.mjs';
import { TOKEN_ENDPOINT, askWith, beginSession, startSessionGateway } from '../support/session-flow.mjs';
import { openSocket } from '../support/sockets.mjs';
import { mode } from '../support/tenant-mode.mjs';

/** The API behind the gateway, another than that of its callers. */
const BILLING = 'https://billing.example/';
const OWN_ID = 'gateway-itself';
const OWN_SECRET = 'a-secret-of-the-gateway-itself-that-nobody-can-guess';
const KV = 'UPSTREAM_TOKENS';
const TOKEN_TYPES = 'urn:ietf:params:oauth:token-type:';

/** RENEW_BEFORE_SECS of upstream_token.rs. */
const RENEW_BEFORE_SECS = 60;
/** REFUSED_PAUSE_MS of own_tokens.rs. */
const REFUSED_PAUSE_SECS = 10;
/** More than FAILURE_REPLAY_MS of upstream_tokens.rs. */
const MOMENT_SECS = 2;
const LIFE_SECS = 600;
const TIMEOUT_SECS = 10;

/** How a request names the API: Auth0's way, or the specification's. */
const forBilling = () => (mode.isStrict ? { resource: BILLING } : { audience: BILLING });
const own = (more = {}) => ({
  grant: 'client_credentials',
  token_endpoint: tenant.origin + TOKEN_ENDPOINT,
  token_endpoint_auth_method: 'client_secret_post',
  client_id: OWN_ID,
  client_secret: '$secret.OWN_SECRET',
  scope: 'read:messages',
  ...forBilling(),
  ...more,
});
const exchanging = (more = {}) => own({ grant: 'token_exchange', ...more });

const { publicKey, privateKey: signingKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const privateKey = JSON.stringify({ ...signingKey.export({ format: 'jwk' }), kid: 'own', alg: 'RS256' });

let tenant;
let api;
let billing;
let caller;

before(async () => {
  const registered = { redirect_uris: [], response_types: [], token_endpoint_auth_method: 'client_secret_post' };
  [tenant, api] = await Promise.all([
    startTenant({
      clientAuthMethods: ['client_secret_post', 'client_secret_basic', 'private_key_jwt'],
      clients: [
        {
          client_id: CLIENT_ID,
          client_secret: CLIENT_SECRET,
          token_endpoint_auth_method: 'client_secret_post',
          grant_types: ['authorization_code', 'refresh_token'],
          response_types: ['code'],
          redirect_uris: ['http://127.0.0.1:8787/api/auth0/callback'],
        },
        {
          ...registered,
          client_id: OWN_ID,
          client_secret: OWN_SECRET,
          grant_types: ['client_credentials', TOKEN_EXCHANGE],
        },
        {
          ...registered,
          client_id: 'another-itself',
          client_secret: OWN_SECRET,
          grant_types: ['client_credentials'],
        },
        {
          ...registered,
          client_id: 'by-basic',
          client_secret: 'a b+c%d',
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'client_secret_basic',
        },
        {
          ...registered,
          client_id: 'by-assertion',
          grant_types: ['client_credentials'],
          token_endpoint_auth_method: 'private_key_jwt',
          jwks: { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'own', alg: 'RS256', use: 'sig' }] },
        },
      ],
    }),
    startApi(),
  ]);
  billing = await startGateway({
    clock: true,
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      authorizer: {
        type: 'auth0',
        domain: tenant.origin,
        issuer: tenant.issuer,
        client_id: 'billing',
        audience: BILLING,
      },
      paths: [proxied('/{.+}', 'api', { auth: { scopes: ['read:messages'] } })],
    },
  });
});

after(async () => {
  await Promise.all([billing?.close(), api?.close(), tenant?.close()]);
});

beforeEach(async () => {
  caller = await tenant.mint();
  tenant.resetCounts();
  api.requests.length = 0;
});
afterEach(() => tenant.clearFaults());

const requested = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;

/**
 * Starts a gateway whose sessions and bearer tokens are the callers', with an upstream at /billing that gets `authorization`.
 * @param {any} t
 * @param {Record<string, any>} [authorization]
 * @param {Record<string, any>} [how]
 */
async function startWith(t, authorization = own(), { url = billing.origin, server = {}, path = {}, ...options } = {}) {
  const gateway = await startSessionGateway(tenant, api, {
    sections: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'billing', url, authorization, ...server },
      ],
    },
    paths: [proxied('/billing/{.+}', 'billing', { auth: true, ...path })],
    bindings: { CLIENT_SECRET, OWN_SECRET },
    kv: ['JWKS', KV],
    ...options,
  });
  t.after(() => gateway.close());
  return gateway;
}

/**
 * Asks for a path of the upstream, as the caller unless there are other `headers`.
 * @param {any} gateway
 * @param {Record<string, any>} [how]
 */
const call = (gateway, { headers = { authorization: `Bearer ${caller}` }, path = '/billing/invoices', ...init } = {}) =>
  gateway.ask(path, { ...init, headers });

/** Returns the token that the API behind the upstream was shown last. */
function shownToken() {
  const { authorization } = api.requests.at(-1).headers;
  assert.match(authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
  return authorization.slice('Bearer '.length);
}

/**
 * The upstream answers.
 * @param {any} gateway
 * @param {string} message
 * @param {Record<string, any>} [how]
 */
async function assertServed(gateway, message, how) {
  const answer = await call(gateway, how);
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
  return answer;
}

/** Nothing of a request that the API got is the caller's credential. */
function assertWithoutCaller(...credentials) {
  const seen = JSON.stringify(api.requests.at(-1).headers);
  for (const credential of credentials) assert.ok(!seen.includes(credential), `the API got ${credential.slice(0, 20)}`);
}

/**
 * Starts an upstream that takes no token of `refused`, and keeps those that it was shown.
 * @param {any} t
 */
async function startPicky(t) {
  const picky = { shown: [], bodies: [], refused: new Set(), refusesAll: false };
  const upstream = await startUpstream(async (request, response) => {
    const token = request.headers.authorization;
    picky.bodies.push(Buffer.concat(await request.toArray()).toString('utf8'));
    picky.shown.push(token);
    const isRefused = picky.refusesAll || picky.refused.has(token);
    response.writeHead(isRefused ? 401 : 200, { 'www-authenticate': 'Bearer realm="billing"', connection: 'close' });
    response.end(`answer ${picky.shown.length}`);
  });
  t.after(() => upstream.close());
  return Object.assign(picky, { origin: upstream.origin });
}

describe('by client credentials, the upstream', () => {
  test('gets a token of the configured client, for its audience and scope, and nothing of the caller', async (t) => {
    const gateway = await startWith(t);
    await assertServed(gateway, 'a bearer token', {
      headers: { authorization: `Bearer ${caller}`, 'x-other': 'passes' },
    });
    const token = shownToken();
    const { sub, aud, scope } = claimsOf(token);
    assert.deepEqual([sub, [aud].flat(), scope], [OWN_ID, [BILLING], 'read:messages']);
    assert.equal(api.requests.at(-1).headers['x-other'], 'passes');
    assertWithoutCaller(caller);
    await assertNeverShown(gateway, { token, secret: OWN_SECRET });
  });

  test('gets neither the token nor the cookie of a session', async (t) => {
    const gateway = await startWith(t);
    const session = await beginSession(gateway, tenant);
    const first = await askWith(gateway, session.cookie, '/app/x');
    assert.equal(first.status, 200, first.text);
    const ofSession = shownToken();
    const answer = await askWith(gateway, session.cookie, '/billing/invoices');
    assert.equal(answer.status, 200, answer.text);
    assert.equal(claimsOf(shownToken()).sub, OWN_ID);
    assertWithoutCaller(ofSession, session.value);
  });

  test('gets it on an open path too, whatever the client sends as its own', async (t) => {
    const gateway = await startWith(t, own(), { path: { auth: false } });
    for (const authorization of [undefined, 'Bearer made-up-by-the-client', 'Basic bWFkZS11cA==']) {
      await assertServed(gateway, String(authorization), { headers: authorization ? { authorization } : {} });
      assert.equal(claimsOf(shownToken()).sub, OWN_ID);
      assertWithoutCaller('made-up-by-the-client', 'bWFkZS11cA==');
    }
    assert.equal(requested(), 1);
  });

  test('gets it with a handshake of a WebSocket', async (t) => {
    const gateway = await startWith(t);
    const socket = await openSocket(gateway.origin, '/billing/socket', {
      headers: { authorization: `Bearer ${caller}` },
    });
    assert.equal(socket.refused, undefined);
    assert.equal(claimsOf(shownToken()).sub, OWN_ID);
    assertWithoutCaller(caller);
  });

  test('gets the same token until shortly before it expires', async (t) => {
    const gateway = await startWith(t);
    await assertServed(gateway, 'at first');
    const first = shownToken();
    caller = await tenant.mint({ exp: Math.floor(Date.now() / 1000) + 2 * LIFE_SECS });
    await later(LIFE_SECS - RENEW_BEFORE_SECS - 1);
    await assertServed(gateway, 'a second before');
    assert.deepEqual([shownToken(), requested()], [first, 1]);
    await later(1);
    await assertServed(gateway, 'then');
    assert.notEqual(shownToken(), first);
    assert.equal(requested(), 2);
  });

  test('makes any number of requests at once wait for one token', async (t) => {
    const gateway = await startWith(t);
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const calls = Promise.all(Array.from({ length: 20 }, () => call(gateway)));
    await hold.arrived(1);
    hold.release();
    assert.deepEqual(new Set((await calls).map(({ status }) => status)), new Set([200]));
    assert.equal(requested(), 1);
  });

  test('makes nobody wait if a request hangs up that began to get the token', async (t) => {
    const gateway = await startWith(t);
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const abort = new AbortController();
    const leaving = call(gateway, { signal: abort.signal }).catch(() => {});
    await hold.arrived(1);
    const staying = call(gateway);
    await gateway.drained();
    abort.abort();
    await leaving;
    hold.release();
    assert.equal((await staying).status, 200);
    assert.ok(requested() <= 2, `${requested()} requests`);
  });

  test('gets none by a client that may not use the grant, and the log says so', async (t) => {
    const gateway = await startWith(t, own({ client_id: CLIENT_ID, client_secret: '$secret.CLIENT_SECRET' }));
    const answer = await call(gateway);
    assertProblem(answer, [502, 'idp_rejected'], 'a client that may not use the grant');
    assert.match((await gateway.recordOf(answer)).reason, /^400 /);
  });

  test('gets one by a client that signs assertions for the issuer', async (t) => {
    const authorization = own({
      client_id: 'by-assertion',
      client_secret: undefined,
      token_endpoint_auth_method: 'private_key_jwt',
      private_key: '$secret.PRIVATE_KEY',
      issuer: tenant.issuer,
    });
    const gateway = await startWith(t, authorization, { bindings: { CLIENT_SECRET, PRIVATE_KEY: privateKey } });
    await assertServed(gateway, 'by an assertion');
    assert.equal(claimsOf(shownToken()).sub, 'by-assertion');
    assert.equal((await until(async () => (await (await gateway.kv(KV)).list()).keys)).length, 1, 'its key seals');
  });

  test('gets one by a secret with every sign', async (t) => {
    const authorization = own({ client_id: 'by-basic', token_endpoint_auth_method: 'client_secret_basic' });
    const gateway = await startWith(t, authorization, { bindings: { CLIENT_SECRET, OWN_SECRET: 'a b+c%d' } });
    await assertServed(gateway, 'by Basic');
    assert.equal(claimsOf(shownToken()).sub, 'by-basic');
    assert.deepEqual((await (await gateway.kv(KV)).list()).keys, [], 'a secret that can be guessed seals nothing');
  });

  test('is not called for what the cache has, for which no token is requested', async (t) => {
    const cacheable = await startUpstream((request, response) => {
      const shown = request.headers.authorization ? 'yes' : 'no';
      response.writeHead(200, { 'cache-control': 'public, max-age=604800', 'x-shown': shown }).end('kept');
    });
    t.after(() => cacheable.close());
    const path = { auth: false, cache: { ttl_seconds: 86_400 } };
    const gateway = await startWith(t, own(), { url: cacheable.origin, path });
    const ask = () => call(gateway, { headers: {} });
    assert.equal((await ask()).headers.get('x-shown'), 'yes');
    await until(async () => (await ask()).headers.has('age'));
    await later(LIFE_SECS);
    tenant.resetCounts();
    assert.deepEqual([(await ask()).text, requested()], ['kept', 0]);
  });
});

describe('isolates share a token by KV', () => {
  const stored = async (gateway) => {
    const namespace = await gateway.kv(KV);
    const [{ name, expiration }] = await until(async () => {
      const { keys } = await namespace.list();
      return keys.length > 0 && keys;
    });
    return { namespace, name, expiration, text: await namespace.get(name) };
  };

  test('and KV holds nothing that opens without the secret of the client', async (t) => {
    const gateway = await startWith(t, own(), { isolates: 2 });
    await assertServed(gateway, 'the first');
    const token = shownToken();
    const { text, name, expiration } = await stored(gateway);
    for (const part of [token, ...token.split('.')]) assert.ok(!text.includes(part), 'no part of the token');
    assert.doesNotMatch(name, /billing|gateway/, 'the key says nothing');
    assert.ok(expiration > 0, 'KV forgets it');
    const second = await gateway.askOther('/billing/invoices', { headers: { authorization: `Bearer ${caller}` } });
    assert.equal(second.status, 200, second.text);
    assert.deepEqual([shownToken(), requested()], [token, 1]);
  });

  for (const [message, spoil] of /** @type {[string, (text: string) => string][]} */ ([
    ['altered', (text) => text.replace(/^./, (sign) => (sign === 'A' ? 'B' : 'A'))],
    ['cut off', (text) => text.slice(0, 20)],
    ['empty', () => ''],
    ['not sealed', () => `${Number.MAX_SAFE_INTEGER} made.up.token`],
    ['huge', () => randomBytes(256 * 1024).toString('base64url')],
  ])) {
    test(`and what is ${message} there is not used`, async (t) => {
      const gateway = await startWith(t, own(), { isolates: 2 });
      await assertServed(gateway, 'the first');
      const { namespace, name, text } = await stored(gateway);
      await namespace.put(name, spoil(text));
      const second = await gateway.askOther('/billing/invoices', { headers: { authorization: `Bearer ${caller}` } });
      assert.equal(second.status, 200, second.text);
      assert.equal(requested(), 2);
    });
  }

  test('but not one that another secret sealed', async (t) => {
    const gateway = await startWith(t);
    await assertServed(gateway, 'the first');
    const { name, text } = await stored(gateway);
    const bindings = { CLIENT_SECRET, OWN_SECRET: 'another-secret-of-the-gateway-that-nobody-can-guess' };
    const other = await startWith(t, own(), { bindings });
    await (await other.kv(KV)).put(name, text);
    assertProblem(await call(other), [502, 'idp_rejected'], 'the provider knows only the other secret');
  });

  for (const [what, change] of /** @type {[string, () => Record<string, string>][]} */ ([
    ['scope', () => ({ scope: 'read:messages write:messages' })],
    ['audience', () => Object.fromEntries(Object.keys(forBilling()).map((name) => [name, 'https://other.example/']))],
    ['client', () => ({ client_id: 'another-itself' })],
  ])) {
    test(`but not one that was sealed before the config named another ${what}`, async (t) => {
      const [before, after] = await Promise.all(
        [own(), own(change())].map((authorization) => startWith(t, authorization, { url: api.origin, isolates: 2 })),
      );
      await assertServed(before, 'with the config before');
      const ofBefore = shownToken();
      const { name: nameBefore, text } = await stored(before);
      await assertServed(after, 'with the config after');
      const { namespace, name } = await stored(after);
      assert.notEqual(name, nameBefore);
      await namespace.put(name, text);
      const answer = await after.askOther('/billing/invoices', { headers: { authorization: `Bearer ${caller}` } });
      assert.equal(answer.status, 200, answer.text);
      assert.notEqual(shownToken(), ofBefore);
      assert.equal(requested(), 3);
    });
  }

  test('until it expires', async (t) => {
    const gateway = await startWith(t, own(), { isolates: 2 });
    await assertServed(gateway, 'the first');
    await stored(gateway);
    await later(LIFE_SECS - RENEW_BEFORE_SECS);
    const headers = { authorization: `Bearer ${await tenant.mint()}` };
    const second = await gateway.askOther('/billing/invoices', { headers });
    assert.equal(second.status, 200, second.text);
    assert.equal(requested(), 2);
  });
});

describe('a token that the upstream refuses', () => {
  for (const [method, body] of /** @type {[string, string?][]} */ ([['GET'], ['POST'], ['DELETE'], ['POST', '']])) {
    test(`is replaced once for ${method}${body === undefined ? '' : ' with an empty body'}`, async (t) => {
      const picky = await startPicky(t);
      const gateway = await startWith(t, own(), { url: picky.origin });
      await assertServed(gateway, 'before', { method, body });
      picky.refused.add(picky.shown[0]);
      await later(1);
      const answer = await assertServed(gateway, 'then', { method, body });
      assert.equal(answer.text, 'answer 3');
      const [first, second, third] = picky.shown;
      assert.deepEqual([second, third !== first, requested()], [first, true, 2]);
      await assertServed(gateway, 'afterwards', { method, body });
      assert.deepEqual([picky.shown.at(-1), requested()], [third, 2]);
    });
  }

  test('is dropped for a request with a body, whose 401 is passed on', async (t) => {
    const picky = await startPicky(t);
    const gateway = await startWith(t, own(), { url: picky.origin });
    const how = { method: 'POST', body: 'a payment' };
    await assertServed(gateway, 'before', how);
    picky.refused.add(picky.shown[0]);
    await later(1);
    const answer = await call(gateway, how);
    assert.deepEqual([answer.status, answer.text], [401, 'answer 2']);
    assert.equal(answer.headers.get('x-problem-code'), null, "it is the upstream's own");
    await assertServed(gateway, 'the next', how);
    assert.deepEqual([picky.bodies, requested()], [['a payment', 'a payment', 'a payment'], 2]);
  });

  test('is replaced in every isolate, whatever KV has', async (t) => {
    const picky = await startPicky(t);
    const gateway = await startWith(t, own(), { url: picky.origin, isolates: 2 });
    await assertServed(gateway, 'before');
    const namespace = await gateway.kv(KV);
    await until(async () => (await namespace.list()).keys.length > 0);
    picky.refused.add(picky.shown[0]);
    await later(1);
    const headers = { authorization: `Bearer ${caller}` };
    const other = await gateway.askOther('/billing/invoices', { headers });
    assert.equal(other.status, 200, other.text);
    assert.equal(requested(), 2);
  });

  test('brings no request for a token with each request, if the upstream refuses all', async (t) => {
    const picky = await startPicky(t);
    picky.refusesAll = true;
    const gateway = await startWith(t, own(), { url: picky.origin });
    for (let round = 0; round < 5; round += 1) {
      const answer = await call(gateway);
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get('www-authenticate'), /realm="billing"/);
    }
    assert.ok(requested() <= 2, `${requested()} requests`);
    await later(REFUSED_PAUSE_SECS);
    await call(gateway);
    assert.ok(requested() <= 3, `${requested()} requests`);
  });
});

describe('by token exchange, the upstream', () => {
  test('gets a token of the caller for its own audience, one for each caller', async (t) => {
    const gateway = await startWith(t, exchanging());
    const callers = await Promise.all(['one', 'two'].map((sub) => tenant.mint({ sub })));
    for (const round of [1, 2]) {
      for (const [index, sub] of ['one', 'two'].entries()) {
        await assertServed(gateway, `${sub}, ${round}`, { headers: { authorization: `Bearer ${callers[index]}` } });
        const claims = claimsOf(shownToken());
        assert.deepEqual([claims.sub, [claims.aud].flat()], [sub, [BILLING]]);
        assertWithoutCaller(callers[index]);
      }
    }
    assert.equal(requested(), 2);
  });

  test('gets one for the token of a session', async (t) => {
    const gateway = await startWith(t, exchanging());
    const session = await beginSession(gateway, tenant);
    tenant.resetCounts();
    const answer = await askWith(gateway, session.cookie, '/billing/invoices');
    assert.equal(answer.status, 200, answer.text);
    const claims = claimsOf(shownToken());
    assert.deepEqual([claims.sub, [claims.aud].flat(), requested()], [session.sub, [BILLING], 1]);
    assertWithoutCaller(session.value);
  });

  test('gets one for any number of requests of a caller at once, and isolates share it', async (t) => {
    const gateway = await startWith(t, exchanging(), { isolates: 2 });
    const hold = tenant.hold(TOKEN_ENDPOINT);
    const calls = Promise.all(Array.from({ length: 8 }, () => call(gateway)));
    await hold.arrived(1);
    hold.release();
    assert.deepEqual(new Set((await calls).map(({ status }) => status)), new Set([200]));
    const namespace = await gateway.kv(KV);
    await until(async () => (await namespace.list()).keys.length > 0);
    const headers = { authorization: `Bearer ${caller}` };
    assert.equal((await gateway.askOther('/billing/invoices', { headers })).status, 200);
    assert.equal(requested(), 1);
  });

  test('gets no token of another caller, whatever KV has', async (t) => {
    const gateway = await startWith(t, exchanging(), { isolates: 2 });
    const callers = await Promise.all(['one', 'two'].map((sub) => tenant.mint({ sub })));
    const namespace = await gateway.kv(KV);
    const keys = [];
    for (const [index, token] of callers.entries()) {
      await assertServed(gateway, `caller ${index}`, { headers: { authorization: `Bearer ${token}` } });
      const all = await until(async () => {
        const names = (await namespace.list()).keys.map(({ name }) => name);
        return names.length > index && names;
      });
      keys.push(all.find((name) => !keys.includes(name)));
    }
    await namespace.put(keys[1], await namespace.get(keys[0]));
    const second = await gateway.askOther('/billing/invoices', { headers: { authorization: `Bearer ${callers[1]}` } });
    assert.equal(second.status, 200, second.text);
    assert.deepEqual([claimsOf(shownToken()).sub, requested()], ['two', 3]);
  });

  test('is asked by nobody whose own token is not valid here', async (t) => {
    const gateway = await startWith(t, exchanging());
    assertProblem(await call(gateway, { headers: {} }), [401, 'token_missing'], 'none');
    const other = await tenant.mint({ aud: 'other' });
    assertProblem(
      await call(gateway, { headers: { authorization: `Bearer ${other}` } }),
      [401, 'token_invalid'],
      'other',
    );
    assert.equal(requested(), 0);
  });
});

describe("a provider that gives no token is never said to be the client's fault", () => {
  const secret = randomBytes(32).toString('base64url');
  const error = (status, name, headers) => ({
    kind: 'status',
    status,
    headers,
    body: JSON.stringify({ error: name, secret }),
  });
  const body = (value) => ({ kind: 'status', status: 200, body: JSON.stringify(value) });
  const refused = [502, 'idp_rejected'];
  const failed = [502, 'idp_error'];
  const away = [503, 'idp_unavailable', '5'];
  /** @type {any[][]} */
  const table = [
    ['the client is refused', error(401, 'invalid_client'), refused],
    ['the audience is refused', error(400, 'invalid_target'), refused],
    ['the endpoint is not there', error(404, 'not_found'), refused],
    ['too many calls', error(429, 'slow_down', { 'retry-after': '7' }), [429, 'idp_rate_limited', '7']],
    ['503 until then', error(503, 'unavailable', { 'retry-after': '30' }), failed],
    ['500', error(500, 'server_error'), failed],
    ['a redirect', { kind: 'status', status: 302, headers: { location: '/elsewhere' } }, failed],
    ['the connection breaks', { kind: 'reset' }, away],
    ['nothing comes', { kind: 'hang' }, [504, 'idp_timeout', '5'], TIMEOUT_SECS],
    ['HTML', { kind: 'html' }, failed],
    ['nothing at all', { kind: 'empty' }, failed],
    ['JSON that is cut off', { kind: 'malformed' }, failed],
    ['10 MB', { kind: 'huge' }, failed],
    ['a list', body([]), failed],
    ['no token', body({ token_type: 'Bearer', secret }), failed],
    ['a token of another type', body({ access_token: secret, token_type: 'DPoP' }), failed],
    ['an ID token', body({ access_token: secret, issued_token_type: `${TOKEN_TYPES}id_token` }), failed],
    ['a token that would split a header', body({ access_token: `${secret}\r\nx-admin: yes` }), failed],
    ['a token that has expired', body({ access_token: `e30.${btoa('{"exp":1}')}.e30`, expires_in: 600 }), failed],
  ];
  for (const [name, fault, expected, passes] of table) {
    test(name, async (t) => {
      const gateway = await startWith(t);
      tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      const calls = Promise.all(Array.from({ length: 4 }, () => call(gateway)));
      if (passes) {
        await until(requested);
        await gateway.elapse(passes);
      }
      for (const answer of await calls) {
        assertProblem(answer, expected, name);
        assert.equal(answer.headers.get('www-authenticate'), null, name);
      }
      assertProblem(await call(gateway), expected, `${name}, a moment later`);
      assert.equal(requested(), 1, 'it is not asked by each of them');
      assert.equal(api.requests.length, 0, 'nothing reaches the upstream');
      await assertNeverShown(gateway, { secret, own: OWN_SECRET, caller });
      tenant.clearFaults();
      await later(MOMENT_SECS);
      await assertServed(gateway, `${name}, and then it works again`);
    });
  }

  test('nobody is there', async (t) => {
    const nowhere = `http://127.0.0.1:${await freePort()}/token`;
    const gateway = await startWith(t, own({ token_endpoint: nowhere }));
    assertProblem(await call(gateway), away, 'nobody is there');
  });

  test('a token in use stays in use', async (t) => {
    const gateway = await startWith(t);
    await assertServed(gateway, 'before');
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'reset' });
    await assertServed(gateway, 'while the provider is away');
  });
});
