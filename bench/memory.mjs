// What clients can make the gateway hold: how far the peak of workerd's memory rises, for answers that are cached and for bodies
// that functions read. Linux only (/proc). An isolate has 128 MB.

import { LOADS, startMeasured } from '../tests/e2e/memory-flow.mjs';

console.log('\nPeak of workerd above idle');
for (const [name, run] of Object.entries(LOADS)) {
  const gateway = await startMeasured();
  const statuses = [...new Set(await run(gateway))].join();
  console.log(`${String(gateway.grown()).padStart(5)} MiB   ${name} (${statuses})`);
  await gateway.close();
}
