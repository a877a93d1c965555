// Watches files and folders for those who run a gateway while its files change. It watches folders and never a file: an editor that
// saves by putting another file in the place of one would leave a watch on what is gone. What has changed is for others to find out.

import { readdirSync, watch } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** What comes within this time of each other is one change: an editor saves in several steps. */
const SETTLE_MS = 50;

export class Watcher {
  #paths;
  #watchers = [];
  #hasChanged = false;
  /** @type {(value?: unknown) => void} */
  #wake = () => {};

  /** Watches paths, whether or not there is anything yet. */
  constructor(paths) {
    this.#paths = paths;
    this.#follow();
  }

  /** Resolves when something has changed since it was asked last, and all is quiet again. */
  async change() {
    if (!this.#hasChanged) await new Promise((resolve) => (this.#wake = resolve));
    while (this.#hasChanged) {
      this.#hasChanged = false;
      await sleep(SETTLE_MS);
    }
    // Before anyone reads: what comes into a folder from here on is noticed.
    this.#follow();
  }

  close() {
    for (const watcher of this.#watchers) watcher.close();
  }

  /** Watches again the folders that exist: one may have been created or replaced. */
  #follow() {
    const before = this.#watchers;
    this.#watchers = [
      ...this.#paths.map((path) => this.#watch(dirname(path), basename(path))),
      ...this.#paths.flatMap(foldersUnder).map((folder) => this.#watch(folder)),
    ].filter(Boolean);
    for (const watcher of before) watcher.close();
  }

  /** Watches a folder for what happens to this entry, or to any. */
  #watch(folder, entry) {
    try {
      return watch(folder, (_, name) => (!entry || !name || name === entry) && this.#note()).on('error', () =>
        this.#note(),
      );
    } catch (error) {
      // The folder around it tells when it comes.
      if (error.code === 'ENOENT') return undefined;
      throw error;
    }
  }

  #note() {
    this.#hasChanged = true;
    this.#wake();
  }
}

function foldersUnder(path) {
  try {
    const folders = readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return [path, ...folders.flatMap(({ name }) => foldersUnder(join(path, name)))];
  } catch {
    // A file, or nothing.
    return [];
  }
}
