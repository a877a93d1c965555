// A clock that runs faster than the machine's by a constant factor: in this process, where the tenant runs, in the gateway's isolates, and
// for the alarms of its objects. Only dates are of that clock. Timers are the machine's, which is no faster than it is; and time-outs are
// stretched: a busy machine is no fault.

import { REAL_MAX_MS } from '../tests/e2e/support/clock.mjs';
import { OBJECTS } from '../tests/e2e/support/harness.mjs';

const STRETCH = 60;

/**
 * Lets dates run faster from now on, in this process, and gives what makes a gateway do so: `imports` stands first in its entry, `objects`
 * anywhere in it, `modules` beside it.
 *
 * @param {number} factor
 */
export function runFaster(factor) {
  const machine = Date.now;
  const started = machine();
  Date.now = () => started + Math.floor((machine() - started) * factor);
  const clock = `
    const machine = Date.now;
    Date.now = () => ${started} + Math.floor((machine() - ${started}) * ${factor});

    const startTimer = globalThis.setTimeout;
    globalThis.setTimeout = (call, ms, ...values) =>
      startTimer(call, ms > ${REAL_MAX_MS} ? ms * ${STRETCH} : ms, ...values);

    /** An object whose alarm rings by this clock. */
    export const timed = (of) => class extends of {
      constructor(ctx, env) {
        super(ctx, env);
        const { storage } = ctx;
        const own = {
          kv: storage.kv,
          setAlarm: (at) => storage.setAlarm(Math.ceil(${started} + (at - ${started}) / ${factor})),
          deleteAll: () => storage.deleteAll(),
        };
        const value = { id: ctx.id, waitUntil: (work) => ctx.waitUntil(work), storage: own };
        Object.defineProperty(this, 'ctx', { value });
      }
    };
  `;
  return {
    imports: `import { timed } from './fast-clock.js';\n`,
    objects: `
      import * as timedBundle from './worker.js';
      ${Object.values(OBJECTS)
        .map((name) => `export const ${name} = timed(timedBundle.${name});`)
        .join('\n')}
    `,
    modules: { 'fast-clock.js': clock },
    /** The machine's milliseconds as those of this clock. @param {number} at */
    fromMachine: (at) => started + (at - started) * factor,
    stop() {
      Date.now = machine;
    },
  };
}
