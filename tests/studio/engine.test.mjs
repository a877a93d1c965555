// Which runs of the command line the page makes: of what somebody types, only the last.

import assert from 'node:assert/strict';
import { afterEach, beforeEach, mock, test } from 'node:test';
import { startEngine } from '../../studio/engine/engine.mjs';

let workers;
let restored;

/** A Worker that is answered by the test. */
class FakeWorker {
  asked = [];
  isTerminated = false;
  #listeners = new Map();

  constructor() {
    workers.push(this);
  }

  addEventListener(type, listener) {
    this.#listeners.set(type, listener);
  }

  postMessage(data) {
    if (data.request) this.asked.push(data);
  }

  terminate() {
    this.isTerminated = true;
  }

  answer(result) {
    const { id } = this.asked.at(-1);
    this.#listeners.get('message')({ data: { id, result } });
  }

  fail(message) {
    this.#listeners.get('error')({ message });
  }
}

beforeEach(() => {
  workers = [];
  restored = globalThis.Worker;
  globalThis.Worker = /** @type {any} */ (FakeWorker);
});

afterEach(() => {
  globalThis.Worker = restored;
  mock.restoreAll();
});

const start = (program = Promise.resolve({})) => startEngine('', /** @type {any} */ (program));
/** Lets every promise that is settled be heard of. */
const settled = () => new Promise((resolve) => setImmediate(resolve));
const stdins = (worker) => worker.asked.map(({ request }) => request.stdin);

test('of the runs that wait for the same, only the last is made', async () => {
  const engine = start();
  const runs = ['a', 'b', 'c', 'd'].map((stdin) => engine.run('check', { args: [], stdin }));
  await settled();
  assert.deepEqual(stdins(workers[0]), ['a']);
  workers[0].answer('of a');
  await settled();
  assert.deepEqual(stdins(workers[0]), ['a', 'd']);
  workers[0].answer('of d');
  assert.deepEqual(await Promise.all(runs), ['of a', undefined, undefined, 'of d']);
});

test('runs for different things do not supersede each other', async () => {
  const engine = start();
  const runs = ['check', 'routes', 'diff'].map((lane) => engine.run(lane, { args: [], stdin: lane }));
  for (const lane of ['check', 'routes', 'diff']) {
    await settled();
    workers[0].answer(lane);
  }
  assert.deepEqual(await Promise.all(runs), ['check', 'routes', 'diff']);
});

test('what waits is run once the program is there', async () => {
  const { promise, resolve } = Promise.withResolvers();
  const run = start(promise).run('check', { args: [], stdin: 'a' });
  await settled();
  assert.deepEqual(workers[0].asked, []);
  resolve({});
  await settled();
  workers[0].answer('of a');
  assert.equal(await run, 'of a');
});

test('a program that cannot start fails each run, with its reason', async () => {
  const engine = start(Promise.reject(new Error('no memory')));
  await assert.rejects(engine.run('check', { args: [] }), { message: 'no memory' });
  await assert.rejects(engine.run('check', { args: [] }), { message: 'no memory' });
});

test('a Worker that fails fails its run, and the next is made', async () => {
  const engine = start();
  const broken = engine.run('check', { args: [], stdin: 'a' });
  await settled();
  workers[0].fail('out of memory');
  await assert.rejects(broken, { message: 'out of memory' });
  const next = engine.run('check', { args: [], stdin: 'b' });
  await settled();
  workers[0].answer('of b');
  assert.equal(await next, 'of b');
});

test('a long run is broken off when another of its kind takes its place', async () => {
  let now = 0;
  mock.method(performance, 'now', () => now);
  const engine = start();
  const long = engine.run('check', { args: [], stdin: 'a' });
  await settled();
  now = 10_000;
  const next = engine.run('check', { args: [], stdin: 'b' });
  assert.equal(await long, undefined);
  await settled();
  assert.equal(workers[0].isTerminated, true);
  assert.deepEqual(stdins(workers[1]), ['b']);
  workers[1].answer('of b');
  assert.equal(await next, 'of b');
});
