// Mode (a): the page holds its tokens, only in memory, and refreshes them when the gateway says `token_expired`. Made to be
// copied: it needs nothing else. A body that is a stream cannot be sent twice: do not use `fetch` below for such requests.

/** Codes of a refresh after which the tokens are still valid: the client keeps them and tries again. */
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

  // `report(event, detail)` is called for `expired` and `retried` (the request), `refreshing`, `refreshed`, `trouble` (`problem` and the
  // `seconds` until the next try), and `login_required` (the problem): the tokens are gone, and the user has to log in.
  constructor({ refreshUrl, report = () => {} }) {
    this.#refreshUrl = new URL(refreshUrl, location.href);
    this.#report = report;
  }

  /** Replaces the tokens with those of a login; without any, drops them. */
  hold(tokens) {
    clearTimeout(this.#timer);
    this.#refreshing = undefined;
    this.#tokens = tokens;
    this.expiresAt = tokens && Date.now() + tokens.expires_in * 1000;
  }

  /** `fetch` with the access token. If the token cannot be refreshed, the caller gets the answer that says why. */
  async fetch(input, init) {
    const request = new Request(input, init);
    if (new URL(request.url).origin !== this.#refreshUrl.origin)
      throw new TypeError('the token is for the gateway alone');
    // A request that comes during a refresh waits for the new token.
    await this.#refreshing?.catch(() => {});
    const sent = this.#tokens?.access_token;
    const response = await this.#send(request);
    if (!sent || codeOf(response) !== 'token_expired') return response;
    this.#report('expired', request);
    // Another request may have got a fresh token in the meantime.
    const refusal = this.#tokens?.access_token === sent ? await this.refresh() : undefined;
    if (refusal || !this.#tokens) return refusal?.clone() ?? response;
    this.#report('retried', request);
    return this.#send(request);
  }

  /** Refreshes, once for all requesters. Returns the answer if it is a refusal; rejects if none came. */
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
      // A lost answer does no harm: for some seconds the gateway gives the same token the same answer again.
      if (held === this.#tokens) this.#retryIn(RETRY_SECS, error);
      throw error;
    }
    if (held !== this.#tokens) return undefined; // Logged out, or in again, meanwhile.
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

  // `#refreshing` stays until then: all requesters get the same problem, and none asks the gateway.
  #retryIn(seconds, problem) {
    this.#report('trouble', { problem, seconds });
    this.#timer = setTimeout(() => {
      this.#refreshing = undefined;
      this.refresh().catch(() => {});
    }, seconds * 1000);
  }
}
