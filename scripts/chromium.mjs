// The browser that the end-to-end tests drive: an existing Chromium or Chrome, else Debian's packages, else Playwright's own
// download. Tests ask for it by `findChromium`; `make test` installs one first if there is none.
//
// Debian has Chromium a second time as a program without windows, tabs and profiles around the same engine, for which a page costs the
// processor half as much. It has no back/forward cache, and loads no icons. As root on Debian, `make test` installs it beside any other.

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { Failure, ROOT, TOOLS, outputOf, run, toolEnvironment } from './toolchain.mjs';

const SHELL = 'chromium-headless-shell';
const PROGRAMS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Where they are when they are not on the PATH. */
const USUAL_PLACES = [
  '/usr/bin/chromium',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
];

/**
 * Finds a browser that starts, and returns its `path` and `version`; `undefined` if there is none. That without windows comes first,
 * unless the browser has to be `whole`.
 */
export async function findChromium({ whole = false } = {}) {
  // Not at the top of the file: `make test` reads it before set-up has installed this package.
  const { chromium } = await import('playwright-core');
  const directories = (process.env.PATH ?? '').split(delimiter);
  const onPath = (names) => directories.flatMap((directory) => names.map((name) => join(directory, name)));
  const shells = whole ? [] : [...onPath([SHELL]), `/usr/bin/${SHELL}`];
  for (const path of [...shells, ...onPath(PROGRAMS), ...USUAL_PLACES, chromium.executablePath()]) {
    // What a package manager leaves in place of a browser, or one that lacks a library, fails to tell its version.
    const version = existsSync(path) && outputOf(path, ['--version']);
    if (version) return { path, version };
  }
  return undefined;
}

/** Sees to it that there is a browser, and says which one the tests take. */
export async function provideChromium() {
  const before = await findBoth();
  let { whole, cheapest } = before;
  if (!whole || !cheapest?.path.endsWith(SHELL)) {
    await installDebianPackages(whole ? [SHELL] : ['chromium', SHELL]).catch(explain);
    ({ whole, cheapest } = await findBoth());
  }
  if (!whole) {
    await download().catch(explain);
    ({ whole, cheapest } = await findBoth());
  }
  if (!whole || !cheapest)
    throw new Failure(
      'no browser could be installed: install Chromium or Chrome, on Debian with "apt-get install chromium"',
    );
  const isOld = cheapest.path === before.cheapest?.path;
  return `${cheapest.version}, ${cheapest.path} (${isOld ? 'was there already' : 'installed'})`;
}

const findBoth = async () => ({ whole: await findChromium({ whole: true }), cheapest: await findChromium() });

const explain = (failure) => console.error(failure.message);

/** Installs packages, if that is up to whoever runs this. */
async function installDebianPackages(packages) {
  if (process.getuid?.() !== 0 || !outputOf('apt-get', ['--version'])) return;
  const env = toolEnvironment({ DEBIAN_FRONTEND: 'noninteractive' });
  await run('apt-get', ['update', '-qq'], { env });
  const install = (names) => run('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], { env });
  await install(packages).catch((failure) => {
    // Not every system of this kind has the one without windows.
    const others = packages.filter((name) => name !== SHELL);
    if (!others.length) throw failure;
    return install(others);
  });
}

async function download() {
  const cli = join(ROOT, 'node_modules', 'playwright-core', 'cli.js');
  await run(TOOLS.node, [cli, 'install', '--no-shell', 'chromium']);
}
