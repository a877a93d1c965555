// Sessions, end to end: how one begins, and what a request that carries its cookie is worth. Renewal is in
// session-renewal.test.mjs, the end of sessions in session-end.test.mjs, cookies gone wrong in session-cookies.test.mjs.

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser, sendRaw } from '../support/harness.mjs';
import {
  CALLBACK,
  LOGIN,
  PROFILE,
  REFRESH,
  assertNeverShown,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  loginUntilCallback,
} from '../support/login-flow.mjs';
import {
  COOKIE,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertCleared,
  beginSession,
  claimsAt,
  later,
  sessionOf,
  startSessionGateway,
} from '../support/session-flow.mjs';

const ABSOLUTE_SECS = 30 * 24 * 60 * 60;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  gateway = await startSessionGateway(tenant, api);
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

beforeEach(() => {
  tenant.clearFaults();
  tenant.resetCounts();
  api.requests.length = 0;
});

const begin = (how) => beginSession(gateway, tenant, how);
const ALICE = 'alice@example.com';
const BOB = 'bob@example.com';

describe('the callback', () => {
  test('sets a cookie that no script reads, shows no token, and leads to where logins lead', async () => {
    const { answer, line, value } = await begin();
    assert.equal(answer.headers.get('location'), '/home');
    assert.equal(answer.headers.get('cache-control'), 'no-store');
    const [pair, ...attributes] = line.split('; ');
    assert.equal(pair, `${COOKIE}=${value}`);
    assert.deepEqual(attributes.sort(), ['HttpOnly', `Max-Age=${ABSOLUTE_SECS}`, 'Path=/', 'SameSite=Lax']);
    const [refreshToken] = tenant.families().at(-1).refreshTokens;
    const shown = [answer.text, ...[...answer.headers].flat()].join('\n');
    assert.ok(!shown.includes(refreshToken) && !/eyJ/.test(shown), 'neither token is in the answer');
  });

  for (const [given, expected] of [
    ['/deep/link?with=query', '/deep/link?with=query'],
    ['https://app.example/x', 'https://app.example/x'],
    ['https://spa.example/y?z', 'https://spa.example/y?z'],
  ]) {
    test(`leads to the return_to of its login: ${given}`, async () => {
      const { answer } = await begin({ query: { return_to: given } });
      assert.equal(answer.headers.get('location'), expected);
    });
  }

  test('over https gives the cookie the prefix that keeps neighbours from planting one', async () => {
    const at = 'https://gw.example';
    const start = await gateway.askAt(at + LOGIN);
    const [binding] = start.headers.getSetCookie().map((line) => line.split(';')[0]);
    assert.match(binding, /^__Host-bargate-login=/);
    const callback = new URL(await new Browser().logInUntilCallback(start.headers.get('location')));
    const answer = await gateway.askAt(at + CALLBACK + callback.search, { headers: { cookie: binding } });
    const { cookie, line } = sessionOf(answer, tenant, `__Host-${COOKIE}`);
    const attributes = line.split('; ').slice(1).sort();
    assert.deepEqual(attributes, ['HttpOnly', `Max-Age=${ABSOLUTE_SECS}`, 'Path=/', 'SameSite=Lax', 'Secure']);
    const used = await gateway.askAt(at + PRIVATE, { headers: { cookie } });
    assert.deepEqual([used.status, used.body], [200, { ok: true }]);
    const plain = cookie.replace('__Host-', '');
    assertProblem(
      await gateway.askAt(at + PRIVATE, { headers: { cookie: plain } }),
      [401, 'token_missing'],
      'another name',
    );
    assertProblem(await askWith(gateway, cookie), [401, 'token_missing'], 'and on plain loopback the other way round');
  });

  test('begins a session of a fresh name, whatever cookie the browser came with', async () => {
    const browser = new Browser();
    const first = await begin({ browser });
    const second = await begin({ browser });
    assert.notEqual(second.value, first.value, 'its own, of the session before');
    assert.notEqual(second.name, first.name);
    const bobs = await begin({ email: BOB });
    const planted = { bob: bobs.value, invented: randomBytes(32).toString('base64url'), malformed: 'x' };
    for (const [whose, value] of Object.entries(planted)) {
      const victim = new Browser();
      victim.cookies(gateway.origin).set(COOKIE, value);
      const session = await begin({ browser: victim });
      assert.notEqual(session.value.slice(0, 21), value.slice(0, 21), whose);
      assert.notEqual(session.value.slice(22), value.slice(22), whose);
      await askWith(gateway, session.cookie, '/app/x');
      assert.equal(claimsAt(api).sub, tenant.subjectOf(ALICE), whose);
    }
    assert.equal((await askWith(gateway, bobs.cookie)).status, 401, 'the planted session ended with the login');
    assert.notEqual(
      (await askWith(gateway, `${COOKIE}=${planted.invented}`)).status,
      200,
      'the invented one is no session',
    );
  });

  test('that fails begins no session', async () => {
    const faults = [
      [{ kind: 'status', status: 500 }, [502, 'idp_error']],
      [{ kind: 'status', status: 400, body: { error: 'invalid_grant' } }, [400, 'code_invalid']],
      [
        { edit: (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), id_token: 'x' } }) },
        [400, 'id_token_invalid'],
      ],
    ];
    for (const [fault, expected] of faults) {
      const browser = new Browser();
      const callback = await loginUntilCallback(gateway, browser);
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, ...fault });
      const answer = await gateway.askAs(browser, callback);
      assertProblem(answer, expected, expected[1]);
      assert.deepEqual(
        answer.headers.getSetCookie().filter((line) => line.startsWith(`${COOKIE}=`)),
        [],
      );
    }
  });
});

describe('a path that wants a login', () => {
  test('takes the cookie, and the upstream sees the access token and none of our cookies', async () => {
    const { cookie } = await begin();
    tenant.resetCounts();
    const binding = 'bargate-login=0123456789abcdefghij_A';
    const table = [
      [cookie, undefined, 'ours alone'],
      [`${cookie}; ${binding}`, undefined, 'both of ours'],
      [`first=1; ${cookie}; ${binding}; last="2"`, 'first=1; last="2"', 'among others'],
      [`not${cookie}; ${cookie}; ${COOKIE}x=1`, `not${cookie}; ${COOKIE}x=1`, 'among others of almost the name'],
      [`${cookie};last=2`, 'last=2', 'without spaces'],
    ];
    for (const [sent, expected, message] of table) {
      assert.equal((await askWith(gateway, sent, '/app/x?y')).status, 200, message);
      assert.equal(claimsAt(api).sub, tenant.subjectOf(ALICE), message);
      assert.equal(api.requests.at(-1).headers.cookie, expected, message);
    }
    assert.deepEqual(tenant.counts, {}, 'and the provider is not asked');
  });

  test('hands each session its own token', async () => {
    const sessions = [await begin(), await begin({ email: BOB }), await begin({ email: 'carol@example.com' })];
    const requests = Array.from({ length: 30 }, async (_, index) => {
      const whose = index % sessions.length;
      assert.equal((await askWith(gateway, sessions[whose].cookie, `/app/${whose}`)).status, 200);
    });
    await Promise.all(requests);
    assert.equal(api.requests.length, 30);
    for (const { path, headers } of api.requests) {
      const { sub } = claimsOf(headers.authorization.slice('Bearer '.length));
      assert.equal(sub, sessions[Number(path.slice(1))].sub, path);
    }
  });

  test('takes the bearer token where a request has both, and never falls back', async () => {
    const { cookie } = await begin();
    const bob = await tenant.mint({ sub: tenant.subjectOf(BOB) });
    const both = (authorization, path = '/app/x') => askWith(gateway, cookie, path, { headers: { authorization } });
    assert.equal((await both(`Bearer ${bob}`)).status, 200);
    assert.equal(claimsAt(api).sub, tenant.subjectOf(BOB));
    assert.equal(api.requests.at(-1).headers.cookie, undefined, 'the cookie stays here all the same');
    api.requests.length = 0;
    const expired = await tenant.mint({ iat: 1, exp: 2 });
    const table = [
      [`Bearer ${bob.slice(0, -8)}`, 'token_invalid'],
      ['Bearer opaque', 'token_invalid'],
      ['Bearer', 'token_invalid'],
      ['bearer ', 'token_invalid'],
      [`Bearer ${expired}`, 'token_expired'],
    ];
    for (const [authorization, code] of table)
      assertProblem(await both(authorization), [401, code], authorization.slice(0, 20));
    assert.deepEqual(api.requests, []);
    assert.equal((await both('Basic dXNlcjpwYXNz')).status, 200, 'another scheme is none of ours');
    assert.equal(claimsAt(api).sub, tenant.subjectOf(ALICE), 'and gives way to the token');
  });

  test('needs one or the other', async () => {
    const answer = await gateway.ask(PRIVATE);
    assertProblem(answer, [401, 'token_missing'], 'neither');
    assert.equal(answer.headers.get('www-authenticate'), 'Bearer');
    assertProblem(await askWith(gateway, 'other=1'), [401, 'token_missing'], "somebody else's cookie");
  });
});

test('a path that is open keeps our cookies from the upstream all the same, and hands it no token', async () => {
  const { cookie } = await begin();
  assert.equal((await askWith(gateway, `a=1; ${cookie}`, '/open/x')).status, 200);
  const { headers } = api.requests.at(-1);
  assert.deepEqual([headers.cookie, headers.authorization], ['a=1', undefined]);
});

describe('a navigation', () => {
  const navigate = (path, headers = {}, method = 'GET') =>
    sendRaw(gateway.origin, { method, path, headers: { 'sec-fetch-mode': 'navigate', ...headers } });
  const leadsTo = (answer) => {
    const { pathname, searchParams } = new URL(answer.header('location'), gateway.origin);
    return [pathname, Object.fromEntries(searchParams)];
  };

  test('to a path that wants a login is led to it, and back', async () => {
    const invented = `${COOKIE}=${randomBytes(32).toString('base64url')}`;
    const table = [
      [{}, 'no cookie'],
      [{ cookie: invented }, 'a session that never was'],
      [{ cookie: `${COOKIE}=x` }, 'a malformed cookie'],
    ];
    for (const [headers, message] of table) {
      for (const path of ['/private', '/app/a%20b?c=d&e=%26', '/app/?return_to=/elsewhere']) {
        for (const method of ['GET', 'HEAD']) {
          const answer = await navigate(path, headers, method);
          assert.equal(answer.status, 302, `${message}: ${answer.text}`);
          assert.deepEqual(leadsTo(answer), [LOGIN, { return_to: path }], `${message}: ${method} ${path}`);
          assert.equal(answer.header('cache-control'), 'no-store', message);
          if (headers.cookie) assertCleared({ headers: { getSetCookie: () => answer.values('set-cookie') } }, message);
        }
      }
    }
  });

  test('is led back after the login to all of its address, up to 4,096 bytes', async () => {
    const longest = `/app/x?q=${'a'.repeat(4096 - '/app/x?q='.length)}`;
    const table = [
      ['/private?x=1', '/private?x=1'],
      ['/private?x=a\\b', '/private?x=a%5Cb', 'the one character that a return_to may not have'],
      [longest, longest, 'the longest'],
    ];
    for (const [asked, expected, message = asked] of table) {
      const [at, query] = leadsTo(await navigate(asked));
      const { answer } = await begin({ at, query });
      assert.equal(answer.headers.get('location'), expected, message);
    }
    assert.deepEqual(leadsTo(await navigate(`${longest}a`)), [LOGIN, {}], 'a byte more');
    const { message } = await gateway.record(({ code }) => code === 'return_to_dropped');
    assert.equal(message, '4097 bytes, at most 4096 are taken through a login');
  });

  test('with a good cookie is answered', async () => {
    const { cookie } = await begin();
    assert.equal((await navigate('/private', { cookie })).status, 200);
  });

  test('with a bad token is refused: no browser sends one', async () => {
    const answer = await navigate('/private', { authorization: 'Bearer x' });
    assert.deepEqual([answer.status, answer.header('x-problem-code')], [401, 'token_invalid']);
  });

  test('is a GET: anything else, and whatever a script fetches, is told that it failed', async () => {
    const refused = [
      await navigate('/private', {}, 'POST'),
      await sendRaw(gateway.origin, { path: '/private', headers: { 'sec-fetch-mode': 'cors' } }),
      await sendRaw(gateway.origin, { path: '/private', headers: { 'sec-fetch-mode': 'no-cors' } }),
      await sendRaw(gateway.origin, { path: '/private' }),
    ];
    for (const answer of refused)
      assert.deepEqual([answer.status, answer.header('x-problem-code')], [401, 'token_missing']);
  });
});

describe('userinfo and refresh', () => {
  test('show the profile of the session, unless a token is sent', async () => {
    const { cookie } = await begin();
    const answer = await askWith(gateway, cookie, PROFILE);
    assertPrivateJson(answer, 'by cookie');
    assert.equal(answer.body.email, ALICE);
    const bob = await tenant.mint({ sub: tenant.subjectOf(BOB) });
    for (const headers of [{ authorization: `Bearer ${bob}` }, { 'x-access-token': bob }]) {
      assert.equal((await askWith(gateway, cookie, PROFILE, { headers })).body.email, BOB, Object.keys(headers)[0]);
    }
    const refused = await askWith(gateway, cookie, PROFILE, { headers: { 'x-access-token': 'never-issued' } });
    assertProblem(refused, [401, 'token_invalid'], 'a bad token does not fall back');
    assertProblem(await gateway.ask(PROFILE), [401, 'missing_access_token'], 'nothing');
  });

  test('tell how long the token holds, and nothing else', async () => {
    const { cookie } = await begin();
    tenant.resetCounts();
    for (const [method, headers] of [
      ['GET', {}],
      ['POST', OWN_PAGE],
    ]) {
      const answer = await askWith(gateway, cookie, REFRESH, { method, headers });
      assertPrivateJson(answer, method);
      const { expires_in: seconds, ...rest } = answer.body;
      assert.deepEqual(rest, {}, 'no token');
      assert.ok(Number.isInteger(seconds) && seconds > 500 && seconds <= 600, `${seconds}`);
    }
    assert.equal(tenant.counts[TOKEN_ENDPOINT], undefined, 'a token that holds is not renewed');
    assertProblem(await gateway.ask(REFRESH), [400, 'missing_refresh_token'], 'nothing');
  });

  test('take no other token than the one that is sent', async () => {
    const { cookie } = await begin();
    const send = (path, token) => askWith(gateway, cookie, path, { headers: { authorization: `Bearer ${token}` } });
    for (const path of [PROFILE, REFRESH]) assertProblem(await send(path, 'opaque'), [401, 'token_invalid'], path);
    const bob = { sub: tenant.subjectOf(BOB) };
    const good = await send(REFRESH, await tenant.mint({ ...bob, exp: Math.floor(Date.now() / 1000) + 60 }));
    assertPrivateJson(good, 'a good one');
    assert.equal(good.body.code, 'token_still_valid');
    assert.ok(good.body.expires_in <= 60, "its own life, not that of the session's");
    const bad = [
      [await tenant.mint({ ...bob, iat: 1, exp: 2 }), [400, 'missing_refresh_token'], 'a genuine one that has expired'],
      [await tenant.mint({ ...bob, aud: 'https://other.example/' }), [401, 'token_invalid'], 'for another audience'],
      ['', [401, 'token_invalid'], 'an empty one'],
    ];
    for (const [token, expected, message] of bad) assertProblem(await send(REFRESH, token), expected, message);
    assert.equal(tenant.counts[TOKEN_ENDPOINT], 1, 'nothing was exchanged but the code of the login');
  });

  test('read a body for its refresh token, and use the session where it has none', async () => {
    const { cookie } = await begin();
    const table = [
      ['application/json', '{}', 200],
      ['application/json', '', 200],
      ['application/x-www-form-urlencoded', 'grant_type=refresh_token', 200],
      ['application/json', '{', 400],
      ['text/plain', 'x', 415],
    ];
    for (const [type, body, status] of table) {
      const init = { method: 'POST', headers: { ...OWN_PAGE, 'content-type': type }, body };
      assert.equal((await askWith(gateway, cookie, REFRESH, init)).status, status, `${type}: ${body}`);
    }
  });

  test('exchange no refresh token that is sent beside it, and leave the session alone', async () => {
    const session = await begin();
    const other = await begin({ email: BOB });
    const [token] = other.family().refreshTokens;
    const answer = await askWith(gateway, session.cookie, REFRESH, { headers: { 'x-refresh-token': token } });
    assertProblem(answer, [401, 'refresh_token_invalid'], 'by header');
    assert.deepEqual(
      [session, other].map((each) => each.family().rotations),
      [0, 0],
    );
    await assertAlive(gateway, session, 'afterwards');
  });

  test('of a session that is none say so', async () => {
    const cookie = `${COOKIE}=${randomBytes(32).toString('base64url')}`;
    for (const path of [PROFILE, REFRESH]) {
      const answer = await askWith(gateway, cookie, path);
      assertProblem(answer, SESSION_EXPIRED, path);
      assertCleared(answer, path);
    }
  });
});

test('objects that cannot be reached cost no session', async (t) => {
  t.after(() => gateway.keepAway(null));
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser);
  const session = await begin();
  const unreachable = [503, 'store_unavailable', '5'];
  await gateway.keepAway('Session');
  await later(REMEMBERED_SECS + 1);
  for (const path of [PRIVATE, PROFILE, REFRESH])
    assertProblem(await askWith(gateway, session.cookie, path), unreachable, path);
  assertProblem(await gateway.askAs(browser, callback), unreachable, 'a login');
  await gateway.keepAway(null);
  await assertAlive(gateway, session, 'as soon as they can');
});

test('the cookie has the name that the config gives it', async (t) => {
  const named = await startSessionGateway(tenant, api, { session: { cookie: '__Host-shop', absolute_seconds: 3600 } });
  t.after(() => named.close());
  const browser = new Browser();
  const { cookie, line } = sessionOf(
    await named.askAs(browser, await loginUntilCallback(named, browser)),
    tenant,
    'shop',
  );
  assert.match(line, /; Max-Age=3600(;|$)/);
  assert.equal((await askWith(named, `${cookie}; ${COOKIE}=x`, '/app/x')).status, 200);
  assert.equal(api.requests.at(-1).headers.cookie, `${COOKIE}=x`, 'and the usual name is nothing special');
});

test('a config with sessions is invalid where an object of theirs is not bound', async () => {
  const bindings = ['SESSIONS', 'REFRESH_EXCHANGES', 'LOGOUT_INDEX'];
  await Promise.all(
    bindings.map(async (missing) => {
      const objects = bindings.filter((name) => name !== missing);
      const incomplete = await startSessionGateway(tenant, api, { objects });
      const answer = await incomplete.ask('/health');
      assertProblem(answer, [503, 'config_invalid'], missing);
      await incomplete.record(({ code, message }) => code === 'config_invalid' && message?.includes(missing));
      await incomplete.close();
    }),
  );
});

test('neither a token nor a cookie is ever in the log', async () => {
  const { cookie, value, family } = await begin();
  await askWith(gateway, cookie, '/app/x');
  const { authorization } = api.requests.at(-1).headers;
  const [refresh] = family().refreshTokens;
  await assertNeverShown(gateway, { refresh, access: authorization.slice('Bearer '.length) });
  await assertNeverShown(gateway, { value, key: value.slice(22) }, { inAnswers: false });
});
