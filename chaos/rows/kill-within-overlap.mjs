// The process is killed in the middle of renewals, at a provider that takes a used refresh token for a while, as Auth0 can.

import { comeBack, killInRenewals, killRepeatedly, providerRests, stateOf } from '../kills.mjs';
import { familiesOf } from '../provider.mjs';

/** Longer than the minute for which a renewal rests that was lost twice. */
const OVERLAP_SECS = 90;
/** How often the process is killed once more, while everybody comes back. */
const TWICE = 0.2;

const NOT_LOST = 'whoever comes back is answered 200';
const SAME = 'no page that was answered before the kill gets other tokens afterwards';
const NOT_REVOKED = 'no family of refresh tokens is revoked';
const BOUND = 'each kill costs the provider one more exchange of a token at the most';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'kill-within-overlap',
  group: 'Renewals',
  rank: 4,
  done: ({ kills, sessions, pages, isolates }) =>
    `SIGKILL of workerd at ${kills} random moments of renewals (${sessions} sessions and ${pages} pages each time, over ${isolates} isolates), objects on the disk, start again, and now and then killed once more while everybody comes back; the provider takes a used token for ${OVERLAP_SECS} s`,
  holds: [NOT_LOST, SAME, NOT_REVOKED, BOUND],
  sizes: {
    card: { kills: 200, sessions: 5, pages: 3, clients: 2, isolates: 2 },
    excerpt: { kills: 8, sessions: 5, pages: 3, clients: 2, isolates: 2 },
    picture: { kills: 1, sessions: 1, pages: 0, clients: 2, isolates: 2 },
  },
  async run(run) {
    const { hold, random } = run;
    const seen = { 'logins lost': 0, 'families revoked': 0 };
    const killed = await killRepeatedly(run, {
      settings: { rotationOverlapSeconds: OVERLAP_SECS },
      async around(kills, death) {
        let deaths = 1;
        // The next start may come before the provider has done what the last one asked for, or after that.
        if (random.chance(0.5)) await providerRests(kills);
        for (const { about } of kills.logins) stateOf(kills, death, about);
        await kills.bed.gateway.start();
        if (random.chance(TWICE)) {
          deaths += 1;
          for (const [about, { told }] of await killInRenewals(kills, random.fork('again')))
            death.get(about).told ??= told;
          await kills.bed.gateway.start();
        }
        const answers = await comeBack(kills);
        const families = familiesOf(kills.bed.tenant);
        for (const { about, tokens } of kills.logins) {
          const { status, body, error, text } = answers.get(about);
          const { token, told } = death.get(about);
          if (!hold(NOT_LOST, status === 200, { status, code: body?.code, error }, about)) seen['logins lost'] += 1;
          hold(SAME, !(tokens && told) || text === told, 'another answer', about);
          const { revoked, revokedBy, uses } = families.get(about);
          if (!hold(NOT_REVOKED, !revoked, { revokedBy }, about)) seen['families revoked'] += 1;
          hold(BOUND, (uses[token] ?? 0) <= 1 + deaths, { uses: uses[token], deaths }, about);
        }
      },
    });
    return { ...killed, ...seen };
  },
};
