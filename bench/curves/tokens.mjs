// With the length of a token: one that the isolate remembers, and one that it has not seen.

import { mintTokens } from '../credentials.mjs';
import { benchConfig, configured } from '../gateway.mjs';
import { CLIENT_HEADERS, valuesFor } from '../load.mjs';
import { peerWorkers, startTestbed } from '../testbed.mjs';
import { measureLines } from './line.mjs';

/** In KiB. The gateway reads tokens of at most 16 KiB. */
const SIZES = [1, 2, 4, 8, 16];
const KIB = 1024;
/** More tokens than an isolate remembers (src/token/cache.rs): when one is used again, it has been forgotten. */
const TOKENS = 2_200;

export async function measureTokens({ rounds, requests }) {
  const testbed = await startTestbed(async (place) => [
    ...(await peerWorkers(place.folder, ['fixed-class', 'jose', 'kv'], place)),
    configured('bargate', benchConfig(place)),
  ]);
  try {
    /** @type {Record<number, string[]>} */
    const tokens = {};
    for (const size of SIZES) tokens[size] = await tokensOf(testbed.tenant, size * KIB);
    const load = (worker) => (size) => ({
      url: `${testbed.origins[worker]}/fixed/protected`,
      headers: { ...CLIENT_HEADERS, authorization: tokens[size][0] },
      body: '{"status":"ok"}',
      requests,
    });
    const changing = (worker) => (size) => ({
      ...load(worker)(size),
      headers: CLIENT_HEADERS,
      requests: TOKENS - valuesFor(0),
      changing: { name: 'authorization', values: tokens[size] },
    });
    const lines = {
      'bare class': load('fixed-class'),
      'Bargate, remembered': load('bargate'),
      'Bargate, not remembered': changing('bargate'),
      jose: changing('jose'),
    };
    return [
      {
        title: 'CPU time of a fixed answer, by KiB of token',
        unit: 'us',
        lines: await measureLines(testbed.pid, SIZES, lines, rounds),
      },
    ];
  } finally {
    await testbed.close();
  }
}

/** Mints tokens that are as long as that, less the few bytes that base64 cannot make up. */
async function tokensOf(tenant, bytes) {
  const [bare] = await mintTokens(tenant, 1, { pad: '' });
  const pad = 'x'.repeat(Math.max(0, Math.floor(((bytes - bare.length) * 3) / 4) - 2));
  return (await mintTokens(tenant, TOKENS, { pad })).map((token) => `Bearer ${token}`);
}
