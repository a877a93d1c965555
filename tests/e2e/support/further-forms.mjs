// What a version leaves for the next, besides what upgrades.mjs has: sessions of another kind of provider with what their login says of
// it, exchanges for several APIs and closed ones, tombstones, the gateway's own tokens. Each is an entry of `handed`, by what it is.

import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { until } from './harness.mjs';
import { FIXTURES, beginLogin, finishLogin, startAt } from './upgrades.mjs';

/** The folder of this fixture, in that of its version. */
export const FURTHER = 'further';
export const ORDERS = 'https://orders.example/';
/** The namespaces in which the gateway stores. */
export const NAMESPACES = ['JWKS', 'UPSTREAM_TOKENS'];

/** Asks for the tokens of a refresh token, for an API if that is named. */
export const refresh = (gateway, token, audience) =>
  gateway.ask('/refresh', {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token, ...(audience ? { audience } : {}) }),
  });

const objectOf = (token) => createHash('sha256').update(token).digest('base64url');

/**
 * Makes the fixture in the folder of a version, where its config is. `options` are those of `startGateway`: the bundle of that version.
 *
 * @param {string} version the folder
 * @param {Record<string, any>} [options]
 */
export async function makeFurtherFixture(version, options = {}) {
  const folder = join(version, FURTHER);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const state = { jwk: privateKey.export({ format: 'jwk' }), refreshTokens: {}, count: 0 };
  const config = readFileSync(join(folder, 'gateway.config.json'), 'utf8');
  const gateway = await startAt(state, config, { kv: NAMESPACES, ...options });
  const { provider } = gateway;
  const passes = async (asked, status = 200) => {
    const answer = await asked;
    assert.equal(answer.status, status, answer.text);
    return answer;
  };
  try {
    provider.claims = { acr: 'urn:example:mfa', auth_time: Math.floor(Date.now() / 1000) };
    const begun = async (query) => finishLogin(gateway, await beginLogin(gateway, query));
    const session = await begun('?acr_values=urn:example:mfa');
    await passes(gateway.askWith(session, '/stepped'));
    const { body: list } = await passes(gateway.askWith(session, '/account/sessions'));
    // The provider gives no token for another API.
    provider.instead = (path) => path === '/oauth/token' && Response.json({ error: 'invalid_target' }, { status: 400 });
    await passes(gateway.askWith(session, '/elsewhere/x'), 502);
    provider.instead = () => undefined;
    const { body: billing } = await passes(gateway.askWith(session, '/billing/x'));

    // All of a user are ended, of which the list does not have one yet.
    provider.subject = 'the-user-of-two';
    const unlisted = await begun('');
    const ending = await begun('');
    await passes(gateway.askWith(ending, '/account/sessions', { method: 'DELETE' }));
    provider.subject = undefined;

    // Replaced by the next login in the same browser.
    const replaced = await begun('');
    const login = await beginLogin(gateway);
    const by = await finishLogin(gateway, { ...login, cookie: `${login.cookie}; ${replaced}` });

    // Two APIs at once: their exchanges are made in a row.
    const row = provider.give('row');
    let release;
    const held = new Promise((resolve) => (release = resolve));
    let arrived;
    const hasArrived = new Promise((resolve) => (arrived = resolve));
    provider.instead = async (path) => {
      if (path === '/oauth/token') arrived();
      await held;
    };
    const first = refresh(gateway, row);
    await hasArrived;
    const second = refresh(gateway, row, ORDERS);
    await until(async () => (await gateway.waits('REFRESH_EXCHANGES', objectOf(row))) > 0);
    release();
    const [{ body: own }, { body: orders }] = [await passes(first), await passes(second)];
    provider.instead = () => undefined;

    // Refreshed, and then revoked by its client.
    const closed = provider.give('closed');
    await passes(refresh(gateway, closed));
    await passes(gateway.ask('/revoke', { method: 'POST', body: new URLSearchParams({ token: closed }) }));

    // A logout overtakes the login of a session.
    const tombstone = 'AAAAAAAAAAAAAAAAAAAAAA';
    await gateway.tell('SESSIONS', tombstone, { do: 'erase' });
    const asked = await beginLogin(gateway, '?acr_values=urn:example:mfa');
    const objects = [
      ...(await gateway.taken()),
      { binding: 'SESSIONS', name: tombstone, ...(await gateway.look('SESSIONS', tombstone)) },
    ];
    const kv = {};
    for (const of of NAMESPACES) {
      const namespace = await gateway.kv(of);
      kv[of] = {};
      for (const { name } of (await namespace.list()).keys) kv[of][name] = await namespace.get(name);
    }
    const handed = {
      session,
      list,
      billing,
      unlisted,
      replaced,
      by,
      row: { token: row, own, orders },
      closed,
      tombstone,
      login: asked,
    };
    writeFileSync(join(folder, 'stored.json'), `${JSON.stringify({ state, kv, objects, handed }, null, 2)}\n`);
  } finally {
    await gateway.close();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { unpackKept } = await import('./kept-bundle.mjs');
  const { folder, version, remove } = unpackKept();
  await makeFurtherFixture(join(FIXTURES, version), { bundle: folder });
  remove();
}
