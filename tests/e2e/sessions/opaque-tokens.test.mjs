// Sessions whose access token is opaque: they stand on the provider's word about it, or on the ID token of their login.

import assert from 'node:assert/strict';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { later } from '../support/clock.mjs';
import { Browser, proxied, until } from '../support/harness.mjs';
import { CLIENT_ID, CLIENT_SECRET, assertProblem, claimsOf, loginUntilCallback } from '../support/login-flow.mjs';
import { AT, startRealm, startSessionGateway } from '../support/oidc-flow.mjs';
import {
  REMEMBERED_SECS,
  RENEW_BEFORE_SECS,
  askWith,
  assertAlive,
  assertEnded,
  authorizationFor,
  beginSession,
  untilDue,
  untilExpired,
} from '../support/session-flow.mjs';

/** ACTIVE_CACHE_SECS of introspected.rs. A token that was got so long ago is renewed if it is rejected (REJECT_AFTER_SECS of record.rs). */
const ACTIVE_CACHE_SECS = 30;

const UNAVAILABLE = [503, 'idp_unavailable', '5'];

let api;
let realm;

before(async () => {
  [api, realm] = await Promise.all([startApi(), startRealm({ accessTokenFormat: 'opaque' })]);
});

after(() => Promise.all([api, realm].map((each) => each?.close())));

beforeEach(() => realm.resetCounts());
afterEach(() => realm.clearFaults());

/** Lets the provider not know the next token that it is asked about. */
const forgetOne = () =>
  realm.fault({ path: AT.introspection, times: 1, kind: 'status', status: 200, body: '{"active":false}' });

/** The opaque token that the upstream gets for a session. */
async function tokenOf(gateway, session) {
  const [scheme, token] = (await authorizationFor(gateway, api, session)).split(' ');
  assert.equal(scheme, 'Bearer');
  assert.match(token, /^[\w-]{43}$/, 'the opaque token itself');
  return token;
}

describe('with "introspection", a session', () => {
  let gateway;
  before(async () => {
    gateway = await startSessionGateway(realm, api, { authorizer: { introspection: 'opaque' } });
  });
  after(() => gateway?.close());

  test('begins if the provider says that its token is valid, and its upstream gets that token', async () => {
    const session = await beginSession(gateway, realm);
    assert.equal(realm.callsOf(AT.introspection), 1);
    await tokenOf(gateway, session);
    await assertAlive(gateway, session, 'at once');
    assert.equal(realm.callsOf(AT.introspection), 1, 'the answer counts');
  });

  test('does not begin if the provider says otherwise', async () => {
    const browser = new Browser();
    const callback = await loginUntilCallback(gateway, browser);
    forgetOne();
    const answer = await gateway.askAs(browser, callback);
    assertProblem(answer, [502, 'idp_error'], 'inactive');
    const { reason } = await gateway.recordOf(answer);
    assert.equal(reason, 'its access token: the provider says that it is not active');
  });

  test('goes on with another token if its own is no longer valid, and ends if none is to be had', async () => {
    const session = await beginSession(gateway, realm);
    const first = await tokenOf(gateway, session);
    await later(ACTIVE_CACHE_SECS);
    forgetOne();
    const second = await tokenOf(gateway, session);
    assert.notEqual(second, first);
    // oidc-provider revokes the refresh token along with it.
    const body = new URLSearchParams({ token: second, client_id: CLIENT_ID, client_secret: CLIENT_SECRET });
    assert.equal((await fetch(realm.origin + AT.revocation, { method: 'POST', body })).status, 200);
    await later(ACTIVE_CACHE_SECS);
    await assertEnded(gateway, session, 'the provider knows neither token');
  });

  test('waits for a provider that cannot say, and ends for none', async () => {
    const session = await beginSession(gateway, realm);
    realm.fault({ path: AT.introspection, kind: 'reset' });
    await assertAlive(gateway, session, 'while the answer counts');
    await later(ACTIVE_CACHE_SECS);
    assertProblem(await askWith(gateway, session.cookie), UNAVAILABLE, 'away');
    realm.clearFaults();
    await assertAlive(gateway, session, 'once it is back');
  });

  test('is renewed before its token expires, by what the token response says', async () => {
    const session = await beginSession(gateway, realm);
    const first = await tokenOf(gateway, session);
    await untilDue();
    await tokenOf(gateway, session);
    await until(() => session.family().rotations === 1);
    await later(REMEMBERED_SECS + 1);
    assert.notEqual(await tokenOf(gateway, session), first);
  });
});

describe('with the claims of its ID token, a session', () => {
  const paths = (issuer) => [
    proxied('/mapped/{.+}', 'api', {
      auth: { claims: { iss: issuer, aud: CLIENT_ID } },
      mapping: { headers: { 'x-user': '$request.jwt.sub' } },
    }),
  ];
  /** As "Sign in with Google": the access token is opaque, and for an API of the provider's own. */
  const google = { audience: undefined, scope: 'openid profile email offline_access' };
  const start = (t, more = {}) => {
    const session = { claims_from: 'id_token' };
    const starting = startSessionGateway(realm, api, {
      authorizer: google,
      session,
      paths: paths(realm.issuer),
      ...more,
    });
    t.after(async () => (await starting).close());
    return starting;
  };
  const askMapped = async (gateway, session) => {
    const answer = await askWith(gateway, session.cookie, '/mapped/x');
    assert.equal(answer.status, 200, answer.text);
    return api.requests.at(-1).headers;
  };

  test('needs no API and asks nobody about its token, which the upstream gets', async (t) => {
    const gateway = await start(t);
    const session = await beginSession(gateway, realm);
    const token = await tokenOf(gateway, session);
    const headers = await askMapped(gateway, session);
    assert.deepEqual([headers['x-user'], headers.authorization], [session.sub, `Bearer ${token}`]);
    assert.equal(realm.callsOf(AT.introspection), 0);
  });

  test('goes on behind the expiry of its ID token and the withdrawal of its key', async (t) => {
    const own = await startRealm({ accessTokenFormat: 'opaque', idTokenSeconds: 60 });
    t.after(() => own.close());
    const gateway = await start(t);
    const ofOwn = await startSessionGateway(own, api, {
      authorizer: google,
      session: { claims_from: 'id_token' },
      paths: paths(own.issuer),
    });
    t.after(() => ofOwn.close());
    const [session, bystander] = [await beginSession(ofOwn, own), await beginSession(gateway, realm)];
    await own.rotateKeys({ forgetOld: true });
    await later(120);
    assert.equal((await askMapped(ofOwn, session))['x-user'], session.sub);
    assert.equal((await askMapped(gateway, bystander))['x-user'], bystander.sub);
  });

  test('is renewed by what the token response says, with the claims of the ID token that comes along', async (t) => {
    const gateway = await start(t);
    const session = await beginSession(gateway, realm);
    const first = await tokenOf(gateway, session);
    let given;
    realm.fault({
      path: AT.token,
      times: 1,
      edit: (answer) => {
        given = JSON.parse(answer.body);
        return answer;
      },
    });
    await untilExpired();
    assert.equal((await askMapped(gateway, session))['x-user'], session.sub);
    assert.equal(session.family().rotations, 1);
    const second = await tokenOf(gateway, session);
    assert.notEqual(second, first);
    assert.deepEqual([given.access_token, claimsOf(given.id_token).sub], [second, session.sub]);

    // A logout puts it into an address: by itself it opens nothing, although it is for the client.
    const headers = { authorization: `Bearer ${given.id_token}` };
    const answer = await gateway.ask('/mapped/x', { headers });
    assert.deepEqual([answer.status, answer.body.code], [401, 'token_invalid']);
    const { reason } = await gateway.recordOf(answer);
    assert.match(reason, /audience, without which ID tokens would be bearer tokens/);
  });

  test('ends if a renewal brings the ID token of another user', async (t) => {
    const gateway = await start(t);
    const session = await beginSession(gateway, realm);
    realm.fault({
      path: AT.token,
      times: 1,
      async edit(answer) {
        const body = JSON.parse(answer.body);
        const forged = await realm.mint({ ...claimsOf(body.id_token), sub: 'auth0|somebody-else' });
        return { ...answer, body: { ...body, id_token: forged } };
      },
    });
    await untilExpired();
    await assertEnded(gateway, session, "another user's");
  });

  test('ends with its access token if there is no refresh token', async (t) => {
    const gateway = await start(t, { authorizer: { ...google, scope: 'openid' } });
    const session = await beginSession(gateway, realm);
    await later(600 - RENEW_BEFORE_SECS);
    await assertAlive(gateway, session, 'while the token is valid');
    await later(RENEW_BEFORE_SECS);
    await assertEnded(gateway, session, 'then');
  });

  test('does not begin with an ID token of another client', async (t) => {
    const gateway = await start(t);
    const browser = new Browser();
    const callback = await loginUntilCallback(gateway, browser);
    realm.fault({
      path: AT.token,
      times: 1,
      async edit(answer) {
        const body = JSON.parse(answer.body);
        const forged = await realm.mint({ ...claimsOf(body.id_token), aud: 'another-client' });
        return { ...answer, body: { ...body, id_token: forged } };
      },
    });
    assertProblem(await gateway.askAs(browser, callback), [400, 'id_token_invalid'], 'another client');
  });

  test('of a token that the provider has withdrawn is renewed, where it is asked', async (t) => {
    const gateway = await start(t, { authorizer: { ...google, introspection: 'opaque' } });
    const session = await beginSession(gateway, realm);
    const first = await tokenOf(gateway, session);
    await later(ACTIVE_CACHE_SECS);
    forgetOne();
    assert.notEqual(await tokenOf(gateway, session), first);
    assert.equal((await askMapped(gateway, session))['x-user'], session.sub);
  });
});
