// A project of the packages as they would be published, by someone who has Node.js and nothing to compile with: made, run, used in a
// browser, broken, mended, and deployed as far as that goes without an account.

import assert from 'node:assert/strict';
import { access, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { GOES_BY_FILES, GOES_ON } from '../../dev/runner.mjs';
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
  root = join(machine.directory, 'my-gateway');
  await access(file('node_modules/bargate/package.json'));
  console.log(`made and installed ${since()}`);
});

test('the last command starts a gateway, at which one logs in without any account', async () => {
  const ports = [await freePort(), await freePort(), await freePort()];
  origin = `http://127.0.0.1:${ports[0]}`;
  const flags = ['--port', ports[0], '--tenant-port', ports[1], '--api-port', ports[2]];
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

test('at its end it takes along what it has started and written', async () => {
  await dev.end();
  await assert.rejects(fetch(origin));
  for (const made of ['wrangler.dev.json', '.wrangler/bargate-dev']) await assert.rejects(access(file(made)), made);
});
