// What a row of the scorecard is: something that is done to the gateway, and what must hold all the while. Each is a file of rows/.

import { readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { Failure, ROOT } from '../scripts/toolchain.mjs';
import { withoutTokens } from './timeline.mjs';

const ROWS = join(ROOT, 'chaos', 'rows');

/** The headings of the table, in its order. */
export const GROUPS = ['Renewals', 'What the gateway depends on', 'Upstreams', 'Versions', 'Time'];

/** How long a row may take if it does not say so itself, by the name of its size. */
const TIMEOUT_SECS = { card: 900, excerpt: 900 };

/**
 * @typedef {object} Row
 * @property {string} name that of its file
 * @property {string} group the heading of the table that it is below, one of `GROUPS`
 * @property {number} [rank] its place within the group; rows without one come last, by name
 * @property {string | ((size: any) => string)} done what is done, in the words of the table
 * @property {string[]} holds the claims: what must hold, in the words of the table
 * @property {{ card: any, excerpt?: any, [name: string]: any }} sizes how much of it is done: in the whole card, and in `make test`
 * @property {Record<string, number>} [timeoutSecs] how long it may take, by the name of its size
 * @property {(run: Run) => Promise<Seen>} run
 *
 * @typedef {Record<string, number | string | boolean>} Seen figures of the table, by what they are
 *
 * @typedef {object} Run
 * @property {any} size one of the row's `sizes`
 * @property {import('./random.mjs').Random} random
 * @property {import('./timeline.mjs').Timeline} timeline
 * @property {Hold} hold records whether a claim holds; a claim that does not fails the row when it has ended
 * @property {string} folder an empty folder of its own, which is removed afterwards
 *
 * @typedef {(claim: string, condition: unknown, detail?: unknown, about?: string) => boolean} Hold
 */

/** The names of all rows. */
export const rowNames = () =>
  readdirSync(ROWS)
    .filter((name) => name.endsWith('.mjs'))
    .map((name) => name.slice(0, -'.mjs'.length))
    .sort();

/**
 * Loads the row of a name, or of a file elsewhere.
 *
 * @param {string} name
 * @returns {Promise<Row>}
 */
export async function loadRow(name) {
  const isFile = name.endsWith('.mjs');
  if (!isFile && !rowNames().includes(name))
    throw new Failure(`there is no row "${name}", only ${rowNames().join(', ')}`);
  const { default: row } = await import(isFile ? resolve(name) : join(ROWS, `${name}.mjs`));
  return row;
}

/**
 * Compares rows, or what came of them, by their place in the table.
 *
 * @param {Pick<Row, 'name' | 'group' | 'rank'>} a
 * @param {Pick<Row, 'name' | 'group' | 'rank'>} b
 */
export const byPlace = (a, b) =>
  GROUPS.indexOf(a.group) - GROUPS.indexOf(b.group) ||
  (a.rank ?? 100) - (b.rank ?? 100) ||
  a.name.localeCompare(b.name);

/** @param {Row} row @param {string} sizeName */
export const timeoutSecs = (row, sizeName) =>
  row.timeoutSecs?.[sizeName] ?? TIMEOUT_SECS[sizeName] ?? TIMEOUT_SECS.card;

/** @param {Row} row @param {any} size */
export const doneText = ({ done }, size) => (typeof done === 'function' ? done(size) : done);

/**
 * The claims of a row while it runs.
 *
 * @param {Row} row
 * @param {import('./timeline.mjs').Timeline} timeline
 */
export function claimsOf({ name, holds }, timeline) {
  /** @type {Map<string, { claim: string, checked: number, failed: number, first?: string }>} */
  const claims = new Map(holds.map((claim) => [claim, { claim, checked: 0, failed: 0 }]));
  /** @type {Hold} */
  const hold = (claim, condition, detail, about) => {
    const known = claims.get(claim);
    if (!known) throw new Error(`the row ${name} does not claim "${claim}"`);
    known.checked += 1;
    if (condition) return true;
    known.failed += 1;
    const text = withoutTokens(
      typeof detail === 'string' ? detail : detail === undefined ? '' : JSON.stringify(detail),
    );
    known.first ??= text;
    timeline.fail(claim, text, about);
    return false;
  };
  return {
    hold,
    all: () => [...claims.values()],
    /** Whether each claim was checked, and held each time. */
    isMet: () => [...claims.values()].every(({ checked, failed }) => checked > 0 && failed === 0),
  };
}
