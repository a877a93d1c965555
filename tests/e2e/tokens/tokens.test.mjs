// Bearer tokens that are not believed: what a client is told of each, and what the log says. Those that are believed are in
// signatures.test.mjs, and the key sets behind them, with their bad days, in key-sets.test.mjs.

import assert from 'node:assert/strict';
import { createHmac, createPublicKey, generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startTenant } from '../../../dev/tenant.mjs';
import { generateSigningKey, publicKeyOf } from '../../../dev/tenant/keys.mjs';
import {
  ALGORITHMS,
  ask,
  assertRefused,
  assertTellsNothing,
  base64url,
  flipSignatureBit,
  jws,
  protectedGateway,
  publish,
  seconds,
} from '../support/bearer.mjs';
import { claimsOf } from '../support/login-flow.mjs';

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

describe('a token that is not believed', () => {
  test('breaks a rule of its claims', async () => {
    const now = seconds();
    const long = 'x'.repeat(8 * 1024);
    /** @type {any[][]} */
    const table = [
      ['iss of another', { iss: 'https://other.example/' }, /^iss is "https:\/\/other\.example\/"/],
      ['iss without its slash', { iss: tenant.issuer.slice(0, -1) }, /^iss is /],
      [
        'iss of 8 KiB, cut in the log',
        { iss: `https://x.example/${long}` },
        /^iss is ".{200}", expected "[^"]{1,64}"$/,
      ],
      [
        'iss with line breaks, which the log drops',
        { iss: 'https://x\r\n\t\0{"level":1}' },
        /^iss is "https:\/\/x\{"level":1\}", /,
      ],
      ['no iss', { iss: undefined }, /^iss is missing$/],
      ['iss a list', { iss: [tenant.issuer] }, /^iss has the wrong type$/],
      ['iss null', { iss: null }, /^iss has the wrong type$/],
      ['aud of another', { aud: 'https://other.example' }, /^aud is /],
      ['aud in other case', { aud: tenant.settings.audience.toUpperCase() }, /^aud is /],
      ['aud a list of others', { aud: ['https://other.example', `${tenant.settings.audience}x`] }, /^aud is /],
      ['aud of 8 KiB, cut in the log', { aud: `https://x.example/${long}` }, /^aud is ".{199}, expected "[^"]{1,64}"$/],
      [
        'aud a list of 8 KiB, cut in the log',
        { aud: Array(8).fill(long.slice(0, 1024)) },
        /^aud is \[".{198}, expected "[^"]{1,64}"$/,
      ],
      ['aud an empty list', { aud: [] }, /^aud is /],
      ['aud the client, where an audience is configured', { aud: 'bargate-local' }, /^aud is /],
      ['no aud', { aud: undefined }, /^aud is missing$/],
      ['aud a number', { aud: 7 }, /^aud has the wrong type$/],
      ['aud an object', { aud: { [tenant.settings.audience]: true } }, /^aud has the wrong type$/],
      ['aud a list with a number', { aud: [tenant.settings.audience, 7] }, /^aud has the wrong type$/],
      ['no exp', { exp: undefined }, /^exp is missing$/],
      ['exp a string', { exp: String(now + 60) }, /^exp has the wrong type$/],
      ['exp null', { exp: null }, /^exp has the wrong type$/],
      ['exp past all dates', { exp: 1e300 }, /^exp has the wrong type$/],
      ['nbf ahead', { nbf: now + 3600 }, /^nbf is \d+, the time is \d+$/],
      ['nbf a string', { nbf: String(now) }, /^nbf has the wrong type$/],
      ['iat ahead', { iat: now + 3600 }, /^iat is \d+, the time is \d+$/],
      ['iat an object', { iat: {} }, /^iat has the wrong type$/],
    ];
    for (const [message, claims, reason] of table) {
      await assertRefused(gateway, await tenant.mint(claims), 'token_invalid', reason, message);
    }
  });

  test('has expired, which is said under a code of its own', async () => {
    /** @type {any[][]} */
    const table = [
      ['an hour ago', { exp: seconds() - 3600 }],
      ['in 1970', { exp: 0 }],
      ['before 1970', { exp: -1 }],
    ];
    for (const [message, claims] of table) {
      const reason = /^exp is -?\d+, the time is \d+$/;
      await assertRefused(gateway, await tenant.mint(claims), 'token_expired', reason, message);
    }
    const forged = flipSignatureBit(await tenant.mint({ exp: 0 }));
    await assertRefused(gateway, forged, 'token_invalid', /signature/, 'a forged one is not told that it expired');
  });

  test('names an algorithm that no public key may verify', async () => {
    const payload = claimsOf(await tenant.mint());
    const jwk = publicKeyOf(tenant.keys[0]);
    const pem = createPublicKey({ key: jwk, format: 'jwk' }).export({ type: 'spki', format: 'pem' });
    const hmac = (hash, secret, header) => {
      const signed = `${base64url(header)}.${base64url(payload)}`;
      return `${signed}.${createHmac(hash, secret).update(signed).digest('base64url')}`;
    };
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', 'rs256', 'RS256 ', 'HS256', 'ES256K', 'x'.repeat(500)]) {
      const unsigned = `${base64url({ alg, kid: jwk.kid })}.${base64url(payload)}.`;
      await assertRefused(gateway, unsigned, 'token_invalid', /^algorithm ".{0,64}" is not allowed$/, `alg "${alg}"`);
      const signed = jws({ alg, kid: jwk.kid }, payload, tenant.keys[0]);
      await assertRefused(gateway, signed, 'token_invalid', /^algorithm /, `alg "${alg}" over a good signature`);
    }
    for (const [name, secret] of [
      ['PEM', pem],
      ['JWK text', JSON.stringify(jwk)],
      ['modulus', Buffer.from(jwk.n, 'base64url')],
    ]) {
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS384', 'sha384'],
        ['HS512', 'sha512'],
      ]) {
        const token = hmac(hash, secret, { alg, kid: jwk.kid });
        await assertRefused(
          gateway,
          token,
          'token_invalid',
          /^algorithm "HS\d+" is not allowed$/,
          `${alg} with the ${name} as secret`,
        );
      }
      const disguised = hmac('sha256', secret, { alg: 'RS256', kid: jwk.kid });
      await assertRefused(
        gateway,
        disguised,
        'token_invalid',
        /^the signature does not verify$/,
        `an HMAC with the ${name}, called RS256`,
      );
    }
  });

  test('is signed with an algorithm that the authorizer does not list', async (t) => {
    const strict = await protectedGateway(tenant, {});
    t.after(() => strict.close());
    assert.equal((await ask(strict, await tenant.mint())).status, 200, 'RS256 is the default');
    for (const alg of ALGORITHMS.slice(1)) {
      const reason = new RegExp(`^algorithm "${alg}" is not allowed$`);
      await assertRefused(strict, await tenant.mint({}, { alg }), 'token_invalid', reason, alg);
    }
  });

  test('is malformed', async () => {
    const good = await tenant.mint();
    const [header, payload, signature] = good.split('.');
    const signed = (head, claims) => jws(head, claims, tenant.keys[0]);
    const { kid } = tenant.keys[0];
    const alg = 'RS256';
    const malformedHeader = /^the header is malformed$/;
    const malformedClaims = /^the claims are malformed$/;
    const notBase64 = /^a part is not base64url$/;
    const notThree = /^not three parts$/;
    const table = [
      ['one part', header, notThree],
      ['two parts', `${header}.${payload}`, notThree],
      ['four parts', `${good}.${signature}`, notThree],
      ['five parts, as of an encrypted token', `${good}.${payload}.${signature}`, notThree],
      ['nothing but dots', '..', malformedHeader],
      ['an empty header', `.${payload}.${signature}`, malformedHeader],
      ['an empty payload', signed({ alg, kid }, ''), malformedClaims],
      ['an empty signature', `${header}.${payload}.`, /^the signature does not verify$/],
      ['padding', `${header}.${payload}.${signature}==`, notBase64],
      ['padding of the header', `${header}=.${payload}.${signature}`, notBase64],
      ['base64 with a plus', `${header}.${payload}.+${signature.slice(1)}`, notBase64],
      ['base64 with a slash', `${header}.${payload}.${signature.slice(0, -1)}/`, notBase64],
      [
        'base64url with bits left over',
        `${header}.${payload}.${signature.slice(0, -1)}${leftOver(signature.at(-1))}`,
        notBase64,
      ],
      ['a header that is not base64url', `~~~.${payload}.${signature}`, notBase64],
      ['a header that is not JSON', signed('{"alg":"RS256"', '{}'), malformedHeader],
      ['a header that is a list', signed('["RS256"]', '{}'), malformedHeader],
      ['a header without alg', signed({ kid }, '{}'), malformedHeader],
      ['an alg that is a number', signed({ alg: 256, kid }, '{}'), malformedHeader],
      ['a kid that is a number', signed({ alg, kid: 7 }, '{}'), malformedHeader],
      ['alg twice', signed(`{"alg":"RS256","alg":"RS256","kid":"${kid}"}`, '{}'), malformedHeader],
      ['alg none and alg RS256', signed(`{"alg":"none","alg":"RS256","kid":"${kid}"}`, '{}'), malformedHeader],
      ['kid twice', signed(`{"alg":"RS256","kid":"other","kid":"${kid}"}`, '{}'), malformedHeader],
      [
        'a member that nobody knows twice',
        signed(`{"alg":"RS256","kid":"${kid}","x":1,"\\u0078":2}`, '{}'),
        malformedHeader,
      ],
      ['claims that are not JSON', signed({ alg, kid }, 'iss=joe'), malformedClaims],
      ['claims that are a string', signed({ alg, kid }, '"joe"'), malformedClaims],
      ['claims that are null', signed({ alg, kid }, 'null'), malformedClaims],
      ['claims that are not UTF-8', signed({ alg, kid }, Buffer.from('{"iss":"\xff"}', 'latin1')), malformedClaims],
      ['claims with something behind', signed({ alg, kid }, '{} {}'), malformedClaims],
      ['iss twice', signed({ alg, kid }, `{"iss":"x","iss":"${tenant.issuer}"}`), malformedClaims],
      ['a claim twice within another', signed({ alg, kid }, '{"a":{"b":1,"b":1}}'), malformedClaims],
      [
        'claims deeper than any are',
        signed({ alg, kid }, `{"a":${'['.repeat(2000)}${']'.repeat(2000)}}`),
        malformedClaims,
      ],
      ['a nested token', signed({ alg, kid, cty: 'JWT' }, 'a.b.c'), /^the payload is not a set of claims$/],
      [
        'crit of an unknown name',
        signed({ alg, kid, crit: ['exp'], exp: 1 }, '{}'),
        /^a critical extension is not understood$/,
      ],
      ['crit of b64', signed({ alg, kid, crit: ['b64'], b64: true }, '{}'), /^a critical extension is not understood$/],
      ['an empty crit', signed({ alg, kid, crit: [] }, '{}'), /^a critical extension is not understood$/],
      ['a crit that is no list', signed({ alg, kid, crit: null }, '{}'), /^a critical extension is not understood$/],
      [
        'more than 16 KiB',
        await tenant.mint({ filler: 'x'.repeat(16 * 1024) }),
        /^\d{5} bytes, at most 16384 are read$/,
      ],
      ['far more than 16 KiB', 'x'.repeat(60_000), /^60000 bytes, at most 16384 are read$/],
    ];
    for (const [message, token, reason] of table) {
      await assertRefused(gateway, token, 'token_invalid', reason, message);
    }
    assert.equal((await ask(gateway, good)).status, 200, 'the token that all of these were made of');
  });

  test('is signed with a key that is not for it', async (t) => {
    const own = await startTenant({ publishedAlgs: ['RS512', 'ES256'] });
    t.after(() => own.close());
    const stranger = await generateSigningKey('RS256');
    const encrypting = { ...(await generateSigningKey('RS256')), use: 'enc', alg: undefined };
    const wrapping = { ...(await generateSigningKey('RS256')), use: undefined, key_ops: ['wrapKey'] };
    const oaep = { ...(await generateSigningKey('RS256')), use: undefined, alg: 'RSA-OAEP' };
    const weak = {
      ...generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' }),
      kid: 'weak',
    };
    publish(own, [...own.keys, encrypting, wrapping, oaep, weak].map(publicKeyOf));
    const strict = await protectedGateway(own, { algorithms: ALGORITHMS });
    t.after(() => strict.close());

    const [rs256, rs512, es256] = own.keys;
    const claims = claimsOf(await own.mint({ iat: seconds() - 60 }));
    const noKey = (kid) => new RegExp(`^no key "${kid}" of the algorithm's type$`);
    const leftOut = (kid, why) => new RegExp(`^the key "${kid}" cannot be used: ${why}$`);
    /** @type {any[][]} */
    const table = [
      ['the kid of an elliptic key', jws({ alg: 'RS256', kid: es256.kid }, claims, rs256), noKey(es256.kid)],
      [
        'the kid of an RSA key for another algorithm',
        jws({ alg: 'RS256', kid: rs512.kid }, claims, rs512),
        noKey(rs512.kid),
      ],
      ['the kid of an RSA key under ES256', jws({ alg: 'ES256', kid: rs256.kid }, claims, rs256), noKey(rs256.kid)],
      ['a kid that nobody has', jws({ alg: 'RS256', kid: 'nobody' }, claims, rs256), noKey('nobody')],
      ['an empty kid', jws({ alg: 'RS256', kid: '' }, claims, rs256), noKey('')],
      [
        "a stranger's key under a known kid",
        jws({ alg: 'RS256', kid: rs256.kid }, claims, stranger),
        /^the signature does not verify$/,
      ],
      [
        'its own key in the header',
        jws({ alg: 'RS256', kid: stranger.kid, jwk: publicKeyOf(stranger) }, claims, stranger),
        noKey(stranger.kid),
      ],
      [
        'an encryption key of the set',
        jws({ alg: 'RS256', kid: encrypting.kid }, claims, encrypting),
        leftOut(encrypting.kid, 'for another use than signatures'),
      ],
      [
        'a wrapping key of the set',
        jws({ alg: 'RS256', kid: wrapping.kid }, claims, wrapping),
        leftOut(wrapping.kid, 'for another use than signatures'),
      ],
      [
        'a key of the set for RSA-OAEP',
        jws({ alg: 'RS256', kid: oaep.kid }, claims, oaep),
        leftOut(oaep.kid, 'its alg is not supported'),
      ],
      [
        'an RSA key of 1024 bits',
        jws({ alg: 'RS256', kid: 'weak' }, claims, weak),
        leftOut('weak', 'an RSA key of 1024 bits, not 2048 to 8192'),
      ],
    ];
    for (const [message, token, reason] of table) {
      await assertRefused(strict, token, 'token_invalid', reason, message);
    }
    assert.equal(
      (await ask(strict, jws({ alg: 'RS256', kid: rs256.kid }, claims, rs256))).status,
      200,
      'the good key beside them',
    );
  });

  test('names no key where several could have signed it', async (t) => {
    const own = await startTenant();
    t.after(() => own.close());
    await own.rotateKeys();
    const strict = await protectedGateway(own, {});
    t.after(() => strict.close());
    const reason = /^no kid, and not exactly one key of the algorithm's type$/;
    await assertRefused(strict, await own.mint({}, { header: { kid: undefined } }), 'token_invalid', reason, 'no kid');
  });
});

describe('what is sent instead of a token', () => {
  test('gets a bare challenge where it is no credential of ours', async () => {
    for (const authorization of [undefined, 'Basic dXNlcjpwYXNz', 'DPoP a.b.c', 'BearerX a.b.c']) {
      const answer = await gateway.ask('/private', { headers: authorization ? { authorization } : {} });
      assert.deepEqual([answer.status, answer.body.code], [401, 'token_missing'], authorization);
      assert.equal(answer.headers.get('www-authenticate'), 'Bearer', authorization);
      assert.equal(answer.record.code, 'token_missing', authorization);
    }
  });

  test('is refused as a bad token where it is the bearer scheme with something else', async () => {
    const token = await tenant.mint();
    for (const authorization of [
      'Bearer',
      `Bearer ${token} ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      'Bearer {"a":1}',
      `Bearer "${token}"`,
    ]) {
      const answer = await gateway.ask('/private', { headers: { authorization } });
      assertTellsNothing(answer, 'token_invalid', authorization);
      assert.match(answer.record.reason ?? '', /Authorization/, authorization);
    }
    assert.equal(
      (await gateway.ask('/private', { headers: { authorization: `bEaReR   ${token}` } })).status,
      200,
      'in any case',
    );
  });

  test('never takes a token from the query or from a body', async () => {
    const token = await tenant.mint();
    assert.equal((await gateway.ask(`/private?access_token=${token}`)).body.code, 'token_missing');
    const answer = await gateway.ask('/private', {
      method: 'POST',
      body: new URLSearchParams({ access_token: token }),
    });
    assert.equal(answer.body.code, 'token_missing');
  });
});

// The next letter of the alphabet differs in bits alone that no byte takes up.
function leftOver(letter) {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
  return alphabet[alphabet.indexOf(letter) + 1];
}
