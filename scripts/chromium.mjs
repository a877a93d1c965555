// The browser that the end-to-end tests drive: an existing Chromium or Chrome, else Debian's package, else Playwright's own
// download. Tests ask for it by `findChromium`; `make test` installs one first if there is none.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, ROOT, TOOLS, outputOf, run, toolEnvironment } from './toolchain.mjs';

const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where they are when they are not on the PATH. */
const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/** Finds a browser that starts, and returns its `path` and `version`; `undefined` if there is none. */
export async function findChromium() {
  // Not at the top of the file: `make test` reads it before set-up has installed this package.
  const { chromium } = await import('playwright-core');
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((directory) => PROGRAMS.map((name) => join(directory, name)));
  for (const path of [...onPath, ...USUAL_PLACES, chromium.executablePath()]) {
    // What a package manager leaves in place of a browser, or one that lacks a library, fails to tell its version.
    const version = existsSync(path) && outputOf(path, ['--version']);
    if (version) return { path, version };
  }
  return undefined;
}

/** Sees to it that there is a browser, and says which one the tests take. */
export async function provideChromium() {
  const ways = [
    { origin: 'was there already', install: async () => {} },
    { origin: "Debian's package", install: installDebianPackage },
    { origin: "Playwright's download", install: download },
  ];
  for (const { origin, install } of ways) {
    await install().catch((failure) => console.error(failure.message));
    const found = await findChromium();
    if (found) return `${found.version}, ${found.path} (${origin})`;
  }
  throw new Failure(
    'no browser could be installed: install Chromium or Chrome, on Debian with "apt-get install chromium"',
  );
}

async function installDebianPackage() {
  if (process.getuid?.() !== 0 || !outputOf('apt-get', ['--version'])) return;
  const env = toolEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
  await run('apt-get', ['update', '-qq'], { env });
  await run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', 'chromium'], { env });
}

async function download() {
  const cli = join(ROOT, 'node_modules', 'playwright-core', 'cli.js');
  await run(TOOLS.node, [cli, 'install', '--no-shell', 'chromium']);
}
