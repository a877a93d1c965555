// The addresses of a server fail, one of them or both: it has two of them, and retries.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { CLAIMS, runCases, startTestbed } from '../faults/testbed.mjs';
import { startUpstream } from '../faults/upstreams.mjs';

const PATH = '/both/x';
const NOT_TWICE = 'no request with a body reaches upstreams twice';

// What docs/operating.md says, in seconds.
const DOWN_SECS = 10;
/** The time-out of the server. */
const TIMEOUT_SECS = 30;

/**
 * Requests of people with sessions and of machines, without bodies and with them.
 *
 * @param {any} bed
 * @param {{ plain?: (string | number)[], bodies?: (string | number)[], claim?: string }} may what they may be answered: codes of the
 *   gateway, or statuses of the upstream
 */
async function requests(bed, { plain = [], bodies = [], claim } = {}) {
  const made = [];
  for (let count = 0; count < bed.each; count += 1) {
    for (const method of bed.random.shuffle(['GET', 'POST'])) {
      const session = bed.random.chance(0.5) && bed.random.pick(bed.sessions);
      const credential = session
        ? { cookie: session.cookie, 'sec-fetch-site': 'same-origin' }
        : { authorization: `Bearer ${await bed.mintOne()}` };
      const name = `request-${(bed.named += 1)}`;
      made.push({ name, method, headers: { ...credential, 'x-name': name } });
    }
  }
  await Promise.all(
    made.map(async ({ name, method, headers }) => {
      const isolate = bed.anyIsolate();
      const body = method === 'POST' ? 'a body' : undefined;
      const answer = await bed.clients.ask(PATH, { isolate, method, headers, body, lane: 'client', about: name });
      const may = body ? bodies : plain;
      // An upstream's own answer is passed on, and so is where it breaks off.
      const isOwn = may.includes(answer.status) || (may.includes('cut') && answer.error && answer.error !== 'hung up');
      if (isOwn) bed.counts.requests += 1;
      else bed.judge(answer, may.map(String), { claim, about: name, what: method });
      const reached = bed.upstreams.flatMap(({ names }) => names).filter((other) => other === name).length;
      if (body) bed.hold(NOT_TWICE, reached <= 1, `${name} ${reached} times`, name);
    }),
  );
  await bed.tryBad();
}

const BROKEN = ['upstream_unreachable'];

/**
 * While one address fails, others than those with a body find the other one.
 *
 * @param {(upstream: any) => unknown} begin
 * @param {{ plain?: (string | number)[], bodies?: (string | number)[] }} [may]
 */
const oneFails =
  (begin, { plain = [], bodies = BROKEN } = {}) =>
  async (bed) => {
    const [failing] = bed.random.shuffle(bed.upstreams);
    await begin(failing);
    bed.fault('one address fails', failing.kind ?? 'away');
    for (let step = 0; step < bed.steps; step += 1) {
      await requests(bed, { plain, bodies });
      await later(bed.random.int(2 * DOWN_SECS));
    }
    await restore(bed);
  };

const bothFail = (begin, may) => async (bed) => {
  await Promise.all(bed.upstreams.map(begin));
  bed.fault('both addresses fail');
  for (let step = 0; step < bed.steps; step += 1) {
    await requests(bed, may);
    await later(bed.random.int(2 * DOWN_SECS));
  }
  await restore(bed);
};

/** All is well again once the time is over for which an address counts as down; and the address is used again. */
async function restore(bed) {
  for (const upstream of bed.upstreams) {
    await upstream.stop();
    upstream.kind = undefined;
    await upstream.start();
  }
  await later(DOWN_SECS);
  await requests(bed, { claim: CLAIMS.recovers });
  for (const { names } of bed.upstreams) names.length = 0;
  await requests(bed, { claim: CLAIMS.recovers });
  bed.hold(CLAIMS.recovers, bed.upstreams[0].names.length > 0, 'the first address is not asked first again');
}

const stop = (upstream) => upstream.stop();
const fails = (kind) => (upstream) => {
  upstream.kind = kind;
};

const CASES = [
  { name: 'one address away', run: oneFails(stop) },
  { name: 'one address resets', run: oneFails(fails('reset')) },
  { name: 'one address answers 503', run: oneFails(fails(503), { bodies: [503] }) },
  { name: 'answers that break off', run: oneFails(fails('cut'), { plain: ['cut'], bodies: ['cut'] }) },
  { name: 'both away', run: bothFail(stop, { plain: BROKEN, bodies: BROKEN }) },
  { name: 'both reset', run: bothFail(fails('reset'), { plain: BROKEN, bodies: BROKEN }) },
  { name: 'both answer 503', run: bothFail(fails(503), { plain: [503], bodies: [503] }) },
  {
    name: 'flapping',
    async run(bed) {
      for (let step = 0; step < bed.steps; step += 1) {
        const kinds = bed.upstreams.map(() => bed.random.pick([undefined, undefined, 'reset', 503]));
        for (const [index, upstream] of bed.upstreams.entries()) upstream.kind = kinds[index];
        bed.fault('the addresses', kinds.map((kind) => kind ?? 'good').join(', '));
        await requests(bed, { plain: [...BROKEN, 503], bodies: [...BROKEN, 503] });
        await later(bed.random.int(2 * DOWN_SECS));
      }
      await restore(bed);
    },
  },
  {
    name: 'slower than the time-out',
    async run(bed) {
      bed.upstreams.map(fails('hanging'));
      const asked = requests(bed, { plain: ['upstream_timeout'], bodies: ['upstream_timeout'] });
      const waiting = () => bed.upstreams.reduce((sum, { hanging }) => sum + hanging, 0);
      await until(() => waiting() === 2 * bed.each);
      bed.fault(`nothing comes for ${TIMEOUT_SECS} s`);
      await elapse(TIMEOUT_SECS);
      await asked;
      await restore(bed);
    },
  },
];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'upstream-faults',
  group: 'What the gateway depends on',
  rank: 5,
  done: ({ each }) =>
    `An upstream of two addresses, with two retries: ${CASES.map(({ name }) => name).join('; ')}. ${2 * each} requests at a time, half of them with bodies`,
  holds: [...Object.values(CLAIMS), NOT_TWICE],
  sizes: {
    card: { sessions: 5, pages: 2, bearers: 5, steps: 10, each: 10 },
    excerpt: { sessions: 1, pages: 1, bearers: 1, steps: 2, each: 4, cases: 5 },
  },
  async run(run) {
    const { sessions, pages, bearers, each } = run.size;
    const upstreams = [await startUpstream(), await startUpstream()];
    const server = { alias: 'both', urls: upstreams.map(({ origin }) => origin), retries: 2 };
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers },
      config: {
        paths: [{ method: 'ANY', path: '/both/{.+}', auth: true, integration: { type: 'http_proxy', server: 'both' } }],
      },
      change: (config) => ({ ...config, servers: [...config.servers, server] }),
    });
    Object.assign(bed, { each, upstreams, named: 0 });
    try {
      return await runCases(bed, CASES);
    } finally {
      await Promise.all(upstreams.map(stop));
    }
  },
};
