// Durable Objects fail: those of sessions, of refresh tokens, of the index by which logouts find sessions, and of proofs of possession.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { REMEMBERED_SECS } from '../../tests/e2e/support/session-flow.mjs';
import { callsTo, failObjects, OBJECT_FAULTS, SLOW_SECS } from '../faults/objects.mjs';
import {
  ACCESS_TOKEN_SECS,
  CLAIMS,
  ONCE,
  OVERLAP_SECS,
  RENEWAL_RETRY_SECS,
  doneText,
  runCases,
  startTestbed,
} from '../faults/testbed.mjs';

const SESSIONS = 'SESSIONS';
const EXCHANGES = 'REFRESH_EXCHANGES';
const INDEX = 'LOGOUT_INDEX';
const PROOFS = 'DPOP_PROOFS';

/** How many isolates get each proof, as startTestbed has them. */
const ISOLATES = 2;

const NOT_REPEATED = 'an object that is overloaded is asked once';

/** How long an object may take: what it asks the provider for has 10 seconds more. */
const ASKED_SECS = { [SESSIONS]: 10 + 3, [PROOFS]: 3 };

/** What everybody is told while objects of a binding are not to be had. @type {Record<string, import('../faults/testbed.mjs').Expected>} */
const TOLD = {
  [SESSIONS]: { sessions: ['store_unavailable'] },
  [EXCHANGES]: { sessions: ['idp_unavailable'], pages: ['store_unavailable'] },
  [INDEX]: {},
  [PROOFS]: { holders: ['store_unavailable'] },
};
/** And if only those fail whose answer is a word, not JSON. @type {typeof TOLD} */
const TOLD_OF_WORDS = { [PROOFS]: TOLD[PROOFS] };

/** Rounds in which tokens expire, and isolates forget what they know of sessions. */
async function rounds(bed, expected) {
  for (let step = 0; step < bed.steps; step += 1) {
    await later(bed.random.pick([REMEMBERED_SECS + 1, ACCESS_TOKEN_SECS + 1]));
    await bed.round(expected);
  }
}

/** Calls to objects are as always again, and all is well. */
async function end(bed, binding, seconds = RENEWAL_RETRY_SECS) {
  await failObjects(bed.gateway, binding, null);
  await bed.replay();
  await bed.recovers(seconds);
}

/** Calls to objects fail, each of them or each once, and everybody is told so, or nobody notices. */
const failing =
  (kind, { once = false, told = TOLD } = {}) =>
  async (bed, binding) => {
    await failObjects(bed.gateway, binding, kind, { once });
    bed.fault(`${binding} ${kind}`, { once });
    await rounds(bed, told[binding]);
    await end(bed, binding);
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
  await end(bed, binding);
}

/** Objects are asked, and their answers take so long. */
async function waiting(bed, binding, kind, seconds, told) {
  await later(REMEMBERED_SECS + 1);
  await failObjects(bed.gateway, binding, kind);
  bed.fault(`${binding} ${kind}`);
  const [asked, count] = using(bed, binding, told);
  await until(async () => (await callsTo(bed.gateway, binding)) >= count);
  await elapse(seconds);
  await asked;
  await end(bed, binding, 0);
}

/** Everybody makes a request that needs an object of a binding; gives that, and how many calls it takes. */
function using(bed, binding, told) {
  if (binding === PROOFS) return [bed.prove(told), bed.size.holders * ISOLATES];
  return [Promise.all(bed.sessions.map((_, number) => bed.useSession(number, told))), bed.sessions.length];
}

const KINDS = [
  { name: 'away', run: failing('away') },
  { name: 'overloaded', run: failing('overloaded') },
  { name: 'moved before it acts, each call once', run: failing('restarted', { once: true, told: {} }) },
  { name: 'moved in mid-call, each call once', run: failing('moved', { once: true, told: {} }) },
  { name: 'moved in mid-call, again and again', run: losingAnswers },
  { name: 'of a later build', run: failing('later build', { told: TOLD_OF_WORDS }) },
  { name: 'of an earlier build', run: failing('earlier build', { told: TOLD_OF_WORDS }) },
];
const CLASSES = {
  [SESSIONS]: 'sessions',
  [EXCHANGES]: 'refresh tokens',
  [INDEX]: 'the index',
  [PROOFS]: 'proofs of possession',
};

const CASES = [
  ...KINDS.flatMap(({ name, run }) =>
    Object.entries(CLASSES).map(([binding, of]) => ({ name: `${of}: ${name}`, run: (bed) => run(bed, binding) })),
  ),
  ...[SESSIONS, PROOFS].flatMap((binding) => [
    {
      name: `${CLASSES[binding]}: hanging`,
      run: (bed) => waiting(bed, binding, 'hanging', ASKED_SECS[binding], Object.values(TOLD[binding])[0]),
    },
    { name: `${CLASSES[binding]}: slow`, run: (bed) => waiting(bed, binding, 'slow', SLOW_SECS, []) },
  ]),
  {
    name: 'proofs of possession: the process killed',
    async run(bed) {
      for (let step = 0; step < bed.steps; step += 1) {
        await bed.round();
        await bed.restart();
        await bed.replay();
      }
      await bed.recovers();
    },
  },
];

/** What has a claim of its own is done in each size. */
const LAST = [
  {
    name: 'overloaded, and not asked twice',
    async run(bed) {
      for (const binding of [SESSIONS, PROOFS]) {
        await later(REMEMBERED_SECS + 1);
        await failObjects(bed.gateway, binding, 'overloaded');
        const [asked, count] = using(bed, binding, Object.values(TOLD[binding])[0]);
        await asked;
        const calls = await callsTo(bed.gateway, binding);
        bed.hold(NOT_REPEATED, calls === count, `${binding}: ${calls} calls for ${count} requests`);
        await end(bed, binding, 0);
      }
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
      `The Durable Objects of ${Object.values(CLASSES).join(', ')}: ${KINDS.map(({ name }) => name).join('; ')}; hanging; slow; killed`,
      size,
    ),
  holds: [...Object.values(CLAIMS), NOT_REPEATED, ONCE],
  sizes: {
    card: { sessions: 10, pages: 5, bearers: 5, holders: 5, steps: 6 },
    excerpt: { sessions: 2, pages: 1, bearers: 1, holders: 1, steps: 1, cases: 8 },
  },
  async run(run) {
    const { sessions, pages, bearers, holders } = run.size;
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers, holders },
      gateway: { wrap: OBJECT_FAULTS },
    });
    return runCases(bed, CASES, LAST);
  },
};
