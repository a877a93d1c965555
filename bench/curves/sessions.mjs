// With the number of sessions that send requests to one isolate. It remembers at most 2,000 of them, and 4 MiB of their tokens
// (src/session/cache.rs); the others it asks for in each request, which costs the same however many they are. So 100,000 are measured
// only if that is asked for: each is a real login, and a file on the disk.

import { CALLBACK, benchConfig, configured } from '../gateway.mjs';
import { CLIENT_HEADERS, valuesFor } from '../load.mjs';
import { logInQuickly, startQuickTenant } from '../quick-tenant.mjs';
import { measureInRounds } from '../rounds.mjs';
import { median } from '../statistics.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { memoryMib } from '../usage.mjs';
import { rounded } from './line.mjs';

const SESSIONS = [1, 10, 100, 1_000, 10_000, 100_000];
/** The most that are measured if nothing else is asked for. */
const USUAL_MOST = 10_000;
const LOGINS_AT_A_TIME = 16;
/** Sessions follow each other by such a step, which is no part of any of the numbers. */
const STEP = 7_919;

export async function measureSessions({ rounds, requests, most }) {
  const limit = Number.isFinite(most) ? most : USUAL_MOST;
  const quick = await startQuickTenant();
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['fixed-class', 'kv'], place)),
    configured('bargate', benchConfig({ ...place, tenant: quick })),
  ]);
  const [bare, bargate, memory] = [[], [], []];
  const cookies = [];
  try {
    for (const count of SESSIONS.filter((one) => one <= limit)) {
      await logIn(cookies, count, testbed.origins.bargate);
      const needed = valuesFor(Math.max(requests, count));
      const values = Array.from({ length: needed }, (_, number) => cookies[(number * STEP) % count]);
      const load = (worker) => ({
        url: `${testbed.origins[worker]}/fixed/protected`,
        headers: CLIENT_HEADERS,
        body: '{"status":"ok"}',
        requests: Math.max(requests, count),
        changing: { name: 'cookie', values },
      });
      const results = await measureInRounds(
        testbed.pid,
        { bare: load('fixed-class'), bargate: load('bargate') },
        rounds,
      );
      bare.push([count, rounded(median(results.bare))]);
      bargate.push([count, rounded(median(results.bargate))]);
      memory.push([count, rounded(memoryMib(testbed.pid))]);
    }
  } finally {
    await testbed.close();
    await quick.close();
  }
  return [
    {
      title: 'CPU time of a fixed answer, by sessions',
      unit: 'us',
      lines: [
        { title: 'bare class', points: bare },
        { title: 'Bargate, session', points: bargate },
      ],
    },
    {
      title: 'Memory of workerd with its objects, by sessions',
      unit: 'MiB',
      lines: [{ title: 'Bargate', points: memory }],
    },
  ];
}

/** Logs in until there are that many sessions. */
async function logIn(cookies, count, origin) {
  let left = count - cookies.length;
  const logins = Array.from({ length: LOGINS_AT_A_TIME }, async () => {
    while (left-- > 0) cookies.push(await logInQuickly(origin, CALLBACK));
  });
  await Promise.all(logins);
}
