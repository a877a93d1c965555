// Durable Objects fail: those of sessions, of refresh tokens, and of the index by which logouts find sessions.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { callsTo, failObjects, OBJECT_FAULTS } from '../faults/objects.mjs';
import { ACCESS_TOKEN_SECS, CLAIMS, OVERLAP_SECS, doneText, runCases, startTestbed } from '../faults/testbed.mjs';

const SESSIONS = 'SESSIONS';
const EXCHANGES = 'REFRESH_EXCHANGES';
const INDEX = 'LOGOUT_INDEX';

const NOT_REPEATED = 'an object that is overloaded is asked once';

// What docs/operating.md says, in seconds.
const RENEWAL_RETRY_SECS = 5;
/** TOKEN_CACHE_MAX_SECS of record.rs: for so long an isolate does not ask a session again. */
const REMEMBERED_SECS = 15;
/** The time-out of the provider, and what an object may take beyond it. */
const ASKED_SECS = 10 + 3;

/** What everybody is told while objects of a binding are not to be had. */
const TOLD = {
  [SESSIONS]: { sessions: ['store_unavailable'] },
  [EXCHANGES]: { sessions: ['idp_unavailable'], pages: ['store_unavailable'] },
  [INDEX]: {},
};

/** Rounds in which tokens expire, and isolates forget what they know of sessions. */
async function rounds(bed, expected) {
  for (let step = 0; step < bed.steps; step += 1) {
    await later(bed.random.pick([REMEMBERED_SECS + 1, ACCESS_TOKEN_SECS + 1]));
    await bed.round(expected);
  }
}

/** Calls to objects fail, each of them or each once, and everybody is told so, or nobody notices. */
const failing =
  (kind, { once = false, isNoticed = true } = {}) =>
  async (bed, binding) => {
    await failObjects(bed.gateway, binding, kind, { once });
    bed.fault(`${binding} ${kind}`, { once });
    await rounds(bed, isNoticed ? TOLD[binding] : {});
    await failObjects(bed.gateway, binding, null);
    await bed.recovers(RENEWAL_RETRY_SECS);
  };

/** Objects act, and no answer arrives, for as long as the provider takes a refresh token again. */
async function losingAnswers(bed, binding) {
  await later(ACCESS_TOKEN_SECS + 1);
  await failObjects(bed.gateway, binding, 'moved');
  bed.fault(`${binding} moved`);
  for (let seconds = RENEWAL_RETRY_SECS; seconds < OVERLAP_SECS / 2; seconds += RENEWAL_RETRY_SECS) {
    await bed.round(TOLD[binding]);
    await later(RENEWAL_RETRY_SECS);
  }
  await failObjects(bed.gateway, binding, null);
  await bed.recovers(RENEWAL_RETRY_SECS);
}

const KINDS = [
  { name: 'away', run: failing('away') },
  { name: 'overloaded', run: failing('overloaded') },
  { name: 'moved before it acts, each call once', run: failing('restarted', { once: true, isNoticed: false }) },
  { name: 'moved in mid-call, each call once', run: failing('moved', { once: true, isNoticed: false }) },
  { name: 'moved in mid-call, again and again', run: losingAnswers },
  { name: 'of a later build', run: failing('later build', { isNoticed: false }) },
  { name: 'of an earlier build', run: failing('earlier build', { isNoticed: false }) },
];
const CLASSES = { [SESSIONS]: 'sessions', [EXCHANGES]: 'refresh tokens', [INDEX]: 'the index' };

const CASES = [
  ...KINDS.flatMap(({ name, run }) =>
    Object.entries(CLASSES).map(([binding, of]) => ({ name: `${of}: ${name}`, run: (bed) => run(bed, binding) })),
  ),
  {
    name: 'sessions: hanging',
    async run(bed) {
      await later(REMEMBERED_SECS + 1);
      await failObjects(bed.gateway, SESSIONS, 'hanging');
      bed.fault('SESSIONS hang');
      const asked = bed.sessions.map((_, number) => bed.useSession(number, TOLD[SESSIONS].sessions));
      await until(async () => (await callsTo(bed.gateway, SESSIONS)) >= asked.length);
      await elapse(ASKED_SECS);
      await Promise.all(asked);
      await failObjects(bed.gateway, SESSIONS, null);
      await bed.recovers();
    },
  },
];

/** What has a claim of its own is done in each size. */
const LAST = [
  {
    name: 'overloaded, and not asked twice',
    async run(bed) {
      await later(REMEMBERED_SECS + 1);
      await failObjects(bed.gateway, SESSIONS, 'overloaded');
      for (const number of bed.sessions.keys()) await bed.useSession(number, TOLD[SESSIONS].sessions);
      const calls = await callsTo(bed.gateway, SESSIONS);
      bed.hold(NOT_REPEATED, calls === bed.sessions.length, `${calls} calls for ${bed.sessions.length} requests`);
      await failObjects(bed.gateway, SESSIONS, null);
      await bed.recovers();
    },
  },
];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'object-faults',
  group: 'What the gateway depends on',
  rank: 3,
  done: (size) =>
    doneText(
      `The Durable Objects of ${Object.values(CLASSES).join(', ')}: ${KINDS.map(({ name }) => name).join('; ')}; hanging`,
      size,
    ),
  holds: [...Object.values(CLAIMS), NOT_REPEATED],
  sizes: {
    card: { sessions: 10, pages: 5, bearers: 5, steps: 6 },
    excerpt: { sessions: 2, pages: 1, bearers: 1, steps: 1, cases: 8 },
  },
  async run(run) {
    const { sessions, pages, bearers } = run.size;
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers },
      gateway: { wrap: OBJECT_FAULTS },
    });
    return runCases(bed, CASES, LAST);
  },
};
