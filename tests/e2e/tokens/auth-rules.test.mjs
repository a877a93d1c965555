// What a path may ask of a token besides that it is genuine: scopes, permissions, claims; and paths on which a credential may be
// absent. Which authorizer a path asks is in named-authorizers.test.mjs.

import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { startApi } from '../../../dev/api.mjs';
import { assertTellsNothing, flipSignatureBit } from '../support/bearer.mjs';
import { proxied, sendRaw, startGateway } from '../support/harness.mjs';
import { assertProblem } from '../support/login-flow.mjs';
import { AUDIENCE, ISSUER, SECRET, claimsFor, signedWithSecret, unsigned } from '../support/signing.mjs';

const authorizer = { type: 'jwt', issuer: ISSUER, audience: AUDIENCE, secret: SECRET };
const token = (claims) => signedWithSecret(SECRET, claimsFor(claims));
const bearer = (claims) => ({ headers: { authorization: `Bearer ${token(claims)}` } });

// What a path demands, the claims that satisfy it, and those that do not; each with a message.
/** @type {any[][]} */
const DEMANDS = [
  [
    { scopes: ['read:orders', 'write:orders'] },
    [
      [{ scope: 'read:orders write:orders' }, 'both'],
      [{ scope: 'openid write:orders email read:orders' }, 'both among others, in another order'],
      [{ scope: '  read:orders   write:orders ' }, 'more spaces than there need be'],
      [{ scp: ['write:orders', 'read:orders'] }, 'scp, as a list'],
      [{ scp: 'read:orders write:orders' }, 'scp, as text'],
      [{ scope: 'read:orders', scp: ['write:orders'] }, 'one in each'],
    ],
    [
      [{}, 'none'],
      [{ scope: '' }, 'an empty text'],
      [{ scope: 'read:orders' }, 'one of two'],
      [{ scp: ['write:orders'] }, 'the other one'],
      [{ scope: 'read:orders write:order' }, 'a beginning of one'],
      [{ scope: 'read:orders write:orders:all' }, 'one that goes on'],
      [{ scope: 'READ:ORDERS WRITE:ORDERS' }, 'in another case'],
      [{ scope: 'read:orders,write:orders' }, 'with a comma between'],
      [{ scope: 'read:orders\twrite:orders' }, 'with a tab between'],
      [{ scope: 7, scp: { 'read:orders': true, 'write:orders': true } }, 'of other types'],
      [{ scp: [['read:orders', 'write:orders']] }, 'a list in a list'],
      [{ permissions: ['read:orders', 'write:orders'] }, 'permissions, which are no scopes'],
    ],
  ],
  [
    { any_scopes: ['admin', 'read:orders'] },
    [
      [{ scope: 'admin' }, 'one'],
      [{ scp: ['x', 'read:orders'] }, 'the other'],
      [{ scope: 'admin read:orders' }, 'both'],
    ],
    [
      [{}, 'none'],
      [{ scope: 'administrator read' }, 'something like each'],
      [{ permissions: ['admin'] }, 'a permission'],
    ],
  ],
  [
    { scopes: ['read:orders'], any_scopes: ['eu', 'us'] },
    [[{ scope: 'us read:orders' }, 'the one, and one of two']],
    [
      [{ scope: 'read:orders' }, 'the one alone'],
      [{ scope: 'eu us' }, 'two, and not the one'],
    ],
  ],
  [
    { permissions: ['read:orders', 'write:orders'] },
    [[{ permissions: ['write:orders', 'read:orders', 'x'] }, 'both among others']],
    [
      [{}, 'none'],
      [{ permissions: ['read:orders'] }, 'one of two'],
      [{ permissions: 'read:orders write:orders' }, 'a text'],
      [{ permissions: { 0: 'read:orders', 1: 'write:orders' } }, 'an object'],
      [{ scope: 'read:orders write:orders' }, 'scopes, which are no permissions'],
    ],
  ],
  [
    { claims: { org_id: 'org_1' } },
    [
      [{ org_id: 'org_1' }, 'the value'],
      [{ org_id: ['org_0', 'org_1'] }, 'a list that contains it'],
    ],
    [
      [{}, 'none'],
      [{ org_id: 'org_10' }, 'a longer value'],
      [{ org_id: 'ORG_1' }, 'another case'],
      [{ org_id: ['org_2'] }, 'a list without it'],
      [{ org_id: [] }, 'an empty list'],
      [{ org_id: null }, 'null'],
      [{ org_id: { org_1: true } }, 'an object'],
      [{ org: { id: 'org_1' } }, 'a claim of another name'],
    ],
  ],
  [
    { claims: { org_id: ['org_1', 'org_2'] } },
    [
      [{ org_id: 'org_2' }, 'one of the values'],
      [{ org_id: ['org_3', 'org_1'] }, 'a list with one of them'],
    ],
    [
      [{ org_id: 'org_3' }, 'another value'],
      [{ org_id: ['org_3'] }, 'a list of others'],
      [{}, 'none'],
    ],
  ],
  [
    { claims: { 'app.plan': 'gold', level: 3, verified: true } },
    [
      [{ app: { plan: 'gold' }, level: 3, verified: true }, 'each, one within another'],
      [{ app: { plan: ['silver', 'gold'] }, level: [1, 3], verified: true }, 'each, in lists'],
      [{ 'app.plan': 'gold', level: 3, verified: true }, 'a claim that has the dot in its name'],
    ],
    [
      [{ app: { plan: 'gold' }, level: 3 }, 'all but one'],
      [{ app: { plan: 'gold' }, level: '3', verified: true }, 'a text for a number'],
      [{ app: { plan: 'gold' }, level: 3, verified: 'true' }, 'a text for a boolean'],
      [{ app: { plan: 'gold' }, level: 3, verified: 1 }, 'a number for a boolean'],
      [{ app: 'gold', level: 3, verified: true }, 'no object where one leads on'],
      [{ app: [{ plan: 'gold' }], level: 3, verified: true }, 'a list where an object leads on'],
    ],
  ],
  [
    { claims: { 'https://example.com/roles': 'admin' } },
    [[{ 'https://example.com/roles': ['admin'] }, 'a claim that is named by an address']],
    [
      [{ roles: ['admin'] }, 'none of that name'],
      [{ 'https://example.com/roles': 'administrator' }, 'a longer value'],
    ],
  ],
];

let api;
let gateway;

before(async () => {
  api = await startApi();
  gateway = await startGateway({
    config: {
      servers: [{ alias: 'api', url: api.origin }],
      authorizers: { partners: authorizer, strangers: { ...authorizer, issuer: 'https://strangers.example/' } },
      paths: [
        ...DEMANDS.map(([auth], index) => ({
          method: 'ANY',
          path: `/demand/${index}`,
          auth,
          response: { passed: true },
        })),
        proxied('/optional/{.+}', 'api', {
          auth: { optional: true },
          mapping: {
            headers: { 'x-user': '$request.jwt.sub', 'x-org': '$request.jwt.org.id' },
            query: { user: '$request.jwt.sub' },
          },
        }),
        proxied('/optional-scope/{.+}', 'api', {
          auth: { optional: true, scopes: ['read:orders'] },
          mapping: { headers: { 'x-user': '$request.jwt.sub' } },
        }),
        proxied('/demanded/{.+}', 'api', { auth: { scopes: ['read:orders'] } }),
      ],
    },
  });
});

after(async () => {
  await gateway?.close();
  await api?.close();
});

describe('a path lets pass whom it asks for', () => {
  for (const [index, [auth, passing]] of DEMANDS.entries()) {
    test(JSON.stringify(auth), async () => {
      for (const [claims, message] of passing) {
        const answer = await gateway.ask(`/demand/${index}`, bearer(claims));
        assert.deepEqual(
          [answer.status, answer.body?.passed],
          [200, true],
          `${message}: ${answer.text} ${answer.record.reason}`,
        );
      }
    });
  }
});

test('a number is one and the same however it is written', async () => {
  const index = DEMANDS.findIndex(([{ claims }]) => claims?.level === 3);
  const rest = JSON.stringify(claimsFor({ 'app.plan': 'gold', verified: true })).slice(1);
  for (const [number, status] of /** @type {any[][]} */ ([
    ['3', 200],
    ['3.0', 200],
    ['30e-1', 200],
    ['3.5', 403],
    ['"3"', 403],
  ])) {
    const text = [JSON.stringify({ alg: 'HS256' }), `{"level":${number},${rest}`]
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const headers = {
      authorization: `Bearer ${text}.${createHmac('sha256', SECRET).update(text).digest('base64url')}`,
    };
    assert.equal((await gateway.ask(`/demand/${index}`, { headers })).status, status, number);
  }
});

/** Asserts a 403 that names the scopes to ask for, and nothing of what the token has. */
function assertInsufficient(answer, { scopes = [], any_scopes: anyScopes = [] }, message) {
  assertProblem(answer, [403, 'insufficient_scope'], message);
  assert.equal(answer.body.type, 'urn:bargate:problem:insufficient_scope', message);
  const wanted = [...scopes, ...anyScopes].join(' ');
  const challenge = answer.headers.get('www-authenticate') ?? '';
  const [, described, ...scope] =
    /^Bearer error="insufficient_scope", error_description="([^"\\]+)"(?:, scope="([^"]+)")?$/.exec(challenge) ?? [];
  assert.ok(described, `${message}: ${challenge}`);
  assert.deepEqual(scope, [wanted || undefined], `${message}: ${challenge}`);
}

describe('a path sends away, with 403, whom it does not ask for', () => {
  for (const [index, [auth, , refused]] of DEMANDS.entries()) {
    test(JSON.stringify(auth), async () => {
      for (const [claims, message] of refused) {
        const answer = await gateway.ask(`/demand/${index}`, bearer({ ...claims, sub: 'somebody-in-particular' }));
        assertInsufficient(answer, auth, message);
        assert.deepEqual([answer.record.status, answer.record.code], [403, 'insufficient_scope'], message);
        assert.ok(answer.record.reason, `${message}: the log says what is wanting`);
        assert.ok(
          !`${answer.text} ${[...answer.headers].join()}`.includes('somebody'),
          `${message}: nothing of the token is told`,
        );
      }
    });
  }

  test('whatever the method, and with nothing for the upstream', async () => {
    const before = api.requests.length;
    for (const method of ['GET', 'HEAD', 'POST', 'DELETE', 'PATCH']) {
      const answer = await gateway.ask('/demanded/x', { method, ...bearer({ scope: 'other' }) });
      assert.equal(answer.status, 403, method);
      assert.match(answer.headers.get('www-authenticate') ?? '', /insufficient_scope/, method);
    }
    assert.equal(api.requests.length, before);
    assert.equal((await gateway.ask('/demanded/x', bearer({ scope: 'read:orders' }))).status, 200, 'and who may, may');
  });

  test('and tells a token that is not believed, and one who has none, only the scopes of the path', async () => {
    for (const [claims, code] of /** @type {any[][]} */ ([
      [{ aud: 'another' }, 'token_invalid'],
      [{ exp: 1, scope: 'read:orders' }, 'token_expired'],
    ])) {
      assertTellsNothing(await gateway.ask('/demanded/x', bearer(claims)), code, code, 'read:orders');
    }
    const nothing = await gateway.ask('/demanded/x');
    assert.deepEqual(
      [nothing.status, nothing.body.code, nothing.headers.get('www-authenticate')],
      [401, 'token_missing', 'Bearer scope="read:orders"'],
    );
  });

  test('having named to one who has no token yet the first of those scopes of which one is enough', async () => {
    for (const [index, expected] of /** @type {any[][]} */ ([
      [0, 'Bearer scope="read:orders write:orders"'],
      [1, 'Bearer scope="admin"'],
      [2, 'Bearer scope="read:orders eu"'],
      [3, 'Bearer'],
    ])) {
      const answer = await gateway.ask(`/demand/${index}`);
      assert.deepEqual([answer.status, answer.headers.get('www-authenticate')], [401, expected], `${index}`);
    }
  });

  test('the same token where the one path is satisfied and the other is not, in either order', async () => {
    const same = bearer({ scope: 'admin' });
    const [all, any] = [0, 1].map((index) => () => gateway.ask(`/demand/${index}`, same));
    assert.deepEqual(
      [(await any()).status, (await all()).status, (await any()).status, (await all()).status],
      [200, 403, 200, 403],
    );
  });
});

describe('where a credential is optional', () => {
  /** Makes the request and gives what the upstream saw of it. */
  async function seenBehind(path, init) {
    const answer = await gateway.ask(path, init);
    assert.equal(answer.status, 200, answer.text);
    return api.requests.at(-1);
  }

  test('a good one passes, and with it who it is', async () => {
    const seen = await seenBehind('/optional/x', bearer({ sub: 'alice', org: { id: 'org_1' } }));
    assert.deepEqual([seen.headers['x-user'], seen.headers['x-org'], seen.query], ['alice', 'org_1', 'user=alice']);
  });

  test('none passes, and nobody can say for himself who he is', async () => {
    const spoofs = ['x-user', 'X-User', 'x_user', 'X_USER', 'x-org', 'x_org'];
    const answer = await sendRaw(gateway.origin, {
      path: '/optional/x',
      headers: Object.fromEntries(spoofs.map((name) => [name, 'admin'])),
    });
    assert.equal(answer.status, 200, answer.text);
    const { headers } = api.requests.at(-1);
    const identity = Object.keys(headers).filter((name) => /^x[-_](user|org)$/i.test(name));
    assert.deepEqual(identity, []);
    assert.equal(headers.authorization, undefined);
  });

  test('a credential that is not for the gateway passes on to the upstream', async () => {
    const seen = await seenBehind('/optional/x', { headers: { authorization: 'Basic dXNlcjpwYXNz' } });
    assert.deepEqual([seen.headers.authorization, seen.headers['x-user']], ['Basic dXNlcjpwYXNz', undefined]);
  });

  test('so does any other of one scheme, whatever it holds', async () => {
    for (const authorization of ['Digest username="Bearer", realm="a, Bearer"', 'BearerX a.b.c']) {
      assert.equal(
        (await seenBehind('/optional/x', { headers: { authorization } })).headers.authorization,
        authorization,
      );
    }
  });

  test('a navigation without one is let through, and led nowhere', async () => {
    const answer = await sendRaw(gateway.origin, { path: '/optional/x', headers: { 'sec-fetch-mode': 'navigate' } });
    assert.equal(answer.status, 200, answer.text);
  });

  test('a bad one is refused as ever', async () => {
    const before = api.requests.length;
    const good = token();
    const rows = [
      [token({ exp: 1 }), 'token_expired', 'an old one'],
      [token({ aud: 'another' }), 'token_invalid', 'one for another'],
      [token({ iss: 'https://strangers.example/' }), 'token_invalid', 'one of another authorizer'],
      [signedWithSecret(`${SECRET}!`), 'token_invalid', 'one with another secret'],
      [flipSignatureBit(good), 'token_invalid', 'an altered one'],
      [unsigned(), 'token_invalid', 'one that nobody signed'],
      ['', 'token_invalid', 'an empty one'],
      [`${good} ${good}`, 'token_invalid', 'two'],
      ['x'.repeat(20_000), 'token_invalid', 'one that is too long'],
    ];
    for (const [text, code, message] of rows) {
      const answer = await gateway.ask('/optional/x', { headers: { authorization: `Bearer ${text}` } });
      assertTellsNothing(answer, code, message);
    }
    assert.equal(api.requests.length, before, 'and the upstream hears nothing of it');
  });

  const bad = signedWithSecret(`${SECRET}!`);
  for (const [message, authorization] of [
    ['behind a tab', `Bearer\t${bad}`],
    ['behind a tab and a space', `bearer\t ${bad}`],
    ['behind a comma', `Basic dXNlcjpwYXNz, Bearer ${bad}`],
    ['in a second header', ['Basic dXNlcjpwYXNz', `Bearer ${bad}`]],
  ]) {
    test(`a bad one ${message} is not overlooked, and the upstream hears nothing of it`, async () => {
      const before = api.requests.length;
      const { status, text } = await sendRaw(gateway.origin, { path: '/optional/x', headers: { authorization } });
      assert.deepEqual([status, api.requests.length], [401, before], text);
    });
  }

  test('its scopes are asked of who brings one, and of nobody else', async () => {
    assert.equal((await seenBehind('/optional-scope/x')).headers['x-user'], undefined, 'nobody');
    const allowed = await seenBehind('/optional-scope/x', bearer({ sub: 'alice', scope: 'read:orders' }));
    assert.equal(allowed.headers['x-user'], 'alice', 'somebody who may');
    const answer = await gateway.ask('/optional-scope/x', bearer({ scope: 'write:orders' }));
    assertInsufficient(answer, { scopes: ['read:orders'] }, 'somebody who may not');
  });
});
