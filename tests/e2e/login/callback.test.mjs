// What the callback checks of an ID token (OpenID Connect Core section 3.1.3.7), and the page that hands tokens to a frame.

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { runInNewContext } from 'node:vm';
import { generateSigningKey } from '../../../dev/tenant/keys.mjs';
import { Browser } from '../support/harness.mjs';
import {
  CLIENT_ID,
  CLIENT_SECRET,
  assertPrivateJson,
  assertProblem,
  claimsOf,
  loginUntilCallback,
  startLoginGateway,
  startTenant,
} from '../support/login-flow.mjs';

const TARGET = 'https://app.example';
const FRAME_CALLBACK = '/frame/callback';
const FRAME_REDIRECT_URI = 'http://127.0.0.1:8787/frame/callback';
const CACHED_CALLBACK = '/cached/callback';
const CACHED_REDIRECT_URI = 'http://127.0.0.1:8787/cached/callback';
const ID_TOKEN_INVALID = [400, 'id_token_invalid'];

let tenant;
let gateway;

// What a config may do to answers, and must not do to those with tokens.
const CACHED = { 'cache-control': 'public, max-age=600', 'cdn-cache-control': 'max-age=600' };

before(async () => {
  tenant = await startTenant({ redirectUris: [FRAME_REDIRECT_URI, CACHED_REDIRECT_URI] });
  gateway = await startLoginGateway(tenant, {
    // Under it no page of the gateway could run its script.
    sections: { headers: { 'content-security-policy': "default-src 'self'" } },
    paths: [
      { method: 'GET', path: '/frame/login', integration: { type: 'auth0_login', redirect_uri: FRAME_REDIRECT_URI } },
      {
        method: 'GET',
        path: FRAME_CALLBACK,
        integration: {
          type: 'auth0_callback',
          response: 'web_message',
          target_origin: TARGET,
          redirect_uri: FRAME_REDIRECT_URI,
        },
        response_headers: { remove: ['cache-control'], set: CACHED },
      },
      { method: 'GET', path: '/cached/login', integration: { type: 'auth0_login', redirect_uri: CACHED_REDIRECT_URI } },
      {
        method: 'GET',
        path: CACHED_CALLBACK,
        integration: { type: 'auth0_callback', redirect_uri: CACHED_REDIRECT_URI },
        response_headers: { remove: ['cache-control'], set: CACHED },
      },
    ],
  });
});

after(async () => {
  await gateway?.close();
  await tenant?.close();
});

test('logins that ask for offline_access and get no refresh token are told in the log, once until one comes', async (t) => {
  const modest = await startLoginGateway(tenant, { authorizer: { scope: 'openid profile' } });
  t.after(() => modest.close());
  const given = () => gateway.records().filter(({ code }) => code === 'refresh_token_not_given');
  for (const [of, change, expected, message] of [
    [gateway, () => ({}), 0, 'one came'],
    [gateway, () => ({ refresh_token: undefined }), 1, 'none came'],
    [gateway, () => ({ refresh_token: '' }), 1, 'none came again'],
    [modest, () => ({ refresh_token: undefined }), 1, 'none was asked for'],
    [gateway, () => ({}), 1, 'one came in between'],
    [gateway, () => ({ refresh_token: undefined }), 2, 'none came any more'],
  ]) {
    const browser = new Browser();
    const callback = await loginUntilCallback(of, browser);
    editTokens(change);
    const answer = await of.askAs(browser, callback);
    assert.equal(answer.status, 200, `${message}: ${answer.text}`);
    await of.recordOf(answer);
    assert.equal(
      given().length + modest.records().filter(({ code }) => code === 'refresh_token_not_given').length,
      expected,
      message,
    );
  }
  assert.equal(given()[0].level, 'warn');
  assert.match(given()[0].message, /offline_access.*"prompt": "consent"/);
});

/** Makes the tenant answer the next code with its tokens, edited: `change` gets their members and gives those to replace. */
function editTokens(change) {
  const edit = async ({ headers, body }) => {
    const tokens = JSON.parse(body);
    return { status: 200, headers, body: { ...tokens, ...(await change(tokens)) } };
  };
  tenant.fault({ path: '/oauth/token', kind: 'edit', times: 1, edit });
}

/** Signs the ID token again, with claims replaced or, if they are `undefined`, left out. */
async function reissue(idToken, claims = {}, how = {}) {
  return tenant.mint({ scope: undefined, permissions: undefined, ...claimsOf(idToken), ...claims }, how);
}

test('an ID token that breaks any rule ends the login, and the log says which', async () => {
  const now = Math.floor(Date.now() / 1000);
  const strange = await generateSigningKey('RS256');
  const [published] = tenant.keys;
  const secretKey = { kty: 'oct', k: Buffer.from(CLIENT_SECRET).toString('base64url') };
  const other = 'another-client-of-the-tenant';
  /** @type {any[][]} */
  const table = [
    [{ nonce: 'not-that-of-this-login' }, {}, /^nonce is not that of this login/, 'another nonce'],
    [{ nonce: undefined }, {}, /^nonce is not that of this login/, 'no nonce'],
    [{ nonce: '' }, {}, /^nonce is not that of this login/, 'an empty nonce'],
    [{ nonce: 7 }, {}, /^nonce is not that of this login/, 'a nonce that is a number'],
    [{ aud: other, azp: undefined }, {}, /^aud is .*another-client/, 'another audience'],
    [{ aud: tenant.settings.audience, azp: undefined }, {}, /^aud is /, 'the audience of access tokens'],
    [{ aud: undefined }, {}, /^aud is missing/, 'no audience'],
    [{ aud: [CLIENT_ID, 7] }, {}, /^aud has the wrong type/, 'an audience that is a number'],
    [{ aud: [CLIENT_ID, other], azp: undefined }, {}, /^azp is missing/, 'two audiences, and no authorized party'],
    [{ sub: undefined }, {}, /^sub is missing/, 'no subject'],
    [{ sub: '' }, {}, /^sub is missing/, 'an empty subject'],
    [{ iat: undefined }, {}, /^iat is missing/, 'no time of issue'],
    [{}, { header: { typ: 'at+jwt' } }, /^typ is/, 'an access token by its type'],
    [{}, { header: { typ: 'application/logout+jwt' } }, /^typ is/, 'a logout token by its type'],
    [{ aud: [CLIENT_ID, other], azp: other }, {}, /^azp is .*another-client/, 'two audiences, and azp is the other'],
    [{ azp: other }, {}, /^azp is .*another-client/, 'another authorized party'],
    [
      { azp: 'x'.repeat(8 * 1024) },
      {},
      /^azp is .{1,66}, expected/,
      'another authorized party of 8 KiB, cut in the log',
    ],
    [{ azp: 7 }, {}, /^azp has the wrong type/, 'an authorized party that is a number'],
    [{ iss: 'https://evil.example/' }, {}, /^iss is .*evil/, 'another issuer'],
    [{ iss: tenant.origin }, {}, /^iss is /, 'the issuer without its slash'],
    [{ iss: undefined }, {}, /^iss is missing/, 'no issuer'],
    [{ exp: now - 60 }, {}, /^exp is /, 'expired'],
    [{ exp: undefined }, {}, /^exp is missing/, 'no expiry'],
    [{ exp: 'tomorrow' }, {}, /^exp has the wrong type/, 'an expiry that is a text'],
    [{ iat: now + 3600 }, {}, /^iat is /, 'issued in an hour'],
    [
      {},
      { key: strange, header: { kid: published.kid } },
      /signature does not verify/,
      'signed by another key under a known name',
    ],
    [{}, { key: strange }, /^no key/, 'signed by a key that the tenant does not publish'],
    [{}, { alg: 'HS256', key: secretKey }, /^algorithm/, 'signed with the client secret'],
    [{}, { alg: 'ES256' }, /^algorithm/, 'an algorithm that is not on the list'],
  ];
  const browser = new Browser();
  for (const [claims, how, reason, message] of table) {
    const callback = await loginUntilCallback(gateway, browser);
    editTokens(async ({ id_token: idToken }) => ({ id_token: await reissue(idToken, claims, how) }));
    const answer = await gateway.askAs(browser, callback);
    assertProblem(answer, ID_TOKEN_INVALID, message);
    const record = await gateway.recordOf(answer);
    assert.match(record.reason, reason, message);
  }
});

test('an ID token that is no token, or does not come though openid was asked for, ends the login', async () => {
  const unsigned = (idToken) =>
    [{ alg: 'none' }, claimsOf(idToken)]
      .map((part) => Buffer.from(JSON.stringify(part)).toString('base64url'))
      .join('.');
  /** @type {any[][]} */
  const table = [
    [() => 'no token', ID_TOKEN_INVALID, 'no token'],
    [() => '', ID_TOKEN_INVALID, 'an empty one'],
    [(idToken) => `${unsigned(idToken)}.`, ID_TOKEN_INVALID, 'alg none'],
    [(idToken) => idToken.slice(0, -8), ID_TOKEN_INVALID, 'a signature cut off'],
    [() => undefined, [502, 'idp_error'], 'none'],
    [() => null, [502, 'idp_error'], 'null'],
    [() => ({}), [502, 'idp_error'], 'an object'],
  ];
  const browser = new Browser();
  for (const [change, expected, message] of table) {
    const callback = await loginUntilCallback(gateway, browser);
    editTokens(({ id_token: idToken }) => ({ id_token: change(idToken) }));
    assertProblem(await gateway.askAs(browser, callback), expected, message);
  }
});

test('an ID token issued anew with the same claims passes, within the skew of the clocks too', async () => {
  const now = Math.floor(Date.now() / 1000);
  const table = [
    [{}, 'the same claims'],
    [{ aud: [CLIENT_ID] }, 'an audience in a list'],
    [{ aud: [CLIENT_ID, 'another'], azp: CLIENT_ID }, 'two audiences, and ours is the authorized party'],
    [{ azp: undefined }, 'no authorized party'],
    [{ exp: now - 5 }, 'expired for less than the skew'],
    [{ iat: now + 5 }, 'issued by a clock that is a little ahead'],
  ];
  const browser = new Browser();
  for (const [claims, message] of table) {
    const callback = await loginUntilCallback(gateway, browser);
    editTokens(async ({ id_token: idToken }) => ({ id_token: await reissue(idToken, claims) }));
    assertPrivateJson(await gateway.askAs(browser, callback), message);
  }
});

/** Runs the page of an answer in a window and gives what it posts, and to whom. */
function postedBy(answer, opener) {
  const [, nonce, script, ...more] = /<script nonce="([\w-]+)">([\s\S]*?)<\/script>/.exec(answer.text);
  assert.equal(answer.text.match(/<script/g).length, 1);
  assert.deepEqual(more, []);
  const posted = [];
  const receiver = (name) => ({ postMessage: (message, target) => posted.push({ name, message, target }) });
  runInNewContext(script, { window: { opener: opener ? receiver('opener') : null, parent: receiver('parent') } });
  assert.equal(posted.length, 1);
  // Objects of the other context have other prototypes.
  return { nonce, ...posted[0], message: JSON.parse(JSON.stringify(posted[0].message)) };
}

function assertPage(answer, nonce, message) {
  assert.equal(answer.status, 200, message);
  assert.equal(answer.headers.get('content-type'), 'text/html; charset=utf-8', message);
  assert.equal(answer.headers.get('cache-control'), 'no-store', message);
  assert.equal(answer.headers.get('referrer-policy'), 'no-referrer', message);
  assert.equal(answer.headers.get('x-content-type-options'), 'nosniff', message);
  const policy = `default-src 'none'; script-src 'nonce-${nonce}'; base-uri 'none'; frame-ancestors ${TARGET}`;
  assert.equal(answer.headers.get('content-security-policy'), policy, message);
}

test('a web message goes to exactly one origin, and its page can do nothing else', async () => {
  const browser = new Browser();
  const nonces = new Set();
  for (const opener of [false, true]) {
    const callback = await loginUntilCallback(gateway, browser, { at: '/frame/login', query: { return_to: '/home' } });
    const answer = await gateway.askAs(browser, callback);
    const { nonce, name, message, target } = postedBy(answer, opener);
    assertPage(answer, nonce, name);
    assert.deepEqual([name, target], [opener ? 'opener' : 'parent', TARGET]);
    assert.equal(message.type, 'authorization_response');
    assert.equal(claimsOf(message.response.id_token).aud, CLIENT_ID);
    assert.equal(message.response.return_to, '/home');
    nonces.add(nonce);
  }
  assert.equal(nonces.size, 2, 'a nonce for each page');
});

test('nothing that the provider sends can leave the script of a web message', async () => {
  const browser = new Browser();
  // biome-ignore lint/suspicious/noTemplateCurlyInString: what an attacker writes, not what is filled in
  const hostile = '</script><script>alert(1)</script><!--\u2028\u2029"\'\\`${alert(1)}';
  const callback = await loginUntilCallback(gateway, browser, { at: '/frame/login' });
  editTokens(() => ({ [hostile]: hostile }));
  const answer = await gateway.askAs(browser, callback);
  const { nonce, message } = postedBy(answer);
  assertPage(answer, nonce, 'hostile');
  assert.equal(message.response[hostile], hostile, 'it arrives as data');
});

test('a login that fails in a frame is told in the message, and is in the log', async () => {
  const markup = '</script><script>alert(1)</script>';
  const browser = new Browser();
  const login = await gateway.askAs(browser, '/frame/login');
  const state = new URL(login.headers.get('location')).searchParams.get('state');
  /** @type {any[][]} */
  const table = [
    [
      { error: 'login_required', error_description: markup, state },
      401,
      'login_required',
      'the provider would have to ask',
    ],
    [{ error: markup, error_description: markup, state }, 502, 'idp_rejected', 'an error with markup'],
    [{ code: 'x' }, 400, 'state_invalid', 'no state'],
  ];
  for (const [query, status, code, message] of table) {
    const answer = await gateway.askAs(browser, `${FRAME_CALLBACK}?${new URLSearchParams(query)}`);
    const posted = postedBy(answer);
    assertPage(answer, posted.nonce, message);
    const { response, type } = posted.message;
    assert.deepEqual([type, posted.target], ['authorization_response', TARGET], message);
    assert.deepEqual([response.status, response.code], [status, code], message);
    assert.equal(response.request_id, answer.headers.get('x-request-id'), message);
    assert.ok(!answer.text.includes('alert(1)'), `${message}: nothing is reflected`);
    const record = await gateway.recordOf(answer);
    assert.equal(record.code, code, `${message}: the log names the failure`);
  }
});

test('no cache may keep tokens, whatever the config removes and sets', async () => {
  for (const at of ['/cached/login', '/frame/login']) {
    const browser = new Browser();
    const answer = await gateway.askAs(browser, await loginUntilCallback(gateway, browser, { at }));
    assert.equal(answer.status, 200, answer.text);
    assert.match(answer.text, /access_token/);
    assert.deepEqual(
      Object.keys(CACHED).map((name) => answer.headers.get(name)),
      ['no-store', null],
      at,
    );
  }
});
