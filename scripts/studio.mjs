// Builds the studio: static files that work from any folder of any host. `node scripts/studio.mjs FOLDER` writes them there.

import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { buildCli } from './build-cli.mjs';
import { ROOT, main, readProjectFile } from './toolchain.mjs';

const SOURCE = join(ROOT, 'studio');

/**
 * What the page may do. It connects to nothing: the program comes in a script, because reading a file counts as connecting. The
 * Worker that runs it has a `blob:` address, by which it inherits this policy.
 */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "style-src 'self'",
  "img-src 'self'",
  'worker-src blob:',
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join('; ');

/** The headers of every file. A page cannot forbid frames by itself. */
export const HEADERS = {
  'content-security-policy': `${POLICY}; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * Builds the page into `outdir`, with `program` as the command line, or else as it is built. Returns the names of the files; `inputs`
 * gets those of the sources.
 *
 * @param {string} outdir
 * @param {{ program?: string, inputs?: Set<string> }} [how]
 */
export async function buildStudio(outdir, { program, inputs = new Set() } = {}) {
  const compiled = program ?? (await buildCli());
  const worker = await bundle('engine/worker.mjs', inputs);
  const page = await bundle('main.mjs', inputs, {
    'studio:worker': { contents: worker, loader: 'text' },
    'studio:schema': { contents: readProjectFile('gateway.schema.json'), loader: 'json' },
    'studio:examples': { contents: JSON.stringify(examples()), loader: 'json' },
  });
  const compressed = gzipSync(readFileSync(compiled), { level: 9 }).toString('base64');
  const names = {
    STYLE: named('style', 'css', (await bundle('page.css', inputs)).trim()),
    ICON: named('icon', 'svg', readFileSync(join(SOURCE, 'icon.svg'))),
    PAGE: named('page', 'js', page),
    PROGRAM: named('program', 'js', `bargateProgram("${compressed}")\n`),
  };
  let html = readFileSync(join(SOURCE, 'index.html'), 'utf8').replace('%POLICY%', POLICY);
  for (const [place, { name }] of Object.entries(names)) html = html.replace(`%${place}%`, name);
  const headers = Object.entries(HEADERS).map(([name, value]) => `  ${name}: ${value}\n`);
  const files = [
    ...Object.values(names),
    { name: 'index.html', contents: html },
    { name: '_headers', contents: `/*\n${headers.join('')}` },
  ];
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(outdir, { recursive: true });
  for (const { name, contents } of files) writeFileSync(join(outdir, name), contents);
  return files.map(({ name }) => name);
}

/** A file whose name changes with what is in it, so that no cache shows an older one. */
function named(stem, extension, contents) {
  const digest = createHash('sha256').update(contents).digest('hex').slice(0, 8);
  return { name: `${stem}-${digest}.${extension}`, contents };
}

/** Bundles a file of the page as a script that needs no modules, which a page from `file:` could not load. */
async function bundle(entry, inputs, virtual = {}) {
  const { build } = await import('esbuild');
  const { outputFiles, metafile } = await build({
    entryPoints: [join(SOURCE, entry)],
    bundle: true,
    write: false,
    metafile: true,
    absWorkingDir: ROOT,
    minify: true,
    format: 'iife',
    target: ['chrome111', 'firefox113', 'safari16.4'],
    legalComments: 'none',
    logLevel: 'warning',
    plugins: [
      {
        name: 'studio',
        setup(build) {
          build.onResolve({ filter: /^studio:/ }, ({ path }) => ({ path, namespace: 'studio' }));
          build.onLoad({ filter: /.*/, namespace: 'studio' }, ({ path }) => virtual[path]);
        },
      },
    ],
  });
  for (const input of Object.keys(metafile.inputs)) inputs.add(input);
  return outputFiles[0].text;
}

/** The configs to begin from: the demo, those of the recipes, and those for providers. */
function examples() {
  const provider = (file) => ({ name: readJson(file).title, text: readProjectFile(file) });
  const providers = readdirSync(join(ROOT, 'examples', 'providers')).filter((name) => name.endsWith('.json'));
  return [
    {
      name: 'Bargate',
      examples: [{ name: 'The demo: an app and an API behind Auth0', text: readProjectFile('gateway.config.json') }],
    },
    { name: 'Recipes', examples: recipes() },
    { name: 'Providers', examples: providers.map((name) => provider(`examples/providers/${name}`)) },
  ];
}

const readJson = (file) => JSON.parse(readProjectFile(file));

/** The whole configs of the recipes, each by the title of its page. */
function recipes() {
  const pages = readdirSync(join(ROOT, 'docs', 'recipes')).filter((name) => name.endsWith('.md'));
  return pages.flatMap((page) => {
    const text = readProjectFile(`docs/recipes/${page}`);
    const title = /^# (.+)$/m.exec(text)?.[1] ?? page;
    const configs = [...text.matchAll(/^```json config\n([\s\S]*?)^```$/gm)].map(([, config]) => config);
    return configs.map((config, index) => ({
      name: configs.length > 1 ? `${title} (${index + 1})` : title,
      text: config,
    }));
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await main(async () => {
    const outdir = resolve(process.argv[2] ?? join(ROOT, 'build', 'studio'));
    console.log(`${(await buildStudio(outdir)).length} files in ${outdir}`);
  });
}
