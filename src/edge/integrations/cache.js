// Reads from the Cache API and writes to it. The core decides what the cache may answer, and what it stores for how long
// (`src/proxy/cache.rs`, `src/http/caching.rs`). The memory of all answers on their way there is bounded.

import { waitUntil } from 'cloudflare:workers';
import { Room, pieces, sized } from '../runtime/limits.js';
import { digest_text } from '../runtime/webcrypto.js';

/** The largest answer that is kept, in bytes; `src/http/caching.rs` has it too. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Room for answers on their way into the cache: with what the cache takes of one meanwhile, twice as much is held. */
const room = new Room(MAX_BYTES);
const PIECE_BYTES = 32 * 1024;

/** Where a stored answer has the `Cache-Control` that came with it, and since when it is fresh, in milliseconds since 1970. */
const SAID = 'x-bargate-cache-control';
const SINCE = 'x-bargate-since';

/** Returns the names of a request's headers. @param {Request} request */
export function names_of({ headers }) {
  return [...headers.keys()].join();
}

/**
 * @param {Request} request
 * @param {string} origin
 * @param {string} name
 * @param {string} vary
 * @param {boolean} anew
 * @param {boolean} isPrivate
 */
export async function look_up({ headers }, origin, name, vary, anew, isPrivate) {
  const values = (vary.match(/[^,]+/g) ?? []).map((header) => headers.get(header));
  const key = `${origin}/.bargate/${await digest_text(JSON.stringify([...name.split('\n'), ...values]))}`;
  const kept = anew ? undefined : await caches.default.match(key).catch(() => undefined);
  if (!kept) return key;
  const answer = forClient(kept, kept.headers.get(SAID), isPrivate, 'bargate; hit');
  const now = Date.now();
  answer.headers.set('age', String(Math.max(0, Math.floor((now - Number(kept.headers.get(SINCE) ?? now)) / 1000))));
  return answer;
}

/**
 * @param {Response} given
 * @param {string} key
 * @param {number} seconds
 * @param {number} age
 * @param {boolean} isPrivate
 */
export function pass_on(given, key, seconds, age, isPrivate) {
  const said = given.headers.get('cache-control');
  return forClient(seconds > 0 ? storing(key, given, said, seconds, age) : given, said, isPrivate, 'bargate; fwd=miss');
}

/**
 * Returns an answer as the client gets it, with a header that says where it comes from.
 *
 * @param {Response} given
 * @param {string | null} said the `Cache-Control` that came with it
 * @param {boolean} isPrivate whether it is one user's, which it says unless it says something else
 * @param {string} status
 */
function forClient(given, said, isPrivate, status) {
  const answer = new Response(given.body, given);
  for (const name of [SAID, SINCE, 'cf-cache-status', 'cache-control']) answer.headers.delete(name);
  if (said !== null || isPrivate) answer.headers.set('cache-control', said ?? 'private');
  answer.headers.set('cache-status', status);
  return answer;
}

/**
 * Returns an answer of which a copy is kept while it goes to the client; as it came if there is no room for that.
 *
 * @param {string} key
 * @param {Response} given
 * @param {string | null} said the `Cache-Control` that came with it
 * @param {number} seconds
 * @param {number} age how old it is, in seconds
 */
function storing(key, given, said, seconds, age) {
  const coded = given.headers.has('content-encoding');
  const length = coded ? null : given.headers.get('content-length');
  /** @type {import('../runtime/limits.js').Held} */
  const held = {};
  const bytes = length === null ? PIECE_BYTES : Number(length);
  if (!room.take(held, bytes)) return given;
  const { readable, writable } = sized(length);
  const answer = new Response(readable, given);
  const { headers } = answer;
  if (coded) {
    // A body is decoded as it is read. The first client gets what the next will, so headers about the coded bytes are removed.
    for (const name of ['content-encoding', 'content-length', 'content-digest', 'repr-digest']) headers.delete(name);
    const tag = headers.get('etag');
    if (tag?.startsWith('"')) headers.set('etag', `W/${tag}`);
  }
  const copy = new Headers(headers);
  if (said !== null) copy.set(SAID, said);
  copy.set(SINCE, String(Date.now() - age * 1000));
  copy.delete('age');
  copy.set('cache-control', `max-age=${seconds}`);
  /** @param {Uint8Array} body */
  const keep = (body) => caches.default.put(key, new Response(body, { headers: copy }));
  const work = pass(
    given.body ?? /** @type {ReadableStream} */ (new Response('').body),
    writable,
    held,
    new ArrayBuffer(bytes),
    keep,
  );
  waitUntil(work.catch(() => {}).then(() => room.leave(held)));
  return answer;
}

/**
 * Passes a body on at the pace of the client, and passes a copy to `keep` after all of it has arrived: the Cache API may store one that
 * breaks off. The copy is one buffer, which is given back at once if it finds no room to grow.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {WritableStream} writable
 * @param {import('../runtime/limits.js').Held} held
 * @param {ArrayBuffer} copy
 * @param {(body: Uint8Array) => Promise<void>} keep
 * @returns {Promise<unknown>}
 */
async function pass(body, writable, held, copy, keep) {
  const client = writable.getWriter();
  let [at, fits] = [0, true];
  try {
    for await (const piece of pieces(body, PIECE_BYTES)) {
      await client.write(piece);
      const end = at + piece.length;
      if (end > copy.byteLength) {
        const size = Math.min(2 * end, room.max);
        fits = end <= size && room.take(held, size - copy.byteLength);
        if (!fits) break;
        copy = copy.transfer(size);
      }
      new Uint8Array(copy).set(piece, at);
      at = end;
    }
    if (fits) await client.close();
  } catch (reason) {
    copy.transfer(0);
    return Promise.all([client.abort(reason), body.cancel(reason)]);
  }
  if (fits) return keep(new Uint8Array(copy, 0, at));
  copy.transfer(0);
  client.releaseLock();
  return body.pipeTo(writable);
}
