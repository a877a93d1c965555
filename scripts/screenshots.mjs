// Takes the pictures of the studio that README and docs/ show: docs/images/studio-*.webp, light and dark. Run by hand when the page
// has changed: "node scripts/screenshots.mjs".

import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { findChromium } from './chromium.mjs';
import { buildStudio } from './studio.mjs';
import { Failure, ROOT, main } from './toolchain.mjs';

const IMAGES = join(ROOT, 'docs', 'images');
const SIZE = { width: 1280, height: 1040 };
const IMAGE_MAX_BYTES = 150_000;
const REQUEST_HEADERS = 'Origin: https://shop.example\nCookie: theme=dark';

/** What each picture shows: by its name, what is done before it is taken. */
const PICTURES = {
  async studio(page) {
    await page.getByRole('treeitem', { name: 'ANY /api/{.+}' }).click();
    await page.locator('#routes-rule h3').waitFor();
  },
  async 'studio-request'(page) {
    await page.getByText('Values of $env').click();
    await page.locator('#values').fill('API_URL=https://api.shop.example\nSPA_ORIGIN=https://shop.example');
    await page.getByRole('tab', { name: 'Request' }).click();
    await page.getByLabel('With the cookie of a session').check();
    await page.locator('#request-headers').fill(REQUEST_HEADERS);
    await page.getByRole('textbox', { name: 'Address', exact: true }).fill('https://shop.example/api/orders/7');
    await page.locator('#request-outcome .outcome', { hasText: '/orders/7' }).waitFor();
  },
};

await main(async () => {
  const { chromium } = await import('playwright-core');
  const found = await findChromium();
  if (!found) throw new Failure('no browser found: "node scripts/test.mjs browser" installs one');
  const folder = mkdtempSync(join(tmpdir(), 'bargate-studio-'));
  await buildStudio(folder);
  mkdirSync(IMAGES, { recursive: true });
  const browser = await chromium.launch({ executablePath: found.path, args: ['--no-sandbox'] });
  try {
    for (const colorScheme of /** @type {const} */ (['light', 'dark']))
      for (const [name, prepare] of Object.entries(PICTURES)) {
        const page = await browser.newPage({ colorScheme, viewport: SIZE, reducedMotion: 'reduce' });
        await page.goto(pathToFileURL(join(folder, 'index.html')).href);
        await page.locator('#verdict').filter({ hasText: 'valid' }).waitFor();
        await prepare(page);
        const path = join(IMAGES, `${name}-${colorScheme}.webp`);
        const devtools = await page.context().newCDPSession(page);
        const { data } = await devtools.send('Page.captureScreenshot', { format: 'webp', quality: 85 });
        writeFileSync(path, Buffer.from(data, 'base64'));
        await page.close();
        const { size } = statSync(path);
        if (size > IMAGE_MAX_BYTES)
          throw new Failure(`${path} has ${size} bytes: at most ${IMAGE_MAX_BYTES} are wanted`);
        console.log(`${path}: ${size} bytes`);
      }
  } finally {
    await browser.close();
    rmSync(folder, { recursive: true });
  }
});
