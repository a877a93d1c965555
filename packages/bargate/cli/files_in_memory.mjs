// Files that are texts in memory, and the form in which the command line sees any file system.

/** Where paths begin: at the top, or in the working folder. */
export const TOP = 'top';
export const WORKING = 'working';

/**
 * How a file is opened.
 *
 * @typedef {{ read: boolean, write: boolean, create: boolean, exclusive: boolean, truncate: boolean }} How
 */

/**
 * A file system. What it throws has the `code` of an error of Node.js, such as `ENOENT`.
 *
 * @typedef {object} Files
 * @property {(base: string, path: string, followLinks: boolean) => { type: 'file' | 'folder' | 'other', size: number }} stat
 * @property {(base: string, path: string, how: How) => {
 *   read: (length: number) => Uint8Array,
 *   write: (bytes: Uint8Array) => void,
 *   close: () => void,
 * }} open
 * @property {Record<string, string>} [written]
 */

const failure = (code) => Object.assign(new Error(code), { code });

/** What stands in a path's way, or at its end, is no folder. */
export const NO_FOLDER = failure('ENOTDIR');

/**
 * Returns files by their names in the working folder; a name that begins with a slash is one at the top.
 *
 * @param {Record<string, string>} texts
 * @returns {Files}
 */
export function filesInMemory(texts) {
  const contents = new Map(Object.entries(texts).map(([name, text]) => [plain(name), text]));
  const written = {};
  const named = (base, path) => plain(base === TOP ? `/${path}` : path);
  const isFolder = (name) =>
    name === '' || name === '/' || [...contents.keys()].some((key) => key.startsWith(`${name}/`));
  return {
    written,
    stat(base, path) {
      const name = named(base, path);
      if (contents.has(name)) return { type: 'file', size: encoded(contents.get(name)).length };
      if (isFolder(name)) return { type: 'folder', size: 0 };
      throw failure('ENOENT');
    },
    open(base, path, how) {
      const name = named(base, path);
      const isThere = contents.has(name);
      if (isThere && how.exclusive) throw failure('EEXIST');
      if (isFolder(name)) throw failure(how.exclusive ? 'EEXIST' : 'EISDIR');
      if (!isThere && !how.create) throw failure('ENOENT');
      const folder = name.slice(0, Math.max(0, name.lastIndexOf('/')));
      if (!isThere && !isFolder(folder)) throw failure('ENOENT');
      let rest = encoded(isThere && !how.truncate ? contents.get(name) : '');
      const keep = (text) => {
        contents.set(name, text);
        written[name] = text;
      };
      if (how.write && (!isThere || how.truncate)) keep('');
      return {
        read(length) {
          const bytes = rest.subarray(0, length);
          rest = rest.subarray(length);
          return bytes;
        },
        write: (bytes) => keep(contents.get(name) + new TextDecoder().decode(bytes)),
        close() {},
      };
    },
  };
}

const encoded = (text) => new TextEncoder().encode(text);

/** A name without the folders that lead nowhere. */
function plain(name) {
  const parts = [];
  for (const part of name.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '.' && part !== '') parts.push(part);
  }
  return (name.startsWith('/') ? '/' : '') + parts.join('/');
}
