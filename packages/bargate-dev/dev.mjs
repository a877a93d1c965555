// `bargate dev`: a scaffolded project on this machine. It starts a local tenant, a sample API and the gateway under `wrangler dev`, and
// follows what changes until Ctrl-C. With --own-tenant the values of .dev.vars count, and no tenant is started.
//
// What changes is checked here and not by wrangler, which answers nobody while a build has failed. wrangler learns only of what
// passed.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, builtinModules } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startApi } from '../../dev/api.mjs';
import { Failure } from '../../dev/failure.mjs';
import {
  ACCESS_TOKEN_SECS,
  GOES_BY_FILES,
  GOES_ON,
  HOST,
  SAID_ALREADY,
  STARTS_AGAIN,
  answers,
  checkPort,
  interruption,
  start,
  stop,
} from '../../dev/runner.mjs';
import { startTenant } from '../../dev/tenant.mjs';
import { AUTH0_ENDPOINTS } from '../../dev/tenant/provider.mjs';
import { Watcher } from '../../dev/watch.mjs';
import { localTenant } from './local-tenant.mjs';
import { CONFIG, ENV_FILES, Project, WRANGLER_CONFIG } from './project.mjs';
import { ready } from './words.mjs';

/** The folder of what lasts as long as this does, in wrangler's own, which git ignores. */
const STATE = '.wrangler/bargate-dev';
/** The file that wrangler watches: written after each check that passed. */
const MARKER = `${STATE}/passed`;
const USAGE = `Runs a Bargate gateway on this machine, with a local identity provider and a sample API.

  bargate dev [--own-tenant] [--port 8787] [--tenant-port 9400] [--api-port 9500]

  --own-tenant         log in at the provider that .dev.vars names, not at a local one
  --port NUMBER        where the gateway listens, in place of the port of wrangler.toml
  --tenant-port NUMBER where the local identity provider listens
  --api-port NUMBER    where the sample API listens`;

function options(args) {
  const port = (value, flag, usual) => {
    const number = Number(value ?? usual);
    if (Number.isInteger(number) && number > 0 && number < 65_536) return number;
    throw new Failure(`${flag} ${value}: a port is a number from 1 to 65535`);
  };
  try {
    const { values } = parseArgs({
      args,
      options: {
        'own-tenant': { type: 'boolean', default: false },
        port: { type: 'string' },
        'tenant-port': { type: 'string' },
        'api-port': { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    return {
      isHelp: values.help,
      hasOwnTenant: values['own-tenant'],
      portOr: (usual) => port(values.port, '--port', usual),
      tenantPort: port(values['tenant-port'], '--tenant-port', 9400),
      apiPort: port(values['api-port'], '--api-port', 9500),
    };
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(`${error.message.split('. ')[0]}; bargate dev --help lists the flags`);
  }
}

/** Throws if two of them would listen on one port. */
function checkDistinct(ports) {
  const flags = Object.keys(ports);
  const same = flags.filter((flag) => flags.some((other) => other !== flag && ports[other] === ports[flag]));
  if (same.length) throw new Failure(`${same.join(' and ')} are both ${ports[same[0]]}: each needs a port of its own`);
}

/** Bundles as wrangler will, to no file: there a mistake in a module would leave every request waiting. */
async function tryBundle(project, main) {
  const { build } = createRequire(project.program('wrangler'))('esbuild');
  const empty = ['.wasm', '.txt', '.html', '.sql', '.bin'].map((extension) => [extension, 'empty']);
  await build({
    entryPoints: [join(project.root, main)],
    bundle: true,
    write: false,
    format: 'esm',
    logLevel: 'error',
    absWorkingDir: project.root,
    conditions: ['workerd', 'worker', 'browser'],
    external: ['cloudflare:*', 'node:*', ...builtinModules],
    loader: Object.fromEntries(empty),
  }).catch(() => {
    throw new Failure(`the lines above say what is wrong with ${main}, or with what it imports`);
  });
}

/** What runs on this machine for a project. */
class Run {
  /** @type {{ close(): Promise<void> } | undefined} */
  api;

  /**
   * @param {Project} project
   * @param {{ gateway: string, tenant: string, api: string }} origins
   * @param {boolean} hasOwnTenant
   */
  constructor(project, origins, hasOwnTenant) {
    this.project = project;
    this.origins = origins;
    this.hasOwnTenant = hasOwnTenant;
    this.folder = mkdtempSync(join(tmpdir(), 'bargate-dev-'));
  }

  /** What the files as they are need of the tenant; nothing with one's own, or while the config is no JSON. */
  needs() {
    const config = this.hasOwnTenant ? undefined : this.project.config();
    return config && typeof config === 'object' ? localTenant(config, this.origins) : undefined;
  }

  /** Throws if the gateway cannot go by the files as they are. */
  async check(needs) {
    const { project } = this;
    const values = Object.entries(needs?.values ?? {});
    if (needs?.problems.length)
      throw new Failure(
        `${needs.problems.join('; ')}: the local tenant cannot take its place; write $env.NAME there, or log in at your own with --own-tenant`,
      );
    const files = project.has('.dev.vars') ? ['.dev.vars'] : ENV_FILES.slice(1).filter((name) => project.has(name));
    if (values.length) {
      const file = join(this.folder, '.dev.vars.local');
      writeFileSync(file, values.map(([name, value]) => `${name}='${value}'\n`).join(''));
      files.push(file);
    }
    const flags = ['--wrangler', project.wranglerFile, ...files.flatMap((name) => ['--values', name])];
    const { status } = spawnSync(process.execPath, [project.program('bargate'), 'check', CONFIG, ...flags], {
      cwd: project.root,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Failure(`the lines above say what is wrong with ${CONFIG}, or with its variables`);
    const { main } = project.wranglerConfig();
    if (main) await tryBundle(project, main);
  }

  /** Tells wrangler, which sees a changed configuration by itself, and bundles when the marker is written. */
  tell() {
    const text = this.project.wranglerConfigFor(MARKER);
    if (text !== this.written) writeFileSync(join(this.project.root, WRANGLER_CONFIG), text);
    this.written = text;
    writeFileSync(join(this.project.root, MARKER), `${Date.now()}\n`);
  }

  async startTenant(needs, port) {
    const { clients, logoutUrls, settings, started } = needs;
    this.tenant = await startTenant({
      port,
      clients,
      allowedLogoutUrls: logoutUrls,
      ...settings,
      accessTokenSeconds: ACCESS_TOKEN_SECS,
      signingAlg: started.signingAlg,
      endpoints: { ...AUTH0_ENDPOINTS, ...started.endpoints },
    });
  }

  /** Starts the gateway, and resolves once it answers, or has ended by itself. */
  async startGateway(needs) {
    const [, port] = /:(\d+)$/.exec(this.origins.gateway) ?? [];
    /** @type {import('../../dev/runner.mjs').Service} */
    const service = {
      name: 'gateway',
      health: `${this.origins.gateway}/`,
      isUp: ({ status }) => status < 500,
      command: [
        process.execPath,
        this.project.program('wrangler'),
        'dev',
        ...['--config', WRANGLER_CONFIG, '--ip', HOST, '--port', String(port)],
        ...['--define', 'BARGATE_DEV:true', '--show-interactive-dev-session=false'],
        ...Object.entries(needs?.values ?? {}).flatMap(([name, value]) => ['--var', `${name}:${value}`]),
      ],
      unsaid: SAID_ALREADY,
    };
    const env = { ...process.env, WRANGLER_SEND_METRICS: 'false', WRANGLER_SEND_ERROR_REPORTS: 'false' };
    const gateway = start(service, { cwd: this.project.root, env });
    this.gateway = gateway;
    this.values = JSON.stringify(needs?.values);
    // wrangler ends when a module throws as it is loaded, and the change that mends it is still to come.
    const ended = gateway.ended.then((how) => {
      if (this.gateway !== gateway) return;
      this.gateway = undefined;
      console.error(`\nthe gateway ended by itself (${how}): the lines above say why\n${STARTS_AGAIN}`);
    });
    await Promise.race([answers(service), ended]);
    if (this.gateway) this.sayReady();
  }

  /** Says where everything is, the first time that it is up. */
  sayReady() {
    if (this.isSaid) return;
    this.isSaid = true;
    const { project, origins } = this;
    const assets = project.wranglerConfig().assets;
    const hasTenant = this.tenant !== undefined;
    console.log(ready({ config: project.config(), assets, origins, hasTenant, accessTokenSecs: ACCESS_TOKEN_SECS }));
  }

  /** Ends the gateway, which then has not ended by itself. */
  async stopGateway() {
    const { gateway } = this;
    this.gateway = undefined;
    if (gateway) await stop([gateway]);
  }

  /** Goes by the files as they are, or tells why not. Returns whether it does. */
  async goByFiles() {
    try {
      const needs = this.needs();
      await this.check(needs);
      if (needs && this.tenant) {
        this.tenant.register(needs.clients, needs.logoutUrls);
        Object.assign(this.tenant.settings, needs.settings);
      }
      this.tell();
      // wrangler takes other values only at its start.
      if (!this.gateway || JSON.stringify(needs?.values) !== this.values) {
        await this.stopGateway();
        await this.startGateway(needs);
      }
      return this.gateway !== undefined;
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      console.error(`\n${error.message}\n${this.gateway ? GOES_ON : STARTS_AGAIN}`);
      return false;
    }
  }

  async close() {
    await this.stopGateway();
    await Promise.all([this.tenant?.close(), this.api?.close()]);
    rmSync(this.folder, { recursive: true, force: true });
    for (const made of [WRANGLER_CONFIG, STATE])
      rmSync(join(this.project.root, made), { recursive: true, force: true });
  }
}

/** Goes by whatever changes, for as long as it is let. */
async function follow(run, watcher) {
  for (;;) {
    await watcher.change();
    if (await run.goByFiles()) console.log(GOES_BY_FILES);
  }
}

async function dev(args) {
  const { isHelp, hasOwnTenant, portOr, tenantPort, apiPort } = options(args);
  if (isHelp) return console.log(USAGE);
  const interrupted = interruption();
  const project = new Project(process.cwd());
  const port = portOr(project.wranglerConfig().dev?.port ?? 8787);
  const origins = {
    gateway: `http://${HOST}:${port}`,
    tenant: `http://${HOST}:${tenantPort}`,
    api: `http://${HOST}:${apiPort}`,
  };
  if (hasOwnTenant && !ENV_FILES.some((name) => project.has(name)))
    throw new Failure(
      'there is no .dev.vars: copy .dev.vars.example to .dev.vars, and fill in what your provider gives',
    );

  checkDistinct({ '--port': port, '--api-port': apiPort, ...(hasOwnTenant ? {} : { '--tenant-port': tenantPort }) });
  const run = new Run(project, origins, hasOwnTenant);
  try {
    const needs = run.needs();
    const hasTenant = !hasOwnTenant && needs !== undefined;
    await checkPort(port, `--port ${port + 1}`);
    if (hasTenant) await checkPort(tenantPort, `--tenant-port ${tenantPort + 1}`);
    await checkPort(apiPort, `--api-port ${apiPort + 1}`);
    // From before the first check, so that it misses no change.
    const watcher = new Watcher(project.watched().map((path) => join(project.root, path)));
    await run.check(needs);
    mkdirSync(join(project.root, STATE), { recursive: true });
    run.tell();
    if (hasTenant) await run.startTenant(needs, tenantPort);
    run.api = await startApi({ port: apiPort });
    await Promise.race([interrupted, run.startGateway(needs).then(() => follow(run, watcher))]);
  } finally {
    await run.close();
  }
}

/** Runs the command with these arguments, and ends the process. */
export async function main(args) {
  try {
    await dev(args);
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
  process.exit();
}
