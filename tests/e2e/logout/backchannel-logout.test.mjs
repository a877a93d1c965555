// Back-channel logout (OpenID Connect Back-Channel Logout 1.0): which tokens of the provider end which sessions, and that no
// other token ends any.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, afterEach, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { later } from '../support/clock.mjs';
import { Browser, until } from '../support/harness.mjs';
import { fresh } from '../support/rules.mjs';
import { CLIENT_ID, CLIENT_SECRET, assertNeverShown, assertProblem } from '../support/login-flow.mjs';
import {
  BACKCHANNEL_LOGOUT,
  REMEMBERED_SECS,
  SESSION_EXPIRED,
  TOKEN_ENDPOINT,
  TOMBSTONE_SECS,
  askWith,
  assertAlive,
  assertEnded,
  beginSession,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';

// Longer than any test lasts that does not let the access token expire.
const LIFE_SECS = 24 * 60 * 60;
const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
const KEY_SET = '/.well-known/jwks.json';
const INVALID = [400, 'logout_token_invalid'];
const FORM_TYPE = 'application/x-www-form-urlencoded';
// The wait between two renewals of the key set for unknown keys: DESIGN 6.
const COOLDOWN_SECS = 30;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api);
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

afterEach(() => tenant.clearFaults());

/**
 * Logs somebody in whom no other test knows.
 * @param {Record<string, any>} [how]
 */
async function begin({ email = `${fresh('person-')}@example.com`, ...how } = {}) {
  return { email, ...(await beginSession(gateway, tenant, { email, ...how })) };
}

const send = (token) =>
  gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });
const now = () => Math.floor(Date.now() / 1000);

async function assertDone(token, message) {
  const answer = await send(token);
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
}

/** Lets every isolate forget what it remembers of sessions. */
const forgotten = () => later(REMEMBERED_SECS + 1);

describe('a logout token', () => {
  test('with a sid ends the session of that sid, and no other of the same person', async () => {
    const first = await begin();
    const second = await begin({ email: first.email });
    assert.notEqual(first.sid, second.sid, 'two browsers, two sessions at the provider');
    await later(TOMBSTONE_SECS + 1);
    await assertDone(await tenant.logoutToken({ sid: first.sid }), 'by sid');
    await forgotten();
    await assertEnded(gateway, first, 'the one');
    await assertAlive(gateway, second, 'the other');
    await untilErased(gateway, first);
    const third = await begin({ email: first.email });
    await assertDone(await tenant.logoutToken({ sid: second.sid, sub: second.sub }), 'by both');
    await forgotten();
    await assertEnded(gateway, second, 'then the other');
    await assertAlive(gateway, third, 'a sub beside the sid ends no more');
  });

  test('with a sid ends every session that began under it', async () => {
    const browser = new Browser();
    const first = await begin({ browser });
    // A login beside the cookie would take the first one's place.
    browser.cookies(gateway.origin).clear();
    const second = await begin({ browser, email: first.email });
    assert.equal(first.sid, second.sid);
    await assertAlive(gateway, first, 'the first goes on');
    await assertDone(await tenant.logoutToken({ sid: first.sid }), 'by sid');
    await forgotten();
    for (const session of [first, second]) await assertEnded(gateway, session, 'each');
  });

  test('with a sub alone ends every session of that person, and of nobody else', async () => {
    const first = await begin();
    const others = [await begin({ email: first.email }), await begin({ email: first.email })];
    const bystander = await begin();
    await assertDone(await tenant.logoutToken({ sub: first.sub }), 'by sub');
    await forgotten();
    for (const session of [first, ...others]) await assertEnded(gateway, session, 'each');
    await assertAlive(gateway, bystander, 'somebody else');
    const again = await begin({ email: first.email });
    await forgotten();
    await assertAlive(gateway, again, 'a login after that');
  });

  test('that names nobody known here is carried out', async () => {
    await assertDone(await tenant.logoutToken({ sub: 'auth0|nobody' }), 'an unknown sub');
    await assertDone(await tenant.logoutToken({ sid: randomUUID() }), 'an unknown sid');
  });

  test('of a key that the provider has just begun to use is taken', async () => {
    const session = await begin();
    await tenant.rotateKeys();
    await assertDone(await tenant.logoutToken({ sid: session.sid }), 'the next key');
    await forgotten();
    await assertEnded(gateway, session, 'then');
  });

  /** @type {any[][]} */
  const kinds = [
    ['without an expiry', { exp: undefined }, {}],
    ['of some minutes ago', { iat: () => now() - 240 }, {}],
    ['for two audiences', { aud: ['https://other.example/', CLIENT_ID] }, {}],
    ['with more to its event', { events: { [EVENT]: { reason: 'test' }, 'https://other.example/event': {} } }, {}],
    ['of another type', {}, { header: { typ: 'JWT' } }],
    ['of no type', {}, { header: { typ: undefined } }],
  ];
  for (const [name, claims, how] of kinds) {
    test(`${name} is taken`, async () => {
      const session = await begin();
      const made = Object.entries(claims).map(([key, value]) => [key, typeof value === 'function' ? value() : value]);
      await assertDone(await tenant.logoutToken({ sid: session.sid, ...Object.fromEntries(made) }, how), name);
      await forgotten();
      await assertEnded(gateway, session, name);
    });
  }
});

test('a logout while a renewal is under way leaves neither the session nor the new refresh token', async () => {
  for (const how of [{}, { after: true }]) {
    const session = await begin();
    await later(LIFE_SECS + 1);
    const hold = tenant.hold(TOKEN_ENDPOINT, how);
    const renewing = askWith(gateway, session.cookie);
    await hold.arrived();
    await assertDone(await tenant.logoutToken({ sid: session.sid }), 'meanwhile');
    hold.release();
    assertProblem(await renewing, SESSION_EXPIRED, 'the request that waited');
    await assertEnded(gateway, session, 'afterwards');
    await until(() => session.family().revoked);
    await untilErased(gateway, session);
  }
});

describe('what is no logout token', () => {
  test('ends nothing', async () => {
    const session = await begin();
    const { sid, sub } = session;
    const strange = await generateSigningKey('RS256');
    const [published] = tenant.keys;
    const secretKey = { kty: 'oct', k: Buffer.from(CLIENT_SECRET).toString('base64url') };
    const jti = randomUUID();
    const idClaims = { sub, sid, nonce: 'n', events: undefined, jti: undefined };
    /** @type {any[][]} */
    const table = [
      [{}, { key: strange, header: { kid: published.kid } }, 'signed by another key under a known name'],
      [{}, { key: strange }, 'signed by a key that nobody publishes'],
      [{}, { alg: 'HS256', key: secretKey }, 'signed with the client secret'],
      [{ iss: 'https://evil.example/' }, {}, 'of another issuer'],
      [{ iss: tenant.origin }, {}, 'of the issuer without its slash'],
      [{ iss: undefined }, {}, 'of no issuer'],
      [{ aud: 'another-client' }, {}, 'for another client'],
      [{ aud: tenant.settings.audience }, {}, 'for the API'],
      [{ aud: undefined }, {}, 'for nobody'],
      [{ events: undefined }, {}, 'without events'],
      [{ events: {} }, {}, 'with no event'],
      [{ events: { 'https://other.example/event': {} } }, {}, 'with another event'],
      [{ events: { [EVENT]: true } }, {}, 'with an event that is no object'],
      [{ events: { [EVENT]: null } }, {}, 'with an event that is null'],
      [{ events: { [EVENT]: [] } }, {}, 'with an event that is a list'],
      [{ events: [EVENT] }, {}, 'with a list of events'],
      [{ events: EVENT }, {}, 'with an event as text'],
      [{ nonce: 'n' }, {}, 'with a nonce'],
      [{ nonce: '' }, {}, 'with an empty nonce'],
      [{ nonce: null }, {}, 'with a nonce that is null'],
      [{ iat: now() - 600 }, {}, 'issued ten minutes ago'],
      [{ iat: now() + 600 }, {}, 'issued in ten minutes'],
      [{ iat: undefined }, {}, 'issued at no time'],
      [{ iat: `${now()}` }, {}, 'issued at a text'],
      [{ exp: now() - 60 }, {}, 'expired'],
      [{ exp: 'never' }, {}, 'that expires at a text'],
      [{ jti: undefined }, {}, 'without a jti'],
      [{ jti: '' }, {}, 'with an empty jti'],
      [{ jti: 7 }, {}, 'with a jti that is a number'],
      [{ sid: undefined, sub: undefined }, {}, 'that names nobody'],
      [{ sid: '', sub: undefined }, {}, 'with an empty sid'],
      [{ sid: undefined, sub: '' }, {}, 'with an empty sub'],
      [{ sid: 7, sub: undefined }, {}, 'with a sid that is a number'],
      [{ sid: [sid], sub: undefined }, {}, 'with a list of sids'],
      [idClaims, { header: { typ: 'JWT' } }, 'that is an ID token'],
      [{ azp: 'another-client-of-the-tenant' }, {}, 'for another authorized party'],
      [{}, { header: { typ: 'at+jwt' } }, 'that is an access token by its type'],
    ];
    for (const [claims, how, message] of table) {
      const token = await tenant.logoutToken({ sid, sub, jti, ...claims }, how);
      assertProblem(await send(token), INVALID, message);
    }
    const valid = await tenant.logoutToken({ sid, sub, jti });
    const [header, payload, signature] = valid.split('.');
    const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const texts = [
      ['alg none', `${encode({ alg: 'none', typ: 'logout+jwt' })}.${payload}.`],
      ['alg none in another case', `${encode({ alg: 'nOnE' })}.${payload}.${signature}`],
      [
        'an altered payload',
        `${header}.${encode({ ...JSON.parse(String(Buffer.from(payload, 'base64url'))), sub: 'x' })}.${signature}`,
      ],
      ['a signature cut off', valid.slice(0, -8)],
      ['no signature', `${header}.${payload}`],
      ['four parts', `${valid}.x`],
      ['no token', 'logout'],
      ['an access token', await tenant.mint({ sub })],
    ];
    for (const [message, token] of texts) assertProblem(await send(token), INVALID, message);
    await forgotten();
    await assertAlive(gateway, session, 'after all of that');
    assert.equal(session.family().revoked, false);
    await assertDone(valid, 'and the valid one is not spent');
    await forgotten();
    await assertEnded(gateway, session, 'then');
  });

  test('is one that was used before', async () => {
    const first = await begin();
    const byJti = { jti: randomUUID() };
    const token = await tenant.logoutToken({ sub: first.sub, ...byJti });
    await assertDone(token, 'the first time');
    const second = await begin({ email: first.email });
    assertProblem(await send(token), INVALID, 'the second time');
    assertProblem(
      await send(await tenant.logoutToken({ sub: first.sub, ...byJti })),
      INVALID,
      'its jti in another token',
    );
    await later(240);
    assertProblem(await send(token), INVALID, 'four minutes later');
    await later(240);
    assertProblem(await send(token), INVALID, 'and when it is too old as well');
    await assertAlive(gateway, second, 'the session that began after it');
    await assertDone(await tenant.logoutToken({ sub: first.sub }), 'one of its own ends that as well');
    await forgotten();
    await assertEnded(gateway, second, 'then');
  });

  test('is used once of two at once', async () => {
    const { sub } = await begin();
    const token = await tenant.logoutToken({ sub });
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => send(token)))).map(({ status }) => status);
    assert.deepEqual(statuses.sort(), [200, 400, 400, 400, 400]);
  });

  test('is a body of another form', async () => {
    const session = await begin();
    const token = await tenant.logoutToken({ sid: session.sid });
    const form = `logout_token=${token}`;
    const bad = ['logout_token_invalid', 'body_malformed'];
    const table = [
      ['application/json', JSON.stringify({ logout_token: token }), 415, ['unsupported_media_type']],
      ['text/plain', form, 415, ['unsupported_media_type']],
      ['multipart/form-data; boundary=x', form, 415, ['unsupported_media_type']],
      [undefined, form, 415, ['unsupported_media_type']],
      [FORM_TYPE, `${form}&padding=${'x'.repeat(64 * 1024)}`, 413, ['body_too_large']],
      [FORM_TYPE, '', 400, bad],
      [FORM_TYPE, 'logout_token=', 400, bad],
      [FORM_TYPE, `token=${token}`, 400, bad],
      [FORM_TYPE, token, 400, bad],
    ];
    for (const [type, body, status, codes] of table) {
      const message = `${type}: ${body.slice(0, 30)}`;
      const headers = type ? { 'content-type': type } : {};
      const answer = await gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', headers, body: Buffer.from(body) });
      assert.equal(answer.status, status, `${message}: ${answer.text}`);
      assert.ok(codes.includes(answer.body.code), `${message}: ${answer.text}`);
    }
    assert.equal((await gateway.ask(`${BACKCHANNEL_LOGOUT}?${form}`)).status, 405, 'nor a GET');
    await assertAlive(gateway, session, 'after all of that');
    const typed = { 'content-type': `${FORM_TYPE}; charset=utf-8` };
    assert.equal((await gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', headers: typed, body: form })).status, 200);
  });
});

describe('a logout that cannot be carried out', () => {
  const UNAVAILABLE = [503, 'store_unavailable', '5'];

  for (const name of ['LogoutIndex', 'Session']) {
    test(`is told so, and the provider may send it again: ${name} is away`, async (t) => {
      t.after(() => gateway.keepAway(null));
      const session = await begin();
      const token = await tenant.logoutToken({ sub: session.sub });
      await gateway.keepAway(name);
      assertProblem(await send(token), UNAVAILABLE, 'while it is away');
      await gateway.keepAway(null);
      await assertDone(token, 'the same token again');
      await forgotten();
      await assertEnded(gateway, session, 'then');
    });
  }

  test('is told so while the key set cannot be had', async () => {
    const session = await begin();
    await later(COOLDOWN_SECS + 1);
    await tenant.rotateKeys();
    const token = await tenant.logoutToken({ sub: session.sub });
    tenant.fault({ path: KEY_SET, kind: 'reset' });
    assertProblem(await send(token), [503, 'idp_unavailable', '5'], 'while it is down');
    tenant.clearFaults();
    await later(COOLDOWN_SECS + 1);
    await assertDone(token, 'the same token again');
    await forgotten();
    await assertEnded(gateway, session, 'then');
  });
});

test('no logout token is ever in the log', async () => {
  const token = await tenant.logoutToken({ sub: 'auth0|nobody' });
  await send(token);
  await send(token);
  await assertNeverShown(gateway, { signature: token.split('.')[2] }, { inAnswers: false });
});
