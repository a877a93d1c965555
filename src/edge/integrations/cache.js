// The way into the Cache API and out of it. What is decided stands first, in functions that do nothing: which requests the cache may
// answer, and which answers of upstreams it keeps, and for how long, by the rules of a shared cache (RFC 9111). What answers on their
// way there hold together is bounded.

import { waitUntil } from 'cloudflare:workers';
import { http_date } from '../runtime/headers.js';
import { Room, pieces, sized } from '../runtime/limits.js';
import { digest_text } from '../runtime/webcrypto.js';
import { send } from './proxy.js';

/** The largest answer that is kept, in bytes. */
const MAX_BYTES = 4 * 1024 * 1024;

/** Words in names of headers that say who asks: what such a request is answered may be for nobody else. */
const CREDENTIAL =
  /key|token|auth|secret|session|passw|credential|signature|jwt|assertion|cert|principal|oidc|(?<!sec-fetch-)user(?!-agent)/;

/**
 * Returns what a request wants of the cache, `stored` or `anew`; nothing if the cache is to have no part in it.
 *
 * @param {Request} request
 * @param {string[]} names the headers by which answers differ
 * @param {boolean} isPersonal
 */
function wantedOf({ method, headers, body }, names, isPersonal) {
  const wanted = directives(headers.get('cache-control') ?? headers.get('pragma'));
  const plain = method === 'GET' && body === null && !headers.has('range') && !headers.has('upgrade');
  const known = !isPersonal && [...headers.keys()].some((name) => CREDENTIAL.test(name) && !names.includes(name));
  if (!plain || known || wanted.has('no-store')) return undefined;
  return wanted.has('no-cache') || wanted.get('max-age') === 0 ? 'anew' : 'stored';
}

/** Returns the directives of a `Cache-Control` by lower-case name: a number of seconds, NaN without one. The least counts. @param {string | null} value */
function directives(value) {
  /** @type {Map<string, number>} */
  const found = new Map();
  for (const [, name, quoted, plain] of (value ?? '').matchAll(
    /([^\s,;="]+)(?:\s*=\s*(?:"((?:\\.|[^"\\])*)"?|([^\s,;"]*)))?/g,
  )) {
    const text = quoted ?? plain ?? '';
    const seconds = /^\d+$/.test(text) ? Number(text) : NaN;
    const directive = name.toLowerCase();
    const other = found.get(directive);
    found.set(directive, other === undefined ? seconds : Math.min(other, seconds));
  }
  return found;
}

const DECODED = [null, 'gzip', 'br'];

/**
 * Returns for how many seconds an answer may be given to others who ask; 0 if it may not (RFC 9111 sections 3 and 4.2).
 *
 * @param {{ status: number, headers: Headers }} answer
 * @param {string[]} names the headers by which answers differ
 * @param {number} ttl
 * @param {number} now
 */
export function kept_seconds({ status, headers }, names, ttl, now) {
  /** @param {string} name */
  const header = (name) => headers.get(name)?.toLowerCase() ?? null;
  // What is said to such caches alone (RFC 9213) counts too.
  const said = directives([header('cache-control') ?? header('pragma'), header('cdn-cache-control')].join());
  /** @param {string[]} words */
  const has = (...words) => words.some((word) => said.has(word));
  const coding = header('content-encoding');
  // What is kept has no coding, so by `Accept-Encoding` it does not differ.
  const known = ['accept-encoding', ...names];
  const varies = header('vary')?.match(/[^\s,]+/g) ?? [];
  if (
    status !== 200 ||
    headers.has('set-cookie') ||
    has('no-store', 'no-cache', 'private') ||
    !varies.every((name) => known.includes(name)) ||
    Number(headers.get('content-length')) > MAX_BYTES ||
    !DECODED.includes(coding) ||
    (coding && has('no-transform'))
  )
    return 0;
  const expires = headers.get('expires');
  const dated = http_date(headers.get('date')) || now;
  const lifetime =
    said.get('s-maxage') ?? said.get('max-age') ?? (expires === null ? undefined : (http_date(expires) - dated) / 1000);
  if (lifetime === undefined) return has('must-revalidate', 'proxy-revalidate') ? 0 : ttl;
  const left = lifetime - age(headers, now);
  return left > 0 ? Math.min(ttl, Math.floor(left)) : 0;
}

/**
 * Returns how old an answer is as it comes, in seconds (RFC 9111 section 4.2.3).
 *
 * @param {Headers} headers
 * @param {number} now
 */
function age(headers, now) {
  return Math.max(
    parseInt(headers.get('age') ?? '', 10) || 0,
    Math.floor((now - (http_date(headers.get('date')) || now)) / 1000),
  );
}

// What is done.

/** Room for answers on their way into the cache: with what the cache takes of one meanwhile, twice as much is held. */
const room = new Room(MAX_BYTES);
const PIECE_BYTES = 32 * 1024;

/** Where a stored answer has the `Cache-Control` that came with it, and since when it is fresh, in milliseconds since 1970. */
const SAID = 'x-bargate-cache-control';
const SINCE = 'x-bargate-since';

/**
 * @param {Request} request
 * @param {string} urls
 * @param {number} ms
 * @param {number} retries
 * @param {string} outside
 * @param {string} cache
 */
export async function send_cached(request, urls, ms, retries, outside, cache) {
  const [origin, ttl, personal, vary, ...parts] = cache.split('\n');
  const names = vary.split(',').filter(Boolean);
  const ask = () => send(request, urls, ms, retries, outside, false);
  const wanted = wantedOf(request, names, personal !== '');
  if (!wanted) return ask();
  const values = names.map((name) => request.headers.get(name));
  const key = `${origin}/.bargate/${await digest_text(JSON.stringify([...parts, ...values]))}`;
  const stored = wanted === 'anew' ? undefined : await caches.default.match(key).catch(() => undefined);
  const given = stored ?? (await ask());
  const said = given.headers.get(stored ? SAID : 'cache-control');
  const now = Date.now();
  const seconds = stored ? 0 : kept_seconds(given, names, Number(ttl), now);
  const passed = seconds > 0 ? storing(key, given, said, seconds, now) : given;
  const answer = new Response(passed.body, passed);
  if (stored)
    answer.headers.set('age', String(Math.max(0, Math.floor((now - Number(stored.headers.get(SINCE) ?? now)) / 1000))));
  for (const name of [SAID, SINCE, 'cf-cache-status', 'cache-control']) answer.headers.delete(name);
  if (said !== null || personal) answer.headers.set('cache-control', said ?? 'private');
  answer.headers.set('cache-status', stored ? 'bargate; hit' : 'bargate; fwd=miss');
  return answer;
}

/**
 * Returns an answer of which a copy is kept while it goes to the client; as it came if there is no room for that.
 *
 * @param {string} key
 * @param {Response} given
 * @param {string | null} said the `Cache-Control` that came with it
 * @param {number} seconds
 * @param {number} now
 */
function storing(key, given, said, seconds, now) {
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
    // Who reads a body has it decoded. The first client gets what the next will, and what tells of the coded bytes goes.
    for (const name of ['content-encoding', 'content-length', 'content-digest', 'repr-digest']) headers.delete(name);
    const tag = headers.get('etag');
    if (tag?.startsWith('"')) headers.set('etag', `W/${tag}`);
  }
  const copy = new Headers(headers);
  if (said !== null) copy.set(SAID, said);
  copy.set(SINCE, String(now - age(headers, now) * 1000));
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
 * Passes a body on at the pace of the client, and gives a copy to `keep` once all of it has come: the Cache API may keep one that
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
