// Counts requests: how many, which failed by which code, and how long they took. What it keeps is bounded, however long it counts.

/** So many codes are distinguished; the lines of a stream may have any. */
const CODES_MAX = 100;

/** What codes beyond that are counted as. */
const OTHERS = 'others';

/** Durations are distinguished by so many digits, so that there are at most 900 to each power of ten. */
const DIGITS = 3;

/** From this status on, an answer is a failure. */
const FAILURES_FROM = 400;

/**
 * What was counted. `from` and `to` are in milliseconds since 1970.
 *
 * @typedef {object} Summary
 * @property {number | undefined} from
 * @property {number | undefined} to
 * @property {number} requests
 * @property {number} cancelled
 * @property {Record<string, number>} errors requests that failed, by code, or else by status
 * @property {Record<string, number>} lines other lines of the gateway, by code
 * @property {number | null} p50_ms
 * @property {number | null} p95_ms
 */

export class Counts {
  #requests = 0;
  #cancelled = 0;
  /** @type {number | undefined} */
  #from;
  /** @type {number | undefined} */
  #to;
  /** @type {Map<string, number>} */
  #errors = new Map();
  /** @type {Map<string, number>} */
  #lines = new Map();
  /** @type {Map<number, number>} */
  #durations = new Map();

  /** Whether there was nothing to count. */
  get isEmpty() {
    return this.#requests === 0 && this.#lines.size === 0;
  }

  /** @param {import('./entries.mjs').Entry} entry */
  add({ kind, time, status, code, duration_ms: duration, cancelled }) {
    if (kind === 'other') return;
    if (time !== undefined) {
      this.#from = Math.min(this.#from ?? time, time);
      this.#to = Math.max(this.#to ?? time, time);
    }
    if (kind === 'line') return increase(this.#lines, code ?? '');
    this.#requests += 1;
    if (cancelled) this.#cancelled += 1;
    // A code comes with redirects to the login, too, which are no failures.
    if (status === undefined ? code : status >= FAILURES_FROM) increase(this.#errors, code ?? `status ${status}`);
    if (duration !== undefined && duration >= 0) {
      const rounded = Number(duration.toPrecision(DIGITS));
      this.#durations.set(rounded, (this.#durations.get(rounded) ?? 0) + 1);
    }
    return undefined;
  }

  /** @returns {Summary} */
  summary() {
    const [p50, p95] = percentiles(this.#durations, [0.5, 0.95]);
    return {
      from: this.#from,
      to: this.#to,
      requests: this.#requests,
      cancelled: this.#cancelled,
      errors: sorted(this.#errors),
      lines: sorted(this.#lines),
      p50_ms: p50,
      p95_ms: p95,
    };
  }
}

/** @param {Map<string, number>} counts @param {string} code */
function increase(counts, code) {
  const name = counts.has(code) || counts.size < CODES_MAX ? code : OTHERS;
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

/** Returns for each part the smallest value that so large a part of all does not exceed (nearest rank). */
function percentiles(counts, parts) {
  const values = [...counts].sort(([one], [other]) => one - other);
  const all = values.reduce((sum, [, count]) => sum + count, 0);
  return parts.map((part) => {
    let below = 0;
    for (const [value, count] of values) {
      below += count;
      if (below >= part * all) return value;
    }
    return null;
  });
}

/** The most frequent first. @returns {Record<string, number>} */
const sorted = (counts) => Object.fromEntries([...counts].sort(([, one], [, other]) => other - one));
