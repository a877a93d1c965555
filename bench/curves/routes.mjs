// With the number of routes: what a request costs, how long a start takes, and how much memory it needs.

import { join } from 'node:path';
import { bundleWith } from '../bundle.mjs';
import { benchConfig, configured, gatewayWorker, resources } from '../gateway.mjs';
import { CLIENT_HEADERS } from '../load.mjs';
import { measureStartsOf } from '../starts.mjs';
import { median } from '../statistics.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { measureLines, rounded } from './line.mjs';

const ROUTES = [10, 100, 1_000, 10_000];

export async function measureRoutes({ rounds, requests, most }) {
  const places = ROUTES.filter((count) => count <= most);
  return [await measureMatches(places, rounds, requests), ...(await measureGrowth(places, rounds))];
}

async function measureMatches(places, rounds, requests) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['kv'], place)),
    ...places.map((routes) => configured(`routes-${routes}`, benchConfig({ ...place, routes }))),
  ]);
  const load = (path) => (routes) => ({
    url: `${testbed.origins[`routes-${routes}`]}${path(routes)}`,
    headers: CLIENT_HEADERS,
    body: '{"status":"ok"}',
    requests,
  });
  try {
    const lines = {
      'a literal path': load(() => '/fixed/open'),
      'a parameter, in the middle': load((routes) => `/api/resource${Math.floor((routes - 8) / 2)}/4711`),
    };
    return {
      title: 'CPU time of a fixed answer, by routes',
      unit: 'us',
      lines: await measureLines(testbed.pid, places, lines, rounds),
    };
  } finally {
    await testbed.close();
  }
}

async function measureGrowth(places, rounds) {
  const results = await measureStartsOf(rounds, async (folder) => {
    const cases = places.map(async (count) => {
      const name = `routes-${count}`;
      const paths = [{ method: 'GET', path: '/health', response: { status: 'ok' } }, ...resources(count - 1)];
      const bundle = await bundleWith(join(folder, `bundle-${count}`), { paths });
      return [name, { path: '/health', worker: gatewayWorker(name, {}, bundle) }];
    });
    return Object.fromEntries(await Promise.all(cases));
  });
  const line = (of) => places.map((count) => [count, rounded(median(results[`routes-${count}`].map(of)))]);
  return [
    {
      title: 'Start to first answer, by routes',
      unit: 'ms',
      lines: [{ title: 'Bargate', points: line(({ ms }) => ms) }],
    },
    {
      title: 'Memory after it, by routes',
      unit: 'MiB',
      lines: [{ title: 'Bargate', points: line(({ mib }) => mib) }],
    },
  ];
}
