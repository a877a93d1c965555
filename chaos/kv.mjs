// KV namespaces, served over HTTP by the protocol that workerd speaks with one. They stand in this process, so that they outlive the
// gateway's, and so that a row can have every fault of KV on the wire.

import { once } from 'node:events';
import { createServer } from 'node:http';

/** The header by which workerd names the namespace (gateway.mjs). */
export const NAMESPACE_HEADER = 'x-kv-namespace';

/**
 * @typedef {object} KvRequest
 * @property {string} namespace
 * @property {'get' | 'put' | 'delete' | 'list'} operation
 * @property {string} key that of the value, or the prefix of a list
 * @property {string} [value] that is put
 */

/**
 * Starts the namespaces. `instead`, when set, may answer a request in their place: it gets the request and the `node:http` response, and
 * returns true if it has taken care of it.
 */
export async function startKv() {
  /** @type {Map<string, Map<string, string>>} */
  const namespaces = new Map();
  const namespace = (name) => {
    if (!namespaces.has(name)) namespaces.set(name, new Map());
    return /** @type {Map<string, string>} */ (namespaces.get(name));
  };
  const kv = {
    address: '',
    /** The values of a namespace, by key. */
    namespace,
    /** Every request that has come, oldest first. @type {KvRequest[]} */
    requests: [],
    /** @type {undefined | ((request: KvRequest, response: import('node:http').ServerResponse) => boolean | Promise<boolean>)} */
    instead: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  const server = createServer((request, response) => {
    handle(request, response).catch((error) => {
      console.error('kv:', request.method, request.url, error);
      response.destroy();
    });
  });
  server.keepAliveTimeout = 0;
  await once(server.listen(0, '127.0.0.1'), 'listening');
  kv.address = `127.0.0.1:${/** @type {import('node:net').AddressInfo} */ (server.address()).port}`;
  return kv;

  async function handle(request, response) {
    const chunks = await request.toArray();
    const { pathname, searchParams } = new URL(request.url, 'http://kv');
    const isList = request.method === 'GET' && pathname === '/';
    const operation = isList ? 'list' : { GET: 'get', PUT: 'put', DELETE: 'delete' }[request.method];
    /** @type {KvRequest} */
    const asked = {
      namespace: String(request.headers[NAMESPACE_HEADER] ?? ''),
      operation,
      key: isList ? (searchParams.get('prefix') ?? '') : decodeURIComponent(pathname.slice(1)),
      value: operation === 'put' ? Buffer.concat(chunks).toString('utf8') : undefined,
    };
    kv.requests.push(asked);
    if (await kv.instead?.(asked, response)) return;
    answer(namespace(asked.namespace), asked, response);
  }
}

/** @param {Map<string, string>} values @param {KvRequest} request @param {import('node:http').ServerResponse} response */
function answer(values, { operation, key, value }, response) {
  if (operation === 'list') {
    const keys = [...values.keys()].filter((each) => each.startsWith(key)).map((name) => ({ name }));
    response.end(JSON.stringify({ keys, list_complete: true }));
    return;
  }
  if (operation === 'put') values.set(key, value);
  if (operation === 'delete') values.delete(key);
  if (operation !== 'get') response.end();
  else if (values.has(key)) response.end(values.get(key));
  else response.writeHead(404).end();
}
