// Gives one answer, with the duties of a gateway one after the other: `HAS` says which, and what it has not is left out of the bundle.

import { changed, plain, withDuties } from './answer.mjs';
import { askNothing } from './boundary.mjs';
import { claimsOfSession, claimsOfToken, isRouted, requestId } from './duties.mjs';
import { guarded } from './entry.mjs';

function handle(request) {
  const path = HAS.url ? new URL(request.url).pathname : '';
  if (HAS.call) askNothing();
  if (HAS.route && !isRouted(request.method, path)) return new Response(null, { status: 404 });
  const id = HAS.ids ? requestId(request.headers) : 'none';
  if (HAS.token && !claimsOfToken(request)) return new Response(null, { status: 401 });
  if (HAS.session && !claimsOfSession(request)) return new Response(null, { status: 401 });
  if (HAS.texts) return changed(request);
  if (HAS.answer) return withDuties(request, id);
  return plain();
}

export default { fetch: HAS.entry ? guarded(handle) : handle };
