// The files of this machine, for the command line as WebAssembly.

import { closeSync, constants, lstatSync, openSync, readSync, statSync, writeSync } from 'node:fs';
import * as systemPath from 'node:path';

import { TOP } from './files_in_memory.mjs';

/**
 * @param {{ folder?: string, path?: import('node:path').PlatformPath }} surroundings The working folder, and how this system writes paths.
 * @returns {import('./files_in_memory.mjs').Files}
 */
export function realFiles({ folder = process.cwd(), path = systemPath } = {}) {
  return {
    stat(base, name, followLinks) {
      const found = (followLinks ? statSync : lstatSync)(addressOf(base, name, folder, path));
      const type = found.isFile() ? 'file' : found.isDirectory() ? 'folder' : 'other';
      return { type, size: found.size };
    },
    open(base, name, how) {
      const descriptor = openSync(addressOf(base, name, folder, path), flagsOf(how));
      return {
        read(length) {
          const bytes = new Uint8Array(Math.min(length, CHUNK_BYTES));
          return bytes.subarray(0, readSync(descriptor, bytes));
        },
        write(bytes) {
          for (let done = 0; done < bytes.length; ) done += writeSync(descriptor, bytes, done);
        },
        close: () => closeSync(descriptor),
      };
    },
  };
}

const CHUNK_BYTES = 1 << 20;

/**
 * Returns where a path of the program's leads. It sees a drive of Windows as a folder of the working folder, and leaves out the
 * first slash of a path from the top.
 */
export function addressOf(base, name, folder, path) {
  // A folder's name may end with a link that leads elsewhere, so `..` is left to the system where it knows of links.
  if (base === TOP) return path === path.win32 ? path.resolve(folder, '/', name) : `/${name}`;
  return path === path.win32 || path.isAbsolute(name) ? path.resolve(folder, name) : `${folder}/${name}`;
}

function flagsOf({ read, write, create, exclusive, truncate }) {
  const access = write ? (read ? constants.O_RDWR : constants.O_WRONLY) : constants.O_RDONLY;
  const { O_CREAT, O_EXCL, O_TRUNC } = constants;
  return access | (create ? O_CREAT : 0) | (exclusive ? O_EXCL : 0) | (truncate ? O_TRUNC : 0);
}
