// With the number of authorizers: a token of the last of them, which the isolate remembers.

import { DEFAULT_AUDIENCE } from '../../dev/tenant.mjs';
import { mintTokens } from '../credentials.mjs';
import { configured } from '../gateway.mjs';
import { CLIENT_HEADERS } from '../load.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { measureLines } from './line.mjs';

const AUTHORIZERS = [1, 2, 4, 8];

export async function measureAuthorizers({ rounds, requests }) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['fixed-class', 'kv'], place)),
    ...AUTHORIZERS.map((count) => configured(`authorizers-${count}`, configOf(count, place.tenant))),
  ]);
  try {
    const [token] = await mintTokens(testbed.tenant, 1);
    const load = (workerOf) => (count) => ({
      url: `${testbed.origins[workerOf(count)]}/of/${count - 1}`,
      headers: { ...CLIENT_HEADERS, authorization: `Bearer ${token}` },
      body: '{"status":"ok"}',
      requests,
    });
    const lines = {
      'bare class': load(() => 'fixed-class'),
      'Bargate, token of the last': load((count) => `authorizers-${count}`),
    };
    return [
      {
        title: 'CPU time of a fixed answer, by authorizers',
        unit: 'us',
        lines: await measureLines(testbed.pid, AUTHORIZERS, lines, rounds),
      },
    ];
  } finally {
    await testbed.close();
  }
}

/** A config with that many authorizers, and a path for each. */
function configOf(count, tenant) {
  const numbers = Array.from({ length: count }, (_, number) => number);
  const authorizer = {
    type: 'jwt',
    issuer: tenant.issuer,
    audience: DEFAULT_AUDIENCE,
    jwks_uri: `${tenant.origin}/.well-known/jwks.json`,
  };
  return {
    authorizers: Object.fromEntries(numbers.map((number) => [`of-${number}`, authorizer])),
    paths: numbers.map((number) => ({
      method: 'GET',
      path: `/of/${number}`,
      auth: `of-${number}`,
      response: { status: 'ok' },
    })),
  };
}
