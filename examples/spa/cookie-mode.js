// Mode (b): the gateway holds the tokens, and the browser a cookie that no script can read. The page has nothing to keep.

import { problemOf, stateAfter } from './problem.js';

// The gateway renews an access token that has less than this left (`renew_before_seconds`).
const RENEWED_BEFORE_MS = 60_000;

/** What the refresh path says to a stranger; and what any other path says, where the config has no such path. */
const NOBODY = ['missing_refresh_token', 'token_missing'];

// Answers take their time and seconds are rounded: an end that moved by less is the same.
const SAME_END_MS = 2_000;

export class CookieMode {
  loginUrl;
  /** When the gateway's access token ends by this machine's clock, in milliseconds, as far as the gateway has told. */
  expiresAt;
  #base;
  #report;
  #asking;

  constructor({ base }, report) {
    this.loginUrl = `${base}/login?return_to=/`;
    this.#base = base;
    this.#report = report;
  }

  /** Finds out whether someone is logged in: `state` is `in`, `out` or `unknown`. */
  async start() {
    this.#report('asking');
    const response = await this.#ask();
    if (response.ok) return { state: 'in' };
    const problem = await problemOf(response);
    // Neither token nor cookie came along: nobody is logged in here.
    if (NOBODY.includes(problem.code)) return { state: 'out' };
    if (response.status !== 404 && response.status !== 405) return stateAfter(problem, response);
    // The config has no path that refreshes; the profile tells as well, and the gateway renews its token by itself.
    const profile = await fetch(`${this.#base}/profile`);
    return profile.ok ? { state: 'in' } : stateAfter(await problemOf(profile), profile);
  }

  async fetch(url) {
    const response = await fetch(url);
    // Whether the gateway renewed its token for that, only the gateway knows.
    if (response.ok && !(this.expiresAt - Date.now() > RENEWED_BEFORE_MS)) await this.#ask().catch(() => {});
    return response;
  }

  /** Asks how long the access token lives, and the gateway renews it if it is time; gives the answer that refuses, or nothing. */
  async refresh() {
    this.#report('asking');
    const response = await this.#ask();
    return response.ok ? undefined : response;
  }

  // There is nothing else to forget: the cookie goes when the gateway clears it.
  forget() {
    this.expiresAt = undefined;
  }

  #ask() {
    this.#asking ??= this.#askOnce().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #askOnce() {
    const response = await fetch(`${this.#base}/refresh`, { method: 'POST' });
    if (!response.ok) return response;
    const { expires_in: seconds } = await response
      .clone()
      .json()
      .catch(() => ({}));
    // Where the config has no such path, this is the answer of another.
    if (typeof seconds !== 'number') return response;
    const before = this.expiresAt;
    this.expiresAt = Date.now() + seconds * 1000;
    if (this.expiresAt > before + SAME_END_MS) this.#report('renewed', seconds);
    return response;
  }
}
