// `npm create bargate@latest my-gateway`: makes a project with a gateway, and installs what it needs. The questions, and which answers
// are right, are those of `bargate init`.

import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Failure } from '../../dev/failure.mjs';
import { needsOwnTenant, projectFiles } from './project.mjs';

const DEFAULT_NAME = 'my-gateway';
/** What a Worker may be called: it is a label of its host's name. */
const NAME = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
/** In the folder for as long as files are being written. */
const UNFINISHED = '.create-bargate-unfinished';
/** The status of a command that Ctrl-C has ended. */
const INTERRUPTED = 130;
/** What wrangler needs, which runs and deploys the gateway. */
const WRANGLER_NODE = [22, 12];
const USAGE = `Makes a project with a Bargate gateway.

  npm create bargate@latest [FOLDER] -- [flags]

  --provider NAME    where people log in: auth0, oidc (any OpenID Connect provider), keycloak, okta and so on
  --mode MODE        who holds the tokens of a login: session (the gateway) or tokens (the page)
  --mcp              for MCP servers, whose clients log in by themselves
  --tenant TENANT    Auth0's domain, or the issuer's URL
  --audience ID      the identifier of your API at the provider
  --upstream URL     the address of your API
  --port PORT        where the gateway listens in local runs
  --yes, -y          asks nothing, and takes an example for what no flag says
  --no-install       does not install packages

It asks for what no flag says.`;

const ANSWERS = ['provider', 'mode', 'tenant', 'audience', 'upstream', 'port'];

function readArguments(args) {
  /** @type {Record<string, import('node:util').ParseArgsOptionDescriptor>} */
  const answers = Object.fromEntries(ANSWERS.map((name) => [name, { type: 'string' }]));
  try {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      allowNegative: true,
      options: {
        ...answers,
        mcp: { type: 'boolean', default: false },
        yes: { type: 'boolean', short: 'y', default: false },
        install: { type: 'boolean', default: true },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (positionals.length > 1) throw new Failure(`one folder is made at a time, and not ${positionals.join(', ')}`);
    return { values, folder: positionals[0] };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${error.message.split('. ')[0]}; npm create bargate@latest -- --help lists the flags`);
  }
}

/** Returns the folder's name as it is given, or answered. */
async function askFolder({ yes }) {
  if (yes) return DEFAULT_NAME;
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new Failure(`the folder is missing: npm create bargate@latest ${DEFAULT_NAME}`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise((resolve) => terminal.once('close', () => resolve(undefined)));
  const answer = await Promise.race([terminal.question(`The folder of the project? (${DEFAULT_NAME}) `), closed]);
  terminal.close();
  if (answer === undefined) throw new Failure('a question was not answered; nothing is written');
  return answer.trim() || DEFAULT_NAME;
}

/** Returns what may become of an error of the file system, in one line. */
const because = (error) => error.message.replace(/^\w+: /, '').replace(/, \w+ .*$/s, '');

/** Whether there is anything at a path: a link that leads nowhere is something. */
const isTaken = (path) => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

/** Returns the absolute path of a folder that is given, and the one from here, which is empty for this folder. */
function placeOf(given) {
  try {
    return { root: resolve(given), path: relative('', given) };
  } catch (error) {
    if (error.code !== 'ENOENT') throw error;
    throw new Failure('the current folder is gone: change into one that is there, and run this again');
  }
}

/** Throws if a project cannot be made in this folder; nothing is written. */
function checkFolder(root, shown) {
  const name = basename(root);
  if (!NAME.test(name))
    throw new Failure(
      `${JSON.stringify(name)} cannot be the name of a Worker: take up to 63 lower-case letters, digits and dashes, as in ${DEFAULT_NAME}`,
    );
  const there = entriesOf(root, shown);
  if (there.includes(UNFINISHED))
    throw new Failure(
      `${shown} holds a project that is half-written, because an earlier run was interrupted: remove the folder, and run this again`,
    );
  if (there.some((entry) => entry !== '.git'))
    throw new Failure(
      `${shown} is not empty, and nothing in it is overwritten: choose another name, or an empty folder`,
    );
}

/** Returns what is in the folder of the project, as far as there is one; throws if something else has its place. */
function entriesOf(root, shown) {
  try {
    if (!isTaken(root)) {
      checkAbove(root, shown);
      return [];
    }
    const stats = statSync(root, { throwIfNoEntry: false });
    if (!stats) throw new Failure(`${shown} is a link that leads nowhere: choose another name, or remove it`);
    if (!stats.isDirectory()) throw new Failure(`${shown} is a file: choose another name`);
    return readdirSync(root);
  } catch (error) {
    if (error instanceof Failure) throw error;
    if (error.code === 'ENOTDIR') throw belowFile(shown);
    throw new Failure(`${shown} cannot be read: ${because(error)}`);
  }
}

const belowFile = (shown) => new Failure(`${shown} would be below a file: choose another folder`);

/** Throws if what is to be above the folder is no folder. */
function checkAbove(root, shown) {
  for (let [path, above] = ['', dirname(root)]; above !== path; [path, above] = [above, dirname(above)]) {
    const stats = statSync(above, { throwIfNoEntry: false });
    if (stats?.isDirectory()) return;
    if (stats) throw belowFile(shown);
  }
}

/** Asks what no flag says, and returns what `bargate init` makes of it. */
function askInit(values) {
  const folder = dirname(createRequire(import.meta.url).resolve('bargate/package.json'));
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  const flags = ANSWERS.flatMap((name) => (values[name] === undefined ? [] : [`--${name}`, values[name]]));
  const switches = ['mcp', 'yes'].filter((name) => values[name]).map((name) => `--${name}`);
  const { status, stdout } = spawnSync(
    process.execPath,
    [join(folder, bin.bargate), 'init', '--format', 'json', ...flags, ...switches],
    { stdio: ['inherit', 'pipe', 'inherit'], encoding: 'utf8' },
  );
  // It has said why.
  if (status !== 0) process.exit(status || 1);
  return JSON.parse(stdout);
}

/** Writes all files, or none. */
function write(root, shown, files) {
  /** The first folder that had to be made. */
  let folder;
  const made = [];
  try {
    folder = mkdirSync(root, { recursive: true });
    writeFileSync(join(root, UNFINISHED), '');
    for (const [name, text] of Object.entries(files)) {
      const path = join(root, name);
      mkdirSync(dirname(path), { recursive: true });
      made.push(name.split('/')[0]);
      writeFileSync(path, text, { flag: 'wx' });
    }
    rmSync(join(root, UNFINISHED));
  } catch (error) {
    const left = folder ? [folder] : [...made, UNFINISHED].map((name) => join(root, name));
    for (const path of left) rmSync(path, { recursive: true, force: true });
    throw new Failure(`${shown} cannot be written: ${because(error)}`);
  }
}

/** Returns the package manager by which this was called. */
export function packageManager(agent = process.env.npm_config_user_agent ?? '') {
  const [name] = /^(?:pnpm|yarn|bun)(?=\/)/.exec(agent) ?? ['npm'];
  return name;
}

/** Installs the packages, and returns the status of that. */
function install(root, manager) {
  const quiet = manager === 'npm' ? ['--no-audit', '--no-fund'] : [];
  // Ctrl-C ends the package manager; what stands is still to be said.
  const goOn = () => {};
  process.on('SIGINT', goOn);
  const { status, signal } = spawnSync(manager, ['install', ...quiet], {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    // On Windows they are scripts of the shell.
    shell: process.platform === 'win32',
  });
  process.off('SIGINT', goOn);
  return signal === 'SIGINT' ? INTERRUPTED : status;
}

async function create(args) {
  const { values, folder } = readArguments(args);
  if (values.help) return console.log(USAGE);
  const given = folder ?? (await askFolder(values));
  if (given === '')
    throw new Failure(`the folder's name is empty: npm create bargate@latest ${DEFAULT_NAME}, or . for this folder`);
  const { root, path } = placeOf(given);
  const shown = path || 'this folder';
  checkFolder(root, shown);
  const version = JSON.parse(readFileSync(fileURLToPath(new URL('package.json', import.meta.url)), 'utf8')).version;
  const document = askInit(values);
  write(root, shown, projectFiles(document, { name: basename(root), version }));
  console.log(`${shown}: written.`);

  const manager = packageManager();
  const status = values.install ? install(root, manager) : undefined;
  if (values.install && status !== 0) {
    const command = `${path ? `cd ${given} && ` : ''}${manager} install`;
    if (status === INTERRUPTED) process.exitCode = INTERRUPTED;
    throw new Failure(
      status === INTERRUPTED
        ? `"${manager} install" was interrupted. The project is complete: to go on, run ${command}`
        : `"${manager} install" failed, as the lines above say. The project is complete: once that is mended, run ${command}`,
    );
  }
  const steps = [
    ...(path ? [`cd ${given}`] : []),
    ...(status === 0 ? [] : [`${manager} install`]),
    ...(needsOwnTenant(document)
      ? [
          'cp .dev.vars.example .dev.vars, and fill it in as README.md says',
          // The others hand over every word.
          `${manager} run dev ${manager === 'npm' ? '-- ' : ''}--own-tenant`,
        ]
      : [`${manager} run dev`]),
  ];
  console.log(`\nThen:\n\n${steps.map((step) => `  ${step}`).join('\n')}\n`);
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < WRANGLER_NODE[0] || (major === WRANGLER_NODE[0] && minor < WRANGLER_NODE[1]))
    console.log(
      `Node.js ${process.versions.node} is too old for wrangler, which runs the gateway: install version ${WRANGLER_NODE.join('.')} or later first.`,
    );
}

/** Runs the command with these arguments. */
export async function main(args) {
  try {
    await create(args);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    console.error(error.message);
    process.exitCode ??= 1;
  }
}
