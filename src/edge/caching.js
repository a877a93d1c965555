// What `cache` keeps of upstreams' answers, and for how long: the rules of a shared cache (RFC 9111), and the way into the
// Cache API. What answers on their way there hold together is bounded.

import { waitUntil } from 'cloudflare:workers';
import { Room, digest_text, http_date, pieces, send, sized } from './host.js';

/** Room for answers on their way into the cache: with what the cache takes of one meanwhile, twice as much is held. */
const room = new Room(4 * 1024 * 1024);
const PIECE_BYTES = 32 * 1024;

/** Where a stored answer has the `Cache-Control` that came with it, and since when it is fresh, in milliseconds since 1970. */
const SAID = 'x-bargate-cache-control';
const SINCE = 'x-bargate-since';

export async function send_cached(request, urls, ms, retries, outside, cache) {
  const [origin, ttl, personal, vary, ...parts] = cache.split('\n');
  const { method, headers, body } = request;
  const names = vary.split(',').filter(Boolean);
  const wanted = directives(headers.get('cache-control') ?? headers.get('pragma'));
  const ask = () => send(request, urls, ms, retries, outside, false);
  const plain = method === 'GET' && body === null && !headers.has('range') && !headers.has('upgrade');
  const known = !personal && [...headers.keys()].some((name) => CREDENTIAL.test(name) && !names.includes(name));
  if (!plain || known || wanted.has('no-store')) return ask();
  const values = names.map((name) => headers.get(name));
  const key = `${origin}/.bargate/${await digest_text(JSON.stringify([...parts, ...values]))}`;
  const anew = wanted.has('no-cache') || wanted.get('max-age') === 0;
  const stored = anew ? undefined : await caches.default.match(key).catch(() => undefined);
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

/** Words in names of headers that say who asks: what such a request is answered may be for nobody else. */
const CREDENTIAL =
  /key|token|auth|secret|session|passw|credential|signature|jwt|assertion|cert|principal|oidc|(?<!sec-fetch-)user(?!-agent)/;

/** Gives the directives of a `Cache-Control` by lower-case name: a number of seconds, NaN where it is none. The least counts. */
function directives(value) {
  const found = new Map();
  for (const [, name, quoted, plain] of (value ?? '').matchAll(
    /([^\s,;="]+)(?:\s*=\s*(?:"((?:\\.|[^"\\])*)"?|([^\s,;"]*)))?/g,
  )) {
    const text = quoted ?? plain ?? '';
    const seconds = /^\d+$/.test(text) ? Number(text) : NaN;
    const directive = name.toLowerCase();
    found.set(directive, found.has(directive) ? Math.min(found.get(directive), seconds) : seconds);
  }
  return found;
}

const DECODED = [null, 'gzip', 'br'];

/** Gives for how many seconds an answer may be given to others who ask; 0 where it may not (RFC 9111 sections 3 and 4.2). */
export function kept_seconds({ status, headers }, names, ttl, now) {
  const header = (name) => headers.get(name)?.toLowerCase() ?? null;
  // What is said to such caches alone (RFC 9213) counts too.
  const said = directives([header('cache-control') ?? header('pragma'), header('cdn-cache-control')].join());
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
    headers.get('content-length') > room.max ||
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

/** Gives how old an answer is as it comes, in seconds (RFC 9111 section 4.2.3). */
function age(headers, now) {
  return Math.max(
    parseInt(headers.get('age')) || 0,
    Math.floor((now - (http_date(headers.get('date')) || now)) / 1000),
  );
}

/** Gives an answer of which a copy is kept while it goes to the client; as it came where there is no room for that. */
function storing(key, given, said, seconds, now) {
  const coded = given.headers.has('content-encoding');
  const length = coded ? null : given.headers.get('content-length');
  const held = {};
  const bytes = length === null ? PIECE_BYTES : Number(length);
  if (!room.take(held, bytes)) return given;
  const { readable, writable } = sized(length);
  const answer = new Response(readable, given);
  const { headers } = answer;
  if (coded) {
    // Who reads a body has it decoded. The first client gets what the next will, and what tells of the coded bytes goes.
    for (const name of ['content-encoding', 'content-length', 'content-digest', 'repr-digest']) headers.delete(name);
    if (headers.get('etag')?.startsWith('"')) headers.set('etag', `W/${headers.get('etag')}`);
  }
  const copy = new Headers(headers);
  if (said !== null) copy.set(SAID, said);
  copy.set(SINCE, String(now - age(headers, now) * 1000));
  copy.delete('age');
  copy.set('cache-control', `max-age=${seconds}`);
  const keep = (body) => caches.default.put(key, new Response(body, { headers: copy }));
  const work = pass(given.body ?? new Response('').body, writable, held, new ArrayBuffer(bytes), keep);
  waitUntil(work.catch(() => {}).then(() => room.leave(held)));
  return answer;
}

/**
 * Passes a body on at the pace of the client, and gives a copy to `keep` once all of it has come: the Cache API may keep one that
 * breaks off. The copy is one buffer, which is given back at once where it finds no room to grow.
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
