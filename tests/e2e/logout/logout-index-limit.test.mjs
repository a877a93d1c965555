// The index of a person's sessions when it is full: it holds a thousand.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { startTenant } from '../../../dev/tenant.mjs';
import { Browser } from '../support/harness.mjs';
import { assertProblem, loginUntilCallback } from '../support/login-flow.mjs';
import { assertAlive, assertEnded, beginSession, startSessionGateway } from '../support/session-flow.mjs';

let tenant;
let api;

before(async () => {
  [tenant, api] = await Promise.all([startTenant(), startApi()]);
});

after(() => Promise.all([tenant?.close(), api?.close()]));

/** SESSIONS_MAX of index.rs. */
const INDEXED_MAX = 1_000;

// The bundle, but that an index can be filled with sessions that never were, and that sessions cannot be ended while a test says so.
const FILLING_ENTRY = `
  import Gateway, * as bundle from './worker.js';

  let away = false;

  export class Session extends bundle.Session {
    call(text) {
      if (away && JSON.parse(text).do === 'erase') throw new Error('the object is away');
      return super.call(text);
    }
  }

  export default class extends Gateway {
    fetch(request) {
      const order = request.headers.get('x-index');
      return order === null ? super.fetch(request) : this.obey(JSON.parse(order));
    }

    async obey({ name, count = 0, until, keepAway = away }) {
      away = keepAway;
      const add = (index) => this.env.LOGOUT_INDEX.getByName(name).call(JSON.stringify({ add: 'made-up-' + index, until }));
      await Promise.all(Array.from({ length: count }, (_, index) => add(index)));
      return new Response();
    }
  }
`;

test('a session ends when its index has no room for it: none goes on that a logout does not find', async (t) => {
  const gateway = await startSessionGateway(tenant, api, { entry: FILLING_ENTRY });
  t.after(() => gateway.close());
  const order = async (what) => {
    const { status, text } = await gateway.ask('/', { headers: { 'x-index': JSON.stringify(what) } });
    assert.equal(status, 200, text);
  };
  const [first, other] = [
    await beginSession(gateway, tenant),
    await beginSession(gateway, tenant, { email: 'bob@example.com' }),
  ];
  const name = createHash('sha256').update(`sub\n${tenant.issuer}\n${first.sub}`).digest('base64url');
  // All of these last longer than the first.
  await order({
    name,
    count: INDEXED_MAX - 1,
    until: Math.floor(Date.now() / 1000) + 365 * 24 * 60 * 60,
    keepAway: true,
  });
  const browser = new Browser();
  const refused = await gateway.askAs(browser, await loginUntilCallback(gateway, browser));
  assertProblem(refused, [503, 'store_unavailable', '5'], 'as long as the first cannot be ended');
  await order({ keepAway: false });
  const last = await beginSession(gateway, tenant);
  await assertEnded(gateway, first, 'the first');
  await assertAlive(gateway, last, 'the one that took its room');
  await assertAlive(gateway, other, 'of somebody else');
});
