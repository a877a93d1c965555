// The token cache on workerd: a token is verified once, and is forgotten the moment it is good no more.

import assert from 'node:assert/strict';
import { before, after, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { KEY_SET, ask, assertRefused, flipSignatureBit, protectedGateway, seconds } from '../support/bearer.mjs';

// Logs each verification, and is otherwise the bundle.
const COUNTING_ENTRY = `
  const verify = SubtleCrypto.prototype.verify;
  SubtleCrypto.prototype.verify = function (...args) {
    console.log(JSON.stringify({ verifying: true }));
    return verify.apply(this, args);
  };
  export { default } from './worker.js';
`;

let tenant;

before(async () => {
  tenant = await startTenant();
});

after(() => tenant?.close());

async function start(t, authorizer) {
  const gateway = await protectedGateway(tenant, authorizer, { entry: COUNTING_ENTRY });
  t.after(() => gateway.close());
  const verifications = () => gateway.records().filter(({ verifying }) => verifying).length;
  return { gateway, verifications };
}

test('the same token is verified once, and another on its own', async (t) => {
  const { gateway, verifications } = await start(t);
  const [alice, bob] = [await tenant.mint(), await tenant.mint({ sub: 'bob' })];
  const table = [
    [alice, 1, 'the first time'],
    [alice, 1, 'the second time'],
    [bob, 2, 'another token'],
    [alice, 2, 'after the other'],
    [bob, 2, 'the other again'],
  ];
  for (const [token, count, message] of table) {
    assert.equal((await ask(gateway, token)).status, 200, message);
    assert.equal(verifications(), count, message);
  }
});

test('a token is known by its whole text: one that differs in a bit is verified, and refused', async (t) => {
  const { gateway, verifications } = await start(t);
  const token = await tenant.mint();
  assert.equal((await ask(gateway, token)).status, 200);
  const forged = flipSignatureBit(token);
  for (const count of [2, 3]) {
    await assertRefused(gateway, forged, 'token_invalid', /^the signature does not verify$/, 'forged');
    assert.equal(verifications(), count, 'a refusal is not remembered as anything else');
  }
  assert.equal((await ask(gateway, token)).status, 200);
  assert.equal(verifications(), 3);
});

test('a token that was let in is refused from the moment it expires', async (t) => {
  const { gateway, verifications } = await start(t, { clock_skew_seconds: 0 });
  const exp = seconds() + 600;
  const token = await tenant.mint({ exp });
  assert.equal((await ask(gateway, token)).status, 200);
  await gateway.later(exp - Date.now() / 1000 - 0.001);
  assert.equal((await ask(gateway, token)).status, 200, 'let in to the last millisecond');
  assert.equal(verifications(), 1, 'it is remembered');
  await gateway.later(0.001);
  const answer = await ask(gateway, token);
  assert.deepEqual([answer.status, answer.body.code], [401, 'token_expired']);
});

test('a token whose key was withdrawn is refused once the set is renewed', async (t) => {
  const { gateway, verifications } = await start(t);
  const old = await tenant.mint({ iat: seconds() - 60 });
  assert.equal((await ask(gateway, old)).status, 200);
  assert.equal((await ask(gateway, old)).status, 200);
  assert.equal(verifications(), 1, 'it is remembered');
  const calls = tenant.counts[KEY_SET];
  await tenant.rotateKeys({ forgetOld: true });
  assert.equal((await ask(gateway, await tenant.mint())).status, 200, 'a token by the key that is new renews the set');
  assert.equal(tenant.counts[KEY_SET], calls + 1);
  await assertRefused(gateway, old, 'token_invalid', /^no key ".+" of the algorithm's type$/, 'the withdrawn key');
  assert.equal(tenant.counts[KEY_SET], calls + 1, 'the withdrawn key is not asked for again');
});

test('a token whose key stays is verified anew under the renewed set, and let in', async (t) => {
  const { gateway, verifications } = await start(t);
  const old = await tenant.mint();
  assert.equal((await ask(gateway, old)).status, 200);
  await tenant.rotateKeys();
  assert.equal((await ask(gateway, await tenant.mint())).status, 200);
  const before = verifications();
  assert.equal((await ask(gateway, old)).status, 200);
  assert.equal((await ask(gateway, old)).status, 200);
  assert.equal(verifications(), before + 1);
});
