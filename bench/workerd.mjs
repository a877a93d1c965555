// One process of raw workerd with several Workers, each at a socket of its own: nothing stands between the load and what is measured.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { compatibilityDate } from '../tests/e2e/support/harness.mjs';

/** The program that comes with wrangler. */
const { default: WORKERD } = createRequire(import.meta.url)('workerd');

/** The file descriptor by which workerd tells where it listens. */
const CONTROL_FD = 3;

/** @typedef {{ name: string, path: string, kind?: 'esModule' | 'wasm' }} Module */

/**
 * @typedef {object} Worker
 * @property {string} name
 * @property {Module[]} modules the first is the entry
 * @property {Record<string, string>} [texts] variables and secrets
 * @property {Record<string, string>} [kv] namespaces, by the Worker that answers for them
 * @property {Record<string, string>} [objects] classes of Durable Objects, by binding
 * @property {string} [objectsOf] the Worker that these are of, if it is another
 * @property {string[]} [flags] compatibility flags
 * @property {string[]} [bindings] others, as the configuration of workerd has them
 * @property {number} [port] where it listens; on any free one if it does not matter
 */

/**
 * Writes the configuration of a workerd with these Workers into a folder, which Durable Objects are stored in too, and returns its
 * file.
 *
 * @param {string} folder
 * @param {Worker[]} workers
 * @param {string[]} [v8Flags]
 * @param {string[]} [services] others, as the configuration of workerd has them
 * @param {string[]} [trusted] certificates of servers that Workers may call, as PEM
 */
export function writeConfig(folder, workers, v8Flags = [], services = [], trusted = []) {
  const service = ({ name }, index) => `(name = ${quoted(name)}, worker = .worker${index})`;
  const socket = ({ name, port = 0 }) =>
    `(name = ${quoted(name)}, address = "127.0.0.1:${port}", http = (), service = ${quoted(name)})`;
  const certificates = trusted.map(quoted).join(', ');
  const tls = trusted.length ? `, tlsOptions = (trustedCertificates = [${certificates}])` : '';
  const file = join(folder, 'workerd.capnp');
  writeFileSync(
    file,
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  v8Flags = [${v8Flags.map(quoted).join(', ')}],
  services = [
    ${workers.map(service).join(',\n    ')},
    (name = "objects", disk = (path = ${quoted(folder)}, writable = true)),
    ${services.map((service) => `${service},\n    `).join('')}(name = "internet", network = (allow = ["public", "private", "local"]${tls}))
  ],
  sockets = [
    ${workers.map(socket).join(',\n    ')}
  ]
);
${workers.map((worker, index) => workerText(worker, index, folder)).join('\n')}
`,
  );
  return file;
}

/**
 * @param {Worker} worker
 * @param {number} index
 * @param {string} folder
 */
function workerText(
  { name, modules, texts = {}, kv = {}, objects = {}, objectsOf = name, flags = [], bindings: others = [] },
  index,
  folder,
) {
  const embedded = modules.map(
    ({ name: module, path, kind = 'esModule' }) => `(name = ${quoted(module)}, ${kind} = embed ${quoted(path)})`,
  );
  // A long text, such as a config of 10,000 routes, stands in a file of its own.
  const bindings = [
    ...Object.entries(texts).map(([binding, text]) => {
      const file = join(folder, `${name}.${binding}.txt`);
      writeFileSync(file, text);
      return `(name = ${quoted(binding)}, text = embed ${quoted(file)})`;
    }),
    ...Object.entries(kv).map(([binding, of]) => `(name = ${quoted(binding)}, kvNamespace = ${quoted(of)})`),
    ...Object.entries(objects).map(
      ([binding, className]) =>
        `(name = ${quoted(binding)}, durableObjectNamespace = (className = ${quoted(className)}, serviceName = ${quoted(objectsOf)}))`,
    ),
    ...others,
  ];
  const own = objectsOf === name ? Object.values(objects) : [];
  const namespaces = own.map(
    (className) =>
      `(className = ${quoted(className)}, uniqueKey = ${quoted(`${name}-${className}`)}, enableSql = true)`,
  );
  return `const worker${index} :Workerd.Worker = (
  modules = [${embedded.join(', ')}],
  bindings = [${bindings.join(', ')}],
  durableObjectNamespaces = [${namespaces.join(', ')}],
  durableObjectStorage = (${namespaces.length ? 'localDisk = "objects"' : 'none = void'}),
  compatibilityDate = ${quoted(compatibilityDate)},
  compatibilityFlags = [${flags.map(quoted).join(', ')}]
);`;
}

/** A text as the configuration of workerd has it. */
export const quoted = (text) => JSON.stringify(text);

/**
 * Starts workerd by its configuration. Returns its process id, and the origin of each Worker by name once all of them listen.
 *
 * @param {string} file
 * @param {number} sockets how many Workers there are
 * @param {{ onLine?: (line: string) => void, args?: string[] }} [how] `onLine` gets what the Workers log and what workerd says, which else
 *   goes to this process's own output
 */
export async function startWorkerd(file, sockets, { onLine, args = [] } = {}) {
  const output = onLine ? 'pipe' : 'inherit';
  const child = spawn(WORKERD, ['serve', '--experimental', '-I', '/', `--control-fd=${CONTROL_FD}`, ...args, file], {
    stdio: ['ignore', output, output, 'pipe'],
  });
  for (const stream of [child.stdout, child.stderr]) {
    if (stream && onLine) createInterface(stream).on('line', onLine);
  }
  const exited = once(child, 'exit');
  const control = /** @type {import('node:stream').Readable} */ (child.stdio[CONTROL_FD]);
  /** @type {Record<string, string>} */
  const origins = {};
  for await (const line of createInterface(control)) {
    const { event, socket, port } = JSON.parse(line);
    if (event === 'listen') origins[socket] = `http://127.0.0.1:${port}`;
    if (Object.keys(origins).length === sockets) break;
  }
  if (Object.keys(origins).length < sockets) throw new Error(`workerd ended before it listened (${await exited})`);
  return {
    pid: child.pid,
    origins,
    async close() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
