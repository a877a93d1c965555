// With the number of connections: how long a proxied request takes for the client, at the median and for one in a hundred.

import { makeCredentials, USER } from '../credentials.mjs';
import { benchConfig, configured } from '../gateway.mjs';
import { CLIENT_HEADERS, run } from '../load.mjs';
import { median } from '../statistics.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { rounded } from './line.mjs';

const CONNECTIONS = [1, 10, 100, 1_000];
const SECONDS = 3;

export async function measureConnections({ rounds }) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['pass-through', 'kv'], place)),
    configured('bargate', benchConfig(place)),
  ]);
  try {
    const headers = { ...CLIENT_HEADERS, ...(await (await makeCredentials(testbed.tenant)).token()) };
    const lines = [
      {
        title: 'bare pass-through',
        url: `${testbed.origins['pass-through']}/proxied/open`,
        headers: CLIENT_HEADERS,
        user: null,
      },
      { title: 'Bargate, token, proxied', url: `${testbed.origins.bargate}/proxied/token`, headers, user: USER },
    ];
    const results = {};
    for (let round = 0; round <= rounds; round += 1) {
      for (const connections of CONNECTIONS) {
        for (const { title, user, ...load } of lines) {
          const took = await run({ ...load, body: JSON.stringify({ user }), connections, seconds: SECONDS });
          // The first round warms up.
          if (round > 0) (results[`${title} ${connections}`] ??= []).push(took);
        }
      }
      process.stderr.write('.');
    }
    process.stderr.write('\n');
    return [
      ['Median time of a proxied request, by connections', 'p50'],
      ['99th percentile of it, by connections', 'p99'],
    ].map(([title, part]) => ({
      title,
      unit: 'ms',
      lines: lines.map((line) => ({
        title: line.title,
        points: CONNECTIONS.map((connections) => {
          const times = results[`${line.title} ${connections}`].map((took) => took[part] / 1000);
          return [connections, rounded(median(times))];
        }),
      })),
    }));
  } finally {
    await testbed.close();
  }
}
