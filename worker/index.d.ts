// The module that the build makes of this crate, as src/edge/worker.mjs uses it.

import { WorkerEntrypoint } from 'cloudflare:workers';

export default class extends WorkerEntrypoint {
  fetch(request: Request): Response | Promise<Response>;
  // Optional, since worker.mjs takes them off the prototype.
  answer_panic?(request: Request, env: unknown, context: ExecutionContext): Response | Promise<Response>;
  answer_object?(object: DurableObject, kind: string, message?: string): string | Promise<string>;
  watch_step?(...args: unknown[]): unknown;
  abandon?(id: number): void;
  resume?(...args: unknown[]): unknown;
}
