// Rows that do not hold, each in its own way, so that the tests see what is left of one.

import { setTimeout as sleep } from 'node:timers/promises';

const HOLDS = 'every request is answered 200';

/** As long as a refresh token of a provider. */
export const TOKEN = 'made-up_'.repeat(6);

const row = (name, run, more) => ({
  name,
  group: 'Renewals',
  done: 'two clients ask',
  holds: [HOLDS],
  sizes: { card: {}, long: { entries: 5000 } },
  run,
  ...more,
});

export const ROWS = {
  refused: row('refused', async ({ timeline, hold, size: { entries = 10 } }) => {
    for (let index = 0; index < entries; index += 1)
      timeline.add('client 1', `GET /${index}`, undefined, { to: 'isolate 0', about: 'first' });
    timeline.add('client 2', 'GET /private', undefined, { to: 'isolate 1', about: 'second' });
    timeline.add('isolate 1', '401 <session_expired>', undefined, { to: 'client 2', about: 'second' });
    hold(HOLDS, true);
    hold(HOLDS, false, { status: 401 }, 'second');
    timeline.add('client 1', 'goes on', undefined, { about: 'first' });
    return { requests: 2 };
  }),
  unchecked: row('unchecked', async () => ({})),
  thrown: row('thrown', async ({ timeline, hold }) => {
    timeline.add('client 1', 'GET /private', undefined, { to: 'isolate 0' });
    hold(HOLDS, false, { text: `{"refresh_token":"${TOKEN}"}` });
    throw new Error(`the row has a fault: ${TOKEN}`);
  }),
  crashed: row('crashed', async () => {
    setImmediate(() => {
      throw new Error('nobody catches this');
    });
    return new Promise(() => {});
  }),
  hanging: row('hanging', () => sleep(3_600_000), { timeoutSecs: { card: 0.2 } }),
  killed: row('killed', async () => process.kill(process.pid, 'SIGKILL')),
};
