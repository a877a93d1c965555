// Gives one answer, with the duties of a gateway one after the other: `HAS` says which, and what it has not is left out of the bundle.

import { askNothing, change, madeChanges } from './boundary.mjs';
import { answerHeaders, claimsOfSession, claimsOfToken, isRouted, requestId } from './duties.mjs';
import { guarded } from './entry.mjs';

const BODY = '{"status":"ok"}';
const HEADERS = { 'content-type': 'application/json' };

function handle(request) {
  const path = HAS.url ? new URL(request.url).pathname : '';
  if (HAS.call) askNothing();
  if (HAS.route && !isRouted(request.method, path)) return new Response(null, { status: 404 });
  const id = HAS.ids ? requestId(request.headers) : 'none';
  if (HAS.token && !claimsOfToken(request)) return new Response(null, { status: 401 });
  if (HAS.session && !claimsOfSession(request)) return new Response(null, { status: 401 });
  if (HAS.texts) return changed(madeChanges(request));
  if (HAS.answer) return new Response(BODY, { headers: allHeaders(request, id) });
  return new Response(BODY, { headers: HEADERS });
}

const allHeaders = (request, id) => ({
  ...HEADERS,
  'x-content-type-options': 'nosniff',
  ...Object.fromEntries(answerHeaders(request, id)),
});

function changed(changes) {
  const response = new Response(BODY);
  change(response.headers, changes);
  return response;
}

export default { fetch: HAS.entry ? guarded(handle) : handle };
