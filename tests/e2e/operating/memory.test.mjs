// What clients can make the gateway hold stays small, whatever they send and ask for. `bench/memory.mjs` tells the numbers: here
// the bound leaves room for what the runtime itself takes, and is far below what holding all of it would.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { LOADS, startMeasured } from '../support/memory-flow.mjs';

const GROWN_MAX_MIB = 64;

describe('the gateway holds little of', { skip: process.platform !== 'linux' }, () => {
  for (const [name, run] of Object.entries(LOADS)) {
    test(name, async (t) => {
      const gateway = await startMeasured();
      t.after(() => gateway.close());
      await run(gateway);
      const grown = gateway.grown();
      assert.ok(grown < GROWN_MAX_MIB, `${grown} MiB`);
    });
  }
});
