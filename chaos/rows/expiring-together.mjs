// Sessions whose access tokens end at the same moment, each under many requests that come at once and at every isolate.

import { startApi } from '../../dev/api.mjs';
import { later } from '../../tests/e2e/support/clock.mjs';
import { clientsOf, inTurns } from '../clients.mjs';
import { startChaosGateway } from '../gateway.mjs';
import { startKv } from '../kv.mjs';
import { PRIVATE, chaosConfig, familiesOf, logInAll, startProvider } from '../provider.mjs';

const LIFE_SECS = 600;
/** How many requests of a row are under way at a time. */
const AT_A_TIME = 256;

const ONE_EXCHANGE = 'the provider makes one exchange for each session';
const ALL_ANSWERED = 'every request is answered 200';
const NO_LOGOUT = 'no session ends, and no family is revoked';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'expiring-together',
  group: 'Renewals',
  rank: 1,
  done: ({ sessions, isolates, requests }) =>
    `${sessions.toLocaleString('en')} sessions over ${isolates} isolates expire at once, under ${requests} requests each`,
  holds: [ONE_EXCHANGE, ALL_ANSWERED, NO_LOGOUT],
  sizes: {
    card: { sessions: 1000, isolates: 4, requests: 50 },
    excerpt: { sessions: 60, isolates: 4, requests: 20 },
  },
  async run({ size: { sessions, isolates, requests }, random, timeline, hold, folder }) {
    const [tenant, api, kv] = await Promise.all([
      startProvider({ accessTokenSeconds: LIFE_SECS }, timeline),
      startApi(),
      startKv(),
    ]);
    await later(0);
    const gateway = await startChaosGateway({
      folder,
      config: chaosConfig(tenant, api),
      isolates,
      clock: true,
      kv,
      timeline,
    });
    const clients = clientsOf(gateway, { timeline, connections: AT_A_TIME / isolates });
    try {
      const logins = await logInAll(gateway, tenant, { count: sessions, isolates });
      timeline.add('fault', 'every access token expires');
      await later(LIFE_SECS + 1);
      const asked = random.shuffle(logins.flatMap((login) => Array.from({ length: requests }, () => login)));
      const statuses = {};
      await inTurns(asked, AT_A_TIME, async ({ cookie, about }, index) => {
        const isolate = random.int(isolates);
        const { status, body, error } = await clients.ask(PRIVATE, {
          isolate,
          headers: { cookie },
          lane: `client ${index}`,
          about,
        });
        statuses[status] = (statuses[status] ?? 0) + 1;
        hold(ALL_ANSWERED, status === 200, { status, code: body?.code, error }, about);
      });
      const families = familiesOf(tenant);
      for (const { about } of logins) {
        const { rotations, revoked, revokedBy } = families.get(about);
        hold(ONE_EXCHANGE, rotations === 1, { rotations }, about);
        hold(NO_LOGOUT, !revoked, { revokedBy }, about);
      }
      const exchanges = tenant.families().reduce((sum, { rotations }) => sum + rotations, 0);
      return {
        requests: asked.length,
        exchanges,
        'false 401': statuses[401] ?? 0,
        '5xx': fiveHundreds(statuses),
        logouts: revokedOf(tenant),
      };
    } finally {
      await Promise.all([clients.close(), gateway.close()]);
      await Promise.all([tenant.close(), api.close(), kv.close()]);
    }
  },
};

const fiveHundreds = (statuses) =>
  Object.entries(statuses).reduce((sum, [status, count]) => sum + (Number(status) >= 500 ? count : 0), 0);
const revokedOf = (tenant) => tenant.families().filter(({ revoked }) => revoked).length;
