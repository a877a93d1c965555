// The Worker's entry. The gateway is Rust, compiled to WebAssembly and exported by build/index.js as a class; this file adds
// what Rust cannot do here: answer a request whose WebAssembly instance has panicked, and be a class of Durable Objects. A
// panic ends the instance, so the answer is asked of a fresh one, which the next call into the gateway makes.
import { DurableObject } from 'cloudflare:workers';
import Gateway from '../../build/index.js';
import { config, forDev, prepared, services } from '../../build/inputs.mjs';

const { abandon, answer_object, answer_panic, resume, watch_step } = /** @type {Record<string, any>} */ (
  Gateway.prototype
);
// Otherwise every Worker with a binding to this one could call them.
delete Gateway.prototype.abandon;
delete Gateway.prototype.answer_object;
delete Gateway.prototype.answer_panic;
delete Gateway.prototype.resume;
delete Gateway.prototype.watch_step;

// Where gateway/inputs.js finds the config that is built in, whether all is for `wrangler dev`, the modules of services/ by name, and
// what the scripts call of the gateway.
globalThis[Symbol.for('bargate.inputs')] = { config, forDev, prepared, services, abandon, resume, watch_step };

export default class extends Gateway {
  fetch(request) {
    try {
      const answer = super.fetch(request);
      return answer instanceof Promise ? answer.catch(() => this.#recover(request)) : answer;
    } catch {
      return this.#recover(request);
    }
  }

  async #recover(request) {
    try {
      return await answer_panic(request, this.env, this.ctx);
    } catch {
      // While the fresh instance waited for its config, the panic of another request has ended that one too.
      return answer_panic(request, this.env, this.ctx);
    }
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
