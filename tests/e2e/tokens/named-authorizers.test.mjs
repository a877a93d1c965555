// Several authorizers in one config: which of them a path asks, that what one believes is nothing to another, and that logins
// and sessions are the affair of one.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { assertTellsNothing, seconds } from '../support/bearer.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { CLIENT_ID, PROFILE, assertProblem, startLoginGateway } from '../support/login-flow.mjs';
import { OWN_PAGE, askWith, authorizationFor, beginSession, sessionConfig } from '../support/session-flow.mjs';
import {
  AUDIENCE,
  ISSUER,
  SECRET,
  claimsFor,
  keySetOf,
  makeKey,
  signed,
  signedWithSecret,
} from '../support/signing.mjs';

const key = makeKey('ES256');
const partners = { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: SECRET };
const staff = { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, jwks: keySetOf(key), algorithms: ['ES256'] };
const asBearer = (token, headers = {}) => ({ headers: { ...headers, authorization: `Bearer ${token}` } });

const answering = (path, auth) => ({
  method: 'ANY',
  path,
  response: { path },
  ...(auth === undefined ? {} : { auth }),
});

let tenant;
let api;
let gateway;
/** The same with an authorizer before the tenant's, which is then the first. */
let second;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  const paths = [
    answering('/by-true', true),
    answering('/by-object', {}),
    answering('/by-name', 'main'),
    answering('/by-object-with-name', { authorizer: 'main' }),
    answering('/no', false),
    answering('/absent'),
    answering('/partners', 'partners'),
    answering('/partners-object', { authorizer: 'partners' }),
    answering('/staff', 'staff'),
    answering('/may-read', { authorizer: 'main', scopes: ['read:messages'] }),
    answering('/may-write', { authorizer: 'main', scopes: ['write:messages'] }),
    proxied('/partners-api/{.+}', 'api', { auth: 'partners', mapping: { headers: { 'x-user': '$request.jwt.sub' } } }),
    proxied('/optional-partners/{.+}', 'api', {
      auth: { authorizer: 'partners', optional: true },
      mapping: { headers: { 'x-user': '$request.jwt.sub' } },
    }),
    proxied('/optional-main/{.+}', 'api', {
      auth: { authorizer: 'main', optional: true },
      mapping: { headers: { 'x-user': '$request.jwt.sub' } },
    }),
  ];
  const { authorizer: main, ...config } = sessionConfig(tenant, api, { paths });
  const start = (authorizers) => startLoginGateway(tenant, { config: { ...config, authorizers } });
  [gateway, second] = await Promise.all([start({ main, partners, staff }), start({ partners, main, staff })]);
});

after(async () => {
  await gateway?.close();
  await second?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

const statusAt = async (of, path, init) => (await of.ask(path, init)).status;

/** Asks as a browser does that is to show the page; `fetch` says of itself that it is none. */
const navigate = (of, path, headers = {}) =>
  sendRaw(of.origin, { path, headers: { 'sec-fetch-mode': 'navigate', ...headers } });

describe('a path asks', () => {
  test('the authorizer that it names, or else the first', async () => {
    const tokens = { main: await tenant.mint(), partners: signedWithSecret(SECRET), staff: signed(key) };
    const table = [
      ['/by-true', 'main', 'partners'],
      ['/by-object', 'main', 'partners'],
      ['/by-name', 'main', 'main'],
      ['/by-object-with-name', 'main', 'main'],
      ['/partners', 'partners', 'partners'],
      ['/partners-object', 'partners', 'partners'],
      ['/staff', 'staff', 'staff'],
    ];
    for (const [path, expected, expectedInSecond] of table) {
      for (const [of, asked] of [
        [gateway, expected],
        [second, expectedInSecond],
      ]) {
        for (const [name, token] of Object.entries(tokens)) {
          const answer = await of.ask(path, asBearer(token));
          const message = `${path} asks ${asked}, the token is of ${name}`;
          if (name === asked) assert.equal(answer.status, 200, `${message}: ${answer.text}`);
          else assertProblem(answer, [401, 'token_invalid'], message);
        }
        assertProblem(await of.ask(path), [401, 'token_missing'], path);
      }
    }
  });

  test('none, where it says so or says nothing', async () => {
    for (const path of ['/no', '/absent']) {
      assert.equal(await statusAt(gateway, path), 200, path);
      assert.equal(await statusAt(gateway, path, asBearer('anything')), 200, `${path}, with a token that is none`);
    }
  });
});

describe('what one authorizer believes, it has not believed for another', () => {
  const both = 'https://both.example/';
  const now = seconds();
  const rows = [
    ['for another audience', { audience: AUDIENCE }, { audience: both }, {}, 'token_invalid'],
    ['of another issuer', {}, { issuer: 'https://other.example/' }, {}, 'token_invalid'],
    ['by another secret', {}, { secret: `${SECRET}-of-another` }, {}, 'token_invalid'],
    [
      'within another skew of the clocks',
      { clock_skew_seconds: 300 },
      { clock_skew_seconds: 0 },
      { exp: now - 30 },
      'token_expired',
    ],
    [
      'by keys, not by a secret',
      {},
      { secret: undefined, jwks: keySetOf(key), algorithms: ['ES256'] },
      {},
      'token_invalid',
    ],
  ];
  for (const [name, ofOne, ofOther, claims, code] of rows) {
    test(name, async (t) => {
      const own = await startGateway({
        config: {
          authorizers: { one: { ...partners, ...ofOne }, other: { ...partners, ...ofOther } },
          paths: [answering('/one', 'one'), answering('/other', 'other')],
        },
      });
      t.after(() => own.close());
      const token = signedWithSecret(SECRET, claimsFor(claims));
      for (const round of ['first', 'second']) {
        assert.equal((await own.ask('/one', asBearer(token))).status, 200, `${round} time`);
        assertTellsNothing(await own.ask('/other', asBearer(token)), code, `${round} time`);
      }
    });
  }

  test('and a token for both is believed by both', async (t) => {
    const own = await startGateway({
      config: {
        authorizers: { one: partners, other: { ...partners, audience: both } },
        paths: [answering('/one', 'one'), answering('/other', 'other')],
      },
    });
    t.after(() => own.close());
    const token = signedWithSecret(SECRET, claimsFor({ aud: [AUDIENCE, both] }));
    for (const path of ['/one', '/other', '/one']) assert.equal(await statusAt(own, path, asBearer(token)), 200, path);
  });
});

describe('logins are at the first authorizer that has them', () => {
  test('wherever it stands', async () => {
    for (const of of [gateway, second]) {
      const answer = await of.fetch('/api/auth0/login');
      const url = new URL(answer.headers.get('location'));
      assert.deepEqual([url.origin, url.searchParams.get('client_id')], [tenant.origin, CLIENT_ID]);
    }
  });

  test('and the profile is of its tokens', async () => {
    const bearer = asBearer(await tenant.mint());
    assert.equal(await statusAt(gateway, PROFILE, bearer), 200);
    assertProblem(
      await gateway.ask(PROFILE, asBearer(signedWithSecret(SECRET))),
      [401, 'token_invalid'],
      'a token of another',
    );
  });
});

describe('a session', () => {
  let sessions;
  before(async () => {
    sessions = [
      [gateway, await beginSession(gateway, tenant)],
      [second, await beginSession(second, tenant)],
    ];
  });

  test('is accepted on the paths of its authorizer', async () => {
    for (const [of, { cookie }] of sessions) {
      for (const path of ['/by-name', '/by-object-with-name', '/may-read']) {
        assert.equal((await askWith(of, cookie, path)).status, 200, path);
      }
    }
    assert.equal((await askWith(gateway, sessions[0][1].cookie, '/by-true')).status, 200, 'where it is the first');
  });

  test('is no credential on the paths of another: 401, and no navigation is led to a login that would not help', async () => {
    for (const [of, { cookie }] of sessions) {
      const paths = [
        '/partners',
        '/partners-object',
        '/staff',
        '/partners-api/x',
        ...(of === second ? ['/by-true', '/by-object'] : []),
      ];
      for (const path of paths) {
        for (const headers of [{}, OWN_PAGE]) {
          const answer = await askWith(of, cookie, path, { headers });
          assertProblem(answer, [401, 'token_missing'], `${path} ${JSON.stringify(headers)}`);
          assert.deepEqual(answer.headers.getSetCookie(), [], 'and the session stays');
        }
        for (const headers of [{ cookie }, {}]) {
          const answer = await navigate(of, path, headers);
          assert.deepEqual([answer.status, answer.header('location')], [401, null], `${path}, a navigation`);
          assert.equal(answer.header('x-problem-code'), 'token_missing', `${path}, a navigation`);
          assert.ok(!answer.text.includes('<a '), `${path}, a page without a link to such a login`);
        }
      }
      assert.equal((await navigate(of, '/by-name')).status, 302, 'as one to a path of its authorizer is');
    }
  });

  test('beside a token of another authorizer is left alone, and its access token stays here', async () => {
    const [[, { cookie }]] = sessions;
    const token = signedWithSecret(SECRET, claimsFor({ sub: 'partner' }));
    const answer = await askWith(gateway, cookie, '/partners-api/x', asBearer(token));
    assert.equal(answer.status, 200, answer.text);
    const { headers } = api.requests.at(-1);
    assert.deepEqual(
      [headers.authorization, headers['x-user'], headers.cookie],
      [`Bearer ${token}`, 'partner', undefined],
    );
  });

  test("is as none on a path where another's credential is optional", async () => {
    const [[, { cookie }]] = sessions;
    assert.equal((await askWith(gateway, cookie, '/optional-partners/x')).status, 200);
    const { headers } = api.requests.at(-1);
    assert.deepEqual([headers.authorization, headers['x-user'], headers.cookie], [undefined, undefined, undefined]);
  });

  test("counts where its authorizer's credential is optional, and a bad cookie is as none", async () => {
    const [[, { cookie, sub }]] = sessions;
    assert.equal((await askWith(gateway, cookie, '/optional-main/x')).status, 200);
    const { headers } = api.requests.at(-1);
    assert.equal(headers['x-user'], sub);
    assert.match(headers.authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);

    assert.equal(
      (await navigate(gateway, '/optional-main/x')).status,
      200,
      'none: let through, and not led to a login',
    );
    assert.equal(api.requests.at(-1).headers['x-user'], undefined);
    const before = api.requests.length;
    const altered = `${cookie.slice(0, -4)}AAAA`;
    const rows = [
      ['bargate=short', 'session_invalid'],
      [`bargate=${'A'.repeat(43)}`, 'session_expired'],
      [altered, 'session_invalid'],
    ];
    for (const [bad, code] of rows) {
      const answer = await askWith(gateway, bad, '/optional-main/x');
      assert.equal(answer.status, 200, `${bad}: ${answer.text}`);
      assert.equal((await gateway.recordOf(answer)).code, code, 'the log says why it counts for nothing');
    }
    const later = api.requests
      .slice(before)
      .map(({ headers: { authorization, 'x-user': user } }) => [authorization, user]);
    assert.deepEqual(
      later,
      rows.map(() => [undefined, undefined]),
    );
  });

  test('is asked for scopes as a token is', async () => {
    const [[, session]] = sessions;
    const answer = await askWith(gateway, session.cookie, '/may-write');
    assertProblem(answer, [403, 'insufficient_scope'], 'a scope that its access token lacks');
    assert.match(
      answer.headers.get('www-authenticate'),
      /^Bearer error="insufficient_scope", .*scope="write:messages"$/,
    );
    assert.deepEqual(answer.headers.getSetCookie(), [], 'it goes on');
    assert.match(await authorizationFor(gateway, api, session), /^Bearer /);
  });
});
