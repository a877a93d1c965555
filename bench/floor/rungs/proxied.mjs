// A proxy that has the duties of a gateway one after the other: `HAS` says which, and what it has not is left out of the bundle.

import { WorkerEntrypoint } from 'cloudflare:workers';
import { askNothing, change, relayedChanges, requestChanges } from './boundary.mjs';
import { guarded } from './entry.mjs';
import { CLOSED_REQUEST, HIDDEN, answerHeaders, claimsOfToken, isRouted, requestId, traceparent } from './duties.mjs';

const TIMEOUT_MS = 600_000;

function handle(request, { UPSTREAM }) {
  const url = new URL(request.url);
  if (HAS.call) askNothing();
  if (HAS.route && !isRouted(request.method, url.pathname)) return new Response(null, { status: 404 });
  const headers = new Headers(request.headers);
  const id = HAS.ids ? requestId(request.headers) : 'none';
  const trace = HAS.ids ? traceparent(request.headers) : 'none';
  if (HAS.texts) change(headers, requestChanges(request));
  else if (HAS.headers) closeRequest(headers, url, id, trace);
  if (HAS.claim) {
    const claims = claimsOfToken(request);
    if (!claims) return new Response(null, { status: 401 });
    headers.set('x-user-id', claims.sub);
  }
  const target = UPSTREAM + url.pathname + url.search;
  // As Bargate sends what has no body. A `Request` that is made first takes more: a copy of `cf`, and of the headers once again.
  const sent = { method: request.method, headers, redirect: 'manual' };
  const begin = HAS.abort ? fetchWithin : HAS.timer ? fetchBegun : fetch;
  const answer = begin(target, sent);
  return HAS.answer ? answer.then((response) => closeAnswer(response, request, id)) : answer;
}

function closeRequest(headers, url, id, trace) {
  for (const name of CLOSED_REQUEST) headers.delete(name);
  headers.set('x-request-id', id);
  headers.set('x-forwarded-proto', url.protocol.slice(0, -1));
  headers.set('x-forwarded-host', url.host);
  headers.set('x-forwarded-for', headers.get('cf-connecting-ip') ?? '');
  headers.set('traceparent', trace);
}

/** As Bargate does it: a call that is too late ends with its request. */
function fetchBegun(url, sent) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(reject, TIMEOUT_MS, 'timeout');
    fetch(url, sent).then((response) => {
      clearTimeout(timer);
      resolve(response);
    }, reject);
  });
}

/** As it is usually written. */
async function fetchWithin(url, sent) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), TIMEOUT_MS);
  try {
    return await fetch(url, { ...sent, signal: abort.signal });
  } finally {
    clearTimeout(timer);
  }
}

function closeAnswer(response, request, id) {
  const answer = new Response(response.body, response);
  for (const name of HIDDEN) answer.headers.delete(name);
  if (HAS.moreTexts) change(answer.headers, relayedChanges(response));
  else for (const [name, value] of answerHeaders(request, id)) answer.headers.set(name, value);
  return answer;
}

const entry = HAS.entry ? guarded(handle) : handle;

class Entry extends WorkerEntrypoint {
  fetch(request) {
    return entry(request, this.env);
  }
}

export default HAS.class ? Entry : { fetch: entry };
