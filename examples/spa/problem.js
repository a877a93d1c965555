// What went wrong, as the gateway tells it (RFC 9457) or as the browser does, and what that says about the login.

/** Codes that say nothing against a login: the same request may succeed a little later. */
const TRANSIENT = ['idp_unavailable', 'idp_timeout', 'idp_error', 'idp_rate_limited', 'store_unavailable', 'no_answer'];
const RETRY_SECS = 5;

/** Gives the problem that an answer holds; the answer itself stays unread. */
export async function problemOf(response) {
  const body = await response
    .clone()
    .json()
    .catch(() => undefined);
  if (body?.code) return body;
  return {
    title: `Status ${response.status}`,
    detail: 'The answer says no more than that.',
    code: `http_${response.status}`,
  };
}

/** Gives a problem for what `fetch` or the hidden frame rejected with. */
export function problemOfFailure(error) {
  const detail = error instanceof TypeError ? 'The gateway could not be reached.' : error.message;
  return { title: 'No answer', detail, code: 'no_answer' };
}

/** Seconds after which to try again, or `undefined` where trying again would change nothing. */
export function secondsUntilRetry({ code }, response) {
  if (!TRANSIENT.includes(code)) return undefined;
  return Number(response?.headers.get('retry-after')) || RETRY_SECS;
}

/** Gives the state in which a problem leaves a page that asked who is logged in. */
export function stateAfter(problem, response) {
  const seconds = secondsUntilRetry(problem, response);
  return { state: seconds ? 'unknown' : 'out', problem, seconds };
}
