// Miniflare, loaded in half the time: what is imported of CommonJS is first read for the names that it exports, and this is six megabytes.
// And started in three quarters: it puts Workers beside the gateway that no test uses.

import fs from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';

/** Scripts of Miniflare that every workerd would run at its start, by the end of their paths, and what it runs instead. */
const UNUSED = new Map([
  // The store of e-mails, and the validator that only it and bindings that no test has import: a third of the start of a gateway.
  ['email/email-store.worker.js', 'export class EmailStore {}\nexport default {};\n'],
  ['shared/zod.worker.js', 'export {};\n'],
]);

const { readFileSync } = fs;
/** @type {any} */
const readScript = (path, ...how) => {
  const [, script] = /miniflare[\\/]dist[\\/]src[\\/]workers[\\/](.+)$/.exec(String(path)) ?? [];
  return UNUSED.get(script?.replaceAll('\\', '/')) ?? readFileSync(path, ...how);
};
fs.readFileSync = readScript;

// It would give each workerd all certificates that this names to read, and no gateway of a test speaks TLS.
const { NODE_EXTRA_CA_CERTS } = process.env;
delete process.env.NODE_EXTRA_CA_CERTS;
/** @type {typeof import('miniflare')} */
const { Miniflare: OnDisk, convertV4MiniflareOptions } = createRequire(import.meta.url)('miniflare');
if (NODE_EXTRA_CA_CERTS !== undefined) process.env.NODE_EXTRA_CA_CERTS = NODE_EXTRA_CA_CERTS;

const MEMORY = '/dev/shm';
const MEMORY_MIN_BYTES = 1024 ** 3;

/** The folder for what gateways store. On a disk each write of an object waits for it, which is half of the time of many tests. */
export const STORAGE = (() => {
  try {
    const { bavail, bsize } = fs.statfsSync(MEMORY);
    fs.accessSync(MEMORY, fs.constants.W_OK);
    return bavail * bsize >= MEMORY_MIN_BYTES ? MEMORY : tmpdir();
  } catch {
    return tmpdir();
  }
})();

/** Miniflare, which keeps in memory what it stores unless it is told a place. */
class Miniflare extends OnDisk {
  /** @param {any} options */
  constructor(options) {
    const { TMPDIR } = process.env;
    process.env.TMPDIR = STORAGE;
    try {
      super(options);
    } finally {
      if (TMPDIR === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = TMPDIR;
    }
  }
}

export { Miniflare, convertV4MiniflareOptions };
