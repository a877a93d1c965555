// What clients can make the gateway hold: how far the peak of memory rises, for answers that are cached and for bodies that functions
// read. The isolate's own is what Cloudflare bounds, at 128 MB; the whole of workerd has the runtime's buffers of its sockets too,
// which a path that only passes its bytes fills as well. Linux only (/proc).

import { LOADS, startMeasured } from '../tests/e2e/support/memory-flow.mjs';

console.log('\nPeak above idle, in MiB: of the isolate, of workerd');
for (const [name, run] of Object.entries(LOADS)) {
  const gateway = await startMeasured();
  const heap = await gateway.heap();
  const statuses = [...new Set(await run(gateway))].join();
  console.log(
    `${String(await heap.end()).padStart(5)}  ${String(gateway.grown()).padStart(5)}   ${name} (${statuses})`,
  );
  await gateway.close();
}
