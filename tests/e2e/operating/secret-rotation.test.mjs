// The client secret is changed at the provider and in the Worker, as docs/operating.md tells operators to do it: over the same
// stored objects, one gateway is stopped and the next begins with another secret. Sessions and refresh tokens outlive it in
// any order of the steps; unfinished logins do if "sealing_key" keeps the key of their state.

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser, freePort } from '../support/harness.mjs';
import { STORAGE } from '../support/miniflare.mjs';
import {
  CLIENT_SECRET,
  PROFILE,
  REFRESH,
  assertNeverShown,
  assertProblem,
  logIn,
  loginUntilCallback,
} from '../support/login-flow.mjs';
import {
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertEnded,
  assertFamily,
  beginSession,
  sessionOf,
  startSessionGateway,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

/** IDLE_DEFAULT_SECS of the config's session.rs. */
const IDLE_DEFAULT_SECS = 3 * 24 * 60 * 60;

const NEXT_SECRET = 'the-secret-that-follows-the-first-one-0001';
const FRESH_KEY = 'a-key-for-login-state-and-nothing-else-0002';
const TOKENS_LOGIN = '/tokens/login';
const TOKENS_CALLBACK = '/tokens/callback';
const TOKENS_REDIRECT_URI = `http://127.0.0.1:8787${TOKENS_CALLBACK}`;

const STATE_INVALID = [400, 'state_invalid'];
const IDP_REJECTED = [502, 'idp_rejected'];

let tenant;
let api;
let directory;
let port;
let gateway;

beforeEach(async () => {
  [directory, port] = await Promise.all([mkdtemp(join(STORAGE, 'bargate-secret-rotation-')), freePort()]);
  [tenant, api] = await Promise.all([
    startTenant({ accessTokenSeconds: LIFE_SECS, redirectUris: [TOKENS_REDIRECT_URI] }),
    startApi(),
  ]);
  await deploy({ secret: CLIENT_SECRET });
});

afterEach(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
  await rm(directory, { recursive: true, force: true });
});

/**
 * Puts a gateway with this secret in the place of the one before; without `sealingKey` the config names none.
 * @param {{ secret: string, sealingKey?: string }} how
 */
async function deploy({ secret, sealingKey }) {
  await gateway?.close();
  const own = { redirect_uri: TOKENS_REDIRECT_URI };
  gateway = await startSessionGateway(tenant, api, {
    port,
    resourcePersistencePath: directory,
    authorizer: sealingKey === undefined ? {} : { sealing_key: '$secret.SEALING_KEY' },
    bindings: { CLIENT_SECRET: secret, ...(sealingKey === undefined ? {} : { SEALING_KEY: sealingKey }) },
    paths: [
      { method: 'GET', path: TOKENS_LOGIN, integration: { type: 'auth0_login', ...own } },
      { method: 'GET', path: TOKENS_CALLBACK, integration: { type: 'auth0_callback', response: 'json', ...own } },
    ],
  });
}

/** A login at the point at which the provider sends the browser back; `finish` calls the callback, as often as it is called. */
async function loginUnderWay() {
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  return { finish: () => gateway.askAs(browser, callback) };
}

const refresh = (refreshToken) =>
  gateway.ask(REFRESH, { method: 'POST', headers: { 'x-refresh-token': refreshToken } });
const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;

/** Sessions and tokens of before the change, and what has become of them. */
async function beginEach() {
  const session = await beginSession(gateway, tenant);
  const { refresh_token: refreshToken } = await logIn(gateway, new Browser(), { at: TOKENS_LOGIN });
  const family = () => tenant.family(refreshToken);
  return { session, refreshToken, client: { family } };
}

async function assertBothGoOn({ session, refreshToken, client }, message) {
  await assertAlive(gateway, session, message);
  const { status, text, body } = await refresh(refreshToken);
  assert.equal(status, 200, `${message}: ${text}`);
  assert.notEqual(body.refresh_token, refreshToken, message);
  assertFamily(session, { rotations: 1, revoked: false }, message);
  assertFamily(client, { rotations: 1, revoked: false }, message);
}

describe('between the two changes, whichever comes first,', () => {
  /** @type {any[][]} */
  const ORDERS = [
    [
      'the provider has another secret than the gateway',
      () => tenant.rotateClientSecret(NEXT_SECRET),
      () => deploy({ secret: NEXT_SECRET }),
    ],
    [
      'the gateway has another secret than the provider',
      () => deploy({ secret: NEXT_SECRET }),
      () => tenant.rotateClientSecret(NEXT_SECRET),
    ],
  ];

  for (const [name, first, second] of ORDERS) {
    test(`renewals and refreshes fail and cost nobody a login: ${name}`, async () => {
      const before = await beginEach();
      await first();
      await assertAlive(gateway, before.session, 'while its token holds');
      await untilDue();
      await assertAlive(gateway, before.session, 'while its token is due and holds');
      await untilExpired();
      for (let round = 1; round <= 3; round += 1) {
        assertProblem(await askWith(gateway, before.session.cookie), IDP_REJECTED, `the session, time ${round}`);
        assertProblem(await refresh(before.refreshToken), IDP_REJECTED, `the refresh, time ${round}`);
      }
      for (const whose of [before.session, before.client])
        assertFamily(whose, { rotations: 0, revoked: false }, 'meanwhile');
      await second();
      await assertBothGoOn(before, 'once both have the same secret');
    });
  }

  test('profiles are shown, which takes no secret', async () => {
    const { session } = await beginEach();
    tenant.rotateClientSecret(NEXT_SECRET);
    assert.equal((await askWith(gateway, session.cookie, PROFILE)).body.email, 'alice@example.com');
  });

  test('a logout ends the session, and the log says that its refresh token could not be revoked', async () => {
    const { session } = await beginEach();
    tenant.rotateClientSecret(NEXT_SECRET);
    const answer = await askWith(gateway, session.cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE });
    assert.equal(answer.status, 303, answer.text);
    await assertEnded(gateway, session, 'after the logout');
    const { message } = await gateway.record(({ code }) => code === 'revocation_failed');
    assert.match(message, /401/);
    assertFamily(session, { rotations: 0, revoked: false }, 'at the provider');
  });

  for (const [name, sealingKey, revoked] of /** @type {any[][]} */ ([
    ['is sealed with it', undefined, false],
    ['has a key of its own', FRESH_KEY, true],
  ])) {
    test(`a session that ends by its time after the change has its refresh token revoked if that ${name}: ${revoked}`, async () => {
      await deploy({ secret: CLIENT_SECRET, sealingKey });
      const session = await beginSession(gateway, tenant);
      tenant.rotateClientSecret(NEXT_SECRET);
      await deploy({ secret: NEXT_SECRET, sealingKey });
      await later(IDLE_DEFAULT_SECS + 1);
      await gateway.ring('SESSIONS', session.name);
      assertFamily(session, { rotations: 0, revoked }, 'at the provider');
      assert.equal(await gateway.held('SESSIONS', session.name), 0, 'here');
      if (revoked) return;
      const { message } = await gateway.record(({ code }) => code === 'revocation_failed');
      assert.equal(message, 'the key that it was sealed under has changed: it is given up');
    });
  }

  test('a login is told that the provider refused the gateway, and its callback can be loaded again afterwards', async () => {
    await deploy({ secret: CLIENT_SECRET, sealingKey: FRESH_KEY });
    const login = await loginUnderWay();
    tenant.rotateClientSecret(NEXT_SECRET);
    assertProblem(await login.finish(), IDP_REJECTED, 'meanwhile');
    await deploy({ secret: NEXT_SECRET, sealingKey: FRESH_KEY });
    const session = sessionOf(await login.finish(), tenant);
    await assertAlive(gateway, session, 'the login of before');
  });
});

describe('a login under way', () => {
  test('ends with the secret where that seals it, before its code is spent, and begins anew', async () => {
    const login = await loginUnderWay();
    tenant.rotateClientSecret(NEXT_SECRET);
    await deploy({ secret: NEXT_SECRET });
    const spent = exchanges();
    assertProblem(await login.finish(), STATE_INVALID, 'the login of before');
    assert.equal(exchanges(), spent, 'the provider was not asked');
    await assertAlive(gateway, await beginSession(gateway, tenant), 'the next login');
  });

  test('goes on where the key of its state is what the secret was before', async () => {
    const early = [await loginUnderWay(), await loginUnderWay()];
    // First the config gets a sealing_key, whose value is that of the secret: nothing is sealed in another way than before.
    await deploy({ secret: CLIENT_SECRET, sealingKey: CLIENT_SECRET });
    await assertAlive(
      gateway,
      sessionOf(await early[0].finish(), tenant),
      'begun without a sealing_key, ended with one',
    );
    const late = await loginUnderWay();
    // Then the secret changes, on both sides.
    tenant.rotateClientSecret(NEXT_SECRET);
    await deploy({ secret: NEXT_SECRET, sealingKey: CLIENT_SECRET });
    for (const [login, message] of /** @type {any[][]} */ ([
      [early[1], 'begun without a sealing_key'],
      [late, 'begun with one'],
    ])) {
      await assertAlive(gateway, sessionOf(await login.finish(), tenant), message);
    }
    await assertNeverShown(gateway, { CLIENT_SECRET, NEXT_SECRET });
  });

  test('ends with a change of the sealing_key, which sessions and refresh tokens do not notice', async () => {
    const before = await beginEach();
    await deploy({ secret: CLIENT_SECRET, sealingKey: CLIENT_SECRET });
    const login = await loginUnderWay();
    await deploy({ secret: CLIENT_SECRET, sealingKey: FRESH_KEY });
    assertProblem(await login.finish(), STATE_INVALID, 'sealed with the key of before');
    await untilExpired();
    await assertBothGoOn(before, 'after it');
  });
});
