// The discovery document of an `oidc` authorizer: which are accepted, for how long one is cached and where, and what becomes of
// logins and tokens while none can be had.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { later } from '../support/clock.mjs';
import { startGateway, until } from '../support/harness.mjs';
import { STORAGE } from '../support/miniflare.mjs';
import { LOGIN, PROFILE, assertProblem } from '../support/login-flow.mjs';
import { AT, DISCOVERY, oidcAuthorizer, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import { PRIVATE } from '../support/session-flow.mjs';
import { AUDIENCE, claimsFor, keySetOf, makeKey, signed } from '../support/signing.mjs';

const FRESH_SECS = 10 * 60;
const STALE_SECS = 24 * 60 * 60;
/** A provider that failed is asked again after this long at the most. */
const RETRY_SECS = 10;
/** What the gateway waits for the document. */
const TIMEOUT_SECS = 10;

const UNAVAILABLE = [503, 'idp_unavailable', '5'];
const TIMEOUT = [504, 'idp_timeout', '5'];
const BROKEN = [502, 'idp_error'];

const paths = [{ method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } }];

/**
 * @param {any} t
 * @param {Record<string, any>} [how]
 */
async function start(t, { authorizer, realm: how, ...options } = {}) {
  const realm = await startRealm(how);
  t.after(() => realm.close());
  return { realm, gateway: await startAt(t, realm, { authorizer, ...options }) };
}

async function startAt(t, realm, options) {
  const gateway = await startTokenGateway(realm, { paths, ...options });
  t.after(() => gateway.close());
  return gateway;
}

const askWithToken = async (of, realm, claims) =>
  of.ask(PRIVATE, { headers: { authorization: `Bearer ${await realm.mint(claims)}` } });

/** Asserts that a login leads to this endpoint. */
async function assertLogin(gateway, endpoint, message) {
  const answer = await gateway.ask(LOGIN);
  assert.equal(answer.status, 302, `${message}: ${answer.text}`);
  const url = new URL(answer.headers.get('location'));
  assert.equal(url.origin + url.pathname, endpoint, message);
}

async function assertAllWell(gateway, realm, message) {
  await assertLogin(gateway, realm.origin + AT.authorization, message);
  const answer = await askWithToken(gateway, realm, { jti: message });
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
}

describe('a document that is not to be had', { concurrency: 4 }, () => {
  /** @type {any[][]} */
  const rows = [
    ['the connection breaks', { kind: 'reset' }, UNAVAILABLE],
    ['nothing comes', { kind: 'hang' }, TIMEOUT, TIMEOUT_SECS],
    ['500', { kind: 'status' }, BROKEN],
    ['404', { kind: 'status', status: 404 }, BROKEN],
    ['a redirect', { kind: 'status', status: 302, headers: { location: '/realms/demo/elsewhere' } }, BROKEN],
    ['HTML', { kind: 'html' }, BROKEN],
    ['an empty body', { kind: 'empty' }, BROKEN],
    ['JSON that is cut off', { kind: 'malformed' }, BROKEN],
    ['10 MB', { kind: 'huge' }, BROKEN],
    ['a list', { kind: 'status', status: 200, body: '[]' }, BROKEN],
  ];
  for (const [name, fault, expected, passes] of rows) {
    test(`${name}: nobody gets in, it is said whose fault it is, and all is well once it is over`, async (t) => {
      const { realm, gateway } = await start(t);
      realm.fault({ path: DISCOVERY, ...fault });
      const asked = gateway.ask(LOGIN);
      await until(() => realm.callsOf(DISCOVERY) === 1);
      if (passes) await gateway.elapse(passes);
      assertProblem(await asked, expected, 'a login');
      const bearer = await askWithToken(gateway, realm);
      assertProblem(bearer, expected, 'a token');
      assert.equal(bearer.headers.get('www-authenticate'), null, 'which is not to blame');
      await gateway.record(({ level, message }) => level !== 'info' && message?.includes(DISCOVERY));
      assert.deepEqual(Object.keys(realm.counts), [DISCOVERY], 'nobody else is asked');
      realm.clearFaults();
      await gateway.later(RETRY_SECS);
      await assertAllWell(gateway, realm, 'afterwards');
    });
  }
});

describe('a document that is not believed', { concurrency: 4 }, () => {
  const ISSUER = 'https://idp.example/realms/demo';
  const key = makeKey('RS256');
  const good = {
    issuer: ISSUER,
    authorization_endpoint: 'https://login.idp.example/auth?tenant=demo',
    token_endpoint: `${ISSUER}/token`,
    userinfo_endpoint: `${ISSUER}/me`,
    jwks_uri: 'https://keys.idp.example/demo',
  };

  /** Starts a gateway whose provider is this document, served at the one address where it belongs. */
  async function startBefore(t, document, issuer = ISSUER) {
    const called = [];
    const gateway = await startGateway({
      clock: true,
      config: {
        authorizer: {
          type: 'oidc',
          issuer,
          client_id: 'client',
          client_secret: 'secret',
          audience: AUDIENCE,
          redirect_uri: 'https://gateway.example/callback',
        },
        paths: [
          { method: 'GET', path: LOGIN, integration: { type: 'oidc_login' } },
          { method: 'GET', path: '/callback', integration: { type: 'oidc_callback' } },
          { method: 'GET', path: PROFILE, integration: { type: 'oidc_userinfo' } },
          ...paths,
        ],
      },
      outbound(request) {
        called.push(request.url);
        if (request.url === `${ISSUER}/.well-known/openid-configuration`) return Response.json(document);
        if (request.url === good.jwks_uri) return new Response(keySetOf(key));
        return new Response('nothing here', { status: 404 });
      },
    });
    t.after(() => gateway.close());
    const token = signed(key, claimsFor({ iss: issuer }));
    const askFor = (path) => gateway.ask(path, { headers: { authorization: `Bearer ${token}` } });
    const login = () => gateway.ask(LOGIN);
    return {
      called,
      login,
      bearer: () => askFor(PRIVATE),
      profile: () => askFor(PROFILE),
      /** A login up to its callback, which would send the client's secret; or what stopped it before. */
      async callback() {
        const begun = await login();
        if (begun.status !== 302) return begun;
        const state = new URL(begun.headers.get('location')).searchParams.get('state');
        const cookie = begun.headers.getSetCookie()[0].split(';')[0];
        return gateway.ask(`/callback?${new URLSearchParams({ code: 'a-code', state })}`, { headers: { cookie } });
      },
    };
  }

  test('is none of these: a good one', async (t) => {
    const { called, login, bearer } = await startBefore(t, good);
    const answer = await login();
    assert.equal(answer.status, 302, answer.text);
    const url = new URL(answer.headers.get('location'));
    assert.equal(url.origin + url.pathname, 'https://login.idp.example/auth');
    assert.deepEqual(
      [url.searchParams.get('tenant'), url.searchParams.get('client_id')],
      ['demo', 'client'],
      'its query stays',
    );
    const opened = await bearer();
    assert.equal(opened.status, 200, opened.text);
    assert.deepEqual(called, [`${ISSUER}/.well-known/openid-configuration`, good.jwks_uri]);
  });

  test('is none of these: one for an issuer that ends in a slash, found behind one slash', async (t) => {
    const { login, bearer } = await startBefore(t, { ...good, issuer: `${ISSUER}/` }, `${ISSUER}/`);
    assert.deepEqual([(await login()).status, (await bearer()).status], [302, 200]);
  });

  /** @type {any[][]} */
  const rows = [
    ['of another issuer', { issuer: 'https://evil.example/realms/demo' }],
    ['of the issuer with a slash', { issuer: `${ISSUER}/` }],
    ['of the issuer in other letters', { issuer: ISSUER.replace('idp', 'IDP') }],
    ['of the issuer at a default port', { issuer: ISSUER.replace('example', 'example:443') }],
    ['of no issuer', { issuer: undefined }],
    ['of a list of issuers', { issuer: [ISSUER] }],
    [
      'with an authorization endpoint that is called in clear',
      { authorization_endpoint: 'http://idp.example/auth' },
      ['login'],
    ],
    ['with a script for an authorization endpoint', { authorization_endpoint: 'javascript:alert(1)' }, ['login']],
    ['with a path for an authorization endpoint', { authorization_endpoint: '/auth' }, ['login']],
    ['with no authorization endpoint', { authorization_endpoint: undefined }, ['login']],
    ['with a number for an authorization endpoint', { authorization_endpoint: 7 }, ['login']],
    ['with a token endpoint that is called in clear', { token_endpoint: 'http://idp.example/token' }, ['callback']],
    ['with a token endpoint of another scheme', { token_endpoint: 'ftp://idp.example/token' }, ['callback']],
    ['with no token endpoint', { token_endpoint: undefined }, ['callback']],
    ['with keys that are fetched in clear', { jwks_uri: 'http://keys.idp.example/demo' }, ['bearer']],
    ['with no keys', { jwks_uri: undefined }, ['bearer']],
    ['with a userinfo endpoint that is called in clear', { userinfo_endpoint: 'http://idp.example/me' }, ['profile']],
    ['with no userinfo endpoint', { userinfo_endpoint: undefined }, ['profile']],
  ];
  for (const [name, change, uses = ['login', 'bearer', 'profile']] of rows) {
    test(name, async (t) => {
      const asked = await startBefore(t, { ...good, ...change });
      for (const use of uses) {
        const answer = await asked[use]();
        assertProblem(answer, BROKEN, use);
        assert.equal(answer.headers.get('location'), null, use);
      }
      const wrong = asked.called.filter((url) => url.startsWith('http:') || url.includes('evil'));
      assert.deepEqual(wrong, []);
    });
  }

  test('leaves the one in force as it is, where it was to renew that', async (t) => {
    const { realm, gateway } = await start(t, { realm: { accessTokenSeconds: 24 * 60 * 60 } });
    await assertAllWell(gateway, realm, 'at first');
    realm.rewrite({ issuer: 'https://evil.example', authorization_endpoint: 'https://evil.example/auth' });
    for (let round = 1; round <= 3; round += 1) {
      const pass = async () => {
        await gateway.later(FRESH_SECS + 1);
        await assertAllWell(gateway, realm, `round ${round}`);
      };
      await pass();
      // What is answered after the clock has moved is as young as the clock, and the next one is asked for only when that is over, too.
      if (realm.callsOf(DISCOVERY) < 1 + round) await pass();
      await until(() => realm.callsOf(DISCOVERY) >= 1 + round);
    }
    await assertAllWell(gateway, realm, 'in the end');
  });
});

describe('a document is kept', () => {
  test('by the isolate: one call, however many ask at once', async (t) => {
    const { realm, gateway } = await start(t);
    const token = await realm.mint();
    const hold = realm.hold(DISCOVERY);
    const herd = Array.from({ length: 40 }, (_, index) =>
      index % 2 ? gateway.ask(LOGIN) : gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } }),
    );
    await hold.arrived();
    hold.release();
    const statuses = (await Promise.all(herd)).map(({ status }) => status);
    assert.deepEqual([...new Set(statuses)].sort(), [200, 302]);
    for (let round = 0; round < 10; round += 1) await assertAllWell(gateway, realm, `round ${round}`);
    assert.deepEqual([realm.callsOf(DISCOVERY), realm.callsOf(AT.jwks)], [1, 1]);
  });

  test('in KV, for an isolate that begins while the provider is away', async (t) => {
    const directory = await mkdtemp(join(STORAGE, 'bargate-kv-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const realm = await startRealm();
    t.after(() => realm.close());
    const first = await startTokenGateway(realm, { paths, resourcePersistencePath: directory });
    try {
      await assertAllWell(first, realm, 'the first');
    } finally {
      await first.close();
    }
    realm.fault({ path: DISCOVERY, kind: 'reset' });
    realm.fault({ path: AT.jwks, kind: 'reset' });
    const second = await startAt(t, realm, { resourcePersistencePath: directory });
    await assertAllWell(second, realm, 'the second');
    assert.deepEqual([realm.callsOf(DISCOVERY), realm.callsOf(AT.jwks)], [1, 1], 'a fresh copy is no reason to ask');
  });

  test('in KV no better than it came: a copy of another issuer is not used', async (t) => {
    const directory = await mkdtemp(join(STORAGE, 'bargate-kv-'));
    t.after(() => rm(directory, { recursive: true, force: true }));
    const realm = await startRealm();
    t.after(() => realm.close());
    const first = await startTokenGateway(realm, { paths, kv: ['JWKS'], resourcePersistencePath: directory });
    try {
      await assertLogin(first, realm.origin + AT.authorization, 'the first');
      const kv = await first.kv('JWKS');
      let altered = 0;
      await until(async () => {
        for (const { name } of (await kv.list()).keys) {
          const stored = String(await kv.get(name));
          const evil = stored.replaceAll(realm.origin, 'https://evil.example');
          if (!stored.includes('authorization_endpoint') || evil === stored) continue;
          await kv.put(name, evil);
          altered += 1;
        }
        return altered > 0;
      });
    } finally {
      await first.close();
    }
    const second = await startAt(t, realm, { resourcePersistencePath: directory });
    await assertAllWell(second, realm, 'the second');
    assert.equal(realm.callsOf(DISCOVERY), 2);
  });

  test('without KV, too', async (t) => {
    const { realm, gateway } = await start(t, { kv: [] });
    await assertAllWell(gateway, realm, 'first');
    await assertAllWell(gateway, realm, 'second');
    assert.equal(realm.callsOf(DISCOVERY), 1);
  });

  test('for ten minutes, and is then renewed behind the answer', async (t) => {
    const { realm, gateway } = await start(t);
    await assertAllWell(gateway, realm, 'at first');
    await later(FRESH_SECS - 60);
    await assertAllWell(gateway, realm, 'while it is fresh');
    assert.equal(realm.callsOf(DISCOVERY), 1);
    realm.rewrite({ authorization_endpoint: 'https://login.example/auth' });
    const hold = realm.hold(DISCOVERY);
    await later(61);
    // The provider answers only after the client has been answered.
    await assertLogin(gateway, realm.origin + AT.authorization, 'by the old one');
    await hold.arrived();
    hold.release();
    await until(async () =>
      (await gateway.ask(LOGIN)).headers.get('location').startsWith('https://login.example/auth?'),
    );
    assert.equal(realm.callsOf(DISCOVERY), 2);
  });

  test('for a day while the provider is away', async (t) => {
    const { realm, gateway } = await start(t);
    await assertAllWell(gateway, realm, 'at first');
    realm.fault({ path: DISCOVERY, kind: 'reset' });
    await later(FRESH_SECS + 1);
    await assertAllWell(gateway, realm, 'after ten minutes');
    await later(STALE_SECS - FRESH_SECS - 60);
    await assertAllWell(gateway, realm, 'after nearly a day');
    await later(120);
    assertProblem(await gateway.ask(LOGIN), UNAVAILABLE, 'a login after a day');
    assertProblem(await askWithToken(gateway, realm), UNAVAILABLE, 'a token after a day');
    realm.clearFaults();
    await later(RETRY_SECS + 1);
    await assertAllWell(gateway, realm, 'when it is back');
  });

  test('while keys rotate: a key that is not known has the keys renewed, wherever the document says that they are', async (t) => {
    const { realm, gateway } = await start(t);
    await assertAllWell(gateway, realm, 'at first');
    await realm.rotateKeys({ forgetOld: true });
    await assertAllWell(gateway, realm, 'with another key');
    assert.equal(realm.callsOf(AT.jwks), 2);
    assert.ok(realm.callsOf(DISCOVERY) <= 2, `${realm.callsOf(DISCOVERY)} calls`);
    for (let round = 0; round < 10; round += 1) {
      const answer = await askWithToken(gateway, realm, { jti: `${round}` });
      assert.equal(answer.status, 200, answer.text);
    }
    const stranger = await generateSigningKey('RS256');
    const iat = Math.floor(Date.now() / 1000) - 60;
    const forged = await realm.mint({ iat }, { key: stranger });
    const answer = await gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${forged}` } });
    assertProblem(answer, [401, 'token_invalid'], 'a key of nobody, so soon after');
    assert.equal(realm.callsOf(AT.jwks), 2, 'costs no call');
  });
});

test('two providers have a document each', async (t) => {
  const { realm, gateway: alone } = await start(t);
  const other = await startRealm();
  t.after(() => other.close());
  await assertAllWell(alone, realm, 'alone');
  const both = await startGateway({
    clock: true,
    config: {
      authorizers: {
        one: { ...oidcAuthorizer(realm), client_id: 'any', audience: realm.settings.audience },
        other: { ...oidcAuthorizer(other), client_id: 'any', audience: realm.settings.audience },
      },
      paths: ['one', 'other'].map((name) => ({ method: 'GET', path: `/${name}`, auth: name, response: { name } })),
    },
  });
  t.after(() => both.close());
  const statusOf = async (path, from) => {
    const headers = { authorization: `Bearer ${await from.mint({ iat: undefined })}` };
    return (await both.ask(path, { headers })).status;
  };
  assert.deepEqual(await Promise.all([statusOf('/one', realm), statusOf('/other', other)]), [200, 200]);
  assert.deepEqual(await Promise.all([statusOf('/one', other), statusOf('/other', realm)]), [401, 401]);
});

test('the log names the document that was not to be had, and what its status means', async (t) => {
  const { realm, gateway } = await start(t);
  const table = [
    [
      DISCOVERY,
      301,
      'its discovery document redirects, which is not followed: set the discovery_url that it leads to',
      '',
    ],
    [
      AT.jwks,
      308,
      'its key set redirects, which is not followed: the jwks_uri has to be the address that it leads to',
      '',
    ],
    [DISCOVERY, 403, 'its discovery document was not answered with 200', ', something before it refuses the gateway'],
    [DISCOVERY, 404, 'its discovery document was not answered with 200', ', there is none at this address'],
    [AT.jwks, 404, 'its key set was not answered with 200', ', there is none at this address'],
    [AT.jwks, 500, 'its key set was not answered with 200', ''],
  ];
  for (const [path, status, what, means] of table) {
    realm.clearFaults();
    realm.fault({ path, kind: 'status', status, headers: { location: '/elsewhere' } });
    await later(RETRY_SECS + 1);
    const answer = await gateway.ask(LOGIN);
    assertProblem(answer, BROKEN, `${status}`);
    assert.equal((await gateway.recordOf(answer)).reason, `${status}: ${what}`);
    const message = `${realm.origin}${path}: ${what}: status ${status}${means}`;
    await gateway.record((line) => line.code === 'jwks_unavailable' && line.message === message);
  }
});

test("the log names both issuers of a document that is another one's, and the endpoint that one lacks", async (t) => {
  const { realm, gateway } = await start(t);
  /** @type {any[][]} */
  const table = [
    [
      { issuer: `${realm.issuer}/` },
      `its discovery document is another issuer's: "${realm.issuer}/", expected "${realm.issuer}"`,
    ],
    [{ token_endpoint: undefined }, 'its discovery document lacks an endpoint: no https address in token_endpoint'],
  ];
  for (const [change, reason] of table) {
    realm.clearFaults();
    realm.rewrite(change);
    await later(RETRY_SECS + 1);
    const answer = await gateway.ask(LOGIN);
    assertProblem(answer, BROKEN, reason);
    assert.equal((await gateway.recordOf(answer)).reason, 'its discovery document cannot be used');
    await gateway.record(({ message }) => message === `${realm.origin}${DISCOVERY}: ${reason}`);
  }
});
