// Mode (b): the gateway holds the tokens, and the browser a cookie that no script can read. The page has nothing to store.

import { problemOf, stateAfter } from './problem.js';

// The gateway renews an access token that has less than this left (`renew_before_seconds`).
const RENEWED_BEFORE_MS = 60_000;

/** What the refresh path answers without a login; and what another path answers if the config has no refresh path. */
const NOBODY = ['missing_refresh_token', 'token_missing'];

// Answers take their time and seconds are rounded: an end that moved by less is the same.
const SAME_END_MS = 2_000;

export class CookieMode {
  loginUrl;
  /** When the gateway's access token ends by this machine's clock, in milliseconds, if the gateway has said so. */
  expiresAt;
  #base;
  #report;
  #asking;

  constructor({ base }, report) {
    this.loginUrl = `${base}/login?return_to=/`;
    this.#base = base;
    this.#report = report;
  }

  /** Finds out whether somebody is logged in: `state` is `in`, `out` or `unknown`. */
  async start() {
    this.#report('asking');
    const response = await this.#ask();
    if (response.ok) return { state: 'in' };
    const problem = await problemOf(response);
    // The request had neither token nor cookie: nobody is logged in here.
    if (NOBODY.includes(problem.code)) return { state: 'out' };
    if (response.status !== 404 && response.status !== 405) return stateAfter(problem, response);
    // The config has no refresh path. The profile shows it as well, and the gateway renews its token by itself.
    const profile = await fetch(`${this.#base}/profile`);
    return profile.ok ? { state: 'in' } : stateAfter(await problemOf(profile), profile);
  }

  async fetch(url) {
    const response = await fetch(url);
    // Only the gateway knows whether it renewed its token for that.
    if (response.ok && !(this.expiresAt - Date.now() > RENEWED_BEFORE_MS)) await this.#ask().catch(() => {});
    return response;
  }

  /** Asks how long the access token is valid; the gateway renews it if that is due. Returns the answer if it is a refusal. */
  async refresh() {
    this.#report('asking');
    const response = await this.#ask();
    return response.ok ? undefined : response;
  }

  // There is nothing else to drop: the gateway removes the cookie.
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
    // If the config has no such path, this is the answer of another.
    if (typeof seconds !== 'number') return response;
    const before = this.expiresAt;
    this.expiresAt = Date.now() + seconds * 1000;
    if (this.expiresAt > before + SAME_END_MS) this.#report('renewed', seconds);
    return response;
  }
}
