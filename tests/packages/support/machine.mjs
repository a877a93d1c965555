// A machine of someone who has Node.js and nothing to compile with, as far as a PATH goes: the packages of dist/ can be had from a
// registry, and no cargo, rustc or cc is found.

import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, realpathSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify, stripVTControlCharacters } from 'node:util';
import { DIST, npmSetting, startRegistry } from '../../../scripts/registry.mjs';
import { TOOLS } from '../../../scripts/toolchain.mjs';

/** What npm, wrangler and `bargate build` call. */
const PROGRAMS = [
  'sh',
  'env',
  'ps',
  'ls',
  'cat',
  'uname',
  'mkdir',
  'dirname',
  'basename',
  'sed',
  'grep',
  'getconf',
  'ldd',
];
/** What stands before an open question of ours, and in npm's own. */
const QUESTION = /◆|Ok to proceed\?/;
/** How npm reaches a registry from here: settings that may be in a file of this machine, which npm does not look for from another folder. */
const REACHED_BY = ['cafile', 'https-proxy', 'proxy', 'noproxy', 'strict-ssl'];
/** What nobody needs who uses the packages. */
const COMPILERS = ['cargo', 'rustc', 'cc', 'gcc', 'clang', 'make'];

const find = (name) =>
  process.env.PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));

/** Makes the machine. `isOffline` leaves it without any package but those of dist/. */
export async function startMachine({ isOffline = false } = {}) {
  const directory = await mkdtemp(join(tmpdir(), 'bargate-packages-'));
  const bin = join(directory, 'bin');
  const home = join(directory, 'home');
  const cache = join(directory, 'cache');
  for (const folder of [bin, home, cache]) await mkdir(folder);
  // What npm has fetched is shared, and what `npm create` has installed is not: it would run packages of an earlier dist/.
  if (!isOffline) {
    const shared = join(npmSetting('cache'), '_cacache');
    // On a machine that has fetched nothing yet there is none.
    await mkdir(shared, { recursive: true });
    await symlink(shared, join(cache, '_cacache'));
  }
  await symlink(realpathSync(TOOLS.node), join(bin, 'node'));
  // Not one of node_modules/.bin: those of the machine, as they come with Node.js.
  for (const name of [...PROGRAMS, 'npm', 'npx']) {
    const path = find(name);
    if (path) await symlink(realpathSync(path), join(bin, name));
  }
  const upstream = isOffline ? undefined : npmSetting('registry');
  const registry = await startRegistry({ folder: process.env.BARGATE_DIST ?? DIST, upstream });
  const reached = REACHED_BY.map((name) => [name, npmSetting(name)]).filter(
    ([, value]) => !['', 'null', 'undefined'].includes(value),
  );
  const inherited = Object.entries(process.env).filter(([name]) => !/^(?:npm_|cargo|rust|bargate)/i.test(name));
  const env = {
    ...Object.fromEntries(inherited),
    ...Object.fromEntries(reached.map(([name, value]) => [`npm_config_${name.replace('-', '_')}`, value])),
    PATH: bin,
    HOME: home,
    CI: 'true',
    NO_COLOR: '1',
    npm_config_registry: `${registry.origin}/`,
    npm_config_cache: cache,
    npm_config_prefer_offline: 'true',
    npm_config_fetch_retries: '0',
    npm_config_update_notifier: 'false',
    WRANGLER_SEND_METRICS: 'false',
    WRANGLER_SEND_ERROR_REPORTS: 'false',
  };
  const isThere = (name) => spawnSync('sh', ['-c', `command -v ${name}`], { env }).status === 0;
  const found = COMPILERS.filter(isThere);
  if (found.length) throw new Error(`the PATH has ${found.join(', ')}`);
  return {
    directory,
    env,
    /** Runs a program to its end, and gives its status and what it printed. */
    async run(program, args, { cwd = directory, more = {}, ...options } = {}) {
      const { stdout, stderr, code } = await promisify(execFile)(join(bin, program), args, {
        cwd,
        env: { ...env, ...more },
        maxBuffer: 1 << 26,
        ...options,
      }).catch((error) => error);
      return { status: code ?? 0, stdout, stderr };
    },
    /** Runs a command at a terminal, where each question is answered by Enter, and gives its status and what it printed. */
    async answer(command, { cwd = directory } = {}) {
      const { CI, ...atTerminal } = env;
      const sized = `${find('stty')} cols 100 rows 40; ${command}`;
      const flags =
        process.platform === 'darwin' ? ['-q', '/dev/null', 'sh', '-c', sized] : ['-qefc', sized, '/dev/null'];
      const terminal = spawn(find('script'), flags, { cwd, env: atTerminal });
      let output = '';
      let answered = 0;
      terminal.stdout.setEncoding('utf8').on('data', (text) => {
        output += text;
        if (!QUESTION.test(output.slice(answered))) return;
        answered = output.length;
        terminal.stdin.write('\r');
      });
      const [status] = await once(terminal, 'close');
      return { status, output: stripVTControlCharacters(output).replaceAll('\r\n', '\n') };
    },
    async close() {
      await registry.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
