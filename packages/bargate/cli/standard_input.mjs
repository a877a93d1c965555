// Standard input, read when the program reads it.

import { readSync } from 'node:fs';

const CHUNK_BYTES = 1 << 16;
const PAUSE_MS = 10;

/** Returns what reads standard input; it waits for more, and gives nothing at the end. */
export function standardInput() {
  return {
    /** @param {number} length */
    read(length) {
      const bytes = new Uint8Array(Math.min(length, CHUNK_BYTES));
      for (;;) {
        try {
          return bytes.subarray(0, readSync(0, bytes));
        } catch (error) {
          // Windows has an error for the end. A stream that another process made non-blocking has one while it is empty.
          if (error.code === 'EOF') return bytes.subarray(0, 0);
          if (error.code !== 'EAGAIN') throw error;
          Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
        }
      }
    },
  };
}
