// How much memory the runtime has had, for tests of what it holds. Linux tells.

import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';

export const MIB = 1024 * 1024;

/** Returns why a test of memory is skipped, if it is. */
export const skipsMemory = process.platform !== 'linux' && 'measured by /proc';

/** The most memory that the workerd of this test has ever had, in bytes (VmHWM is the peak of VmRSS, which the kernel keeps). */
export function peakMemory() {
  const own = readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .map(statusOf)
    .filter((status) => /^Name:\s+workerd$/m.test(status) && new RegExp(`^PPid:\\s+${process.pid}$`, 'm').test(status));
  assert.equal(own.length, 1, 'one process');
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(own[0])[1]) * 1024;
}

function statusOf(id) {
  try {
    return readFileSync(`/proc/${id}/status`, 'utf8');
  } catch {
    return '';
  }
}
