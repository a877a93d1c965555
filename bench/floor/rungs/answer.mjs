// The fixed answer: as it is, and with what a gateway adds.

import { change, madeChanges } from './boundary.mjs';
import { answerHeaders } from './duties.mjs';

const BODY = '{"status":"ok"}';
const HEADERS = { 'content-type': 'application/json' };

export const plain = () => new Response(BODY, { headers: HEADERS });

/** With the headers that JavaScript adds. */
export const withDuties = (request, id) =>
  new Response(BODY, {
    headers: {
      ...HEADERS,
      'x-content-type-options': 'nosniff',
      ...Object.fromEntries(answerHeaders(request, id)),
    },
  });

/** With the headers that WebAssembly says. */
export function changed(request) {
  const changes = madeChanges(request);
  const response = new Response(BODY);
  change(response.headers, changes);
  return response;
}
