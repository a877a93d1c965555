// Refreshes with a token that is used already: at once, within the grace, past it while the provider still takes them, and past that.

import { later } from '../../tests/e2e/support/clock.mjs';
import { AT_A_TIME, inBed, refresh, someAddress } from '../bed.mjs';
import { inTurns } from '../clients.mjs';
import { familiesOf, logInAll } from '../provider.mjs';

const GRACE_SECS = 10;
/** How long the provider takes a used token. */
const OVERLAP_SECS = 30;
/** One in so many pages sends its used token once more when even the provider takes it no longer. */
const TOO_LATE_OF = 10;

const SAME = 'within the grace, a duplicate gets the answer of the first';
const ONE_EXCHANGE = 'within the grace, the provider makes one exchange for each token';
const TAKEN = 'past the grace, within the overlap of the provider, a duplicate is answered 200';
const NOT_LOST = 'afterwards, each page refreshes with the token that it has';
const REFUSED = 'past the overlap, a duplicate is refused: 401 refresh_token_invalid';
const NOT_REVOKED = 'no family of refresh tokens is revoked, but those whose page came past the overlap';

/** @type {import('../row.mjs').Row} */
export default {
  name: 'duplicates',
  group: 'Renewals',
  rank: 3,
  done: ({ pages, atOnce, within, past, isolates }) =>
    `${(pages * (atOnce + within + past)).toLocaleString('en')} duplicates of refreshes of ${pages} pages, over ${isolates} isolates: ${atOnce} each at once, ${within} within the grace, ${past} past it; then some past the overlap of the provider`,
  holds: [SAME, ONE_EXCHANGE, TAKEN, NOT_LOST, REFUSED, NOT_REVOKED],
  sizes: {
    card: { pages: 200, atOnce: 20, within: 20, past: 10, isolates: 4 },
    excerpt: { pages: 30, atOnce: 10, within: 10, past: 5, isolates: 4 },
  },
  run(run) {
    const { size, random, timeline, hold } = run;
    const { pages, isolates } = size;
    const settings = { rotationOverlapSeconds: OVERLAP_SECS };
    const config = { authorizer: { rotation_grace_seconds: GRACE_SECS } };
    return inBed(run, { isolates, settings, config }, async ({ tenant, gateway, clients }) => {
      const logins = await logInAll(gateway, tenant, { count: pages, isolates, withTokens: true });
      const first = new Map();
      const last = new Map();
      const ask = ({ about }, token, lane) =>
        refresh(clients, token, { isolate: random.int(isolates), address: someAddress(random), lane, about });
      /** Sends so many duplicates of each page, in some order. */
      const duplicates = (each, phase, check) => {
        const asked = random.shuffle(logins.flatMap((login) => Array.from({ length: each }, () => login)));
        return inTurns(asked, AT_A_TIME, async (login, index) =>
          check(login, await ask(login, login.tokens.refresh_token, `client ${phase} ${index}`)),
        );
      };
      /** @param {import('../clients.mjs').Answer} answer */
      const said = ({ status, body, error }) => ({ status, code: body?.code, error });
      const isSame = ({ about }, answer) => {
        if (answer.status === 200) first.set(about, first.get(about) ?? answer.text);
        hold(SAME, answer.status === 200 && answer.text === first.get(about), said(answer), about);
      };
      await duplicates(size.atOnce, 'at once', isSame);
      for (let second = 1; second < GRACE_SECS; second += 3) {
        timeline.add('row', `${second} s into the grace`);
        await later(second === 1 ? 1 : 3);
        await duplicates(Math.ceil(size.within / 3), 'within', isSame);
      }
      for (const [about, { rotations }] of familiesOf(tenant))
        hold(ONE_EXCHANGE, rotations === 1, { rotations }, about);

      timeline.add('row', 'the grace is over');
      await later(GRACE_SECS);
      await duplicates(size.past, 'past', ({ about }, answer) => {
        if (answer.status === 200) last.set(about, answer.body.refresh_token);
        hold(TAKEN, answer.status === 200, said(answer), about);
      });
      const exchanges = tenant.families().reduce((sum, { rotations }) => sum + rotations, 0);
      await inTurns(logins, AT_A_TIME, async (login) => {
        const answer = await ask(login, last.get(login.about) ?? '', 'client afterwards');
        hold(NOT_LOST, answer.status === 200, said(answer), login.about);
      });

      timeline.add('row', 'the overlap of the provider is over');
      await later(OVERLAP_SECS);
      const tooLate = random.shuffle(logins).slice(0, Math.ceil(pages / TOO_LATE_OF));
      await inTurns(tooLate, 1, async (login) => {
        const answer = await ask(login, login.tokens.refresh_token, 'client too late');
        hold(
          REFUSED,
          answer.status === 401 && answer.body?.code === 'refresh_token_invalid',
          said(answer),
          login.about,
        );
      });
      let revoked = 0;
      for (const [about, family] of familiesOf(tenant)) {
        const isOwn = tooLate.some((login) => login.about === about);
        hold(NOT_REVOKED, family.revoked === isOwn, { revokedBy: family.revokedBy }, about);
        if (family.revoked && !isOwn) revoked += 1;
      }
      return {
        'exchanges within the grace': pages,
        'and past it': exchanges - pages,
        'past the overlap': tooLate.length,
        'revoked by the gateway': revoked,
      };
    });
  },
};
