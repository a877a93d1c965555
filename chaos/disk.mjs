// What Durable Objects have stored, as it lies on the disk: workerd has a SQLite file for each.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { deserialize } from 'node:v8';

/** What the folder of a class has besides a file for each object. */
const METADATA = 'metadata.sqlite';

/**
 * @typedef {object} Stored
 * @property {string} className
 * @property {string} id
 * @property {Record<string, any>} entries
 * @property {number} [alarmMs] when its alarm rings, in milliseconds since 1970
 */

/**
 * Reads the objects of classes in the folder of a gateway whose process has ended.
 *
 * @param {string} folder
 * @param {string} owner the name of the Worker that they are of
 * @param {string[]} classNames
 * @returns {Stored[]}
 */
export function storedIn(folder, owner, classNames) {
  return classNames.flatMap((className) => {
    const place = join(folder, `${owner}-${className}`);
    if (!existsSync(place)) return [];
    return readdirSync(place)
      .filter((name) => name.endsWith('.sqlite') && name !== METADATA)
      .map((name) => ({ className, id: name.slice(0, -'.sqlite'.length), ...readFile(join(place, name)) }));
  });
}

/** @param {string} path */
function readFile(path) {
  const database = new DatabaseSync(path);
  try {
    const rowsOf = (table, columns) => {
      const known = database.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name = ?").get(table);
      if (!known) return [];
      const statement = database.prepare(`SELECT ${columns} FROM ${table}`);
      statement.setReadBigInts(true);
      return /** @type {any[]} */ (statement.all());
    };
    const entries = Object.fromEntries(
      rowsOf('_cf_KV', 'key, value').map(({ key, value }) => [key, deserialize(value)]),
    );
    // Its first row is the alarm, in nanoseconds.
    const [alarm] = rowsOf('_cf_METADATA', 'key, value').filter(({ key, value }) => key === 1n && value !== null);
    return { entries, alarmMs: alarm && Number(alarm.value / 1_000_000n) };
  } finally {
    database.close();
  }
}
