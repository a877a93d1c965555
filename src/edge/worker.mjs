// The Worker's entry. The gateway is Rust, compiled to WebAssembly and exported by build/index.js as a class; this file adds
// what Rust cannot do here: answer a request whose WebAssembly instance has panicked, and be a class of Durable Objects. A
// panic ends the instance, so the answer is asked of a fresh one, which the next call into the gateway makes.
import { DurableObject } from 'cloudflare:workers';
import Gateway from '../../build/index.js';
import { config, forDev, prepared, services } from '../../build/inputs.mjs';

const { answer_object, answer_panic, watch_step } = /** @type {Record<string, any>} */ (Gateway.prototype);
// Otherwise every Worker with a binding to this one could call them.
delete Gateway.prototype.answer_object;
delete Gateway.prototype.answer_panic;
delete Gateway.prototype.watch_step;

// Where gateway/inputs.js finds the config that is built in, whether all is for `wrangler dev`, the modules of services/ by name, and
// what the core says to a watch.
globalThis[Symbol.for('bargate.inputs')] = { config, forDev, prepared, services, watch_step };

export default class extends Gateway {
  fetch(request) {
    const recover = () => answer_panic(request, this.env, this.ctx);
    let answer;
    try {
      answer = super.fetch(request);
    } catch {
      answer = recover();
    }
    // While the fresh instance waits for its config, the panic of another request may end that one too.
    return answer instanceof Promise ? answer.catch(recover).catch(recover) : answer;
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
