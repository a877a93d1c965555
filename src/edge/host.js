// What the edge does in JavaScript: in one call what would take WebAssembly one for each header or step, each of which would
// cost a crossing, and code besides. No request is let through or refused here. The Rust module named above each part declares it.

const TIMEOUT = 'timeout';
const TOO_LARGE = 'too large';
const UNHELD = 'too large to hold';
const BUSY = 'busy';
const encoded = (text) => new TextEncoder().encode(text);
const decoded = (bytes) => bytes && new TextDecoder().decode(bytes);
const BASE64URL = { alphabet: 'base64url', omitPadding: true };

/** Gives what `work` gives, or fails with `late` after `ms`. */
async function within(ms, work, late) {
  let timer;
  const limit = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, late);
  });
  try {
    return await Promise.race([limit, work()]);
  } finally {
    clearTimeout(timer);
  }
}

/** Fetches, never following a redirect; what `use` makes of the answer must be there within `ms`. */
async function fetchWithin(ms, input, init, use, fetcher = globalThis) {
  const abort = new AbortController();
  const body = counted.get(input);
  if (body) pump(body, (reason) => abort.abort(reason));
  const work = async () => use(await fetcher.fetch(input, { ...init, redirect: 'manual', signal: abort.signal }));
  try {
    return await within(ms, work, TIMEOUT);
  } catch (reason) {
    // What ended it early says why; the rest of the answer is not wanted.
    const why = abort.signal.aborted ? abort.signal.reason : reason;
    abort.abort();
    throw why;
  }
}

// host.rs

function* pairs(lines) {
  if (lines === '') return;
  const parts = lines.split('\n');
  for (let i = 0; i + 1 < parts.length; i += 2) yield [parts[i], parts[i + 1]];
}

export function request_line(request) {
  return `${request.method} ${URL.parse(request.url)?.href ?? ''}`;
}

/** Gives the headers that `Connection` names: they are the connection's own too (RFC 9110 section 7.6.1). */
function ofConnection({ headers }) {
  return headers.get('connection')?.match(/[\w!#$%&'*+.^`|~-]+/g) ?? [];
}

const folded = (name) => name.toLowerCase().replace(/[^a-z0-9]/g, '-');

/** Headers that tell caches what to keep, some of them certain caches alone (RFC 9213). */
const FOR_CACHES = /(^|-)cache-control$|^surrogate-control$/;
/** The names that no client may send, as the gateway in force has them, and what tells them when they are folded. */
let unsendable = { lines: '', pattern: /(?!)/ };

/** Gives what tells the names in `lines`. A `*` stands for any signs; at the beginning it does not take in Cloudflare's own names. */
function teller(lines) {
  const names = lines.split('\n').map((name) => name.split('*').map(folded).join('.*').replace(/^\./, '(?!cf-).'));
  return new RegExp(`^(${names.join('|')})$`);
}

/** Sets headers, cookies beside those that are there. A `kept` answer stays out of the caches that it is to stay out of. */
function setAll(headers, lines, kept) {
  for (const [name, value] of pairs(lines)) {
    if (name === 'set-cookie') headers.append(name, value);
    else if (!kept || !FOR_CACHES.test(name) || !/\b(no-store|private)\b/i.test(headers.get('cache-control')))
      headers.set(name, value);
  }
}

/** Adds what comes last: to a session that the answer is its own, the config's headers, and what it varies by, which they must not hide. */
function complete(headers, config, vary, cookie) {
  const decided = /\b(public|s-maxage|must-revalidate|no-store|private)\b/i.test(headers.get('cache-control'));
  if (cookie > 1 && !decided) headers.append('cache-control', 'private');
  setAll(headers, config, true);
  if (vary !== undefined) headers.append('vary', vary);
  if (cookie > 0) headers.append('vary', 'Cookie');
}

export function respond(status, lines, config, vary, cookie, body, request) {
  const left = unread(request);
  const bodiless = EMPTY.includes(status);
  if (left && bodiless) refused.add(left);
  const response = new Response(left && !bodiless ? endingBehind(left, body) : body, { status });
  response.headers.delete('content-type');
  setAll(response.headers, lines, true);
  complete(response.headers, config, vary, cookie);
  return response;
}

export function relay(response, drop, own, set, config, vary, cookie) {
  const relayed = new Response(response.body, response);
  for (const name of ofConnection(response)) relayed.headers.delete(name);
  if (drop !== '') for (const name of drop.split('\n')) relayed.headers.delete(name);
  const cookies = relayed.headers.getSetCookie();
  const kept = cookies.filter(
    (cookie) =>
      !own.split('\n').includes(
        cookie
          .replace(/^[\s=]+/, '')
          .split('=')[0]
          .trim(),
      ),
  );
  if (kept.length < cookies.length) {
    relayed.headers.delete('set-cookie');
    for (const cookie of kept) relayed.headers.append('set-cookie', cookie);
  }
  const timing = response.headers.get('server-timing');
  setAll(relayed.headers, set);
  complete(relayed.headers, config, vary, cookie);
  if (timing !== null && relayed.headers.get('server-timing') !== timing)
    relayed.headers.append('server-timing', timing);
  return relayed;
}

/** Gives a request by GET or HEAD without the body that means nothing there, and that no other can be made with; any other as it is. */
function sendable(request) {
  return request.body !== null && /^(GET|HEAD)$/.test(request.method) ? copied(request, request.url) : request;
}

function copied({ method, headers }, url, body) {
  return new Request(url, { method, headers, body });
}

/** Bodies that are counted on their way, by request. Whatever sends the request sets them going. */
const counted = new WeakMap();
const PIECE_BYTES = 64 * 1024;

/** Gives the request with a body that breaks off behind `max` bytes; one that says how long it is was judged by that. */
function limited(url, request, max) {
  const { readable, writable } = new IdentityTransformStream();
  const bounded = copied(request, url, readable);
  counted.set(bounded, { body: request.body, writer: writable.getWriter(), max });
  return bounded;
}

/** Gives a body piece by piece, each in the memory of the one before; what nobody wants more of is let go. */
export async function* pieces(body, bytes) {
  const reader = body.getReader({ mode: 'byob' });
  try {
    for (let buffer = new ArrayBuffer(bytes); ; ) {
      const { done, value } = await reader.read(new Uint8Array(buffer));
      if (done) return;
      yield value;
      buffer = value.buffer;
    }
  } finally {
    reader.releaseLock();
  }
}

/**
 * Passes a body on, as long as anybody takes it. One that breaks off never ends its stream, which would look whole: `broken` is
 * told why, and that is what is given.
 */
async function pump({ body, writer, max = Infinity, keep }, broken) {
  try {
    for await (const piece of pieces(body, keep ? DRAINED_BYTES : PIECE_BYTES)) {
      max -= piece.length;
      if (max < 0) throw TOO_LARGE;
      keep?.(piece);
      if (await writer.write(piece).catch(() => true)) return;
    }
    writer.close().catch(() => {});
  } catch (reason) {
    broken(reason);
    return reason;
  }
}

/** Gives what `call` gives, unless the request's body, counted on its way there, breaks off before. */
function counting(request, call) {
  const body = counted.get(request);
  if (!body) return call();
  const broken = new Promise((_, reject) => (body.pumped = pump(body, reject)));
  return Promise.race([broken, call()]);
}

/** Room for what requests hold at the same time. One that is cancelled gives nothing back, so it counts for a minute at most. */
export class Room {
  constructor(max) {
    this.max = max;
    this.holders = new Set();
  }

  /** Takes room for so many bytes more; where there is none, gives back what was taken, and false. */
  take(held, bytes) {
    const now = Date.now();
    held.until ??= now + 60_000;
    held.bytes = (held.bytes ?? 0) + bytes;
    let sum = 0;
    for (const other of this.holders.add(held)) {
      if (other.until < now) this.holders.delete(other);
      else sum += other.bytes;
    }
    if (sum <= this.max && held.until >= now) return true;
    this.leave(held);
    return false;
  }

  leave(held) {
    this.holders.delete(held);
  }
}

/** Gives a stream for what is `length` bytes long; for what does not say how long it is where that is null. */
export function sized(length) {
  return length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
}

const DRAINED_MAX_BYTES = 32 * 1024 * 1024;
const DRAINED_MAX_MS = 30_000;
const DRAINED_BYTES = 16 * 1024;

/** Bodies that are read for somebody who is gone, and when that is over. */
const reading = new WeakMap();

/** Bodies that nobody reads, and whose answer is none that could end behind them. */
const refused = new WeakSet();

/** Gives the body of a request that nobody reads. */
function unread({ body }) {
  return body && (!body.locked || reading.has(body)) ? body : null;
}

/** Reads what is left of a body and drops it: over one that is not read the runtime breaks the connection, and the answer with it. */
function drain(body) {
  const work = async () => {
    await reading.get(body);
    let left = DRAINED_MAX_BYTES;
    for await (const piece of pieces(body, DRAINED_BYTES)) if ((left -= piece.length) < 0) return;
  };
  return within(DRAINED_MAX_MS, work).catch(() => {});
}

/** Gives a text as a body that is sent at once and ends when `left` has been drained. */
function endingBehind(left, text = '') {
  const bytes = new TextEncoder().encode(text);
  const { readable, writable } = sized(bytes.length || null);
  const writer = writable.getWriter();
  const sent = bytes.length > 0 && writer.write(bytes);
  Promise.all([sent, drain(left)])
    .then(() => writer.close())
    .catch(() => {});
  return readable;
}

export function behind_body({ body }, response) {
  return refused.has(body) ? drain(body).then(() => response) : response;
}

export function forward(request, url, drop, set, max) {
  const unmeasured = max !== undefined && !request.headers.has('content-length');
  const given = unmeasured ? sendable(request) : request;
  const forwarded = unmeasured && given.body !== null ? limited(url, given, max) : new Request(url, given);
  // A handshake is passed on, and what the body is and what Cloudflare says are no connection's own.
  const hops = ofConnection(request)
    .map(folded)
    .filter((name) => !/^(upgrade$|content-|cf-)/.test(name));
  const [lines, more] = drop.split('\n\n');
  if (unsendable.lines !== lines) unsendable = { lines, pattern: teller(lines) };
  const dropped = new Set(more.split('\n').map(folded).concat(hops));
  for (const name of [...forwarded.headers.keys()]) {
    const plain = folded(name);
    const misspelt = plain !== name && plain.startsWith('cf-');
    if (unsendable.pattern.test(plain) || dropped.has(plain) || misspelt) forwarded.headers.delete(name);
  }
  // The runtime makes a handshake, and so a GET, of whatever has this header.
  if (request.method !== 'GET') forwarded.headers.delete('upgrade');
  setAll(forwarded.headers, set);
  return forwarded;
}

// upstream.rs

const UNREACHABLE_MS = 10_000;
const FAILURES_IN_A_ROW = 3;
const BACKOFF_MS = 100;

/** By origin, how often in a row an upstream could not be reached, and until when it is asked last for that. */
const failures = new Map();

export async function send(request, urls, ms, retries, outside, raw) {
  const targets = urls.split('\n');
  const init = raw ? { encodeResponseBody: 'manual' } : {};
  const sent =
    targets.length > 1 || retries > 0 ? sendToOneOf(request, targets, ms, init, retries) : attempt(request, ms, init);
  return readdressed(await sent, outside);
}

/** Headers of answers that hold addresses, and where in their values. */
const ADDRESSES = Object.entries({
  location: /.+/,
  'content-location': /.+/,
  link: /(?<=<)[^>]+/g,
  refresh: /(?<=url\s*=\s*["']?)[^"'\s]+/i,
});

/** Gives an answer whose addresses of the upstream's own lead through the gateway. */
function readdressed(response, outside) {
  let answer = response;
  for (const [name, place] of ADDRESSES) {
    const said = response.headers.get(name) ?? '';
    const led = said.replace(place, (address) => through(address, ...outside.split('\n')));
    if (led === said) continue;
    if (answer === response) answer = new Response(response.body, response);
    answer.headers.set(name, led);
  }
  return answer;
}

/** A host that no address has, by which a path is told from an address. */
const NO_HOST = 'none.invalid';

/**
 * Gives an upstream's address as the gateway's clients reach it; any other as it is. Below a server's base path it is the rest of
 * it, behind the prefix that the gateway takes off. One that has the prefix comes of heeding `X-Forwarded-Prefix`; where it could
 * be either, the longer is meant.
 */
function through(address, origin, prefix, ...servers) {
  const { host, pathname, search, hash } = URL.parse(address, `http://${NO_HOST}`) ?? {};
  const isPath = host === NO_HOST && /^[/\\]/.test(address);
  const isBelow = (path) => `${pathname}/`.startsWith(`${path}/`);
  const bases = servers.map((server) => new URL(server)).filter((server) => isPath || server.host === host);
  if (bases.length === 0) return address;
  const [base] = bases
    .map((server) => server.pathname.replace(/\/$/, ''))
    .filter(isBelow)
    .sort((one, two) => two.length - one.length);
  const heeded = prefix.length > (base ?? '').length && isBelow(prefix);
  if ((!heeded && base === undefined) || (isPath && (heeded || prefix === base))) return address;
  const path = (heeded ? pathname : prefix + pathname.slice(base.length)) || '/';
  // Of two slashes the second would begin a host.
  return (isPath && !path.startsWith('//') ? '' : origin) + path + search + hash;
}

function attempt(request, ms, init) {
  return fetchWithin(ms, request, init, (response) => response);
}

async function sendToOneOf(request, urls, ms, init, retries) {
  const isDown = (url) => failures.get(new URL(url).origin)?.until > Date.now();
  const targets = [...urls.filter((url) => !isDown(url)), ...urls.filter(isDown)];
  const bodiless = request.body === null || request.headers.get('content-length') === '0';
  // What may have been done is done again only where that changes nothing (RFC 9110 section 9.2.2), and a body is gone once sent.
  const repeatable = bodiless && /^(GET|HEAD|OPTIONS|PUT|DELETE)$/.test(request.method);
  let [others, again] = repeatable ? [targets.length - 1, retries] : [0, 0];
  const failing = new Set();
  for (let turn = 0; ; turn++) {
    const url = targets[turn % targets.length];
    const { origin } = new URL(url);
    // When its time is over, the first request tries it for the others.
    const failed = failures.get(origin);
    if (failed?.until <= Date.now()) failed.until = Date.now() + UNREACHABLE_MS;
    const sent = bodiless ? copied(request, url) : new Request(url, request);
    if (counted.has(request)) counted.set(sent, counted.get(request));
    try {
      const response = await attempt(sent, ms, init);
      failures.delete(origin);
      if (again === 0 || ![502, 503, 504].includes(response.status)) return response;
      await response.body?.cancel();
    } catch (reason) {
      // What broke with a body may have been the client's doing.
      if (reason === TIMEOUT || !bodiless) throw reason;
      // One request may bring any connection to break: an upstream is down if it answers nobody else in between.
      const count = (failures.get(origin)?.count ?? 0) + (failing.has(origin) ? 0 : 1);
      failing.add(origin);
      failures.set(origin, { count, until: count < FAILURES_IN_A_ROW ? undefined : Date.now() + UNREACHABLE_MS });
      if (others > 0) {
        others--;
        continue;
      }
      if (again === 0) throw reason;
    }
    const longest = BACKOFF_MS * 2 ** (retries - again);
    again--;
    await new Promise((resolve) => setTimeout(resolve, Math.random() * longest));
  }
}

const EXPIRED = 4401;
const EXPIRED_REASON = 'the token has expired';
const BEHIND = 1013;
const REASON_MAX_BYTES = 123;
const CHECK_MAX_MS = 60 * 60 * 1000;
const CHECK_AGAIN_MS = 5_000;
const CHECK_TIMEOUT_MS = 30_000;

/** What all sockets of an isolate together may hold for peers that read slowly: who sends cannot be told to wait. */
const QUEUED_MAX_BYTES = 8 * 1024 * 1024;
const MESSAGE_MAX_BYTES = QUEUED_MAX_BYTES / 2;
/** What is on its way to a peer that reads well is less. */
const FLOWING_MAX_BYTES = 16 * 1024;
const LOOK_SOON_MS = 50;
const LOOK_MS = 5_000;
/** A peer that takes nothing for so long, or does not answer a close, is not waited for. */
const STALLED_MS = 30_000;

export function expiring(response, until, sessions, name, key, next, context) {
  let used = false;
  const askSession = () => {
    // What the client sends is a use of its session. That the gateway asks is none.
    const message = JSON.stringify({ do: 'access', key, silent: !used });
    used = false;
    return ask(sessions, name, message, CHECK_TIMEOUT_MS);
  };
  const watched = (end) => watch(until, next, sessions && askSession, end);
  if (response.webSocket) return relayed(response, context, watched, () => (used = true));
  return response.body === null ? response : cut(response, watched);
}

/** Calls `end` when what let a request in is over. Gives what stops that. */
function watch(until, next, askSession, end) {
  let [timer, stopped] = [];
  // A session may have renewed its token, or have been logged out long before that one expires.
  const check = async () => {
    if (askSession && Date.now() >= next) {
      const answer = await askSession().then(JSON.parse, () => undefined);
      if (answer?.access) {
        until = answer.until * 1000;
        next = Math.min(until, Date.now() + answer.good_for * 1000);
      } else if (answer) {
        until = 0;
      } else {
        next = Date.now() + CHECK_AGAIN_MS;
      }
    }
    if (stopped) return;
    if (Date.now() >= until) end();
    else wait();
  };
  const wait = () => {
    timer = setTimeout(
      check,
      Math.min(Math.max(Math.min(until, askSession ? next : until) - Date.now(), 0), CHECK_MAX_MS),
    );
  };
  wait();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Gives an answer whose body breaks off when what let it in is over: one that ended would look whole. */
function cut(response, watched) {
  const length = response.headers.get('content-length');
  const { readable, writable } =
    length === null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
  const abort = new AbortController();
  const stop = watched(() => abort.abort(new Error(EXPIRED_REASON)));
  response.body
    .pipeTo(writable, { signal: abort.signal })
    .catch(() => {})
    .then(stop);
  return new Response(readable, response);
}

/** Messages on their way to peers that take them slowly. The request of a socket may end without a word, so each counts for a while. */
const queues = new Set();
let queued = 0;

function measure(queue, buffered = queue.to.bufferedAmount) {
  const bytes = buffered > FLOWING_MAX_BYTES ? buffered : 0;
  queued += bytes - queue.bytes;
  [queue.bytes, queue.seen] = [bytes, Date.now()];
  if (bytes) queues.add(queue);
  else queues.delete(queue);
}

/** Passes messages on both ways. Ends both sockets when one ends, when what let it in is over, or when a peer does not read. */
function relayed(response, context, watched, use) {
  const upstream = response.webSocket;
  const [client, own] = Object.values(new WebSocketPair());
  const both = [];
  let over = false;
  const end = (code, reason) => {
    if (over) return;
    over = true;
    stop();
    for (const queue of both) {
      shut(queue.to, code, reason);
      lookSoon(queue);
    }
  };
  const lookSoon = (queue) => {
    if (queue.timer) return;
    [queue.since, queue.wait] = [Date.now(), LOOK_SOON_MS];
    queue.timer = setTimeout(look, queue.wait, queue);
  };
  const look = (queue) => {
    const { bufferedAmount } = queue.to;
    measure(queue);
    queue.timer = undefined;
    if (!over && queue.bytes === 0) return;
    if (bufferedAmount < queue.due) queue.since = Date.now();
    [queue.due, queue.wait] = [bufferedAmount, Math.min(2 * queue.wait, LOOK_MS)];
    if (Date.now() - queue.since < STALLED_MS) queue.timer = setTimeout(look, queue.wait, queue);
    else if (over) context.abort();
    else end(BEHIND, 'it takes nothing');
  };
  // Each may have as much as is left, so that who comes later has some, too.
  const isBehind = ({ bytes }) => bytes > QUEUED_MAX_BYTES - queued;
  const pass = (from, to, taken) => {
    const queue = { to, bytes: 0, due: 0 };
    both.push(queue);
    from.addEventListener('message', ({ data }) => {
      const size = data.byteLength ?? data.length;
      if (!over && size <= MESSAGE_MAX_BYTES) {
        taken?.();
        queue.due -= to.bufferedAmount;
        to.send(data);
        queue.due += to.bufferedAmount;
        measure(queue);
      }
      // Given back at once: what waits for the garbage collector adds up.
      if (typeof data !== 'string') data.transfer(0);
      if (size > MESSAGE_MAX_BYTES) end(1009, 'the message is too large');
      if (queue.bytes === 0) return;
      lookSoon(queue);
      if (!isBehind(queue)) return;
      both.forEach((own) => measure(own));
      for (const other of queues) if (Date.now() - other.seen > 2 * LOOK_MS) measure(other, 0);
      if (isBehind(queue)) end(BEHIND, 'it is too far behind');
    });
    from.addEventListener('close', ({ code, reason }) => end(code, reason));
    from.addEventListener('error', () => end(1011, ''));
    from.binaryType = 'arraybuffer';
    from.accept();
  };
  const stop = watched(() => end(EXPIRED, EXPIRED_REASON));
  pass(upstream, own);
  pass(own, upstream, use);
  return new Response(null, { status: 101, headers: response.headers, webSocket: client });
}

/** Closes a socket with the code that the other side gave, if that may be sent (RFC 6455 section 7.4), and as much of the reason as a frame holds (section 5.5). */
function shut(socket, code, reason) {
  try {
    if (code === 1005) return socket.close();
    const sendable = code < 1000 || code > 4999 || [1004, 1006, 1015].includes(code) ? 1011 : code;
    const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(REASON_MAX_BYTES));
    socket.close(sendable, reason.slice(0, read));
  } catch {
    // It was closed already.
  }
}

// service.rs

const EMPTY = [204, 205, 304];

/** The config that is built in, the modules beside the gateway, and whether all is for `wrangler dev`; worker.mjs leaves them here. */
const inputs = () => globalThis[Symbol.for('bargate.inputs')];
const services = () => inputs().services;

export const built_in_config = () => inputs().config;
export const built_for_dev = () => inputs().forDev;

/** Makes of what a service answered what the older gateway made of it. */
function answered(answer) {
  const failure = answer instanceof Error || (answer instanceof Response && answer.status === 0);
  if (answer instanceof Response && !failure) return answer;
  const json = (body, status) => {
    return new Response(EMPTY.includes(status) ? null : body, {
      status,
      headers: { 'content-type': 'application/json' },
    });
  };
  const success = 'Operation completed successfully.';
  switch (failure ? '' : typeof answer) {
    case 'string':
      return json(answer, 200);
    case 'number':
    case 'boolean':
      return json(null, 400);
    case 'object': {
      if (answer === null) return json(null, 200);
      if (Array.isArray(answer))
        return json(JSON.stringify({ status: 'success', message: success, data: answer }), 200);
      const { statusCode, message, error, ...data } = answer;
      const body = error
        ? { status: 'error', message: message || 'An error occurred.', error }
        : { status: 'success', message: message || success, data };
      return json(JSON.stringify(body), statusCode ?? (error ? 500 : 200));
    }
  }
  throw new Error('it answered nothing usable');
}

export function has_service(name) {
  return Object.hasOwn(services(), name);
}

export function serve(name, request, env, ctx, ms) {
  return within(
    ms,
    async () => {
      const { default: service } = await services()[name]();
      const instance = typeof service === 'function' ? new service() : service;
      return answered(await counting(request, () => instance.fetch(request, env, ctx)));
    },
    TIMEOUT,
  );
}

export function fetch_bound(binding, request, ms) {
  return fetchWithin(ms, request, {}, (response) => response, binding);
}

/** Room for what functions read of bodies that others are to read behind them. */
const room = new Room(4 * 1024 * 1024);
/** What a piece of a body takes besides its bytes. */
const OVERHEAD_BYTES = 256;

// The older gateway gave functions its environment as JSON here; this is the environment of one that has nothing to give.
const ENVIRONMENT = '{}';

export function tell_function(binding, name, request, context, ms) {
  const call = async () => binding[name](sendable(request), ENVIRONMENT, context);
  return within(ms, () => counting(request, call), TIMEOUT);
}

export async function call_function(...call) {
  return answered(await tell_function(...call));
}

/** Gives the answer that stops the request, if any, and the request that goes on. */
export async function ask_first(binding, name, request, url, drop, set, context, ms, max) {
  const asked = sendable(request);
  const { body } = asked;
  const judge = async (shown) => {
    const answer = await tell_function(binding, name, shown, context, ms);
    if (answer !== true && !(answer instanceof Response)) throw new Error('it answered neither true nor a Response');
    return answer === true ? undefined : answered(answer);
  };
  if (!body) return [await judge(forward(asked, url, drop, set)), asked];
  // What the function takes is held, for whoever reads the body behind it.
  const [held, taken] = [{}, []];
  const keep = (piece) => {
    if (!room.take(held, piece.length + OVERHEAD_BYTES)) throw held.bytes > room.max ? UNHELD : BUSY;
    taken.push(piece.slice());
  };
  const length = asked.headers.get('content-length');
  const [first, second] = [sized(length), sized(length)];
  const shown = forward(new Request(asked, { body: first.readable }), url, drop, set);
  const tap = { body, writer: first.writable.getWriter(), max, keep };
  counted.set(shown, tap);
  let answer;
  try {
    answer = await judge(shown);
  } catch (reason) {
    room.leave(held);
    throw reason;
  } finally {
    tap.writer.abort().catch(() => {});
    reading.set(body, tap.pumped);
  }
  const give = async () => {
    const broken = await tap.pumped;
    const writer = second.writable.getWriter();
    if (broken) return writer.abort(broken);
    while (taken.length > 0) await writer.write(taken.shift());
    room.leave(held);
    writer.releaseLock();
    return body.pipeTo(second.writable, { preventCancel: true });
  };
  give().catch(() => {});
  const onward = new Request(asked, { body: second.readable });
  if (answer) refused.add(onward.body);
  return [answer, onward];
}

// rules.rs

export async function within_limit(binding, key) {
  return (await binding.limit({ key })).success === true;
}

// log.rs

export function write_point(dataset, route, method, code, numbers) {
  dataset.writeDataPoint({ indexes: [route.slice(0, 96)], blobs: [method, route, code], doubles: [...numbers] });
}

// provider.rs

/** The most that is read of an answer in which nothing matters but its status. */
const REVOKED_MAX_BYTES = 256 * 1024;

export async function read(stream, max) {
  const chunks = [];
  let length = 0;
  for await (const chunk of stream?.values({ preventCancel: true }) ?? []) {
    length += chunk.length;
    if (length > max) throw TOO_LARGE;
    chunks.push(chunk);
  }
  return new Uint8Array(await new Blob(chunks).arrayBuffer());
}

/** Reads an HTTP date (RFC 9110 section 5.6.7) in milliseconds since 1970; NaN where it is none. */
export function http_date(value) {
  return value?.trimEnd().endsWith('GMT') ? Date.parse(value) : NaN;
}

function delay(value) {
  const date = http_date(value);
  return isNaN(date) ? value : String(Math.max(0, Math.ceil((date - Date.now()) / 1000)));
}

export function call(url, form, authorization, ms, max) {
  const headers = { accept: 'application/json' };
  if (form !== undefined) headers['content-type'] = 'application/x-www-form-urlencoded';
  if (authorization !== undefined) headers.authorization = authorization;
  return answerOf(url, { method: form === undefined ? 'GET' : 'POST', headers, body: form }, ms, max);
}

export function call_json(url, body, key, ms, max) {
  const headers = {
    accept: 'application/json',
    'content-type': 'application/json',
    apikey: key,
    authorization: `Bearer ${key}`,
  };
  return answerOf(url, { method: 'POST', headers, body }, ms, max);
}

/** Gives why a token is not revoked, and whether that may pass: what a provider refuses it will refuse again, but for the secret. */
async function revoked(url, form, authorization, token, ms) {
  if (!url) return { reason: "the provider's addresses are not known", passes: true };
  try {
    const [status] = await call(
      url,
      `${form}&token=${encodeURIComponent(token)}`,
      authorization,
      ms,
      REVOKED_MAX_BYTES,
    );
    if (status !== 200) return { reason: `status ${status}`, passes: status < 400 || status > 428 || status === 401 };
  } catch (thrown) {
    return { reason: thrown?.message ?? thrown, passes: true };
  }
}

export async function revoke_token(...how) {
  return (await revoked(...how))?.reason;
}

function answerOf(url, init, ms, max) {
  return fetchWithin(ms, url, init, async (response) => {
    return [response.status, delay(response.headers.get('retry-after')), await read(response.body, max)];
  });
}

// webcrypto.rs

function parameters(algorithm) {
  const bits = algorithm.slice(2);
  const hash = `SHA-${bits}`;
  switch (algorithm.slice(0, 2)) {
    case 'RS':
      return { name: 'RSASSA-PKCS1-v1_5', hash };
    case 'PS':
      return { name: 'RSA-PSS', hash, saltLength: bits / 8 };
    case 'ES':
      return { name: 'ECDSA', hash, namedCurve: `P-${bits}` };
    case 'HS':
      return { name: 'HMAC', hash };
    default:
      return { name: 'Ed25519' };
  }
}

export async function import_key(jwk, algorithm) {
  return crypto.subtle.importKey('jwk', JSON.parse(jwk), parameters(algorithm), false, ['verify']);
}

export async function verify(key, algorithm, signature, signed) {
  return crypto.subtle.verify(parameters(algorithm), key, signature, signed);
}

export async function digest_text(text) {
  const digest = await crypto.subtle.digest('SHA-256', encoded(text));
  return new Uint8Array(digest).toBase64(BASE64URL);
}

export function random(length) {
  return crypto.getRandomValues(new Uint8Array(length));
}

// sealing.rs

const IV_BYTES = 12;

async function key(secret, purpose) {
  const base = await crypto.subtle.importKey('raw', secret, 'HKDF', false, ['deriveKey']);
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: encoded(purpose) };
  return crypto.subtle.deriveKey(hkdf, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

export async function seal(secret, purpose, context, plain) {
  const sealed = new Uint8Array(IV_BYTES + plain.length + 16);
  const iv = crypto.getRandomValues(sealed.subarray(0, IV_BYTES));
  const parameters = { name: 'AES-GCM', iv, additionalData: context };
  const data = await crypto.subtle.encrypt(parameters, await key(secret, purpose), plain);
  sealed.set(new Uint8Array(data), IV_BYTES);
  return sealed.toBase64(BASE64URL);
}

export async function open(secret, purpose, context, text) {
  const derived = await key(secret, purpose);
  try {
    const sealed = Uint8Array.fromBase64(text, BASE64URL);
    const parameters = { name: 'AES-GCM', iv: sealed.subarray(0, IV_BYTES), additionalData: context };
    return new Uint8Array(await crypto.subtle.decrypt(parameters, derived, sealed.subarray(IV_BYTES)));
  } catch {
    return undefined;
  }
}

// objects.rs

const KEY = 'state';

export function ask(namespace, name, message, ms) {
  // Each call makes a stub of its own, for one that has failed once fails for ever.
  const attempt = async () => namespace.getByName(name).call(message);
  return within(ms, () => attempt().catch(attempt), new Error('it took too long'));
}

export function settled(promise) {
  return promise.then(
    () => {},
    () => {},
  );
}

export function kept(object) {
  return object.ctx.storage.kv.get(KEY);
}

export function keep(object, text) {
  object.ctx.storage.kv.put(KEY, text);
}

export function wake(object, at) {
  return object.ctx.storage.setAlarm(at);
}

export function erase(object) {
  return object.ctx.storage.deleteAll();
}

export function background(object, work) {
  object.ctx.waitUntil(work);
}

export function depart(object, flight) {
  const land = () => {
    if (object.flight === flight) object.flight = undefined;
  };
  object.flight = flight;
  object.ctx.waitUntil(flight.then(land, land));
}

// objects/session.rs

/** Seals each of two texts under a secret of its own, the second where there is one, and gives both with a space between them. */
export async function seal_both(key, purpose, text, secret, otherPurpose, other) {
  const sealed = (under, what, plain) => seal(encoded(under), what, new Uint8Array(), encoded(plain));
  const both = [sealed(key, purpose, text)];
  if (other !== undefined) both.push(sealed(secret, otherPurpose, other));
  return (await Promise.all(both)).join(' ');
}

/** What is kept of a session that has ended: its refresh token, sealed, as long as that is to be revoked; and that a login took its place. */
const LEFT = 'left';
/** For so long that is known, longer than any request waits for a renewal: none that was on its way may have the cookie of that login removed. */
const REPLACED_MS = 30_000;
/** A revocation that fails is tried so often in all: after a minute, and then after four times as long each time, for nearly six hours. */
const REVOCATION_TRIES = 6;
const REVOCATION_RETRY_MS = 60_000;

export function is_replaced(object) {
  return object.ctx.storage.kv.get(LEFT)?.replaced > Date.now();
}

export function left(object) {
  return object.ctx.storage.kv.get(LEFT)?.sealed;
}

/** Ends a session. `goesOn` says that the provider takes the login that took its place for the same one. */
export function leave(object, sealed, replaced, goesOn) {
  const { kv } = object.ctx.storage;
  kv.delete(KEY);
  if (sealed !== undefined || replaced)
    kv.put(LEFT, { sealed, replaced: replaced && Date.now() + REPLACED_MS, goesOn });
  // An object that restarts before it has asked the provider finds what is to be done.
  if (sealed !== undefined) wake(object, Date.now() + REVOCATION_RETRY_MS);
}

/** Revokes the refresh token that a session left, and keeps what is still to be done or known. Gives why it is not revoked, if so. */
export async function settle(object, sealed, token, secret, purpose, url, form, authorization, ms) {
  const { kv } = object.ctx.storage;
  let failure;
  if (sealed !== undefined && !kv.get(LEFT)?.goesOn) {
    if (url) token ??= decoded(await open(encoded(secret), purpose, new Uint8Array(), sealed));
    failure =
      url && token === undefined
        ? { reason: 'the key that it was sealed under has changed' }
        : await revoked(url, form, authorization, token, ms);
  }
  const left = kv.get(LEFT);
  const failures = ((left?.sealed === sealed && left?.failures) || 0) + 1;
  const again = failure?.passes && failures < REVOCATION_TRIES;
  if (again || is_replaced(object)) {
    kv.put(LEFT, { ...left, sealed: again ? sealed : undefined, failures });
    await wake(object, again ? Date.now() + REVOCATION_RETRY_MS * 4 ** (failures - 1) : left.replaced);
  } else {
    await erase(object);
  }
  return failure && `${failure.reason}: ${again ? 'it is tried again' : 'it is given up'}`;
}
