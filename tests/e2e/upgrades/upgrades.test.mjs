// What an earlier version has left is used by this one: configs, sessions, logins on their way, what objects and KV store. Each version
// that was published has a fixture, which support/upgrades.mjs wrote when it was current.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { later } from '../support/clock.mjs';
import { FIXTURES, finishLogin, startAt } from '../support/upgrades.mjs';

/** How long the tokens of a fixture live, and a second. */
const EXPIRED_AFTER_SECS = 601;

for (const version of readdirSync(FIXTURES)) {
  describe(`what version ${version} has left:`, () => {
    const textOf = (name) => readFileSync(join(FIXTURES, version, name), 'utf8');
    const { state, kv, objects, handed } = JSON.parse(textOf('stored.json'));

    /** Runs a test with a gateway of this version in the place of that one. */
    const goesOn = (name, body) =>
      test(name, async () => {
        const gateway = await startAt(structuredClone(state), textOf('gateway.config.json'));
        try {
          const namespace = await gateway.kv('JWKS');
          for (const [key, text] of Object.entries(kv)) await namespace.put(key, text);
          for (const object of objects) await gateway.fill(object);
          await body(gateway, gateway.provider);
        } finally {
          await gateway.close();
        }
      });
    const claimsOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url').toString());
    const claimsAt = ({ body }) => claimsOf(body.shown);
    const calls = ({ calls }) => calls.map(([path]) => path);
    const assertStatus = ({ status, text }, expected) => assert.equal(status, expected, text);
    const asked = (gateway, token) =>
      gateway.ask('/refresh', { method: 'POST', headers: { 'x-refresh-token': token } });

    test('objects of every class, and a JWKS', () => {
      const classes = new Set(objects.map(({ binding }) => binding));
      assert.deepEqual([...classes].sort(), ['LOGOUT_INDEX', 'RATE_LIMITS', 'REFRESH_EXCHANGES', 'SESSIONS']);
      assert.equal(Object.keys(kv).length, 1);
    });

    goesOn('a session has its token, and gets another when that has expired', async (gateway, provider) => {
      const answer = await gateway.askWith(handed.plain, '/app/x');
      assertStatus(answer, 200);
      assert.deepEqual(calls(provider), [], 'the provider is not asked, not even for its JWKS');
      await later(EXPIRED_AFTER_SECS);
      const renewed = await gateway.askWith(handed.plain, '/app/x');
      assertStatus(renewed, 200);
      assert.equal(claimsAt(renewed).sub, claimsAt(answer).sub);
      assert.notEqual(claimsAt(renewed).number, claimsAt(answer).number);
      assert.equal(provider.count('/oauth/token'), 1);
    });

    goesOn(
      'a session has its tokens for two audiences, its profile, and its place in the list',
      async (gateway, provider) => {
        const audiences = [];
        for (const path of ['/app/x', '/orders/x']) {
          const answer = await gateway.askWith(handed.used, path);
          assertStatus(answer, 200);
          audiences.push(claimsAt(answer).aud);
        }
        assert.deepEqual(audiences, ['https://api.example/', 'https://orders.example/']);
        const profile = await gateway.askWith(handed.used, '/profile');
        assertStatus(profile, 200);
        assert.equal(profile.body.name, 'Ada');
        const { body } = await gateway.askWith(handed.used, '/account/sessions');
        assert.deepEqual(
          body.sessions.map(({ current }) => current),
          [true],
        );
        assert.deepEqual(calls(provider), []);
      },
    );

    goesOn('a session that has ended stays so, and its refresh token is revoked', async (gateway, provider) => {
      assertStatus(await gateway.askWith(handed.ended, '/app/x'), 401);
      assert.deepEqual(calls(provider), []);
      for (const object of objects.filter(({ entries }) => entries.left)) await gateway.ring(object);
      assert.deepEqual(calls(provider), ['/oauth/revoke']);
      const [, { token }] = provider.calls.at(-1);
      assert.equal(typeof state.refreshTokens[token], 'string', 'it is the one that the provider knows');
    });

    goesOn('the provider ends a session', async (gateway, provider) => {
      const { cookie, sid } = handed.listed;
      const body = new URLSearchParams({ logout_token: provider.logoutToken(sid, 'of-this-version') });
      assertStatus(await gateway.ask('/backchannel', { method: 'POST', body }), 200);
      assertStatus(await gateway.askWith(cookie, '/app/x'), 401);
      assertStatus(await gateway.askWith(handed.plain, '/app/x'), 200);
    });

    goesOn('the answer to a used refresh token is given again', async (gateway, provider) => {
      const answer = await asked(gateway, handed.token);
      assertStatus(answer, 200);
      assert.deepEqual(answer.body, handed.refreshed);
      assert.deepEqual(calls(provider), []);
    });

    goesOn('a refresh whose answer was lost is made once more', async (gateway, provider) => {
      assertStatus(await asked(gateway, handed.lost), 200);
      assert.deepEqual(calls(provider), ['/oauth/token']);
    });

    goesOn('and not a third time', async (gateway, provider) => {
      const object = objects.find(({ entries }) => entries.state && JSON.parse(entries.state).lost === 0);
      await gateway.fill({ ...object, entries: { state: object.entries.state.replace('"lost":0', '"lost":1') } });
      const { status, body } = await asked(gateway, handed.lost);
      assert.deepEqual([status, body.code], [503, 'idp_unavailable']);
      assert.deepEqual(calls(provider), []);
    });

    goesOn('an access token is verified by the JWKS in KV', async (gateway, provider) => {
      const headers = { authorization: `Bearer ${handed.refreshed.access_token}` };
      assertStatus(await gateway.ask('/app/x', { headers }), 200);
      assert.deepEqual(calls(provider), []);
    });

    goesOn('a login is finished', async (gateway) => {
      const cookie = await finishLogin(gateway, handed.login);
      assertStatus(await gateway.askWith(cookie, '/app/x'), 200);
    });

    goesOn('requests that were counted count', async (gateway) => {
      assertStatus(await gateway.ask('/counted', { headers: { 'x-key': 'somebody' } }), 429);
      assertStatus(await gateway.ask('/counted', { headers: { 'x-key': 'somebody else' } }), 200);
    });
  });
}
