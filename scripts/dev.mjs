// `make dev`: builds, starts the local tenant, the sample API and the gateway under `wrangler dev`, which serves the page of
// examples/spa too, and waits for Ctrl-C. The page comes by a flag and not by wrangler.toml, so no deployment takes it along.
// GATEWAY_PORT, TENANT_PORT and API_PORT choose other ports.
//
// What changes is built here and not by wrangler, whose own watcher loses files that are replaced, and which answers nobody while
// a build has failed. wrangler learns only of finished builds.

import { createHash } from 'node:crypto';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  ACCESS_TOKEN_SECS,
  GOES_BY_FILES,
  HOST,
  SAID_ALREADY,
  answers,
  checkPort,
  end,
  interruption,
  start,
  stop,
} from '../dev/runner.mjs';
import { Watcher } from '../dev/watch.mjs';
import { WATCHED, build, rebuild } from './build.mjs';
import { ROOT, TOOLS, main, readProjectFile, toolEnvironment } from './toolchain.mjs';

const DEFAULT_PORTS = { GATEWAY_PORT: 8787, TENANT_PORT: 9400, API_PORT: 9500 };
const PORTS = Object.fromEntries(
  Object.entries(DEFAULT_PORTS).map(([name, port]) => [name, Number(process.env[name] ?? port)]),
);
const [GATEWAY, TENANT, API] = Object.values(PORTS).map((port) => `http://${HOST}:${port}`);
const REDIRECT_URIS = {
  AUTH0_REDIRECT_URI: `${GATEWAY}/api/auth0/callback`,
  SPA_REDIRECT_URI: `${GATEWAY}/`,
  SILENT_REDIRECT_URI: `${GATEWAY}/api/auth0/silent/callback`,
};

/** The file that wrangler watches: written, and not replaced, after each build. */
const BUILT = 'build/.built';
/** What wrangler is started with, beside the file that it is made of, so that every path in it is right. */
const WRANGLER_CONFIG = 'wrangler.dev.toml';
/** The files that it is made of: wrangler would watch these themselves. */
const WRANGLER_INPUTS = ['wrangler.toml', '.dev.vars', '.env', '.env.local'];
/** Where the addresses are that differ from those of .env: wrangler and `bargate` read it behind that. */
const ADDRESSES = '.env.local';
/** How that file begins if it was made here. */
const MADE_HERE = '# Made by `make dev`, for as long as it runs';
/** Removes the addresses that are written here, and those that an end without notice has left. */
function removeAddresses() {
  if (existsSync(join(ROOT, ADDRESSES)) && readProjectFile(ADDRESSES).startsWith(MADE_HERE))
    rmSync(join(ROOT, ADDRESSES));
}

/** Writes the addresses if the ports are not the usual ones; returns flags for wrangler if the file is the developer's own. */
function giveAddresses() {
  removeAddresses();
  const usual = Object.entries(DEFAULT_PORTS).every(([name, port]) => PORTS[name] === port);
  if (usual || existsSync(join(ROOT, '.dev.vars'))) return [];
  const variables = Object.entries({ AUTH0_DOMAIN: TENANT, ...REDIRECT_URIS, API_URL: API, SPA_ORIGIN: GATEWAY });
  if (existsSync(join(ROOT, ADDRESSES))) return variables.flatMap(([name, value]) => ['--var', `${name}:${value}`]);
  const lines = variables.map(([name, value]) => `${name}=${value}\n`);
  writeFileSync(join(ROOT, ADDRESSES), `${MADE_HERE}, since its ports are not those of .env.\n${lines.join('')}`);
  return [];
}

/**
 * What is started, wrangler with these flags.
 *
 * @returns {import('../dev/runner.mjs').Service[]}
 */
const servicesWith = (flags) => [
  {
    name: 'tenant',
    health: `${TENANT}/_tenant/health`,
    command: [
      TOOLS.node,
      'dev/tenant.mjs',
      '--port',
      PORTS.TENANT_PORT,
      '--logout-url',
      `${GATEWAY}/`,
      '--access-token-seconds',
      ACCESS_TOKEN_SECS,
      ...Object.values(REDIRECT_URIS).flatMap((uri) => ['--redirect-uri', uri]),
    ],
  },
  { name: 'api', health: `${API}/health`, command: [TOOLS.node, 'dev/api.mjs', '--port', PORTS.API_PORT] },
  {
    name: 'gateway',
    health: `${GATEWAY}/health`,
    command: [
      TOOLS.wrangler,
      'dev',
      '--config',
      WRANGLER_CONFIG,
      '--ip',
      HOST,
      '--port',
      PORTS.GATEWAY_PORT,
      '--assets',
      'examples/spa',
      '--show-interactive-dev-session=false',
      ...flags,
    ],
    unsaid: SAID_ALREADY,
  },
];

/** Makes wrangler's config of wrangler.toml, with a build that leaves building to this script; wrangler takes it up when it differs. */
function writeWranglerConfig(before) {
  const hash = createHash('sha256');
  for (const file of WRANGLER_INPUTS)
    hash.update(existsSync(join(ROOT, file)) ? readProjectFile(file) : '').update('\0');
  const head = `# Made by \`make dev\`, for as long as it runs, of ${WRANGLER_INPUTS.join(', ')}: ${hash.digest('hex')}\n`;
  const rest = readProjectFile('wrangler.toml').replace(/^\[build\]\n(?:(?!\[)[^\n]*\n)*/m, '');
  const text = `${head}${rest.trimEnd()}\n\n[build]\ncommand = "exit 0"\nwatch_dir = "${BUILT}"\n`;
  if (text !== before) writeFileSync(join(ROOT, WRANGLER_CONFIG), text);
  return text;
}

const tellWrangler = () => writeFileSync(join(ROOT, BUILT), `${Date.now()}\n`);

/** Builds whatever changes, for as long as it is let. */
async function follow(watcher, wranglerConfig) {
  for (let before = 'fresh'; ; ) {
    await watcher.change();
    const outcome = await rebuild();
    // wrangler sees a change only when it fits the config.
    if (outcome !== 'failed') wranglerConfig = writeWranglerConfig(wranglerConfig);
    if (outcome === 'built') tellWrangler();
    if (outcome === 'built' || (outcome === 'fresh' && before === 'failed')) console.log(GOES_BY_FILES);
    before = outcome;
  }
}

const READY = `
──────────────────────────────────────────────────────────────────────────────
Bargate is up. Open the page, and log in with any e-mail address and any password:
  ${GATEWAY}/

Access tokens live for ${ACCESS_TOKEN_SECS} seconds here, so that you can watch them expire.

Call the API without a token, and be refused:
  curl -i ${GATEWAY}/api/messages

Call it with one:
  curl -i -H "Authorization: Bearer $(curl -s -X POST '${TENANT}/_tenant/mint?format=text')" ${GATEWAY}/api/messages

Tenant ${TENANT}, API ${API}. Ctrl-C ends all three.
──────────────────────────────────────────────────────────────────────────────`;

/** Builds, starts everything, and follows what changes, until it is interrupted or something ends by itself. */
async function runWith(flags, interrupted) {
  // From before the first build, so that it misses no change.
  const watcher = new Watcher([...WATCHED, ...WRANGLER_INPUTS].map((path) => join(ROOT, path)));
  const built = await Promise.race([build({ forDev: true }).then(() => true), interrupted.then(() => false)]);
  if (!built) return;

  const wranglerConfig = writeWranglerConfig();
  tellWrangler();
  const started = servicesWith(flags);
  const services = started.map((service) => start(service, { cwd: ROOT, env: toolEnvironment() }));
  const died = Promise.race(services.map(end));
  try {
    const ready = Promise.all(started.map(answers)).then(() => console.log(READY));
    await Promise.race([ready, died, interrupted]);
    await Promise.race([died, interrupted, follow(watcher, wranglerConfig)]);
  } finally {
    await stop(services);
  }
}

await main(async () => {
  const interrupted = interruption();
  for (const [name, port] of Object.entries(PORTS)) await checkPort(port, `${name}=${port + 1} make dev`);
  const flags = giveAddresses();
  try {
    await runWith(flags, interrupted);
  } finally {
    rmSync(join(ROOT, WRANGLER_CONFIG), { force: true });
    removeAddresses();
  }
});
process.exit();
