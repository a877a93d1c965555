// The process is killed in the middle of renewals, at a provider that takes a second use of a refresh token for a theft, always.

import '../../tests/e2e/support/strict.mjs';
import { comeBack, killRepeatedly, providerRests, stateOf } from '../kills.mjs';
import { familiesOf, logInAll } from '../provider.mjs';

const EXACTLY =
  'a login is lost exactly if the provider had exchanged its token and the answer was not yet on the disk';
const SAME = 'no page that was answered before the kill gets other tokens afterwards';
const TOLD = 'whoever loses a login is told so: 401 session_expired, or 401 refresh_token_invalid';
const NOT_REVOKED = 'no other family of refresh tokens is revoked';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'kill-without-overlap',
  group: 'Renewals',
  rank: 5,
  done: ({ kills, sessions, pages, isolates }) =>
    `SIGKILL of workerd at ${kills} random moments of renewals (${sessions} sessions and ${pages} pages each time, over ${isolates} isolates), objects on the disk, start again; the provider never takes a used token`,
  holds: [EXACTLY, SAME, TOLD, NOT_REVOKED],
  sizes: {
    card: { kills: 200, sessions: 4, pages: 2, clients: 2, isolates: 2 },
    excerpt: { kills: 8, sessions: 4, pages: 2, clients: 2, isolates: 2 },
  },
  async run(run) {
    const { hold, size } = run;
    const seen = { 'logins lost': 0, 'lost otherwise': 0 };
    const killed = await killRepeatedly(run, {
      settings: { rotationOverlapSeconds: 0, strict: true },
      async around(kills, death) {
        const { logins, bed } = kills;
        await providerRests(kills);
        const states = new Map(logins.map(({ about }) => [about, stateOf(kills, death, about)]));
        await bed.gateway.start();
        const answers = await comeBack(kills);
        const families = familiesOf(bed.tenant);
        const alive = [];
        for (const login of logins) {
          const { about, tokens } = login;
          const { status, body, text } = answers.get(about);
          const { exchanged, stored } = states.get(about);
          const { told } = death.get(about);
          const mustBeLost = exchanged && !stored;
          const isLost = status !== 200;
          if (!hold(EXACTLY, isLost === mustBeLost, { status, code: body?.code, exchanged, stored }, about))
            seen['lost otherwise'] += 1;
          hold(SAME, !(tokens && told) || text === told, 'another answer', about);
          const { revoked, revokedBy } = families.get(about);
          hold(NOT_REVOKED, !revoked || mustBeLost, { revokedBy }, about);
          const code = tokens ? 'refresh_token_invalid' : 'session_expired';
          hold(TOLD, !isLost || (status === 401 && body?.code === code), { status, code: body?.code }, about);
          if (isLost) seen['logins lost'] += 1;
          else alive.push(login);
        }
        // Who has lost a login makes another.
        const missing = { sessions: size.sessions - alive.filter(({ cookie }) => cookie).length };
        const again = { isolates: size.isolates };
        logins.splice(
          0,
          logins.length,
          ...alive,
          ...(await logInAll(bed.gateway, bed.tenant, { ...again, count: missing.sessions })),
          ...(await logInAll(bed.gateway, bed.tenant, {
            ...again,
            count: size.sessions + size.pages - alive.length - missing.sessions,
            withTokens: true,
            name: 'page',
          })),
        );
      },
    });
    return { ...killed, ...seen };
  },
};
