// What Durable Objects have on the disk, read from their files while no workerd runs over them.

import { createHash, createHmac } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { deserialize } from 'node:v8';
import { workerName } from '../tests/e2e/support/harness.mjs';

const NAME_BYTES = 16;
/** Where the metadata of an object has its alarm, in nanoseconds. */
const ALARM_KEY = 1n;
const NANOS_PER_MS = 1_000_000n;

/** The folder in which workerd stores the objects of a class (bench/workerd.mjs). */
const classFolder = (folder, className) => join(folder, `${workerName(0)}-${className}`);

/** The id of the object of a name, as workerd makes it. */
function idOf(className, name) {
  const key = createHash('sha256')
    .update(`${workerName(0)}-${className}`)
    .digest();
  const mac = (bytes) => createHmac('sha256', key).update(bytes).digest().subarray(0, NAME_BYTES);
  const named = mac(name);
  return Buffer.concat([named, mac(named)]).toString('hex');
}

/**
 * The values that an object has stored, by key; none if it has no file.
 *
 * @param {string} folder that of the gateway
 * @param {string} className
 * @param {string} name
 */
export const storedByName = (folder, className, name) =>
  storedIn(join(classFolder(folder, className), `${idOf(className, name)}.sqlite`));

/** The files of all objects of a class. @param {string} folder @param {string} className */
export function filesOf(folder, className) {
  const place = classFolder(folder, className);
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.sqlite') && name !== 'metadata.sqlite')
    .map((name) => join(place, name));
}

/**
 * The values in the file of an object, by key.
 *
 * @param {string} file
 * @returns {Record<string, any>}
 */
export const storedIn = (file) => readObject(file).entries;

/**
 * The values in the file of an object, by key, and when its alarm rings, in milliseconds since 1970, if it has one. A copy is read, because a
 * reader of SQLite tidies up what a killed writer left.
 *
 * @param {string} file
 * @returns {{ entries: Record<string, any>, alarmMs?: number }}
 */
export function readObject(file) {
  if (!existsSync(file)) return { entries: {} };
  const place = mkdtempSync(`${file}-copy-`);
  try {
    for (const ending of ['', '-wal']) {
      if (existsSync(file + ending)) copyFileSync(file + ending, join(place, basename(file) + ending));
    }
    // Loaded here, it warns of being experimental only in the process that uses it.
    const { DatabaseSync } = process.getBuiltinModule('node:sqlite');
    const database = new DatabaseSync(join(place, basename(file)));
    const rowsOf = (table) => {
      if (!database.prepare('SELECT name FROM sqlite_master WHERE name = ?').get(table)) return [];
      const statement = database.prepare(`SELECT key, value FROM ${table}`);
      statement.setReadBigInts(true);
      return statement.all();
    };
    const [rows, metadata] = [rowsOf('_cf_KV'), rowsOf('_cf_METADATA')];
    database.close();
    const entries = rows.map(({ key, value }) => [String(key), deserialize(/** @type {Uint8Array} */ (value))]);
    const alarm = metadata.find(({ key }) => key === ALARM_KEY)?.value;
    return {
      entries: Object.fromEntries(entries),
      alarmMs: typeof alarm === 'bigint' ? Number(alarm / NANOS_PER_MS) : undefined,
    };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}
