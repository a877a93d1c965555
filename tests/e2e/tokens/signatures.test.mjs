// Tokens that workerd's WebCrypto verifies: every algorithm, the vectors of the RFCs, and the edges of what is still good.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import {
  ALGORITHMS,
  ask,
  assertRefused,
  flipSignatureBit,
  protectedGateway,
  publish,
  seconds,
} from '../support/bearer.mjs';

const VECTORS = JSON.parse(readFileSync(new URL('../../fixtures/tokens/rfc.json', import.meta.url), 'utf8'));

let tenant;
let gateway;

before(async () => {
  tenant = await startTenant({ publishedAlgs: ALGORITHMS });
  gateway = await protectedGateway(tenant, { algorithms: ALGORITHMS });
});

after(async () => {
  await gateway?.close();
  await tenant?.close();
});

describe('a token that is believed', () => {
  for (const alg of ALGORITHMS) {
    test(`is signed with ${alg}`, async () => {
      const token = await tenant.mint({}, { alg });
      assert.equal((await ask(gateway, token)).status, 200);
      await assertRefused(
        gateway,
        flipSignatureBit(token),
        'token_invalid',
        /^the signature does not verify$/,
        'one bit flipped',
      );
    });
  }

  test('may leave out what is optional, and use every form that the RFC gives a claim', async () => {
    const now = seconds();
    const table = [
      ['no iat', { iat: undefined }],
      ['nbf in the past', { nbf: now - 10 }],
      ['exp with a fraction', { exp: now + 60.5 }],
      ['aud as one string', { aud: tenant.settings.audience }],
      ['aud among others', { aud: ['https://other.example', tenant.settings.audience] }],
      ["claims of one's own", { 'https://example.com/roles': [{ deep: [1, null, true] }] }],
    ];
    for (const [message, claims] of table) {
      assert.equal((await ask(gateway, await tenant.mint(claims))).status, 200, message);
    }
    const headers = [
      ['no typ', { typ: undefined }],
      ['typ of RFC 9068', { typ: 'at+jwt' }],
      ['no kid where one key alone is for the algorithm', { kid: undefined }],
    ];
    for (const [message, header] of headers) {
      assert.equal((await ask(gateway, await tenant.mint({}, { header }))).status, 200, message);
    }
  });

  test('may be as long as 16 KiB', async () => {
    const base = (await tenant.mint({ filler: '' })).length;
    const token = await tenant.mint({ filler: 'x'.repeat(Math.floor(((16 * 1024 - base) * 3) / 4) - 4) });
    assert.ok(token.length > 16 * 1024 - 16 && token.length <= 16 * 1024, `${token.length} bytes`);
    assert.equal((await ask(gateway, token)).status, 200);
  });

  test('may expire and begin within the clock skew, and not outside it', async (t) => {
    const patient = await protectedGateway(tenant, { clock_skew_seconds: 60 });
    t.after(() => patient.close());
    const now = seconds();
    const table = [
      ['exp a little less than the skew ago', { exp: now - 50 }, 200],
      ['exp the skew ago', { exp: now - 60 }, 401, 'token_expired'],
      ['nbf ahead by the skew', { nbf: now + 60 }, 200],
      ['nbf ahead by more', { nbf: now + 75 }, 401, 'token_invalid'],
      ['iat ahead by the skew', { iat: now + 60 }, 200],
      ['iat ahead by more', { iat: now + 75 }, 401, 'token_invalid'],
    ];
    for (const [message, claims, status, code] of table) {
      const answer = await ask(patient, await tenant.mint(claims));
      assert.deepEqual([answer.status, answer.body.code], [status, code], message);
    }
  });
});

describe('the vectors of the RFCs', () => {
  const table = [
    ['RFC 7515 appendix A.2 (RS256)', /^iss is "joe"/],
    ['RFC 7515 appendix A.3 (ES256)', /^iss is "joe"/],
    ['RFC 7520 section 4.1 (RS256)', /^the claims are malformed$/],
    ['RFC 7520 section 4.2 (PS384)', /^the claims are malformed$/],
    ['RFC 8037 appendix A.4 (Ed25519)', /^the claims are malformed$/],
  ];
  for (const [name, reason] of table) {
    test(`${name}: the signature verifies, and its payload alone is refused`, async (t) => {
      const { key, token } = VECTORS[name];
      publish(tenant, [key]);
      t.after(() => tenant.clearFaults());
      const own = await protectedGateway(tenant, { algorithms: ALGORITHMS });
      t.after(() => own.close());
      await assertRefused(own, token, 'token_invalid', reason, 'as the RFC has it');
      await assertRefused(
        own,
        flipSignatureBit(token),
        'token_invalid',
        /^the signature does not verify$/,
        'one bit flipped',
      );
    });
  }

  test('an algorithm that is not supported is not allowed, whatever the RFC signs with it', async () => {
    const refused = Object.entries(VECTORS).filter(([name]) => /HS256|ES512|none/.test(name));
    assert.ok(refused.length >= 2);
    for (const [name, { token }] of refused) {
      await assertRefused(gateway, token, 'token_invalid', /^algorithm "(HS256|ES512|none)" is not allowed$/, name);
    }
  });
});
