// Installs what the build needs and is not there yet: the Rust toolchain, npm packages, wasm-bindgen. All but the first
// go into the project's own ignored folders; compiled tools are also stored in the user's cache, for the next clone. A
// second run changes nothing.

import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Failure, ROOT, TOOLS, main, outputOf, readProjectFile, run, timed } from './toolchain.mjs';

const NODE_MIN_MAJOR = 20;
/** What the gateway and the command line of the package are compiled for. */
const WASM_TARGETS = ['wasm32-unknown-unknown', 'wasm32-wasip1'];
const CARGO_DENY_VERSION = '0.20.2';
const MDBOOK_VERSION = '0.5.4';
/** Where compiled tools are stored. */
const CACHE = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'bargate');

export async function setup() {
  await installToolchain();
  const sysroot = checkMachine();
  await installRustComponents(sysroot);
  // The one waits for the network, the other computes.
  await Promise.all([
    installPackages(),
    installCargoTool('bargate-bindgen', lockedVersion('wasm-bindgen'), TOOLS.bindgen, ['--path', join(ROOT, 'tools')]),
  ]);
}

/** Installs the tool that knows of vulnerabilities of crates. */
export function provideCargoDeny() {
  return installCargoTool('cargo-deny', CARGO_DENY_VERSION, TOOLS.cargoDeny, [
    'cargo-deny',
    '--version',
    CARGO_DENY_VERSION,
  ]);
}

/** Installs the program that makes a site of the documents, with the search and without the server. */
export function provideMdbook() {
  const features = ['--no-default-features', '--features', 'search'];
  return installCargoTool('mdbook', MDBOOK_VERSION, TOOLS.mdbook, ['mdbook', '--version', MDBOOK_VERSION, ...features]);
}

/**
 * Installs the toolchain that rust-toolchain.toml names, if rustup is there and the toolchain is not. Left to itself rustup would
 * do so without a word at the next call of `cargo`, or refuse to. A Rust from another source keeps its own version.
 */
async function installToolchain() {
  const present = outputOf('rustup', ['toolchain', 'list']);
  const { channel, components, targets } = wantedToolchain();
  if (present === undefined || present.split('\n').some((name) => name.startsWith(`${channel}-`))) return;
  const parts = [
    ...components.flatMap((name) => ['--component', name]),
    ...targets.flatMap((name) => ['--target', name]),
  ];
  await timed(`setup: rustup toolchain install ${channel}`, 60, () =>
    run('rustup', ['toolchain', 'install', channel, '--profile', 'minimal', '--no-self-update', ...parts], {
      failure: `Rust ${channel} could not be installed: the lines above say why`,
    }),
  );
}

/** Reads rust-toolchain.toml. */
function wantedToolchain() {
  const text = readProjectFile('rust-toolchain.toml');
  const textOf = (key) => new RegExp(`^${key} = (.+)$`, 'm').exec(text)?.[1] ?? '[]';
  return {
    channel: JSON.parse(textOf('channel')),
    components: JSON.parse(textOf('components')),
    targets: JSON.parse(textOf('targets')),
  };
}

/** Checks for what set-up cannot install itself, and returns the Rust sysroot. */
function checkMachine() {
  if (Number(process.versions.node.split('.')[0]) < NODE_MIN_MAJOR) {
    const remedy = `install version ${NODE_MIN_MAJOR} or later from https://nodejs.org/`;
    throw new Failure(`Node.js ${process.versions.node} is too old: ${remedy}`);
  }
  const sysroot = outputOf('rustc', ['--print', 'sysroot']);
  if (!sysroot || !outputOf('cargo', ['--version'])) {
    throw new Failure('Rust is missing: install it with rustup, see https://rustup.rs/');
  }
  const wanted = /^rust-version\s*=\s*"([^"]+)"/m.exec(readProjectFile('Cargo.toml'))?.[1];
  const present = /^rustc (\d+\.\d+)/.exec(outputOf('rustc', ['--version']) ?? '')?.[1];
  if (wanted && present && isOlder(present, wanted)) {
    throw new Failure(`Rust ${present} is too old: version ${wanted} or later is needed, run: rustup update stable`);
  }
  return sysroot;
}

function isOlder(version, wanted) {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor] = wanted.split('.').map(Number);
  return major < wantedMajor || (major === wantedMajor && minor < wantedMinor);
}

async function installRustComponents(sysroot) {
  const components = [
    ...WASM_TARGETS.map((target) => ({ path: join('lib', 'rustlib', target), command: ['target', 'add', target] })),
    { path: join('bin', 'rustfmt'), command: ['component', 'add', 'rustfmt'] },
    { path: join('bin', 'cargo-clippy'), command: ['component', 'add', 'clippy'] },
  ];
  for (const { path, command } of components) {
    if (existsSync(join(sysroot, path))) continue;
    const line = `rustup ${command.join(' ')}`;
    await timed(`setup: ${line}`, 20, () =>
      run('rustup', command, {
        failure: `"${line}" failed: Rust's ${command.at(-1)} is needed, and rustup installs it`,
      }),
    );
  }
}

async function installPackages() {
  if (packagesAreInstalled()) return;
  if (!outputOf('npm', ['--version']))
    throw new Failure('npm is missing: it comes with Node.js, see https://nodejs.org/');
  await timed('setup: npm ci', 30, () =>
    run('npm', ['ci', '--loglevel=error'], { failure: '"npm ci" failed: the lines above say why' }),
  );
  // To npm the packages of all platforms are optional, and so is the one that is needed.
  if (!existsSync(TOOLS.node)) {
    throw new Failure(
      `npm has installed no Node.js for ${process.platform} ${process.arch}: package.json has the platforms`,
    );
  }
}

/** Checks whether node_modules has exactly what package-lock.json requires, by npm's own record of what it installed. */
function packagesAreInstalled() {
  const record = join('node_modules', '.package-lock.json');
  if (!existsSync(join(ROOT, record)) || !existsSync(TOOLS.node)) return false;
  const wanted = JSON.parse(readProjectFile('package-lock.json')).packages;
  const present = JSON.parse(readProjectFile(record)).packages;
  return (
    Object.keys(present).every((path) => path in wanted) &&
    Object.entries(wanted).every(
      ([path, { version, optional }]) => path === '' || (present[path] ? present[path].version === version : optional),
    )
  );
}

/**
 * Installs a tool, with all that it is made of as its lock file has it, if it is not there in this version. It is compiled once for
 * all clones of a user: a folder of the user's cache has it, by all that it is made of.
 */
async function installCargoTool(name, version, program, source) {
  const isVersion = (file) =>
    existsSync(file) && outputOf(file, ['--version'])?.split(' ').at(-1)?.replace(/^v/, '') === version;
  if (isVersion(program)) return;
  const root = join(CACHE, `${name}-${version}-${digestOf(source)}`);
  const compiled = join(root, 'bin', name);
  if (!isVersion(compiled)) await compileCargoTool(name, version, root, source);
  if (!isVersion(compiled))
    throw new Failure(
      `what was installed is not ${name} ${version}: tools/Cargo.toml is to name the version of Cargo.lock`,
    );
  mkdirSync(dirname(program), { recursive: true });
  copyFileSync(compiled, program);
}

async function compileCargoTool(name, version, root, source) {
  if (!outputOf('cc', ['--version'])) {
    throw new Failure('a C compiler is missing: install one, on Debian with "apt-get install build-essential"');
  }
  const built = join(ROOT, '.tools', 'target');
  const where = ['--root', root, '--target-dir', built];
  await timed(`setup: ${name} ${version}, compiled once`, 150, () =>
    run('cargo', ['install', '--quiet', '--debug', '--locked', '--force', ...where, ...source], {
      // Nobody debugs it.
      env: { ...process.env, CARGO_PROFILE_DEV_DEBUG: '0' },
      failure: `${name} ${version} could not be installed: the lines above say why`,
    }),
  );
  rmSync(built, { recursive: true, force: true });
}

/** A digest of what a tool is made of: where it comes from, what tools/ pins, and the machine that it is for. */
function digestOf(source) {
  const pinned = source.includes('--path')
    ? ['Cargo.toml', 'Cargo.lock', 'bindgen.rs'].map((name) => readProjectFile(join('tools', name)))
    : source;
  return createHash('sha256')
    .update(JSON.stringify([process.platform, process.arch, pinned]))
    .digest('hex')
    .slice(0, 16);
}

function lockedVersion(crate) {
  if (!existsSync(join(ROOT, 'Cargo.lock'))) throw new Failure('Cargo.lock is missing: run "cargo generate-lockfile"');
  const entry = new RegExp(`name = "${crate}"\\r?\\nversion = "([^"]+)"`);
  const version = entry.exec(readProjectFile('Cargo.lock'))?.[1];
  if (!version) throw new Failure(`Cargo.lock does not name ${crate}: run "cargo generate-lockfile"`);
  return version;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(setup);
