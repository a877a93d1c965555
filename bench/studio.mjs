// What a keystroke costs in the studio with a config of 1,000 routes: how long the page is busy with it, until it is painted, and until
// what `check` says of the text is shown. "node bench/studio.mjs" prints the medians and the longest; it decides nothing.

import { startStudio } from '../tests/e2e/support/studio.mjs';

const ROUTES = 1000;
const KEYSTROKES = 60;
const CHECKS = 15;
/** About six keystrokes a second: somebody who types well. */
const BETWEEN_MS = 160;

const config = {
  servers: [{ alias: 'api', url: 'https://api.shop.example' }],
  authorizer: { type: 'auth0', domain: 'shop.eu.auth0.com', client_id: 'page', audience: 'https://api.shop.example/' },
  paths: Array.from({ length: ROUTES }, (_, index) => ({
    method: 'GET',
    path: `/api/group${index % 40}/item${index}/{id}`,
    auth: true,
    integration: { type: 'http_proxy', server: 'api' },
  })),
};

// As people have it: in a browser with windows.
const site = await startStudio({ config, whole: true });
try {
  const tab = await site.open();
  await tab.verdict('✓ valid');
  await tab.putCursorBehind('"servers": [');
  await tab.page.evaluate(observe);
  await tab.page.keyboard.type(' '.repeat(KEYSTROKES), { delay: BETWEEN_MS });
  await tab.verdict('✓ valid');
  const { busy, painted, blocked } = await tab.page.evaluate(() => /** @type {any} */ (globalThis).measured);
  print('a keystroke keeps the page busy', busy);
  print('a keystroke is painted', painted);
  print('the page is blocked for more than 50 ms', blocked);
  const shown = [];
  for (let check = 0; check < CHECKS; check++) {
    const since = performance.now();
    await tab.page.keyboard.type('x');
    await tab.verdict('error');
    shown.push(performance.now() - since);
    await tab.page.keyboard.press('Backspace');
    await tab.verdict('✓ valid');
  }
  print('what check says is shown', shown);
} finally {
  await site.close();
}

/** Notes the durations of keystrokes. Runs in the page; the browser rounds what it reports until the next frame to 8 ms. */
function observe() {
  const measured = { busy: [], painted: [], blocked: [] };
  Object.assign(globalThis, { measured });
  new PerformanceObserver((list) => {
    for (const entry of /** @type {PerformanceEventTiming[]} */ (list.getEntries()))
      if (entry.name === 'keydown') {
        measured.busy.push(entry.processingEnd - entry.processingStart);
        measured.painted.push(entry.duration);
      }
  }).observe(/** @type {any} */ ({ type: 'event', durationThreshold: 16 }));
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) measured.blocked.push(duration);
  }).observe({ type: 'longtask' });
}

function print(what, durations) {
  const sorted = [...durations].sort((a, b) => a - b);
  const median = sorted[Math.floor(sorted.length / 2)] ?? 0;
  const longest = sorted.at(-1) ?? 0;
  console.log(`${what}: median ${median.toFixed(0)} ms, longest ${longest.toFixed(0)} ms (${sorted.length} times)`);
}
