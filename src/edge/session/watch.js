// Watches a socket or a stream that outlasts its request. `src/session/expiry.rs` decides how long it may go on, by way of
// `watch_step` of `watch.rs`. That has no state, because timers go on when a panic ends the WebAssembly.
//
// `isBehind` decides how much may wait for peers that read slowly: this changes with each message, and a crossing
// for each would cost more than passing it on.

import { watch_step } from '../gateway/inputs.js';
import { ask } from '../runtime/object_client.js';
import { sized } from '../runtime/limits.js';

const EXPIRED = 4401;
const EXPIRED_REASON = 'the token has expired';
const BEHIND = 1013;
const REASON_MAX_BYTES = 123;
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

/**
 * @param {Response} response
 * @param {number} until_ms
 * @param {number} ask_at_ms
 * @param {import('../runtime/object_client.js').Namespace} objects
 * @param {string | undefined} asked
 * @param {{ abort(): void }} context
 */
export function expiring(response, until_ms, ask_at_ms, objects, asked, context) {
  const session = asked && JSON.parse(asked);
  let used = false;
  const askSession = async () => {
    if (!session) throw new Error('there is no session to ask');
    // A message of the client is a use of its session. A question of the gateway is not.
    const message = used ? session.used : session.silent;
    used = false;
    return ask(objects, session.name, message, CHECK_TIMEOUT_MS);
  };
  /** @type {Watched} */
  const watched = (end) => watch({ until_ms, ask_at_ms }, askSession, end);
  if (response.webSocket)
    return relayed(response, context, watched, () => {
      used = true;
    });
  return response.body === null ? response : cut(response, response.body, watched);
}

/**
 * @param {number} until_ms
 * @param {number} ask_at_ms
 * @param {import('../gateway/inputs.js').Step['next']} next
 */
export function stepped(until_ms, ask_at_ms, next) {
  return { until_ms, ask_at_ms, next };
}

/**
 * Calls `end` when what let a request in is over. Returns what stops that.
 *
 * @param {import('../gateway/inputs.js').Term} term
 * @param {() => Promise<string>} askSession
 * @param {() => void} end
 */
function watch(term, askSession, end) {
  /** @type {ReturnType<typeof setTimeout>} */
  let timer;
  let stopped = false;
  /** @type {(asked?: number, answer?: string) => Promise<void>} */
  const look = async (asked, answer) => {
    if (stopped) return;
    const { next, ...left } = watch_step()(term.until_ms, term.ask_at_ms, Date.now(), asked, answer);
    term = left;
    if (next === 'end') return end();
    if (next !== 'ask') return wait(next);
    const now = Date.now();
    return look(now, await askSession().catch(() => undefined));
  };
  /** @param {number} ms */
  const wait = (ms) => {
    // If it cannot be decided, the term is over.
    timer = setTimeout(() => look().catch(end), ms);
  };
  wait(0);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

/** Begins to watch, and returns what stops it. @typedef {(end: () => void) => () => void} Watched */

/**
 * Returns an answer whose body breaks off when what let it in is over: one that ended would look whole.
 *
 * @param {Response} response
 * @param {ReadableStream} body
 * @param {Watched} watched
 */
function cut(response, body, watched) {
  const length = response.headers.get('content-length');
  const { readable, writable } = sized(length);
  const abort = new AbortController();
  const stop = watched(() => abort.abort(new Error(EXPIRED_REASON)));
  body
    .pipeTo(writable, { signal: abort.signal })
    .catch(() => {})
    .then(stop);
  return new Response(readable, response);
}

/**
 * Messages on their way to a peer.
 *
 * @typedef {object} Queue
 * @property {WebSocket & { bufferedAmount: number }} to
 * @property {number} bytes how many are waiting, if that is more than flows
 * @property {number} due how many there were at the last look, and have been sent since
 * @property {number} [seen] when it was measured
 * @property {number} [since] since when the peer takes nothing
 * @property {number} [wait] how long until the next look
 * @property {ReturnType<typeof setTimeout>} [timer] that look
 */

/** Queues to peers that take messages slowly. The request of a socket may end without a word, so each counts for a while. @type {Set<Queue>} */
const queues = new Set();
let queued = 0;

/** @param {Queue} queue */
function measure(queue, buffered = queue.to.bufferedAmount) {
  const bytes = buffered > FLOWING_MAX_BYTES ? buffered : 0;
  queued += bytes - queue.bytes;
  [queue.bytes, queue.seen] = [bytes, Date.now()];
  if (bytes) queues.add(queue);
  else queues.delete(queue);
}

/**
 * Passes messages on both ways. Ends both sockets when one ends, when what let it in is over, or when a peer does not read.
 *
 * @param {Response} response
 * @param {{ abort(): void }} context
 * @param {Watched} watched
 * @param {() => void} use
 */
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
  // Each may have only a share of what is left, so that later ones have some, too.
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
      // Freed at once, because memory that waits for the garbage collector adds up.
      if (typeof data !== 'string') data.transfer(0);
      if (size > MESSAGE_MAX_BYTES) end(1009, 'the message is too large');
      if (queue.bytes === 0) return;
      lookSoon(queue);
      if (!isBehind(queue)) return;
      for (const own of both) measure(own);
      for (const other of queues) if (Date.now() - (other.seen ?? 0) > 2 * LOOK_MS) measure(other, 0);
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

/**
 * Closes a socket with the code that the other side gave, if that may be sent (RFC 6455 section 7.4), and as much of the reason as a
 * frame holds (section 5.5).
 *
 * @param {WebSocket} socket
 * @param {number} code
 * @param {string} reason
 */
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
