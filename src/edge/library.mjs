// The library that a Worker imports as `bargate`: the gateway, and the classes of Durable Objects. The gateway is Rust, compiled to
// WebAssembly and exported by build/index.js as a class; this file adds what Rust cannot do here: answer a request whose WebAssembly
// instance has panicked, and be a class of Durable Objects. A panic ends the instance, so the answer is asked of a fresh one, which the
// next call into the gateway makes.
import { DurableObject } from 'cloudflare:workers';
import Gateway, { version } from '../../build/index.js';
import { forget as forgetProofs, take } from './objects/dpop_proofs.js';
import { count, forget, leave as leaveCounts } from './objects/rate_limit.js';
import { inputsOf } from './library/options.mjs';

const { abandon, answer_object, answer_panic, fetch, resume, watch_step } = Gateway.prototype;

/** The inputs of this copy, which gateway/inputs.js has just put there. */
const inputs = /** @type {any} */ (globalThis)[Symbol.for('bargate.inputs')];
const NAME = `bargate ${version}`;

/** Which copy of the library made the Worker's gateway. */
const MADE_BY = Symbol.for('bargate.made_by');

/**
 * The gateway of this Worker. An object: of a class, the runtime makes an instance for each request and looks for every kind of handler
 * on it, and a Worker that is bound to this one could call whatever it has.
 *
 * @type {typeof import('../../packages/bargate/index.d.ts').gateway}
 */
export function gateway(options) {
  const given = inputsOf(options);
  const before = /** @type {any} */ (globalThis)[MADE_BY] ?? NAME;
  if (before !== NAME)
    throw new Error(
      `this Worker has both ${before} and ${NAME}: "npm ls bargate" says which packages bring them; keep one`,
    );
  // A server that reloads modules evaluates a Worker again beside a library that stays; services are taken anew then.
  if (inputs.config && inputs.source !== given.source)
    throw new Error(
      `gateway() of ${NAME} was called with two configs: a Worker has one; restart the server that reloads it`,
    );
  /** @type {any} */ (globalThis)[MADE_BY] = NAME;
  Object.assign(inputs, given, { abandon, resume, watch_step });
  return { fetch: answer };
}

/** @type {import('../../packages/bargate/index.d.ts').Gateway['fetch']} */
function answer(request, env, ctx) {
  try {
    const response = fetch.call({ env, ctx }, request);
    return response instanceof Promise ? response.catch(() => recover(request, env, ctx)) : response;
  } catch {
    return recover(request, env, ctx);
  }
}

/** @param {[request: Request, env: unknown, ctx: ExecutionContext]} call */
async function recover(...call) {
  try {
    return await answer_panic(...call);
  } catch {
    // While the fresh instance waited for its config, the panic of another request has ended that one too.
    return answer_panic(...call);
  }
}

/** Where an object has the version of the form in which all that it stores is, if that is not the first. */
const VERSION = 'version';
const LATER = 'a later version has stored this';
/** An object whose form is not known waits for the version of the gateway that knows it, and sets its alarm anew this often. */
const LATER_WAIT_MS = 24 * 60 * 60 * 1000;

/** @typedef {DurableObjectState['storage']} Storage */

/** @param {Storage} storage @param {string} [message] */
const waitForIt = (storage, message) => message === undefined && storage.setAlarm(Date.now() + LATER_WAIT_MS);

/**
 * Returns a class that answers messages and alarms in this way, unless a later version has stored something in the object.
 *
 * @param {(storage: Storage, message: string, object: DurableObject) => any} answer
 * @param {(storage: Storage, object: DurableObject) => any} erase
 * @param {(storage: Storage, message?: string) => any} [leave] what a message, which is refused then, and an alarm do with what a later
 *   version has stored
 */
const stored = (answer, erase, leave = waitForIt) =>
  class extends DurableObject {
    call(message) {
      const { storage } = this.ctx;
      if (storage.kv.get(VERSION) === undefined) return answer(storage, message, this);
      leave(storage, message);
      throw new Error(LATER);
    }

    async alarm() {
      const { storage } = this.ctx;
      await (storage.kv.get(VERSION) === undefined ? erase(storage, this) : leave(storage));
    }
  };

/** Returns a class whose objects the gateway answers for. @param {string} kind */
const ofGateway = (kind) =>
  stored(
    (_, message, object) => {
      if (!inputs.config) throw new Error(`${NAME} has an object of the class ${kind}, and gateway() was not called`);
      return answer_object(object, kind, message);
    },
    (_, object) => answer_object(object, kind),
  );

export class RefreshExchange extends ofGateway('RefreshExchange') {}
export class Session extends ofGateway('Session') {}
export class LogoutIndex extends ofGateway('LogoutIndex') {}
export class DpopProofs extends stored(take, forgetProofs) {}
// Counts last for a period, so a key does not wait for the later version: once they are over, it is counted anew.
export class RateLimit extends stored(count, forget, leaveCounts) {}
