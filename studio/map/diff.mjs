// What a change of a config does to its routes, drawn on the same tree: `bargate diff --format json` as entries with marks.

import { svgOf } from './svg.mjs';
import { treeOf } from './tree.mjs';
import { describe, routeName } from './words.mjs';

/**
 * @typedef {{ exposes: boolean, changed_sections: string[], section_exposures: string[], changes: { route: string,
 *   before: import('./words.mjs').Route | null, after: import('./words.mjs').Route | null, changed_keys: string[],
 *   exposures: string[] }[] }} Diff
 */

/** Makes the tree of what changed; with `routes`, those of the second config, also of what did not. @param {Diff} diff */
export function treeOfDiff(diff, routes = []) {
  const entries = diff.changes.map(entryOf);
  const shown = new Set(entries.map(({ route }) => routeName(route)));
  const same = routes.filter((route) => !shown.has(routeName(route))).map((route) => ({ route, exposures: [] }));
  return treeOf([...entries, ...same]);
}

/** @returns {import('./tree.mjs').Entry} */
function entryOf({ before, after, changed_keys, exposures }) {
  const mark = before ? (after ? 'changed' : 'removed') : 'added';
  return { route: after ?? before, before: mark === 'changed' ? before : null, mark, exposures, changed_keys };
}

/**
 * Draws a change: what it exposes stands beside its routes, and before them what other sections expose.
 * @param {Diff} diff
 * @param {{ title?: string, rows?: number }} [options]
 */
export function svgOfDiff(diff, options = {}) {
  return svgOf(treeOfDiff(diff), { title: 'Changes of routes', ...options, exposures: diff.section_exposures });
}

/** Returns what the change exposes, each with the name of its route, or of none if another section does it. @param {Diff} diff */
export function exposuresOf(diff) {
  const ofRoutes = diff.changes.flatMap(({ route, exposures }) => exposures.map((exposure) => ({ route, exposure })));
  return [...ofRoutes, ...diff.section_exposures.map((exposure) => ({ route: null, exposure }))];
}

/**
 * Returns what becomes of a route, in sentences: what is exposed comes first.
 * @param {import('./tree.mjs').Entry} entry
 * @returns {string[]}
 */
export function describeChange({ route, before, mark, exposures = [], changed_keys = [] }) {
  const exposed = exposures.map((exposure) => `Exposes: ${exposure}.`);
  const now = describe(route);
  if (mark === 'added') return [...exposed, 'Is added.', ...now];
  if (mark === 'removed') return [...exposed, 'Is removed. Until then:', ...now];
  if (!before) return now;
  const was = describe(before);
  const kept = now.filter((sentence) => was.includes(sentence));
  return [
    ...exposed,
    `Changes: ${changed_keys.join(', ') || 'where it leads'}.`,
    ...was.filter((sentence) => !kept.includes(sentence)).map((sentence) => `Before: ${sentence}`),
    ...now.filter((sentence) => !kept.includes(sentence)).map((sentence) => `After: ${sentence}`),
    ...kept,
  ];
}
