// An hour of everything at once, by a clock that runs faster than the machine's: logins, sessions, tokens of both kinds, uploads, sockets,
// refreshes, logouts, a config that changes. Nothing may fail, nothing may pile up, and nothing may be left.

import { once } from 'node:events';
import { basename } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { boundToken, makeHolder, makeProof } from '../../tests/e2e/support/dpop.mjs';
import { OBJECTS, freePort, proxied, startUpstream } from '../../tests/e2e/support/harness.mjs';
import { BACKCHANNEL_LOGOUT, LOGOUT, OWN_PAGE } from '../../tests/e2e/support/session-flow.mjs';
import { keySetOf, makeKey } from '../../tests/e2e/support/signing.mjs';
import { inBed } from '../bed.mjs';
import { filesOf, readObject } from '../disk.mjs';
import { runFaster } from '../fast-clock.mjs';
import { inspectorAt, measured, openMeter } from '../memory.mjs';
import { COUNTED, PRIVATE, REFRESH, SESSIONS, chaosConfig, familiesOf, logIn, storedPaths } from '../provider.mjs';
import { withoutTokens } from '../timeline.mjs';

const ISOLATES = 2;
/** Sessions end by themselves after this long; who has one logs in again before, and leaves it to its end or logs out. */
const SESSION_SECS = 1_200;
/** As long as the row: what is made once and used for a while. */
const LONG_SECS = 3_600;
const CONFIG_EVERY_SECS = 10;
const UPLOAD_BYTES = 200_000;
/** A logout takes effect everywhere within this long (docs/sessions.md). */
const LOGOUT_SECS = 15;
// What session.js keeps of a session that has ended, and session.rs of one that ended as it began.
const REVOCATION_RESTART_MS = 30_000;
const REVOCATION_RETRY_MS = 60_000;
const REVOCATION_TRIES = 6;
const TOMBSTONE_MS = 60_000;
/** An alarm is in whole milliseconds, of a clock that may run faster, and ends are in whole seconds. */
const ROUNDING_MS = 2_000;
/** How often it is looked at the memory. */
const LOOKS_AT_MEMORY = 60;
/** What is over is looked for so often, after a pause: no event tells of an alarm. */
const LOOKS_MAX = 20;
const LOOK_MS = 2_000;
const OPAQUE = '/opaque';
const KEYED = '/keyed';
const KEYS_OF_PARTNERS = 'API_KEYS';
/** A key, as `bargate key new` makes them, and what it says of it. */
const PARTNER = {
  key: 'chaos_1fuqg9ZhOkxxJcRheKSZ552Xqlim5dM54bt8vi',
  sha256: '9XXMx8Mrps8g7K6XWKvrrZsey9RbwC0kargdAN2HlZc',
  value: '{"owner":"machine","version":1}',
};
/** A proof lasts this long: a busy machine is no fault. */
const PROOF_SECS = 300;
/** For bound tokens, and the name under which both isolates are called, so that a proof is for each of them. */
const BOUND = '/bound';
const HOST = 'gateway.example';
const CONFIG = 'gateway.config.json';
const CONFIGS = 'CONFIG';
const FORM = { 'content-type': 'application/x-www-form-urlencoded' };

const BUDGET = 'every request is answered as it should be: the error budget is 0';
const FAMILIES =
  'the provider revokes the family of every logout, and no other but at the end of its session; the cookie of a logout is dead';
const MEMORY =
  'the isolates hold in the last sixth what they held in the third, by which what they remember is full, within a tenth (in the excerpt, in which little is, a half)';
const ALARMS = 'every object that has stored something has an alarm, no later than the end of that';
const OVER = 'nothing that is stored outlives its end';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'mixed-hour',
  group: 'Time',
  done: ({ seconds, factor }) =>
    `${seconds === 3_600 ? 'An hour' : `${seconds} seconds`} of mixed load${factor === 1 ? '' : `, in ${seconds / factor} seconds of the machine`}: logins, sessions, bearer, opaque and bound tokens, API keys, uploads, sockets, refreshes, lists, limits, logouts by the browser and by the provider, a config in KV that changes every ${CONFIG_EVERY_SECS} seconds`,
  holds: [BUDGET, FAMILIES, MEMORY, ALARMS, OVER],
  sizes: {
    card: { seconds: 3_600, factor: 10, lifeSecs: 300, staySecs: 400, growth: 0.1 },
    excerpt: { seconds: 300, factor: 10, lifeSecs: 150, staySecs: 100, growth: 0.5 },
    hour: { seconds: 3_600, factor: 1, lifeSecs: 300, staySecs: 400, growth: 0.1 },
  },
  timeoutSecs: { card: 900, excerpt: 240, hour: 4_500 },
  async run(run) {
    const { factor, lifeSecs } = run.size;
    const clock = runFaster(factor);
    const [introspection, inspector] = await Promise.all([startIntrospection(), freePort()]);
    const gateway = {
      clock: false,
      config: '',
      namespaces: ['JWKS', CONFIGS, KEYS_OF_PARTNERS],
      ...measured,
      entry: clock.imports + measured.entry + clock.objects,
      modules: { ...measured.modules, ...clock.modules },
      args: [inspectorAt(inspector)],
    };
    const settings = { accessTokenSeconds: lifeSecs, codeSeconds: LONG_SECS };
    try {
      return await inBed(run, { isolates: ISOLATES, settings, gateway }, (bed) =>
        passTheHour(run, bed, { clock, introspection, inspector }),
      );
    } finally {
      await introspection.close();
      clock.stop();
    }
  },
};

/**
 * Lets everybody do what they do for an hour.
 *
 * @param {import('../row.mjs').Run} run
 * @param {import('../bed.mjs').Bed} bed
 * @param {{ clock: ReturnType<typeof runFaster>, introspection: { origin: string }, inspector: number }} how
 */
async function passTheHour(
  { size: { seconds, factor, staySecs, growth }, random, timeline, hold },
  { tenant, api, kv, gateway, clients },
  { clock, introspection, inspector },
) {
  const { authorizer, ...config } = chaosConfig(tenant, api, {
    session: { idle_seconds: SESSION_SECS, absolute_seconds: SESSION_SECS },
    paths: [
      ...storedPaths({ limit: 5, period_seconds: 60 }),
      proxied('/socket/{.+}', 'api', { auth: true }),
      { method: 'GET', path: OPAQUE, auth: 'opaque', response: { passed: true } },
      { method: 'GET', path: KEYED, auth: 'partners', response: { passed: true } },
      {
        method: 'GET',
        path: BOUND,
        auth: { authorizer: 'people', dpop: { mode: 'require', max_age_seconds: PROOF_SECS } },
        response: { passed: true },
      },
    ],
  });
  const opaque = {
    type: 'oidc',
    issuer: introspection.origin,
    client_id: 'any',
    client_secret: 'any secret of this client',
    introspection: 'all',
    introspection_endpoint: introspection.origin,
  };
  const partners = { type: 'api_key', prefix: 'chaos', kv: KEYS_OF_PARTNERS };
  kv.namespace(KEYS_OF_PARTNERS).set(PARTNER.sha256, PARTNER.value);
  const configs = kv.namespace(CONFIGS);
  const publish = (number) =>
    configs.set(
      CONFIG,
      JSON.stringify({
        ...config,
        authorizers: { people: authorizer, opaque, partners },
        paths: [...config.paths, { method: 'GET', path: '/number', response: { number } }],
      }),
    );
  publish(0);
  const meters = await Promise.all(
    Array.from({ length: ISOLATES }, (_, isolate) => openMeter(gateway, inspector, isolate)),
  );
  const isolateOf = () => random.int(ISOLATES);
  const startedAt = Date.now();
  let isClosed = false;
  const isOver = () => isClosed || Date.now() - startedAt >= seconds * 1000;
  const seen = {
    requests: 0,
    logins: 0,
    logouts: 0,
    'logouts by the provider': 0,
    sockets: 0,
    proofs: 0,
    rotations: 0,
  };

  /**
   * Asks, and holds that the answer is as it should be.
   * @param {string} path
   * @param {Record<string, any>} init
   * @param {(answer: import('../clients.mjs').Answer) => unknown} [isRight]
   */
  const ask = async (path, init, isRight = ({ status }) => status === 200) => {
    const answer = await clients.ask(path, { isolate: isolateOf(), ...init });
    seen.requests += 1;
    const { status, body, error, text } = answer;
    // What is asked behind a failure that ended the row is not answered.
    if (!isClosed)
      hold(
        BUDGET,
        isRight(answer),
        { path, status, code: body?.code, error, text: withoutTokens(text).slice(0, 200) },
        init.about,
      );
    return answer;
  };
  /** People act at their own pace. */
  const rest = () => pause(20 + random.int(200));
  const enter = async (email, withTokens = false) => {
    seen.logins += 1;
    const at = Date.now();
    const login = await logIn(gateway.origins[isolateOf()], tenant, { email, withTokens });
    begun.set(login.about, at);
    return { ...login, at };
  };
  /** When each login began. @type {Map<string, number>} */
  const begun = new Map();
  /** The cookie of each login that was ended by a logout. @type {Map<string, string | undefined>} */
  const loggedOut = new Map();

  const withSession = async (lane, number) => {
    const email = `person-${number}@example.com`;
    while (!isOver()) {
      const { cookie, about, at, grantId } = await enter(email);
      const init = { headers: { cookie, ...OWN_PAGE }, lane, about };
      while (!isOver() && Date.now() - at < staySecs * 1000) {
        const dice = random.int(10);
        if (dice < 2) await ask(SESSIONS, init, ({ body }) => body?.sessions?.some(({ current }) => current));
        else if (dice < 4)
          await ask(`/app/${number}`, init, ({ status, body }) => status === 200 && body.headers.authorization);
        else await ask(PRIVATE, init);
        await rest();
      }
      const end = random.int(3);
      if (end === 0) continue;
      loggedOut.set(about, cookie);
      if (end === 1) {
        seen.logouts += 1;
        await ask(LOGOUT, { method: 'POST', ...init }, ({ status }) => status < 400);
      } else {
        seen['logouts by the provider'] += 1;
        const { sid } = tenant.families().find((family) => family.grantId === grantId);
        const body = `${new URLSearchParams({ logout_token: await tenant.logoutToken({ sid }) })}`;
        await ask(BACKCHANNEL_LOGOUT, { method: 'POST', headers: FORM, body, lane, about });
      }
    }
  };
  const withTokens = async (lane, number) => {
    const login = await enter(`page-${number}@example.com`, true);
    let token = login.tokens.refresh_token;
    while (!isOver()) {
      const headers = { 'x-refresh-token': token };
      const { body } = await ask(REFRESH, { method: 'POST', headers, lane, about: login.about });
      token = body?.refresh_token ?? token;
      const authorization = `Bearer ${body?.access_token}`;
      await ask(PRIVATE, { headers: { authorization }, lane, about: login.about });
      await rest();
    }
  };
  const withBearer = async (lane) => {
    while (!isOver()) {
      const exp = Math.floor(Date.now() / 1000) + LONG_SECS;
      const authorization = `Bearer ${await tenant.mint({ exp })}`;
      for (let times = random.int(20); times > 0; times -= 1) await ask(PRIVATE, { headers: { authorization }, lane });
      await ask('/number', { lane });
      await rest();
    }
  };
  const withOpaque = async (lane) => {
    while (!isOver()) {
      const name = random.int(1_000);
      await ask(OPAQUE, { headers: { authorization: `Bearer good-${name}` }, lane });
      await ask(OPAQUE, { headers: { authorization: `Bearer bad-${name}` }, lane }, ({ status }) => status === 401);
      await rest();
    }
  };
  const withProofs = async (lane) => {
    while (!isOver()) {
      const holder = await makeHolder();
      const token = await boundToken(tenant, holder, { exp: Math.floor(Date.now() / 1000) + LONG_SECS });
      for (let times = 1 + random.int(10); times > 0; times -= 1) {
        const dpop = await makeProof(holder, token, `http://${HOST}${BOUND}`);
        const init = { headers: { authorization: `DPoP ${token}`, dpop, host: HOST }, lane };
        await ask(BOUND, init);
        await ask(BOUND, init, ({ body }) => body?.code === 'invalid_dpop_proof');
        seen.proofs += 1;
      }
      await rest();
    }
  };
  const withKey = async (lane) => {
    while (!isOver()) {
      await ask(KEYED, { headers: { 'x-api-key': PARTNER.key }, lane });
      const mistyped = PARTNER.key.replace('_', '_x');
      await ask(KEYED, { headers: { 'x-api-key': mistyped }, lane }, ({ status }) => status === 401);
      await rest();
    }
  };
  const uploading = async (lane) => {
    while (!isOver()) {
      const body = 'x'.repeat(1 + random.int(UPLOAD_BYTES));
      await ask('/open/upload', { method: 'POST', body, lane }, ({ body: seen }) => seen?.body_length === body.length);
      await rest();
    }
  };
  const counted = async (lane) => {
    while (!isOver()) {
      const headers = { 'x-key': `key ${random.int(50)}` };
      await ask(COUNTED, { headers, lane }, ({ status }) => status === 200 || status === 429);
      await rest();
    }
  };
  const withSockets = async (lane, number) => {
    const email = `socket-${number}@example.com`;
    while (!isOver()) {
      const { cookie } = await enter(email);
      seen.sockets += 1;
      const origin = gateway.origins[isolateOf()];
      const socket = new WebSocket(`${origin.replace('http', 'ws')}/socket/x`, { origin, headers: { cookie } });
      let failure;
      socket.on('error', (error) => (failure = error));
      const heard = async (what) => {
        const done = new AbortController();
        const [first] = await Promise.race([what, 'close'].map((each) => once(socket, each, done))).catch(() => []);
        done.abort();
        return first;
      };
      await heard('open');
      for (let messages = 10 + random.int(40); messages > 0 && !isOver(); messages -= 1) {
        const text = `message ${messages}`;
        if (socket.readyState !== WebSocket.OPEN) break;
        const answered = heard('message');
        socket.send(text);
        const data = await answered;
        hold(BUDGET, String(data) === text, { socket: String(data), failure: String(failure) });
        await rest();
      }
      hold(BUDGET, socket.readyState === WebSocket.OPEN, { failure: String(failure) });
      const closed = heard('close');
      socket.close();
      await closed;
      timeline.add(lane, 'closes its socket');
    }
  };
  const reloading = async () => {
    for (let number = 1; !isOver(); number += 1) {
      await pause((CONFIG_EVERY_SECS * 1000) / factor);
      publish(number);
    }
  };

  /** What the isolates held, by the sixth of the time. @type {number[][]} */
  const held = Array.from({ length: 6 }, () => []);
  const looking = async () => {
    while (!isOver()) {
      const sixth = Math.floor(((Date.now() - startedAt) / seconds / 1000) * 6);
      const mibs = await Promise.all(meters.map((meter) => meter.settled()));
      held[sixth].push(mibs.reduce((sum, mib) => sum + mib, 0));
      await pause((seconds * 1000) / LOOKS_AT_MEMORY / factor);
    }
  };

  const actors = [
    ...Array(8).fill(withSession),
    ...Array(4).fill(withTokens),
    ...Array(2).fill(withBearer),
    ...Array(2).fill(withOpaque),
    withProofs,
    withKey,
    uploading,
    counted,
    ...Array(2).fill(withSockets),
  ];
  try {
    await Promise.all([reloading(), looking(), ...actors.map((act, number) => act(`client ${number}`, number))]);
    const reloads = await Promise.all(
      gateway.origins.map(async (_, isolate) => (await clients.ask('/number', { isolate })).body?.number),
    );
    const sixths = held.filter((looks) => looks.length > 0).map(median);
    hold(MEMORY, /** @type {number} */ (sixths.at(-1)) <= sixths[2] * (1 + growth), { sixths });
    await pause((LOGOUT_SECS * 1000) / factor);
    const isRevoked = (about) => familiesOf(tenant).get(about)?.revoked;
    // A revocation that a logout has not waited for is tried again by an alarm.
    for (let looks = 0; looks < LOOKS_MAX && ![...loggedOut.keys()].every(isRevoked); looks += 1) await pause(LOOK_MS);
    for (const [about, cookie] of loggedOut) {
      const headers = { cookie, ...OWN_PAGE };
      const { status } = await clients.ask(PRIVATE, { isolate: isolateOf(), headers, about });
      hold(FAMILIES, status === 401 && isRevoked(about), { status, isRevoked: isRevoked(about) }, about);
    }
    const families = [...familiesOf(tenant)];
    for (const [about, { revoked, revokedBy }] of families) {
      const isOver = Date.now() - begun.get(about) >= SESSION_SECS * 1000 - ROUNDING_MS;
      const isMeant = revokedBy === 'revocation' && (loggedOut.has(about) || isOver);
      hold(FAMILIES, !revoked || isMeant, { revokedBy }, about);
    }
    seen.rotations = families.reduce((sum, [, { rotations }]) => sum + rotations, 0);

    // What is over is erased as soon as its alarm has rung, also if the process has ended meanwhile.
    let looked = 0;
    const isPast = (ms) => ms < looked - ROUNDING_MS;
    const look = async () => {
      await pause(LOOK_MS);
      await gateway.kill();
      looked = Date.now();
      return Object.values(OBJECTS).flatMap((className) =>
        filesOf(gateway.folder, className).map((file) => ({ className, id: basename(file), ...readObject(file) })),
      );
    };
    let objects = await look();
    for (
      let looks = 1;
      looks < LOOKS_MAX && objects.some(({ alarmMs }) => isPast(clock.fromMachine(alarmMs)));
      looks += 1
    ) {
      await gateway.start();
      objects = await look();
    }
    const kept = objects.filter(({ entries }) => Object.keys(entries).length > 0);
    for (const { className, id, entries, alarmMs } of kept) {
      const end = endOf(entries, looked);
      const alarm = alarmMs && clock.fromMachine(alarmMs);
      hold(ALARMS, alarm !== undefined && alarm <= end + ROUNDING_MS, { className, id, alarm, end });
      hold(OVER, alarm !== undefined && !isPast(alarm), { className, id, alarm, end });
    }
    return {
      ...seen,
      'config taken up': Math.max(...reloads.map(Number)),
      'MiB of both isolates, by sixths': sixths.map((mib) => mib.toFixed(1)).join(' '),
      objects: objects.length,
      'of them not over yet': kept.length,
    };
  } finally {
    isClosed = true;
    await Promise.all(meters.map((meter) => meter.close()));
  }
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/**
 * Until when what an object has stored counts, in milliseconds since 1970. What does not say it was stored before it was looked at: a
 * revocation is tried again after a time that grows, for nearly six hours in all, and a tombstone stays for a minute.
 *
 * @param {Record<string, any>} entries
 * @param {number} looked
 */
function endOf({ state, counts, left, until }, looked) {
  if (until) return until;
  if (counts) return Math.max(...counts.map(([until]) => until));
  if (left?.sealed !== undefined) {
    const { failures = 0 } = left;
    const waits = failures > 0 ? REVOCATION_RETRY_MS * 4 ** (failures - 1) : REVOCATION_RESTART_MS;
    return failures < REVOCATION_TRIES ? looked + waits : 0;
  }
  if (left) return left.replaced ?? 0;
  if (!state.startsWith('{')) return looked + TOMBSTONE_MS;
  const record = JSON.parse(state);
  if ('ends_at' in record) return 1000 * Math.min(record.ends_at, record.used_at + record.idle_secs);
  if ('until' in record) return record.until;
  return 1000 * Math.max(...Object.values({ ...record.sessions, ...record.spent }));
}

/** The keys of a provider whose tokens none of them has signed. */
const KEYS = keySetOf(makeKey('ES256'));

/** A provider's word about opaque tokens: those are good that say so. */
const startIntrospection = () =>
  startUpstream(
    async (request, response) => {
      response.setHeader('content-type', 'application/json');
      if (request.method === 'GET') {
        const isDiscovery = request.url.startsWith('/.well-known/');
        return response.end(isDiscovery ? JSON.stringify(discoveryOf(`http://${request.headers.host}`)) : KEYS);
      }
      const form = new URLSearchParams(Buffer.concat(await request.toArray()).toString());
      const active = String(form.get('token')).startsWith('good-');
      const exp = Math.floor(Date.now() / 1000) + LONG_SECS;
      const word = { active, sub: 'somebody', client_id: 'any', token_type: 'Bearer', scope: 'read:messages', exp };
      return response.end(JSON.stringify(active ? word : { active }));
    },
    { keepAliveTimeout: 0 },
  );

const discoveryOf = (issuer) => ({
  issuer,
  ...Object.fromEntries(
    ['authorization_endpoint', 'token_endpoint', 'introspection_endpoint', 'jwks_uri'].map((name) => [
      name,
      `${issuer}/${name}`,
    ]),
  ),
});
