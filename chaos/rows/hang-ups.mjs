// Clients that hang up at some moment of a refresh, of a session and at the refresh path, and one each that comes back.

import { setTimeout as sleep } from 'node:timers/promises';
import { later } from '../../tests/e2e/support/clock.mjs';
import { AT_A_TIME, LIFE_SECS, inBed, refresh, revokedOf, someAddress } from '../bed.mjs';
import { inTurns } from '../clients.mjs';
import { PRIVATE, familiesOf, logInAll } from '../provider.mjs';

/** The provider takes up to so long before and after an exchange, so that hang-ups fall before, into and behind it. */
const PACE_MS = 12;
/** A client hangs up at some moment within one of these times: some at once, some in the middle, some when they may be answered. */
const PATIENCE_MS = [5, 50, 500];

const NOT_LOST = 'whoever comes back is answered 200';
const ONE_EXCHANGE = 'the provider makes one exchange for each token, whoever hangs up';
const NOT_REVOKED = 'no family of refresh tokens is revoked';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'hang-ups',
  group: 'Renewals',
  rank: 2,
  done: ({ sessions, pages, rounds, clients, isolates }) =>
    `${((sessions + pages) * rounds * clients).toLocaleString('en')} clients hang up at a random moment of a refresh, of ${sessions} sessions and of ${pages} pages that hold their tokens, over ${isolates} isolates`,
  holds: [NOT_LOST, ONE_EXCHANGE, NOT_REVOKED],
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
      const seen = { 'hung up': 0, 'answered before that': 0, exchanges: 0, 'logins lost': 0, 'families revoked': 0 };
      tenant.pace = () => {
        const [before, after] = [random.int(PACE_MS), random.int(PACE_MS)];
        return { before: () => sleep(before), after: () => sleep(after) };
      };
      /** @param {import('../provider.mjs').Login} login @param {string} lane @param {AbortSignal} [signal] */
      const ask = ({ cookie, tokens, about }, lane, signal) => {
        const how = { isolate: random.int(isolates), lane, about, signal };
        return cookie
          ? clients.ask(PRIVATE, { ...how, headers: { cookie } })
          : refresh(clients, tokens.refresh_token, { ...how, address: someAddress(random) });
      };
      for (let round = 0; round < rounds; round += 1) {
        timeline.add('fault', `every access token expires, round ${round}`);
        await later(LIFE_SECS + 1);
        const before = familiesOf(tenant);
        const asked = random.shuffle(logins.flatMap((login) => Array.from({ length: size.clients }, () => login)));
        await inTurns(asked, AT_A_TIME, async (login, index) => {
          const patience = new AbortController();
          const timer = setTimeout(() => patience.abort(), random.int(random.pick(PATIENCE_MS)));
          const { error } = await ask(login, `client ${round}.${index}`, patience.signal);
          clearTimeout(timer);
          seen[error ? 'hung up' : 'answered before that'] += 1;
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
