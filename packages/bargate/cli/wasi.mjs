// The part of WASI preview 1 that the command line uses: arguments, variables, clock, standard streams, and files by their names.
//
// https://github.com/WebAssembly/WASI/blob/main/legacy/preview1/docs.md has the layouts. Node's own WASI warns that it is experimental,
// can not tell a path that begins at the top from one that does not, and is in no browser.

import { NO_FOLDER, TOP, WORKING } from './files_in_memory.mjs';

/** The end of the program. */
export class Exit extends Error {
  constructor(status) {
    super(`exit status ${status}`);
    this.status = status;
  }
}

const SUCCESS = 0;
const BAD_DESCRIPTOR = 8;
const INPUT_OUTPUT = 29;
/** The numbers of WASI for what file systems say. */
const ERRORS = {
  EACCES: 2,
  EBUSY: 10,
  EDQUOT: 19,
  EEXIST: 20,
  EFBIG: 22,
  EINVAL: 28,
  EIO: INPUT_OUTPUT,
  EISDIR: 31,
  ELOOP: 32,
  EMFILE: 33,
  ENAMETOOLONG: 37,
  ENFILE: 41,
  ENODEV: 43,
  ENOENT: 44,
  ENOMEM: 48,
  ENOSPC: 51,
  ENOTDIR: 54,
  EPERM: 63,
  EROFS: 69,
  ETXTBSY: 74,
  ENXIO: 60,
};

const UNKNOWN = 0;
const TERMINAL = 2;
const FOLDER = 3;
const FILE = 4;
const TYPES = { folder: FOLDER, file: FILE, other: UNKNOWN };

const MAY_READ = 2n;
const MAY_WRITE = 64n;
const ALL_RIGHTS = (1n << 30n) - 1n;
/** Rights to seek and to tell the position, without which the C library takes a character device for a terminal. */
const SEEK_RIGHTS = 0b100100n;

const CREATE = 1;
const MUST_BE_FOLDER = 2;
const EXCLUSIVE = 4;
const TRUNCATE = 8;
const FOLLOW_LINKS = 1;

/** The folders that paths begin at. The program's working folder has a name of its own. */
const FOLDERS = [
  { base: TOP, name: '/' },
  { base: WORKING, name: '/<working folder>' },
];

/**
 * Returns the imports of a program. `begin` takes its memory, before it starts.
 *
 * @param {{
 *   args: string[],
 *   env: Record<string, string | undefined>,
 *   files: import('./files_in_memory.mjs').Files,
 *   stdin: { read: (length: number) => Uint8Array },
 *   output: { write: (stream: 'stdout' | 'stderr', bytes: Uint8Array) => void },
 *   terminals: { stdin?: boolean, stdout?: boolean, stderr?: boolean },
 *   now: number,
 * }} surroundings
 */
export function wasi({ args, env, files, stdin, output, terminals, now }) {
  /** @type {WebAssembly.Memory} */
  let memory;
  const view = () => new DataView(memory.buffer);
  const bytesAt = (at, length) => new Uint8Array(memory.buffer, at, length);
  const textAt = (at, length) => new TextDecoder().decode(bytesAt(at, length));
  const setU32 = (at, value) => view().setUint32(at, value, true);
  const setU64 = (at, value) => view().setBigUint64(at, value, true);

  /** @type {any[]} */
  const descriptors = [
    { type: terminals.stdin ? TERMINAL : UNKNOWN, read: (length) => stdin.read(length) },
    { type: terminals.stdout ? TERMINAL : UNKNOWN, write: (bytes) => output.write('stdout', bytes) },
    { type: terminals.stderr ? TERMINAL : UNKNOWN, write: (bytes) => output.write('stderr', bytes) },
    ...FOLDERS.map(({ base, name }) => ({ type: FOLDER, base, name: encoder.encode(name) })),
  ];

  /** Does what a call is for; a descriptor that is not there, and what a file system says, are errors of WASI. */
  const call = (body) => {
    try {
      return body() ?? SUCCESS;
    } catch (error) {
      if (error instanceof Exit || !('code' in error)) throw error;
      return ERRORS[error.code] ?? INPUT_OUTPUT;
    }
  };
  const withDescriptor = (number, body) => {
    const descriptor = descriptors[number];
    return descriptor ? call(() => body(descriptor)) : BAD_DESCRIPTOR;
  };

  /** Two calls for a list of texts: how much room it needs, and the texts, each with its end and its address. */
  const list = (texts) => {
    const encoded = texts.map((text) => encoder.encode(`${text}\0`));
    return {
      sizes(count, size) {
        setU32(count, encoded.length);
        setU32(
          size,
          encoded.reduce((sum, bytes) => sum + bytes.length, 0),
        );
        return SUCCESS;
      },
      get(addresses, at) {
        for (const [index, bytes] of encoded.entries()) {
          setU32(addresses + 4 * index, at);
          bytesAt(at, bytes.length).set(bytes);
          at += bytes.length;
        }
        return SUCCESS;
      },
    };
  };
  const argumentList = list(args);
  const variables = Object.entries(env).filter(([, value]) => value !== undefined);
  const variableList = list(variables.map(([name, value]) => `${name}=${value}`));

  /** Each piece of memory that a call names. */
  const pieces = (at, count) =>
    Array.from({ length: count }, (_, index) => {
      const piece = view();
      return bytesAt(piece.getUint32(at + 8 * index, true), piece.getUint32(at + 8 * index + 4, true));
    });

  const calls = {
    args_sizes_get: argumentList.sizes,
    args_get: argumentList.get,
    environ_sizes_get: variableList.sizes,
    environ_get: variableList.get,
    // One time for all runs of a command, so that each asks the same.
    clock_time_get: (_clock, _precision, at) => call(() => setU64(at, BigInt(now) * 1_000_000n)),
    random_get: (at, length) => call(() => void crypto.getRandomValues(bytesAt(at, length))),
    proc_exit(status) {
      throw new Exit(status);
    },
    fd_close: (number) =>
      withDescriptor(number, ({ close }) => {
        delete descriptors[number];
        close?.();
      }),
    fd_fdstat_get: (number, at) =>
      withDescriptor(number, ({ type }) => {
        bytesAt(at, 24).fill(0);
        view().setUint8(at, type);
        setU64(at + 8, type === TERMINAL ? ALL_RIGHTS & ~SEEK_RIGHTS : ALL_RIGHTS);
        setU64(at + 16, ALL_RIGHTS);
      }),
    fd_prestat_get: (number, at) =>
      withDescriptor(number, ({ name }) => {
        if (!name) return BAD_DESCRIPTOR;
        setU32(at, 0);
        setU32(at + 4, name.length);
      }),
    fd_prestat_dir_name: (number, at, length) =>
      withDescriptor(number, ({ name }) => void bytesAt(at, length).set(name.subarray(0, length))),
    fd_read: (number, at, count, read) =>
      withDescriptor(number, (descriptor) => {
        if (!descriptor.read) return descriptor.type === FOLDER ? ERRORS.EISDIR : BAD_DESCRIPTOR;
        let total = 0;
        for (const piece of pieces(at, count).filter(({ length }) => length > 0)) {
          const bytes = descriptor.read(piece.length);
          piece.set(bytes);
          total += bytes.length;
          if (bytes.length < piece.length) break;
        }
        setU32(read, total);
      }),
    fd_write: (number, at, count, written) =>
      withDescriptor(number, ({ write }) => {
        if (!write) return BAD_DESCRIPTOR;
        let total = 0;
        for (const piece of pieces(at, count)) {
          write(piece);
          total += piece.length;
        }
        setU32(written, total);
      }),
    path_filestat_get: (number, flags, at, length, result) =>
      withDescriptor(number, ({ base }) => {
        if (!base) return ERRORS.ENOTDIR;
        const { type, size } = files.stat(base, textAt(at, length), (flags & FOLLOW_LINKS) !== 0);
        bytesAt(result, 64).fill(0);
        view().setUint8(result + 16, TYPES[type]);
        setU64(result + 32, BigInt(size));
      }),
    path_open: (number, _links, at, length, how, rights, _inherited, _flags, opened) =>
      withDescriptor(number, ({ base }) => {
        if (!base) return ERRORS.ENOTDIR;
        const path = textAt(at, length);
        const isThere = (how & CREATE) === 0;
        const isFolder = isThere && files.stat(base, path, true).type === 'folder';
        if (!isFolder && (how & MUST_BE_FOLDER) !== 0) throw NO_FOLDER;
        const file = isFolder
          ? { type: FOLDER }
          : {
              type: FILE,
              ...files.open(base, path, {
                read: (rights & MAY_READ) !== 0n,
                write: (rights & MAY_WRITE) !== 0n,
                create: (how & CREATE) !== 0,
                exclusive: (how & EXCLUSIVE) !== 0,
                truncate: (how & TRUNCATE) !== 0,
              }),
            };
        setU32(opened, descriptors.push(file) - 1);
      }),
  };
  return {
    imports: /** @type {Record<string, any>} */ ({ wasi_snapshot_preview1: calls }),
    begin(/** @type {any} */ ofProgram) {
      memory = ofProgram;
    },
  };
}

const encoder = new TextEncoder();
