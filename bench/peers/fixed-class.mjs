// Gives one answer to everything, as a class: the least that such an entry does.

import { WorkerEntrypoint } from 'cloudflare:workers';

export default class extends WorkerEntrypoint {
  fetch() {
    return new Response('{"status":"ok"}', { headers: { 'content-type': 'application/json' } });
  }
}
