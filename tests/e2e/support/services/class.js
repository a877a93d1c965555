// A class, of which an object is made.

export default class Counter {
  #name;

  constructor(...given) {
    this.#name = `class made with ${given.length} arguments`;
  }

  async fetch(request, env) {
    return { self: this.#name, variable: env.A_VARIABLE, body: await request.text() };
  }
}
