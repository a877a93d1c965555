// What went wrong, as the gateway says it (RFC 9457) or the browser, and what that means for the login.

/** Codes that say nothing against a login: the same request may succeed a little later. */
const TRANSIENT = ['idp_unavailable', 'idp_timeout', 'idp_error', 'idp_rate_limited', 'store_unavailable', 'no_answer'];
const RETRY_SECS = 5;

/** Returns the problem in an answer; the answer itself stays unread. */
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

/** Returns a problem for the error with which `fetch` or the hidden frame rejected. */
export function problemOfFailure(error) {
  const detail = error instanceof TypeError ? 'The gateway could not be reached.' : error.message;
  return { title: 'No answer', detail, code: 'no_answer' };
}

/** Seconds after which to try again, or `undefined` if trying again would change nothing. */
export function secondsUntilRetry({ code }, response) {
  if (!TRANSIENT.includes(code)) return undefined;
  return Number(response?.headers.get('retry-after')) || RETRY_SECS;
}

/** Returns the state of a page that asked who is logged in and got a problem. */
export function stateAfter(problem, response) {
  const seconds = secondsUntilRetry(problem, response);
  return { state: seconds ? 'unknown' : 'out', problem, seconds };
}
