// The version before and this one over the same objects and the same KV: they are rolled out and back every second, sometimes to one of
// two isolates only, under logins, sessions that renew, refreshes, lists, limits and logouts.

import { setTimeout as pause } from 'node:timers/promises';
import { BUNDLE } from '../../bench/gateway.mjs';
import { unpackKept } from '../../tests/e2e/support/kept-bundle.mjs';
import { BACKCHANNEL_LOGOUT, LOGOUT, OWN_PAGE } from '../../tests/e2e/support/session-flow.mjs';
import { inBed } from '../bed.mjs';
import { COUNTED, PRIVATE, REFRESH, SESSIONS, familiesOf, logIn, storedPaths } from '../provider.mjs';

const ISOLATES = 2;
/** Access tokens live for so long that every one of them ends while versions change. */
const LIFE_SECS = 8;
/**
 * So long the provider takes a refresh token twice. An answer may be lost with the process, and that of the second try too: then the
 * gateway waits for a minute.
 */
const OVERLAP_SECS = 600;
const ROLL_MS = 1_000;
/** As long as a config may say: a busy machine is no fault. */
const TIMEOUT_MS = 25_000;
/** So often somebody asks for the same: each roll may lose the answer, and what was lost twice has to wait for a minute. */
const TRIES_MAX = 200;
const LIMIT = 20;

const ALIVE = 'no session and no refresh token is lost';
const READABLE = 'nothing stored is unreadable to either version: no answer is an error of the gateway or of its store';
const FINAL = 'a logout is final for both versions';
const LIMITED = 'a limit that an object counts holds across versions';
const FAMILIES = 'the provider revokes no family for a reuse';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'two-versions',
  group: 'Versions',
  rank: 1,
  done: ({ rolls, people }) =>
    `The version before and this one, rolled out and back ${rolls} times, once a second, by SIGKILL, over the same objects and KV, at both or at one of ${ISOLATES} isolates, under ${people} people at work`,
  holds: [ALIVE, READABLE, FINAL, LIMITED, FAMILIES],
  sizes: { card: { rolls: 60, people: 24 }, excerpt: { rolls: 6, people: 8 } },
  timeoutSecs: { card: 600, excerpt: 240 },
  async run(run) {
    const kept = unpackKept();
    const settings = { accessTokenSeconds: LIFE_SECS, rotationOverlapSeconds: OVERLAP_SECS };
    const config = {
      authorizer: { timeout_ms: TIMEOUT_MS },
      paths: storedPaths({ limit: LIMIT, period_seconds: 3600 }),
    };
    const gateway = { clock: false, bundle: kept.folder };
    try {
      return await inBed(run, { isolates: ISOLATES, settings, config, gateway }, (bed) =>
        rollUnderLoad(run, bed, kept),
      );
    } finally {
      kept.remove();
    }
  },
};

/**
 * Rolls versions out and back while people are at work.
 *
 * @param {import('../row.mjs').Run} run
 * @param {import('../bed.mjs').Bed} bed
 * @param {ReturnType<typeof unpackKept>} kept
 */
async function rollUnderLoad({ size: { rolls, people }, random, timeline, hold }, { tenant, gateway, clients }, kept) {
  const [before, current] = [kept.folder, BUNDLE];
  const bundles = [
    [before, before],
    [current, current],
    [before, current],
    [current, before],
  ];
  const seen = { requests: 0, 'answers lost with the process': 0, logins: 0, logouts: 0, rotations: 0 };
  let deployed = bundles[0];
  let isOver = false;
  let isClosed = false;
  let isUp = Promise.resolve();

  /** Rolls another version out, and resolves when it listens. */
  const roll = (next) => {
    const name = (folder) => (folder === current ? 'current' : 'before');
    deployed = next;
    timeline.add('row', `rolls to ${next.map(name).join(' and ')}`);
    isUp = (async () => {
      await gateway.kill();
      await gateway.start({ bundle: next });
    })();
    return isUp;
  };
  /** Asks until there is an answer, if it comes in time: none comes from a process that has ended. */
  const ask = async (path, init) => {
    for (let tries = 1; ; tries += 1) {
      const isLast = tries === TRIES_MAX;
      await isUp;
      const answer = await clients.ask(path, { isolate: random.int(ISOLATES), ...init });
      seen.requests += 1;
      if (isClosed) return answer;
      if (answer.status === 0 && !isLast) {
        seen['answers lost with the process'] += 1;
        if (init.onLost?.()) return undefined;
        continue;
      }
      hold(READABLE, isReadable(answer, isLast), { path, status: answer.status, code: answer.body?.code }, init.about);
      // The client keeps its tokens, and asks again.
      if (!isToWait(answer) || isLast) return answer;
      await pause(ROLL_MS);
    }
  };
  const enter = async (email, withTokens = false) => {
    for (;;) {
      await isUp;
      const rolling = isUp;
      try {
        const login = await logIn(gateway.origins[random.int(ISOLATES)], tenant, { email, withTokens });
        seen.logins += 1;
        return login;
      } catch (error) {
        // A login is of several requests: one that a roll has cut begins again.
        if (rolling === isUp) throw error;
      }
    }
  };

  /** Has the provider end a session. If the answer is lost, it tries another token: the one that it sent may have been used. */
  const endAtProvider = async ({ grantId, about }, lane) => {
    const { sid } = tenant.families().find((family) => family.grantId === grantId);
    for (;;) {
      const answer = await ask(BACKCHANNEL_LOGOUT, {
        method: 'POST',
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: `${new URLSearchParams({ logout_token: await tenant.logoutToken({ sid }) })}`,
        onLost: () => true,
        lane,
        about,
      });
      if (answer) return answer;
    }
  };

  const gone = [];
  /** Somebody with a session, until the rolls are over; then it is still theirs. */
  const withSession = async (number) => {
    const [own, lane, email] = [random.fork(`session ${number}`), `client ${number}`, `person-${number}@example.com`];
    let login = await enter(email);
    const asked = () => ({ headers: { cookie: login.cookie, ...OWN_PAGE }, lane, about: login.about });
    const logOut = async (isByProvider) => {
      const answer = isByProvider
        ? await endAtProvider(login, lane)
        : await ask(LOGOUT, { method: 'POST', ...asked() });
      hold(FINAL, answer.status < 400, { status: answer.status, code: answer.body?.code }, login.about);
      gone.push(login);
      seen.logouts += 1;
      login = await enter(email);
    };
    // Whatever the dice say, there is one of each.
    if (number < 2) await logOut(number === 0);
    while (!isOver) {
      const dice = own.int(100);
      if (dice < 6) await logOut(dice < 2);
      else if (dice < 20) {
        const { status, body } = await ask(SESSIONS, asked());
        const isListed = body?.sessions?.some(({ current }) => current);
        hold(ALIVE, status === 200 && isListed, { status, code: body?.code, body }, login.about);
      } else {
        const { status, body } = await ask(PRIVATE, asked());
        hold(ALIVE, status === 200, { status, code: body?.code }, login.about);
      }
    }
    return { login, isAlive: async () => (await ask(PRIVATE, asked())).status === 200 };
  };
  /** Somebody whose page has the tokens, and refreshes them. */
  const withTokens = async (number) => {
    const lane = `client ${number}`;
    const login = await enter(`page-${number}@example.com`, true);
    let token = login.tokens.refresh_token;
    const refreshed = async () => {
      const headers = { 'x-refresh-token': token };
      const { status, body } = await ask(REFRESH, { method: 'POST', headers, lane, about: login.about });
      token = body?.refresh_token ?? token;
      return hold(ALIVE, status === 200, { status, code: body?.code }, login.about);
    };
    while (!isOver) {
      if (!(await refreshed())) break;
      await pause(random.int(ROLL_MS));
    }
    return { login, isAlive: refreshed };
  };
  /** Somebody who asks more often than a limit lets through. @returns {Promise<undefined>} */
  const counted = async (number) => {
    let [passed, lost] = [0, 0];
    for (let asked = 0; asked < 3 * LIMIT; asked += 1) {
      const headers = { 'x-key': `key ${number}` };
      // What was lost may have been counted.
      const onLost = () => {
        lost += 1;
        return true;
      };
      const answer = await ask(COUNTED, { headers, lane: `client ${number}`, onLost });
      if (answer?.status === 200) passed += 1;
      await pause(random.int((rolls * ROLL_MS) / (3 * LIMIT)));
    }
    hold(LIMITED, passed <= LIMIT && passed + lost >= LIMIT, { passed, lost });
    return undefined;
  };

  try {
    const numbers = Array.from({ length: people }, (_, index) => index);
    const kinds = [withSession, withSession, withTokens, counted];
    const working = Promise.all(numbers.map((number) => kinds[number % kinds.length](number)));
    for (let rolled = 1; rolled <= rolls; rolled += 1) {
      await Promise.race([pause(ROLL_MS), working]);
      await roll(random.pick(bundles.filter((each) => each !== deployed)));
    }
    isOver = true;
    const at = (await working).filter((each) => each !== undefined);
    for (const last of [bundles[0], bundles[1]]) {
      await roll(last);
      for (const { login, isAlive } of at) hold(ALIVE, await isAlive(), 'at the end', login.about);
      for (const { cookie, about } of gone) {
        const { status, body } = await ask(PRIVATE, { headers: { cookie }, lane: 'client', about });
        hold(FINAL, status === 401, { status, code: body?.code }, about);
      }
    }
    hold(FAMILIES, tenant.reused() === 0, { reused: tenant.reused() });
    const families = familiesOf(tenant);
    for (const { login } of at) hold(ALIVE, !families.get(login.about).revoked, families.get(login.about), login.about);
    seen.rotations = [...families.values()].reduce((sum, { rotations }) => sum + rotations, 0);
    return { 'version before': `${kept.version} of ${kept.commit.slice(0, 8)}`, ...seen };
  } finally {
    isOver = true;
    isClosed = true;
  }
}

/**
 * Whether the provider's word is missing: it was lost twice with the process, or a busy machine has it wait. Then the answer says when to
 * ask again; a state that a version cannot read is none of these, and stays so.
 *
 * @param {import('../clients.mjs').Answer} answer
 */
const isToWait = ({ status, headers, body }) =>
  status >= 500 && ['idp_unavailable', 'idp_timeout'].includes(body?.code) && Number(headers['retry-after']) > 0;

/** @param {import('../clients.mjs').Answer} answer @param {boolean} isLast */
const isReadable = (answer, isLast) => (answer.status > 0 && answer.status < 500) || (isToWait(answer) && !isLast);
