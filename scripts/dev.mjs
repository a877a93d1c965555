// `make dev`: builds, starts the local tenant, the sample API and the gateway under `wrangler dev`, which serves the page of
// examples/spa too, and waits for Ctrl-C. The page comes by a flag and not by wrangler.toml, so no deployment takes it along.
// GATEWAY_PORT, TENANT_PORT and API_PORT choose other ports.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { build } from './build.mjs';
import { Failure, ROOT, TOOLS, main, toolEnvironment } from './toolchain.mjs';

const HOST = '127.0.0.1';
const START_MS = 60_000;
const STOP_MS = 5_000;
/** One can watch a token of such a life expire, and still use it before. */
const ACCESS_TOKEN_SECS = 60;

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

/** Throws where something listens on the port already. */
async function checkPort(name, port) {
  const server = createServer();
  await new Promise((resolve, reject) => {
    server.once('error', reject).listen(port, HOST, () => server.close(resolve));
  }).catch(({ code }) => {
    const remedy = `end what listens there, or choose another, as in: ${name}=${port + 1} make dev`;
    throw new Failure(`port ${port} is in use (${code}): ${remedy}`);
  });
}

/** What the gateway is told besides .env: the addresses, where the ports are not the usual ones. */
function gatewayVariables() {
  const usual = Object.entries(DEFAULT_PORTS).every(([name, port]) => PORTS[name] === port);
  if (usual || existsSync(join(ROOT, '.dev.vars'))) return [];
  return [
    `AUTH0_DOMAIN:${TENANT}`,
    ...Object.entries(REDIRECT_URIS).map(([name, uri]) => `${name}:${uri}`),
    `API_URL:${API}`,
    `SPA_ORIGIN:${GATEWAY}`,
  ].flatMap((variable) => ['--var', variable]);
}

const SERVICES = [
  {
    name: 'tenant',
    health: `${TENANT}/_tenant/health`,
    command: [
      TOOLS.node, 'dev/tenant.mjs', '--port', PORTS.TENANT_PORT,
      '--logout-url', `${GATEWAY}/`, '--access-token-seconds', ACCESS_TOKEN_SECS,
      ...Object.values(REDIRECT_URIS).flatMap((uri) => ['--redirect-uri', uri]),
    ],
  },
  { name: 'api', health: `${API}/health`, command: [TOOLS.node, 'dev/api.mjs', '--port', PORTS.API_PORT] },
  {
    name: 'gateway',
    health: `${GATEWAY}/health`,
    command: [
      TOOLS.wrangler, 'dev', '--ip', HOST, '--port', PORTS.GATEWAY_PORT, '--assets', 'examples/spa',
      '--show-interactive-dev-session=false', ...gatewayVariables(),
    ],
  },
];

// Each service leads a process group of its own, so that ending the group ends what it has started itself.
function start({ name, command: [program, ...args] }) {
  const child = spawn(program, args.map(String), {
    cwd: ROOT, env: toolEnvironment(), detached: true, stdio: ['ignore', 'inherit', 'inherit'],
  });
  const ended = new Promise((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? `status ${code}`));
  });
  return { name, pid: child.pid, ended };
}

function signalGroup({ pid }, signal) {
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if (error.code !== 'ESRCH') throw error;
  }
}

async function stop(services) {
  for (const service of services) signalGroup(service, 'SIGTERM');
  await Promise.race([Promise.all(services.map(({ ended }) => ended)), sleep(STOP_MS)]);
  for (const service of services) signalGroup(service, 'SIGKILL');
}

async function answers({ name, health }) {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; await sleep(100)) {
    const answer = await fetch(health).catch(() => undefined);
    if (answer?.ok) return;
    if (answer) {
      const text = (await answer.text()).slice(0, 500);
      throw new Failure(`the ${name} answers ${answer.status} at ${health}: ${text}`);
    }
  }
  throw new Failure(`the ${name} did not answer at ${health} within ${START_MS / 1000} s`);
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

await main(async () => {
  const interrupted = new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, resolve);
  });
  for (const [name, port] of Object.entries(PORTS)) await checkPort(name, port);
  const built = await Promise.race([build().then(() => true), interrupted.then(() => false)]);
  if (!built) return;

  const services = SERVICES.map(start);
  const died = Promise.race(services.map(async ({ name, ended }) => {
    throw new Failure(`the ${name} ended by itself (${await ended}); the others were ended too`);
  }));
  try {
    const ready = Promise.all(SERVICES.map(answers)).then(() => console.log(READY));
    await Promise.race([ready, died, interrupted]);
    await Promise.race([died, interrupted]);
  } finally {
    await stop(services);
  }
});
process.exit();
