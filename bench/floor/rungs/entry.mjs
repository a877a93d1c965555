// The entry of src/edge/worker.mjs: a class around the class of the gateway.

export const Guarded = (Entry) =>
  class extends Entry {
    fetch(request) {
      try {
        const answer = super.fetch(request);
        return answer instanceof Promise ? answer.catch(() => this.#recover()) : answer;
      } catch {
        return this.#recover();
      }
    }

    #recover() {
      return new Response(null, { status: 500 });
    }
  };
