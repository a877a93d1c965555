// When the gateway breaks off an answer whose body is still on its way: with `close_at_expiry`, at the end of the token or of the
// session that let the request in, and otherwise never. How bodies pass until then is in proxy-streams.test.mjs, sockets are in
// websocket-expiry.test.mjs.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { seconds } from '../support/bearer.mjs';
import { elapse } from '../support/clock.mjs';
import { proxied, startGateway, startUpstream } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import {
  BACKCHANNEL_LOGOUT,
  LOGOUT,
  OWN_PAGE,
  REMEMBERED_SECS,
  SESSION_EXPIRED,
  askWith,
  beginSession,
  startSessionGateway,
} from '../support/session-flow.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret } from '../support/signing.mjs';
import { openStream } from '../support/wire.mjs';

const LIFE_SECS = 600;
const SKEW_SECS = 30;
const EVENT = 'data: 1\n\n';

const closing = (path, more = {}) => ({
  method: 'GET',
  path,
  integration: { type: 'http_proxy', server: 'own', close_at_expiry: true },
  auth: true,
  ...more,
});

/** Answers with the beginning of a body, and keeps each request's answer by its path. */
const streams = new Map();
let upstream;
before(async () => {
  upstream = await startUpstream((request, response) => {
    streams.set(request.url, response);
    response.writeHead(
      200,
      request.url.includes('sized') ? { 'content-length': 1000 } : { 'content-type': 'text/event-stream' },
    );
    response.write(EVENT);
  });
});
after(() => upstream?.close());

/** Asks for a stream whose first event has come. `ended` gives whether it came to its end. */
async function open(gateway, path, headers) {
  const { response, first, ended } = await openStream(gateway.origin, path, headers);
  assert.equal(first, EVENT);
  const behind = streams.get(new URL(path, gateway.origin).pathname.replace(/^\/\w+/, ''));
  const left = new Promise((resolve) => {
    behind.once('close', resolve);
  });
  return { response, behind, left, ended, next: () => once(response, 'data').then(([data]) => data) };
}

async function assertGoesOn({ behind, next }, message) {
  const came = next();
  behind.write('data: 2\n\n');
  assert.equal(await came, 'data: 2\n\n', message);
}

async function assertEnds({ behind, ended }, message) {
  behind.end();
  assert.equal(await ended, true, message);
}

describe('an answer to a request with a token', () => {
  let gateway;
  before(async () => {
    const authorizer = { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: '$secret.SECRET' };
    gateway = await startGateway({
      clock: true,
      bindings: { SECRET },
      config: {
        servers: [{ alias: 'own', url: upstream.origin }],
        authorizers: {
          strict: { ...authorizer, clock_skew_seconds: 0 },
          lenient: { ...authorizer, clock_skew_seconds: SKEW_SECS },
        },
        paths: [
          closing('/closing/{.+}', { auth: { authorizer: 'strict' } }),
          closing('/lenient/{.+}', { auth: { authorizer: 'lenient' } }),
          proxied('/plain/{.+}', 'own', { auth: { authorizer: 'strict' } }),
        ],
      },
    });
  });
  after(() => gateway?.close());

  const openWith = (exp, path) =>
    open(gateway, path, { authorization: `Bearer ${signedWithSecret(SECRET, claimsFor({ exp }))}` });

  for (const [kind, path] of [
    ['events', '/closing/events'],
    ['a length that is known', '/closing/sized'],
  ]) {
    test(`is broken off when that expires, and not before, and the upstream hears it: ${kind}`, async () => {
      const exp = seconds() + LIFE_SECS;
      const stream = await openWith(exp, path);
      await elapse(LIFE_SECS - 1);
      await assertGoesOn(stream, 'a second before');
      await elapse(1);
      assert.equal(await stream.ended, false, 'it does not look whole');
      await stream.left;
    });
  }

  test('goes on without the key, or with a token that holds, and ends as it does', async () => {
    const exp = seconds() + LIFE_SECS;
    const [short, plain, long] = await Promise.all([
      openWith(exp, '/closing/short'),
      openWith(exp, '/plain/plain'),
      openWith(exp + 600, '/closing/long'),
    ]);
    await elapse(LIFE_SECS);
    assert.equal(await short.ended, false);
    for (const [stream, message] of /** @type {any[][]} */ ([
      [plain, 'without the key'],
      [long, 'a token that holds'],
    ])) {
      await assertGoesOn(stream, message);
      await assertEnds(stream, message);
    }
  });

  test('is whole where the token has expired, and is taken all the same for a difference of clocks', async () => {
    const stream = await openWith(seconds() - SKEW_SECS / 2, '/lenient/skew');
    await assertGoesOn(stream);
    await assertEnds(stream);
  });
});

describe('an answer to a request with a session', () => {
  let tenant;
  let api;
  let gateway;

  before(async () => {
    [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: 600 }), startApi()]);
    gateway = await startSessionGateway(tenant, api, {
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

  test('is broken off by a logout, here or at the provider, and whoever asks again is told', async () => {
    const sessions = [];
    for (const email of ['alice@example.com', 'bob@example.com', 'carol@example.com']) {
      sessions.push(await beginSession(gateway, tenant, { email }));
    }
    const [here, there, nowhere] = await Promise.all(
      sessions.map(({ cookie }, index) => open(gateway, `/closing/${index}`, { cookie })),
    );
    const plain = await open(gateway, '/plain/plain', { cookie: sessions[0].cookie });
    const { status } = await gateway.ask(LOGOUT, {
      method: 'POST',
      headers: { cookie: sessions[0].cookie, ...OWN_PAGE },
    });
    assert.ok(status < 400, `${status}`);
    const body = new URLSearchParams({ logout_token: await tenant.logoutToken({ sid: sessions[1].sid }) });
    assert.equal((await gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body })).status, 200);
    await elapse(REMEMBERED_SECS);
    assert.deepEqual([await here.ended, await there.ended], [false, false]);
    assertProblem(await askWith(gateway, sessions[0].cookie, '/closing/0'), SESSION_EXPIRED);
    await assertGoesOn(nowhere, 'of somebody else');
    await assertEnds(nowhere, 'of somebody else');
    await assertGoesOn(plain, 'without the key');
    await assertEnds(plain, 'without the key');
  });

  test('asks the session no more often than requests do', async () => {
    const { cookie } = await beginSession(gateway, tenant);
    streams.clear();
    const first = await open(gateway, '/closing/first', { cookie });
    const asked = await gateway.calls('Session');
    for (let count = 0; count < 5; count += 1)
      await assertEnds(await open(gateway, `/closing/${count}`, { cookie }), 'each');
    assert.equal(await gateway.calls('Session'), asked);
    await assertEnds(first, 'the first');
  });
});
