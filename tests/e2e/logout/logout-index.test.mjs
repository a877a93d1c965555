// The index of a person's sessions, when a back-channel logout does not go smoothly: the index restarts, its answer is lost, or
// the session that is to end is only about to begin. The logout is carried out all the same.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { later } from '../support/clock.mjs';
import { Browser } from '../support/harness.mjs';
import { assertProblem, loginUntilCallback } from '../support/login-flow.mjs';
import {
  BACKCHANNEL_LOGOUT,
  REMEMBERED_SECS,
  assertAlive,
  assertEnded,
  beginSession,
  startSessionGateway,
} from '../support/session-flow.mjs';

let tenant;
let api;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));

async function start(t, options) {
  const gateway = await startSessionGateway(tenant, api, options);
  t.after(() => gateway.close());
  return gateway;
}

const send = (gateway, token) =>
  gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });

// The bundle, but that the first index that is to end sessions restarts when it has turned to the first of them. Neither waits
// for the other: they are not of one request, so each looks at what the other has done.
const RESTARTING_ENTRY = `
  import Gateway, * as bundle from './worker.js';

  let [reached, restarted] = [false, false];
  const seen = async (condition) => {
    while (!condition()) await new Promise((resolve) => setTimeout(resolve, 1));
  };

  export class Session extends bundle.Session {
    async call(text) {
      if (JSON.parse(text).do === 'erase') {
        reached = true;
        await seen(() => restarted);
      }
      return super.call(text);
    }
  }

  export class LogoutIndex extends bundle.LogoutIndex {
    async call(text) {
      const answer = super.call(text);
      const { jti = 'login' } = JSON.parse(text);
      if (restarted || jti === 'login') return answer;
      await seen(() => reached);
      restarted = true;
      this.ctx.abort('restarted by a test');
      return answer;
    }
  }

  export default Gateway;
`;

test('an index that restarts while it ends sessions ends all of them, at once or when the provider sends the token again', async (t) => {
  const gateway = await start(t, { entry: RESTARTING_ENTRY });
  const sessions = [];
  for (let count = 0; count < 4; count += 1) sessions.push(await beginSession(gateway, tenant));
  const token = await tenant.logoutToken({ sub: sessions[0].sub });
  const first = await send(gateway, token);
  const last = first.status === 503 ? await send(gateway, token) : first;
  assert.equal(last.status, 200, `the token is valid: ${first.text} ${last.text}`);
  for (const session of sessions) await assertEnded(gateway, session, 'each');
});

test('a logout whose answer is lost on the way from the index is carried out once, and said to be', async (t) => {
  const gateway = await start(t);
  const session = await beginSession(gateway, tenant, { email: 'bob@example.com' });
  const token = await tenant.logoutToken({ sub: session.sub });
  await gateway.loseReplies('LogoutIndex');
  const { status, text } = await send(gateway, token);
  assert.equal(status, 200, text);
  await assertEnded(gateway, session, 'then');
  assertProblem(await send(gateway, token), [400, 'logout_token_invalid'], 'the same token again');
});

test('a logout that comes while a session is about to begin lets it not begin', async (t) => {
  const gateway = await start(t);
  const email = 'carol@example.com';
  for (const claim of ['sub', 'sid']) {
    const browser = new Browser();
    const callback = await loginUntilCallback(gateway, browser, { email });
    const hold = await gateway.holdCall('Session', 'create');
    const login = gateway.askAs(browser, callback);
    await hold.arrived();
    const token = await tenant.logoutToken({ [claim]: tenant.families().at(-1)[claim] });
    const { status, text } = await send(gateway, token);
    assert.equal(status, 200, text);
    hold.release();
    const answer = await login;
    assertProblem(answer, [503, 'store_unavailable', '5'], `by ${claim}`);
    assert.deepEqual(answer.headers.getSetCookie(), [], 'no cookie of a session that is none');
    const session = await beginSession(gateway, tenant, { browser, email });
    await later(REMEMBERED_SECS + 1);
    await assertAlive(gateway, session, 'the next login');
  }
});

test('a logout that comes between the two tries of a login lets the session not begin', async (t) => {
  const gateway = await start(t);
  const browser = new Browser();
  const callback = await loginUntilCallback(gateway, browser, { email: 'dave@example.com' });
  await gateway.loseReplies('Session', { when: 'create' });
  const hold = await gateway.holdCall('Session', 'create');
  const login = gateway.askAs(browser, callback);
  await hold.arrived();
  const token = await tenant.logoutToken({ sid: tenant.families().at(-1).sid });
  const { status, text } = await send(gateway, token);
  assert.equal(status, 200, text);
  hold.release();
  const answer = await login;
  assertProblem(answer, [503, 'store_unavailable', '5'], 'the second try');
  assert.deepEqual(answer.headers.getSetCookie(), [], 'no cookie of a session that is none');
});
