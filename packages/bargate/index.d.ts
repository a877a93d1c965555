import { DurableObject } from 'cloudflare:workers';
import type { Service } from './service.js';

export type { Claims, Service, ServiceContext } from './service.js';

/** What loads a module of `services`: `() => import('./services/x.js')`. */
// biome-ignore lint/suspicious/noExplicitAny: each module says itself which environment it needs.
export type LoadService = () => Promise<{ default: Service<any> | (new () => Service<any>) }>;

export interface GatewayOptions {
  /**
   * The content of `gateway.config.json`, as an import of it gives it, or its text. With `prepared` it is what gives the text, and is
   * called only if `prepared` is of another version.
   */
  config: object | string | (() => string | Promise<string>);
  /** The modules that `services` of the config names, each by its entrypoint: `./services/x.js`, `services/x`. */
  services?: Record<string, LoadService>;
  /** The same config as `bargate check --prepare` writes it, so that thousands of routes hardly lengthen a start. */
  prepared?: string;
}

export interface Gateway {
  /** Answers a request. It needs no `this`. */
  fetch(request: Request, env: unknown, ctx: ExecutionContext): Response | Promise<Response>;
}

/**
 * Makes the gateway of this Worker, of which there is one.
 *
 * @throws {TypeError} if an option is not what it must be
 * @throws {Error} on a second call, beside another version of `bargate`, or if the compatibility date is too old
 */
export function gateway(options: GatewayOptions): Gateway;

/** The classes of Durable Objects that `wrangler.toml` binds. They may be extended. */
declare class Stored extends DurableObject {
  call(message: string): Promise<string>;
  alarm(): Promise<void>;
}

/** Binding `REFRESH_EXCHANGES`: the token requests with one refresh token. */
export class RefreshExchange extends Stored {}
/** Binding `SESSIONS`: one session. */
export class Session extends Stored {}
/** Binding `LOGOUT_INDEX`: the sessions of one user. */
export class LogoutIndex extends Stored {}
/** Binding `DPOP_PROOFS`: the proofs of one key that were used (DPoP). */
export class DpopProofs extends Stored {}
/** Binding `RATE_LIMITS`, for exact limits: the requests of one caller. */
export class RateLimit extends Stored {}
