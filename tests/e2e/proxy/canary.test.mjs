// Weights of `urls` on workerd: who is sent to which address, and that each caller stays there. How many callers an address gets, and who
// moves if weights change, is tested with the function that decides it (src/proxy/shares.rs).

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { freePort, proxied, startGateway, startUpstream } from '../support/harness.mjs';
import { AUDIENCE, claimsFor, ISSUER, SECRET, signedWithSecret } from '../support/signing.mjs';

const CALLERS = 40;

let upstreams;
let gateway;

before(async () => {
  const named = (name) => startUpstream((_, response) => response.end(name));
  upstreams = await Promise.all([named('stable'), named('canary')]);
  const [stable, canary] = upstreams.map(({ origin }) => origin);
  const weighted = (...weights) => weights.map(([url, weight]) => ({ url, weight }));
  const gone = `http://127.0.0.1:${await freePort()}`;
  gateway = await startGateway({
    config: {
      authorizer: { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: SECRET },
      servers: [
        { alias: 'half', urls: weighted([stable, 1], [canary, 1]), sticky_header: 'x-device' },
        { alias: 'drained', urls: weighted([stable, 0], [canary, 1]) },
        { alias: 'failing', urls: weighted([gone, 900], [canary, 100]) },
      ],
      paths: [
        proxied('/half', 'half', { auth: { optional: true } }),
        proxied('/cached', 'half', { cache: { ttl_seconds: 600 } }),
        proxied('/drained', 'drained'),
        proxied('/failing', 'failing'),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await Promise.all((upstreams ?? []).map((upstream) => upstream.close()));
});

const asked = async (path, headers = {}) => {
  const answer = await gateway.fetch(path, { headers });
  assert.equal(answer.status, 200);
  return answer.text();
};

/** Asks as each caller twice, and returns who got which address. */
async function addresses(headersOf) {
  const found = new Map();
  for (let caller = 0; caller < CALLERS; caller += 1) {
    const headers = headersOf(caller);
    const first = await asked('/half', headers);
    assert.equal(await asked('/half', headers), first, `caller ${caller} stays`);
    found.set(caller, first);
  }
  assert.deepEqual(new Set(found.values()), new Set(['stable', 'canary']), 'both get callers');
  return found;
}

describe('a caller is told apart', () => {
  let byDevice;

  test('by the header that the server names', async () => {
    byDevice = await addresses((caller) => ({ 'x-device': `device-${caller}` }));
  });

  test('by its address without the header', () => addresses((caller) => ({ 'cf-connecting-ip': `192.0.2.${caller}` })));

  test('by the user, whatever the header says', async () => {
    const byUser = await addresses((caller) => ({
      authorization: `Bearer ${signedWithSecret(SECRET, claimsFor({ sub: `user-${caller}` }))}`,
      'x-device': 'device-0',
    }));
    assert.notDeepEqual(byUser, byDevice);
  });
});

test('a drained address gets nobody', async () => {
  for (let caller = 0; caller < CALLERS; caller += 1) {
    assert.equal(await asked('/drained', { 'cf-connecting-ip': `192.0.2.${caller}` }), 'canary');
  }
});

test('the others stand in for an address that cannot be reached', async () => {
  for (let caller = 0; caller < CALLERS; caller += 1) {
    assert.equal(await asked('/failing', { 'cf-connecting-ip': `192.0.2.${caller}` }), 'canary');
  }
});

test('a cached answer is of the address that the caller has', async () => {
  for (let caller = 0; caller < CALLERS; caller += 1) {
    const headers = { 'x-device': `device-${caller}` };
    assert.equal(await asked('/cached', headers), await asked('/half', headers));
  }
});
