// Faults on request: the failures of a provider, for tests of how the gateway handles them.

import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

const HUGE_BYTES = 10 * 1024 * 1024;

// What each kind answers when the fault names nothing else.
const ANSWERS = {
  status: { status: 500, type: 'application/json', body: '{"error":"server_error"}' },
  malformed: { status: 200, type: 'application/json', body: '{"access_token":"cut off in the mid' },
  html: { status: 200, type: 'text/html', body: '<!doctype html><title>Maintenance</title><h1>Back soon</h1>' },
  empty: { status: 200, type: 'application/json', body: '' },
  huge: { status: 200, type: 'application/json', body: () => `{"padding":"${'x'.repeat(HUGE_BYTES)}"}` },
};

const FAULT_KINDS = [...Object.keys(ANSWERS), 'slow', 'reset', 'cut', 'hang', 'edit'];

/** The faults and holds active, by path. */
export class Faults {
  #faults = [];
  #holds = new Set();
  #hanging = new Set();

  /**
   * Sets a fault: `{ path, kind, status, body, headers, delayMs, times, after, edit }`. It applies to the next `times`
   * requests of that path (to all, if not given). With `after` the request is really carried out, and only then is the
   * answer lost. `edit` is a function from the real answer `{ status, headers, body }` to the one that is sent.
   */
  set({ kind, path, times = Infinity, edit, ...rest }) {
    const fault = { kind: kind ?? (edit ? 'edit' : 'status'), path, times, edit, ...rest };
    if (!path?.startsWith('/')) throw new TypeError('a fault needs a path, such as "/oauth/token"');
    if (!FAULT_KINDS.includes(fault.kind)) throw new TypeError(`a fault's kind is one of: ${FAULT_KINDS.join(', ')}`);
    if (fault.kind === 'edit' && typeof edit !== 'function') throw new TypeError('the kind "edit" needs a function');
    this.#faults.push(fault);
    return fault;
  }

  /** Ends every fault and hold; requests that hang are cut. */
  clear() {
    this.#faults = [];
    for (const hold of this.#holds) hold.release();
    for (const response of this.#hanging) response.destroy();
    this.#hanging.clear();
  }

  /** Takes the oldest fault of the path, and counts it down. */
  take(path) {
    const fault = this.#faults.find((each) => each.path === path && each.times > 0);
    if (fault) fault.times -= 1;
    this.#faults = this.#faults.filter((each) => each.times > 0);
    return fault;
  }

  /**
   * Holds every request of the path until it is released. With `after` the request is carried out first and its
   * answer held. `arrived(n)` resolves once n requests wait.
   */
  hold(path, { after = false } = {}) {
    const hold = new Hold(path, after, () => this.#holds.delete(hold));
    this.#holds.add(hold);
    return hold;
  }

  heldAt(path, after) {
    return [...this.#holds].find((hold) => hold.path === path && hold.after === after);
  }

  /** Whether the real answer of the request is needed, before the fault or the hold applies to it. */
  needsAnswer(path, fault) {
    return Boolean(fault?.after || fault?.edit || this.heldAt(path, true));
  }

  /** Answers as the fault says. Returns false if the request is to be carried out after all. */
  async apply(fault, response, realAnswer) {
    if (fault.delayMs) await sleep(fault.delayMs, undefined, { ref: false });
    if (fault.kind === 'slow') return false;
    if (fault.kind === 'reset') {
      response.socket?.resetAndDestroy();
      return true;
    }
    if (fault.kind === 'cut') {
      const { status, type, body } = ANSWERS.malformed;
      // The rest is promised, and does not come.
      response.writeHead(status, { 'content-type': type, 'content-length': 2 * body.length });
      response.write(body, () => response.socket?.resetAndDestroy());
      return true;
    }
    if (fault.kind === 'hang') {
      this.#hanging.add(response);
      await once(response, 'close');
      this.#hanging.delete(response);
      return true;
    }
    if (fault.kind === 'edit') {
      sendAnswer(response, (await fault.edit(realAnswer)) ?? realAnswer);
      return true;
    }
    const usual = ANSWERS[fault.kind];
    const body = fault.body ?? (typeof usual.body === 'function' ? usual.body() : usual.body);
    sendAnswer(response, {
      status: fault.status ?? usual.status,
      headers: { 'content-type': usual.type, 'cache-control': 'no-store', ...fault.headers },
      body,
    });
    return true;
  }
}

class Hold {
  #waiting = 0;
  #arrivals = [];
  #opened = Promise.withResolvers();

  constructor(path, after, whenReleased) {
    this.path = path;
    this.after = after;
    this.whenReleased = whenReleased;
  }

  get waiting() {
    return this.#waiting;
  }

  /** Resolves once `count` requests wait here. */
  arrived(count = 1) {
    const { promise, resolve } = Promise.withResolvers();
    this.#arrivals.push({ count, resolve });
    this.#settle();
    return promise;
  }

  /** Lets every waiting request continue, and holds no more. */
  release() {
    this.whenReleased();
    this.#opened.resolve(undefined);
  }

  async wait() {
    this.#waiting += 1;
    this.#settle();
    await this.#opened.promise;
  }

  #settle() {
    for (const arrival of this.#arrivals) {
      if (this.#waiting >= arrival.count) arrival.resolve();
    }
  }
}

/**
 * Sends an answer; a body that is not a text is sent as JSON.
 *
 * @param {import('node:http').ServerResponse} response
 * @param {{ status?: number, headers?: Record<string, string>, body?: unknown }} answer
 */
export function sendAnswer(response, { status = 200, headers = {}, body = '' }) {
  if (response.destroyed) return;
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const framing = new Set(['content-length', 'transfer-encoding', 'connection', 'keep-alive']);
  for (const [name, value] of Object.entries(headers)) {
    if (!framing.has(name.toLowerCase())) response.setHeader(name, value);
  }
  response.statusCode = status;
  response.setHeader('content-length', Buffer.byteLength(text));
  response.end(text);
}
