// What the tests of sessions and of rotation share: a gateway on the clock of the tests whose objects obey the test, logins that
// end in a session, and what the end of one looks like.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { later } from './clock.mjs';
import { Browser, proxied, until } from './harness.mjs';
import { assertProblem, claimsOf, loginConfig, loginUntilCallback, startLoginGateway } from './login-flow.mjs';

export const LOGOUT = '/api/auth0/logout';
export const BACKCHANNEL_LOGOUT = '/api/auth0/backchannel-logout';
/** A path that wants a login and answers by itself. */
export const PRIVATE = '/private';
export const TOKEN_ENDPOINT = '/oauth/token';
export const REVOCATION = '/oauth/revoke';
export const COOKIE = 'bargate';

export const SESSION_EXPIRED = [401, 'session_expired'];
export const SESSION_INVALID = [401, 'session_invalid'];
export const CSRF_REJECTED = [403, 'csrf_rejected'];

/** What a page of the gateway's own sends along with a request that changes something. */
export const OWN_PAGE = { 'sec-fetch-site': 'same-origin' };

/** TOKEN_CACHE_MAX_SECS of record.rs: an isolate uses what it knows of a session for so long. */
export const REMEMBERED_SECS = 15;
/** TOMBSTONE_SECS of objects/session.rs: a session that the provider or the user ends this soon after its login is known for as long. */
export const TOMBSTONE_SECS = 60;

/** Where calls to objects wait: a path of the tenant, which can hold a request until a test lets it go. */
const HOLD = '/held-by-a-test';

// Obeys orders in a header, and is otherwise the bundle: counts calls to the objects, keeps them from being reached, holds a call
// or its reply, loses the reply, restarts an object, or that of an exchange between the provider's answer and the moment at which
// it could be kept, rings an alarm, and tells how much is held. With `points`, what is written to the dataset of this name is logged.
const obeyingEntry = (tenant, points = '') => `
  import Gateway, * as bundle from './worker.js';

  const calls = {};
  const away = new Set();
  const troubles = [];
  let [lastExchange, lastSession, losses, lost] = [undefined, undefined, 0, 0];

  // The next trouble for a call to an object of this class, which may be for one kind of message alone.
  const troubleFor = (name, text) => {
    const verb = JSON.parse(text).do;
    const index = troubles.findIndex(({ of, when = verb }) => of === name && when === verb);
    return index < 0 ? undefined : troubles.splice(index, 1)[0].kind;
  };

  const dataset = { value: { writeDataPoint: (point) => console.log(JSON.stringify({ point })) } };
  const counted = (env) => ('${points}' ? Object.create(env, { ${points || 'NONE'}: dataset }) : env);

  const observed = (name) => class extends bundle[name] {
    constructor(context, env) {
      super(context, counted(env));
    }

    async call(text) {
      calls[name] = (calls[name] ?? 0) + 1;
      if (name === 'RefreshExchange') lastExchange = this;
      if (name === 'Session') lastSession = this.ctx.id;
      if (away.has(name)) throw new Error('the object is away');
      const trouble = troubleFor(name, text);
      if (trouble === 'call held') await send('${tenant.origin}${HOLD}');
      const answer = await super.call(text);
      if (trouble === 'reply held') await send('${tenant.origin}${HOLD}');
      if (trouble === 'reply lost') throw new Error('the reply is lost');
      if (trouble === 'asker restarted') await this.env.SESSIONS.get(lastSession).restart().catch(() => {});
      return answer;
    }

    async ring() {
      await this.alarm();
    }

    restart() {
      this.ctx.abort('restarted by a test');
    }

    async held() {
      const { storage } = this.ctx;
      const tables = [...storage.sql.exec("SELECT name FROM sqlite_master WHERE type = 'table'")].map(({ name }) => name);
      const own = tables.filter((name) => !/^(_|sqlite_)/.test(name));
      const rows = own.map((name) => storage.sql.exec(\`SELECT count(*) AS count FROM "\${name}"\`).one().count);
      return (await storage.list()).size + rows.reduce((sum, count) => sum + count, 0);
    }
  };
  export const RefreshExchange = observed('RefreshExchange');
  export const Session = observed('Session');
  export const LogoutIndex = observed('LogoutIndex');

  const send = globalThis.fetch;
  globalThis.fetch = async (input, init) => {
    const answer = await send(input, init);
    if (losses === 0 || new URL(input.url ?? input).pathname !== '${TOKEN_ENDPOINT}') return answer;
    [losses, lost] = [losses - 1, lost + 1];
    lastExchange.restart();
    return new Promise(() => {});
  };

  export default class extends Gateway {
    constructor(context, env) {
      super(context, counted(env));
    }

    fetch(request) {
      const order = request.headers.get('x-order');
      return order === null ? super.fetch(request) : this.obey(JSON.parse(order));
    }

    async obey({ keepAway, lose, trouble = [], object, act, said = [] }) {
      troubles.push(...trouble);
      if (keepAway) away.add(keepAway);
      if (keepAway === null) away.clear();
      losses = lose ?? losses;
      if (!object) return Response.json({ calls, lost });
      const [binding, name] = object;
      const acting = this.env[binding].getByName(name)[act](...said);
      // Whoever restarts does not answer.
      return Response.json((await (act === 'restart' ? acting.catch(() => {}) : acting)) ?? null);
    }
  }
`;

/**
 * Starts a gateway in front of `tenant` that is on the clock of the tests. Options are those of `startLoginGateway`; with
 * `isolates: 2`, `askOther` asks an isolate of its own that has the same objects; with `points`, data points for the dataset of this
 * name are in the log.
 * @param {any} tenant
 * @param {Record<string, any>} [options]
 */
export async function startObeyingGateway(tenant, { points, ...options } = {}) {
  const gateway = await startLoginGateway(tenant, { entry: obeyingEntry(tenant, points), ...options });
  const orderAt = async (origin, what) => {
    const answer = await fetch(origin, { headers: { 'x-order': JSON.stringify(what) } });
    assert.equal(answer.status, 200, await answer.clone().text());
    return answer.json();
  };
  const trouble = (what, times = 1) => orderAt(gateway.origin, { trouble: Array.from({ length: times }, () => what) });
  const order = (what) => Promise.all(gateway.origins.map((origin) => orderAt(origin, what)));
  return {
    ...gateway,
    askOther: (path, init) => gateway.ask(new URL(path, gateway.origins[1]), init),
    /** How often objects of a class were called. */
    calls: async (name) => (await orderAt(gateway.origin, {})).calls[name] ?? 0,
    /** Lets every call to objects of a class fail, or with `null` none any more. */
    keepAway: (name) => order({ keepAway: name }),
    /** Restarts the object of an exchange when the provider has answered it, the next `times`. */
    loseAnswers: (times) => orderAt(gateway.origin, { lose: times }),
    /** How many answers were lost that way. */
    lost: async () => (await orderAt(gateway.origin, {})).lost,
    /**
     * Loses the replies to the next calls of this kind to objects of a class, which are carried out.
     * @param {string} name
     * @param {{ when?: string, times?: number }} [how]
     */
    loseReplies: (name, { when, times = 1 } = {}) => trouble({ of: name, when, kind: 'reply lost' }, times),
    /** Restarts the session that asks for an exchange when that has an answer for it, the next `times`. */
    restartAskers: (times) => trouble({ of: 'RefreshExchange', kind: 'asker restarted' }, times),
    /** Holds the next call of this kind to an object of a class, or its reply; gives the hold, as the tenant does. */
    async holdCall(name, when, { after = false } = {}) {
      const hold = tenant.hold(HOLD);
      await trouble({ of: name, when, kind: after ? 'reply held' : 'call held' });
      return hold;
    },
    /** Sends a message to an object as the gateway does, and gives its answer. */
    tell: async (binding, name, message) =>
      JSON.parse(
        await orderAt(gateway.origin, { object: [binding, name], act: 'call', said: [JSON.stringify(message)] }),
      ),
    /** Restarts an object. */
    restart: (binding, name) => orderAt(gateway.origin, { object: [binding, name], act: 'restart' }),
    /** How many entries an object holds. */
    held: (binding, name) => orderAt(gateway.origin, { object: [binding, name], act: 'held' }),
    /** Rings the alarm of an object. */
    ring: (binding, name) => orderAt(gateway.origin, { object: [binding, name], act: 'ring' }),
  };
}

/**
 * What the config of a gateway with sessions has, as `loginConfig` takes it; `api` is where its paths lead.
 * @param {any} api
 * @param {Record<string, any>} how
 */
function sessionParts(api, { session = {}, sections = {}, paths = [] }) {
  return {
    sections: {
      servers: [{ alias: 'api', url: api.origin }],
      session: { return_to: ['https://spa.example'], after_login: '/home', ...session },
      ...sections,
    },
    paths: [
      ...['GET', 'POST'].map((method) => ({ method, path: LOGOUT, integration: { type: 'auth0_logout' } })),
      { method: 'POST', path: BACKCHANNEL_LOGOUT, integration: { type: 'auth0_backchannel_logout' } },
      { method: 'ANY', path: PRIVATE, auth: true, response: { ok: true } },
      proxied('/app/{.+}', 'api', { auth: true }),
      proxied('/open/{.+}', 'api'),
      ...paths,
    ],
  };
}

/**
 * The config of a gateway with sessions in front of `tenant` and the sample API.
 * @param {any} tenant
 * @param {any} api
 * @param {Record<string, any>} [how]
 */
export const sessionConfig = (tenant, api, { authorizer, ...how } = {}) =>
  loginConfig(tenant, { authorizer, ...sessionParts(api, how) });

/**
 * Starts a gateway with sessions in front of `tenant` and the sample API.
 * @param {any} tenant
 * @param {any} api
 * @param {Record<string, any>} [options]
 */
export function startSessionGateway(tenant, api, { session, sections, paths, ...options } = {}) {
  return startObeyingGateway(tenant, { ...sessionParts(api, { session, sections, paths }), ...options });
}

/**
 * Logs in and gives the session: its cookie, the halves of that, its family of refresh tokens, and the callback's answer.
 * @param {any} gateway
 * @param {any} tenant
 * @param {Record<string, any>} [how]
 */
export async function beginSession(gateway, tenant, { browser = new Browser(), headers, ...how } = {}) {
  const callback = await loginUntilCallback(gateway, browser, how);
  return sessionOf(await gateway.askAs(browser, callback, { headers }), tenant);
}

/** Returns the session that a callback's answer begins. */
export function sessionOf(answer, tenant, cookieName = COOKIE) {
  assert.equal(answer.status, 302, `the login failed: ${answer.text}`);
  const lines = answer.headers.getSetCookie().filter((line) => line.startsWith(`${cookieName}=`));
  assert.equal(lines.length, 1, 'one cookie');
  const value = /=([^;]*)/.exec(lines[0])[1];
  assert.match(value, /^[\w-]{43}$/);
  const bytes = Buffer.from(value, 'base64url');
  const { grantId, sid, sub } = tenant.families().at(-1) ?? {};
  return {
    answer,
    line: lines[0],
    value,
    cookie: `${cookieName}=${value}`,
    bytes,
    /** The name of its object. */
    name: bytes.subarray(0, 16).toString('base64url'),
    /** What the ID token says. */
    sid,
    sub,
    family: () => tenant.families().find((family) => family.grantId === grantId),
  };
}

/**
 * Makes a request with a cookie.
 * @param {any} gateway
 * @param {string} cookie
 * @param {string} [path]
 * @param {Record<string, any>} [init]
 */
export const askWith = (gateway, cookie, path = PRIVATE, { headers, ...init } = {}) =>
  gateway.ask(path, { ...init, headers: { ...headers, cookie } });

/** The claims of the access token that the upstream was shown last. */
export function claimsAt(api) {
  const { authorization } = api.requests.at(-1).headers;
  assert.match(authorization, /^Bearer [\w-]+\.[\w-]+\.[\w-]+$/);
  return claimsOf(authorization.slice('Bearer '.length));
}

/** How long access tokens live by default, and how long before their end they are renewed. */
export const LIFE_SECS = 600;
export const RENEW_BEFORE_SECS = 60;

/** Lets access tokens become due to be renewed while they are still valid. */
export const untilDue = () => later(LIFE_SECS - RENEW_BEFORE_SECS + 1);
/** Lets access tokens expire. */
export const untilExpired = () => later(LIFE_SECS + 1);

/** Resolves once nothing is kept of a session: its refresh token is, until the provider has answered its revocation. */
export const untilErased = (gateway, { name }) => until(async () => (await gateway.held('SESSIONS', name)) === 0);

/** The `Authorization` header that an upstream is sent for a session. */
export async function authorizationFor(gateway, api, { cookie }) {
  const { status, text } = await askWith(gateway, cookie, '/app/x');
  assert.equal(status, 200, text);
  return api.requests.at(-1).headers.authorization;
}

/** Resolves once a session goes on with the access token of a renewal. */
export async function renewed(gateway, api, session) {
  const before = await authorizationFor(gateway, api, session);
  await untilDue();
  await until(async () => {
    // The isolate asks again for what it remembers of a session.
    await later(REMEMBERED_SECS + 1);
    return (await authorizationFor(gateway, api, session)) !== before;
  });
}

/**
 * Asserts what has become of a session's family of refresh tokens.
 * @param {any} session
 * @param {any} expected
 * @param {string} [message]
 */
export function assertFamily({ family }, expected, message) {
  const { rotations, revoked } = family();
  assert.deepEqual({ rotations, revoked }, expected, message);
}

/**
 * Asserts that a session is alive.
 * @param {any} gateway
 * @param {any} session
 * @param {string} [message]
 */
export async function assertAlive(gateway, { cookie }, message) {
  const answer = await askWith(gateway, cookie);
  assert.equal(answer.status, 200, `${message}: ${answer.text}`);
}

/**
 * Asserts that a request with the session's cookie is told that the session has ended, and the browser to forget it.
 * @param {any} gateway
 * @param {any} session
 * @param {string} [message]
 */
export async function assertEnded(gateway, { cookie }, message) {
  const answer = await askWith(gateway, cookie);
  assertProblem(answer, SESSION_EXPIRED, message);
  assertCleared(answer, message);
}

/**
 * Asserts that an answer makes a browser forget the session's cookie.
 * @param {any} answer
 * @param {string} [message]
 * @param {string} [cookieName]
 */
export function assertCleared({ headers }, message, cookieName = COOKIE) {
  const lines = headers.getSetCookie().filter((line) => line.startsWith(`${cookieName}=`));
  assert.equal(lines.length, 1, `${message}: the cookie is cleared`);
  const [pair, ...attributes] = lines[0].split('; ');
  assert.equal(pair, `${cookieName}=`, message);
  for (const attribute of ['Path=/', 'Max-Age=0', 'Expires=Thu, 01 Jan 1970 00:00:00 GMT', 'HttpOnly'])
    assert.ok(attributes.includes(attribute), `${message}: ${attribute}`);
}

/** The contents of every file below a directory, by path. */
export function filesBelow(directory) {
  const paths = readdirSync(directory, { recursive: true }).map((path) => join(directory, path));
  return new Map(paths.filter((path) => statSync(path).isFile()).map((path) => [path, readFileSync(path)]));
}

/** Asserts that no file holds any of `secrets` (base64url), nor the bytes that they stand for. */
export function assertNowhereOnDisk(files, secrets) {
  for (const [name, secret] of Object.entries(secrets)) {
    assert.match(secret, /^[\w-]{16,}$/, `${name} is long enough to be looked for`);
    const decoded = Buffer.from(secret, 'base64url');
    for (const [path, bytes] of files) {
      for (const shape of [secret, decoded, decoded.toString('hex')])
        assert.ok(!bytes.includes(shape), `${path} holds ${name}`);
    }
  }
}

/** The parts of tokens that only their holder knows: of a JWT the signature. */
export function secretParts(tokens) {
  return Object.fromEntries(Object.entries(tokens).map(([name, token]) => [name, token.split('.').at(-1)]));
}
