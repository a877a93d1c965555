// Files of variables as the pinned wrangler itself reads them, for `wrangler dev`: what `bargate check` and `bargate token explain`
// must read in them. The command line is held to the same table in src/bin/bargate/env_files.rs.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { unstable_getVarsForDev as getVarsForDev } from 'wrangler';
import { ROOT } from '../support/harness.mjs';

const TABLE = JSON.parse(await readFile(join(ROOT, 'tests/fixtures/env_files.json'), 'utf8'));

describe('wrangler reads', () => {
  for (const { case: name, files, environment, required, process: own = {}, values } of TABLE) {
    test(name, async (t) => {
      const folder = await mkdtemp(join(tmpdir(), 'bargate-env-'));
      t.after(() => rm(folder, { recursive: true, force: true }));
      for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text);
      Object.assign(process.env, own);
      t.after(() => Object.keys(own).forEach((key) => delete process.env[key]));

      const read = getVarsForDev(
        join(folder, 'wrangler.toml'),
        undefined,
        {},
        environment,
        true,
        required && { required },
      );

      assert.deepEqual(Object.fromEntries(Object.entries(read).map(([key, { value }]) => [key, value])), values);
    });
  }
});
