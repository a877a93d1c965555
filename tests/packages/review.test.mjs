// The workflow that reviews pull requests in a project: for which of its runs an exposure was accepted.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { ROOT } from '../../scripts/toolchain.mjs';

const FILE = 'packages/create-bargate/files/.github/workflows/review.yml';
const LABEL = 'exposure accepted';

const workflow = readFileSync(join(ROOT, FILE), 'utf8');
const conditions = [...workflow.matchAll(/continue-on-error: \$\{\{ (.*) \}\}/g)].map(([, condition]) => condition);

describe('an exposure is accepted', () => {
  test('in one step', () => assert.equal(conditions.length, 1));

  for (const [what, action, set, isAccepted] of /** @type {[string, string, string | undefined, boolean][]} */ ([
    ['by setting the label', 'labeled', LABEL, true],
    ['not by another label, although this one is set', 'labeled', 'reviewed', false],
    ['not by taking it off', 'unlabeled', LABEL, false],
    ['not for a push after it', 'synchronize', undefined, false],
    ['not when the pull request is opened with it', 'opened', undefined, false],
    ['not when it is opened again after a push', 'reopened', undefined, false],
  ])) {
    test(what, () => {
      const label = set && { name: set };
      const event = { action, ...(label && { label }), pull_request: { labels: [{ name: LABEL }] } };
      // An expression of GitHub's has undefined members for nothing; else this one is JavaScript, too.
      const evaluate = new Function('github', `return ${conditions[0].replaceAll('.', '?.')}`);
      assert.equal(evaluate({ event }), isAccepted);
    });
  }
});

test('what is not compared is named for code owners, in the file and in the documents', () => {
  const documented = readFileSync(join(ROOT, 'docs/command-line.md'), 'utf8');
  for (const name of ['wrangler.toml', 'package.json', 'src/', '.github/']) {
    assert.ok(workflow.split('\nname:')[0].includes(name), name);
    assert.match(documented, new RegExp(`^/${name.replaceAll('.', '\\.')} +@`, 'm'));
  }
});
