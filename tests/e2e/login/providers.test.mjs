// The real providers that come with the project, walked as `make interop` walks them, with what each is known to lack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PROVIDERS } from '../../interop/providers.mjs';
import { judge } from '../../interop/verdict.mjs';
import { walk } from '../../interop/walk.mjs';

for (const provider of PROVIDERS.filter(({ install }) => !install)) {
  test(`each step at ${provider.name} is as expected`, async () =>
    assert.deepEqual(judge(await walk(provider), provider.gaps), []));
}
