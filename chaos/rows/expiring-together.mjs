// Sessions whose access tokens end at the same moment, each under many requests that come at once and at every isolate.

import { later } from '../../tests/e2e/support/clock.mjs';
import { LIFE_SECS, inBed, revokedOf } from '../bed.mjs';
import { inTurns } from '../clients.mjs';
import { PRIVATE, familiesOf, logInAll } from '../provider.mjs';

/** So many requests of a session come at the same moment, as those of a page that loads. */
const BURST = 10;
/** How many requests are under way at a time. */
const AT_A_TIME = 1000;

const ONE_EXCHANGE = 'the provider makes one exchange for each session';
const ALL_ANSWERED = 'every request is answered 200';
const NO_LOGOUT = 'no session ends, and no family of refresh tokens is revoked';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'expiring-together',
  group: 'Renewals',
  rank: 1,
  done: ({ sessions, isolates, requests }) =>
    `${sessions.toLocaleString('en')} sessions over ${isolates} isolates expire at once, under ${requests} requests each, in bursts of ${BURST}`,
  holds: [ONE_EXCHANGE, ALL_ANSWERED, NO_LOGOUT],
  sizes: {
    card: { sessions: 1000, isolates: 4, requests: 50 },
    excerpt: { sessions: 60, isolates: 4, requests: 20 },
  },
  run(run) {
    const { size, random, timeline, hold } = run;
    const { sessions, isolates, requests } = size;
    return inBed(run, { isolates, atATime: AT_A_TIME }, async ({ tenant, gateway, clients }) => {
      const logins = await logInAll(gateway, tenant, { count: sessions, isolates });
      timeline.add('row', 'every access token expires');
      await later(LIFE_SECS + 1);
      const bursts = logins.flatMap((login) =>
        Array.from({ length: requests / BURST }, () => Array(BURST).fill(login)),
      );
      const asked = random.shuffle(bursts).flat();
      const seen = { requests: asked.length, exchanges: 0, 'false 401': 0, '5xx': 0, logouts: 0 };
      await inTurns(asked, AT_A_TIME, async ({ cookie, about }, index) => {
        const how = { isolate: random.int(isolates), headers: { cookie }, lane: `client ${index}`, about };
        const { status, body, error } = await clients.ask(PRIVATE, how);
        if (status === 401) seen['false 401'] += 1;
        if (status >= 500) seen['5xx'] += 1;
        hold(ALL_ANSWERED, status === 200, { status, code: body?.code, error }, about);
      });
      const families = familiesOf(tenant);
      for (const { about } of logins) {
        const { rotations, revoked, revokedBy } = families.get(about);
        hold(ONE_EXCHANGE, rotations === 1, { rotations }, about);
        hold(NO_LOGOUT, !revoked, { revokedBy }, about);
        seen.exchanges += rotations;
      }
      return { ...seen, logouts: revokedOf(tenant) };
    });
  },
};
