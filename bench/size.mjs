// What a deployment uploads, and what of it an isolate makes running before its first answer, compressed as wrangler counts it.

import { readFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { bundleFiles } from './gateway.mjs';

/** What these may weigh, in KiB. */
const [BUNDLE_MOST, FIRST_MOST] = [190, 150];

/** Returns the sizes of a bundle in KiB, beside their targets. */
export function measureSizes(bundle) {
  const { entry, modules } = bundleFiles(bundle);
  // A module that the entry imports by a statement is there when the first request comes; any other is imported when it is needed.
  const atOnce = importedAtOnce(readFileSync(entry, 'utf8'));
  const first = modules.filter((file) => atOnce.some((name) => file.endsWith(`/${name}`)));
  return [
    { title: 'bundle, gzip', gzip_kib: compressedKib([entry, ...modules]), most: BUNDLE_MOST },
    {
      title: 'what the first request instantiates, gzip',
      gzip_kib: compressedKib([entry, ...first]),
      most: FIRST_MOST,
    },
  ];
}

const importedAtOnce = (script) => [...script.matchAll(/\bfrom\s*"\.\/([^"]+)"/g)].map(([, name]) => name);

function compressedKib(files) {
  const bytes = gzipSync(Buffer.concat(files.map((file) => readFileSync(file)))).length;
  return Number((bytes / 1024).toFixed(1));
}
