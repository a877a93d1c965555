// The table of docs/reliability.md is that of the results, and a failing row cannot be taken for one that holds.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { withTable } from '../../chaos/report.mjs';
import { rowNames } from '../../chaos/row.mjs';
import { ROOT } from '../../scripts/toolchain.mjs';

const read = (name) => readFileSync(join(ROOT, name), 'utf8');

const RESULTS = {
  date: '2026-01-02T03:04:05.000Z',
  commit: 'abc',
  machine: { cpu: 'some', cores: 2, memory_gib: 4 },
  versions: { node: '22.0.0', workerd: '1.0', 'oidc-provider': '9.0.0' },
  rows: [
    {
      name: 'first',
      group: 'Renewals',
      done: '1,000 clients | ask',
      holds: [{ claim: 'each is answered', checked: 1000, failed: 0 }],
      seen: { lost: 0, requests: 1000 },
      seed: '7',
      seconds: 61,
      passed: true,
    },
    {
      name: 'second',
      group: 'Upstreams',
      done: 'the upstream is away',
      holds: [
        { claim: 'each is answered', checked: 10, failed: 2, first: 'a 401' },
        { claim: 'nobody waits', checked: 0, failed: 0 },
      ],
      seen: {},
      seed: '8',
      seconds: 2,
      passed: false,
      error: 'it broke',
    },
  ],
};

const PAGE = 'before\n<!-- the scorecard begins -->\nthe one before\n<!-- the scorecard ends -->\nafter\n';

describe('the table of the scorecard', () => {
  test('is that of the results', () => {
    const page = read('docs/reliability.md');
    assert.equal(withTable(page, JSON.parse(read('chaos/results.json'))), page, 'node chaos/main.mjs writes it');
  });

  test('has every row that there is, of the whole card and of one commit that is there to look at', () => {
    const { commit, rows } = JSON.parse(read('chaos/results.json'));
    assert.deepEqual(rows.map(({ name }) => name).sort(), rowNames());
    for (const row of rows) {
      assert.deepEqual([row.sizeName, row.passed], ['card', true], row.name);
      assert.doesNotMatch(row.commit, /-dirty$|^unknown$/, `${row.name}: the tree had changes that are not committed`);
    }
    assert.doesNotMatch(commit, /-dirty$|^unknown$/);
  });

  test('says of a row that was run apart from the others when, and of which commit', () => {
    const rows = RESULTS.rows.map((row, index) => ({ ...row, date: RESULTS.date, commit: index ? 'def' : 'abc' }));
    const page = withTable(PAGE, { ...RESULTS, rows });
    assert.match(page, /took: 2 s; run by itself: 2026-01-02, commit def \|/);
    assert.match(page, /took: 1 min 1 s \|/);
  });

  test('says of each row what is done, what holds how often, what was seen, and its seed', () => {
    const page = withTable(PAGE, RESULTS);
    assert.match(page, /^before\n.*\nafter\n$/s);
    assert.doesNotMatch(page, /the one before/);
    assert.match(page, /1 of 2 rows hold/);
    assert.match(page, /2026-01-02, commit abc, workerd 1\.0, Node\.js 22\.0\.0, oidc-provider 9\.0\.0; 2 cores/);
    assert.match(
      page,
      /\| `first` \| 1,000 clients \\\| ask \| each is answered: 1,000 \| lost: 0; requests: 1,000; took: 1 min 1 s \| 7 \|/,
    );
  });

  test('shows what does not hold, what was not checked, and a row without an end', () => {
    const page = withTable(PAGE, RESULTS);
    assert.match(
      page,
      /each is answered: \*\*failed 2 of 10\*\*<br>nobody waits: \*\*0\*\*<br>\*\*did not come to its end\*\*/,
    );
  });
});
