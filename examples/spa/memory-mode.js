// Mode (a): the tokens are in this page's memory, and nowhere else in the browser. A reload drops them, and a hidden frame
// gets others as long as the provider knows the browser.

import { problemOf, stateAfter } from './problem.js';
import { renewSilently } from './silent-renewal.js';
import { TokenClient } from './token-client.js';

/** Checks whether the provider sends the browser to this address after a login of this mode. */
export function isReturnOfLogin({ searchParams }) {
  return searchParams.has('state') && (searchParams.has('code') || searchParams.has('error'));
}

export class MemoryMode {
  loginUrl;
  /** Whether a hidden frame can get tokens. */
  canRenew;
  #base;
  #client;
  #report;

  constructor({ base, silent }, report) {
    this.loginUrl = `${base}/token/login?return_to=/`;
    this.canRenew = silent;
    this.#base = base;
    this.#report = report;
    this.#client = new TokenClient({ refreshUrl: `${base}/refresh`, report });
  }

  /** When the access token ends by this machine's clock, in milliseconds; `undefined` without one. */
  get expiresAt() {
    return this.#client.expiresAt;
  }

  /** Finds out whether somebody is logged in: `state` is `in`, `out` or `unknown`. */
  async start() {
    const address = new URL(location.href);
    if (isReturnOfLogin(address)) return this.#finishLogin(address.search);
    if (!this.canRenew) return { state: 'out' };
    const problem = await this.renew();
    if (!problem) return { state: 'in' };
    return problem.code === 'login_required' ? { state: 'out' } : stateAfter(problem);
  }

  /** Logs in by the hidden frame; returns the problem if one came instead of tokens. */
  async renew() {
    this.#report('renewing');
    const answer = await renewSilently(`${this.#base}/silent/login?prompt=none`);
    if (answer.code) return answer;
    this.#take(answer);
    return undefined;
  }

  // The request sends no cookie: a session of the other mode must not answer in place of the token.
  fetch(url) {
    return this.#client.fetch(url, { credentials: 'omit' });
  }

  /** Refreshes the tokens; returns the answer if it is a refusal. */
  refresh() {
    return this.#client.refresh();
  }

  // The provider's logout ends its session and does not revoke refresh tokens; only this page has this one.
  forget() {
    this.#client.hold();
  }

  async #finishLogin(query) {
    // The code is valid once: remove it from the address before a reload can send it again.
    history.replaceState(null, '', location.pathname);
    this.#report('returned');
    const response = await fetch(`${this.#base}/token/callback${query}`);
    if (!response.ok) return { state: 'out', problem: await problemOf(response) };
    this.#take(await response.json());
    return { state: 'in' };
  }

  #take({ return_to: returnTo, ...tokens }) {
    this.#client.hold(tokens);
    if (returnTo) history.replaceState(null, '', returnTo);
  }
}
