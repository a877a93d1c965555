// Clients that hang up at some moment of a refresh, of a session and at the refresh path, and one each that comes back.

import { setTimeout as sleep } from 'node:timers/promises';
import { later } from '../../tests/e2e/support/clock.mjs';
import { AT_A_TIME, LIFE_SECS, inBed, refresh, revokedOf, someAddress } from '../bed.mjs';
import { HUNG_UP, inTurns } from '../clients.mjs';
import { PRIVATE, familiesOf, logInAll } from '../provider.mjs';

/** The provider takes up to so long before and after an exchange. */
const PACE_MS = 12;
/** A client hangs up at some moment within so long after it has asked, after the exchange, or after the provider has answered. */
const HANG_UP_MS = { asked: 30, exchanged: PACE_MS, answered: 80 };
const MOMENTS = Object.keys(HANG_UP_MS);

const NOT_HUNG_UP_ON = 'no client loses its connection before it hangs up';
const ANSWERED = 'whoever does not hang up, or too late, is answered 200';
const NOT_LOST = 'whoever comes back is answered 200';
const ONE_EXCHANGE = 'the provider makes one exchange for each token, whoever hangs up';
const NOT_REVOKED = 'no family of refresh tokens is revoked';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'hang-ups',
  group: 'Renewals',
  rank: 2,
  done: ({ sessions, pages, rounds, clients, isolates }) =>
    `${((sessions + pages) * rounds * clients).toLocaleString('en')} clients hang up at a random moment of a refresh, of ${sessions} sessions and of ${pages} pages that hold their tokens, over ${isolates} isolates; one more each stays`,
  holds: [NOT_HUNG_UP_ON, ANSWERED, NOT_LOST, ONE_EXCHANGE, NOT_REVOKED],
  sizes: {
    card: { sessions: 100, pages: 100, rounds: 10, clients: 5, isolates: 4 },
    excerpt: { sessions: 20, pages: 20, rounds: 3, clients: 5, isolates: 4 },
  },
  run(run) {
    const { size, random, timeline, hold } = run;
    const { sessions, pages, rounds, isolates } = size;
    return inBed(run, { isolates }, async ({ tenant, gateway, clients }) => {
      const withCookies = await logInAll(gateway, tenant, { count: sessions, isolates });
      const withTokens = await logInAll(gateway, tenant, { count: pages, isolates, withTokens: true, name: 'page' });
      const logins = [...withCookies, ...withTokens];
      const seen = {
        'hung up before the exchange': 0,
        'between it and its answer': 0,
        'after that': 0,
        'answered before they hung up': 0,
        stayed: 0,
        exchanges: 0,
        'logins lost': 0,
      };
      /** When the exchange of each login was made and answered, in this round. @type {Map<string, Record<string, PromiseWithResolvers<void>>>} */
      const moments = new Map();
      /** What of that has come. */
      const past = new Map();
      const comes = (about, moment) => {
        past.set(about, moment);
        moments.get(about)?.[moment].resolve();
      };
      tenant.pace = () => {
        const [before, after] = [random.int(PACE_MS), random.int(PACE_MS)];
        return {
          before: () => sleep(before),
          async after({ about }) {
            comes(about, 'exchanged');
            await sleep(after);
            comes(about, 'answered');
          },
        };
      };
      /** @param {import('../provider.mjs').Login} login @param {string} lane @param {AbortSignal} [signal] */
      const ask = ({ cookie, tokens, about }, lane, signal) => {
        const how = { isolate: random.int(isolates), lane, about, signal };
        return cookie
          ? clients.ask(PRIVATE, { ...how, headers: { cookie } })
          : refresh(clients, tokens.refresh_token, { ...how, address: someAddress(random) });
      };
      for (let round = 0; round < rounds; round += 1) {
        timeline.add('row', `every access token expires, round ${round}`);
        await later(LIFE_SECS + 1);
        const before = familiesOf(tenant);
        // Those of a login come together, so that each meets its renewal.
        const asked = random.shuffle(logins).flatMap((login) => {
          const stays = random.int(size.clients + 1);
          return Array.from({ length: size.clients + 1 }, (_, number) => ({ login, isToStay: number === stays }));
        });
        past.clear();
        for (const { about } of logins)
          moments.set(about, { exchanged: Promise.withResolvers(), answered: Promise.withResolvers() });
        await inTurns(asked, AT_A_TIME, async ({ login, isToStay }, index) => {
          const { about } = login;
          const patience = new AbortController();
          const moment = random.pick(MOMENTS);
          const hangsUp = isToStay
            ? undefined
            : Promise.resolve(moments.get(about)[moment]?.promise)
                .then(() => sleep(random.int(HANG_UP_MS[moment])))
                .then(() => patience.abort());
          const { status, body, error } = await ask(login, `client ${round}.${index}`, patience.signal);
          const detail = { status, code: body?.code, error };
          if (error) hold(NOT_HUNG_UP_ON, error === HUNG_UP && !isToStay, detail, about);
          else hold(ANSWERED, status === 200, detail, about);
          const when = past.get(about);
          if (isToStay) seen.stayed += 1;
          else if (!error) seen['answered before they hung up'] += 1;
          else if (when === 'answered') seen['after that'] += 1;
          else seen[when ? 'between it and its answer' : 'hung up before the exchange'] += 1;
          await hangsUp;
        });
        await inTurns(random.shuffle(logins), AT_A_TIME, async (login) => {
          const { status, body, error } = await ask(login, `client ${round} back`);
          if (!hold(NOT_LOST, status === 200, { status, code: body?.code, error }, login.about))
            seen['logins lost'] += 1;
          if (login.tokens && status === 200) login.tokens = body;
        });
        const after = familiesOf(tenant);
        for (const { about } of logins) {
          const exchanges = after.get(about).rotations - before.get(about).rotations;
          hold(ONE_EXCHANGE, exchanges === 1, { round, exchanges }, about);
          seen.exchanges += exchanges;
        }
      }
      for (const [about, { revoked, revokedBy }] of familiesOf(tenant))
        hold(NOT_REVOKED, !revoked, { revokedBy }, about);
      return { ...seen, 'families revoked': revokedOf(tenant) };
    });
  },
};
