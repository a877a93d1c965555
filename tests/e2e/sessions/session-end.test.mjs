// How long a session lives: idle and absolute lifetimes, and what is left of it afterwards. The clock is the test's; alarms that
// ring by themselves are in alarms.test.mjs.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import {
  TOKEN_ENDPOINT,
  assertAlive,
  assertEnded,
  beginSession,
  later,
  startSessionGateway,
  untilErased,
} from '../support/session-flow.mjs';

const IDLE_SECS = 10_000;
const ABSOLUTE_SECS = 50_000;
// A use is noted to within a twentieth of the idle time: TOUCHES_PER_IDLE of record.rs.
const NOTED_WITHIN_SECS = IDLE_SECS / 20;
const MARGIN_SECS = 60;

let tenant;
let api;
let gateway;

before(async () => {
  [tenant, api] = await Promise.all([startTenant({ accessTokenSeconds: 2 * ABSOLUTE_SECS }), startApi()]);
  gateway = await startSessionGateway(tenant, api, {
    session: { idle_seconds: IDLE_SECS, absolute_seconds: ABSOLUTE_SECS },
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all([tenant?.close(), api?.close()]);
});

const begin = () => beginSession(gateway, tenant);
const held = ({ name }) => gateway.held('SESSIONS', name);

test('a session that nobody uses ends after its idle time, and each use begins that anew', async () => {
  const [used, unused] = [await begin(), await begin()];
  await later(IDLE_SECS - MARGIN_SECS);
  await assertAlive(gateway, used, 'shortly before the end');
  await later(2 * MARGIN_SECS);
  await assertEnded(gateway, unused, 'not used in all that time');
  for (let round = 1; round <= 3; round += 1) {
    await later(IDLE_SECS - NOTED_WITHIN_SECS - 3 * MARGIN_SECS);
    await assertAlive(gateway, used, `use ${round}`);
  }
  await later(IDLE_SECS + 1);
  await assertEnded(gateway, used, 'and then not used either');
  await assertEnded(gateway, used, 'which does not begin it anew');
});

for (const [idle, step] of [
  [60, 7],
  [8, 1],
]) {
  test(`uses that the isolate answers from memory begin the idle time anew as well: ${idle} seconds`, async (t) => {
    const brief = await startSessionGateway(tenant, api, { session: { idle_seconds: idle } });
    t.after(() => brief.close());
    const session = await beginSession(brief, tenant);
    for (let passed = 0; passed < 4 * idle; passed += step) {
      await later(step);
      await assertAlive(brief, session, `after ${passed} seconds`);
    }
    await later(idle + 1);
    await assertEnded(brief, session, 'and then not used');
  });
}

test('a session ends after its absolute time however much it is used', async () => {
  const session = await begin();
  const step = IDLE_SECS / 2;
  for (let passed = step; passed < ABSOLUTE_SECS; passed += step) {
    await later(step);
    await assertAlive(gateway, session, `after ${passed} seconds`);
  }
  await later(step - MARGIN_SECS);
  await assertAlive(gateway, session, 'shortly before the end');
  await later(MARGIN_SECS + 1);
  await assertEnded(gateway, session, 'at the end');
});

test('an isolate that has just asked knows when the session ends', async () => {
  const session = await begin();
  for (let passed = 0; passed < ABSOLUTE_SECS - IDLE_SECS; passed += IDLE_SECS / 2) {
    await later(IDLE_SECS / 2);
    await assertAlive(gateway, session, `after ${passed} seconds`);
  }
  await later(IDLE_SECS - 5);
  await assertAlive(gateway, session, 'five seconds before the end');
  await later(6);
  await assertEnded(gateway, session, 'a second after it');
});

test('nothing is left of a session that has ended, whoever notices first', async () => {
  const [asked, rung] = [await begin(), await begin()];
  assert.ok((await held(asked)) > 0 && (await held(rung)) > 0);
  await gateway.ring('SESSIONS', rung.name);
  assert.ok((await held(rung)) > 0, 'an alarm before the time ends nothing');
  await assertAlive(gateway, rung, 'before the time');
  await later(IDLE_SECS + 1);
  await assertEnded(gateway, asked, 'a request');
  await untilErased(gateway, asked);
  await gateway.ring('SESSIONS', rung.name);
  assert.equal(await held(rung), 0, 'the alarm');
});

test("a session whose end is not its provider's does not ask it", async () => {
  const session = await begin();
  tenant.resetCounts();
  await later(IDLE_SECS + 1);
  await assertEnded(gateway, session, 'idle');
  assert.equal(tenant.counts[TOKEN_ENDPOINT], undefined);
});
