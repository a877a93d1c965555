// What a module of `services` is. `Request`, `Response` and `ExecutionContext` are those of the Workers runtime: `wrangler types`, or the
// package @cloudflare/workers-types, declares them.

/** What the gateway knows of a request. Each call gets its own. */
export interface ServiceContext {
  /** The path of the config that took the request. */
  route: { method: string; path: string };
  /** The values of its parameters, such as `{ number: '2026-7' }` for `/invoices/{number}`; that of `{.+}` is named `.+`. */
  params: Record<string, string>;
  /** The verified claims of the token or of the session's token; `null` if the request has none. */
  claims: Claims | null;
  /** The id of the request, which is in the log and in `X-Request-Id`. */
  request_id: string;
}

/** Claims of a token (RFC 7519), verified. */
export interface Claims {
  iss?: string;
  sub?: string;
  aud?: string | string[];
  exp?: number;
  iat?: number;
  scope?: string;
  [name: string]: unknown;
}

/** A module of `services`: its default export is one of these, or a class of which each request gets an instance. */
export interface Service<Env = unknown> {
  fetch(request: Request, env: Env, ctx: ExecutionContext, context: ServiceContext): unknown;
}
