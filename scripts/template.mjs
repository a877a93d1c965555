// The template of `npm create cloudflare -- --template`: a project as create-bargate makes it without any answer, in templates/gateway. A
// test holds it to that; `node scripts/template.mjs` writes it anew.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectFiles } from '../packages/create-bargate/project.mjs';
import { ROOT, bargateProgram, main } from './toolchain.mjs';

export const TEMPLATE = join(ROOT, 'templates', 'gateway');
/** What create-cloudflare takes for .gitignore, and replaces by the project's name. */
const IGNORED = '__dot__gitignore';
const NAME = '<PACKAGE_NAME>';

/** Returns the texts of the template's files by their names. */
export function templateFiles() {
  const program = process.env.BARGATE_PROGRAM ?? bargateProgram();
  const { stdout } = spawnSync(program, ['init', '--yes', '--format', 'json'], { encoding: 'utf8' });
  const { version } = JSON.parse(readFileSync(join(ROOT, 'packages', 'create-bargate', 'package.json'), 'utf8'));
  const { '.gitignore': ignored, ...files } = projectFiles(JSON.parse(stdout), { name: 'my-gateway', version });
  const named = files['package.json'].replace('"my-gateway"', JSON.stringify(NAME));
  return { ...files, 'package.json': named, [IGNORED]: ignored };
}

async function write() {
  rmSync(TEMPLATE, { recursive: true, force: true });
  for (const [name, text] of Object.entries(templateFiles())) {
    mkdirSync(dirname(join(TEMPLATE, name)), { recursive: true });
    writeFileSync(join(TEMPLATE, name), text);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main(write);
