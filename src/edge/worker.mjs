// The Worker's entry. The gateway is Rust, compiled to WebAssembly and exported by build/index.js as a class; this file adds
// what Rust cannot do here: answer a request whose WebAssembly instance has panicked, and be a class of Durable Objects. A
// panic ends the instance, so the answer is asked of a fresh one, which the next call into the gateway makes.
import { DurableObject } from 'cloudflare:workers';
import Gateway from '../../build/index.js';
import { config, forDev, prepared, services } from '../../build/inputs.mjs';
import { count, forget } from './objects/rate_limit.js';

const { abandon, answer_object, answer_panic, fetch, resume, watch_step } = Gateway.prototype;

// Where gateway/inputs.js finds the config that is built in, whether all is for `wrangler dev`, the modules of services/ by name, and
// what the scripts call of the gateway.
globalThis[Symbol.for('bargate.inputs')] = { config, forDev, prepared, services, abandon, resume, watch_step };

// An object: of a class, the runtime makes an instance for each request and looks for every kind of handler on it, and a Worker that is
// bound to this one could call whatever it has.
export default {
  fetch(request, env, ctx) {
    try {
      const answer = fetch.call({ env, ctx }, request);
      return answer instanceof Promise ? answer.catch(() => recover(request, env, ctx)) : answer;
    } catch {
      return recover(request, env, ctx);
    }
  },
};

/** @param {[request: Request, env: unknown, ctx: ExecutionContext]} call */
async function recover(...call) {
  try {
    return await answer_panic(...call);
  } catch {
    // While the fresh instance waited for its config, the panic of another request has ended that one too.
    return answer_panic(...call);
  }
}

const stored = (kind) =>
  class extends DurableObject {
    call(message) {
      return answer_object(this, kind, message);
    }

    async alarm() {
      await answer_object(this, kind);
    }
  };

export class RefreshExchange extends stored('RefreshExchange') {}
export class Session extends stored('Session') {}
export class LogoutIndex extends stored('LogoutIndex') {}

export class RateLimit extends DurableObject {
  call(message) {
    return count(this.ctx.storage, message);
  }

  alarm() {
    return forget(this.ctx.storage);
  }
}
