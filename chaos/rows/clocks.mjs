// Clocks differ, jump, stand and reach the ends of their numbers: those of isolates, of the gateway, and everybody's.

import { later, moveClock } from '../../tests/e2e/support/clock.mjs';
import { forAnHour } from '../faults/hour.mjs';
import { ACCESS_TOKEN_SECS, CLAIMS, doneText, runCases, startTestbed } from '../faults/testbed.mjs';
import { TOKEN_ENDPOINT } from '../provider.mjs';

const ISOLATES = 3;
const APART_SECS = 30;
const HOUR_SECS = 3600;
const KEY_SET = '/.well-known/jwks.json';
const UNKNOWN_KEY_SECS = 30;

/** A path whose server cannot be reached while the gateway's clock is wrong. */
const UPSTREAM = '/app/x';

/** Everybody makes a request, also of the upstream. */
async function everybody(bed, expected = {}) {
  await bed.round(expected);
  for (const number of bed.sessions.keys()) await bed.useSession(number, [], { ...expected, at: UPSTREAM });
}

/**
 * Only the gateway's clock is wrong, so that it takes good tokens for expired, or for not yet valid. Meanwhile it learns what it would
 * otherwise not believe for long: that the provider fails, that keys are unknown, that grants are refused.
 */
const wrongBy = (seconds) => async (bed) => {
  await bed.gateway.later(seconds);
  bed.fault(`the gateway's clock is wrong by ${seconds} s`);
  const paths = [KEY_SET, TOKEN_ENDPOINT];
  for (let step = 0; step < bed.steps; step += 1) {
    await later(bed.random.int(60));
    if (bed.random.chance(0.5)) for (const path of paths) bed.provider.fault({ path, kind: 'status', status: 503 });
    for (const { cookie, about } of bed.sessions) {
      const headers = { cookie, 'sec-fetch-site': 'same-origin' };
      const answer = await bed.clients.ask(UPSTREAM, { isolate: bed.anyIsolate(), headers, lane: 'session', about });
      bed.hold(CLAIMS.kept, answer.headers['set-cookie'] === undefined, `${answer.status} ${answer.body?.code}`, about);
    }
    for (let page = 0; page < bed.pages.length; page += 1) {
      const headers = { 'x-refresh-token': bed.pages[page].tokens.refresh_token };
      const { about } = bed.pages[page];
      const answer = await bed.clients.ask('/api/auth0/refresh', { method: 'POST', headers, lane: 'page', about });
      if (answer.status === 200) Object.assign(bed.pages[page].tokens, answer.body);
    }
    await bed.tryBad();
    bed.provider.clearFaults();
  }
  await bed.gateway.later(-seconds);
  bed.fault('the clock is right again');
  await everybody(bed, { claim: CLAIMS.recovers });
  // Not one of the times that were noted counts for longer than it should.
  await later(UNKNOWN_KEY_SECS);
  await bed.provider.rotateKeys({ forgetOld: true });
  await bed.recovers();
};

/** Everybody's clock jumps. */
const jump = (seconds) => async (bed) => {
  await later(seconds);
  bed.fault(`all clocks jump by ${seconds} s`);
  await everybody(bed);
  await forAnHour(bed.steps, () => everybody(bed));
  await bed.recovers();
};

/** The clocks go over a second that is the end of a number. */
const over = (endSecs) => async (bed) => {
  await later(endSecs - ACCESS_TOKEN_SECS - Date.now() / 1000);
  await bed.logInEverybody();
  bed.fault('the clocks come to the end of a number', new Date(endSecs * 1000).toISOString());
  await everybody(bed);
  await later(ACCESS_TOKEN_SECS - 2);
  for (let second = 0; second < 4; second += 1) {
    await everybody(bed);
    await later(1);
  }
  await forAnHour(bed.steps, () => everybody(bed));
  await bed.recovers();
};

const CASES = [
  {
    name: `isolates that differ by ${APART_SECS} s from the objects and from the provider`,
    async run(bed) {
      const [, ahead, behind] = bed.gateway.origins;
      await Promise.all([moveClock(ahead, APART_SECS), moveClock(behind, -APART_SECS)]);
      bed.fault('isolate 1 is ahead, isolate 2 behind');
      await forAnHour(bed.steps, () => everybody(bed));
      await later(UNKNOWN_KEY_SECS);
      await bed.provider.rotateKeys({ forgetOld: true });
      bed.fault('the keys are rotated without a word');
      await everybody(bed);
      // Of the key sets that isolates share, those of one ahead are good to one behind.
      bed.provider.fault({ path: KEY_SET, kind: 'reset' });
      await bed.restart();
      await Promise.all([moveClock(ahead, APART_SECS), moveClock(behind, -APART_SECS)]);
      await everybody(bed);
      bed.provider.clearFaults();
      await Promise.all([moveClock(ahead, -APART_SECS), moveClock(behind, APART_SECS)]);
      await bed.recovers();
    },
  },
  { name: "the gateway's clock an hour ahead, and back", run: wrongBy(HOUR_SECS) },
  { name: "the gateway's clock an hour behind, and back", run: wrongBy(-HOUR_SECS) },
  { name: 'all clocks jump an hour ahead', run: jump(HOUR_SECS) },
  { name: 'all clocks jump an hour back', run: jump(-HOUR_SECS) },
  {
    name: 'a leap second, in which the clocks stand or repeat a second',
    async run(bed) {
      await later(ACCESS_TOKEN_SECS - 2);
      for (let second = 0; second < bed.steps; second += 1) {
        await everybody(bed);
        await later(bed.random.pick([0, 1, 1, -1]));
      }
      await bed.recovers();
    },
  },
];

/** These let logins end in time, so they come last. */
const LAST = [
  { name: 'the year 2038, 2^31 s', run: over(2 ** 31) },
  { name: 'the year 2106, 2^32 s', run: over(2 ** 32) },
];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'clocks',
  group: 'Time',
  done: (size) => doneText(`Clocks: ${[...CASES, ...LAST].map(({ name }) => name).join('; ')}`, size, ISOLATES),
  holds: Object.values(CLAIMS).filter((claim) => claim !== CLAIMS.told),
  sizes: {
    card: { sessions: 9, pages: 4, bearers: 6, steps: 10 },
    excerpt: { sessions: 2, pages: 1, bearers: 1, steps: 2, cases: 3 },
  },
  async run(run) {
    const { sessions, pages, bearers } = run.size;
    const bed = await startTestbed(run, { people: { sessions, pages, bearers }, gateway: { isolates: ISOLATES } });
    return runCases(bed, CASES, LAST);
  },
};
