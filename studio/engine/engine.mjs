// Runs the command line off the main thread, one run at a time. Of those that wait for the same thing, only the last is run: what
// somebody types supersedes what they typed before.

/** A run that is superseded after this long is broken off. */
const SUPERSEDED_AFTER_MS = 3000;

/**
 * Starts the command line.
 *
 * @param {string} source the Worker's source
 * @param {Promise<WebAssembly.Module>} program
 */
export function startEngine(source, program) {
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  const waiting = new Map();
  let worker;
  let running;

  function start() {
    worker = new Worker(address);
    worker.addEventListener('message', ({ data }) => finish(data));
    worker.addEventListener('error', (event) => running && fail(running.id, event.message));
    return program.then((module) => worker.postMessage({ program: module }));
  }

  let started = start();
  let lastId = 0;

  function finish({ id, result = undefined, failure = undefined }) {
    if (running?.id !== id) return;
    const { resolve, reject } = running;
    running = undefined;
    if (failure === undefined) resolve(result);
    else reject(new Error(failure));
    next();
  }

  const fail = (id, failure) => finish({ id, failure });

  async function next() {
    const [[lane, job] = []] = waiting;
    if (running || !job) return;
    waiting.delete(lane);
    running = { ...job, lane, id: ++lastId, since: performance.now() };
    const { id } = running;
    try {
      await started;
      if (running?.id === id) worker.postMessage({ id, request: job.request });
    } catch (error) {
      fail(id, error.message);
    }
  }

  function breakOff() {
    worker.terminate();
    running.resolve(undefined);
    running = undefined;
    started = start();
  }

  return {
    /**
     * Runs a command. Resolves to its `status`, `stdout` and `stderr`, or to `undefined` if a later run of the same `lane` has
     * taken its place.
     */
    run(lane, request) {
      waiting.get(lane)?.resolve(undefined);
      if (running?.lane === lane && performance.now() - running.since > SUPERSEDED_AFTER_MS) breakOff();
      return new Promise((resolve, reject) => {
        waiting.set(lane, { request, resolve, reject });
        next();
      });
    },
  };
}

/** Decompresses and compiles the program, which the page has as text: it may fetch nothing. */
export async function compile(base64) {
  const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  const decompressed = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'));
  return WebAssembly.compile(await new Response(decompressed).arrayBuffer());
}
