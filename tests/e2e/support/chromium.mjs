// The browser of the browser tests.

import { chromium } from 'playwright-core';
import { findChromium } from '../../../scripts/chromium.mjs';
import { PATIENCE_MS } from './harness.mjs';

const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser that `make test` has found or installed, `whole` or not (scripts/chromium.mjs). `options` are those of Playwright. */
export async function launchChromium({ whole = false, ...options } = {}) {
  const found = await findChromium({ whole });
  if (!found) throw new Error('no browser found: "node scripts/test.mjs browser" installs one');
  const browser = await chromium.launch({ executablePath: found.path, args: FLAGS, ...options });
  const newContext = browser.newContext.bind(browser);
  browser.newContext = async (how) => {
    const context = await newContext(how);
    context.setDefaultTimeout(PATIENCE_MS);
    return context;
  };
  return browser;
}
