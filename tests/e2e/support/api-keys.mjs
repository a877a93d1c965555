// What the tests of API keys share: keys as `bargate key new` makes them, a KV namespace that counts what is read of it, and a gateway
// that takes keys.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildBargate } from './bargate.mjs';

export const NAMESPACE = 'API_KEYS';
export const PREFIX = 'acme_live';

/** An authorizer that finds the records of keys in KV. */
export const inKv = { type: 'api_key', prefix: PREFIX, kv: NAMESPACE };

/** A key with what is stored of it. @typedef {{ key: string, sha256: string, value: string, entry: any }} Key */

/**
 * Makes a key by the command line, for an authorizer.
 *
 * @param {string[]} [wishes]
 * @param {Record<string, any>} [authorizer]
 * @returns {Promise<Key>}
 */
export async function makeKey(wishes = [], authorizer = inKv) {
  const folder = await mkdtemp(join(tmpdir(), 'bargate-keys-'));
  try {
    const config = join(folder, 'gateway.config.json');
    await writeFile(config, JSON.stringify({ authorizer, paths: [] }));
    const owner = wishes.includes('--owner') ? [] : ['--owner', 'acme'];
    const args = ['key', 'new', '--config', config, '--format', 'json', ...owner, ...wishes];
    const { stdout } = await promisify(execFile)(await buildBargate(), args);
    return JSON.parse(stdout);
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Stores what KV is to have of a key: its record, unless that is given. */
export async function store(gateway, { sha256, value }, record = value) {
  const namespace = await gateway.kv(NAMESPACE);
  await namespace.put(sha256, record);
}

/** Removes what KV has of a key, as `wrangler kv key delete` does. */
export async function remove(gateway, { sha256 }) {
  const namespace = await gateway.kv(NAMESPACE);
  await namespace.delete(sha256);
}

/** An entry whose gateway reads KV through a count, and cannot read it while that is ordered. */
export const countingEntry = `
  import Gateway from './worker.js';

  let [reads, isAway] = [0, false];
  const counted = (namespace) => ({
    get(name) {
      reads += 1;
      return isAway ? Promise.reject(new Error('KV is away')) : namespace.get(name);
    },
  });

  export default class extends Gateway {
    constructor(context, env) {
      super(context, Object.create(env, { ${NAMESPACE}: { value: counted(env.${NAMESPACE}) } }));
    }

    fetch(request) {
      const order = request.headers.get('x-order');
      if (order === null) return super.fetch(request);
      isAway = order === 'away';
      return Response.json(reads);
    }
  }
`;

/** Returns how often a gateway with `countingEntry` has read KV, whose namespace is away from then on or there. */
export async function readsOf(gateway, order = 'there') {
  const answer = await gateway.fetch('/', { headers: { 'x-order': order } });
  return answer.json();
}
