// What a deployment uploads, compressed as wrangler counts it.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundleFiles } from './gateway.mjs';

/** What the bundle may weigh, in KiB. */
const MOST_KIB = 190;

/** Returns the size of a bundle in KiB, beside its target. */
export function measureSize(bundle) {
  const { entry, modules } = bundleFiles(bundle);
  const bytes = gzipSync(Buffer.concat([entry, ...modules].map((file) => readFileSync(file)))).length;
  return { gzip_kib: Number((bytes / 1024).toFixed(1)), most: MOST_KIB };
}
