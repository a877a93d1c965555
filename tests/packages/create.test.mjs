// create-bargate where something is wrong: one line that says what to do, and nothing is overwritten or left behind.

import assert from 'node:assert/strict';
import { access, chmod, mkdir, readFile, readdir, readlink, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { startMachine } from './support/machine.mjs';

const NOBODY = 65_534;

let machine;
let folder;

before(async () => {
  machine = await startMachine({ isOffline: true });
  // Makes the packages of dist/ known, as `npm create` does, and runs what it would.
  const made = await machine.run('npm', ['install', '--no-save', '--prefix', 'tool', 'create-bargate']);
  assert.equal(made.status, 0, made.stdout + made.stderr);
  folder = machine.directory;
});

after(() => machine?.close());

const bin = () => join(machine.directory, 'tool/node_modules/create-bargate/bin.mjs');
/** Runs the command with these arguments. */
const create = (args, options = {}) => machine.run('node', [bin(), ...args], options);

/** Asserts that it said this in one line, and ended with this status. */
function assertTold({ status, stdout, stderr }, words, expected = 1) {
  assert.match(stderr, words);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.equal(stdout, '');
  assert.equal(status, expected);
}

test('a project is made of the answers, each of them a flag', async () => {
  const flags = ['--provider', 'keycloak', '--tenant', 'https://id.example.com/realms/a', '--port', '8800', '--yes'];
  const made = await create(['keycloaked', '--no-install', ...flags]);
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^keycloaked: written\.\n\nThen:\n\n {2}cd keycloaked\n {2}npm install\n {2}npm run dev\n/);
  const read = (name) => readFile(join(folder, 'keycloaked', name), 'utf8');
  assert.match(await read('wrangler.toml'), /^ISSUER = "https:\/\/id\.example\.com\/realms\/a"$/m);
  assert.match(await read('.dev.vars.example'), /^REDIRECT_URI=http:\/\/127\.0\.0\.1:8800\/auth\/callback$/m);
  assert.match(await read('public/paths.js'), /login: '\/auth\/login'/);
  assert.equal(JSON.parse(await read('package.json')).name, 'keycloaked');
});

test('a provider that no local one can take the place of is told as such', async () => {
  for (const [provider, isOwn] of /** @type {[string, boolean][]} */ ([
    ['google', true],
    ['apple', true],
    ['entra-id-organizations', true],
    ['keycloak', false],
    ['auth0', false],
  ])) {
    const made = await create([`at-${provider}`, '--no-install', '--yes', '--provider', provider]);
    assert.equal(made.status, 0, made.stderr);
    const read = (name) => readFile(join(folder, `at-${provider}`, name), 'utf8');
    const last = isOwn ? 'npm run dev -- --own-tenant' : 'npm run dev';
    assert.ok(made.stdout.trimEnd().endsWith(`\n  ${last}`), made.stdout);
    const readme = await read('README.md');
    assert.ok(readme.includes(`npm install\n${last}\n`), readme);
    assert.equal(/no\saccount|any e-mail address/.test(readme), !isOwn, provider);
    assert.equal((await read('.dev.vars.example')).includes('The local tenant needs no such file'), !isOwn, provider);
  }
});

test('the review of a project installs what the lock of the base branch has, and without a lock what package.json asks for', async () => {
  assert.equal((await create(['reviewed/base', '--no-install', '--yes'])).status, 0);
  const root = join(folder, 'reviewed');
  const workflow = await readFile(join(root, 'base/.github/workflows/review.yml'), 'utf8');
  const [, script] = /Install the tool of the base branch\n {8}run: \|\n((?: {10}.*\n)+)/.exec(workflow) ?? [];
  const install = async () => {
    await rm(join(root, 'tool'), { recursive: true, force: true });
    const more = { GITHUB_PATH: join(root, 'path'), PATH: `${machine.env.PATH}:${process.env.PATH}` };
    return machine.run('sh', ['-ec', script], { cwd: root, more });
  };
  const bargate = join(root, 'tool/node_modules/.bin/bargate');

  const byRange = await install();
  assert.equal(byRange.status, 0, byRange.stderr);
  await access(bargate);

  // The registry of this test has none of the packages that only run the project.
  const lock = JSON.parse(await readFile(join(folder, 'tool/node_modules/.package-lock.json'), 'utf8'));
  const manifest = JSON.parse(await readFile(join(root, 'base/package.json'), 'utf8'));
  delete manifest.devDependencies;
  const { 'node_modules/bargate': locked } = lock.packages;
  const write = (name, value) => writeFile(join(root, 'base', name), JSON.stringify(value));
  const lockOf = (entry) => ({
    lockfileVersion: 3,
    packages: { '': manifest, 'node_modules/bargate': entry },
  });
  await write('package.json', manifest);
  await write('package-lock.json', lockOf(locked));
  const byLock = await install();
  assert.equal(byLock.status, 0, byLock.stderr);
  await access(bargate);

  await write('package-lock.json', lockOf({ ...locked, integrity: `sha512-${'A'.repeat(86)}==` }));
  const other = await install();
  assert.notEqual(other.status, 0);
  assert.match(other.stderr, /EINTEGRITY/);
});

test('a page that holds its tokens gets the client for that, and a gateway without logins no page', async () => {
  assert.equal((await create(['with-tokens', '--no-install', '--yes', '--mode', 'tokens'])).status, 0);
  assert.ok((await readdir(join(folder, 'with-tokens/public'))).includes('token-client.js'));
  assert.equal((await create(['without-logins', '--no-install', '--yes', '--provider', 'firebase'])).status, 0);
  const files = await readdir(join(folder, 'without-logins'));
  assert.ok(!files.includes('public'), files.join(' '));
  assert.doesNotMatch(await readFile(join(folder, 'without-logins/wrangler.toml'), 'utf8'), /assets/);
});

test('a gateway for MCP servers has no page, and is what its provider needs', async () => {
  for (const [provider, tenant, more] of [
    [undefined, 'https://id.example.com/', []],
    ['auth0', 'tenant.eu.auth0.com', []],
    ['cognito', 'https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_EXAMPLE', []],
    ['entra-id', 'https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0', ['--audience', 'api']],
  ]) {
    const name = `mcp-${provider ?? 'oidc'}`;
    const of = provider ? ['--provider', provider] : [];
    const made = await create([
      name,
      '--no-install',
      '--yes',
      '--mcp',
      ...of,
      '--tenant',
      tenant,
      '--upstream',
      'https://orders.example.com',
      ...more,
    ]);
    assert.equal(made.status, 0, made.stderr);
    const project = join(folder, name);
    assert.ok(!(await readdir(project)).includes('public'), name);
    const config = JSON.parse(await readFile(join(project, 'gateway.config.json'), 'utf8'));
    const servers = config.paths.filter(({ mcp }) => mcp);
    assert.ok(servers.length > 0 && servers.every(({ protected_resource }) => protected_resource), name);
    assert.equal('authorization_server' in config, provider !== undefined, `${name}: who registers the clients`);
  }
  assertTold(
    await create(['mcp-okta', '--no-install', '--yes', '--mcp', '--provider', 'okta']),
    /^error: --mcp: there is no such config for okta; begin with --provider oidc, or take one of: /,
    2,
  );
});

test('what a folder has is left as it is', async () => {
  await mkdir(join(folder, 'taken'));
  await writeFile(join(folder, 'taken/notes.txt'), 'mine');
  assertTold(
    await create(['taken', '--yes']),
    /^taken is not empty, and nothing in it is overwritten: choose another name/,
  );
  assert.deepEqual(await readdir(join(folder, 'taken')), ['notes.txt']);

  await writeFile(join(folder, 'a-file'), 'mine');
  assertTold(await create(['a-file', '--yes']), /^a-file is a file: choose another name$/m);
});

test('what cannot be a folder is told in one line, and is left as it is', async () => {
  await writeFile(join(folder, 'file'), 'mine');
  await symlink('/nonexistent/x', join(folder, 'dangling'));
  const table = [
    ['dangling', /^dangling is a link that leads nowhere: choose another name, or remove it$/m],
    ['file/sub', /^file\/sub would be below a file: choose another folder$/m],
    ['file/sub/deeper', /^file\/sub\/deeper would be below a file: choose another folder$/m],
    ['/dev/null/x', /dev\/null\/x would be below a file: choose another folder$/m],
    ['', /^the folder's name is empty: npm create bargate@latest my-gateway, or \. for this folder$/m],
  ];
  const before = await readdir(folder);
  for (const [name, words] of /** @type {[string, RegExp][]} */ (table))
    assertTold(await create([name, '--yes', '--no-install']), words);
  assert.deepEqual(await readdir(folder), before);
  assert.equal(await readFile(join(folder, 'file'), 'utf8'), 'mine');
  assert.equal(await readlink(join(folder, 'dangling')), '/nonexistent/x');
});

test('a current folder that is gone is told in one line', async () => {
  const command = `mkdir gone && cd gone && node -e 'fs.rmdirSync(process.cwd())' && exec node '${bin()}' x --yes --no-install`;
  assertTold(await machine.run('sh', ['-c', command]), /^the current folder is gone: change into one that is there/);
});

test('an empty folder is taken, and so is one that git has begun', async () => {
  await mkdir(join(folder, 'begun/.git'), { recursive: true });
  const made = await create(['.', '--no-install', '--yes'], { cwd: join(folder, 'begun') });
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^this folder: written\.\n\nThen:\n\n {2}npm install\n/);
});

test('a project that an interrupted run has left half-written is named as such', async () => {
  await mkdir(join(folder, 'halved'));
  await writeFile(join(folder, 'halved/.create-bargate-unfinished'), '');
  await writeFile(join(folder, 'halved/package.json'), '{}');
  assertTold(
    await create(['halved', '--yes']),
    /^halved holds a project that is half-written.*: remove the folder, and run this again$/m,
  );
});

test('a name that no Worker may have is refused before anything is asked', async () => {
  for (const name of ['My_Gateway', '-gateway', 'gateway-', 'a'.repeat(64), 'gäteway', 'a b'])
    assertTold(
      await create([`./${name}`, '--yes']),
      /cannot be the name of a Worker: take up to 63 lower-case letters, digits and dashes/,
    );
  assert.equal((await create(['a'.repeat(63), '--yes', '--no-install'])).status, 0);
});

test('wrong flags and answers are told with the flag', async () => {
  const table = [
    [['one', 'two', '--yes'], /^one folder is made at a time, and not one, two$/, 1],
    [['one', '--teant', 'x'], /^Unknown option '--teant'; npm create bargate@latest -- --help lists the flags$/, 1],
    [['one', '--yes', '--provider', 'nobody'], /invalid value 'nobody' for '--provider <NAME>'/, 2],
    [['one', '--yes', '--tenant', 'https://'], /--tenant "https:\/\/"/, 2],
    [[], /^the folder is missing: npm create bargate@latest my-gateway$/, 1],
    [['one'], /missing, and there is no terminal to ask at: --tenant, --audience, --upstream, --mode/, 2],
  ];
  for (const [args, words, status] of /** @type {[string[], RegExp, number][]} */ (table)) {
    const told = await create(args);
    assert.match(told.stderr.trimEnd(), words, args.join(' '));
    assert.doesNotMatch(told.stderr, /^\s+at /m);
    assert.equal(told.status, status, args.join(' '));
    assert.equal(told.stdout, '');
  }
  assert.ok(!(await readdir(folder)).includes('one'));
});

test('a folder that nobody may write into is told, and nothing is left', async () => {
  const closed = join(folder, 'closed');
  await mkdir(closed);
  await chmod(folder, 0o755);
  await chmod(closed, 0o555);
  const isRoot = process.getuid?.() === 0;
  const told = await create([join(closed, 'gateway'), '--yes'], isRoot ? { uid: NOBODY } : {});
  assertTold(told, /closed\/gateway cannot be written: permission denied$/m);
  assert.deepEqual(await readdir(closed), []);
});

test('without a network the project stands, and the line says how to go on', async () => {
  const made = await create(['alone', '--yes']);
  assert.equal(made.status, 1);
  assert.match(
    made.stderr,
    /"npm install" failed.*The project is complete: once that is mended, run cd alone && npm install\n$/,
  );
  assert.ok((await readdir(join(folder, 'alone'))).includes('gateway.config.json'));
});

test('Ctrl-C while the packages are installed leaves the project, and the line says how to go on', async () => {
  const programs = join(folder, 'interrupting');
  await mkdir(programs);
  // What a terminal does: it interrupts both.
  await writeFile(join(programs, 'npm'), '#!/bin/sh\nkill -INT $PPID\nkill -INT $$\n', { mode: 0o755 });
  const made = await create(['stopped', '--yes'], { more: { PATH: `${programs}:${machine.env.PATH}` } });
  assertTold(
    { ...made, stdout: made.stdout.replace('stopped: written.\n', '') },
    /^"npm install" was interrupted\. The project is complete: to go on, run cd stopped && npm install$/m,
    130,
  );
  assert.ok((await readdir(join(folder, 'stopped'))).includes('gateway.config.json'));
});

test('each package manager installs with what it was called by', async () => {
  for (const manager of ['pnpm', 'yarn', 'bun']) {
    const made = await create([`by-${manager}`, '--yes', '--no-install'], {
      more: { npm_config_user_agent: `${manager}/9.1.0 npm/? node/v22.12.0 linux x64` },
    });
    assert.match(made.stdout, new RegExp(`\\n {2}${manager} install\\n {2}${manager} run dev\\n`));
  }
});

test('an old Node.js gets one line', async () => {
  const old = join(folder, 'old.mjs');
  await writeFile(old, "Object.defineProperty(process.versions, 'node', { value: '18.20.1' });\n");
  const bins = [
    ['create-bargate', /^Node\.js 18\.20\.1 is too old: version 20 or later is needed$/],
    [
      'bargate-dev',
      /^Node\.js 18\.20\.1 is too old for wrangler, which runs the gateway: version 22\.12 or later is needed$/,
    ],
  ];
  for (const [name, words] of /** @type {[string, RegExp][]} */ (bins)) {
    const bin = join(import.meta.dirname, '../../packages', name, 'bin.mjs');
    const told = await machine.run('node', ['--import', old, bin]);
    assert.match(told.stderr.trimEnd(), words);
    assert.equal(told.status, 1);
  }
});
