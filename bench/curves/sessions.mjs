// With the number of sessions that send requests to one isolate. It remembers at most 2,000 of them, and 4 MiB of their tokens
// (src/session/cache.rs); the others it asks for in each request.

import { randomBytes, randomUUID } from 'node:crypto';
import { mintTokens } from '../credentials.mjs';
import { benchConfig, configured } from '../gateway.mjs';
import { CLIENT_HEADERS, valuesFor } from '../load.mjs';
import { measureInRounds } from '../rounds.mjs';
import { median } from '../statistics.mjs';
import { TOKEN_SECONDS, peerWorkers, startTestbed } from '../testbed.mjs';
import { memoryMib } from '../usage.mjs';
import { rounded } from './line.mjs';

const SESSIONS = [1, 10, 100, 1_000, 10_000, 100_000];
/** Ten times what the isolate remembers. The next round goes on with other sessions. */
const REQUESTS_MOST = 20_000;
/** Sessions follow each other by such a step, which is no part of any of the numbers. */
const STEP = 7_919;
/** How many objects are made at a time. */
const BATCH = 200;
const HALF_BYTES = 16;

export async function measureSessions({ rounds, requests, most }) {
  const testbed = await startTestbed(async (place) => {
    const [bare, kv, seed] = await peerWorkers(place.folder, ['fixed-class', 'kv', 'seed'], place);
    const sessions = { ...seed, objects: { SESSIONS: 'Session' }, objectsOf: 'bargate' };
    return [bare, kv, sessions, configured('bargate', benchConfig(place))];
  });
  const [bare, bargate, memory] = [[], [], []];
  const cookies = [];
  try {
    for (const count of SESSIONS.filter((one) => one <= most)) {
      while (cookies.length < count) cookies.push(...(await begin(testbed, Math.min(BATCH, count - cookies.length))));
      const amount = Math.max(requests, Math.min(count, REQUESTS_MOST));
      let values = [];
      const load = (worker) => () => ({
        url: `${testbed.origins[worker]}/fixed/protected`,
        headers: CLIENT_HEADERS,
        body: '{"status":"ok"}',
        requests: amount,
        changing: { name: 'cookie', values },
      });
      const loads = { bare: load('fixed-class'), bargate: load('bargate') };
      const results = await measureInRounds(testbed.pid, loads, rounds, (round) => {
        const needed = valuesFor(amount);
        values = Array.from({ length: needed }, (_, number) => cookies[((round * needed + number) * STEP) % count]);
      });
      bare.push([count, rounded(median(results.bare))]);
      bargate.push([count, rounded(median(results.bargate))]);
      memory.push([count, rounded(memoryMib(testbed.pid))]);
    }
  } finally {
    await testbed.close();
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

/**
 * Begins sessions as the last step of a login does, by the message that makes their objects, and returns their cookies. Each has a token
 * of its own. With all of its login it would take several times as long.
 */
async function begin({ tenant, origins }, count) {
  const until = Math.floor(Date.now() / 1000) + TOKEN_SECONDS;
  const halves = Array.from({ length: count }, () => [randomBytes(HALF_BYTES), randomBytes(HALF_BYTES)]);
  const tokens = await mintTokens(tenant, count);
  const messages = halves.map(([name, key], index) => {
    const session = { key: key.toString('base64url'), access: tokens[index], refresh: randomUUID(), until };
    return [name.toString('base64url'), JSON.stringify({ do: 'create', ...session })];
  });
  const answer = await fetch(origins.seed, { method: 'POST', body: JSON.stringify(messages) });
  if (answer.status !== 200) throw new Error(`no sessions began: ${await answer.text()}`);
  return halves.map((both) => `bargate=${Buffer.concat(both).toString('base64url')}`);
}
