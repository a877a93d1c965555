// What wrangler itself says of the files that `bargate check` is held to: the same table is run by the host's tests.

import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

import { unstable_readConfig as readConfig } from 'wrangler';

const table = JSON.parse(await readFile(new URL('../../fixtures/wrangler/files.json', import.meta.url), 'utf8'));

let folder;
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bargate-wrangler-'));
});
after(() => rm(folder, { recursive: true }));

for (const { about, file, text, environment, refused } of table) {
  test(`wrangler ${refused ? 'refuses' : 'takes'}: ${about}`, async () => {
    const config = path.join(folder, file);
    await writeFile(config, text);
    const read = () => readConfig({ config, env: environment }, { hideWarnings: true });
    if (refused) assert.throws(read, Error);
    else assert.doesNotThrow(read);
  });
}
