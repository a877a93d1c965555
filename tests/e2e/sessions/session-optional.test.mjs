// Paths that can do without a login, and sessions that are no good there: because they have ended, or cannot be renewed. Who has
// no cookie gets the page, so who has a dead one does.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { base64url } from '../support/bearer.mjs';
import { later } from '../support/clock.mjs';
import { proxied, sendRaw } from '../support/harness.mjs';
import { CLIENT_ID, CLIENT_SECRET, assertProblem } from '../support/login-flow.mjs';
import {
  CSRF_REJECTED,
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  REVOCATION,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertCleared,
  beginSession,
  claimsAt,
  startSessionGateway,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

const IDLE_SECS = 2 * LIFE_SECS;
/** A path that anybody may see and that answers by itself, and one that is passed on. */
const PUBLIC = '/public';
const FORWARDED = '/public-api/x';
// JWKS_COOLDOWN_SECS of jwks.rs.
const COOLDOWN_SECS = 30;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api, {
    isolates: 2,
    session: { idle_seconds: IDLE_SECS },
    paths: [
      { method: 'ANY', path: PUBLIC, auth: { optional: true }, response: { public: true } },
      proxied('/public-api/{.+}', 'api', {
        auth: { optional: true },
        mapping: { headers: { 'x-user': '$request.jwt.sub' } },
      }),
    ],
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

afterEach(async () => {
  tenant.clearFaults();
  await gateway.keepAway(null);
  api.requests.length = 0;
});

const begin = () => beginSession(gateway, tenant);

/** Asserts that a request with a cookie is answered as one without, and gives the answers. */
async function assertAnonymous(cookie, code, message) {
  const own = await askWith(gateway, cookie, PUBLIC);
  assert.deepEqual([own.status, own.body], [200, { public: true }], `${message}: ${own.text}`);
  const forwarded = await askWith(gateway, cookie, FORWARDED);
  assert.equal(forwarded.status, 200, `${message}: ${forwarded.text}`);
  const { headers } = api.requests.at(-1);
  assert.deepEqual(
    [headers.authorization, headers['x-user'], headers.cookie],
    [undefined, undefined, undefined],
    message,
  );
  const navigation = await sendRaw(gateway.origin, { path: PUBLIC, headers: { cookie, 'sec-fetch-mode': 'navigate' } });
  assert.equal(navigation.status, 200, `${message}: a navigation`);
  for (const answer of [own, forwarded]) {
    const record = await gateway.recordOf(answer);
    assert.deepEqual([record.status, record.code], [200, code], `${message}: the log says why`);
  }
  return [own, forwarded];
}

test('a session that is alive counts, and who has none gets the page', async () => {
  const session = await begin();
  assert.equal((await askWith(gateway, session.cookie, FORWARDED)).status, 200);
  assert.equal(claimsAt(api).sub, session.sub);
  assert.equal(api.requests.at(-1).headers['x-user'], session.sub);
  assert.equal((await gateway.ask(FORWARDED)).status, 200);
  assert.equal(api.requests.at(-1).headers['x-user'], undefined);
});

describe('a session that is over', () => {
  /** @type {any[][]} */
  const over = [
    [
      'by its idle time',
      'session_expired',
      async ({ cookie }) => {
        await later(IDLE_SECS + 1);
        return cookie;
      },
    ],
    [
      'by a logout at another isolate',
      'session_expired',
      async ({ cookie }) => {
        const logout = await gateway.askOther(LOGOUT, { method: 'POST', headers: { cookie, ...OWN_PAGE } });
        assert.ok([200, 302, 303].includes(logout.status), logout.text);
        return cookie;
      },
    ],
    [
      'by a logout at this isolate',
      'session_expired',
      async ({ cookie }) => {
        const logout = await gateway.ask(LOGOUT, { method: 'POST', headers: { cookie, ...OWN_PAGE } });
        assert.ok([200, 302, 303].includes(logout.status), logout.text);
        return cookie;
      },
    ],
    [
      'by what the provider says to its renewal',
      'session_expired',
      async ({ cookie, family }) => {
        const form = { token: family().refreshTokens.at(-1), client_id: CLIENT_ID, client_secret: CLIENT_SECRET };
        await fetch(tenant.origin + REVOCATION, { method: 'POST', body: new URLSearchParams(form) });
        await untilExpired();
        return cookie;
      },
    ],
    [
      'by a renewal for another audience',
      'session_expired',
      async ({ cookie }) => {
        await untilExpired();
        const edit = async (answer) => ({
          ...answer,
          body: { ...JSON.parse(answer.body), access_token: await tenant.mint({ aud: 'https://other.example/' }) },
        });
        tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
        return cookie;
      },
    ],
    ['or never was', 'session_expired', async () => `bargate=${'A'.repeat(43)}`],
    ['or whose key was altered', 'session_invalid', async ({ cookie }) => `${cookie.slice(0, -4)}AAAA`],
    ['or whose cookie is malformed', 'session_invalid', async () => 'bargate=short'],
  ];
  for (const [name, code, end] of over) {
    test(`is as none, and its cookie is removed: ${name}`, async () => {
      const cookie = await end(await begin());
      for (const answer of await assertAnonymous(cookie, code, name)) {
        assertCleared(answer, name);
        assert.equal(answer.headers.get('cache-control'), 'private', 'no cache has it for others');
      }
      const elsewhere = await askWith(gateway, cookie);
      assertProblem(elsewhere, [401, code], 'where a login is needed it is told as ever');
    });
  }
});

describe('a session that cannot be used at present', () => {
  /** @type {any[][]} */
  const troubles = [
    ['the provider fails', 'idp_unavailable', { status: 500 }],
    ['the provider cannot be reached', 'idp_unavailable', { kind: 'reset' }],
    ['the provider limits the rate', 'idp_rate_limited', { status: 429 }],
    ['the provider refuses the gateway', 'idp_rejected', { status: 401, body: { error: 'invalid_client' } }],
    ['the provider denies it to the user', 'login_denied', { status: 403, body: { error: 'access_denied' } }],
    ['the provider wants to ask the user', 'interaction_required', { status: 403, body: { error: 'mfa_required' } }],
  ];
  for (const [name, code, fault] of troubles) {
    test(`is as none, and is kept: ${name}`, async () => {
      const session = await begin();
      await untilExpired();
      tenant.fault({ path: TOKEN_ENDPOINT, ...fault });
      for (const answer of await assertAnonymous(session.cookie, code, name)) {
        assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
      }
      tenant.clearFaults();
      await assertAlive(gateway, session, 'afterwards');
    });
  }

  test('is as none, and is kept: its object is away', async () => {
    const session = await begin();
    await later(REMEMBERED_SECS + 1);
    await gateway.keepAway('Session');
    for (const answer of await assertAnonymous(session.cookie, 'store_unavailable', 'away')) {
      assert.deepEqual(answer.headers.getSetCookie(), [], 'the cookie is kept');
    }
    await gateway.keepAway(null);
    await assertAlive(gateway, session, 'afterwards');
  });

  test('is as none, and no upstream sees its token: that is of a key not known yet', async () => {
    const session = await begin();
    await untilDue();
    const token = [{ alg: 'RS256', kid: 'nobody-has-it' }, {}, 'signature'].map(base64url).join('.');
    assert.equal(
      (await gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } })).status,
      401,
      'the look-up is spent',
    );
    await tenant.rotateKeys();
    await assertAnonymous(session.cookie, 'idp_unavailable', 'of another key');
    await later(COOLDOWN_SECS + 1);
    await assertAlive(gateway, session, 'when the key may be asked for');
  });

  test('is as none where two cookies of its name came, of which none is removed', async () => {
    const [one, other] = [await begin(), await begin()];
    for (const answer of await assertAnonymous(`${one.cookie}; ${other.cookie}`, 'session_invalid', 'two')) {
      assert.deepEqual(answer.headers.getSetCookie(), []);
    }
  });
});

describe('where a login is optional', () => {
  test('a request that another site may have made with a session is refused as ever', async () => {
    const { cookie } = await begin();
    const headers = { 'sec-fetch-site': 'cross-site' };
    for (const path of [PUBLIC, FORWARDED]) {
      assertProblem(await askWith(gateway, cookie, path, { method: 'POST', headers }), CSRF_REJECTED, path);
    }
    assert.deepEqual(api.requests, []);
  });

  test('a token that is no good is refused as ever, beside a session too', async () => {
    const { cookie } = await begin();
    for (const authorization of [
      'Bearer rubbish',
      `Bearer ${await tenant.mint({ aud: 'https://other.example/' })}`,
      'Bearer',
    ]) {
      assertProblem(
        await askWith(gateway, cookie, PUBLIC, { headers: { authorization } }),
        [401, 'token_invalid'],
        authorization,
      );
    }
  });
});
