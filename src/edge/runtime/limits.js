// Limits: how long something may take, how many bytes pass, how much is held. What runs into one fails with a text that the core
// knows (`src/edge/runtime/http_client.rs`, `src/edge/integrations/proxy.rs`).

export const TIMEOUT = 'timeout';
export const TOO_LARGE = 'too large';
export const UNHELD = 'too large to hold';
export const BUSY = 'busy';

/**
 * Returns the result of `work`, or fails with `late` after `ms`.
 *
 * @template T
 * @param {number} ms
 * @param {() => T | Promise<T>} work
 * @param {unknown} [late]
 * @returns {Promise<T>}
 */
export async function within(ms, work, late) {
  /** @type {number | null} */
  let timer = null;
  /** @type {Promise<never>} */
  const limit = new Promise((_, reject) => {
    timer = setTimeout(reject, ms, late);
  });
  try {
    return await Promise.race([limit, work()]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Reads a stream to its end, unless it is larger than `max` bytes.
 *
 * @param {ReadableStream<Uint8Array> | null} stream
 * @param {number} max
 */
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

/**
 * Returns a body piece by piece, each in the memory of the one before; what nobody wants more of is let go.
 *
 * @param {ReadableStream<Uint8Array>} body
 * @param {number} bytes
 */
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
 * A body that is counted on its way.
 *
 * @typedef {object} Counted
 * @property {ReadableStream<Uint8Array>} body
 * @property {WritableStreamDefaultWriter} writer
 * @property {number} [max] the most bytes that pass
 * @property {(piece: Uint8Array) => void} [keep] is shown what passes
 * @property {Promise<unknown>} [pumped] why it broke off, once it is over
 */

/** Bodies that are counted on their way, by request. Whatever sends the request sets them going. @type {WeakMap<object, Counted>} */
export const counted = new WeakMap();
const PIECE_BYTES = 64 * 1024;
const KEPT_PIECE_BYTES = 16 * 1024;

/**
 * Passes a body on, as long as anybody takes it. One that breaks off never ends its stream, which would look whole: `broken` is
 * told why, and that is the result.
 *
 * @param {Counted} counted
 * @param {(reason: unknown) => void} broken
 */
export async function pump({ body, writer, max = Infinity, keep }, broken) {
  try {
    for await (const piece of pieces(body, keep ? KEPT_PIECE_BYTES : PIECE_BYTES)) {
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

/**
 * Returns the result of `call`, unless the request's body, which is counted on its way, breaks off before.
 *
 * @template T
 * @param {Request} request
 * @param {() => Promise<T>} call
 * @returns {Promise<T>}
 */
export function counting(request, call) {
  const body = counted.get(request);
  if (!body) return call();
  /** @type {Promise<never>} */
  const broken = new Promise((_, reject) => {
    body.pumped = pump(body, reject);
  });
  return Promise.race([broken, call()]);
}

/** A holder counts for this long at the most: a request that is cancelled returns nothing. */
const HELD_MAX_MS = 60_000;

/** What a holder has. @typedef {{ bytes?: number, until?: number }} Held */

/** Room for what requests hold at the same time. */
export class Room {
  /** @param {number} max */
  constructor(max) {
    this.max = max;
    /** @type {Set<Held>} */
    this.holders = new Set();
  }

  /**
   * Takes room for so many bytes more; if there is none, returns what was taken, and is false.
   *
   * @param {Held} held
   * @param {number} bytes
   */
  take(held, bytes) {
    const now = Date.now();
    held.until ??= now + HELD_MAX_MS;
    held.bytes = (held.bytes ?? 0) + bytes;
    let sum = 0;
    for (const other of this.holders.add(held)) {
      const left = (other.until ?? 0) - now;
      // What would last longer is from before the clock was set back.
      if (left < 0 || left > HELD_MAX_MS) this.holders.delete(other);
      else sum += other.bytes ?? 0;
    }
    if (sum <= this.max && held.until >= now) return true;
    this.leave(held);
    return false;
  }

  /** @param {Held} held */
  leave(held) {
    this.holders.delete(held);
  }
}

/** Returns a stream for what is `length` bytes long; for what does not say how long it is if there is no number. @param {string | number | null | undefined} length */
export function sized(length) {
  return length == null ? new IdentityTransformStream() : new FixedLengthStream(Number(length));
}
