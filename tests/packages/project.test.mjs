// A project of the packages as they would be published, by someone who has Node.js and nothing to compile with: made, run, used in a
// browser, broken, mended, and deployed as far as that goes without an account.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { access, cp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GOES_BY_FILES, GOES_ON, STARTS_AGAIN } from '../../dev/runner.mjs';
import { startTenant } from '../../dev/tenant.mjs';
import { launchChromium } from '../e2e/support/chromium.mjs';
import { freePort } from '../e2e/support/harness.mjs';
import { startProgram } from '../e2e/support/project-copy.mjs';
import { commandsOf, firstBlockOf } from './support/documents.mjs';
import { startMachine } from './support/machine.mjs';

const CONFIG = 'gateway.config.json';
/** What a newcomer types, as the README has it. */
const [CREATE, ENTER, DEV] = commandsOf('README.md', 'Quick start');

let machine;
let browser;
let page;
let dev;
let root;
let origin;
let startedAt;
let config;

const file = (name) => join(root, name);
const since = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s after the start`;

before(async () => {
  browser = await launchChromium();
  machine = await startMachine();
});

after(async () => {
  await dev?.end();
  await browser?.close();
  await machine?.close();
});

test('the documents begin with these commands', () => {
  assert.equal(firstBlockOf('README.md'), CREATE);
  assert.deepEqual(commandsOf('docs/quick-start.md', '1. Make a gateway'), [CREATE, ENTER, DEV]);
});

test('the first command makes a project, with Enter at each question, and installs what it needs', async () => {
  startedAt = Date.now();
  const made = await machine.answer(CREATE);
  assert.equal(made.status, 0, made.output);
  assert.match(made.output, /my-gateway: written\.[\s\S]*Then:\s+cd my-gateway\s+npm run dev/);
  assert.equal(ENTER, 'cd my-gateway');
  // In the order in which the documents tell them.
  const questions = ['people log in', 'tenant', 'identifier', 'address', 'holds the tokens', 'port'].join('[\\s\\S]*');
  const guide = await readFile(new URL('../../docs/quick-start.md', import.meta.url), 'utf8');
  assert.match(made.output, new RegExp(questions));
  assert.match(
    guide.slice(guide.indexOf('The first command asks')).split('\n\n')[0].split(';')[0],
    new RegExp(questions),
  );
  root = join(machine.directory, 'my-gateway');
  await access(file('node_modules/bargate/package.json'));
  console.log(`made and installed ${since()}`);
});

test('the last command starts a gateway, at which one logs in without any account', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  origin = `http://127.0.0.1:${ports[0]}`;
  const flags = ['--port', ports[0], '--tenant-port', ports[1], '--api-port', ports[2]].map(String);
  const [program, ...args] = DEV.split(' ');
  dev = startProgram(join(machine.env.PATH, program), [...args, '--', ...flags], { cwd: root, env: machine.env });
  await dev.prints('Bargate is up.');
  page = await (await browser.newContext()).newPage();
  await page.goto(origin);
  await page.getByRole('link', { name: 'Log in' }).click();
  await page.getByLabel('E-mail address').fill('alice@example.com');
  await page.getByLabel('Password').fill('any');
  await page.getByRole('button', { name: 'Log in' }).click();
  await page.getByText(/^Logged in as /).waitFor();
  console.log(`logged in ${since()}`);
});

test('the page calls the API, and the gateway renews its token', async () => {
  await page.getByRole('button', { name: 'Call the API' }).click();
  await page.locator('#answer', { hasText: '"path": "/messages"' }).waitFor();
  await page.getByLabel('again every 5 seconds').check();
  await page.getByText('The gateway has renewed it').waitFor();
  await page.getByLabel('again every 5 seconds').uncheck();
});

test('a logout ends it', async () => {
  await page.getByRole('button', { name: 'Log out' }).click();
  await page.getByText('Nobody is logged in.').waitFor();
  assert.equal((await fetch(`${origin}/api/messages`)).status, 401);
});

test('a mistake in the config is told with its line and stops a deployment; the gateway goes on by the last good one', async () => {
  config = await readFile(file(CONFIG), 'utf8');
  const from = dev.output.length;
  await writeFile(file(CONFIG), config.replace('"paths"', '"pahts"'));
  const told = await dev.prints(GOES_ON, from);
  assert.match(dev.output.slice(from, told), /error\[unknown_key\]: unknown key "pahts"[\s\S]*did you mean "paths"\?/);
  assert.equal((await fetch(`${origin}/health`)).status, 200);

  const deployed = await machine.run('npx', ['wrangler', 'deploy', '--dry-run'], { cwd: root });
  assert.notEqual(deployed.status, 0);
  assert.match(deployed.stdout + deployed.stderr, /unknown key "pahts"[\s\S]*This is version [\d.]+ of bargate/);
});

test('once it is mended, the gateway goes by it, and a deployment lacks only what the provider gives', async () => {
  const from = dev.output.length;
  await writeFile(file(CONFIG), config);
  await dev.prints(GOES_BY_FILES, from);

  const lacking = await machine.run('npx', ['wrangler', 'deploy', '--dry-run'], { cwd: root });
  assert.notEqual(lacking.status, 0);
  assert.match(lacking.stdout + lacking.stderr, /the variable AUTH0_CLIENT_ID is missing or empty/);

  const wrangler = await readFile(file('wrangler.toml'), 'utf8');
  await writeFile(file('wrangler.toml'), wrangler.replace(/^# (AUTH0_\w+ = )/gm, '$1'));
  const complete = await machine.run('npx', ['wrangler', 'deploy', '--dry-run'], { cwd: root });
  assert.equal(complete.status, 0, complete.stdout + complete.stderr);
});

test('an error as the Worker is loaded is told, and the gateway starts again with the change that mends it', async () => {
  const good = await readFile(file('src/index.js'), 'utf8');
  const from = dev.output.length;
  await writeFile(file('src/index.js'), `${good}throw new Error('as it is loaded');\n`);
  const told = await dev.prints(STARTS_AGAIN, from);
  assert.match(dev.output.slice(from, told), /as it is loaded[\s\S]*the gateway ended by itself \(status 1\)/);

  await writeFile(file('src/index.js'), good);
  await dev.prints(GOES_BY_FILES, told);
  assert.equal((await fetch(`${origin}/health`)).status, 200);
});

test('at its end it takes along what it has started and written', async () => {
  await dev.end();
  await assert.rejects(fetch(origin));
  for (const made of ['wrangler.dev.json', '.wrangler/bargate-dev']) await assert.rejects(access(file(made)), made);
});

/** Changes a file for as long as something runs. */
async function changed(name, change, body) {
  const before = await readFile(file(name), 'utf8');
  await writeFile(file(name), change(before));
  try {
    return await body();
  } finally {
    await writeFile(file(name), before);
  }
}

/** Moves a file or folder away for as long as something runs. */
async function without(name, body) {
  await rename(file(name), file(`${name}.away`));
  try {
    return await body();
  } finally {
    await rename(file(`${name}.away`), file(name));
  }
}

const bargate = (...args) => machine.run('npx', ['--no', '--', 'bargate', ...args.map(String)], { cwd: root });

/** Asserts that it ended with one line. */
function assertLine({ status, stderr }, words, message) {
  assert.match(stderr, words, message);
  assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
  assert.notEqual(status, 0, message);
}

test('what keeps bargate dev from running is told in one line that says what to do', async () => {
  assertLine(await bargate('dev', '--prot', 1), /^Unknown option '--prot'; bargate dev --help lists the flags$/m);
  assertLine(await bargate('dev', '--port', 65_536), /^--port 65536: a port is a number from 1 to 65535$/m);
  assertLine(
    await bargate('dev', '--own-tenant'),
    /^there is no \.dev\.vars: copy \.dev\.vars\.example to \.dev\.vars, and fill in /,
  );

  for (const flag of ['--port', '--tenant-port'])
    assertLine(
      await bargate('dev', flag, 9500),
      new RegExp(`${flag}.* are both 9500: each needs a port of its own$`, 'm'),
    );

  const server = createServer();
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
  for (const flag of ['--port', '--tenant-port', '--api-port']) {
    const flags = {
      '--port': await freePort(),
      '--tenant-port': await freePort(),
      '--api-port': await freePort(),
      [flag]: port,
    };
    const words = new RegExp(
      `^port ${port} is in use \\(EADDRINUSE\\): .*choose another, as in: ${flag} ${port + 1}$`,
      'm',
    );
    assertLine(await bargate('dev', ...Object.entries(flags).flat()), words, flag);
  }
  server.close();

  const named = (text) => text.replace('$env.AUTH0_DOMAIN', 'shop.eu.auth0.com');
  const own = await changed(CONFIG, named, () => bargate('dev'));
  assertLine(own, /^authorizer\.domain is "shop\.eu\.auth0\.com" in the config itself: .*--own-tenant$/m);

  assertLine(
    await without(CONFIG, () => bargate('dev')),
    /^there is no gateway\.config\.json in .*npm create bargate@latest makes one$/m,
  );
  assertLine(await without('wrangler.toml', () => bargate('dev')), /^there is no wrangler\.toml in /);
  assertLine(
    await without('node_modules/wrangler', () => bargate('dev')),
    /^wrangler is not installed here: run npm install in /m,
  );
  assertLine(
    await without('node_modules/bargate-dev', () => bargate('dev')),
    /bargate-dev is not installed here: run npm install -D bargate-dev@/,
  );
});

test('its help has its flags', async () => {
  for (const args of [
    ['dev', '--help'],
    ['dev', '-h'],
    ['help', 'dev'],
  ]) {
    const { status, stdout } = await bargate(...args);
    assert.equal(status, 0);
    for (const flag of ['--own-tenant', '--port', '--tenant-port', '--api-port'])
      assert.match(stdout, new RegExp(`^ {2}${flag} .*\\w`, 'm'), args.join(' '));
  }
});

test('a mistake at the start is told, and nothing is left', async () => {
  const mistaken = (text) => text.replace('"paths"', '"pahts"');
  const told = await changed(CONFIG, mistaken, () => bargate('dev'));
  assert.match(told.stderr, /unknown key "pahts"[\s\S]*the lines above say what is wrong with gateway\.config\.json/);
  assert.notEqual(told.status, 0);
  await assert.rejects(access(file('wrangler.dev.json')));
});

test('two versions in one tree are told', async () => {
  const later = (text) => text.replace(/"version": ?"[^"]+"/, '"version": "9.9.9"');
  const dev = await changed('node_modules/bargate-dev/package.json', later, () => bargate('dev'));
  assertLine(dev, /this is bargate [\d.]+, and bargate-dev is 9\.9\.9: run npm install /);

  const other = join(machine.directory, 'other');
  await cp(file('node_modules/bargate'), other, { recursive: true });
  await writeFile(join(other, 'package.json'), later(await readFile(join(other, 'package.json'), 'utf8')));
  const { bin } = JSON.parse(await readFile(join(other, 'package.json'), 'utf8'));
  const build = await machine.run('node', [join(other, bin.bargate), 'build'], { cwd: root });
  assertLine(build, /this is bargate 9\.9\.9, and the Worker is made of bargate [\d.]+: run npm install/);
});

test('with --own-tenant the values of .dev.vars count', async (t) => {
  const [port, apiPort] = [await freePort(), await freePort()];
  const tenant = await startTenant({ redirectUris: [`http://127.0.0.1:${port}/api/auth0/callback`] });
  t.after(() => tenant.close());
  const values = (await readFile(file('.dev.vars.example'), 'utf8'))
    .replace(/^AUTH0_DOMAIN=.*$/m, `AUTH0_DOMAIN=${tenant.origin}`)
    .replace(/^AUTH0_REDIRECT_URI=.*$/m, `AUTH0_REDIRECT_URI=http://127.0.0.1:${port}/api/auth0/callback`)
    .replace(/^(AUTH0_CLIENT_\w+)=$/gm, '$1=of-my-own-tenant-and-long-enough');
  await writeFile(file('.dev.vars'), values);
  t.after(() => rm(file('.dev.vars')));
  const flags = ['--own-tenant', '--port', port, '--api-port', apiPort].map(String);
  const own = startProgram(join(machine.env.PATH, 'npm'), ['run', 'dev', '--', ...flags], {
    cwd: root,
    env: machine.env,
  });
  t.after(() => own.end());
  await own.prints('Bargate is up.');
  const login = await fetch(`http://127.0.0.1:${port}/api/auth0/login`, { redirect: 'manual' });
  assert.ok(login.headers.get('location').startsWith(`${tenant.origin}/authorize?`), login.headers.get('location'));
  assert.equal(await readFile(file('.dev.vars'), 'utf8'), values);
});
