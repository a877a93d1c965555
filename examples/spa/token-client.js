// Mode (a): the page holds its tokens, in memory alone, and refreshes them when the gateway says `token_expired`. Made to be
// copied: it needs nothing else. A body that is a stream cannot be sent twice, so such requests are not for `fetch` below.

/** Codes of a refresh that say nothing against the tokens: they are kept, and the refresh is tried again. */
const TRANSIENT = new Set(['idp_unavailable', 'idp_timeout', 'idp_error', 'idp_rate_limited', 'store_unavailable']);
const RETRY_SECS = 5;
const codeOf = (response) => response.headers.get('x-problem-code'); // Of a problem; no body needs to be read for it.

export class TokenClient {
  #refreshUrl;
  #report;
  #tokens;
  #refreshing;
  #timer;
  /** When the access token ends by this machine's clock, in milliseconds; `undefined` without one. */
  expiresAt;

  // `report(event, detail)` hears of `expired` and `retried` (the request), `refreshing`, `refreshed`, `trouble` (`problem` and the
  // `seconds` until the next try), and `login_required` (the problem): the tokens are gone, and the user has to log in.
  constructor({ refreshUrl, report = () => {} }) {
    this.#refreshUrl = new URL(refreshUrl, location.href);
    this.#report = report;
  }

  /** Takes the tokens that a login brought in place of whatever was held; without any, forgets what was held. */
  hold(tokens) {
    clearTimeout(this.#timer);
    this.#refreshing = undefined;
    this.#tokens = tokens;
    this.expiresAt = tokens && Date.now() + tokens.expires_in * 1000;
  }

  /** `fetch` with the access token. Where it cannot be refreshed, the caller gets the answer that says why not. */
  async fetch(input, init) {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== this.#refreshUrl.origin)
      throw new TypeError('the token is for the gateway alone');
    // Who comes while a refresh is under way waits for the token that it brings.
    await this.#refreshing?.catch(() => {});
    const sent = this.#tokens?.access_token;
    const response = await this.#send(request);
    if (!sent || codeOf(response) !== 'token_expired') return response;
    this.#report('expired', request);
    // Another request may have brought a fresh token while this one was on its way.
    const refusal = this.#tokens?.access_token === sent ? await this.refresh() : undefined;
    if (refusal || !this.#tokens) return refusal?.clone() ?? response;
    this.#report('retried', request);
    return this.#send(request);
  }

  /** Refreshes, once however many ask. Gives nothing, or the answer that refuses; rejects where none came. */
  refresh() {
    return (this.#refreshing ??= this.#exchange(this.#tokens));
  }

  #send(request) {
    const copy = request.clone();
    if (this.#tokens) copy.headers.set('authorization', `Bearer ${this.#tokens.access_token}`);
    return fetch(copy);
  }

  async #exchange(held) {
    this.#report('refreshing');
    const body = JSON.stringify({ refresh_token: held?.refresh_token });
    const headers = { 'content-type': 'application/json' };
    let response, answer;
    try {
      response = await fetch(this.#refreshUrl, { method: 'POST', headers, credentials: 'omit', body });
      answer = await response.clone().json();
    } catch (error) {
      // A lost answer is no loss: for some seconds the gateway gives it again to the same token.
      if (held === this.#tokens) this.#retryIn(RETRY_SECS, error);
      throw error;
    }
    if (held !== this.#tokens) return undefined; // Logged out, or in anew, meanwhile.
    if (response.ok) {
      this.hold({ ...held, ...answer });
      this.#report('refreshed', answer);
      return undefined;
    }
    if (TRANSIENT.has(codeOf(response)))
      this.#retryIn(Number(response.headers.get('retry-after')) || RETRY_SECS, answer);
    else this.#refreshing = undefined;
    if (!['refresh_token_invalid', 'interaction_required'].includes(codeOf(response)) && held?.refresh_token)
      return response;
    this.hold();
    this.#report('login_required', answer);
    return response;
  }

  // `#refreshing` stays until then: whoever asks hears of the same trouble, and nobody asks the gateway.
  #retryIn(seconds, problem) {
    this.#report('trouble', { problem, seconds });
    this.#timer = setTimeout(() => {
      this.#refreshing = undefined;
      this.refresh().catch(() => {});
    }, seconds * 1000);
  }
}
