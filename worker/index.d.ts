// The module that the build makes of this crate, as src/edge/worker.mjs uses it.

type Answer = Response | Promise<Response>;

/** A class of which no instance is made: its functions need no other of its members than these. */
export default class {
  fetch(this: { env: unknown; ctx: ExecutionContext }, request: Request): Answer;
  answer_panic(this: void, request: Request, env: unknown, context: ExecutionContext): Answer;
  answer_object(this: void, object: object, kind: string, message?: string): string | Promise<string>;
  watch_step(this: void, ...args: unknown[]): unknown;
  abandon(this: void, id: number): void;
  resume(this: void, ...args: unknown[]): unknown;
}

/** The version of the gateway. */
export const version: string;
