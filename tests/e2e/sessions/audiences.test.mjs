// Tokens for several audiences of one login: each upstream gets its own, every exchange uses the refresh token that the one before
// brought, and what is not the token that was requested goes nowhere. Once as Auth0 has it, and once as RFC 8707 does.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { DEFAULT_AUDIENCE, startTenant } from '../../../dev/tenant.mjs';
import { API_SCOPES, AUDIENCES, DIALECTS, NAMES, policies } from '../support/audiences.mjs';
import { later } from '../support/clock.mjs';
import { proxied } from '../support/harness.mjs';
import { LOGIN, assertNeverShown, assertProblem } from '../support/login-flow.mjs';
import {
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  REMEMBERED_SECS,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  askWith,
  assertAlive,
  assertFamily,
  authorizationFor,
  beginSession,
  claimsAt,
  startSessionGateway,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

/** `UNFIT_SECS` of src/session/tokens.rs, and the time for which an isolate remembers what it has. */
const ASKED_AGAIN_SECS = 60 + REMEMBERED_SECS;
const UNAVAILABLE = [502, 'token_unavailable'];

/** The servers of a config, and the paths that lead there. */
function upstreams(api, parameter) {
  const servers = [{ alias: 'api', url: api.origin }];
  for (const [alias, audience] of Object.entries(AUDIENCES))
    servers.push({ alias, url: api.origin, [parameter]: audience });
  return {
    sections: { servers },
    paths: [
      ...NAMES.map((name) => proxied(`/${name}/{.+}`, name, { auth: true })),
      {
        method: 'ANY',
        path: '/scoped/{.+}',
        auth: true,
        integration: {
          type: 'http_proxy',
          server: 'orders',
          [parameter]: AUDIENCES.orders,
          scope: 'read:orders write:orders',
        },
      },
    ],
  };
}

for (const { dialect, parameter, settings, strict, authorizer } of DIALECTS) {
  describe(dialect, () => {
    let tenant;
    let api;
    let gateway;

    before(async () => {
      const options = { accessTokenSeconds: LIFE_SECS, apiScopes: API_SCOPES, strict, ...settings() };
      [tenant, api] = await Promise.all([startTenant(options), startApi()]);
      gateway = await startSessionGateway(tenant, api, { isolates: 2, authorizer, ...upstreams(api, parameter) });
    });

    after(async () => {
      await gateway?.close();
      await Promise.all([tenant?.close(), api?.close()]);
    });

    beforeEach(() => {
      tenant.resetCounts();
      api.requests.length = 0;
    });

    afterEach(() => {
      tenant.clearFaults();
      Object.assign(tenant.settings, { rotateRefreshTokens: true, rotationOverlapSeconds: 0, withheldResources: [] });
      Object.assign(tenant.settings, settings());
    });

    const exchanges = () => tenant.counts[TOKEN_ENDPOINT] ?? 0;
    const audienceOf = ({ aud }) => [aud].flat().filter((one) => !one.endsWith('/userinfo'));

    async function begin() {
      const session = await beginSession(gateway, tenant);
      tenant.resetCounts();
      return session;
    }

    /** Asks the upstream of this name, which must be shown a token for its audience; gives its claims. */
    async function assertServed(session, name, message = name) {
      const answer = await askWith(gateway, session.cookie, `/${name}/x`);
      assert.equal(answer.status, 200, `${message}: ${answer.text}`);
      const claims = claimsAt(api);
      assert.deepEqual(audienceOf(claims), [AUDIENCES[name] ?? DEFAULT_AUDIENCE], message);
      return claims;
    }

    /** Asks all upstreams at once, twenty requests in all, and asserts that each was shown tokens for its own audience. */
    async function askAll(session) {
      api.requests.length = 0;
      const sent = Array.from({ length: 20 }, (_, index) => {
        const path = `/${NAMES[index % NAMES.length]}/${index}`;
        if (index % 5 === 0) return gateway.askOther(path, { headers: { cookie: session.cookie } });
        return askWith(gateway, session.cookie, path);
      });
      for (const { status, text } of await Promise.all(sent)) assert.equal(status, 200, text);
      const shown = api.requests.map(({ path, headers }) => {
        const claims = JSON.parse(Buffer.from(headers.authorization.split('.')[1], 'base64url').toString());
        return [NAMES[path.slice(1) % NAMES.length], audienceOf(claims)];
      });
      assert.equal(shown.length, 20);
      for (const [name, audience] of shown) assert.deepEqual(audience, [AUDIENCES[name]]);
    }

    test('each upstream gets the token for its audience, and others that of the login', async () => {
      const session = await begin();
      await assertServed(session, 'app');
      for (const [index, name] of NAMES.entries()) {
        await assertServed(session, name);
        await assertServed(session, name, `${name}, again`);
        assert.equal(exchanges(), index + 1, 'one exchange for each');
      }
      await assertServed(session, 'app', 'the token of the login stays');
      await later(REMEMBERED_SECS + 1);
      for (const name of [...NAMES, 'app']) await assertServed(session, name, `${name}, when the isolate asks again`);
      assert.equal(exchanges(), NAMES.length);
      assertFamily(session, { rotations: NAMES.length, revoked: false });
    });

    test('twenty requests for four audiences are four exchanges in a row', async () => {
      const session = await begin();
      await askAll(session);
      assert.equal(exchanges(), 4);
      assertFamily(session, { rotations: 4, revoked: false });
    });

    test('on an expired session they are four, and one for the login', async () => {
      const session = await begin();
      await askAll(session);
      for (const rotations of [9, 14]) {
        await untilExpired();
        await askAll(session);
        assertFamily(session, { rotations, revoked: false });
      }
      assert.equal(exchanges(), 14);
    });

    test('they all wait for a provider that is slow', async () => {
      const session = await begin();
      await untilExpired();
      const hold = tenant.hold(TOKEN_ENDPOINT);
      const asking = askAll(session);
      await hold.arrived();
      await gateway.drained();
      assert.equal(hold.waiting, 1, 'no exchange begins before the one before it has ended');
      hold.release();
      await asking;
      assertFamily(session, { rotations: 5, revoked: false });
    });

    test('a token that is due is renewed by itself', async () => {
      const session = await begin();
      const first = await assertServed(session, 'orders');
      await untilDue();
      const second = await assertServed(session, 'orders');
      assert.ok(second.exp > first.exp, 'another one');
      assert.equal(exchanges(), 3, 'that of the login, and that for the orders twice');
      await assertServed(session, 'stock');
      assertFamily(session, { rotations: 4, revoked: false });
    });

    test('a refresh token that is not rotated is used for all of them', async () => {
      tenant.settings.rotateRefreshTokens = false;
      const session = await begin();
      await askAll(session);
      assert.equal(exchanges(), 4);
      assertFamily(session, { rotations: 0, revoked: false });
    });

    test('what came for one audience, and was lost to a session that restarted, is never taken for another', async () => {
      const session = await begin();
      await assertServed(session, 'app');
      await gateway.restartAskers(2);
      const lost = await askWith(gateway, session.cookie, '/orders/x');
      assertProblem(lost, [503, 'store_unavailable', '5'], 'restarted at both tries');
      assert.equal(exchanges(), 1, 'the provider has answered');
      await assertServed(session, 'stock');
      assert.equal(exchanges(), 2, 'with the refresh token that came for the orders');
      await assertServed(session, 'orders');
      assert.equal(exchanges(), 2, 'whose token came then, too');
      assertFamily(session, { rotations: 2, revoked: false });
    });

    test('a session that restarts between two exchanges loses neither', async () => {
      for (const how of [{}, { after: true }]) {
        const session = await begin();
        await assertServed(session, 'app');
        const hold = tenant.hold(TOKEN_ENDPOINT, how);
        const waiting = ['orders', 'stock'].map((name) => askWith(gateway, session.cookie, `/${name}/x`));
        await hold.arrived();
        await gateway.restart('SESSIONS', session.name);
        hold.release();
        for (const { status, text } of await Promise.all(waiting)) assert.equal(status, 200, text);
        for (const name of ['orders', 'stock', 'app']) await assertServed(session, name);
        assert.equal(exchanges(), 2);
        assertFamily(session, { rotations: 2, revoked: false });
      }
    });

    test('an exchange for an audience that the provider answers with a failure costs nothing', async () => {
      const session = await begin();
      await assertServed(session, 'stock');
      for (const [fault, expected] of /** @type {any[][]} */ ([
        [{ status: 500 }, [503, 'idp_unavailable', '5']],
        [{ status: 429, body: '{}', headers: { 'retry-after': '7' } }, [429, 'idp_rate_limited', '7']],
        [{ kind: 'malformed' }, [503, 'idp_unavailable', '5']],
        [{ kind: 'huge' }, [503, 'idp_unavailable', '5']],
        [{ kind: 'reset' }, [503, 'idp_unavailable', '5']],
        [{ status: 401, body: '{"error":"invalid_client"}' }, [502, 'idp_rejected']],
        [{ status: 403, body: '<h1>Request blocked</h1>' }, [502, 'idp_rejected']],
        [{ status: 404, body: '' }, [502, 'idp_rejected']],
      ])) {
        tenant.fault({ path: TOKEN_ENDPOINT, times: 1, kind: 'status', ...fault });
        assertProblem(await askWith(gateway, session.cookie, '/orders/x'), expected, JSON.stringify(fault));
        await assertServed(session, 'stock', 'another audience');
      }
      await assertServed(session, 'orders', 'and then it is had');
      assertFamily(session, { rotations: 2, revoked: false });
    });

    test('a token for another audience is never forwarded, and the log names the setting', async () => {
      const session = await begin();
      const [token] = (await authorizationFor(gateway, api, session)).split(' ').slice(1);
      const edit = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), access_token: token } });
      tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
      api.requests.length = 0;
      const refused = await askWith(gateway, session.cookie, '/orders/x');
      assertProblem(refused, UNAVAILABLE);
      assert.match((await gateway.recordOf(refused)).reason, new RegExp(`see "${parameter}" of the server`));
      assertProblem(await askWith(gateway, session.cookie, '/orders/x'), UNAVAILABLE, 'at once');
      assert.equal(exchanges(), 1, 'it is not asked for again at once');
      assert.deepEqual(api.requests, [], 'nothing was forwarded');
      await assertServed(session, 'stock', 'by the refresh token that came with it');
      await later(ASKED_AGAIN_SECS);
      await assertServed(session, 'orders', 'a minute later');
      assertFamily(session, { rotations: 3, revoked: false });
    });

    test('a scope that was not given is 403 with what is missing', async () => {
      const session = await begin();
      const narrowed = { ...settings(), policies: policies(NAMES, ['read:orders']) };
      if (strict) {
        const edit = (answer) => ({ ...answer, body: { ...JSON.parse(answer.body), scope: 'openid read:orders' } });
        tenant.fault({ path: TOKEN_ENDPOINT, times: 1, edit });
      } else {
        Object.assign(tenant.settings, narrowed);
      }
      api.requests.length = 0;
      const refused = await askWith(gateway, session.cookie, '/scoped/x');
      assertProblem(refused, [403, 'insufficient_scope']);
      assert.match(refused.headers.get('www-authenticate'), /error="insufficient_scope".* scope="write:orders"$/);
      assert.deepEqual(api.requests, []);
      await assertServed(session, 'orders', 'without the scope');
      Object.assign(tenant.settings, settings());
      await later(ASKED_AGAIN_SECS);
      assert.equal((await askWith(gateway, session.cookie, '/scoped/x')).status, 200, 'when it is given');
      assert.deepEqual(claimsAt(api).scope.split(' ').sort(), ['read:orders', 'write:orders']);
      assertFamily(session, { rotations: 3, revoked: false });
    });

    test('a logout ends all of them, and no token was ever shown', async () => {
      const session = await begin();
      await askAll(session);
      const tokens = api.requests.map(({ headers }) => headers.authorization.slice('Bearer '.length));
      const gone = await askWith(gateway, session.cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE });
      assert.equal(gone.status, 303, gone.text);
      for (const name of NAMES)
        assertProblem(await askWith(gateway, session.cookie, `/${name}/x`), SESSION_EXPIRED, name);
      const refreshTokens = session.family().refreshTokens;
      const named = [...new Set([...tokens, ...refreshTokens])].map((text, index) => [`token ${index}`, text]);
      await assertNeverShown(gateway, Object.fromEntries(named));
    });

    if (strict) {
      test('a login requests every resource and its scopes', async () => {
        const location = new URL((await gateway.ask(LOGIN)).headers.get('location'));
        assert.deepEqual(location.searchParams.getAll('resource'), [DEFAULT_AUDIENCE, ...Object.values(AUDIENCES)]);
        const [scope, ...others] = location.searchParams.getAll('scope');
        assert.equal(scope, 'openid profile email offline_access read:messages read:orders write:orders');
        assert.deepEqual(others, []);
      });

      test('a refusal that has spent the refresh token costs the session no earlier than its tokens end', async () => {
        const session = await begin();
        await assertServed(session, 'stock');
        tenant.settings.withheldResources = [AUDIENCES.orders];
        const refused = await askWith(gateway, session.cookie, '/orders/x');
        assertProblem(refused, UNAVAILABLE);
        assert.match((await gateway.recordOf(refused)).reason, /^400 invalid_target: .*see "resource" of the server/);
        await later(ASKED_AGAIN_SECS);
        assertProblem(await askWith(gateway, session.cookie, '/orders/x'), UNAVAILABLE, 'it is not asked again');
        assert.equal(exchanges(), 2);
        await assertServed(session, 'stock', 'the others go on');
        await assertServed(session, 'app', 'so does the session');
        await untilExpired();
        assertProblem(await askWith(gateway, session.cookie, '/app/x'), SESSION_EXPIRED, 'until it has to be renewed');
      });
    } else {
      test('an audience without a policy brings the token of the login, which no other upstream gets', async () => {
        tenant.settings.policies = policies(['stock']);
        const session = await begin();
        const refused = await askWith(gateway, session.cookie, '/orders/x');
        assertProblem(refused, UNAVAILABLE);
        assert.match((await gateway.recordOf(refused)).reason, /aud .*refresh_token\.policies/);
        assert.deepEqual(api.requests, []);
        await assertServed(session, 'stock', 'one with a policy');
        Object.assign(tenant.settings, settings());
        await later(ASKED_AGAIN_SECS);
        await assertServed(session, 'orders', 'when there is a policy');
        assertFamily(session, { rotations: 3, revoked: false });
      });

      test('a refusal that has not spent the refresh token costs nothing', async () => {
        tenant.settings.rotateRefreshTokens = false;
        const session = await begin();
        const denied = '{"error":"access_denied","error_description":"Service not enabled within domain"}';
        tenant.fault({ path: TOKEN_ENDPOINT, times: 1, status: 403, body: denied });
        assertProblem(await askWith(gateway, session.cookie, '/orders/x'), UNAVAILABLE);
        await assertServed(session, 'stock', 'which proves the refresh token alive');
        await later(ASKED_AGAIN_SECS);
        await assertServed(session, 'orders', 'so that it is asked for again');
        await untilExpired();
        await assertAlive(gateway, session, 'and the session goes on');
      });
    }
  });
}
