// What a request costs whose token was seen before: no call, and no wait. The gateway answers it with a response and not with a promise
// of one, so nothing in it has awaited anything.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Browser } from '../support/harness.mjs';
import { logIn } from '../support/login-flow.mjs';
import { AT, startRealm, startTokenGateway } from '../support/oidc-flow.mjs';
import { PRIVATE } from '../support/session-flow.mjs';

// Says in each answer whether the bundle gave a promise of it.
const TELLING_ENTRY = `
  import Gateway from './worker.js';
  export * from './worker.js';

  export default class extends Gateway {
    async fetch(request) {
      const given = super.fetch(request);
      const { status, headers, body } = await given;
      const told = new Headers(headers);
      told.set('x-waited', given instanceof Promise);
      return new Response(body, { status, headers: told });
    }
  }
`;

let realm;
let knowing;
let asking;

before(async () => {
  realm = await startRealm({ accessTokenFormat: 'opaque' });
  const start = (introspection) =>
    startTokenGateway(realm, {
      entry: TELLING_ENTRY,
      authorizer: { introspection },
      paths: [{ method: 'GET', path: PRIVATE, auth: true, response: { ok: true } }],
    });
  [knowing, asking] = await Promise.all([start('opaque'), start('all')]);
});

after(async () => {
  await Promise.all([knowing, asking].map((gateway) => gateway?.close()));
  await realm?.close();
});

test('a token that was seen before costs no call and no wait', async () => {
  const { access_token: opaque } = await logIn(knowing, new Browser());
  /** @type {any[][]} */
  const table = [
    [knowing, await realm.mint(), 200, 0, 'a JWT'],
    [knowing, opaque, 200, 1, 'an opaque token'],
    [knowing, 'made-up', 401, 1, 'one that the provider does not know'],
    [asking, opaque, 200, 1, 'one that each gateway asks about'],
  ];
  for (const [gateway, token, status, calls, message] of table) {
    realm.resetCounts();
    const ask = async () => {
      const answer = await gateway.ask(PRIVATE, { headers: { authorization: `Bearer ${token}` } });
      return [answer.status, answer.headers.get('x-waited'), realm.callsOf(AT.introspection)];
    };
    assert.deepEqual(await ask(), [status, 'true', calls], `${message}: the first time`);
    for (let again = 0; again < 3; again += 1) {
      assert.deepEqual(await ask(), [status, 'false', calls], `${message}: then`);
    }
  }
});
