// Installs the providers and clients that do not come with the project, once, into .interop/, which git ignores: packages of npm and of PyPI as the
// files in packages/ pin them, and Debian's packages, which are only unpacked.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT, toolEnvironment } from '../../scripts/toolchain.mjs';

const PINNED = join(ROOT, 'tests', 'interop', 'packages');
const INSTALLED = join(ROOT, '.interop');
const NPM = join(INSTALLED, 'npm');
const PYTHON = join(INSTALLED, 'python');
const DEBIAN = join(INSTALLED, 'debian');

/** The Python of the packages of PyPI. */
export const PYTHON_PROGRAM = join(PYTHON, 'bin', 'python');
/** The root folder of the unpacked Debian packages. */
export const DEBIAN_ROOT = join(DEBIAN, 'root');
/** The folder for the files that providers write. */
export const WORK = join(INSTALLED, 'work');

/** Installs the packages of npm; returns why that failed, or nothing. */
export const installNpm = () =>
  once('npm', NPM, ['package.json', 'package-lock.json'], (files) => {
    for (const file of files) copyFileSync(join(PINNED, file), join(NPM, file));
    // Some packages are only found from a module's own place.
    writeFileSync(join(NPM, 'load.mjs'), 'export const load = (name) => import(name);\n');
    const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--omit=optional', '--omit=peer'];
    return ran('npm', ['ci', ...quiet], NPM);
  });

/** Loads a package of npm that was installed. */
export async function load(name) {
  const { load: loadHere } = await import(pathToFileURL(join(NPM, 'load.mjs')).href);
  return loadHere(name);
}

/** Loads a package of npm that was installed by `require`, for one that works only so. */
export const requireInstalled = (name) => createRequire(join(NPM, 'load.mjs'))(name);

/** Returns the path of a file of a package of npm that was installed. */
export const npmFile = (name, path) => join(NPM, 'node_modules', name, path);

/** Returns the version of a package of npm that was installed. */
export const npmVersion = (name) => versionIn(NPM, name);

/** Returns the version of a package of npm that comes with the project. */
export const ownVersion = (name) => versionIn(ROOT, name);

const versionIn = (folder, name) =>
  JSON.parse(readFileSync(join(folder, 'node_modules', name, 'package.json'), 'utf8')).version;

/** Installs the packages of PyPI; returns why that failed, or nothing. */
export const installPython = () =>
  once('python', PYTHON, ['requirements.txt'], ([file]) => {
    const pip = [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '-r',
      join(PINNED, file),
    ];
    return ran('python3', ['-m', 'venv', PYTHON], INSTALLED) ?? ran(PYTHON_PROGRAM, pip, INSTALLED);
  });

/** Returns the pinned version of a package of PyPI. */
export const pythonVersion = (name) => pinnedIn('requirements.txt', '==', name);

/** Unpacks Debian's packages; returns why that failed, or nothing. */
export const installDebian = () =>
  once('debian', DEBIAN, ['debian.txt'], ([file]) => {
    const packages = readFileSync(join(PINNED, file), 'utf8').trim().split('\n');
    const failed = ran('apt-get', ['download', '-q', ...packages], DEBIAN);
    if (failed) return failed;
    mkdirSync(DEBIAN_ROOT);
    return readdirSync(DEBIAN)
      .filter((name) => name.endsWith('.deb'))
      .map((name) => ran('dpkg', ['-x', name, DEBIAN_ROOT], DEBIAN))
      .find((failure) => failure);
  });

/** Returns the pinned version of one of Debian's packages. */
export const debianVersion = (name) => pinnedIn('debian.txt', '=', name);

function pinnedIn(file, sign, name) {
  const lines = readFileSync(join(PINNED, file), 'utf8').split('\n');
  const line = lines.find((each) => each.toLowerCase().startsWith(`${name.toLowerCase()}${sign}`));
  return line?.slice(name.length + sign.length).trim();
}

const outcomes = new Map();

/** Installs what `files` pin into a folder, unless the folder has exactly this. */
function once(name, folder, files, install) {
  if (outcomes.has(name)) return outcomes.get(name);
  const texts = files.map((file) => readFileSync(join(PINNED, file)));
  const pins = createHash('sha256').update(Buffer.concat(texts)).digest('hex');
  const stamp = join(folder, '.pins');
  let failed;
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== pins) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    console.log(`interop: installing the packages of ${name} …`);
    failed = install(files);
    if (!failed) writeFileSync(stamp, pins);
  }
  outcomes.set(name, Promise.resolve(failed));
  return outcomes.get(name);
}

/** Runs a program to its end; returns its last output if it failed, or nothing. */
function ran(program, args, cwd) {
  const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, env: toolEnvironment(), encoding: 'utf8' });
  if (status === 0) return undefined;
  const said = `${stdout ?? ''}\n${stderr ?? ''}`.trim().split('\n').at(-1);
  return `"${program} ${args[0]}" failed: ${error?.message ?? said}`;
}
