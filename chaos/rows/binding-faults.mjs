// Other bindings fail: what counts requests, the Secrets Store, another Worker, the dataset of Analytics Engine.

import { elapse, later } from '../../tests/e2e/support/clock.mjs';
import { until } from '../../tests/e2e/support/harness.mjs';
import { BINDING_FAULTS, callsOf, failBinding } from '../faults/bindings.mjs';
import { CLAIMS, WITHOUT_CONFIG, doneText, runCases, startTestbed } from '../faults/testbed.mjs';

/** The paths that need a binding, and what they answer without it. */
const PATHS = {
  LIMITER: { path: '/limited', code: 'store_unavailable', patienceSecs: 3 },
  RATE_LIMITS: { path: '/counted', code: 'store_unavailable', patienceSecs: 3 },
  BACKEND: { path: '/worker', code: 'service_failed', patienceSecs: 30, late: 'upstream_timeout' },
};

// What docs/operating.md says, in seconds.
const SECRET_RETRY_SECS = 5;
const SECRET_PATIENCE_SECS = 3;

/** A binding throws: the path that needs it says so, and nothing else notices. */
const isAway = (binding) => async (bed) => {
  const { path, code } = PATHS[binding];
  await bed.bear(await bed.mintOne(), [], { at: path });
  await failBinding(bed.gateway, binding, 'away');
  bed.fault(`${binding} is away`);
  for (let step = 0; step < bed.steps; step += 1) {
    await bed.round();
    const answered = await bed.bear(await bed.mintOne(), [code], { at: path });
    bed.hold(CLAIMS.closed, !answered, `${path} lets a request through that was not counted`);
  }
  await failBinding(bed.gateway, binding, null);
  await bed.bear(await bed.mintOne(), [], { at: path, claim: CLAIMS.recovers });
  await bed.recovers();
};

/** A binding does not answer: the path that needs it says so in its time. */
const hangs = (binding) => async (bed) => {
  const { path, code, late = code, patienceSecs } = PATHS[binding];
  await failBinding(bed.gateway, binding, 'hanging');
  bed.fault(`${binding} does not answer`);
  const asked = Array.from({ length: bed.steps }, async () => bed.bear(await bed.mintOne(), [late], { at: path }));
  await until(async () => (await callsOf(bed.gateway, binding)) === asked.length);
  await bed.round();
  await elapse(patienceSecs);
  for (const answered of await Promise.all(asked)) bed.hold(CLAIMS.closed, !answered, path);
  await failBinding(bed.gateway, binding, null);
  await bed.bear(await bed.mintOne(), [], { at: path, claim: CLAIMS.recovers });
  await bed.recovers();
};

async function restartWithout(bed, kind) {
  // The module with the stand-ins begins anew, too, so the fault is there before the first request.
  await bed.restart();
  await failBinding(bed.gateway, 'CLIENT_SECRET', kind);
  bed.fault(`isolates begin, and the Secrets Store is ${kind}`);
}

const CASES = [
  ...Object.keys(PATHS).flatMap((binding) => [
    { name: `${binding} away`, run: isAway(binding) },
    { name: `${binding} hanging`, run: hangs(binding) },
  ]),
  {
    name: 'the Secrets Store away while isolates run',
    async run(bed) {
      await failBinding(bed.gateway, 'CLIENT_SECRET', 'away');
      for (let step = 0; step < bed.steps; step += 1) {
        await later(SECRET_RETRY_SECS * 60);
        await bed.round();
      }
      await failBinding(bed.gateway, 'CLIENT_SECRET', null);
      await bed.recovers();
    },
  },
  {
    name: 'the Secrets Store away while isolates begin',
    async run(bed) {
      await restartWithout(bed, 'away');
      await bed.round(WITHOUT_CONFIG);
      await failBinding(bed.gateway, 'CLIENT_SECRET', null);
      await bed.recovers(SECRET_RETRY_SECS);
    },
  },
  {
    name: 'the Secrets Store hanging while isolates begin',
    async run(bed) {
      await restartWithout(bed, 'hanging');
      const asked = [0, 1].map(async (isolate) => bed.bear(await bed.mintOne(), WITHOUT_CONFIG.bearers, { isolate }));
      await until(async () => (await callsOf(bed.gateway, 'CLIENT_SECRET')) >= asked.length);
      await elapse(SECRET_PATIENCE_SECS);
      await Promise.all(asked);
      await failBinding(bed.gateway, 'CLIENT_SECRET', null);
      await bed.recovers(SECRET_RETRY_SECS);
    },
  },
  {
    name: 'the dataset takes no points',
    async run(bed) {
      await failBinding(bed.gateway, 'POINTS', 'away');
      for (let step = 0; step < bed.steps; step += 1) await bed.round();
      await failBinding(bed.gateway, 'POINTS', null);
      await bed.recovers();
    },
  },
];

/** @type {import('../row.mjs').Row} */
export default {
  name: 'binding-faults',
  group: 'What the gateway depends on',
  rank: 4,
  done: (size) =>
    doneText(
      `Cloudflare's rate limiter, the object that counts, another Worker, the Secrets Store, the dataset of Analytics Engine: away, and hanging`,
      size,
    ),
  holds: Object.values(CLAIMS),
  sizes: {
    card: { sessions: 8, pages: 4, bearers: 4, steps: 6 },
    excerpt: { sessions: 1, pages: 1, bearers: 1, steps: 1, cases: 6 },
  },
  async run(run) {
    const { sessions, pages, bearers } = run.size;
    const answer = (path, more) => ({ method: 'GET', path, auth: true, response: { ok: true }, ...more });
    const bed = await startTestbed(run, {
      people: { sessions, pages, bearers },
      config: {
        sections: { analytics: { binding: 'POINTS' } },
        paths: [
          answer(PATHS.LIMITER.path, { rate_limit: { binding: 'LIMITER', key: 'sub' } }),
          answer(PATHS.RATE_LIMITS.path, { rate_limit: { limit: 100_000, key: 'sub' } }),
          {
            method: 'GET',
            path: PATHS.BACKEND.path,
            auth: true,
            integration: { type: 'service_binding', binding: 'BACKEND' },
          },
        ],
      },
      change: (config) => ({ ...config, serviceBindings: [{ alias: 'BACKEND', binding: 'BACKEND' }] }),
      gateway: { wrap: BINDING_FAULTS },
    });
    return runCases(bed, CASES);
  },
};
