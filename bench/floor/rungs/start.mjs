// Evaluates a bundle of the gateway and asks it nothing.

import './gateway.js';

export default {
  fetch: () => new Response('{"status":"ok"}', { headers: { 'content-type': 'application/json' } }),
};
