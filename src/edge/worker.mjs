// The Worker's entry. The gateway is Rust, compiled to WebAssembly and exported by build/index.js as a class; this file adds
// the one thing that Rust cannot do here: answer a request whose WebAssembly instance has panicked. A panic ends the
// instance, so the answer is asked of a fresh one, which the next call into the class makes.
import Gateway from "../../build/index.js";

export * from "../../build/index.js";

export default class extends Gateway {
  fetch(request) {
    try {
      const answer = super.fetch(request);
      return answer instanceof Promise ? answer.catch(() => this.recover(request)) : answer;
    } catch {
      return this.recover(request);
    }
  }

  recover(request) {
    return this.answer_panic(request, this.env, this.ctx);
  }
}
