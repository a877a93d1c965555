// The tree of routes: what is under what, what it counts, and what is folded.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { describeChange, exposuresOf, treeOfDiff } from '../../studio/map/diff.mjs';
import { printable } from '../../studio/map/printable.mjs';
import { firstOpen, rowsOf, treeOfRoutes } from '../../studio/map/tree.mjs';
import { HOSTILE, many, printed, route } from './routes.mjs';

/** Writes a tree as lines, for comparison. */
function lines(items, depth = 0) {
  return items.flatMap(({ label, method, children }) => [
    '  '.repeat(depth) + [method, label].filter(Boolean).join(' '),
    ...lines(children, depth + 1),
  ]);
}

const paths = (...specs) => specs.map(([method, path, host = null]) => route({ method, path, host }));

describe('the tree', () => {
  /** @type {[string, any[], string[]][]} */
  const table = [
    ['no routes', [], []],
    ['one', paths(['GET', '/a']), ['every host', '  GET /a']],
    ['the root', paths(['GET', '/']), ['every host', '  GET /']],
    [
      'segments that lead to one place only are one row',
      paths(['GET', '/a/b/c'], ['GET', '/a/b/d']),
      ['every host', '  /a/b', '    GET /c', '    GET /d'],
    ],
    [
      'methods of one path, in the usual order',
      paths(['ANY', '/a'], ['DELETE', '/a'], ['GET', '/a']),
      ['every host', '  /a', '    GET', '    DELETE', '    ANY'],
    ],
    [
      'a path and those below it, literals first, then parameters, then the rest',
      paths(['GET', '/a/{.+}'], ['GET', '/a/{b}'], ['GET', '/a/z'], ['GET', '/a'], ['GET', '/a/b']),
      ['every host', '  /a', '    GET', '    GET /b', '    GET /z', '    GET /{b}', '    GET /{.+}'],
    ],
    ['a slash at the end', paths(['GET', '/a/'], ['GET', '/a']), ['every host', '  /a', '    GET', '    GET /']],
    [
      'hosts',
      paths(['GET', '/a', 'b.example'], ['GET', '/a'], ['GET', '/a', '*.example']),
      ['every host', '  GET /a', '*.example', '  GET /a', 'b.example', '  GET /a'],
    ],
    [
      'a route that a config with errors has twice',
      paths(['GET', '/a'], ['GET', '/a']),
      ['every host', '  /a', '    GET', '    GET'],
    ],
  ];
  for (const [name, routes, expected] of table)
    test(name, () => assert.deepEqual(lines(treeOfRoutes(routes)), expected));
});

test('a branch counts what is in it', () => {
  const [root] = treeOfRoutes([
    route({ path: '/a/1', auth: null }),
    route({ path: '/a/2', session: true }),
    route({ path: '/b', auth: { scopes: ['x'] } }),
  ]);
  assert.deepEqual(root.counts, { routes: 3, open: 1, exposed: 1, token: 1, session: 1, scopes: 1 });
});

test('no two items have the same id', () => {
  const routes = [...many(200), ...paths(['GET', '/a'], ['GET', '/a'], ['GET', '/a/b'], ['GET', '/a', 'h'])];
  const idsOf = (items) => items.flatMap(({ id, children }) => [id, ...idsOf(children)]);
  const ids = idsOf(treeOfRoutes(routes));
  assert.equal(new Set(ids).size, ids.length);
});

test('the names are open at first, and below them as many rows as fit', () => {
  const items = treeOfRoutes(many(1000));
  const open = firstOpen(items, 150);
  assert.ok(open.has(items[0].id));
  assert.ok(rowsOf(items, 150).length <= 150);
  assert.equal(rowsOf(items, 5000).filter(({ item }) => item?.entry).length, 1000, 'all of them, if there is room');
  const [root] = rowsOf(treeOfRoutes(many(1000, { flat: true })), 100);
  assert.ok(!root.isFolded, 'a name is open, however many it has');
});

test('of a branch with too many children the rest is counted', () => {
  const rows = rowsOf(treeOfRoutes(many(1000, { flat: true })), 100);
  assert.equal(rows.length, 102);
  assert.equal(rows.at(-1)?.more, 900);
});

test('hostile names lead to one row each', () => {
  for (const [what, path] of HOSTILE) {
    const leaves = rowsOf(treeOfRoutes([route({ path })]), 100).filter(({ item }) => item?.entry);
    assert.equal(leaves.length, 1, what);
    assert.equal(printable(leaves[0].item.label), leaves[0].item.label, what);
  }
});

describe('a comparison', () => {
  const diff = printed(
    'diff',
    '--format',
    'json',
    'tests/cli/diff.in/before.json',
    'tests/cli/diff.in/gateway.config.json',
  );
  const entries = () => rowsOf(treeOfDiff(diff), 1000).flatMap(({ item }) => (item?.entry ? [item.entry] : []));

  test('marks what is added, removed and changed', () => {
    const marks = entries().map(({ mark, route: { method, path } }) => `${mark} ${method} ${path}`);
    assert.deepEqual(marks, [
      'changed GET /api/orders/{order}',
      'added DELETE /api/orders/{order}',
      'added GET /api/prices',
      'removed GET /api/users/{id}',
      'changed GET /health',
    ]);
  });

  test('counts the routes that expose more', () => {
    assert.deepEqual(treeOfDiff(diff)[0].counts.exposed, 3);
  });

  test('lists what is exposed, that of other sections last', () => {
    const exposures = exposuresOf({ ...diff, section_exposures: ['session: keeps sessions longer'] });
    assert.equal(exposures.length, 5);
    assert.deepEqual(exposures[0], {
      route: 'GET /api/orders/{order}',
      exposure: 'no longer requires the scope read:orders',
    });
    assert.deepEqual(exposures.at(-1), { route: null, exposure: 'session: keeps sessions longer' });
  });

  test('tells a change in sentences, what is exposed first', () => {
    assert.deepEqual(describeChange(entries()[0]), [
      'Exposes: no longer requires the scope read:orders.',
      'Changes: auth.',
      'Before: {id} is one segment, whatever it is.',
      'Before: It must have the scope read:orders.',
      'After: {order} is one segment, whatever it is.',
      'Needs a token of default.',
      'Goes to the upstream api (https://api.shop.example).',
    ]);
    assert.equal(describeChange(entries()[1])[0], 'Is added.');
    assert.equal(describeChange(entries()[3])[1], 'Is removed. Until then:');
  });

  test('has the routes that stay the same, too, if they are given', () => {
    const routes = printed('routes', '--format', 'json', 'tests/cli/diff.in/gateway.config.json');
    const all = rowsOf(treeOfDiff(diff, routes), 1000).filter(({ item }) => item?.entry);
    assert.equal(all.length, routes.length + 1, 'and the one that is removed');
  });
});

test('places in the file are those of the entries', () => {
  const routes = printed('routes', '--format', 'json', 'gateway.config.json');
  const health = routes.find(({ path }) => path === '/health');
  assert.deepEqual([health.entry, health.column], ['paths[0]', 5]);
  assert.ok(routes.find(({ path }) => path === '/api/{.+}').line > health.line);
  assert.deepEqual(
    routes.filter(({ session }) => session).map(({ path }) => path),
    ['/api/auth0/profile', '/api/{.+}'],
  );
});
