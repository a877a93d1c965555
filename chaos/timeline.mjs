// What happened in a row, in its order: who was asked what, and what was answered. Tokens appear as short digests only.

import { createHash } from 'node:crypto';

/** How many characters of a digest tell one token from another. */
const DIGEST_LENGTH = 8;
/** A row that goes on for long keeps its beginning, and what came last. */
const FIRST_KEPT = 5_000;
const LAST_KEPT = 400_000;
/** How much is shown before and after the first failure. */
const SHOWN_BEFORE = 300;
const SHOWN_AFTER = 100;

/** The lane of what the row does to all of them: faults, kills, time that passes. */
export const ROW = 'row';
/** The lane of claims that did not hold. */
export const CLAIMS = 'claim';

/**
 * @typedef {object} Entry
 * @property {number} ms since the row began
 * @property {string} lane who does it: `client 7`, `isolate 2`, `object`, `provider`, `row`
 * @property {string} what
 * @property {string} [detail]
 * @property {string} [to] the lane that it is addressed to
 * @property {string} [about] what it concerns, such as a session; everything is about what has none
 * @property {boolean} [failed]
 */

/** Shortens a token or cookie to a digest that tells it from others. */
export const digest = (token) => createHash('sha256').update(String(token)).digest('base64url').slice(0, DIGEST_LENGTH);

/** What is so long and has no space in it may be a token. */
const TOKEN_LIKE = /[\w.~+=-]{32,}/g;

/** Returns a text of an answer or an error with digests in place of what may be a token. @param {string} text */
export const withoutTokens = (text) => text.replace(TOKEN_LIKE, digest);

export class Timeline {
  /** @type {Entry[]} */
  #entries = [];
  #startedAt = performance.now();
  #left = 0;
  /** @type {Entry | undefined} */
  #chapter;
  /** @type {Entry | undefined} */
  firstFailure;

  /**
   * Adds what somebody does.
   *
   * @param {string} lane
   * @param {string} what
   * @param {unknown} [detail]
   * @param {{ to?: string, about?: string }} [more]
   */
  add(lane, what, detail, { to, about } = {}) {
    return this.#put({ ms: this.#now(), lane, what, detail: textOf(detail), to, about });
  }

  /** Adds something with which another part of the row begins. @param {string} what */
  chapter(what) {
    this.#chapter = this.add(ROW, what);
  }

  /** What has happened since the last part began. */
  get lastChapter() {
    return this.#entries.slice(this.#chapter ? this.#entries.indexOf(this.#chapter) : 0);
  }

  /** Adds that a claim does not hold. @param {string} claim @param {string} detail @param {string} [about] */
  fail(claim, detail, about) {
    const entry = { ms: this.#now(), lane: CLAIMS, what: claim, detail, about, failed: true };
    this.firstFailure ??= entry;
    return this.#put(entry);
  }

  /** Every entry that is kept. */
  get entries() {
    return this.#entries;
  }

  /**
   * What is shown of it: with a failure, what concerns the same and lies around it. `left` says what is left out.
   *
   * @returns {{ entries: Entry[], left: string }}
   */
  shown() {
    const { firstFailure } = this;
    const about = firstFailure?.about;
    const concerned = about
      ? this.#entries.filter((entry) => entry.about === about || entry.about === undefined || entry === firstFailure)
      : this.#entries;
    const middle = firstFailure ? concerned.indexOf(firstFailure) : concerned.length - 1;
    const from = Math.max(0, middle - SHOWN_BEFORE);
    const entries = concerned.slice(from, middle + SHOWN_AFTER);
    const all = this.#entries.length + this.#left;
    const others = about ? `; others than those about ${about} are left out` : '';
    const left = entries.length < all ? `${entries.length} of ${all} entries, around the first failure${others}` : '';
    return { entries, left };
  }

  #now() {
    return performance.now() - this.#startedAt;
  }

  #put(entry) {
    this.#entries.push(entry);
    if (this.#entries.length > FIRST_KEPT + LAST_KEPT) {
      const removed = this.#entries.splice(FIRST_KEPT, LAST_KEPT / 2);
      this.#left += removed.length;
    }
    return entry;
  }
}

const textOf = (detail) =>
  detail === undefined || typeof detail === 'string' ? detail : (JSON.stringify(detail) ?? String(detail));

/**
 * Writes a timeline as a text that people can read.
 *
 * @param {Timeline} timeline
 * @param {string[]} heading
 */
export function timelineText(timeline, heading) {
  const { entries, left } = timeline.shown();
  const wide = Math.max(4, ...entries.map(({ lane }) => lane.length));
  const lines = entries.map(({ ms, lane, what, detail = '', to, failed }) => {
    const whom = to ? ` -> ${to}:` : ':';
    return `${failed ? '!!' : '  '} ${ms.toFixed(1).padStart(10)}  ${lane.padEnd(wide)}${whom} ${what}${detail && `  ${detail}`}`;
  });
  const units = `\n${'ms'.padStart(13)}  who`;
  return `${[...heading, ...(left ? [left] : []), units, ...lines].join('\n')}\n`;
}
