// `sessions`: users see their sessions and end them, and administrators those of any user.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { elapse, later } from '../support/clock.mjs';
import { Browser, startUpstream, until } from '../support/harness.mjs';
import { STORAGE } from '../support/miniflare.mjs';
import { assertPrivateJson, assertProblem, loginUntilCallback, startTenant } from '../support/login-flow.mjs';
import {
  CSRF_REJECTED,
  LOGOUT,
  OWN_PAGE,
  PRIVATE,
  REMEMBERED_SECS,
  askWith,
  assertAlive,
  assertCleared,
  assertEnded,
  beginSession,
  sessionOf,
  startObeyingGateway,
  startSessionGateway,
  TOMBSTONE_SECS,
  untilErased,
} from '../support/session-flow.mjs';
import { openSocket, startSocketUpstream } from '../support/sockets.mjs';

const OWN = '/account/sessions';
const SCOPE = 'manage:sessions';
const NOT_FOUND = [404, 'session_not_found'];
const UNAVAILABLE = [503, 'store_unavailable', '5'];
/** What the gateway closes a socket with whose session has ended. */
const EXPIRED = 4401;
/** `TOUCHES_PER_IDLE` of record.rs, by the default of `idle_seconds`. */
const USE_RECORDED_SECS = (3 * 24 * 60 * 60) / 20;
/** TOLD_AT_ONCE of logout_index.rs. */
const PAGE_MAX = 50;

const shown = (method, path, auth) => ({ method, path, auth, integration: { type: 'sessions' } });
const PATHS = [
  shown('GET', OWN, true),
  shown('DELETE', OWN, true),
  shown('DELETE', `${OWN}/{id}`, true),
  shown('GET', '/users/{sub}/sessions', { scopes: [SCOPE] }),
  shown('DELETE', '/users/{sub}/sessions', { scopes: [SCOPE] }),
  shown('DELETE', '/users/{sub}/sessions/{id}', { scopes: [SCOPE] }),
];

const closing = (path, server) => ({
  method: 'GET',
  path,
  auth: true,
  integration: { type: 'http_proxy', server, close_at_expiry: true },
});

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
  gateway = await startSessionGateway(tenant, api, { paths: PATHS });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

/**
 * Begins sessions of a user of the test's own, and uses each, by which the user's list has them.
 * @param {string} email
 * @param {number} [count]
 * @param {Record<string, any>} [how]
 */
async function begin(email, count = 1, { at = gateway, ...how } = {}) {
  const sessions = [];
  for (let index = 0; index < count; index += 1) {
    const session = await beginSession(at, tenant, { email: `${email}@example.com`, ...how });
    await assertAlive(at, session, 'as it begins');
    sessions.push(session);
  }
  return sessions;
}

async function list(ask, path) {
  const answer = await ask(path);
  assertPrivateJson(answer, path);
  return answer.body;
}

/** Starts a gateway without a back-channel logout, of which a login tells the index of its user before it begins. */
async function startPlain(t, paths = PATHS, options = {}) {
  const open = [{ method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } }];
  const plain = await startObeyingGateway(tenant, {
    sections: { session: {} },
    paths: [...open, ...paths],
    ...options,
  });
  t.after(() => plain.close().catch(() => {}));
  return plain;
}

/** The user's own list, as a session asks for it. */
const ownList = ({ cookie }, at = gateway) => list((path) => askWith(at, cookie, path), OWN);

/** The id of each session, as its own list has it. */
const idOf = async (session, at) => (await ownList(session, at)).sessions.find(({ current }) => current).id;

const end = ({ cookie }, what = '', at = gateway) =>
  askWith(at, cookie, `${OWN}${what}`, { method: 'DELETE', headers: OWN_PAGE });

async function assertDone(answer, message) {
  assertPrivateJson(answer, message);
  assert.deepEqual(answer.body, {}, message);
}

/** Asks as somebody who has a token and no session. */
async function askAsAdmin(path, init, claims = { scope: SCOPE }) {
  const authorization = `Bearer ${await tenant.mint({ sub: 'auth0|admin', ...claims })}`;
  return gateway.ask(path, { ...init, headers: { authorization } });
}

const ofUser = ({ sub }, rest = '') => `/users/${encodeURIComponent(sub)}/sessions${rest}`;

/** Lets every isolate ask the sessions again. */
const forgotten = () => later(REMEMBERED_SECS + 1);

describe('the list of a user', () => {
  test('has the sessions of that user, says which one asks, and shows nothing that opens one', async () => {
    const [first, second] = await begin('alice', 2);
    const [other] = await begin('bob');
    for (const session of [first, second]) {
      const { sessions, next } = await ownList(session);
      assert.equal(next, null);
      assert.equal(sessions.length, 2);
      for (const one of sessions) {
        assert.deepEqual(Object.keys(one).sort(), ['began_at', 'current', 'ends_at', 'id', 'used_at']);
        assert.match(one.id, /^[\w-]{43}$/);
        assert.ok(one.began_at <= one.used_at && one.used_at < one.ends_at, JSON.stringify(one));
      }
      const current = sessions.filter((one) => one.current);
      assert.deepEqual(
        current.map(({ id }) => id),
        [createHash('sha256').update(session.name).digest('base64url')],
      );
    }
    const { text } = await askWith(gateway, first.cookie, OWN);
    for (const { name, bytes } of [first, second]) {
      assert.ok(!text.includes(name), 'not even what a cookie begins with');
      assert.ok(!text.includes(bytes.subarray(16).toString('base64url')));
    }
    assert.equal((await ownList(other)).sessions.length, 1, 'of somebody else');
    const asCookie = await askWith(gateway, `bargate=${await idOf(first)}`);
    assert.deepEqual([asCookie.status, asCookie.body.code], [401, 'session_expired'], 'an id is no cookie');
    const head = await askWith(gateway, first.cookie, OWN, { method: 'HEAD' });
    assert.deepEqual([head.status, head.text], [200, '']);
  });

  test('says when each was used last to within a twentieth of the idle time, which costs no write a request', async () => {
    const [session] = await begin('careful');
    const used = async () => (await ownList(session)).sessions[0].used_at;
    const first = await used();
    await forgotten();
    await assertAlive(gateway, session, 'used again');
    assert.equal(await used(), first);
    await later(USE_RECORDED_SECS);
    await assertAlive(gateway, session, 'used long after');
    assert.ok((await used()) >= first + USE_RECORDED_SECS);
  });

  test('has what the config lets be kept of the browser, and only that', async (t) => {
    const longest = 200;
    const cf = { country: 'NZ' };
    const table = [
      [{ keep_user_agent: true }, { user_agent: 'x'.repeat(longest) }],
      [{ keep_country: true }, { country: 'NZ' }],
      [
        { keep_user_agent: true, keep_country: true },
        { user_agent: 'x'.repeat(longest), country: 'NZ' },
      ],
      [{}, {}],
    ];
    for (const [session, expected] of table) {
      const keeping = await startSessionGateway(tenant, api, { session, paths: PATHS, cf });
      t.after(() => keeping.close());
      const headers = { 'user-agent': 'x'.repeat(longest + 1), 'cf-ipcountry': 'XX' };
      const [begun] = await begin('watched', 1, { at: keeping, headers });
      const [{ user_agent: userAgent, country }] = (await ownList(begun, keeping)).sessions;
      assert.deepEqual(JSON.parse(JSON.stringify({ user_agent: userAgent, country })), expected);
    }
  });

  test('has pages, and those that have ended leave it', async () => {
    const [session] = await begin('busy');
    const name = createHash('sha256').update(`sub\n${tenant.issuer}\n${session.sub}`).digest('base64url');
    const day = Math.floor(Date.now() / 1000) + 24 * 60 * 60;
    for (let count = 0; count < 2 * PAGE_MAX; count += 1)
      await gateway.tell('LOGOUT_INDEX', name, { add: `never-was-${count}`, until: day });
    const walk = async () => {
      const [found, pages] = [[], []];
      for (let after = ''; after !== null; ) {
        const path = `${OWN}?${new URLSearchParams({ after })}`;
        const { sessions, next } = await list((page) => askWith(gateway, session.cookie, page), path);
        found.push(...sessions);
        pages.push(next);
        after = next;
      }
      return [found.length, pages.length];
    };
    assert.deepEqual(await walk(), [1, 3], 'it is found on one of the pages');
    assert.deepEqual(await walk(), [1, 1], 'the others are not looked for again');
  });
});

describe('a user ends', () => {
  test('one session, which is over everywhere soon, and its refresh token is revoked', async () => {
    const [first, second] = await begin('carol', 2);
    await later(TOMBSTONE_SECS + 1);
    const id = await idOf(second);
    await assertDone(await end(first, `/${id}`), 'it ends');
    await forgotten();
    await assertEnded(gateway, second, 'that session');
    await until(() => second.family().revoked);
    await untilErased(gateway, second);
    await assertAlive(gateway, first, 'the one that asked');
    assert.equal((await ownList(first)).sessions.length, 1);
    assertProblem(await end(first, `/${id}`), NOT_FOUND, 'again');
  });

  test('no session of somebody else, and none that is not there', async () => {
    const [[session], [other]] = [await begin('dave'), await begin('erin')];
    for (const id of [await idOf(other), other.name, other.value, 'no-such-session', '%20', '%FF', '..%2f']) {
      const answer = await end(session, `/${id}`);
      assert.ok([400, 404].includes(answer.status), `${id}: ${answer.text}`);
    }
    await forgotten();
    await assertAlive(gateway, other, 'of somebody else');
    await assertAlive(gateway, session, 'nor the one that asked');
  });

  test('the session that asks, which is over at once where it asked', async () => {
    for (const what of ['id', '']) {
      const [session] = await begin('frank');
      await assertDone(await end(session, what && `/${await idOf(session)}`), 'it ends');
      await assertEnded(gateway, session, 'without a wait');
    }
  });

  test('all others, or all', async () => {
    const [first, ...others] = await begin('grace', 3);
    const [bystander] = await begin('heidi');
    const answer = await end(first, '/others');
    await assertDone(answer, 'the others');
    assert.deepEqual(answer.headers.getSetCookie(), [], 'no cookie is removed');
    await forgotten();
    for (const session of others) await assertEnded(gateway, session, 'another');
    await assertAlive(gateway, first, 'the one that asked');
    const [next] = await begin('grace');
    const all = await end(next);
    await assertDone(all, 'all');
    assertCleared(all, 'all');
    await forgotten();
    for (const session of [first, next]) {
      await assertEnded(gateway, session, 'each');
      await until(() => session.family().revoked);
    }
    await assertAlive(gateway, bystander, 'of somebody else');
  });

  test('nothing by a request that another site may have made', async () => {
    const [session] = await begin('ivan');
    for (const headers of [{}, { 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.example' }]) {
      for (const what of ['', '/others', `/${await idOf(session)}`]) {
        const answer = await askWith(gateway, session.cookie, `${OWN}${what}`, { method: 'DELETE', headers });
        assertProblem(answer, CSRF_REJECTED, `${what} ${JSON.stringify(headers)}`);
      }
    }
    const asked = await askWith(gateway, session.cookie, OWN, { method: 'POST', headers: OWN_PAGE });
    assert.equal(asked.status, 405, asked.text);
    await forgotten();
    await assertAlive(gateway, session, 'after all of that');
  });

  test('sessions with a token, which needs no page and has no session of its own', async () => {
    const [first, second] = await begin('judy', 2);
    const authorization = `Bearer ${await tenant.mint({ sub: first.sub })}`;
    const ask = (path, init = {}) => gateway.ask(path, { ...init, headers: { authorization, cookie: second.cookie } });
    const { sessions } = await list(ask, OWN);
    assert.deepEqual(
      sessions.map(({ current }) => current),
      [false, false],
    );
    await assertDone(await ask(`${OWN}/others`, { method: 'DELETE' }), 'all but none');
    await forgotten();
    for (const session of [first, second]) await assertEnded(gateway, session, 'each');
  });
});

describe('an administrator', () => {
  test('lists the sessions of any user and ends one or all, and nobody else does', async () => {
    const [first, second] = await begin('kim', 2);
    const [own] = await begin('leo');
    assert.match(first.sub, /\|/, 'a sub whose sign a path may have encoded or not');
    const listed = await list(askAsAdmin, ofUser(first));
    assert.equal(listed.sessions.length, 2);
    for (const path of [ofUser({ sub: 'auth0|nobody' }), '/users/%FF/sessions'])
      assert.deepEqual(await list(askAsAdmin, path), { sessions: [], next: null }, path);
    assert.deepEqual((await list(askAsAdmin, `/users/${first.sub}/sessions`)).sessions, listed.sessions);

    /** @type {any[][]} */
    const tries = [
      ['without a token', (path, init) => gateway.ask(path, init), 401],
      ['without the scope', (path, init) => askAsAdmin(path, init, { scope: 'openid read:messages' }), 403],
      ['with a session', (path, init) => askWith(gateway, own.cookie, path, { ...init, headers: OWN_PAGE }), 403],
    ];
    for (const [message, ask, status] of tries) {
      const requests = [
        [ofUser(first), { method: 'GET' }],
        [ofUser(first), { method: 'DELETE' }],
        [ofUser(first, `/${listed.sessions[0].id}`), { method: 'DELETE' }],
      ];
      for (const [path, init] of requests) assert.equal((await ask(path, init)).status, status, `${path} ${message}`);
    }
    assertProblem(
      await askAsAdmin(ofUser(own, `/${listed.sessions[0].id}`), { method: 'DELETE' }),
      NOT_FOUND,
      'by another',
    );

    const ended = await idOf(second);
    await assertDone(await askAsAdmin(ofUser(first, `/${ended}`), { method: 'DELETE' }), 'one');
    await forgotten();
    await assertEnded(gateway, second, 'that one');
    await assertAlive(gateway, first, 'and no other');
    await assertDone(await askAsAdmin(ofUser(first), { method: 'DELETE' }), 'all');
    await forgotten();
    await assertEnded(gateway, first, 'the last');
    await until(() => first.family().revoked);
    await assertAlive(gateway, own, 'of somebody else');
    await assertDone(await askAsAdmin(ofUser(first), { method: 'DELETE' }), 'none is left, which is no failure');
  });
});

test('sessions that began before the config listed any join the list when they are used, and all of them end', async (t) => {
  const resourcePersistencePath = await mkdtemp(join(STORAGE, 'bargate-sessions-'));
  t.after(() => rm(resourcePersistencePath, { recursive: true, force: true }));
  const earlier = await startPlain(t, [], { resourcePersistencePath });
  const [used, unused, spared] = await begin('mallory', 3, { at: earlier });
  await earlier.close();
  await later(1);

  const listing = await startPlain(t, PATHS, { resourcePersistencePath });
  const { sessions } = await ownList(used, listing);
  assert.deepEqual(
    sessions.map(({ current }) => current),
    [true],
    'the one that was used',
  );
  await assertDone(await end(spared, '/others', listing), 'all but one');
  await later(REMEMBERED_SECS + 1);
  await assertEnded(listing, used, 'one that was on the list');
  await assertEnded(listing, unused, 'one that was not');
  await until(() => unused.family().revoked);
  await assertAlive(listing, spared, 'the one that asked');
  const [next] = await begin('mallory', 1, { at: listing });
  await assertDone(await end(next, '', listing), 'all');
  await later(REMEMBERED_SECS + 1);
  await assertEnded(listing, spared, 'it ends with all');
  const [last] = await begin('mallory', 1, { at: listing });
  await later(REMEMBERED_SECS + 1);
  await assertAlive(listing, last, 'a later login');
});

describe('at the same time', () => {
  test('a login that is about to begin when all sessions end does not outlive them, and the next one does', async (t) => {
    const plain = await startPlain(t);
    for (const at of [gateway, plain]) {
      const [session] = await begin('nina', 1, { at });
      const browser = new Browser();
      const callback = await loginUntilCallback(at, browser, { email: 'nina@example.com' });
      const hold = await at.holdCall('Session', 'create');
      const login = at.askAs(browser, callback);
      await hold.arrived();
      await assertDone(await end(session, '', at), 'all');
      hold.release();
      const answer = await login;
      if (at === gateway) assertProblem(answer, UNAVAILABLE, 'it is told');
      else await assertEnded(at, sessionOf(answer, tenant), 'when it is first used');
      await later(1);
      const [next] = await begin('nina', 1, { at });
      await later(REMEMBERED_SECS + 1);
      await assertAlive(at, next, 'the next login');
    }
  });

  test('a session that has ended by itself is not listed, and cannot be ended again', async () => {
    const [first, second] = await begin('olga', 2);
    const id = await idOf(second);
    const { status } = await askWith(gateway, second.cookie, LOGOUT, { method: 'POST', headers: OWN_PAGE });
    assert.ok(status < 400, `${status}`);
    assert.equal((await ownList(first)).sessions.length, 1);
    assertProblem(await end(first, `/${id}`), NOT_FOUND, 'by its id');
  });

  test('an index that is away lists nothing, and a session goes on without it until it is back', async (t) => {
    const plain = await startPlain(t);
    const [first] = await begin('peter', 1, { at: plain });
    const late = await beginSession(plain, tenant, { email: 'peter@example.com' });
    await plain.keepAway('LogoutIndex');
    await assertAlive(plain, late, 'though the index does not know of it');
    await plain.record(({ code }) => code === 'session_not_listed');
    assertProblem(await askWith(plain, first.cookie, OWN), UNAVAILABLE, 'the list');
    assertProblem(await end(first, '', plain), UNAVAILABLE, 'the end of all');
    await plain.keepAway(null);
    await assertDone(await end(first, '', plain), 'when it is back');
    await later(REMEMBERED_SECS + 1);
    await assertEnded(plain, late, 'one that the index had not heard of');
  });

  test('a session that is away is said to be, and what could not be ended is ended when it is asked for again', async (t) => {
    t.after(() => gateway.keepAway(null));
    const [first, second] = await begin('quinn', 2);
    const id = await idOf(second);
    await gateway.keepAway('Session');
    const { sessions } = await ownList(first);
    assert.deepEqual(
      sessions.map((one) => [Object.keys(one).sort().join(), one.unavailable]),
      Array(2).fill(['current,id,unavailable', true]),
    );
    for (const what of ['', '/others', `/${id}`]) assertProblem(await end(first, what), UNAVAILABLE, what);
    await gateway.keepAway(null);
    await assertAlive(gateway, first, 'nothing has ended');
    await assertDone(await end(first, `/${id}`), 'the same request again');
    await forgotten();
    await assertEnded(gateway, second, 'then');
  });

  test('an end whose answer is lost on its way is carried out', async () => {
    const [first, second] = await begin('rita', 2);
    await gateway.loseReplies('LogoutIndex');
    await assertDone(await end(first, '/others'), 'the others');
    await forgotten();
    await assertEnded(gateway, second, 'then');
    await assertAlive(gateway, first, 'the one that asked');
  });
});

test('the sockets and streams of a session that was ended from elsewhere close as soon as it counts', async (t) => {
  const sockets = await startSocketUpstream();
  const stream = await startUpstream((_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write('data: 1\n\n');
  });
  const open = await startSessionGateway(tenant, api, {
    sections: {
      servers: [
        { alias: 'api', url: api.origin },
        { alias: 'sockets', url: sockets.origin },
        { alias: 'stream', url: stream.origin },
      ],
    },
    paths: [...PATHS, closing('/socket', 'sockets'), closing('/stream', 'stream')],
  });
  t.after(() => Promise.all([open.close(), sockets.close(), stream.close()]));
  const [here, there] = await begin('sybil', 2, { at: open });
  const [ours, theirs] = await Promise.all(
    [here, there].map(({ cookie }) => openSocket(open.origin, '/socket', { headers: { cookie, origin: open.origin } })),
  );
  const body = (await open.fetch('/stream', { headers: { cookie: there.cookie } })).body.getReader();
  assert.equal(new TextDecoder().decode((await body.read()).value), 'data: 1\n\n');
  await assertDone(await end(here, '/others', open), 'the others');
  await elapse(REMEMBERED_SECS);
  assert.equal((await theirs.closed).code, EXPIRED);
  await assert.rejects(body.read(), 'it does not look whole');
  assert.equal(await ours.ask('still here'), 'still here', 'that of the session that asked');
  ours.socket.close();
  await ours.closed;
});

test('a session that only a socket uses, of which the index had not heard, is over with all others', async (t) => {
  const sockets = await startSocketUpstream();
  t.after(() => sockets.close());
  const sections = { session: {}, servers: [{ alias: 'sockets', url: sockets.origin }] };
  const plain = await startPlain(t, [...PATHS, closing('/socket', 'sockets')], { sections });
  const [first] = await begin('trudy', 1, { at: plain });
  const late = await beginSession(plain, tenant, { email: 'trudy@example.com' });
  await plain.keepAway('LogoutIndex');
  const headers = { cookie: late.cookie, origin: plain.origin };
  const { closed } = await openSocket(plain.origin, '/socket', { headers });
  await plain.record(({ code }) => code === 'session_not_listed');
  await plain.keepAway(null);
  await assertDone(await end(first, '/others', plain), 'the others');
  await elapse(REMEMBERED_SECS);
  assert.equal((await closed).code, EXPIRED);
});
