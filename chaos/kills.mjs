// The process of the gateway is killed in the middle of renewals, and started again over the same disk. Shared by the rows in which the
// provider takes a used refresh token for a while, and those in which it never does.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { later } from '../tests/e2e/support/clock.mjs';
import { until } from '../tests/e2e/support/harness.mjs';
import { LIFE_SECS, inBed, refresh, someAddress } from './bed.mjs';
import { inTurns } from './clients.mjs';
import { storedByName } from './disk.mjs';
import { PRIVATE, familiesOf, logInAll } from './provider.mjs';

/** The provider takes up to so long before and after an exchange. */
const PACE_MS = 15;
/** The clients of a round begin within this time. */
const BEGIN_MS = 10;
/** After what it waits for, the kill comes within this time. */
const KILL_MS = 4;
/** The kill waits for so many of one of these moments. */
const MOMENTS = ['asked', 'arrived', 'exchanged', 'answered', 'told'];
/** How often somebody comes back who is told to. */
const TRIES_MOST = 20;

/**
 * @typedef {object} Kills
 * @property {import('./row.mjs').Run} run
 * @property {import('./bed.mjs').Bed} bed
 * @property {import('./provider.mjs').Login[]} logins
 * @property {Record<string, number>} seen what was under way at the kills
 */

/**
 * Kills the process so many times.
 *
 * @param {import('./row.mjs').Run} run
 * @param {{ settings: object, around: (kills: Kills, death: Death) => Promise<void> }} how `around` is called with what has died, while
 *   the process is down; it starts the process again and sees to who comes back
 */
export function killRepeatedly(run, { settings, around }) {
  const { size, random } = run;
  const { kills: count, sessions, pages, isolates } = size;
  const config = { session: { idle_seconds: 30 * 24 * 3600, absolute_seconds: 300 * 24 * 3600 } };
  return inBed(
    run,
    { isolates, settings: { refreshTokenSeconds: 300 * 24 * 3600, ...settings }, config },
    async (bed) => {
      const logins = [
        ...(await logInAll(bed.gateway, bed.tenant, { count: sessions, isolates })),
        ...(await logInAll(bed.gateway, bed.tenant, { count: pages, isolates, withTokens: true, name: 'page' })),
      ];
      const seen = {
        kills: 0,
        'requests cut off': 0,
        'answered before': 0,
        'tokens exchanged by then': 0,
        'their answers on the disk': 0,
      };
      const kills = { run, bed, logins, seen };
      for (let number = 0; number < count; number += 1) {
        run.timeline.chapter('every access token expires');
        await later(LIFE_SECS + 1);
        await around(kills, await killInRenewals(kills, random.fork(number)));
      }
      return seen;
    },
  );
}

/**
 * What a kill has found: the refresh token of each login when its renewal began, and what it was answered if it was.
 *
 * @typedef {Map<string, { token: string, told?: string }>} Death by what the timeline calls a login
 */

/**
 * Begins renewals, and kills the process in their middle.
 *
 * @param {Kills} kills
 * @param {import('./random.mjs').Random} random
 */
export async function killInRenewals(kills, random) {
  const { run, bed, logins, seen } = kills;
  const { size } = run;
  const { tenant, gateway } = bed;
  seen.kills += 1;
  const families = familiesOf(tenant);
  /** @type {Death} */
  const death = new Map(logins.map(({ about }) => [about, { token: families.get(about).refreshTokens.at(-1) }]));
  tenant.tokenRequests.length = 0;
  tenant.pace = () => {
    const [before, after] = [random.int(PACE_MS), random.int(PACE_MS)];
    return { before: () => sleep(before), after: () => sleep(after) };
  };
  const moment = random.pick(MOMENTS);
  const wanted = 1 + random.int(logins.length);
  const reached = { asked: 0, told: 0 };
  const renewals = random.shuffle(
    logins.flatMap((login, person) =>
      Array.from({ length: size.clients }, (_, tab) => ({ login, lane: `client ${person}.${tab}` })),
    ),
  );
  const asking = renewals.map(async ({ login, lane }) => {
    await sleep(random.int(BEGIN_MS));
    reached.asked += 1;
    const answer = await ask(bed, login, { isolate: random.int(size.isolates), random, lane });
    if (answer.status === 200) {
      reached.told += 1;
      /** @type {any} */ (death.get(login.about)).told = answer.text;
    }
    seen[answer.error ? 'requests cut off' : 'answered before'] += 1;
  });
  const states = {
    arrived: ['arrived', 'exchanged', 'answered', 'lost'],
    exchanged: ['exchanged', 'answered'],
    answered: ['answered'],
  };
  const isReached = () =>
    moment in states
      ? tenant.tokenRequests.filter(({ state }) => states[moment].includes(state)).length >= wanted
      : reached[moment] >= Math.min(wanted, renewals.length);
  const allAsked = Promise.all(asking).then(() => true);
  await Promise.race([until(isReached), allAsked]);
  await sleep(random.int(KILL_MS));
  await gateway.kill();
  await allAsked;
  return death;
}

/**
 * Makes the request that renews a login: that of its session, or that of the page that holds its tokens.
 *
 * @param {import('./bed.mjs').Bed} bed
 * @param {import('./provider.mjs').Login} login
 * @param {{ isolate: number, random: import('./random.mjs').Random, lane: string }} how
 */
function ask({ clients }, { cookie, tokens, about }, { random, ...how }) {
  return cookie
    ? clients.ask(PRIVATE, { ...how, headers: { cookie }, about })
    : refresh(clients, tokens.refresh_token, { ...how, address: someAddress(random), about });
}

/** Resolves once the provider has done what it was asked for, though whoever asked is gone. @param {Kills} kills */
export const providerRests = ({ bed: { tenant } }) =>
  until(() => tenant.tokenRequests.every(({ state }) => state === 'answered' || state === 'lost'));

/**
 * Everybody comes back, and again while that is what they are told. Returns who was answered, and what.
 *
 * @param {Kills} kills
 * @returns {Promise<Map<string, import('./clients.mjs').Answer>>}
 */
export async function comeBack({ bed, run, logins }) {
  const { random, size } = run;
  const answers = new Map();
  let waiting = logins;
  for (let round = 0; waiting.length; round += 1) {
    const asked = await inTurns(random.shuffle(waiting), waiting.length, async (login) => {
      const how = { isolate: random.int(size.isolates), random, lane: `client ${logins.indexOf(login)}.0` };
      return { login, answer: await ask(bed, login, how) };
    });
    for (const { login, answer } of asked) {
      answers.set(login.about, answer);
      if (answer.status === 200 && login.tokens) login.tokens = answer.body;
    }
    const told = asked.filter(({ answer }) => answer.headers['retry-after'] !== undefined);
    waiting = round < TRIES_MOST ? told.map(({ login }) => login) : [];
    if (waiting.length) await later(Math.max(...told.map(({ answer }) => Number(answer.headers['retry-after']))));
  }
  return answers;
}

/**
 * Whether the provider had exchanged the refresh token of a login, and the answer was on the disk when the process ended. Counts it.
 *
 * @param {Kills} kills
 * @param {Death} death
 * @param {string} about
 */
export function stateOf({ bed, seen }, death, about) {
  const { token } = /** @type {any} */ (death.get(about));
  const exchanged = (familiesOf(bed.tenant).get(about).uses[token] ?? 0) > 0;
  const name = createHash('sha256').update(token).digest('base64url');
  const { state } = storedByName(bed.gateway.folder, 'RefreshExchange', name);
  const stored = Boolean(state && JSON.parse(state).sealed);
  seen['tokens exchanged by then'] += Number(exchanged);
  seen['their answers on the disk'] += Number(stored);
  return { exchanged, stored };
}
