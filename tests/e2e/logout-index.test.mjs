// The index of a person's sessions, restarted in the middle of a back-channel logout: the logout is carried out all the same.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApi } from '../../dev/api.mjs';
import { startTenant } from '../../dev/tenant.mjs';
import { BACKCHANNEL_LOGOUT, assertEnded, beginSession, startSessionGateway } from './session-flow.mjs';

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
      if (restarted || !JSON.parse(text).jti) return answer;
      await seen(() => reached);
      restarted = true;
      this.ctx.abort('restarted by a test');
      return answer;
    }
  }

  export default Gateway;
`;

test('an index that restarts while it ends sessions ends all of them, at once or when the provider sends the token again', async (t) => {
  const [tenant, api] = await Promise.all([startTenant(), startApi()]);
  const gateway = await startSessionGateway(tenant, api, { entry: RESTARTING_ENTRY });
  t.after(async () => {
    await gateway.close();
    await Promise.all([tenant.close(), api.close()]);
  });
  const sessions = [];
  for (let count = 0; count < 4; count += 1) sessions.push(await beginSession(gateway, tenant));
  const token = await tenant.logoutToken({ sub: sessions[0].sub });
  const send = () => gateway.ask(BACKCHANNEL_LOGOUT, { method: 'POST', body: new URLSearchParams({ logout_token: token }) });
  const first = await send();
  assert.ok([200, 503].includes(first.status), `the token is valid: ${first.text}`);
  if (first.status === 503) assert.equal((await send()).status, 200, 'sent again');
  for (const session of sessions) await assertEnded(gateway, session, 'each');
});
