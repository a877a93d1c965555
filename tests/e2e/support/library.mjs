// What the tests of the package's library share: a project in a folder of its own that has the package, as npm would install it, and is
// bundled by wrangler.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assembleWorker } from '../../../scripts/package-worker.mjs';
import { TOOLS, toolEnvironment } from '../../../scripts/toolchain.mjs';
import { ROOT } from './harness.mjs';
import { startProgram } from './project-copy.mjs';

/** What it is made of. */
const PROJECT = join(ROOT, 'tests', 'fixtures', 'library');
/** What modules of the project's services import, and tests of a project. */
const DEPENDENCIES = ['jose', 'wrangler'];

/** What the package is published as; the library says the same of itself, or else these tests fail. */
export const VERSION = JSON.parse(readFileSync(join(ROOT, 'packages', 'bargate', 'package.json'), 'utf8')).version;

/** Makes the project in a temporary folder. */
export async function makeProject() {
  const folder = await mkdtemp(join(tmpdir(), 'bargate-library-'));
  await cp(PROJECT, folder, { recursive: true });
  await installLibrary(folder);
  for (const name of DEPENDENCIES) await symlink(join(ROOT, 'node_modules', name), join(folder, 'node_modules', name));
  return {
    folder,
    read: (name) => readFile(join(folder, name), 'utf8'),
    write: (name, text) => writeFile(join(folder, name), text),
    remove: () => rm(folder, { recursive: true, force: true }),
    /**
     * Bundles it as a deployment would, by these arguments for wrangler, and returns the folder, as `startGateway` takes it.
     * @param {string[]} [args]
     */
    async bundle(args = []) {
      const bundle = await mkdtemp(join(folder, 'bundle-'));
      const program = startProgram(TOOLS.wrangler, ['deploy', '--dry-run', '--outdir', bundle, ...args], {
        cwd: folder,
        env: toolEnvironment({ CI: 'true' }),
      });
      await program.ended;
      assert.equal(await program.end(), 0, program.output);
      await rename(join(bundle, 'index.js'), join(bundle, 'worker.js'));
      return bundle;
    },
  };
}

/**
 * Puts the Worker's part of the package among the packages of a folder.
 *
 * @param {string} folder
 * @param {{ name?: string, version?: string }} [as]
 */
export async function installLibrary(folder, { name = 'bargate', version } = {}) {
  const installed = join(folder, 'node_modules', name);
  await mkdir(installed, { recursive: true });
  await assembleWorker(installed);
  for (const file of ['package.json', 'index.d.ts', 'service.d.ts'])
    await cp(join(ROOT, 'packages', 'bargate', file), join(installed, file));
  if (version) await replaceIn(join(installed, 'worker', 'index.js'), VERSION, version);
}

async function replaceIn(file, old, text) {
  const before = await readFile(file, 'utf8');
  assert.ok(before.includes(old), `${file} has ${old}`);
  await writeFile(file, before.replaceAll(old, text));
}
