// When the gateway closes a WebSocket: with `close_at_expiry`, at the end of the token or of the session that opened it, and
// otherwise never.

import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { elapse } from '../support/clock.mjs';
import { proxied, startGateway, until } from '../support/harness.mjs';
import {
  BACKCHANNEL_LOGOUT,
  LIFE_SECS,
  LOGOUT,
  OWN_PAGE,
  REMEMBERED_SECS,
  TOKEN_ENDPOINT,
  assertAlive,
  authorizationFor,
  beginSession,
  startSessionGateway,
} from '../support/session-flow.mjs';
import { openSocket, startSocketUpstream } from '../support/sockets.mjs';

const EXPIRED = 4401;
/** RENEWAL_RETRY_SECS of record.rs. */
const RETRY_SECS = 5;
const DAY_SECS = 24 * 60 * 60;

/**
 * @param {string} path
 * @param {any} [auth]
 */
const closing = (path, auth = true) => ({
  method: 'GET',
  path,
  auth,
  integration: { type: 'http_proxy', server: 'own', close_at_expiry: true },
});

let upstream;
before(async () => {
  upstream = await startSocketUpstream();
});
after(() => upstream?.close());

const now = () => Math.floor(Date.now() / 1000);

async function assertOpen(client, message) {
  assert.equal(await client.ask(`still here: ${message}`), `still here: ${message}`, message);
}

async function hangUp(...clients) {
  for (const { socket } of clients) socket.close();
  await Promise.all(clients.map(({ closed }) => closed));
}

describe('a socket that was opened with a token', () => {
  let tenant;
  let gateway;

  before(async () => {
    tenant = await startTenant();
    gateway = await startGateway({
      clock: true,
      config: {
        servers: [{ alias: 'own', url: upstream.origin }],
        authorizer: {
          type: 'auth0',
          domain: tenant.origin,
          client_id: 'any',
          audience: tenant.settings.audience,
          clock_skew_seconds: 0,
        },
        paths: [
          closing('/closing/{.+}'),
          closing('/optional/{.+}', { optional: true }),
          proxied('/plain/{.+}', 'own', { auth: true }),
        ],
      },
    });
  });

  after(async () => {
    await gateway?.close();
    await tenant?.close();
  });

  async function open(path, claims) {
    const headers = claims ? { authorization: `Bearer ${await tenant.mint(claims)}` } : {};
    const client = await openSocket(gateway.origin, path, { headers });
    assert.equal(client.refused, undefined, JSON.stringify(client.refused));
    return client;
  }

  test('is closed with 4401 when that expires, on both sides, and not before', async () => {
    const exp = now() + LIFE_SECS;
    const client = await open('/closing/watched', { exp });
    const behind = upstream.opened.find(({ url }) => url === '/watched');
    await elapse(LIFE_SECS - 1);
    await assertOpen(client, 'a second before');
    await elapse(1);
    assert.equal((await client.closed).code, EXPIRED);
    assert.notEqual((await behind.closed).code, 1006, 'the upstream was told');
  });

  test('is closed while messages come and go, and what came before is whole', async () => {
    const client = await open('/closing/x', { exp: now() + LIFE_SECS });
    let count = 0;
    const ended = client.closed.then(() => undefined);
    for (let turn = client.ask('0'); ; turn = client.ask(`${count}`)) {
      const message = await Promise.race([turn, ended]);
      if (message === undefined) break;
      assert.equal(message, `${count}`);
      count += 1;
      if (count === 20) await elapse(LIFE_SECS);
    }
    assert.equal((await client.closed).code, EXPIRED);
    assert.ok(count >= 20, `${count} messages`);
  });

  test('stays open without the key, or with a token that holds, however long', async () => {
    const exp = now() + LIFE_SECS;
    const [short, plain, minutes, months, years] = await Promise.all([
      open('/closing/x', { exp }),
      open('/plain/x', { exp }),
      open('/closing/x', { exp: exp + 60 }),
      // Longer than the 32 bits of milliseconds that a timer takes.
      open('/closing/x', { exp: exp + 60 * DAY_SECS }),
      open('/closing/x', { exp: exp + 100 * 365 * DAY_SECS }),
    ]);
    await elapse(LIFE_SECS);
    assert.equal((await short.closed).code, EXPIRED);
    await assertOpen(plain, 'without the key');
    await assertOpen(minutes, 'a token of a minute');
    await assertOpen(months, 'a token of months');
    await assertOpen(years, 'a token of a hundred years');
    await hangUp(plain, minutes, months, years);
  });

  test('is the only one that its token closes', async () => {
    const exp = now() + LIFE_SECS;
    const claims = Array.from({ length: 10 }, (_, index) => ({
      exp: exp + (index % 2 ? 60 : 0),
      sub: `user-${index}`,
    }));
    const clients = await Promise.all(claims.map((own) => open('/closing/x', own)));
    await elapse(LIFE_SECS);
    const codes = await Promise.all(clients.filter((_, index) => index % 2 === 0).map(({ closed }) => closed));
    assert.deepEqual(
      codes.map(({ code }) => code),
      Array(5).fill(EXPIRED),
    );
    const others = clients.filter((_, index) => index % 2);
    for (const other of others) await assertOpen(other, 'with a longer token');
    await hangUp(...others);
  });

  test('may be closed by either side before, and is then over', async () => {
    const exp = now() + LIFE_SECS;
    const [short, first, second] = await Promise.all([
      open('/closing/x', { exp }),
      open('/closing/x', { exp }),
      open('/closing/x', { exp }),
    ]);
    first.socket.close(4000, 'enough');
    second.socket.send('close 4001 enough');
    assert.deepEqual(await first.closed, { code: 4000, reason: 'enough' });
    assert.deepEqual(await second.closed, { code: 4001, reason: 'enough' });
    await elapse(LIFE_SECS);
    assert.equal((await short.closed).code, EXPIRED);
    assert.deepEqual(
      gateway.records().filter(({ level }) => level === 'error'),
      [],
      'the expiry of what is over is no error',
    );
  });

  for (const code of [0, 999, 1004, 1006, 1015, 5000, 65535]) {
    test(`is over on both sides where the client closes it with ${code}, which may not be sent on`, async () => {
      const { socket, closed } = await open(`/closing/${code}`, { exp: now() + DAY_SECS });
      closed.catch(() => {});
      const behind = upstream.opened.find(({ url }) => url === `/${code}`);
      // No library sends such a code: a masked close frame, written by hand.
      socket._socket.write(Buffer.from([0x88, 0x82, 0, 0, 0, 0, code >> 8, code & 255]));
      assert.equal((await behind.closed).code, 1011);
      socket.terminate();
    });
  }

  // A byte that is no UTF-8 is read as a character of three bytes, and a frame has room for 123 bytes of reason.
  for (const [message, bytes, expected] of /** @type {any[][]} */ ([
    ['123 letters', Buffer.alloc(123, 'a'), 'a'.repeat(123)],
    ['41 bytes that are no UTF-8', Buffer.alloc(41, 0xff), '\ufffd'.repeat(41)],
    ['42 bytes that are no UTF-8', Buffer.alloc(42, 0xff), '\ufffd'.repeat(41)],
    [
      '121 bytes that are not, behind two that are',
      Buffer.concat([Buffer.from('ab'), Buffer.alloc(121, 0xff)]),
      `ab${'\ufffd'.repeat(40)}`,
    ],
  ])) {
    test(`is over on both sides where the client closes it with ${message}`, async () => {
      const { socket, closed } = await open(`/closing/reason-${message.replaceAll(' ', '-')}`, {
        exp: now() + DAY_SECS,
      });
      closed.catch(() => {});
      const behind = upstream.opened.find(({ url }) => url === `/reason-${message.replaceAll(' ', '-')}`);
      const frame = Buffer.concat([Buffer.from([0x88, 0x82 + bytes.length, 0, 0, 0, 0, 4001 >> 8, 4001 & 255]), bytes]);
      socket._socket.write(frame);
      assert.deepEqual(await behind.closed, { code: 4001, reason: expected });
      socket.terminate();
    });
  }

  test('stays open on a path that takes requests without one, where it came without one', async () => {
    const exp = now() + LIFE_SECS;
    const [without, withOne] = await Promise.all([open('/optional/x'), open('/optional/x', { exp })]);
    await elapse(LIFE_SECS);
    assert.equal((await withOne.closed).code, EXPIRED);
    await assertOpen(without, 'without a token');
    await hangUp(without);
  });
});

describe('a socket that was opened with a session', () => {
  let tenant;
  let api;
  let gateway;

  before(async () => {
    [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: LIFE_SECS }), startApi()]);
    gateway = await startSessionGateway(tenant, api, {
      authorizer: { clock_skew_seconds: 0 },
      sections: {
        servers: [
          { alias: 'api', url: api.origin },
          { alias: 'own', url: upstream.origin },
        ],
      },
      paths: [closing('/closing/{.+}'), proxied('/plain/{.+}', 'own', { auth: true })],
    });
  });

  after(async () => {
    await gateway?.close();
    await Promise.all([tenant?.close(), api?.close()]);
  });

  afterEach(() => tenant.clearFaults());

  async function open(path, headers) {
    const client = await openSocket(gateway.origin, path, { headers });
    assert.equal(client.refused, undefined, JSON.stringify(client.refused));
    return client;
  }
  const openWith = ({ cookie }, path) => open(path, { cookie, origin: gateway.origin });

  async function logOut({ cookie }) {
    const { status } = await gateway.ask(LOGOUT, { method: 'POST', headers: { cookie, ...OWN_PAGE } });
    assert.ok(status < 400, `${status}`);
  }

  test('stays open while the session renews its token, and is closed with 4401 by the logout', async () => {
    const session = await beginSession(gateway, tenant);
    const [closes, plain] = await Promise.all([openWith(session, '/closing/x'), openWith(session, '/plain/x')]);
    const behind = upstream.opened.find(({ headers }) => headers.authorization && !headers.cookie);
    assert.ok(behind, 'the upstream got the token and no cookie');
    // The same token by itself has its end, and the session has another by then.
    const withToken = await open('/closing/x', { authorization: await authorizationFor(gateway, api, session) });
    await elapse(LIFE_SECS);
    assert.equal((await withToken.closed).code, EXPIRED);
    await until(() => session.family().rotations === 1);
    // The provider has answered; only behind this has the session, too, and the clock may go on.
    await assertAlive(gateway, session, 'with its second token');
    await assertOpen(closes, 'after the first token');
    await elapse(LIFE_SECS);
    await until(() => session.family().rotations === 2);
    await assertAlive(gateway, session, 'with its third token');
    await assertOpen(closes, 'after the second');
    await logOut(session);
    await elapse(REMEMBERED_SECS);
    assert.equal((await closes.closed).code, EXPIRED);
    await assertOpen(plain, 'without the key');
    await hangUp(plain);
  });

  test('is closed with 4401 by a logout, here or at the provider, long before its token would be over', async () => {
    const sessions = [];
    for (const email of ['alice@example.com', 'bob@example.com', 'carol@example.com']) {
      sessions.push(await beginSession(gateway, tenant, { email }));
    }
    const [here, there, nowhere] = await Promise.all(sessions.map((session) => openWith(session, '/closing/x')));
    await logOut(sessions[0]);
    const body = new URLSearchParams({ logout_token: await tenant.logoutToken({ sid: sessions[1].sid }) });
    assert.equal((await gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body })).status, 200);
    await elapse(REMEMBERED_SECS);
    assert.equal((await here.closed).code, EXPIRED);
    assert.equal((await there.closed).code, EXPIRED);
    await assertOpen(nowhere, 'of somebody else');
    await hangUp(nowhere);
  });

  test('is closed with 4401 where nobody uses the session: what the client sends is a use, that the socket is open is none', async (t) => {
    const [idleSecs, stepSecs] = [600, 100];
    const idle = await startSessionGateway(tenant, api, {
      session: { idle_seconds: idleSecs },
      sections: {
        servers: [
          { alias: 'api', url: api.origin },
          { alias: 'own', url: upstream.origin },
        ],
      },
      paths: [closing('/closing/{.+}')],
    });
    t.after(() => idle.close());
    const sessions = [];
    for (let count = 0; count < 3; count += 1) sessions.push(await beginSession(idle, tenant));
    const [silent, heard, spoken] = await Promise.all(
      sessions.map(({ cookie }, index) =>
        openSocket(idle.origin, `/closing/idle-${index}`, { headers: { cookie, origin: idle.origin } }),
      ),
    );
    const { webSocket } = upstream.opened.find(({ url }) => url === '/idle-1');
    for (let passed = stepSecs; passed < idleSecs; passed += stepSecs) {
      webSocket.send('from the upstream');
      await assertOpen(spoken, 'the client speaks');
      const asked = await idle.calls('Session');
      await elapse(stepSecs);
      await until(async () => (await idle.calls('Session')) === asked + sessions.length);
    }
    await elapse(stepSecs + 1);
    assert.deepEqual(
      (await Promise.all([silent.closed, heard.closed])).map(({ code }) => code),
      [EXPIRED, EXPIRED],
      'nothing was said, and by the upstream alone',
    );
    await assertOpen(spoken, 'and has spoken');
    await assertAlive(idle, sessions[2], 'the session that was used');
    await hangUp(spoken);
  });

  test('is closed with 4401 when the provider ends the session', async () => {
    const session = await beginSession(gateway, tenant);
    const client = await openWith(session, '/closing/x');
    await assertOpen(client, 'before');
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status: 400, body: { error: 'invalid_grant' } });
    await elapse(LIFE_SECS);
    assert.equal((await client.closed).code, EXPIRED);
  });

  test('is closed with its token where the provider is away, and may be opened again when it is back', async () => {
    const session = await beginSession(gateway, tenant);
    const client = await openWith(session, '/closing/x');
    tenant.fault({ path: TOKEN_ENDPOINT, kind: 'status', status: 503 });
    await elapse(LIFE_SECS);
    assert.equal((await client.closed).code, EXPIRED);
    tenant.clearFaults();
    await elapse(RETRY_SECS + 1);
    await assertAlive(gateway, session, 'when it is back');
    const next = await openWith(session, '/closing/x');
    await assertOpen(next, 'opened again');
    await hangUp(next);
  });
});
