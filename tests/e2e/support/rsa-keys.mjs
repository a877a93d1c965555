// The RSA keys of tests. To make one takes as long as to start a gateway, so what one process has made is left for the next: each
// takes the same keys in the same order, and no key twice.

import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { keyMaker } from '../../../dev/tenant/keys.mjs';

const FOLDER = fileURLToPath(new URL('../../../build', import.meta.url));
const FILE = join(FOLDER, 'test-keys.json');

let keys;
let taken = 0;

/** Returns a private RSA key of 2048 bits as a JWK: one that this process has not had yet. */
export function takeRsaKey() {
  keys ??= leftKeys();
  if (taken === keys.length) {
    keys.push(generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }));
    leave(keys);
  }
  return keys[taken++];
}

function leftKeys() {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8'));
  } catch {
    return [];
  }
}

/** Leaves keys for the next process, unless another has left more. */
function leave(all) {
  if (leftKeys().length >= all.length) return;
  const next = `${FILE}.${process.pid}`;
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(next, JSON.stringify(all), { mode: 0o600 });
  renameSync(next, FILE);
}

const make = keyMaker.make;
keyMaker.make = async (alg) => (/^[RP]S/.test(alg) ? { ...takeRsaKey() } : make(alg));
