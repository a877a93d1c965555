// As upgrades.test.mjs, for what further-forms.mjs has stored; and what becomes of forms that a later version has stored, if that is
// rolled back to this one: they are kept for it, and nothing of them is taken for the end of a login.

import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { FURTHER, ORDERS, refresh } from '../support/further-forms.mjs';
import { keptManifest, unpackKept } from '../support/kept-bundle.mjs';
import {
  FIXTURES,
  NOW_MS,
  beginLogin,
  finishLogin,
  goOn,
  keepsAll,
  laterObjects,
  waitsAnew,
} from '../support/upgrades.mjs';

const STORE_UNAVAILABLE = [503, 'store_unavailable'];

const versions = readdirSync(FIXTURES).filter((version) => existsSync(join(FIXTURES, version, FURTHER)));

const calls = ({ provider }) => provider.calls.map(([path]) => path);
const assertStatus = ({ status, text }, expected) => assert.equal(status, expected, text);
const assertProblem = ({ status, body, text }, expected) => assert.deepEqual([status, body?.code], expected, text);
const cookiesOf = ({ headers }) => headers.getSetCookie();

for (const version of versions) {
  const folder = join(FIXTURES, version, FURTHER);

  describe(`what version ${version} has left further:`, () => {
    const goesOn = (name, body) => test(name, () => goOn(folder, body));

    goesOn('a session has what its login said, and what was kept of its client', async (gateway, handed) => {
      assertStatus(await gateway.askWith(handed.session, '/stepped'), 200);
      const { body } = await gateway.askWith(handed.session, '/account/sessions');
      assert.deepEqual(body, handed.list);
      assert.equal(body.sessions[0].user_agent, 'node');
      assert.deepEqual(calls(gateway), []);
    });

    goesOn('a session knows what the provider has refused', async (gateway, handed) => {
      assertProblem(await gateway.askWith(handed.session, '/elsewhere/x'), [502, 'token_unavailable']);
      assert.deepEqual(calls(gateway), []);
    });

    goesOn("the gateway's own token is in KV", async (gateway, handed) => {
      const { body } = await gateway.askWith(handed.session, '/billing/x');
      assert.deepEqual(body, handed.billing);
      assert.deepEqual(calls(gateway), []);
    });

    goesOn('a session that was not listed when all ended is over', async (gateway, handed) => {
      assertProblem(await gateway.askWith(handed.unlisted, '/app/x'), [401, 'session_expired']);
    });

    goesOn('a session that a login replaced does not take the cookie of that along', async (gateway, handed) => {
      const answer = await gateway.askWith(handed.replaced, '/app/x');
      assertProblem(answer, [401, 'session_expired']);
      assert.deepEqual(cookiesOf(answer), []);
      assertStatus(await gateway.askWith(handed.by, '/app/x'), 200);
    });

    goesOn('the exchanges of a row are given again, each for its API', async (gateway, { row }) => {
      assert.deepEqual((await refresh(gateway, row.token)).body, row.own);
      assert.deepEqual((await refresh(gateway, row.token, ORDERS)).body, row.orders);
      assert.deepEqual(calls(gateway), []);
    });

    goesOn('an exchange that its client has revoked stays closed', async (gateway, { closed }) => {
      assertProblem(await refresh(gateway, closed), [401, 'refresh_token_invalid']);
      assert.deepEqual(calls(gateway), []);
    });

    goesOn('a session that ended before it began does not begin', async (gateway, { tombstone }) => {
      const create = { do: 'create', key: 'any', access: 'any', until: NOW_MS / 1000 + 600 };
      await assert.rejects(gateway.tell('SESSIONS', tombstone, create), /it was ended before it began/);
    });

    goesOn('a login that requires an authentication is finished', async (gateway, handed) => {
      gateway.provider.claims = { acr: 'urn:example:mfa' };
      const cookie = await finishLogin(gateway, handed.login);
      assertStatus(await gateway.askWith(cookie, '/stepped'), 200);
      assert.ok(!calls(gateway).includes('/.well-known/openid-configuration'), 'the discovery document is in KV');
    });
  });

  describe(`of what version ${version} has left, as a later version stores it:`, () => {
    test('sessions wait for it', () =>
      goOn(
        folder,
        async (gateway, handed, { objects }) => {
          for (const path of ['/app/x', '/account/sessions']) {
            const answer = await gateway.askWith(handed.session, path);
            assertProblem(answer, STORE_UNAVAILABLE);
            assert.deepEqual(cookiesOf(answer), [], 'the browser keeps the cookie');
            assert.match(answer.record.reason, /a later version has stored this/);
          }
          for (const object of objects.filter(({ binding }) => binding === 'SESSIONS'))
            await waitsAnew(gateway, object);
          await keepsAll(gateway, objects, 'SESSIONS');
          assert.deepEqual(calls(gateway), []);
          // Others begin meanwhile.
          gateway.provider.claims = { acr: 'urn:example:mfa' };
          const cookie = await finishLogin(gateway, await beginLogin(gateway));
          assertStatus(await gateway.askWith(cookie, '/app/x'), 200);
        },
        { change: laterObjects('SESSIONS') },
      ));

    test('a logout of all sessions of a user fails until it has ended those', () =>
      goOn(
        folder,
        async (gateway, handed, { objects }) => {
          const session = Buffer.from(handed.session.split('=')[1], 'base64url').subarray(0, 16).toString('base64url');
          const isOf = ({ binding, entries }) => binding === 'LOGOUT_INDEX' && entries.state.includes(session);
          const { name } = objects.find(isOf);
          const answer = await gateway.tell('LOGOUT_INDEX', name, { end_all: true });
          assert.equal(JSON.parse(answer).failed, true);
          assert.ok(isOf({ binding: 'LOGOUT_INDEX', ...(await gateway.look('LOGOUT_INDEX', name)) }), 'it stays there');
          await keepsAll(gateway, objects, 'SESSIONS');
        },
        { change: laterObjects('SESSIONS') },
      ));

    test('a browser keeps a cookie of another form, also if a logout fails for it', () =>
      goOn(
        folder,
        async (gateway, handed) => {
          const cookie = handed.session.replace('bargate=', 'bargate=2.');
          for (const path of ['/app/x', '/logout']) {
            const answer = await gateway.askWith(cookie, path);
            assertProblem(answer, STORE_UNAVAILABLE);
            assert.deepEqual(cookiesOf(answer), [], path);
          }
          assertStatus(await gateway.askWith(handed.session, '/app/x'), 200);
        },
        { paths: [{ method: 'GET', path: '/logout', integration: { type: 'oidc_logout' } }] },
      ));

    test('exchanges wait for it, and no refresh token is used', () =>
      goOn(
        folder,
        async (gateway, { row, closed }, { objects }) => {
          assertProblem(await refresh(gateway, row.token), STORE_UNAVAILABLE);
          assertProblem(await refresh(gateway, closed), STORE_UNAVAILABLE);
          assert.deepEqual(calls(gateway), []);
          await keepsAll(gateway, objects, 'REFRESH_EXCHANGES');
        },
        { change: laterObjects('REFRESH_EXCHANGES') },
      ));

    test('the list of sessions waits for it, and nobody is taken for ended', () =>
      goOn(
        folder,
        async (gateway, handed, { objects }) => {
          assertProblem(await gateway.askWith(handed.session, '/account/sessions'), STORE_UNAVAILABLE);
          assertStatus(await gateway.askWith(handed.session, '/app/x'), 200);
          await keepsAll(gateway, objects, 'LOGOUT_INDEX');
        },
        { change: laterObjects('LOGOUT_INDEX') },
      ));

    test('a JWKS in KV and a token that is sealed otherwise are fetched', () =>
      goOn(
        folder,
        async (gateway, handed) => {
          await beginLogin(gateway);
          const { body } = await gateway.askWith(handed.session, '/billing/x');
          assert.notDeepEqual(body, handed.billing);
          assert.deepEqual(calls(gateway).sort(), [
            '/.well-known/jwks.json',
            '/.well-known/openid-configuration',
            '/oauth/token',
          ]);
        },
        {
          change({ kv }) {
            for (const [key, text] of Object.entries(kv.JWKS))
              kv.JWKS[key] = JSON.stringify({ ...JSON.parse(text), version: 2 });
            for (const [key, text] of Object.entries(kv.UPSTREAM_TOKENS)) kv.UPSTREAM_TOKENS[key] = `2.${text}`;
          },
        },
      ));

    test('a login is begun again', () =>
      goOn(folder, async (gateway, { login }) => {
        const query = new URLSearchParams(login.callback.split('?')[1]);
        query.set('state', `2.${query.get('state')}`);
        const answer = await gateway.askWith(login.cookie, `/callback?${query}`);
        assertProblem(answer, [400, 'state_invalid']);
      }));
  });
}

test('the bundle of the version before goes on with what it has stored', async () => {
  const kept = unpackKept();
  try {
    assert.ok(versions.includes(keptManifest().version));
    const folder = join(FIXTURES, kept.version, FURTHER);
    await goOn(
      folder,
      async (gateway, handed) => assertStatus(await gateway.askWith(handed.session, '/stepped'), 200),
      { bundle: kept.folder },
    );
  } finally {
    kept.remove();
  }
});
