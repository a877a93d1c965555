// Miniflare, loaded in half the time: what is imported of CommonJS is first read for the names that it exports, and this is six megabytes.
// And started in three quarters: it puts Workers beside the gateway that no test uses.

import fs from 'node:fs';
import { createRequire } from 'node:module';

/** Scripts of Miniflare that every workerd would run at its start, by the end of their paths, and what it runs instead. */
const UNUSED = new Map([
  // The store of e-mails, and the validator that no other script imports: a third of the start of a gateway.
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
export const { Miniflare, convertV4MiniflareOptions } = createRequire(import.meta.url)('miniflare');
if (NODE_EXTRA_CA_CERTS !== undefined) process.env.NODE_EXTRA_CA_CERTS = NODE_EXTRA_CA_CERTS;
