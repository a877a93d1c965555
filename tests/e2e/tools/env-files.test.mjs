// Files of variables as the pinned wrangler itself reads them, for `wrangler dev`: what `bargate check` and `bargate token explain`
// must read in them. The command line is held to the same tables in src/deployment/env_files.rs and tests/corpora.rs; that of what
// fuzzing kept is written anew with UPDATE_GOLDEN=1.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unstable_getVarsForDev as getVarsForDev } from 'wrangler';
import { corpusOf } from '../support/corpora.mjs';
import { ROOT } from '../support/harness.mjs';

const TABLE = JSON.parse(await readFile(join(ROOT, 'tests/fixtures/env_files.json'), 'utf8'));

/** What wrangler reads of each file of variables that fuzzing kept. */
const KEPT = join(ROOT, 'tests/fixtures/env_files_corpus.json');

/** Reads the files of a folder as `wrangler dev` does, and returns the variables with their values. */
function variablesIn(folder, environment, required) {
  const secrets = required && { required };
  const read = getVarsForDev(join(folder, 'wrangler.toml'), undefined, {}, environment, true, secrets);
  return Object.fromEntries(Object.entries(read).map(([key, { value }]) => [key, value]));
}

async function emptyFolder(t) {
  const folder = await mkdtemp(join(tmpdir(), 'bargate-env-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

describe('wrangler reads', () => {
  for (const { case: name, files, environment, required, process: own = {}, values } of TABLE) {
    test(name, async (t) => {
      const folder = await emptyFolder(t);
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      Object.assign(process.env, own);
      t.after(() => {
        for (const key of Object.keys(own)) delete process.env[key];
      });

      assert.deepEqual(variablesIn(folder, environment, required), values);
    });
  }

  test('what fuzzing kept, as the table says', async (t) => {
    const folder = await emptyFolder(t);
    const rows = [];
    for (const text of corpusOf('env_file')) {
      await writeFile(join(folder, '.dev.vars'), text);
      rows.push({ text, values: variablesIn(folder) });
    }
    if (process.env.UPDATE_GOLDEN)
      await writeFile(KEPT, `[\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]\n`);

    assert.deepEqual(JSON.parse(await readFile(KEPT, 'utf8')), rows);
  });
});
