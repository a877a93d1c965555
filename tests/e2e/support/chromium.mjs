// The browser of the browser tests.

import { chromium } from 'playwright-core';
import { findChromium } from '../../../scripts/chromium.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser that `make test` has found or installed. `options` are those of Playwright. */
export async function launchChromium(options = {}) {
  const found = await findChromium();
  if (!found) throw new Error('no browser found: "node scripts/test.mjs browser" installs one');
  return chromium.launch({ executablePath: found.path, args: FLAGS, ...options });
}
