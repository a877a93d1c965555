// The files of a project: those that are the same for all, and those that follow from the answers, which `bargate init` gives as one
// document.

import { readFileSync, readdirSync } from 'node:fs';
import { join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { localTenant } from '../bargate-dev/local-tenant.mjs';

const FILES = fileURLToPath(new URL('files', import.meta.url));
/** What a local run listens on unless the answers say otherwise. */
const USUAL_PORT = 8787;
const WRANGLER = '^4.164.0';

/**
 * @typedef {object} Variable
 * @property {string} name
 * @property {boolean} secret
 * @property {string | null} value the answer
 * @property {string | null} path it is an address of the gateway: its origin, followed by this
 * @property {string | null} note
 * @typedef {object} Document
 * @property {string} provider
 * @property {string} title
 * @property {'session' | 'tokens' | null} mode
 * @property {number} port
 * @property {string} config
 * @property {string} dev_vars
 * @property {Variable[]} variables
 * @property {{ name: string, path: string }[]} addresses
 * @property {string[]} at_the_provider
 */

/**
 * Returns the texts of a project's files by their names.
 *
 * @param {Document} document
 * @param {{ name: string, version: string }} project its name, and the version of Bargate that it begins with
 * @returns {Record<string, string>}
 */
export function projectFiles(document, project) {
  const config = document.config.replace('"./gateway.schema.json"', '"./node_modules/bargate/gateway.schema.json"');
  const page = document.mode ? pageFiles(document.mode, JSON.parse(config)) : {};
  return {
    'package.json': packageJson(project),
    'gateway.config.json': config,
    'wrangler.toml': wranglerToml(document, project),
    'src/index.js': file('src/index.js'),
    '.dev.vars.example': devVarsExample(document),
    '.gitignore': file('__dot__gitignore'),
    '.github/workflows/review.yml': file('.github/workflows/review.yml'),
    'README.md': readme(document, project),
    ...page,
  };
}

/** Whether the config has in itself at which provider people log in, so that a local one cannot take its place. */
export function needsOwnTenant({ config }) {
  const origin = 'http://127.0.0.1';
  return localTenant(JSON.parse(config), { gateway: origin, tenant: origin, api: origin }).problems.length > 0;
}

const file = (name) => readFileSync(join(FILES, name), 'utf8');

function packageJson({ name, version }) {
  const text = {
    name,
    version: '0.0.0',
    private: true,
    type: 'module',
    engines: { node: '>=22.12' },
    scripts: { dev: 'bargate dev', check: 'bargate check', studio: 'bargate studio', deploy: 'wrangler deploy' },
    dependencies: { bargate: `^${version}` },
    devDependencies: { 'bargate-dev': `^${version}`, wrangler: WRANGLER },
  };
  return `${JSON.stringify(text, null, 2)}\n`;
}

/** Returns the files of the page, which knows the gateway's paths. */
function pageFiles(mode, config) {
  const folders = ['public', `public/${mode}`];
  const files = {};
  for (const folder of folders) {
    for (const entry of readdirSync(join(FILES, ...folder.split('/')), { withFileTypes: true }))
      if (!entry.isDirectory()) files[`public/${entry.name}`] = file(join(folder, entry.name).split(sep).join('/'));
  }
  return { ...files, 'public/paths.js': pathsOfPage(config) };
}

/** Returns the module of the paths that the page requests. */
function pathsOfPage({ paths }) {
  const ofType = (kind) => paths.find(({ integration }) => integration?.type?.endsWith(`_${kind}`))?.path;
  const api = paths.find(({ auth, integration }) => auth && integration?.type === 'http_proxy')?.path;
  const known = {
    login: ofType('login'),
    callback: ofType('callback'),
    logout: ofType('logout'),
    refresh: ofType('refresh'),
    profile: ofType('userinfo'),
    api: api?.replace(/\{[^}]*\}/g, 'messages'),
  };
  const lines = Object.entries(known).filter(([, path]) => path);
  const members = lines.map(([name, path]) => `  ${name}: '${path}',\n`);
  return `// The paths of gateway.config.json that this page requests.\nexport const paths = {\n${members.join('')}};\n`;
}

/** Returns a text as a string of TOML: JSON's escapes are among TOML's. */
const tomlString = (text) => JSON.stringify(text);

function wranglerToml({ mode, port, variables }, { name }) {
  const origin = `https://${name}.your-subdomain.workers.dev`;
  const open = variables.filter(({ secret }) => !secret);
  const vars = open.map(({ name, value, path }) =>
    value === null
      ? `# ${name} = ${tomlString(path === null ? 'what the provider gives' : `${origin}${path}`)}`
      : `${name} = ${tomlString(value)}`,
  );
  const secrets = variables.filter(({ secret }) => secret).map(({ name }) => `#   npx wrangler secret put ${name}`);
  const assets = `
# The page, which Cloudflare serves at the same address. Paths of the gateway that are no file of it go to the gateway.
[assets]
directory = "public"
`;
  return `# How the gateway runs on Cloudflare Workers. gateway.config.json says what it does; this file says what Cloudflare has to know.
# Reference: https://developers.cloudflare.com/workers/wrangler/configuration/

name = ${tomlString(name)}
main = "src/index.js"
compatibility_date = "2026-10-01"

# Only code that is handed \`env\` gets variables and secrets, and no package that is imported.
compatibility_flags = ["nodejs_compat_do_not_populate_process_env", "disallow_importable_env"]

# Checks gateway.config.json against this file, before each \`wrangler dev\` and each deployment: a mistake stops both.
[build]
command = "npx --no bargate build"
watch_dir = ["src", "services", "gateway.config.json"]

# \`wrangler dev\` listens only on this machine.
[dev]
ip = "127.0.0.1"
port = ${port}
${mode ? assets : ''}
# Caches the provider's JWKS. Without an id, the first deployment creates the namespace.
[[kv_namespaces]]
binding = "JWKS"

# State that must exist once: the tokens of a session, the use of a refresh token, and the sessions of a user.
[[durable_objects.bindings]]
name = "REFRESH_EXCHANGES"
class_name = "RefreshExchange"

[[durable_objects.bindings]]
name = "SESSIONS"
class_name = "Session"

[[durable_objects.bindings]]
name = "LOGOUT_INDEX"
class_name = "LogoutIndex"

[[migrations]]
tag = "v1"
new_sqlite_classes = ["RefreshExchange", "Session", "LogoutIndex"]

# One structured log line per request. Cloudflare's own record of a request is stored without its query, because the query of a
# callback has the code.
[observability]
enabled = true
redact_query_string = true

# The values of $env.NAME in gateway.config.json for a deployment. Fill in what has a # before it, and remove the #: until then, the
# check lets nobody deploy. Local runs with your own tenant take theirs from .dev.vars.
[vars]
${vars.join('\n')}
${secrets.length ? `\n# The values of $secret.NAME are in no file. Set each once; it stays across deployments:\n#\n${secrets.join('\n')}\n` : ''}`;
}

function devVarsExample(document) {
  const lines = document.dev_vars.split('\n').slice(1).join('\n');
  return `# To log in at your own tenant in local runs, copy this file to .dev.vars, which git ignores, fill it in, and run
# "npm run dev -- --own-tenant".${needsOwnTenant(document) ? '' : ' The local tenant needs no such file.'}
${lines}`;
}

function readme(document, { name }) {
  const { title, mode, port, addresses, at_the_provider: notes, variables } = document;
  const isOwn = needsOwnTenant(document);
  const origin = `http://127.0.0.1:${port}`;
  const how = mode ? 'Open it, and log in with any e-mail address and any password.' : 'Call it as the terminal says.';
  const place = `The gateway listens at ${origin}${port === USUAL_PORT ? '' : ', at the port of wrangler.toml'}.`;
  const run = isOwn
    ? `The config has the issuer of ${title} in itself, so no local provider can take its place: you need a client there. First do what
[With your own provider](#with-your-own-provider) says. ${place} A sample API runs beside it.`
    : `${place} ${how}
A local identity provider and a sample API run beside it, so you need no account. Access tokens live for a minute, so that you can watch
them being renewed.`;
  const own = 'npm run dev -- --own-tenant';
  const known = addresses.map(({ name, path }) => `- ${name}: \`${origin}${path}\``);
  const secrets = variables.filter(({ secret }) => secret);
  const layout = [
    ['gateway.config.json', 'what the gateway does: paths, who may call them, and where requests go'],
    ['wrangler.toml', 'what Cloudflare has to know: bindings, and the values of `$env.NAME`'],
    ['src/index.js', 'the Worker: a few lines that make the gateway of the config'],
    ...(mode ? [['public/', 'a page that logs in and calls the API, to be replaced by yours']] : []),
    ['.dev.vars.example', 'the values of local runs with your own tenant'],
    ['.github/workflows/review.yml', 'says in each pull request what a change of the config exposes'],
  ];
  return `# ${name}

A Bargate gateway on Cloudflare Workers.

## Run it

\`\`\`sh
npm install
${isOwn ? own : 'npm run dev'}
\`\`\`

${run}

A change of a file counts at once. A mistake in \`gateway.config.json\` is told with its line, and the gateway goes on by the last good config.

| file | |
| --- | --- |
${layout.map(([file, what]) => `| \`${file}\` | ${what} |`).join('\n')}

\`npm run check\` says what is wrong with the config, \`npm run studio\` shows it as a page, and \`npx bargate help\` lists the rest.

## With your own provider

Tell your provider${known.length ? ':' : ' of the API.'}

${[...known, ...notes.map((note) => `- ${note}`)].join('\n')}

Copy \`.dev.vars.example\` to \`.dev.vars\`, fill it in, and run \`${own}\`.

## Deploy it

Fill in \`[vars]\` in \`wrangler.toml\`: until then the review of each pull request fails, too.${secrets.length ? ' Set each secret once:' : ''}

\`\`\`sh
${[...secrets.map(({ name }) => `npx wrangler secret put ${name}`), 'npm run deploy'].join('\n')}
\`\`\`

The check runs first: a mistake, or a value that is missing, stops the deployment. Tell your provider the deployed addresses, too.
\`npm update\` brings the next version.
`;
}
