// The routes of a config as a tree: names, then segments of paths, then methods. A branch knows how many routes of which kind it has,
// so that it can be folded. Paths may be long and many: nothing here recurses.

import { printable } from './printable.mjs';
import { demand, isExposed } from './words.mjs';

/**
 * @typedef {import('./words.mjs').Route} Route
 * @typedef {'added' | 'removed' | 'changed' | null} Mark
 * @typedef {{ route: Route, before?: Route | null, mark?: Mark, exposures?: string[], changed_keys?: string[] }} Entry
 *   A route, and in a comparison what becomes of it; of a removed one `route` is what it was.
 * @typedef {{ id: string, label: string, path: string, method: string | null, entry: Entry | null, children: Item[],
 *   counts: Record<string, number> }} Item A row: a branch has children, a leaf has an entry.
 */

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'ANY'];

/** Makes the tree of routes as `bargate routes --format json` lists them: one item a name. @param {Route[]} routes */
export function treeOfRoutes(routes) {
  return treeOf(routes.map((route) => ({ route })));
}

/** Makes the tree of entries: one item a name that the gateway answers under. @param {Entry[]} entries @returns {Item[]} */
export function treeOf(entries) {
  const roots = new Map();
  /** A parent comes before its children. */
  const nodes = [];
  const grow = (siblings, key, parent, host, path) => {
    let node = siblings.get(key);
    if (!node) {
      node = { key, parent, host, path, entries: [], children: new Map(), items: [] };
      siblings.set(key, node);
      nodes.push(node);
    }
    return node;
  };
  for (const entry of entries) {
    const { host, path } = entry.route;
    let node = grow(roots, host ?? '', null, host ?? '', '');
    for (let start = 1, end; start <= path.length; start = end + 1) {
      end = path.indexOf('/', start);
      if (end < 0) end = path.length;
      node = grow(node.children, path.slice(start, end), node, node.host, path.slice(0, end));
    }
    node.entries.push(entry);
  }
  const ids = new Map();
  const tops = [];
  for (const node of nodes.reverse()) {
    const item = node.parent ? itemOf(node, ids) : rootOf(node, ids);
    (node.parent ? node.parent.items : tops).push({ key: node.key, item });
  }
  return inOrder(tops);
}

function rootOf(node, ids) {
  return branch(node.key === '' ? 'every host' : printable(node.key), node, ids);
}

function itemOf(node, ids) {
  const label = `/${printable(node.key)}`;
  const [only] = node.items;
  if (node.entries.length === 0 && node.items.length === 1) {
    // A segment that leads to one place only is part of the way there.
    only.item.label = label + only.item.label;
    return only.item;
  }
  return node.entries.length === 1 && !only ? leaf(label, node.entries[0], ids) : branch(label, node, ids);
}

function branch(label, node, ids) {
  const byMethod = (a, b) => METHODS.indexOf(a.route.method) - METHODS.indexOf(b.route.method);
  const leaves = node.entries.sort(byMethod).map((entry) => leaf('', entry, ids));
  const children = [...leaves, ...inOrder(node.items)];
  const counts = {};
  for (const child of children)
    for (const [kind, count] of Object.entries(child.counts)) counts[kind] = (counts[kind] ?? 0) + count;
  const id = unique(`${node.host} ${node.path}`, ids);
  return { id, label, path: node.path, method: null, entry: null, children, counts };
}

function leaf(label, entry, ids) {
  const { route } = entry;
  const counts = { routes: 1, [demand(route)]: 1 };
  if (route.session) counts.session = 1;
  if (entry.mark) counts[entry.mark] = 1;
  // In a comparison, only what the change exposes counts.
  if (entry.exposures ? entry.exposures.length : isExposed(route)) counts.exposed = 1;
  const id = unique(`${route.host ?? ''} ${route.path} ${route.method}`, ids);
  return { id, label, path: route.path, method: printable(route.method), entry, children: [], counts };
}

/** Returns an id that no other item has: a config with errors may have a route twice. */
function unique(id, ids) {
  const count = (ids.get(id) ?? 0) + 1;
  ids.set(id, count);
  return count === 1 ? id : `${id} ${count}`;
}

/** Sorts as the gateway prefers: literal segments, then parameters, then the rest of the path. */
function inOrder(keyed) {
  const rank = (key) => (!key.startsWith('{') ? 0 : key.endsWith('+}') ? 2 : 1);
  const by = (a, b) => rank(a.key) - rank(b.key) || (a.key < b.key ? -1 : 1);
  return keyed.sort(by).map(({ item }) => item);
}

/** Returns the items that are open at first, level by level, so that at most about `rows` rows are seen; names always are. */
export function firstOpen(items, rows) {
  const open = new Set();
  let left = rows - items.length;
  let level = items;
  while (level.length) {
    const next = [];
    for (const item of level) {
      if (!item.children.length || (level !== items && item.children.length > left)) continue;
      open.add(item.id);
      left -= item.children.length;
      next.push(...item.children);
    }
    level = next;
  }
  return open;
}

/**
 * Returns the rows of a drawing from top to bottom: the items whose branches are open, at most about `max`. Of a branch that has too
 * many, `more` is how many are left out.
 * @returns {{ item: Item | null, depth: number, isLast: boolean, isFolded: boolean, more: number }[]}
 */
export function rowsOf(items, max) {
  const open = firstOpen(items, max);
  const rows = [];
  const waiting = items.map((item) => ({ item, depth: 0, isLast: true, more: 0 })).reverse();
  while (waiting.length) {
    const next = waiting.pop();
    const children = next.item && open.has(next.item.id) ? next.item.children : [];
    rows.push({ ...next, isFolded: !!next.item?.children.length && !children.length });
    const shown = children.length > max ? children.slice(0, max) : children;
    const depth = next.depth + 1;
    if (shown.length < children.length)
      waiting.push({ item: null, depth, isLast: true, more: children.length - shown.length });
    for (let at = shown.length - 1; at >= 0; at--)
      waiting.push({ item: shown[at], depth, isLast: at === children.length - 1, more: 0 });
  }
  return rows;
}
