// With the number of headers of a request that is proxied.

import { benchConfig, configured } from '../gateway.mjs';
import { CLIENT_HEADERS } from '../load.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { measureLines } from './line.mjs';

const HEADERS = [5, 10, 20, 50, 100];

export async function measureHeaders({ rounds, requests }) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['pass-through', 'kv'], place)),
    configured('bargate', benchConfig(place)),
  ]);
  const load = (worker) => (count) => ({
    url: `${testbed.origins[worker]}/proxied/open`,
    headers: headersOf(count),
    body: '{"user":null}',
    requests,
  });
  try {
    const lines = { 'bare pass-through': load('pass-through'), 'Bargate, open, proxied': load('bargate') };
    return [
      {
        title: 'CPU time of a proxied request, by headers',
        unit: 'us',
        lines: await measureLines(testbed.pid, HEADERS, lines, rounds),
      },
    ];
  } finally {
    await testbed.close();
  }
}

/** The headers of a client, `Host` among them, and others up to a number. */
function headersOf(count) {
  const more = count - Object.keys(CLIENT_HEADERS).length - 1;
  const others = Array.from({ length: more }, (_, number) => [`x-of-the-client-${number}`, `value-${number}`]);
  return { ...CLIENT_HEADERS, ...Object.fromEntries(others) };
}
