// `make dev`: a gateway that goes on whatever its files say meanwhile, and in the end goes by what they say.

import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { access, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { TOOLS } from '../../../scripts/toolchain.mjs';
import { buildBargate } from '../support/bargate.mjs';
import { PATIENCE_MS, freePort, until } from '../support/harness.mjs';
import { copyProject, startProgram } from '../support/project-copy.mjs';

const CHECK = 'build: checking gateway.config.json';
const GOES_ON = 'Until that is mended, the gateway goes on with what was built last.\n';

const run = promisify(execFile);

let directory;
let copy;
let dev;
let ports;
let origin;
let committed;

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bargate-'));
  const project = await copyProject(directory);
  copy = project.copy;
  committed = JSON.parse(await readFile(join(copy, 'gateway.config.json'), 'utf8'));
  ports = { GATEWAY_PORT: await freePort(), TENANT_PORT: await freePort(), API_PORT: await freePort() };
  origin = `http://127.0.0.1:${ports.GATEWAY_PORT}`;
  dev = startProgram(TOOLS.node, ['scripts/dev.mjs'], { cwd: copy, env: { ...project.env, ...ports } });
  await dev.prints('Bargate is up');
});

after(async () => {
  await dev?.end();
  if (directory) await rm(directory, { recursive: true, force: true });
});

const file = (name) => join(copy, name);

/**
 * The text of a config that answers its edition at /edition, and has more besides.
 * @param {number | string} number
 * @param {Record<string, any>} [more]
 */
const edition = (number, { paths = [], ...more } = {}) =>
  JSON.stringify(
    {
      ...committed,
      ...more,
      paths: [...committed.paths, { method: 'GET', path: '/edition', response: { edition: number } }, ...paths],
    },
    null,
    2,
  );

async function ask(path) {
  // An answer that does not come within this is one that never comes.
  const response = await fetch(new URL(path, origin), { signal: AbortSignal.timeout(PATIENCE_MS) });
  return { status: response.status, body: await response.json() };
}

/** Waits until the gateway goes by this edition of the config. */
const isInForce = (number) => until(async () => (await ask('/edition')).body.edition === number);

test('a request is logged once', async () => {
  const from = dev.output.length;
  for (let request = 0; request < 5; request += 1) assert.equal((await ask(`/health?n=${request}`)).status, 200);
  let at = from;
  for (let request = 0; request < 5; request += 1) at = await dev.prints('"route":"/health"', at);
  assert.doesNotMatch(dev.output.slice(from), /GET \/health/);
});

test("the demo's own token is explained as the gateway sees it, whatever the ports, by the words of the documents", async () => {
  const page = await readFile(file('docs/local-development.md'), 'utf8');
  const [line] = /^.*\| npx bargate token explain .*$/m.exec(page);
  const command = line.replace('npx bargate', 'bargate').replaceAll(':9400/', `:${ports.TENANT_PORT}/`);
  const PATH = `${dirname(await buildBargate())}${delimiter}${process.env.PATH}`;
  const { stdout } = await run('sh', ['-c', command], { cwd: copy, env: { ...process.env, PATH } });
  assert.match(stdout, /^Accepted/m);
  assert.match(stdout, /^Values +\.env\.local, \.env$/m);
});

test('what takes long is told: what it is, how long it took the last time, and how long this time', async () => {
  const from = dev.output.length;
  await writeFile(file('.tools/durations.json'), JSON.stringify({ [CHECK]: 135 }));
  await writeFile(file('gateway.config.json'), edition(0));
  await dev.prints(`${CHECK} … (2 min 15 s the last time)\n`, from);
  await dev.prints(`${CHECK}: done in `, from);
  await isInForce(0);
  assert.ok(JSON.parse(await readFile(file('.tools/durations.json'), 'utf8'))[CHECK] < 135);
});

test('a mistake in the config is told last, and the gateway goes on until it is mended', async () => {
  const before = dev.output.length;
  await writeFile(file('gateway.config.json'), edition(1));
  await isInForce(1);
  await dev.prints('Local server updated and ready', before);
  const from = dev.output.length;
  await writeFile(file('gateway.config.json'), edition(2).replace('"paths"', '"pahts"'));
  const told = await dev.prints(GOES_ON, from);
  assert.match(dev.output.slice(from, told), /error\[unknown_key\]: unknown key "pahts"[\s\S]*did you mean "paths"\?/);
  for (let request = 0; request < 3; request += 1) assert.equal((await ask('/edition')).body.edition, 1);
  // One write may be seen as two: the message then comes twice, and is the last again.
  const isRequest = (line) => !line || line.startsWith('{');
  await until(() => dev.output.split(GOES_ON).at(-1).split('\n').every(isRequest));

  await writeFile(file('gateway.config.json'), edition(3));
  await isInForce(3);
});

test('what is put in the place of the config right after another write is seen, however often', async () => {
  for (let number = 10; number < 16; number += 1) {
    await writeFile(file('gateway.config.json'), edition(`${number}, written`));
    await writeFile(file('gateway.config.json.new'), edition(`${number}, put`));
    await rename(file('gateway.config.json.new'), file('gateway.config.json'));
    await isInForce(`${number}, put`);
  }
  await rm(file('gateway.config.json'));
  await writeFile(file('gateway.config.json'), edition('removed and written'));
  await isInForce('removed and written');
});

test('a service may be TypeScript, and one with a mistake lets the gateway go on', async () => {
  const service = (words) => `export default { fetch: async (request: Request) => ({ words: ${words} }) };\n`;
  await writeFile(file('services/greeting.ts'), service('"first"'));
  await writeFile(
    file('gateway.config.json'),
    edition('with services', {
      services: [
        { alias: 'greeting', entrypoint: 'services/greeting' },
        { alias: 'whole', entrypoint: './services/greeting.ts' },
      ],
      paths: ['greeting', 'whole'].map((binding) => ({
        method: 'GET',
        path: `/${binding}`,
        integration: { type: 'service', binding },
      })),
    }),
  );
  await isInForce('with services');
  for (const path of ['/greeting', '/whole']) assert.equal((await ask(path)).body.data.words, 'first', path);

  let from = dev.output.length;
  await writeFile(file('services/greeting.ts'), service('"unfinished'));
  await dev.prints(GOES_ON, from);
  assert.match(dev.output.slice(from), /Unterminated string literal[\s\S]*services\/greeting\.ts:1/);
  assert.equal((await ask('/greeting')).body.data.words, 'first');

  from = dev.output.length;
  await writeFile(file('services/greeting.js'), 'export default { fetch: async () => ({}) };\n');
  await writeFile(file('services/greeting.ts'), service('"second"'));
  await dev.prints(GOES_ON, from);
  assert.match(
    dev.output.slice(from),
    /services\/greeting\.js and services\/greeting\.ts are both the service services\/greeting/,
  );

  await rm(file('services/greeting.js'));
  await until(async () => (await ask('/greeting')).body.data.words === 'second');
});

test('variables that do not go with the config are kept from the gateway, and why one is not configured is told here', async () => {
  const variables = `${await readFile(file('.env'), 'utf8')}${await readFile(file('.env.local'), 'utf8')}`;
  let from = dev.output.length;
  await writeFile(file('.dev.vars'), variables.replace(/^AUTH0_CLIENT_SECRET=.*$/m, ''));
  await dev.prints(GOES_ON, from);
  assert.match(dev.output.slice(from), /error\[missing_binding\]: the secret AUTH0_CLIENT_SECRET is missing/);
  assert.equal((await ask('/health')).status, 200);

  from = dev.output.length;
  await writeFile(file('.dev.vars'), `${variables}\nBARGATE_CONFIG_JSON={ "pahts": [] }\n`);
  await until(async () => (await ask('/health')).status === 503);
  const { body } = await ask('/health');
  assert.equal(body.code, 'config_invalid');
  assert.match(body.detail, /unknown key "pahts"/);

  await rm(file('.dev.vars'));
  await until(async () => (await ask('/health')).status === 200);
});

test('at its end it takes along what it has started and written', async () => {
  assert.equal(await dev.end(), 0, dev.output);
  await assert.rejects(fetch(origin));
  for (const made of ['wrangler.dev.toml', '.env.local']) await assert.rejects(access(file(made)), made);
});
