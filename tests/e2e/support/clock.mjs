// The clock of the tests. It stands still in this process, where the tenant runs, and in the gateways that are started on it, until a
// test moves it: so no token, session or time-out comes to its end because a machine is slow, and no test waits for one.

import { join } from 'node:path';

/** Alarms ring by the real clock. The tests' is so far ahead that none rings by itself before a test is over. */
const LEAD_MS = 60 * 60 * 1000;

/** Shorter timers, such as pauses between retries, run by the real clock. Longer ones are time-outs and expiries. */
export const REAL_MAX_MS = 1_700;

let now;
const running = new Set();

function stoppedAt() {
  if (now === undefined) {
    now = Date.now() + LEAD_MS;
    Date.now = () => now;
  }
  return now;
}

/** Moves the clock of this process, and of every gateway on it. No timer runs: nothing that is under way times out or expires. */
export async function later(seconds) {
  now = stoppedAt() + seconds * 1000;
  await Promise.all([...running].map((gateway) => gateway.later(seconds)));
}

/** As `later`; and timers run, so that what is under way times out or expires. */
export async function elapse(seconds) {
  now = stoppedAt() + seconds * 1000;
  await Promise.all([...running].map((gateway) => gateway.elapse(seconds)));
}

/**
 * Modules for a Worker on the clock, which otherwise is the module `entry` beside them. The first is its entry. A timer belongs to the
 * request that started it, so each looks by itself whether its time has come. With `runs` the clock goes on with the machine's, for a
 * provider that no test can stop, and is moved against it.
 */
export function clockModules(directory, entry, { runs = false } = {}) {
  const entryText = `
    import { move } from './clock.js';
    import Gateway from './${entry}';

    let taken = 0;
    export default class extends Gateway {
      fetch(request) {
        const ms = request.headers.get('x-later-ms');
        if (ms === null) {
          taken += 1;
          return super.fetch(request);
        }
        move(Number(ms), request.headers.has('x-timers'));
        return new Response(taken);
      }
    }
    export * from './${entry}';
  `;
  const clockText = `
    const [startTimer, stopTimer] = [globalThis.setTimeout, globalThis.clearTimeout];
    const machine = Date.now;
    let [now, passed] = [${runs ? 0 : stoppedAt()}, 0];
    Date.now = () => ${runs ? 'machine() + now' : 'now'};
    export const move = (ms, timers) => {
      now += ms;
      if (timers) passed += ms;
    };

    class Waiting {
      constructor(call, ms) {
        this.due = passed + ms;
        this.look = () => {
          if (passed >= this.due) call();
          else this.timer = startTimer(this.look, 20);
        };
        this.look();
      }
    }
    globalThis.setTimeout = (call, ms, ...values) =>
      ms > ${REAL_MAX_MS} ? new Waiting(() => call(...values), ms) : startTimer(call, ms, ...values);
    globalThis.clearTimeout = (timer) => stopTimer(timer instanceof Waiting ? timer.timer : timer);
  `;
  return [
    { type: 'ESModule', path: join(directory, 'on-the-clock.js'), contents: entryText },
    { type: 'ESModule', path: join(directory, 'clock.js'), contents: clockText },
  ];
}

/** Moves the clock of one isolate alone, and its timers if so told; returns how many requests it has taken in. */
export async function moveClock(origin, seconds, timers = false) {
  const headers = { 'x-later-ms': String(Math.round(seconds * 1000)), ...(timers && { 'x-timers': 'yes' }) };
  // No file of a page has this path, which would be answered before the Worker.
  return Number(await (await fetch(`${origin}/-/clock`, { headers })).text());
}

/** Lets a gateway at these origins go by the clock, until it is stopped. */
export function keepTime(origins) {
  const gateway = {
    /** As `later` and `elapse`, for this gateway alone. */
    later: (seconds) => Promise.all(origins.map((origin) => moveClock(origin, seconds))),
    elapse: (seconds) => Promise.all(origins.map((origin) => moveClock(origin, seconds, true))),
    /** How many requests the first isolate has taken in. */
    taken: () => moveClock(origins[0], 0),
    stop: () => running.delete(gateway),
  };
  running.add(gateway);
  return gateway;
}
