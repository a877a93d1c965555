// Tokens that workerd's WebCrypto verifies: every algorithm, the vectors of the RFCs, and the edges of what is still good.

import assert from 'node:assert/strict';
import { constants, sign } from 'node:crypto';
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
import { claimsFor, makeKey, signed } from '../support/signing.mjs';

const VECTORS = JSON.parse(readFileSync(new URL('../../fixtures/tokens/rfc.json', import.meta.url), 'utf8'));

let tenant;
let gateway;

const tenantClaims = () => claimsFor({ iss: tenant.issuer, aud: tenant.settings.audience });

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

  test('is signed with Ed25519, by either of its names in token and key', async (t) => {
    const key = makeKey('EdDSA');
    t.after(() => tenant.clearFaults());
    for (const [inKey, allowed] of [
      ['EdDSA', 'Ed25519'],
      ['Ed25519', 'EdDSA'],
      [undefined, 'Ed25519'],
    ]) {
      publish(tenant, [{ ...key.jwk, alg: inKey }]);
      const own = await protectedGateway(tenant, { algorithms: [allowed] });
      t.after(() => own.close());
      for (const alg of ['EdDSA', 'Ed25519']) {
        const { status } = await ask(own, signed(key, tenantClaims(), { alg }));
        assert.equal(status, 200, `a token of ${alg}, a key of ${inKey}, ${allowed} allowed`);
      }
    }
  });

  test('with RSA-PSS has a salt as long as its hash, and no other', async (t) => {
    const key = makeKey('PS256');
    publish(tenant, [key.jwk]);
    t.after(() => tenant.clearFaults());
    const own = await protectedGateway(tenant, { algorithms: ['PS256'] });
    t.after(() => own.close());
    const [header, payload] = signed(key, tenantClaims()).split('.');
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_MAX_SIGN: longest } = constants;
    const withSalt = (saltLength) => {
      const bytes = sign('sha256', Buffer.from(`${header}.${payload}`), { key: key.privateKey, padding, saltLength });
      return `${header}.${payload}.${bytes.toString('base64url')}`;
    };
    assert.equal((await ask(own, withSalt(32))).status, 200);
    for (const length of [0, 20, 31, 33, longest]) {
      const refused = /^the signature does not verify$/;
      await assertRefused(own, withSalt(length), 'token_invalid', refused, `a salt of ${length} bytes`);
    }
  });

  test('may leave out what is optional, and use every form that the RFC gives a claim', async () => {
    const now = seconds();
    /** @type {any[][]} */
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
    /** @type {any[][]} */
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
    /** @type {any[][]} */
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
  /** @type {any[][]} */
  const table = [
    ['RFC 7515 appendix A.2 (RS256)', /^iss is "joe"/],
    ['RFC 7515 appendix A.3 (ES256)', /^iss is "joe"/],
    ['RFC 7520 section 4.1 (RS256)', /^the claims are malformed$/],
    ['RFC 7520 section 4.2 (PS384)', /^the claims are malformed$/],
    ['RFC 7520 section 4.3 (ES512)', /^the claims are malformed$/],
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
    const refused = Object.entries(VECTORS).filter(([name]) => /HS256|none/.test(name));
    assert.equal(refused.length, 2);
    for (const [name, { token }] of refused) {
      await assertRefused(gateway, token, 'token_invalid', /^algorithm "(HS256|none)" is not allowed$/, name);
    }
  });
});
